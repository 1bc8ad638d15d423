//! The engine that keeps documents on the disk: sled, which only this file names.
//! In come keys and bytes, out go the same; what sled cannot do is said with the way out.
//! It never lets a fault of sled end the host, and never takes sled's word that nothing is missing: it keeps a sum of its own.

#[cfg(test)]
mod forget;

use super::log_file::{LOG, LogFile};
use super::pending::Pending;
use super::pieces::{Head, head, is_own, owner, piece_key, split};
use super::quiet;
use super::room::{self, Room};
use super::sum::{Loss, Sum};
use qewd_documents::{Change, Engine, EngineFailure, Entry};
use sled::transaction::{TransactionError, Transactional, TransactionalTree, UnabortableTransactionError};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Bytes of a segment of sled's log, 2 MiB: four times what a page can become (see [`super::pieces`]), so that sled, which makes
/// files of what is larger and does not flush them, never does.
pub(super) const SEGMENT_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of pages that sled keeps in memory, 64 MiB: its own default of 1 GiB is more than many containers have.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Milliseconds between two rounds of sled's own thread, 500, which is its default. We flush ourselves; but nothing else than this
/// thread makes room of what was overwritten.
const ROUND_MS: u64 = 500;
/// How long the lock of an earlier opening may be left, 5 s, and how often it is tried meanwhile: threads end in milliseconds.
const LEFT_LOCKED: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Where the sum is kept: pages of its own, which are short, because it changes with each commit.
const SUMS: &str = "sums";
/// Its key there: no key of an entry begins so.
pub(super) const SUM_KEY: [u8; 1] = [0];
/// How the names of sled's threads begin, which is all that tells whose they are.
static THREADS: [&str; 2] = ["sled-io", "log flusher"];

/// sled in a folder. Clones are the same.
#[derive(Clone)]
pub(super) struct Disk {
    inner: Arc<Inner>,
}

struct Inner {
    entries: sled::Db,
    sums: sled::Tree,
    /// The sum of all entries; none: it was lost. Held for writing while they change, so who reads sees all of a change.
    sum: RwLock<Option<Sum>>,
    /// sled's own flush asks the system to write, but not the disk to keep (`sync_file_range`); this file is asked for that.
    log: LogFile,
    folder: PathBuf,
    /// Something failed while writing: what lies in memory may differ from what lies on the disk.
    broken: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.is_broken() {
            // Letting go of sled waits for its threads, and they may be no more.
            std::mem::forget((self.entries.clone(), self.sums.clone()));
        }
    }
}

impl Inner {
    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire) || quiet::has_died()
    }

    /// The bytes of an entry, from those that the engine has.
    fn whole(&self, key: &[u8], bytes: &[u8]) -> sled::Result<Vec<u8>> {
        let damaged = || sled::Error::Corruption { at: None, bt: () };
        match head(bytes).ok_or_else(damaged)? {
            Head::Whole(bytes) => Ok(bytes.to_vec()),
            Head::Pieces(count) => {
                let mut whole = Vec::new();
                for number in 0..count {
                    whole.extend_from_slice(&self.entries.get(piece_key(key, number))?.ok_or_else(damaged)?);
                }
                Ok(whole)
            }
        }
    }
}

impl Disk {
    pub(super) fn open(folder: &Path) -> Result<Self, EngineFailure> {
        quiet::keep_quiet(&THREADS);
        room::check_to_open(&folder.join(LOG))?;
        let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES);
        let config = config.segment_size(SEGMENT_BYTES).flush_every_ms(Some(ROUND_MS));
        let (entries, sums, sum) = guarded(|| {
            let entries = open(&config)?;
            let sums = entries.open_tree(SUMS)?;
            let sum = sums.get(SUM_KEY)?.and_then(|bytes| Sum::of(&bytes));
            // Where nothing has been yet, nothing is missing.
            let sum = if sum.is_none() && entries.is_empty() { Some(Sum::default()) } else { sum };
            Ok((entries, sums, sum))
        })?;
        let log = LogFile::open(folder).map_err(|error| failure(&sled::Error::Io(error)))?;
        let (folder, sum, broken) = (folder.to_owned(), RwLock::new(sum), AtomicBool::new(false));
        Ok(Self { inner: Arc::new(Inner { entries, sums, sum, log, folder, broken }) })
    }

    /// Looks at every entry: whether all are there, and as they were. Nobody may change anything meanwhile.
    ///
    /// # Errors
    /// What is not.
    pub(super) fn verify(&self) -> Result<(), Loss> {
        let kept = *self.sum();
        let found = self.count().map_err(|failure| Loss::Unreadable(failure.words))?;
        found.compare(kept)?;
        // It also knows how many bytes there are.
        *self.inner.sum.write().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(())
    }

    /// From now on what is there is all that there was.
    pub(super) fn accept(&self) -> Result<(), EngineFailure> {
        let found = self.count()?;
        let mut sum = self.inner.sum.write().unwrap_or_else(PoisonError::into_inner);
        self.writing(|| self.inner.sums.insert(SUM_KEY, found.to_bytes()))?;
        *sum = Some(found);
        drop(sum);
        self.flush()
    }

    /// Stores entries of the engine's own form, as they were found elsewhere.
    pub(super) fn fill(&self, entries: Vec<Entry>) -> Result<(), EngineFailure> {
        let entries: Vec<Change> = entries.into_iter().map(|(key, bytes)| (key, Some(bytes))).collect();
        self.check_room(&entries, 0)?;
        self.change(|tree, sum| entries.iter().try_for_each(|(key, bytes)| put(tree, sum, key, bytes.as_deref())))
    }

    /// Takes away long values of which a piece is missing, and pieces that belong to nothing, as a damaged log leaves them.
    pub(super) fn tidy(&self) -> Result<(), EngineFailure> {
        let torn = guarded(|| {
            let mut torn = Vec::new();
            for entry in &*self.inner.entries {
                let (key, bytes) = entry?;
                let is_sound = match owner(&key) {
                    None => self.inner.whole(&key, &bytes).is_ok(),
                    Some((owner, number)) => self
                        .inner
                        .entries
                        .get(owner)?
                        .as_deref()
                        .and_then(head)
                        .is_some_and(|head| matches!(head, Head::Pieces(count) if number < count)),
                };
                if !is_sound {
                    torn.push(key.to_vec());
                }
            }
            Ok(torn)
        })?;
        // With a value go the pieces that are left of it.
        let torn: Vec<Change> = torn.into_iter().map(|key| (key, None)).collect();
        self.apply(&torn)
    }

    /// The sum of what is there.
    pub(super) fn count(&self) -> Result<Sum, EngineFailure> {
        let _turn = self.sum();
        guarded(|| {
            let mut sum = Sum::default();
            for entry in &*self.inner.entries {
                let (key, bytes) = entry?;
                sum.add(&key, &bytes);
            }
            Ok(sum)
        })
    }

    /// The sum as it is kept.
    pub(super) fn sum(&self) -> RwLockReadGuard<'_, Option<Sum>> {
        self.inner.sum.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for this on the disk, beside so many bytes that are on their way. What the store notes for
    /// itself is always let through: a flush has to come to its end.
    pub(super) fn check_room(&self, changes: &[Change], others: usize) -> Result<(), EngineFailure> {
        self.check_whole()?;
        let changes = || changes.iter().filter(|(key, _)| !is_own(key));
        if changes().next().is_none() {
            return Ok(());
        }
        let wanted: usize = changes().map(|(key, bytes)| key.len() + bytes.as_ref().map_or(0, Vec::len)).sum();
        let only_deletes = changes().all(|(_, bytes)| bytes.is_none());
        match self.room() {
            Some(room) if !room.is_enough((wanted + others) as u64, only_deletes) => {
                let words = format!("the disk of the documents is full: {} bytes are free; make room on it", room.free);
                Err(EngineFailure { words, full: true })
            }
            _ => Ok(()),
        }
    }

    /// What room there is; nothing, where the system does not tell. It asks the disk, which may take its time.
    pub(super) fn room(&self) -> Option<Room> {
        let system = rustix::fs::statvfs(&self.inner.folder).ok()?;
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        Some(Room { free, log: self.inner.log.len(), kept: self.sum().map_or(0, |sum| sum.bytes) })
    }

    /// The file in which all of it lies.
    pub(super) fn log(&self) -> &LogFile {
        &self.inner.log
    }

    /// Whether nothing can be written any more until the next start.
    pub(super) fn is_broken(&self) -> bool {
        self.inner.is_broken()
    }

    /// Changes entries and the sum in one step.
    fn change(
        &self,
        work: impl Fn(&TransactionalTree, &mut Sum) -> Result<(), UnabortableTransactionError>,
    ) -> Result<(), EngineFailure> {
        let mut sum = self.inner.sum.write().unwrap_or_else(PoisonError::into_inner);
        let before = (*sum).unwrap_or_default();
        let after = self.writing(|| {
            let changed = (&*self.inner.entries, &self.inner.sums).transaction(|(entries, sums)| {
                let mut after = before;
                work(entries, &mut after)?;
                sums.insert(&SUM_KEY, after.to_bytes())?;
                Ok(after)
            });
            changed.map_err(|error| match error {
                TransactionError::Storage(error) => error,
                TransactionError::Abort(()) => sled::Error::ReportableBug("a change was given up".to_owned()),
            })
        })?;
        *sum = Some(after);
        Ok(())
    }

    fn check_whole(&self) -> Result<(), EngineFailure> {
        self.inner.log.check()?;
        if self.inner.is_broken() {
            let words = "writing documents failed before; look at the disk, and start this host anew".to_owned();
            return Err(EngineFailure { words, full: false });
        }
        Ok(())
    }

    fn writing<T>(&self, work: impl FnOnce() -> sled::Result<T>) -> Result<T, EngineFailure> {
        self.check_whole()?;
        guarded(work).inspect_err(|_| self.inner.broken.store(true, Ordering::Release))
    }
}

/// Stores or deletes an entry of the engine, and brings the sum up to date.
fn put(
    entries: &TransactionalTree,
    sum: &mut Sum,
    key: &[u8],
    bytes: Option<&[u8]>,
) -> Result<(), UnabortableTransactionError> {
    let before = match bytes {
        Some(bytes) => entries.insert(key, bytes)?,
        None => entries.remove(key)?,
    };
    if let Some(before) = before {
        sum.take_away(key, &before);
    }
    if let Some(bytes) = bytes {
        sum.add(key, bytes);
    }
    Ok(())
}

impl Engine for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineFailure> {
        let _turn = self.sum();
        let inner = &self.inner;
        guarded(|| inner.entries.get(key)?.map(|bytes| inner.whole(key, &bytes)).transpose())
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure> {
        self.scan_below(&Pending::default(), range, reverse, limit)
    }

    fn apply(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        self.check_room(changes, 0)?;
        self.write(changes)
    }

    fn flush(&self) -> Result<(), EngineFailure> {
        self.writing(|| {
            self.inner.entries.flush()?;
            self.inner.log.sync().map_err(sled::Error::Io)
        })
    }
}

impl Disk {
    /// As [`Engine::scan`], with changes that the disk does not have yet.
    pub(super) fn scan_below(
        &self,
        pending: &Pending,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure> {
        let _turn = self.sum();
        let inner = &self.inner;
        let plain = |entry: sled::Result<(sled::IVec, sled::IVec)>| {
            let (key, bytes) = entry?;
            Ok((key.to_vec(), inner.whole(&key, &bytes)?))
        };
        guarded(|| {
            let found = inner.entries.range::<&[u8], _>(range);
            if reverse {
                pending.over(range, reverse, found.rev().map(plain)).take(limit).collect()
            } else {
                pending.over(range, reverse, found.map(plain)).take(limit).collect()
            }
        })
    }

    /// As [`Engine::apply`], where it is known that there is room.
    pub(super) fn write(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        // The last word on a key counts.
        let changes: BTreeMap<&[u8], Option<&[u8]>> =
            changes.iter().map(|(key, bytes)| (key.as_slice(), bytes.as_deref())).collect();
        self.change(|entries, sum| {
            for (key, bytes) in &changes {
                if let Some(Head::Pieces(count)) = entries.get(key)?.as_deref().and_then(head) {
                    (0..count).try_for_each(|number| put(entries, sum, &piece_key(key, number), None))?;
                }
                match bytes {
                    None => put(entries, sum, key, None)?,
                    Some(bytes) => {
                        let parts = split(key, bytes);
                        parts.iter().try_for_each(|(key, bytes)| put(entries, sum, key, Some(bytes)))?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// Opens it. Nobody else may have the folder open, which is locked; so a lock of sled is what an earlier opening of this
/// process leaves for a moment, until its threads have ended.
fn open(config: &sled::Config) -> sled::Result<sled::Db> {
    let begun = Instant::now();
    loop {
        match config.open() {
            Err(sled::Error::Io(error)) if is_locked(&error) && begun.elapsed() < LEFT_LOCKED => sleep(LOOK_AGAIN),
            opened => return opened,
        }
    }
}

/// sled gives the error a kind of its own, and says in these words what it was.
fn is_locked(error: &std::io::Error) -> bool {
    error.to_string().starts_with("could not acquire lock")
}

/// Calls sled, and makes a failure of a panic in it.
fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, EngineFailure> {
    quiet::within(work).map_or_else(|| Err(damaged()), |done| done.map_err(|error| failure(&error)))
}

fn damaged() -> EngineFailure {
    let words = "what the documents lie on is damaged; stop the host, and run `qewd documents check`".to_owned();
    EngineFailure { words, full: false }
}

fn failure(error: &sled::Error) -> EngineFailure {
    match error {
        sled::Error::Io(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            EngineFailure { words: format!("the disk of the documents is full: {error}; make room on it"), full: true }
        }
        sled::Error::Io(error) => {
            EngineFailure { words: format!("the disk of the documents: {error}; look at the disk"), full: false }
        }
        sled::Error::Corruption { .. } => damaged(),
        other => EngineFailure { words: format!("the engine of the documents: {other}"), full: false },
    }
}
