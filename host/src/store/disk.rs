//! The engine that keeps documents on the disk: sled, which only this file names.
//! In come keys and bytes, out go the same; what sled cannot do is said with the way out.
//! It never lets a fault of sled end the host: a panic in it is a failure like others.

use super::pieces;
use qewd_documents::{Change, Engine, EngineFailure, Entry};
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// Bytes of pages that sled keeps in memory, 64 MiB: its own default of 1 GiB is more than many containers have.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a piece of sled's log, 2 MiB. What has more than a quarter of one becomes a file of its own, which sled never asks
/// the disk to keep: after a power cut it is not there, and neither is the store. A leaf of sled has some 17 entries, which
/// [`pieces`] keep short, and an inner node some 256 keys: both stay well below.
const SEGMENT_BYTES: usize = 2 * 1024 * 1024;
/// Bytes that stay free on the disk, 8 MiB: sled writes its log in pieces of [`SEGMENT_BYTES`], and a snapshot beside it; where
/// the disk is full in the middle of that, it can go on only after a new start.
const RESERVE: u64 = 8 * 1024 * 1024;
/// How much of the reserve changes may use that only delete.
const RESERVE_OF_DELETES: u64 = RESERVE / 2;
/// How much larger a change may become on the disk than its keys and values are.
const OVERHEAD: u64 = 4;
/// The file of sled that has to be on the disk when a flush is done.
const LOG: &str = "db";
/// The file of sled that is written once.
const CONFIGURATION: &str = "conf";

/// sled in a folder.
pub(super) struct Disk {
    db: sled::Db,
    /// sled's own flush asks the system to write, but not the disk to keep (`sync_file_range`); this file is asked for that.
    log: File,
    folder: PathBuf,
    /// Written while changes are made: so nobody meets pieces of two values.
    applying: RwLock<()>,
    /// Something failed while writing: what lies in memory may differ from what lies on the disk.
    broken: AtomicBool,
}

impl Disk {
    pub(super) fn open(folder: &Path) -> Result<Self, EngineFailure> {
        let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).segment_size(SEGMENT_BYTES);
        let db = guarded(|| config.open())?;
        let log = File::open(folder.join(LOG)).map_err(|error| failure(&sled::Error::Io(error)))?;
        // What was made just now; a flush is for the log. Some file systems cannot do this to folders, and need not.
        let configuration = folder.join(CONFIGURATION);
        for made in [configuration.as_path()].into_iter().chain(folder.ancestors().take(3)) {
            let _ = File::open(made).and_then(|made| made.sync_all());
        }
        Ok(Self { db, log, folder: folder.to_owned(), applying: RwLock::new(()), broken: AtomicBool::new(false) })
    }

    /// The bytes of a key, of which these are kept in its place.
    fn whole(&self, key: &[u8], kept: sled::IVec) -> Result<Option<Vec<u8>>, EngineFailure> {
        if pieces::length(&kept).is_none() {
            return Ok(Some(kept.to_vec()));
        }
        let _same = self.applying.read().unwrap_or_else(PoisonError::into_inner);
        // Once more, because it may have changed before.
        let Some(kept) = guarded(|| self.db.get(key))? else { return Ok(None) };
        let Some(length) = pieces::length(&kept) else { return Ok(Some(kept.to_vec())) };
        let mut whole = Vec::new();
        for piece in pieces::keys(key, length) {
            let piece = guarded(|| self.db.get(piece))?
                .ok_or_else(|| failure(&sled::Error::Corruption { at: None, bt: () }))?;
            whole.extend_from_slice(&piece);
        }
        Ok(Some(whole))
    }

    /// Everything that is to change for these changes, pieces of values among it.
    fn batch(&self, changes: &[Change]) -> Result<sled::Batch, EngineFailure> {
        let mut batch = sled::Batch::default();
        for (key, bytes) in changes {
            let before = guarded(|| self.db.get(key))?;
            if let Some(length) = before.and_then(|before| pieces::length(&before)) {
                pieces::keys(key, length).for_each(|piece| batch.remove(piece));
            }
            match bytes.as_deref().map(|bytes| (bytes, pieces::head(bytes))) {
                None => batch.remove(key.as_slice()),
                Some((bytes, None)) => batch.insert(key.as_slice(), bytes),
                Some((bytes, Some(head))) => {
                    batch.insert(key.as_slice(), head);
                    for (piece, bytes) in pieces::keys(key, bytes.len()).zip(bytes.chunks(pieces::PIECE_BYTES)) {
                        batch.insert(piece, bytes);
                    }
                }
            }
        }
        Ok(batch)
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
        guarded(|| self.db.get(key))?.map_or(Ok(None), |kept| self.whole(key, kept))
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure> {
        let found: Vec<(sled::IVec, sled::IVec)> = guarded(|| {
            let found = self.db.range::<&[u8], _>(range);
            if reverse { found.rev().take(limit).collect() } else { found.take(limit).collect() }
        })?;
        let whole = |(key, kept): (sled::IVec, sled::IVec)| {
            let bytes = self.whole(&key, kept).transpose()?;
            Some(bytes.map(|bytes| (key.to_vec(), bytes)))
        };
        found.into_iter().filter_map(whole).collect()
    }

    fn apply(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        self.check_whole()?;
        self.check_room(changes)?;
        let batch = self.batch(changes)?;
        let _alone = self.applying.write().unwrap_or_else(PoisonError::into_inner);
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
