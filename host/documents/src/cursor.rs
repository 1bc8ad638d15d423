//! Walks through the entries between two keys, as a transaction sees them.
//! In comes a span, out go entries one by one, read from the store in pieces, with the transaction's own changes.
//! It never holds a lock between two entries.

use crate::engine::Entry;
use crate::store::Span;
use crate::transaction::Transaction;
use crate::trouble::Trouble;
use std::collections::{BTreeMap, VecDeque};

/// Entries of the first piece: who looks for one neighbour needs no more.
const FIRST: usize = 4;
/// Entries of a piece at most: some tens of kilobytes.
const MOST: usize = 256;

/// A place between two keys that moves on.
pub(crate) struct Cursor<'t> {
    transaction: &'t Transaction,
    /// What was read and not yet given.
    waiting: VecDeque<Entry>,
    /// What was not read yet.
    rest: Option<Span>,
    piece: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(transaction: &'t Transaction, span: Span) -> Self {
        Self { transaction, waiting: VecDeque::new(), rest: Some(span), piece: FIRST }
    }

    /// The next entry, which stays the next one.
    pub(crate) fn peek(&mut self) -> Result<Option<&Entry>, Trouble> {
        self.fill()?;
        Ok(self.waiting.front())
    }

    /// The next entry.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Trouble> {
        self.fill()?;
        Ok(self.waiting.pop_front())
    }

    /// Passes over everything that lies below a key, and the key itself.
    pub(crate) fn pass(&mut self, key: &[u8]) {
        while self.waiting.front().is_some_and(|(next, _)| next.starts_with(key)) {
            self.waiting.pop_front();
        }
        if !self.waiting.is_empty() {
            return;
        }
        // A leap: the next entries are not the neighbours of those before.
        self.piece = FIRST;
        if let Some(rest) = &mut self.rest {
            *rest = if rest.reverse { rest.behind(key) } else { rest.behind(&crate::key::behind(key)) };
        }
    }

    fn fill(&mut self) -> Result<(), Trouble> {
        while self.waiting.is_empty() {
            let Some(rest) = self.rest.take() else { return Ok(()) };
            let scanned = self.transaction.store().scan(&rest, self.piece, self.transaction.moment())?;
            self.piece = (self.piece * 2).min(MOST);
            self.rest = scanned.rest;
            self.waiting = self.with_own_changes(scanned.entries, &scanned.looked_at);
        }
        Ok(())
    }

    fn with_own_changes(&self, entries: Vec<Entry>, span: &Span) -> VecDeque<Entry> {
        let bounds = span.bounds();
        let writes = self.transaction.writes();
        if writes.is_empty() || crate::memory::is_empty(bounds) {
            return entries.into();
        }
        let mut own = writes.range::<[u8], _>(bounds).peekable();
        if own.peek().is_none() {
            return entries.into();
        }
        let mut merged: BTreeMap<Vec<u8>, Vec<u8>> = entries.into_iter().collect();
        for (key, bytes) in own {
            match bytes {
                Some(bytes) => merged.insert(key.clone(), bytes.clone()),
                None => merged.remove(key),
            };
        }
        if span.reverse { merged.into_iter().rev().collect() } else { merged.into_iter().collect() }
    }
}
