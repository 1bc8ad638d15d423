//! An engine that keeps everything in memory and forgets it at the end: for hosts without a data folder, and for tests.
//! In come keys and bytes, out go the same.
//! It never writes to a disk.

use crate::engine::{Change, Engine, EngineFailure, Entry};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

/// An engine in memory.
#[derive(Debug, Default)]
pub struct Memory {
    entries: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Engine for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineFailure> {
        Ok(self.entries.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure> {
        if crate::span::is_empty(range) {
            return Ok(Vec::new());
        }
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let found = entries.range::<[u8], _>(range).map(|(key, bytes)| (key.clone(), bytes.clone()));
        Ok(if reverse { found.rev().take(limit).collect() } else { found.take(limit).collect() })
    }

    fn apply(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for (key, bytes) in changes {
            match bytes {
                Some(bytes) => entries.insert(key.clone(), bytes.clone()),
                None => entries.remove(key),
            };
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), EngineFailure> {
        Ok(())
    }
}
