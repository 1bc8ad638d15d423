//! Checksums for the cache of compiled modules.
//! In comes the cache's folder; out goes a cache in which every file is as it was written, and what is not is removed.
//! It never reads what is in a file: wasmtime writes the cache and runs what it holds, without looking whether a disk or a
//! copy has changed it meanwhile.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long writing a file may take before its writer counts as dead: many times what a slow disk needs.
const UNFINISHED: Duration = Duration::from_secs(600);

/// A cache below a folder that only this user can write to.
#[derive(Debug, Clone)]
pub(super) struct CheckedCache {
    /// Where wasmtime keeps compiled modules.
    code: PathBuf,
    /// One small file for each of them, of the same name: its checksum.
    sums: PathBuf,
}

impl CheckedCache {
    /// Removes from the cache what has no checksum, or another one, and what serves nobody any more.
    ///
    /// Hosts of one user share the cache and may start at the same moment. What one of them takes from another costs that
    /// one a compilation, and nothing else.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let cache = Self { code: folder.join("code"), sums: folder.join("sums") };
        std::fs::create_dir_all(&cache.code)?;
        std::fs::create_dir_all(&cache.sums)?;
        for file in cache.files() {
            cache.check(&file)?;
        }
        cache.tidy();
        Ok(cache)
    }

    /// Removes a file that is not as it was written.
    fn check(&self, file: &Path) -> io::Result<()> {
        let place = self.sum_file(file);
        let wanted = place.as_ref().and_then(|place| std::fs::read(place).ok());
        if wanted.is_some() && wanted == sum(file) {
            return Ok(());
        }
        let was_there = remove(file)?;
        if let (true, Some(_), Some(place)) = (was_there, wanted, place) {
            tracing::warn!("{} was damaged; its module is compiled anew", file.display());
            // It may be the checksum that was damaged: it would condemn what is compiled now at each start. It goes after
            // its file, which another host could seal without it.
            remove(&place)?;
        }
        Ok(())
    }

    /// Removes checksums of files that are gone, and files that a killed host did not write to their end: wasmtime takes
    /// them for those of a host that still writes, and keeps nothing in their place. What cannot be removed does no harm.
    fn tidy(&self) {
        // Sums first: one that is written meanwhile is of a file that is written before it.
        let sums = below(&self.sums);
        let files = self.files();
        let is_hidden = |sum: &PathBuf| sum.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let has_file = |sum: &PathBuf| files.iter().any(|file| file.file_name() == sum.file_name());
        let unused = sums.into_iter().filter(|sum| !is_hidden(sum) && !has_file(sum));
        let unfinished = self.all_files().into_iter().filter(|file| is_unfinished(file) && is_older(file, UNFINISHED));
        for file in unused.chain(unfinished) {
            if let Err(error) = remove(&file) {
                tracing::debug!("{}: {error}", file.display());
            }
        }
    }

    /// Where wasmtime keeps compiled modules.
    pub(super) fn code(&self) -> &Path {
        &self.code
    }

    /// Writes the checksums of what was compiled since the last time. What has none is compiled anew at the next start, so
    /// a failure costs only that.
    pub(super) fn seal(&self) {
        for file in self.files() {
            let Some(place) = self.sum_file(&file).filter(|place| !place.exists()) else { continue };
            if let Err(error) = sum(&file).map_or(Ok(()), |sum| put(&self.sums, &place, &sum)) {
                tracing::debug!("{}: {error}", place.display());
            }
        }
    }

    fn sum_file(&self, file: &Path) -> Option<PathBuf> {
        file.file_name().map(|name| self.sums.join(name))
    }

    /// The files of compiled modules. What has a dot in its name is wasmtime's own book-keeping.
    fn files(&self) -> Vec<PathBuf> {
        self.all_files().into_iter().filter(|file| file.extension().is_none() && file.is_file()).collect()
    }

    /// What wasmtime keeps: `modules/<compiler>/<key>`, and its book-keeping.
    fn all_files(&self) -> Vec<PathBuf> {
        let compilers = below(&self.code.join("modules"));
        compilers.iter().flat_map(|compiler| below(compiler)).collect()
    }
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}

/// Wasmtime writes under such a name first.
fn is_unfinished(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.as_encoded_bytes().starts_with(b"wip-"))
}

fn is_older(file: &Path, age: Duration) -> bool {
    let changed = file.metadata().and_then(|found| found.modified());
    // A time to come is a clock that was set back: nothing is known then.
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|passed| passed > age))
}

/// Whether it was there: what another host has removed is gone as well.
fn remove(file: &Path) -> io::Result<bool> {
    match std::fs::remove_file(file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn sum(file: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(file).ok()?;
    Some(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes).as_ref().to_vec())
}

/// In one step: half a checksum would be a wrong one.
fn put(folder: &Path, place: &Path, sum: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, sum)?;
    file.persist(place).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_changed_or_has_no_checksum_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CheckedCache::open(folder.path()).unwrap();
        let modules = cache.code().join("modules/wasmtime");
        std::fs::create_dir_all(&modules).unwrap();
        for name in ["good", "damaged", "good.stats"] {
            std::fs::write(modules.join(name), "code").unwrap();
        }
        cache.seal();
        std::fs::write(modules.join("unknown"), "code").unwrap();
        std::fs::write(modules.join("damaged"), "c0de").unwrap();
        assert_eq!(CheckedCache::open(folder.path()).unwrap().files(), [modules.join("good")]);
        assert!(modules.join("good.stats").exists());
    }

    #[test]
    fn a_damaged_checksum_condemns_its_file_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CheckedCache::open(folder.path()).unwrap();
        let file = cache.code().join("modules/wasmtime/file");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "code").unwrap();
        cache.seal();
        std::fs::write(cache.sum_file(&file).unwrap(), "no sum").unwrap();
        let cache = CheckedCache::open(folder.path()).unwrap();
        assert!(!file.exists());
        std::fs::write(&file, "code").unwrap();
        cache.seal();
        assert_eq!(CheckedCache::open(folder.path()).unwrap().files(), [file]);
    }

    #[test]
    fn what_serves_nobody_any_more_goes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CheckedCache::open(folder.path()).unwrap();
        let modules = cache.code().join("modules/wasmtime");
        std::fs::create_dir_all(&modules).unwrap();
        for name in ["kept", "gone", "old.wip-atomic-write-mod", "new.wip-atomic-write-mod"] {
            std::fs::write(modules.join(name), "code").unwrap();
        }
        cache.seal();
        std::fs::remove_file(modules.join("gone")).unwrap();
        let old = std::fs::File::options().write(true).open(modules.join("old.wip-atomic-write-mod")).unwrap();
        old.set_modified(std::time::SystemTime::now() - 2 * UNFINISHED).unwrap();
        let cache = CheckedCache::open(folder.path()).unwrap();
        let mut left = cache.all_files();
        left.sort();
        assert_eq!(left, ["kept", "new.wip-atomic-write-mod"].map(|name| modules.join(name)));
        assert_eq!(below(&cache.sums), [cache.sums.join("kept")]);
    }

    #[test]
    fn hosts_that_start_at_one_moment_do_not_hinder_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let modules = CheckedCache::open(folder.path()).unwrap().code().join("modules/wasmtime");
        std::fs::create_dir_all(&modules).unwrap();
        for round in 0..20 {
            for name in 0..50 {
                std::fs::write(modules.join(format!("{round}-{name}")), "code").unwrap();
            }
            std::thread::scope(|hosts| {
                let starts: Vec<_> = (0..3).map(|_| hosts.spawn(|| CheckedCache::open(folder.path()))).collect();
                for start in starts {
                    start.join().unwrap().unwrap();
                }
            });
        }
    }
}
