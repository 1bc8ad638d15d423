//! The document store of a host: where documents lie, who may use them, and when a write is on the disk.
//! In come requests that read and write documents; out go values, and word when a write is safe.
//! It knows no handler and no HTTP; the documents' own rules are in the crate `qewd-documents`, and only `disk.rs` names sled.

mod disk;
mod flusher;
mod folder;
mod gathered;
mod log_file;
mod offline;
mod operate;
mod pending;
mod pieces;
mod quiet;
mod request;
mod room;
mod salvage;
mod socket;
mod standing;
mod sum;
mod tail;
#[cfg(test)]
mod tests;

pub use folder::{FolderFailure, Holder, is_held};
pub use offline::Operator;
pub use operate::Operation;
pub use request::RequestDocuments;
pub use standing::Measured;
pub use sum::Loss;

use crate::configuration::{DocumentSettings, Durability};
use disk::Disk;
use flusher::Flusher;
use folder::DocumentFolder;
use gathered::Gathered;
use log_file::LOG;
use qewd_documents::{Commit, EngineFailure, Indexes, Locks, Memory, OpenFailure, Store, Trouble};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tail::Tail;
use tokio::sync::{Notify, RwLock};
use tokio_util::task::AbortOnDropHandle;

/// Why the documents cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreFailure {
    /// Their folder cannot.
    #[error(transparent)]
    Folder(#[from] FolderFailure),
    /// What lies in it cannot.
    #[error("the documents in {folder}: {why}")]
    Open {
        /// The folder.
        folder: String,
        /// Why not.
        why: OpenFailure,
    },
    /// What was there is not there any more.
    #[error(
        "the documents in {folder} are damaged: {loss}; restore a backup, or look with `qewd documents check` and `export` at \
         what is left, and accept the loss with `qewd documents check --accept-loss`"
    )]
    Lost {
        /// The folder.
        folder: String,
        /// What is missing.
        loss: Loss,
    },
    /// An index or a thread cannot be made.
    #[error("{0}")]
    Other(String),
}

/// The documents of a host.
pub struct Documents {
    store: Store,
    locks: Mutex<Locks>,
    /// Somebody gave a lock back.
    freed: Notify,
    /// Held to write by a transaction for which the commits of others wait.
    turns: Arc<RwLock<()>>,
    requests: AtomicU64,
    durability: Durability,
    /// None where documents are kept in memory only, as for the flusher. It goes before the flusher, which holds the folder.
    disk: Option<Disk>,
    flusher: Option<Flusher>,
    /// Answers operators.
    _operators: Option<AbortOnDropHandle<()>>,
}

impl Documents {
    /// Documents that are forgotten at the end.
    ///
    /// # Errors
    /// When an index is wrong.
    pub fn in_memory(settings: &DocumentSettings) -> Result<Self, StoreFailure> {
        let store = Store::open(Box::new(Memory::default()), indexes(settings)?);
        let store = store.map_err(|why| StoreFailure::Open { folder: "memory".to_owned(), why })?;
        Ok(Self::new(store, settings.durability))
    }

    /// The documents of a data folder, which is this process's alone from now on.
    ///
    /// # Errors
    /// [`StoreFailure`]
    pub fn open(data: &Path, host: &str, settings: &DocumentSettings) -> Result<Self, StoreFailure> {
        let folder = DocumentFolder::take(data, host)?;
        let tail = Tail::of(&folder.engine().join(LOG));
        let opened = whole(data, &folder, indexes(settings)?);
        if matches!(opened, Err(StoreFailure::Lost { .. } | StoreFailure::Open { .. })) {
            // sled has cut off what it could not read, and an operator may be able to.
            tail.put_back()
                .map_err(|error| StoreFailure::Other(format!("the documents in {}: {error}", data.display())))?;
        }
        drop(tail);
        let (store, disk, kept) = opened?;
        let has_others = kept.as_ref().map_or(!store.indexes().is_empty(), |kept| *kept != store.indexes().to_json());
        let failed = |trouble: Trouble| StoreFailure::Other(format!("the documents in {}: {trouble}", data.display()));
        if has_others {
            let nodes = qewd_documents::reindex(&store).map_err(failed)?;
            if nodes > 0 {
                tracing::info!("the indexes of the documents have changed; the entries of {nodes} nodes are made");
            }
        }
        if has_others || kept.is_none() {
            store.keep_indexes().map_err(|failure| failed(failure.into()))?;
        }
        // What a killed host had written and not flushed is shown from now on, and new entries are there: both have to stay.
        match store.flush() {
            // On a full disk documents can still be read.
            Err(failure) if failure.full => tracing::warn!("{failure}"),
            flushed => drop(flushed.map_err(|failure| failed(failure.into()))?),
        }
        let relaxed = settings.durability == Durability::Relaxed;
        let operators = operators(&folder, &store);
        let flusher = Flusher::start(store.clone(), folder, relaxed);
        let flusher = flusher.map_err(|error| StoreFailure::Other(format!("the thread of the documents: {error}")))?;
        Ok(Self {
            disk: Some(disk),
            flusher: Some(flusher),
            _operators: operators,
            ..Self::new(store, settings.durability)
        })
    }

    fn new(store: Store, durability: Durability) -> Self {
        let (locks, freed, turns, requests) = (Mutex::default(), Notify::new(), Arc::default(), AtomicU64::new(0));
        Self { store, locks, freed, turns, requests, durability, disk: None, flusher: None, _operators: None }
    }

    /// What a request begins with.
    #[must_use]
    pub fn request(self: &Arc<Self>) -> RequestDocuments {
        let who = self.requests.fetch_add(1, Ordering::Relaxed);
        RequestDocuments::new(Arc::clone(self), who)
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns when everything that was committed is on the disk, also where durability is relaxed.
    ///
    /// # Errors
    /// When it cannot be.
    pub async fn close(&self) -> Result<(), EngineFailure> {
        match &self.flusher {
            Some(flusher) => flusher.wait(self.store.committed()).await,
            None => Ok(()),
        }
    }

    /// Returns when a commit is as safe as config.json wants it.
    async fn wait(&self, commit: Commit) -> Result<(), EngineFailure> {
        match (&self.flusher, self.durability) {
            (Some(flusher), Durability::Durable) => flusher.wait(commit).await,
            _ => Ok(()),
        }
    }

    /// Why commits cannot be brought to the disk.
    fn failed(&self) -> Option<EngineFailure> {
        self.flusher.as_ref().and_then(Flusher::failed)
    }

    fn locks(&self) -> MutexGuard<'_, Locks> {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store of which nothing is missing, its disk, and the indexes that it had.
type Whole = (Store, Disk, Option<Vec<u8>>);

/// Opens what is there, if nothing is missing.
fn whole(data: &Path, folder: &DocumentFolder, indexes: Indexes) -> Result<Whole, StoreFailure> {
    let open = |why| StoreFailure::Open { folder: data.display().to_string(), why };
    let lost = |loss| StoreFailure::Lost { folder: data.display().to_string(), loss };
    let disk = Disk::open(&folder.engine()).map_err(|failure| open(failure.into()))?;
    // First: a store of another version may be whole in another way.
    if let Err(why @ OpenFailure::Format(_)) = Store::check_format(&disk) {
        return Err(open(why));
    }
    disk.verify().map_err(lost)?;
    let kept = Store::kept_indexes(&disk).map_err(|failure| open(failure.into()))?;
    let store = Store::open(Box::new(Gathered::new(disk.clone())), indexes).map_err(open)?;
    match folder.missing(store.committed()) {
        Some(loss) => Err(lost(loss)),
        None => Ok((store, disk, kept)),
    }
}

/// Answers operators while the host runs; without that, they have to stop it first.
fn operators(folder: &DocumentFolder, store: &Store) -> Option<AbortOnDropHandle<()>> {
    let path = folder.socket();
    match socket::bind(&path) {
        Ok(listener) => Some(AbortOnDropHandle::new(tokio::spawn(socket::serve(listener, store.clone())))),
        Err(error) => {
            let path = path.display();
            tracing::warn!("`qewd documents` cannot reach this host while it runs: {path}: {error}");
            None
        }
    }
}

fn indexes(settings: &DocumentSettings) -> Result<Indexes, StoreFailure> {
    Indexes::new(settings.indexes.clone()).map_err(|bad| StoreFailure::Other(bad.to_string()))
}
