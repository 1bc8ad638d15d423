//! Checksums for the cache of compiled modules.
//! In comes the cache's folder; out goes a cache in which every file is as it was written, and what is not is removed.
//! It never reads what is in a file: wasmtime writes the cache and runs what it holds, without looking whether a disk or a
//! copy has changed it meanwhile.

use std::io;
use std::path::{Path, PathBuf};

/// A cache below a folder that only this user can write to.
#[derive(Debug, Clone)]
pub(super) struct CheckedCache {
    /// Where wasmtime keeps compiled modules.
    code: PathBuf,
    /// One small file for each of them, of the same name: its checksum.
    sums: PathBuf,
}

impl CheckedCache {
    /// Removes from the cache what has no checksum, or another one.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let cache = Self { code: folder.join("code"), sums: folder.join("sums") };
        std::fs::create_dir_all(&cache.code)?;
        std::fs::create_dir_all(&cache.sums)?;
        for file in cache.files() {
            let wanted = cache.sum_file(&file).and_then(|sum| std::fs::read(sum).ok());
            if wanted.is_some() && wanted == sum(&file) {
                continue;
            }
            if wanted.is_some() {
                tracing::warn!("{} was damaged; its module is compiled anew", file.display());
            }
            remove(&file)?;
        }
        Ok(cache)
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

    /// The files of compiled modules: `modules/<compiler>/<key>`. What has a dot in its name is wasmtime's own book-keeping.
    fn files(&self) -> Vec<PathBuf> {
        let below = |folder: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
        };
        let compilers = below(&self.code.join("modules"));
        let files = compilers.iter().flat_map(|compiler| below(compiler));
        files.filter(|file| file.extension().is_none() && file.is_file()).collect()
    }
}

/// Hosts of one user share the cache and may start at the same moment: what another one has removed is gone as well.
fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
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
        let names = |cache: &CheckedCache| -> Vec<PathBuf> { cache.files() };
        assert_eq!(names(&CheckedCache::open(folder.path()).unwrap()), [modules.join("good")]);
        assert!(modules.join("good.stats").exists());
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
