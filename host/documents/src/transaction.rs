//! A transaction: reads of the store as it was when it began, with its own changes, and the changes until they are committed.
//! In come operations on nodes, out go values; at the end all changes at once, or a conflict.
//! What it has read is remembered from the first change on that depends on it, so two transactions never both win.

use crate::cursor::Cursor;
use crate::engine::EngineFailure;
use crate::indexes::IndexEntry;
use crate::json::{Json, Members, scalar};
use crate::key::{self, Node};
use crate::limits::{SUBTREE_BYTES, TRANSACTION_BYTES};
use crate::number;
use crate::record::{Record, Shape, State};
use crate::store::{Commit, Reads, Span, Store, as_changes};
use crate::trouble::Trouble;
use std::collections::BTreeMap;

/// A transaction. Dropping it forgets its changes.
pub struct Transaction {
    store: Store,
    moment: u64,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    reads: Reads,
    /// Bytes of writes and reads.
    bytes: usize,
    ended: bool,
}

impl Transaction {
    pub(crate) fn new(store: Store, moment: u64) -> Self {
        Self { store, moment, writes: BTreeMap::new(), reads: Reads::default(), bytes: 0, ended: false }
    }

    /// Writes all changes in one step.
    ///
    /// # Errors
    /// [`Trouble::Conflict`] if something that was read has changed meanwhile; or what the engine cannot do.
    pub fn commit(mut self) -> Result<Commit, Trouble> {
        let (reads, writes) = self.take();
        if writes.is_empty() {
            // It has only looked, and what it saw was there at one moment.
            self.store.end(self.moment);
            return Ok(self.moment);
        }
        self.store.commit(self.moment, &reads, &as_changes(writes))
    }

    /// As [`Transaction::commit`], by who has the turn.
    pub(crate) fn commit_in_turn(mut self) -> Result<Commit, Trouble> {
        let (reads, writes) = self.take();
        if writes.is_empty() {
            self.store.end(self.moment);
            return Ok(self.moment);
        }
        self.store.commit_in_turn(self.moment, &reads, &as_changes(writes))
    }

    fn take(&mut self) -> (Reads, BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
        self.ended = true;
        (std::mem::take(&mut self.reads), std::mem::take(&mut self.writes))
    }

    /// How many keys it would change.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.writes.len()
    }

    /// Whether a subtree has so many nodes at most. Nothing relies on it.
    pub(crate) fn is_small(&self, at: &Node, nodes: u64) -> Result<bool, Trouble> {
        let mut cursor = Cursor::new(self, Span::below(&at.key()?));
        for _ in 0..nodes {
            if cursor.next()?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The value of a node.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn get(&mut self, at: &Node) -> Result<Option<Vec<u8>>, Trouble> {
        let key = at.key()?;
        Ok(self.record(&key)?.and_then(|record| record.value))
    }

    /// What there is at a node.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn look(&mut self, at: &Node) -> Result<State, Trouble> {
        let key = at.key()?;
        let record = self.record(&key)?;
        let has_children = self.first_in(&Span::below(&key))?.is_some();
        let exists = record.is_some() || has_children;
        Ok(State { value: record.and_then(|record| record.value), has_children, exists })
    }

    /// How many nodes with a value the subtree has, the node itself among them; counting ends above `most`.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn count(&mut self, at: &Node, most: u64) -> Result<u64, Trouble> {
        let key = at.key()?;
        let mut count = u64::from(self.record(&key)?.is_some_and(|record| record.value.is_some()));
        let span = Span::below(&key);
        let mut cursor = Cursor::new(self, span.clone());
        while count <= most {
            let Some((key, bytes)) = cursor.next()? else { break };
            count += u64::from(decoded(&key, bytes)?.value.is_some());
        }
        self.note_span(span)?;
        Ok(count)
    }

    /// A subtree as JSON; none: there is nothing.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn read(&mut self, at: &Node) -> Result<Option<Vec<u8>>, Trouble> {
        let key = at.key()?;
        let own = self.record(&key)?;
        let span = Span::below(&key);
        let mut left = SUBTREE_BYTES;
        let mut cursor = Cursor::new(self, span.clone());
        let json = subtree(&mut cursor, &key, own, &mut left)?;
        self.note_span(span)?;
        Ok(json.map(|json| {
            let mut text = Vec::new();
            json.write(&mut text);
            text
        }))
    }

    /// Sets the value of a node; its children stay. It reads nothing, so it never makes a conflict: a value has the same form
    /// whatever was there before, because what has one is no array any more.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn set(&mut self, at: &Node, value: &[u8]) -> Result<(), Trouble> {
        let (key, value) = (at.key()?, scalar(value)?);
        self.put(&key, &Record::value(value))
    }

    /// Stores JSON as a subtree; what was there before is gone.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn replace(&mut self, at: &Node, json: &[u8]) -> Result<(), Trouble> {
        let (key, json) = (at.key()?, Json::parse(json, at.levels())?);
        let mut records = Vec::new();
        json.flatten(&key, &mut records)?;
        self.clear(&key)?;
        for (key, record) in records {
            self.put(&key, &record)?;
        }
        Ok(())
    }

    /// Stores JSON over a subtree; what it does not name stays. Arrays take the place of what was there.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn merge(&mut self, at: &Node, json: &[u8]) -> Result<(), Trouble> {
        let (key, json) = (at.key()?, Json::parse(json, at.levels())?);
        self.merge_below(&key, json)
    }

    fn merge_below(&mut self, key: &[u8], json: Json) -> Result<(), Trouble> {
        key::check(key)?;
        match json {
            Json::Scalar(value) => self.put(key, &Record::value(value)),
            Json::Object(Members { own, named }) => {
                let is_empty = own.is_none() && named.is_empty();
                if let Some(value) = own {
                    self.put(key, &Record::value(value))?;
                }
                for (name, member) in named {
                    self.merge_below(&key::child(key, &name), member)?;
                }
                if is_empty { self.merge_empty(key) } else { Ok(()) }
            }
            array @ Json::Array(_) => {
                let mut records = Vec::new();
                array.flatten(key, &mut records)?;
                self.clear(key)?;
                records.into_iter().try_for_each(|(key, record)| self.put(&key, &record))
            }
        }
    }

    /// An empty object is only seen where there is nothing else.
    fn merge_empty(&mut self, key: &[u8]) -> Result<(), Trouble> {
        let has_value = self.record(key)?.is_some_and(|record| record.value.is_some());
        if has_value || self.first_in(&Span::below(key))?.is_some() {
            return Ok(());
        }
        self.put(key, &Record::shape(Shape::Object))
    }

    /// Deletes a node and everything below it. False: there was nothing.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn delete(&mut self, at: &Node) -> Result<bool, Trouble> {
        let key = at.key()?;
        self.clear(&key)
    }

    /// Adds a JSON number to a node's value, which is a number or missing, and gives the sum.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn increment(&mut self, at: &Node, by: &[u8]) -> Result<Vec<u8>, Trouble> {
        let key = at.key()?;
        let value = self.record(&key)?.and_then(|record| record.value);
        let sum = sum(at, value.as_deref().unwrap_or(b"0"), by)?;
        self.put(&key, &Record::value(sum.clone()))?;
        Ok(sum)
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

    pub(crate) fn writes(&self) -> &BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        &self.writes
    }

    fn clear(&mut self, key: &[u8]) -> Result<bool, Trouble> {
        let span = Span { from: std::ops::Bound::Included(key.to_vec()), ..Span::below(key) };
        let mut keys = Vec::new();
        let mut cursor = Cursor::new(self, span.clone());
        let mut bytes = 0;
        while let Some((key, _)) = cursor.next()? {
            bytes += key.len();
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
            for entry in old.iter().filter(|entry| !new.contains(entry)) {
                self.write(entry.key.clone(), None)?;
            }
            for entry in new {
                key::check(&entry.key)?;
                self.write(entry.key, Record::value(entry.value).encode())?;
            }
        }
        self.write(key.to_vec(), record.encode())
    }

    fn write(&mut self, key: Vec<u8>, bytes: Option<Vec<u8>>) -> Result<(), Trouble> {
        let size = key.len() + bytes.as_ref().map_or(0, Vec::len);
        if let Some(Some(before)) = self.writes.get(&key) {
            self.bytes = self.bytes.saturating_sub(key.len() + before.len());
        }
        self.bytes += size;
        check_bytes(self.bytes)?;
        self.writes.insert(key, bytes);
        Ok(())
    }

    fn note_key(&mut self, key: &[u8]) -> Result<(), Trouble> {
        if !self.reads.keys.contains(key) {
            self.bytes += key.len();
            check_bytes(self.bytes)?;
            self.reads.keys.insert(key.to_vec());
        }
        Ok(())
    }

    /// This transaction relies on all that lies between two keys.
    pub(crate) fn note_span(&mut self, span: Span) -> Result<(), Trouble> {
        if self.reads.spans.last() != Some(&span) {
            self.bytes += span_bytes(&span);
            check_bytes(self.bytes)?;
            self.reads.spans.push(span);
        }
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

fn span_bytes(span: &Span) -> usize {
    use std::ops::Bound::{Excluded, Included};
    [&span.from, &span.to]
        .into_iter()
        .map(|end| if let Included(key) | Excluded(key) = end { key.len() } else { 0 })
        .sum()
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

/// Everything below a key, and the key itself, as JSON.
fn subtree(cursor: &mut Cursor<'_>, at: &[u8], own: Option<Record>, left: &mut usize) -> Result<Option<Json>, Trouble> {
    let mut children = Vec::new();
    while let Some((key, bytes)) = cursor.peek()?.filter(|(key, _)| key.starts_with(at)) {
        let (name, child) = child_of(at, key)?;
        *left = left.checked_sub(name.len() + bytes.len() + 3).ok_or_else(|| {
            Trouble::refused(format!("the subtree has more than {SUBTREE_BYTES} bytes as JSON; read it page by page"))
        })?;
        let own = if key.len() == child.len() { cursor.next()? } else { None };
        let own = own.map(|(key, bytes)| decoded(&key, bytes)).transpose()?;
        children.extend(subtree(cursor, &child, own, left)?.map(|json| (name, json)));
    }
    Ok(Json::of_node(own, children))
}

fn sum(at: &Node, value: &[u8], by: &[u8]) -> Result<Vec<u8>, Trouble> {
    let number = |bytes: Vec<u8>, what: &str| {
        let text = String::from_utf8(bytes).unwrap_or_default();
        let is_number = text.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        if is_number { Ok(text) } else { Err(Trouble::refused(format!("{what} is {text}, which is no number"))) }
    };
    let value = number(value.to_vec(), &format!("the value of {at}"))?;
    let sum = number::sum(&value, &number(scalar(by)?, "the increment")?);
    sum.map(String::into_bytes).ok_or_else(|| Trouble::refused(format!("the sum at {at} is too large for a number")))
}
