//! The documents of a data folder for an operator: of a host that runs, through its socket, or else from the disk.
//! In comes the data folder; out goes somebody who does operations on its documents.
//! It also opens what a host refuses to serve, so that what is left can be saved.

use super::StoreFailure;
use super::disk::Disk;
use super::folder::{DocumentFolder, FolderFailure, socket_in};
use super::operate::{Lines, Operation, operate};
use super::socket;
use qewd_documents::{Commit, Indexes, Store};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

/// Who does operations on documents.
pub enum Operator {
    /// A host that runs and holds them.
    Host(PathBuf),
    /// This process.
    Own(OwnStore),
}

/// Documents that this process has opened.
pub struct OwnStore {
    store: Store,
    folder: DocumentFolder,
}

impl Operator {
    /// Opens the documents of a data folder.
    ///
    /// # Errors
    /// [`StoreFailure`]
    pub fn open(data: &Path) -> Result<Self, StoreFailure> {
        let folder = match DocumentFolder::take(data, "qewd documents") {
            Ok(folder) => folder,
            Err(failure @ FolderFailure::Held { .. }) => {
                let socket = socket_in(&data.join("documents"));
                return if socket.exists() { Ok(Self::Host(socket)) } else { Err(failure.into()) };
            }
            Err(failure) => return Err(failure.into()),
        };
        let open = |why| StoreFailure::Open { folder: data.display().to_string(), why };
        let disk = Disk::open(&folder.engine()).map_err(|failure| open(failure.into()))?;
        let kept = Store::kept_indexes(&disk).map_err(|failure| open(failure.into()))?;
        let indexes = kept.map(|kept| Indexes::from_json(&kept)).transpose();
        let indexes = indexes.map_err(|bad| StoreFailure::Other(bad.to_string()))?.unwrap_or_default();
        let store = Store::open(Box::new(disk), indexes).map_err(open)?;
        Ok(Self::Own(OwnStore { store, folder }))
    }

    /// The last commit that is there and the last one that was acknowledged, if some are missing in between.
    #[must_use]
    pub fn lost(&self) -> Option<(Commit, Commit)> {
        let Self::Own(own) = self else { return None };
        let (found, acknowledged) = (own.store.committed(), own.folder.acknowledged());
        (found < acknowledged).then_some((found, acknowledged))
    }

    /// From now on what is there is all that there was.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn accept_loss(&self) -> std::io::Result<()> {
        match self {
            Self::Own(own) => own.folder.acknowledge(own.store.committed()),
            Self::Host(_) => Ok(()),
        }
    }

    /// Does an operation. Gives the closing word.
    ///
    /// # Errors
    /// The closing word, where not everything is as it should be.
    pub fn operate(
        &self,
        operation: &Operation,
        input: Box<dyn BufRead + Send>,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<String, String> {
        match self {
            Self::Host(path) => socket::call(path, operation, input, output, progress),
            Self::Own(own) => operate(&own.store, operation, &mut Lines { input, output, progress }),
        }
    }
}
