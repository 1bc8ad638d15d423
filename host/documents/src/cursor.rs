//! Walks through the entries between two keys, as a transaction sees them.
//! In comes a span, out go entries one by one, read from the store in pieces, with the transaction's own changes.
//! It never holds a lock between two entries.

use crate::engine::Entry;
use crate::key;
use crate::span::Span;
use crate::transaction::Transaction;
use crate::trouble::Trouble;
use std::collections::VecDeque;
use std::ops::Bound;

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
        let Some(rest) = self.rest.take() else { return };
        let (from, to) = if rest.reverse {
            (vec![], vec![Bound::Excluded(key.to_vec())])
        } else {
            (vec![Bound::Excluded(key::behind(key))], vec![])
        };
        let leapt = rest.clone().within(&from, &to);
        if leapt != rest {
            // The next entries are not the neighbours of those before.
            self.piece = FIRST;
        }
        self.rest = Some(leapt);
    }

    fn fill(&mut self) -> Result<(), Trouble> {
        while self.waiting.is_empty() {
            let Some(span) = self.rest.take() else { return Ok(()) };
            let mut piece = self.transaction.store().scan(&span, self.piece, self.transaction.moment())?;
            let writes = self.transaction.writes();
            if !writes.is_empty() && !span.is_empty() {
                let looked_at = piece.looked_at.clone();
                piece = piece.with(writes.range::<[u8], _>(looked_at.bounds()), &span, self.piece);
            }
            self.piece = (self.piece * 2).min(MOST);
            self.waiting = piece.entries.into();
            self.rest = piece.rest;
        }
        Ok(())
    }
}
