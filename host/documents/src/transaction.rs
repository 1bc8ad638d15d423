//! A transaction: reads of the store as it was when it began, with its own changes, and the changes until they are committed.
//! In come operations on nodes, out go values; at the end all changes at once, or a conflict.
//! What it has read is remembered until it ends, so of two that rely on each other's changes only one wins.

use crate::cursor::Cursor;
use crate::engine::{Changes, EngineFailure};
use crate::indexes::IndexEntry;
use crate::key::{self, Node};
use crate::limits::{ENTRY_BYTES, TRANSACTION_BYTES};
use crate::record::Record;
use crate::span::Span;
use crate::store::{Commit, Reads, Store, Turn};
use crate::trouble::Trouble;
use std::collections::BTreeMap;

/// The new bytes of keys; none: the key goes.
type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Keys, and what was to be written there before, if anything was.
type Undo = Vec<(Vec<u8>, Option<Option<Vec<u8>>>)>;

/// A transaction. Dropping it forgets its changes.
pub struct Transaction {
    store: Store,
    moment: u64,
    writes: Writes,
    reads: Reads,
    /// While an operation runs: what it has written.
    undo: Option<Undo>,
    /// Bytes of writes and reads.
    bytes: usize,
    ended: bool,
}

impl Transaction {
    pub(crate) fn new(store: Store, moment: u64) -> Self {
        Self { store, moment, writes: BTreeMap::new(), reads: Reads::default(), undo: None, bytes: 0, ended: false }
    }

    /// Writes all changes in one step; none: there were none.
    ///
    /// # Errors
    /// [`Trouble::Conflict`] if something that was read has changed meanwhile; or what the engine cannot do.
    pub fn commit(self) -> Result<Option<Commit>, Trouble> {
        // Who has only looked saw what was there at one moment, and need not wait for anybody.
        if self.writes.is_empty() {
            return Ok(None);
        }
        let store = self.store.clone();
        let turn = store.turn();
        self.commit_in(&turn)
    }

    /// As [`Transaction::commit`], by who has the turn.
    pub(crate) fn commit_in(mut self, turn: &Turn<'_>) -> Result<Option<Commit>, Trouble> {
        if self.writes.is_empty() {
            return Ok(None);
        }
        self.ended = true;
        let changes: Changes = std::mem::take(&mut self.writes).into_iter().collect();
        self.store.commit(turn, self.moment, &self.reads, &changes).map(Some)
    }

    /// How many keys it would change.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.writes.len()
    }

    /// A record, on which this transaction relies from now on.
    pub(crate) fn record(&mut self, key: &[u8]) -> Result<Option<Record>, Trouble> {
        let record = self.record_unnoted(key)?;
        self.note_key(key)?;
        Ok(record)
    }

    pub(crate) fn record_unnoted(&self, key: &[u8]) -> Result<Option<Record>, Trouble> {
        let bytes = match self.writes.get(key) {
            Some(written) => written.clone(),
            None => self.store.get(key, self.moment)?,
        };
        bytes.map(|bytes| decoded(key, bytes)).transpose()
    }

    /// The first entry of a span.
    pub(crate) fn first_in(&mut self, span: &Span) -> Result<Option<Vec<u8>>, Trouble> {
        let found = Cursor::new(self, span.clone()).next()?.map(|(key, _)| key);
        // What lies behind the first one does not matter.
        self.note_span(found.as_ref().map_or_else(|| span.clone(), |key| span.until(key)))?;
        Ok(found)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn moment(&self) -> u64 {
        self.moment
    }

    pub(crate) fn writes(&self) -> &Writes {
        &self.writes
    }

    /// Does all of an operation, or nothing where it fails: so that who goes on then commits nothing half-done.
    pub(crate) fn whole<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Trouble>) -> Result<T, Trouble> {
        self.undo = Some(Vec::new());
        let done = work(self);
        let undo = self.undo.take().filter(|_| done.is_err()).unwrap_or_default();
        for (key, before) in undo.into_iter().rev() {
            self.bytes -= self.writes.remove(&key).map_or(0, |bytes| size(&key, bytes.as_deref()));
            if let Some(before) = before {
                self.bytes += size(&key, before.as_deref());
                self.writes.insert(key, before);
            }
        }
        done
    }

    /// Deletes a key and everything below it; whether there was something.
    pub(crate) fn clear(&mut self, key: &[u8]) -> Result<bool, Trouble> {
        let span = Span { from: std::ops::Bound::Included(key.to_vec()), ..Span::below(key) };
        let mut keys = Vec::new();
        let mut cursor = Cursor::new(self, span.clone());
        let mut bytes = self.bytes;
        while let Some((key, _)) = cursor.next()? {
            bytes += size(&key, None);
            check_bytes(bytes)?;
            keys.push(key);
        }
        self.note_span(span)?;
        for key in &keys {
            self.put(key, &Record::default())?;
        }
        Ok(!keys.is_empty())
    }

    /// The one place where a node changes; its index entries change with it.
    pub(crate) fn put(&mut self, key: &[u8], record: &Record) -> Result<(), Trouble> {
        let store = self.store.clone();
        if let Some(indexed) = store.indexes().of(key) {
            let before = self.record(key)?.and_then(|record| record.value);
            let old: Vec<IndexEntry> = indexed.entries(before.as_deref());
            let new: Vec<IndexEntry> = indexed.entries(record.value.as_deref());
            for entry in old.into_iter().filter(|entry| !new.contains(entry)) {
                let is_own = |kept: Record| kept.value.as_ref() == Some(&entry.value);
                if !entry.is_shared || self.record(&entry.key)?.is_some_and(is_own) {
                    self.write(entry.key, None)?;
                }
            }
            for entry in new {
                key::check(&entry.key)
                    .map_err(|trouble| Trouble::refused(format!("this value has no place in an index: {trouble}")))?;
                self.write(entry.key, Record::value(entry.value).encode())?;
            }
        }
        self.write(key.to_vec(), record.encode())
    }

    fn write(&mut self, key: Vec<u8>, bytes: Option<Vec<u8>>) -> Result<(), Trouble> {
        let before = self.writes.get(&key).map_or(0, |before| size(&key, before.as_deref()));
        self.charge(before, size(&key, bytes.as_deref()))?;
        match &mut self.undo {
            Some(undo) => {
                let before = self.writes.insert(key.clone(), bytes);
                undo.push((key, before));
            }
            None => drop(self.writes.insert(key, bytes)),
        }
        Ok(())
    }

    fn note_key(&mut self, key: &[u8]) -> Result<(), Trouble> {
        if !self.reads.keys.contains(key) {
            self.charge(0, size(key, None))?;
            self.reads.keys.insert(key.to_vec());
        }
        Ok(())
    }

    /// This transaction relies on all that lies between two keys.
    pub(crate) fn note_span(&mut self, span: Span) -> Result<(), Trouble> {
        if self.reads.spans.last() != Some(&span) {
            self.charge(0, span.size())?;
            self.reads.spans.push(span);
        }
        Ok(())
    }

    /// Counts bytes that come, in the place of others.
    fn charge(&mut self, before: usize, bytes: usize) -> Result<(), Trouble> {
        let bytes = self.bytes - before + bytes;
        check_bytes(bytes)?;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.ended {
            self.store.end(self.moment);
        }
    }
}

/// What a key and its bytes take.
fn size(key: &[u8], bytes: Option<&[u8]>) -> usize {
    key.len() + bytes.map_or(0, <[u8]>::len) + ENTRY_BYTES
}

fn check_bytes(bytes: usize) -> Result<(), Trouble> {
    if bytes <= TRANSACTION_BYTES {
        return Ok(());
    }
    Err(Trouble::refused(format!("one transaction may read and write {TRANSACTION_BYTES} bytes; do it in several")))
}

/// The child below a key in which another key lies: its name and its key.
pub(crate) fn child_of(at: &[u8], key: &[u8]) -> Result<(String, Vec<u8>), Trouble> {
    let found = key.get(at.len()..).and_then(key::first_name);
    let child = found.and_then(|(name, length)| Some((name, key.get(..at.len() + length)?.to_vec())));
    child.ok_or_else(|| damaged(key))
}

pub(crate) fn damaged(key: &[u8]) -> Trouble {
    let at = Node::of(key).map_or_else(|| format!("{key:02x?}"), |node| node.to_string());
    let words = format!("what is kept at {at} is damaged; run `qewd documents check`");
    Trouble::Engine(EngineFailure { words, full: false })
}

/// A node from its bytes. Nothing else may lie in the store, so anything else is damage.
pub(crate) fn decoded(key: &[u8], bytes: Vec<u8>) -> Result<Record, Trouble> {
    Record::decode(bytes).ok_or_else(|| damaged(key))
}
