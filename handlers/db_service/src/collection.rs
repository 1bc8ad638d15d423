//! The records under one name, and the index of everything that stands in them.
//! In come records and conditions, out go ids and records; a record and its index entries always change in one step.
//! It never looks at records to find some: the index knows.
//!
//! `Documents(name, "record", id, …)` is a record, `Documents(name, "lastId")` the last id that was given away, and
//! `DocumentsIndex(name, path, "=" + text, id)` says that a record has this text at this path. No subscript may be empty, but a
//! text may: hence the sign before it. It also makes every text a text, so that `7*` finds 7 and 70 in one range.

use crate::leaves::{Leaf, leaves};
use qewd_sdk::documents::{self, Children, Node};
use qewd_sdk::{Failure, Request};
use serde_json::Value;
use std::collections::BTreeSet;

/// Bytes of a text in the index; longer ones are cut there, because a node's name has its bounds.
pub(crate) const LONGEST: usize = 200;

/// The records under one name.
pub(crate) struct Collection {
    name: String,
}

impl Collection {
    /// What the request's path names.
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        Ok(Self { name: request.variable("documentName")?.to_owned() })
    }

    /// Stores a record under a new id.
    pub(crate) fn add(&self, record: &Value) -> Result<i64, Failure> {
        let leaves = leaves(record)?;
        // A step of its own: so nobody has to wait for another's number, and one that was given away never comes back.
        let id = documents::open("Documents").at([&*self.name, "lastId"]).increment(1)?;
        documents::transaction(|| {
            self.record(id).replace(record)?;
            leaves.iter().try_for_each(|leaf| self.entry(leaf, id).set(""))
        })?;
        Ok(id)
    }

    /// The record of an id.
    pub(crate) fn read(&self, id: i64) -> Result<Option<Value>, Failure> {
        self.record(id).read()
    }

    /// Puts another record in the place of one. False: there is none.
    pub(crate) fn replace(&self, id: i64, record: &Value) -> Result<bool, Failure> {
        let after = leaves(record)?;
        documents::transaction(|| {
            let Some(before) = self.read(id)? else { return Ok(false) };
            let before = leaves(&before)?;
            before.difference(&after).try_for_each(|leaf| self.entry(leaf, id).delete().map(drop))?;
            after.difference(&before).try_for_each(|leaf| self.entry(leaf, id).set(""))?;
            self.record(id).replace(record)?;
            Ok(true)
        })
    }

    /// Deletes a record. False: there is none.
    pub(crate) fn remove(&self, id: i64) -> Result<bool, Failure> {
        documents::transaction(|| {
            let Some(before) = self.read(id)? else { return Ok(false) };
            leaves(&before)?.iter().try_for_each(|leaf| self.entry(leaf, id).delete().map(drop))?;
            self.record(id).delete()
        })
    }

    /// All ids.
    pub(crate) fn ids(&self) -> Result<BTreeSet<i64>, Failure> {
        ids(self.records().children())
    }

    /// The ids of the records that have this text at this path. Of a text that is longer than [`LONGEST`], the index knows only
    /// the beginning.
    pub(crate) fn ids_with(&self, path: &str, text: &str) -> Result<BTreeSet<i64>, Failure> {
        ids(self.index(path).at(shown(text)).children())
    }

    /// The same for texts that begin so.
    pub(crate) fn ids_beginning_with(&self, path: &str, text: &str) -> Result<BTreeSet<i64>, Failure> {
        let mut found = BTreeSet::new();
        for text in self.index(path).children().prefix(shown(text)) {
            found.append(&mut ids(text?.node().children())?);
        }
        Ok(found)
    }

    fn records(&self) -> Node {
        documents::open("Documents").at([&*self.name, "record"])
    }

    fn record(&self, id: i64) -> Node {
        self.records().at(id)
    }

    fn index(&self, path: &str) -> Node {
        documents::open("DocumentsIndex").at([&*self.name, path])
    }

    fn entry(&self, (path, text): &Leaf, id: i64) -> Node {
        self.index(path).at((shown(text), id))
    }
}

fn ids(children: Children) -> Result<BTreeSet<i64>, Failure> {
    children.map(|child| Ok(child?.name().parse()?)).collect()
}

/// A text as it stands in the index.
fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST);
    format!("={}", text.get(..end).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qewd_sdk::testing;
    use serde_json::json;

    fn people() -> Collection {
        testing::reset();
        Collection { name: "people".to_owned() }
    }

    fn stored(document: &str) -> Value {
        documents::open(document).read().unwrap().unwrap_or_default()
    }

    #[test]
    fn a_record_and_its_index_change_together() {
        let people = people();
        people.add(&json!({"name": "Ann", "address": {"city": "Ulm"}, "tags": ["red", "red"]})).unwrap();
        people.add(&json!({"name": ""})).unwrap();
        assert_eq!(
            stored("DocumentsIndex"),
            json!({"people": {
                "address.city": {"=Ulm": {"1": ""}},
                "name": {"=": {"2": ""}, "=Ann": {"1": ""}},
                "tags": {"=red": {"1": ""}},
            }})
        );
        assert!(people.replace(1, &json!({"name": "Ann", "age": 7})).unwrap());
        assert_eq!(
            stored("DocumentsIndex"),
            json!({"people": {"age": {"=7": {"1": ""}}, "name": {"=": {"2": ""}, "=Ann": {"1": ""}}}})
        );
        assert!(people.remove(1).unwrap() && people.remove(2).unwrap());
        assert_eq!(stored("DocumentsIndex"), Value::Null);
        assert_eq!(stored("Documents"), json!({"people": {"lastId": 2}}));
    }

    #[test]
    fn what_is_not_there_is_neither_replaced_nor_removed() {
        let people = people();
        assert!(!people.replace(1, &json!({"name": "Ann"})).unwrap());
        assert!(!people.remove(1).unwrap());
        assert_eq!(documents::names().unwrap(), [""; 0]);
    }

    #[test]
    fn a_record_that_cannot_be_stored_leaves_nothing_but_a_gap() {
        let people = people();
        let refused = people.add(&json!({"a": 1, "n".repeat(1000): 1})).unwrap_err();
        assert_eq!(refused.status_code(), 400);
        assert_eq!(documents::names().unwrap(), ["Documents"]);
        assert_eq!(people.ids().unwrap(), BTreeSet::new());
        assert_eq!(people.add(&json!({})).unwrap(), 2);
        assert_eq!(people.ids().unwrap(), BTreeSet::from([2]));
    }

    #[test]
    fn long_texts_are_cut_where_a_character_ends() {
        assert_eq!(shown(&"ö".repeat(150)), format!("={}", "ö".repeat(100)));
        assert_eq!(shown(&format!("x{}", "ö".repeat(150))), format!("=x{}", "ö".repeat(99)));
        assert_eq!(shown(""), "=");
    }
}
