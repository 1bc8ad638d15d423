//! Changes that are committed and not yet given to the engine.
//! In come changes of commits; out go entries of the engine as they are with them, and at a flush all of them at once.
//! It never loses the last word on a key, and never meets a disk.
//!
//! Each batch costs sled two writes to its log, however short it is. So the commits of all who wait for the same flush make one batch.

use qewd_documents::{Change, Changes, Entry};
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Bound;

/// Bytes of changes that may be pending, 8 MiB: more are given to the engine without waiting for a flush.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// A change that stays where it is.
type Lent<'p> = (&'p Vec<u8>, &'p Option<Vec<u8>>);

/// Changes, the last one of each key.
#[derive(Debug, Default)]
pub(super) struct Pending {
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
}

fn size(key: &[u8], bytes: Option<&Vec<u8>>) -> usize {
    key.len() + bytes.map_or(0, Vec::len)
}

impl Pending {
    pub(super) fn add(&mut self, changes: &[Change]) {
        for (key, bytes) in changes {
            self.bytes += size(key, bytes.as_ref());
            if let Some(before) = self.changes.insert(key.clone(), bytes.clone()) {
                self.bytes -= size(key, before.as_ref());
            }
        }
    }

    /// Bytes of keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_too_much(&self) -> bool {
        self.bytes > MOST_BYTES
    }

    /// All changes, in the order of keys.
    pub(super) fn all(&self) -> Changes {
        self.changes.iter().map(|(key, bytes)| (key.clone(), bytes.clone())).collect()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What a key is now, if that is pending.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.changes.get(key)
    }

    /// The engine's entries of a range, with what is pending.
    pub(super) fn over<'p, E: 'p>(
        &'p self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        engine: impl Iterator<Item = Result<Entry, E>> + 'p,
    ) -> impl Iterator<Item = Result<Entry, E>> + 'p {
        let own = (!ends_before_it_begins(range)).then(|| self.changes.range::<[u8], _>(range));
        let own = own.into_iter().flatten();
        let own: Box<dyn Iterator<Item = Lent<'p>> + 'p> = if reverse { Box::new(own.rev()) } else { Box::new(own) };
        Merged { own: own.peekable(), engine: engine.peekable(), reverse }
    }
}

/// A map of the standard library panics at such a range.
fn ends_before_it_begins(range: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match range {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        _ => false,
    }
}

/// Two sources in one order. Where both have a key, what is pending counts.
struct Merged<O: Iterator, I: Iterator> {
    own: Peekable<O>,
    engine: Peekable<I>,
    reverse: bool,
}

impl<'p, E, O, I> Iterator for Merged<O, I>
where
    O: Iterator<Item = Lent<'p>>,
    I: Iterator<Item = Result<Entry, E>>,
{
    type Item = Result<Entry, E>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((key, _)) = self.own.peek() else { return self.engine.next() };
            let order = match self.engine.peek() {
                Some(Ok((there, _))) if self.reverse => key.as_slice().cmp(there.as_slice()),
                Some(Ok((there, _))) => there.as_slice().cmp(key.as_slice()),
                Some(Err(_)) => return self.engine.next(),
                None => std::cmp::Ordering::Greater,
            };
            if order.is_lt() {
                return self.engine.next();
            }
            if order.is_eq() {
                self.engine.next();
            }
            // A key that is to go is passed over.
            if let (key, Some(bytes)) = self.own.next()? {
                return Some(Ok((key.clone(), bytes.clone())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: u8, bytes: u8) -> Entry {
        (vec![key], vec![bytes])
    }

    fn merged(pending: &Pending, reverse: bool) -> Vec<Entry> {
        let mut engine = vec![entry(2, 0), entry(4, 0), entry(6, 0)];
        if reverse {
            engine.reverse();
        }
        let engine = engine.into_iter().map(Ok::<_, ()>);
        pending.over((Bound::Unbounded, Bound::Unbounded), reverse, engine).map(Result::unwrap).collect()
    }

    #[test]
    fn what_is_pending_lies_over_what_the_engine_has() {
        let mut pending = Pending::default();
        assert_eq!(merged(&pending, false), [entry(2, 0), entry(4, 0), entry(6, 0)]);
        let set = |key, bytes| (vec![key], Some(vec![bytes]));
        pending.add(&[set(1, 1), (vec![4], None), set(6, 1), (vec![9], None), set(7, 1)]);
        let expected = [entry(1, 1), entry(2, 0), entry(6, 1), entry(7, 1)];
        assert_eq!(merged(&pending, false), expected);
        assert_eq!(merged(&pending, true), expected.into_iter().rev().collect::<Vec<_>>());
        assert_eq!(pending.get(&[4]), Some(&None));
        assert_eq!(pending.get(&[2]), None);
    }

    #[test]
    fn the_last_word_on_a_key_counts_once() {
        let mut pending = Pending::default();
        for round in 0..100 {
            pending.add(&[(vec![1], Some(vec![round; 10])), (vec![2], None)]);
        }
        assert_eq!(pending.bytes(), 12);
        assert_eq!(pending.all(), [(vec![1], Some(vec![99; 10])), (vec![2], None)]);
        pending.clear();
        assert_eq!((pending.bytes(), pending.all().len()), (0, 0));
    }
}
