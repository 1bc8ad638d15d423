//! A store that is opened again over what it has kept: with other indexes, or after more commits.
//! In comes an engine that outlives its store, out goes what the next store knows.
//! How an engine keeps it on a disk is not tested here.

use super::node_of;
use crate::engine::{Change, Entry};
use crate::limits::IMPORT_BATCH;
use crate::{Connection, Definitions, Engine, EngineFailure, Indexes, Memory, Node, Store, check, reindex};
use std::ops::Bound;
use std::sync::Arc;

/// An engine that several stores open, one after the other.
#[derive(Clone, Default)]
struct Lasting(Arc<Memory>);

impl Engine for Lasting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineFailure> {
        self.0.get(key)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure> {
        self.0.scan(range, reverse, limit)
    }

    fn apply(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        self.0.apply(changes)
    }

    fn flush(&self) -> Result<(), EngineFailure> {
        self.0.flush()
    }
}

impl Lasting {
    fn open(&self, paths: &[&str]) -> Store {
        let index =
            |path: &&str| (format!("{}/:id", &path[..1]), serde_json::json!({ "documentName": "i", "path": path }));
        let indexes: serde_json::Value = paths.iter().map(index).collect();
        let definitions: Definitions = serde_json::from_value(serde_json::json!({ "d": indexes })).unwrap();
        Store::open(Box::new(self.clone()), Indexes::new(definitions).unwrap()).unwrap()
    }
}

#[test]
fn commits_and_definitions_are_remembered() {
    let engine = Lasting::default();
    let store = engine.open(&["x/:value/:id"]);
    assert_eq!(Store::kept_indexes(&engine).unwrap(), None);
    store.keep_indexes().unwrap();
    for value in [b"1", b"2", b"3"] {
        Connection::new(store.clone()).set(&node_of(&["1"]), value).unwrap();
    }
    assert_eq!(store.flush().unwrap(), 3);
    let again = engine.open(&[]);
    assert_eq!(again.committed(), 3);
    let kept = Store::kept_indexes(&engine).unwrap().unwrap();
    assert_eq!(Indexes::from_json(&kept).unwrap().to_json(), store.indexes().to_json());
    assert!(!store.indexes().is_empty() && again.indexes().is_empty());
    let mut connection = Connection::new(again.clone());
    assert_eq!(connection.get(&node_of(&["1"])).unwrap().unwrap(), b"3");
    connection.set(&node_of(&["1"]), b"4").unwrap();
    assert_eq!(connection.written(), 4);
}

#[test]
fn a_new_index_gets_its_entries_from_nodes_that_are_there() {
    let engine = Lasting::default();
    let mut connection = Connection::new(engine.open(&[]));
    let count = IMPORT_BATCH * 2 + 100;
    let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    connection.replace(&node_of(&["x"]), format!("[{}]", numbers.join(",")).as_bytes()).unwrap();
    connection.set(&Node::new("e", ["x", "1"]), b"1").unwrap();

    let store = engine.open(&["x/:value/:id"]);
    assert_eq!(check(&store, &mut |_| {}).wrong, count as u64);
    // The array itself is a node, too.
    assert_eq!(reindex(&store).unwrap(), count as u64 + 1);
    assert_eq!(check(&store, &mut |_| {}).wrong, 0);
    let mut connection = Connection::new(store.clone());
    assert_eq!(connection.count(&Node::new("i", ["x"]), true, u64::MAX).unwrap(), count as u64);
    // Once more does no harm.
    reindex(&store).unwrap();
    assert_eq!(check(&store, &mut |_| {}).wrong, 0);
    assert_eq!(store.kept(), [0; 4]);
}
