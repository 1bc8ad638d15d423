//! What the store promises over any engine: whoever adds an engine runs these very tests over it.
//! In come `documents`, which is this crate, and `engine`, which gives an empty engine, both from the module above; out goes
//! whether the store keeps its promises.
//! It uses what the crate makes public and nothing else.

#[path = "suite/acts.rs"]
mod acts;
#[path = "suite/copies.rs"]
mod copies;
#[path = "suite/model.rs"]
mod model;
#[path = "suite/operations.rs"]
mod operations;
#[path = "suite/threads.rs"]
mod threads;
#[path = "suite/transactions.rs"]
mod transactions;

use super::documents::{self, Connection, Indexes, Node, Selection, Store};
use super::engine;

/// An empty store without indexes.
fn store() -> Store {
    store_with(Indexes::default())
}

fn store_with(indexes: Indexes) -> Store {
    Store::open(engine(), indexes).unwrap()
}

/// A node of the document `d`.
fn at(subscripts: &[&str]) -> Node {
    Node::new("d", subscripts.iter().copied())
}

fn whole_page() -> Selection {
    Selection { limit: 1000, values: true, ..Selection::default() }
}

fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8(bytes).unwrap())
}

/// A node's subtree as JSON.
fn read(connection: &mut Connection, node: &Node) -> Option<String> {
    text(connection.read(node).unwrap())
}

/// A connection with a transaction.
fn open(store: &Store) -> Connection {
    let mut connection = Connection::new(store.clone());
    connection.begin().unwrap();
    connection
}
