//! Stores records of any shape, and finds them again by what stands in them.
//! In come JSON objects of signed-in users, out go ids and records.
//! It knows no types and no rules about them: this is an example.

mod collection;
mod leaves;
mod list;
mod record;
mod search;
#[cfg(test)]
mod asked;

use list::list;
use record::{create, fetch, remove, replace};
use search::search;

qewd_sdk::handlers!(create, fetch, replace, remove, list, search);
