//! The file with the log of the documents: on the disk when it is flushed, and still where it was opened.
//! In comes the folder of the engine; out go flushes, and whether the path of the log leads to the open file, and not to nothing or to another one.
//! It never writes: what was removed under a host is written on for nobody, without any error of the system.

use qewd_documents::EngineFailure;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Result};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The file of sled that has to be on the disk when a flush is done.
pub(super) const LOG: &str = "db";
/// The file of sled that is written once.
const CONFIGURATION: &str = "conf";

/// The open log.
pub(super) struct LogFile {
    file: File,
    path: PathBuf,
    /// None: the file system does not name its files in a way that can be relied on.
    identity: Option<Identity>,
    is_lost: AtomicBool,
}

/// What names one file of a machine, as long as it is open.
type Identity = (u64, u64);

fn identity(found: &Metadata) -> Identity {
    (found.dev(), found.ino())
}

impl LogFile {
    /// Opens it, when the engine has made it.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(LOG);
        let file = File::open(&path)?;
        // What was made just now; a flush is for the log. Some file systems cannot do this to folders, and need not.
        let configuration = folder.join(CONFIGURATION);
        for made in [configuration.as_path()].into_iter().chain(folder.ancestors().take(3)) {
            let _ = File::open(made).and_then(|made| made.sync_all());
        }
        let open = file.metadata().ok().map(|found| identity(&found));
        let identity = open.filter(|open| path.metadata().is_ok_and(|found| identity(&found) == *open));
        Ok(Self { file, path, identity, is_lost: AtomicBool::new(false) })
    }

    /// Has the disk keep what was written.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_data()
    }

    /// Its bytes.
    pub(super) fn len(&self) -> u64 {
        self.file.metadata().map_or(0, |found| found.len())
    }

    /// Looks whether it is still there. What is lost once stays so: nobody knows what was missed meanwhile.
    pub(super) fn look(&self) {
        let Some(known) = self.identity else { return };
        let is_lost = match self.path.metadata() {
            Ok(found) => identity(&found) != known,
            // Anything else may pass.
            Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        };
        if is_lost && !self.is_lost.swap(true, Ordering::AcqRel) {
            tracing::error!("{}", self.words());
        }
    }

    /// Whether it was found lost.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// Refuses what would be written for nobody.
    pub(super) fn check(&self) -> std::result::Result<(), EngineFailure> {
        if self.is_lost() { Err(EngineFailure { words: self.words(), full: false }) } else { Ok(()) }
    }

    fn words(&self) -> String {
        let path = self.path.display();
        format!(
            "the documents were removed or replaced while the host ran ({path} is not the file that it opened); put them back, and start \
             this host anew"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_or_replaced_is_lost_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join(LOG), folder.path().join("aside"));
        File::create(&path).unwrap();
        let is_lost = |log: &LogFile| {
            log.look();
            log.is_lost()
        };
        let [one, other] = [LogFile::open(folder.path()), LogFile::open(folder.path())].map(Result::unwrap);
        assert!(!is_lost(&one) && one.check().is_ok());
        std::fs::rename(&path, &aside).unwrap();
        assert!(is_lost(&one) && one.check().is_err());
        File::create(&path).unwrap();
        assert!(is_lost(&other));
        std::fs::rename(&aside, &path).unwrap();
        assert!(is_lost(&one) && is_lost(&other));
    }
}
