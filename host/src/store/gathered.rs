//! The disk as the store of a running host uses it: commits gather in memory until somebody wants them on the disk.
//! In come the changes of commits, out go entries as they are with them; a flush gives all of them to the disk in one batch.
//! It never acknowledges anything: what is not flushed may be lost, all of it together.

use super::disk::Disk;
use super::pending::Pending;
use qewd_documents::{Change, Engine, EngineFailure, Entry};
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A disk, and what it has not been given yet.
pub(super) struct Gathered {
    disk: Disk,
    /// Held for writing until all of it is with the disk: so who reads finds each change in one of the two places.
    pending: RwLock<Pending>,
}

impl Gathered {
    pub(super) fn new(disk: Disk) -> Self {
        Self { disk, pending: RwLock::default() }
    }

    /// What a flush begins with.
    #[cfg(test)]
    pub(super) fn hand_over_now(&self) -> Result<(), EngineFailure> {
        self.hand_over(&mut self.pending_mut())
    }

    fn pending(&self) -> RwLockReadGuard<'_, Pending> {
        self.pending.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending_mut(&self) -> RwLockWriteGuard<'_, Pending> {
        self.pending.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives all changes to the disk. Their room was looked for when they came.
    fn hand_over(&self, pending: &mut Pending) -> Result<(), EngineFailure> {
        self.disk.write(&pending.all())?;
        pending.clear();
        Ok(())
    }
}

impl Engine for Gathered {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineFailure> {
        let pending = self.pending();
        pending.get(key).map_or_else(|| self.disk.get(key), |changed| Ok(changed.clone()))
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure> {
        self.disk.scan_below(&self.pending(), range, reverse, limit)
    }

    fn apply(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        let mut pending = self.pending_mut();
        self.disk.check_room(changes, pending.bytes())?;
        pending.add(changes);
        if pending.is_too_much() { self.hand_over(&mut pending) } else { Ok(()) }
    }

    fn flush(&self) -> Result<(), EngineFailure> {
        self.hand_over(&mut self.pending_mut())?;
        self.disk.flush()
    }
}
