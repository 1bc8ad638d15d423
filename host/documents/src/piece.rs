//! Pieces of a span: what an engine keeps, under changes that lie over it.
//! In come entries and changes of keys, out go entries as they are with these changes.
//! A piece never holds more than its limit asks for, however many changes there are.

use crate::engine::Entry;
use crate::span::Span;
use std::collections::BTreeMap;

/// The beginning of a span, in the order of reading.
pub(crate) struct Piece {
    pub(crate) entries: Vec<Entry>,
    /// The part of the span that these entries are all of.
    pub(crate) looked_at: Span,
    /// What is left of it.
    pub(crate) rest: Option<Span>,
}

impl Piece {
    /// What an engine gave, of which it was asked for so many entries at most.
    pub(crate) fn of(span: &Span, entries: Vec<Entry>, limit: usize) -> Self {
        let last = if entries.len() < limit { None } else { entries.last().map(|(last, _)| last) };
        let rest = last.map(|last| span.behind(last));
        let looked_at = last.map_or_else(|| span.clone(), |last| span.until(last));
        Self { entries, looked_at, rest }
    }

    /// The same with changes, which lie where it was looked at and come in the order of keys. If there are more than `limit`,
    /// the piece becomes shorter: all that is behind them is left for the next one.
    pub(crate) fn with<'c>(
        mut self,
        changes: impl DoubleEndedIterator<Item = (&'c Vec<u8>, &'c Option<Vec<u8>>)>,
        span: &Span,
        limit: usize,
    ) -> Self {
        let some = limit.saturating_add(1);
        let mut changes: Vec<_> =
            if span.reverse { changes.rev().take(some).collect() } else { changes.take(some).collect() };
        if changes.is_empty() {
            return self;
        }
        if changes.len() > limit {
            changes.truncate(limit);
            self.end_at(changes.last().map(|(last, _)| last.as_slice()).unwrap_or_default(), span);
        }
        let mut entries: BTreeMap<Vec<u8>, Vec<u8>> = self.entries.into_iter().collect();
        for (key, bytes) in changes {
            match bytes {
                Some(bytes) => entries.insert(key.clone(), bytes.clone()),
                None => entries.remove(key),
            };
        }
        self.entries = if span.reverse { entries.into_iter().rev().collect() } else { entries.into_iter().collect() };
        self
    }

    fn end_at(&mut self, last: &[u8], span: &Span) {
        self.entries.retain(|(key, _)| if span.reverse { key.as_slice() >= last } else { key.as_slice() <= last });
        self.looked_at = span.until(last);
        self.rest = Some(span.behind(last));
    }
}
