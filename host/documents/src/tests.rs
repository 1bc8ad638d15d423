//! Tests of the model: the suite for every engine over the engine in memory, and the parts one by one.
//! In come operations and made-up data; out goes whether they keep what sdk/wit/handler.wit says.
//! Nothing here sleeps or touches a disk.

mod damage;
mod history;
mod indexes;
mod json;
mod keys;
mod limits;
mod lines;
mod numbers;
mod pieces;
mod prefix;
mod reopened;
mod suite;

use crate as documents;
use documents::{Engine, Indexes, Memory, Node, Store};

/// The engine under test.
fn engine() -> Box<dyn Engine> {
    Box::new(Memory::default())
}

/// An empty store in memory, without indexes.
fn memory_store() -> Store {
    Store::open(engine(), Indexes::default()).unwrap()
}

/// A node of the document `d`.
fn node_of(subscripts: &[&str]) -> Node {
    Node::new("d", subscripts.iter().copied())
}
