//! Named documents, each an ordered sparse tree of JSON values, with transactions.
//! In come operations on nodes; out go values, pages and JSON, and batches of keys and bytes for an engine.
//! It knows no disk, no socket, no clock and no handler: the host gives it an engine, native tests use it in memory.
//!
//! Read in this order: [`Connection`] is what a request holds, [`Transaction`] what reads and writes, [`Store`] what
//! commits. `key` turns paths into bytes that sort as the documents say, `record` holds one node, `json` turns subtrees into
//! text and back.

mod connection;
mod transaction;
mod nodes;
mod cursor;
mod piece;
mod pages;
mod prefix;
mod store;
mod span;
mod history;
mod indexes;
mod transfer;
mod check;
mod reindex;
mod locks;
mod json;
mod record;
mod key;
mod decimal;
mod number;
mod engine;
mod memory;
mod trouble;
mod limits;

#[cfg(test)]
mod tests;

pub use check::{Finding, Report, check};
pub use connection::Connection;
pub use engine::{Change, Changes, Engine, EngineFailure, Entry};
pub use indexes::{BadIndex, Definitions, IndexDefinition, Indexes};
pub use json::scalar;
pub use key::Node;
pub use limits::*;
pub use locks::Locks;
pub use memory::Memory;
pub use pages::{Child, Page, Selection};
pub use record::State;
pub use reindex::reindex;
pub use store::{Commit, OpenFailure, Store};
pub use transaction::Transaction;
pub use transfer::{BadLine, HEADER, Header, Line, Visit, each, export, import};
pub use trouble::Trouble;
