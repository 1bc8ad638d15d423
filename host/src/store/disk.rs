//! The engine that keeps documents on the disk: sled, which only this file names.
//! In come keys and bytes, out go the same; what sled cannot do is said with the way out.
//! It never lets a fault of sled end the host: a panic in it is a failure like others.

use qewd_documents::{Change, Engine, EngineFailure, Entry};
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of pages that sled keeps in memory, 64 MiB: its own default of 1 GiB is more than many containers have.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes that stay free on the disk, 8 MiB: sled writes its log in pieces of half a megabyte, and a snapshot beside it; where
/// the disk is full in the middle of that, it can go on only after a new start.
const RESERVE: u64 = 8 * 1024 * 1024;
/// How much of the reserve changes may use that only delete.
const RESERVE_OF_DELETES: u64 = RESERVE / 2;
/// How much larger a change may become on the disk than its keys and values are.
const OVERHEAD: u64 = 4;
/// The file of sled that has to be on the disk when a flush is done.
const LOG: &str = "db";

/// sled in a folder.
pub(super) struct Disk {
    db: sled::Db,
    /// sled's own flush asks the system to write, but not the disk to keep (`sync_file_range`); this file is asked for that.
    log: File,
    folder: PathBuf,
    /// Something failed while writing: what lies in memory may differ from what lies on the disk.
    broken: AtomicBool,
}

impl Disk {
    pub(super) fn open(folder: &Path) -> Result<Self, EngineFailure> {
        let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES);
        let db = guarded(|| config.open())?;
        let log = File::open(folder.join(LOG)).map_err(|error| failure(&sled::Error::Io(error)))?;
        Ok(Self { db, log, folder: folder.to_owned(), broken: AtomicBool::new(false) })
    }

    /// Whether there is room for this on the disk, with a reserve.
    fn check_room(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        let Ok(system) = rustix::fs::statvfs(&self.folder) else { return Ok(()) };
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        let wanted: usize = changes.iter().map(|(key, bytes)| key.len() + bytes.as_ref().map_or(0, Vec::len)).sum();
        let only_deletes = changes.iter().all(|(_, bytes)| bytes.is_none());
        let reserve = if only_deletes { RESERVE_OF_DELETES } else { RESERVE };
        if free >= reserve.saturating_add((wanted as u64).saturating_mul(OVERHEAD)) {
            return Ok(());
        }
        let words = format!("the disk of the documents is full: {free} bytes are free; make room on it");
        Err(EngineFailure { words, full: true })
    }

    fn check_whole(&self) -> Result<(), EngineFailure> {
        if self.broken.load(Ordering::Acquire) {
            let words = "writing documents failed before; look at the disk, and start this host anew".to_owned();
            return Err(EngineFailure { words, full: false });
        }
        Ok(())
    }

    fn writing<T>(&self, work: impl FnOnce() -> sled::Result<T>) -> Result<T, EngineFailure> {
        self.check_whole()?;
        guarded(work).inspect_err(|_| self.broken.store(true, Ordering::Release))
    }
}

impl Engine for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineFailure> {
        guarded(|| self.db.get(key)).map(|found| found.map(|bytes| bytes.to_vec()))
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure> {
        let plain =
            |entry: sled::Result<(sled::IVec, sled::IVec)>| entry.map(|(key, bytes)| (key.to_vec(), bytes.to_vec()));
        guarded(|| {
            let found = self.db.range::<&[u8], _>(range);
            if reverse { found.rev().take(limit).map(plain).collect() } else { found.take(limit).map(plain).collect() }
        })
    }

    fn apply(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        self.check_whole()?;
        self.check_room(changes)?;
        let mut batch = sled::Batch::default();
        for (key, bytes) in changes {
            match bytes {
                Some(bytes) => batch.insert(key.as_slice(), bytes.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        self.writing(|| self.db.apply_batch(batch))
    }

    fn flush(&self) -> Result<(), EngineFailure> {
        self.writing(|| {
            self.db.flush()?;
            self.log.sync_data().map_err(sled::Error::Io)
        })
    }
}

/// Calls sled, and makes a failure of a panic in it.
fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, EngineFailure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| failure(&error)),
        Err(_) => Err(EngineFailure {
            words: "what the documents lie on is damaged: their engine stopped; run `qewd documents check`".to_owned(),
            full: false,
        }),
    }
}

fn failure(error: &sled::Error) -> EngineFailure {
    match error {
        sled::Error::Io(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            EngineFailure { words: format!("the disk of the documents is full: {error}; make room on it"), full: true }
        }
        sled::Error::Io(error) => {
            EngineFailure { words: format!("the disk of the documents: {error}; look at the disk"), full: false }
        }
        sled::Error::Corruption { .. } => EngineFailure {
            words: "what the documents lie on is damaged; run `qewd documents check`".to_owned(),
            full: false,
        },
        other => EngineFailure { words: format!("the engine of the documents: {other}"), full: false },
    }
}
