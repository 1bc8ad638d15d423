//! The folder of the documents: who holds it, and how far it is known to be whole.
//! In comes the data folder; out goes the right to use it, or who has it; and the last commit that was acknowledged.
//! It never reads the documents themselves.

use super::sum::Loss;
use qewd_documents::Commit;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Digits of the number of a commit.
const DIGITS: usize = 20;
/// The file that is locked by who holds the folder, and names them.
const HOLDER: &str = "holder";

/// Who holds a folder, as its file `holder` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The name of the host, or of the command.
    pub host: String,
    /// Its process, as that process's own machine or container counts.
    pub process: u32,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderFailure {
    /// Somebody else uses it.
    #[error(
        "the documents in {folder} are held by {} (process {}); stop it, or give this one a folder of its own with --data",
        holder.host, holder.process
    )]
    Held {
        /// The folder.
        folder: String,
        /// Who has it.
        holder: Holder,
    },
    /// The system refuses.
    #[error("{}: {error}; make it a folder that this user may write to", path.display())]
    System {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

/// A folder of documents that nobody else uses.
#[derive(Debug)]
pub(super) struct DocumentFolder {
    folder: PathBuf,
    acknowledged: File,
    /// Locked as long as it is open; the system gives it back however the process ends.
    _holder: File,
}

/// Whether somebody holds the documents of a data folder, without touching them.
#[must_use]
pub fn is_held(data: &Path) -> bool {
    let holder = OpenOptions::new().read(true).open(data.join("documents").join(HOLDER));
    holder.is_ok_and(|holder| matches!(holder.try_lock(), Err(TryLockError::WouldBlock)))
}

impl DocumentFolder {
    /// Takes the folder, and makes it if it is not there.
    pub(super) fn take(data: &Path, host: &str) -> Result<Self, FolderFailure> {
        let folder = data.join("documents");
        let system = |path: &Path| {
            let path = path.to_owned();
            move |error| FolderFailure::System { path, error }
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(system(&folder))?;
        let own = Holder { host: host.to_owned(), process: std::process::id() };
        let holder = hold(&folder, &own)?;
        let path = folder.join("acknowledged");
        let acknowledged = open(&path).map_err(system(&path))?;
        Ok(Self { folder, acknowledged, _holder: holder })
    }

    /// Where the engine keeps its files.
    pub(super) fn engine(&self) -> PathBuf {
        self.folder.join("sled")
    }

    /// Where a host that runs can be asked, by those who may use the folder.
    pub(super) fn socket(&self) -> PathBuf {
        socket_in(&self.folder)
    }

    /// Where what can be read of damaged documents is gathered.
    pub(super) fn rescue(&self) -> PathBuf {
        self.folder.join("rescue")
    }

    /// Puts what was gathered in the place of the damaged documents, and gives the place where these are kept from now on.
    pub(super) fn put_in_place(&self) -> std::io::Result<Option<PathBuf>> {
        let kept =
            (1..=u32::MAX).map(|number| self.folder.join(format!("damaged-{number}"))).find(|kept| !kept.exists());
        let had = self.engine().exists();
        if let Some(kept) = kept.as_ref().filter(|_| had) {
            std::fs::rename(self.engine(), kept)?;
        }
        std::fs::rename(self.rescue(), self.engine())?;
        File::open(&self.folder)?.sync_all()?;
        Ok(kept.filter(|_| had))
    }

    /// What is missing of the commits that were acknowledged, where this is the last one that is there.
    pub(super) fn missing(&self, found: Commit) -> Option<Loss> {
        let acknowledged = self.acknowledged();
        (found < acknowledged).then_some(Loss::Commits { found, acknowledged })
    }

    /// The last commit that was acknowledged; 0: none. What is no number promises more than any store can hold.
    fn acknowledged(&self) -> Commit {
        let mut text = [0; DIGITS];
        let length = self.acknowledged.read_at(&mut text, 0).unwrap_or(0);
        let text = text.get(..length).and_then(|text| std::str::from_utf8(text).ok());
        text.map_or(Commit::MAX, |text| if text.is_empty() { 0 } else { text.parse().unwrap_or(Commit::MAX) })
    }

    /// Writes down that this commit is on the disk. Not flushed: a power cut may take back what this says, never more.
    pub(super) fn acknowledge(&self, commit: Commit) -> std::io::Result<()> {
        self.acknowledged.write_all_at(format!("{commit:020}").as_bytes(), 0)
    }
}

/// The socket of the documents in a folder.
pub(super) fn socket_in(documents: &Path) -> PathBuf {
    documents.join("socket")
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn hold(folder: &Path, own: &Holder) -> Result<File, FolderFailure> {
    let path = folder.join(HOLDER);
    let system = |error| FolderFailure::System { path: path.clone(), error };
    let mut file = open(&path).map_err(system)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let read = file.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok());
            // It may be about to write its name.
            let holder = read.unwrap_or_else(|| Holder { host: "another process".to_owned(), process: 0 });
            return Err(FolderFailure::Held { folder: folder.display().to_string(), holder });
        }
        Err(TryLockError::Error(error)) => return Err(system(error)),
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(serde_json::to_string(own).unwrap_or_default().as_bytes())
    };
    write(&mut file).map_err(system)?;
    Ok(file)
}
