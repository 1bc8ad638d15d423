//! The host's document store: named documents, each an ordered tree of JSON values that outlives the request.
//! In come nodes, values and questions about them; out go values, children in order, and whole subtrees as your own types.
//! It never keeps a value by itself: each call asks the host, which has on disk what was written before the caller hears of it.
//!
//! ```
//! use qewd_sdk::{Failure, Request, documents};
//! use serde_json::{Value, json};
//!
//! fn visit(request: &mut Request) -> Result<Value, Failure> {
//!     let id = request.variable("id")?;
//!     let patient = documents::open("patients").at(id);
//!     let city: Option<String> = patient.at(["address", "city"]).get()?;
//!     let visits = documents::transaction(|| {
//!         patient.at("last").set(&"2026-11-25")?;
//!         patient.at("visits").increment(1)
//!     })?;
//!     Ok(json!({"city": city, "visits": visits}))
//! }
//! ```
//!
//! # Nodes
//!
//! A [`Node`] is a name, not a thing: making one asks nobody, and it need not exist. Each may have a value, children, or both.
//! The children of a node are in order: numbers first (9 before 10), then texts by their bytes. A subscript is a number if it is
//! written as one in the shortest way: `"7"` and `7` are the same, `"07"` is a text.
//!
//! # Values
//!
//! They stay what they were: `"true"` is no `true`, `"01"` no number, `1.5` no text, and integers have all their digits. Arrays
//! come back as arrays, with every `null`; so do empty arrays and objects. The members of an object come back in the order of
//! subscripts.

mod children;
mod lock;
mod node;
mod subscripts;
mod transaction;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
#[cfg(test)]
#[cfg(feature = "testing")]
mod traps;

pub use children::{Child, Children, Page};
pub use lock::Lock;
pub use node::{Amount, Node};
pub use subscripts::{Subscript, Subscripts};
pub use transaction::transaction;

#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
pub(crate) use transaction::apart;

use crate::Failure;
use serde::Serialize;

/// A document: the node above all of its nodes. There need not be anything in it.
#[must_use]
pub fn open(document: impl Into<String>) -> Node {
    Node::of(document.into(), Vec::new())
}

/// The names of all documents in which there is something, in order.
///
/// # Errors
/// Status 503 if the store cannot be read now.
pub fn names() -> Result<Vec<String>, Failure> {
    Children::of(None).map(|document| document.map(Child::into_name)).collect()
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|error| Failure::from(error).status(500))
}
