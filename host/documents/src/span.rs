//! Parts of the store: what lies between two keys, and from which end it is read.
//! In come keys, out go narrower parts.
//! It reads nothing.

use crate::limits::ENTRY_BYTES;
use std::ops::Bound;

/// What lies between two keys, and from which end it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Bound<Vec<u8>>,
    pub(crate) to: Bound<Vec<u8>>,
    pub(crate) reverse: bool,
}

impl Span {
    pub(crate) fn forward(from: Bound<Vec<u8>>, to: Bound<Vec<u8>>) -> Self {
        Self { from, to, reverse: false }
    }

    /// All that lies below a key, without the key itself.
    pub(crate) fn below(key: &[u8]) -> Self {
        Self::forward(Bound::Excluded(key.to_vec()), Bound::Excluded(crate::key::behind(key)))
    }

    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice))
    }

    /// What is left behind a key, in the direction of reading.
    pub(crate) fn behind(&self, key: &[u8]) -> Self {
        let bound = Bound::Excluded(key.to_vec());
        if self.reverse { Self { to: bound, ..self.clone() } } else { Self { from: bound, ..self.clone() } }
    }

    /// What comes before it, in the direction of reading, and the key itself.
    pub(crate) fn until(&self, key: &[u8]) -> Self {
        let bound = Bound::Included(key.to_vec());
        if self.reverse { Self { from: bound, ..self.clone() } } else { Self { to: bound, ..self.clone() } }
    }

    /// What of it lies within all of these bounds.
    pub(crate) fn within(mut self, from: &[Bound<Vec<u8>>], to: &[Bound<Vec<u8>>]) -> Self {
        // The nearer end has the higher place at the beginning, and the lower one at the end.
        let place = |bound: &Bound<Vec<u8>>, is_end: bool| match bound {
            Bound::Included(key) => (key.clone(), is_end),
            Bound::Excluded(key) => (key.clone(), !is_end),
            Bound::Unbounded => (if is_end { vec![crate::key::BEHIND] } else { Vec::new() }, is_end),
        };
        for bound in from {
            if place(bound, false) > place(&self.from, false) {
                self.from = bound.clone();
            }
        }
        for bound in to {
            if place(bound, true) < place(&self.to, true) {
                self.to = bound.clone();
            }
        }
        self
    }

    /// Whether nothing can lie in it.
    pub(crate) fn is_empty(&self) -> bool {
        is_empty(self.bounds())
    }

    /// What it takes in memory.
    pub(crate) fn size(&self) -> usize {
        let length = |bound: &Bound<Vec<u8>>| match bound {
            Bound::Included(key) | Bound::Excluded(key) => key.len(),
            Bound::Unbounded => 0,
        };
        length(&self.from) + length(&self.to) + ENTRY_BYTES
    }
}

/// Whether nothing can lie between two keys. A map of the standard library panics where a range ends before it begins.
pub(crate) fn is_empty(range: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match range {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
    }
}
