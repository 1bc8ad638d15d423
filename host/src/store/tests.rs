//! Tests of the store on a disk: the suite that every engine has to pass, and what only a disk can do.
//! In come folders that go with the test; out goes whether what was stored is there, and whether what is not is told.
//! No test here waits for time to pass.

use super::disk::Disk;
use super::gathered::Gathered;
use super::log_file::LOG;
use super::salvage::salvage;
use super::sum::Loss;
use qewd_documents as documents;
use qewd_documents::{Change, Engine, EngineFailure, Entry};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

mod damage;
#[path = "../../documents/src/tests/suite.rs"]
mod suite;

/// sled in a folder that goes with it, below what gathers there. Every third batch goes to the disk with those before it.
struct OfTest {
    engine: Gathered,
    applied: AtomicUsize,
    _folder: TempDir,
}

/// The engine under test.
fn engine() -> Box<dyn Engine> {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(&folder.path().join("sled")).unwrap();
    Box::new(OfTest { engine: Gathered::new(disk), applied: AtomicUsize::new(0), _folder: folder })
}

impl Engine for OfTest {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineFailure> {
        self.engine.get(key)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure> {
        self.engine.scan(range, reverse, limit)
    }

    fn apply(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        self.engine.apply(changes)?;
        if self.applied.fetch_add(1, Ordering::Relaxed) % 3 == 2 { self.engine.hand_over_now() } else { Ok(()) }
    }

    fn flush(&self) -> Result<(), EngineFailure> {
        self.engine.flush()
    }
}

#[test]
fn whether_a_folder_is_held_is_seen_without_touching_it() {
    let data = tempfile::tempdir().unwrap();
    assert!(!super::is_held(data.path()));
    let held = super::folder::DocumentFolder::take(data.path(), "a").unwrap();
    assert!(super::is_held(data.path()));
    drop(held);
    assert!(!super::is_held(data.path()));
}
