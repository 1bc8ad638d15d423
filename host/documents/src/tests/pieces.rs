//! What is read is read in pieces, and never more than it takes.
//! In come entries, changes over them and large subtrees; out goes the same as from reading all at once, for less.
//! What an engine gave is counted.

use super::node_of;
use crate::engine::{Change, Entry};
use crate::piece::Piece;
use crate::span::Span;
use crate::{Connection, Engine, EngineFailure, Indexes, Memory, Selection, Store};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn bound(keys: u8) -> impl Strategy<Value = Bound<Vec<u8>>> {
    (any::<bool>(), 0..keys)
        .prop_map(|(is_in, key)| if is_in { Bound::Included(vec![key]) } else { Bound::Excluded(vec![key]) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn pieces_are_together_what_all_is_at_once(
        kept in btree_map(0..40_u8, any::<u8>(), 0..30),
        changes in btree_map(0..40_u8, any::<Option<u8>>(), 0..30),
        (from, to, reverse) in (bound(40), bound(40), any::<bool>()),
        limit in 1..8_usize,
    ) {
        let bytes = |byte: u8| vec![byte];
        let memory = Memory::default();
        let kept: Vec<Change> = kept.into_iter().map(|(key, byte)| (bytes(key), Some(bytes(byte)))).collect();
        memory.apply(&kept).unwrap();
        let changes: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
            changes.into_iter().map(|(key, byte)| (bytes(key), byte.map(bytes))).collect();
        let span = Span { from, to, reverse };

        let changed = Memory::default();
        changed.apply(&kept).unwrap();
        changed.apply(&changes.clone().into_iter().collect::<Vec<_>>()).unwrap();
        let at_once = changed.scan(span.bounds(), reverse, usize::MAX).unwrap();

        let (mut together, mut rest) = (Vec::new(), Some(span));
        while let Some(span) = rest.take().filter(|span| !span.is_empty()) {
            let piece = Piece::of(&span, memory.scan(span.bounds(), reverse, limit).unwrap(), limit);
            let looked_at = piece.looked_at.clone();
            let piece = piece.with(changes.range::<[u8], _>(looked_at.bounds()), &span, limit);
            prop_assert!(piece.entries.len() <= 2 * limit);
            together.extend(piece.entries);
            rest = piece.rest;
        }
        prop_assert_eq!(together, at_once);
    }
}

proptest! {
    #[test]
    fn a_narrower_span_has_what_lies_within_all_bounds(
        (from, to) in (bound(6), bound(6)),
        more_from in vec(bound(6), 0..3),
        more_to in vec(bound(6), 0..3),
    ) {
        let narrow = Span::forward(from.clone(), to.clone()).within(&more_from, &more_to);
        let is_in = |span: &Span, key: &Vec<u8>| (span.from.clone(), span.to.clone()).contains(key);
        for key in (0..6_u8).map(|key| vec![key]) {
            let of_all = more_from.iter().chain([&from]).all(|from| (from.clone(), Bound::Unbounded).contains(&key))
                && more_to.iter().chain([&to]).all(|to| (Bound::Unbounded, to.clone()).contains(&key));
            prop_assert_eq!(is_in(&narrow, &key), of_all);
            prop_assert!(!narrow.is_empty() || !of_all);
        }
        let all = Span::forward(Bound::Unbounded, Bound::Unbounded).within(&more_from, &more_to);
        prop_assert!(!all.is_empty() || (!more_from.is_empty() && !more_to.is_empty()));
    }
}

/// An engine in memory that counts what it gives.
struct Counting {
    memory: Memory,
    given: Arc<AtomicUsize>,
}

impl Engine for Counting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineFailure> {
        self.given.fetch_add(1, Ordering::Relaxed);
        self.memory.get(key)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure> {
        let found = self.memory.scan(range, reverse, limit)?;
        self.given.fetch_add(found.len() + 1, Ordering::Relaxed);
        Ok(found)
    }

    fn apply(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        self.memory.apply(changes)
    }

    fn flush(&self) -> Result<(), EngineFailure> {
        Ok(())
    }
}

/// Ten children, each with a thousand below it, every second one with a value; and what the engine has given.
fn large() -> (Connection, Arc<AtomicUsize>) {
    let given = Arc::new(AtomicUsize::new(0));
    let engine = Counting { memory: Memory::default(), given: given.clone() };
    let mut connection = Connection::new(Store::open(Box::new(engine), Indexes::default()).unwrap());
    let numbers: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    for child in 0..10 {
        let own = if child % 2 == 0 { "\"\":1," } else { "" };
        let json = format!("{{{own}\"x\":[{}]}}", numbers.join(","));
        connection.replace(&node_of(&[&child.to_string()]), json.as_bytes()).unwrap();
    }
    (connection, given)
}

#[test]
fn what_is_looked_at_costs_what_it_shows() {
    let (mut connection, given) = large();
    let mut costs = |most: usize, work: &mut dyn FnMut(&mut Connection)| {
        for in_transaction in [false, true] {
            if in_transaction {
                connection.begin().unwrap();
            }
            given.store(0, Ordering::Relaxed);
            work(&mut connection);
            let cost = given.load(Ordering::Relaxed);
            assert!(cost <= most, "{cost} instead of {most}");
            if in_transaction {
                connection.roll_back().unwrap();
            }
        }
    };
    costs(1, &mut |connection| assert!(connection.get(&node_of(&["3", "x", "7"])).unwrap().is_some()));
    costs(6, &mut |connection| assert!(connection.look(&node_of(&["3"])).unwrap().has_children));
    for reverse in [false, true] {
        costs(5, &mut |connection| assert!(connection.sibling(&node_of(&["3"]), reverse).unwrap().is_some()));
        let page = Selection { limit: 10, reverse, values: true, ..Selection::default() };
        costs(80, &mut |connection| {
            let page = connection.children(Some(&node_of(&[])), &page).unwrap();
            assert_eq!((page.children.len(), page.more), (10, false));
            assert_eq!(page.children.iter().filter(|child| child.value.is_some() && child.has_children).count(), 5);
        });
        let page = Selection { limit: 100, reverse, ..Selection::default() };
        costs(300, &mut |connection| {
            assert_eq!(connection.children(Some(&node_of(&["3", "x"])), &page).unwrap().children.len(), 100);
        });
    }
    costs(80, &mut |connection| assert_eq!(connection.count(&node_of(&[]), false, 100).unwrap(), 10));
    costs(20, &mut |connection| assert_eq!(connection.count(&node_of(&[]), true, 5).unwrap(), 6));
    costs(300, &mut |connection| assert!(!connection.is_small(&node_of(&[]), 200).unwrap()));
    costs(0, &mut |connection| connection.set(&node_of(&["3"]), b"1").unwrap());
}
