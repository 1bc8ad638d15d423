//! Shows a search that asks an index.
//! In come conditions, out go the ids of the records for which all of them hold; with `showDetail=true` with the records.
//! It reads a record only where a text is too long for the index.
//!
//! A condition is a path with dots and a text: `address.city=Ulm`. A `*` at the end stands for anything: `name=A*`.

use crate::collection::{Collection, LONGEST};
use crate::leaves::leaves;
use crate::list::{DETAIL, shown};
use qewd_sdk::{Failure, Request};
use serde_json::Value;
use std::collections::BTreeSet;

/// What must stand in a record.
struct Condition {
    path: String,
    text: String,
    /// Whether the text is only the beginning.
    is_prefix: bool,
}

/// GET /api/db/:documentName/search
pub(crate) fn search(request: &mut Request) -> Result<Value, Failure> {
    let conditions = conditions(request)?;
    let collection = Collection::of(request)?;
    shown(request, &collection, || find(&collection, &conditions))
}

fn conditions(request: &Request) -> Result<Vec<Condition>, Failure> {
    let conditions: Vec<Condition> =
        request.query_pairs().filter(|(name, _)| *name != DETAIL).map(Condition::of).collect();
    if conditions.is_empty() {
        return Err(Failure::new("Say what to search for, such as ?address.city=Ulm or ?name=A*"));
    }
    Ok(conditions)
}

/// The records for which all conditions hold.
fn find(collection: &Collection, conditions: &[Condition]) -> Result<BTreeSet<i64>, Failure> {
    let mut found: Option<BTreeSet<i64>> = None;
    for condition in conditions {
        let ids = condition.ids(collection)?;
        found = Some(match found {
            None => ids,
            Some(found) => found.intersection(&ids).copied().collect(),
        });
    }
    Ok(found.unwrap_or_default())
}

impl Condition {
    fn of((path, text): (&str, &str)) -> Self {
        let prefix = text.strip_suffix('*');
        let (path, text) = (path.to_owned(), prefix.unwrap_or(text).to_owned());
        Self { path, text, is_prefix: prefix.is_some() }
    }

    fn ids(&self, collection: &Collection) -> Result<BTreeSet<i64>, Failure> {
        let mut ids = if self.is_prefix {
            collection.ids_beginning_with(&self.path, &self.text)?
        } else {
            collection.ids_with(&self.path, &self.text)?
        };
        // From here on the index may have cut a longer text to this one, or this one itself.
        if self.text.len() + char::MAX.len_utf8() > LONGEST {
            let mut sure = BTreeSet::new();
            for id in ids {
                if self.holds(&collection.read(id)?.unwrap_or_default())? {
                    sure.insert(id);
                }
            }
            ids = sure;
        }
        Ok(ids)
    }

    fn holds(&self, record: &Value) -> Result<bool, Failure> {
        let fits = |text: &str| if self.is_prefix { text.starts_with(&self.text) } else { *text == self.text };
        Ok(leaves(record)?.iter().any(|(path, text)| *path == self.path && fits(text)))
    }
}

#[cfg(test)]
mod tests {
    use crate::asked::ask;
    use qewd_sdk::testing;
    use serde_json::json;

    fn find(query: &str) -> String {
        ask(&format!("GET people/search?{query}"), "")
    }

    fn people() {
        testing::reset();
        for person in [
            json!({"name": "Ann", "address": {"city": "Ulm"}, "age": 7, "tags": ["red", "blue"], "note": ""}),
            json!({"name": "Anna", "address": {"city": "Bern"}, "age": "7", "member": true}),
            json!({"name": "Bob", "address": {"city": "Ulm"}, "age": 70, "tags": ["red"], "member": false}),
        ] {
            ask("POST people", &person.to_string());
        }
    }

    #[test]
    fn finds_by_what_stands_in_records() {
        people();
        for (query, expected) in [
            ("address.city=Ulm", "[1,3]"),
            ("name=Ann", "[1]"),
            ("name=Ann*", "[1,2]"),
            ("name=ann", "[]"),
            ("age=7", "[1,2]"),
            ("age=7*", "[1,2,3]"),
            ("member=true", "[2]"),
            ("tags=red", "[1,3]"),
            ("note=", "[1]"),
            ("note=*", "[1]"),
            ("tags=*", "[1,3]"),
            ("address=Ulm", "[]"),
            ("nothing=*", "[]"),
        ] {
            assert_eq!(find(query), expected, "{query}");
        }
    }

    #[test]
    fn all_conditions_must_hold() {
        people();
        assert_eq!(find("address.city=Ulm&name=B*"), "[3]");
        assert_eq!(find("tags=red&tags=blue"), "[1]");
        assert_eq!(find("name=Ann&name=Bob"), "[]");
        assert_eq!(
            find("name=B*&showDetail=true"),
            r#"[{"id":3,"record":{"address":{"city":"Ulm"},"age":70,"member":false,"name":"Bob","tags":["red"]}}]"#
        );
    }

    #[test]
    fn the_index_follows_changes() {
        people();
        ask("PUT people/3", r#"{"name":"Rob"}"#);
        ask("DELETE people/1", "");
        assert_eq!((find("name=*"), find("name=Bob"), find("tags=red")), ("[2,3]".into(), "[]".into(), "[]".into()));
    }

    #[test]
    fn long_texts_are_told_apart_though_the_index_cuts_them() {
        testing::reset();
        let long = |end: &str| format!("{}{end}", "ö".repeat(99));
        let ends = ["", "x", "xy", "€", "öx", "öxy", "öxz"];
        for end in ends {
            ask("POST people", &json!({"text": long(end)}).to_string());
        }
        for (place, end) in (1..).zip(ends) {
            assert_eq!(find(&format!("text={}", long(end))), format!("[{place}]"), "{end}");
        }
        assert_eq!(find(&format!("text={}*", long(""))), "[1,2,3,4,5,6,7]");
        assert_eq!(find(&format!("text={}*", long("x"))), "[2,3]");
        assert_eq!(find(&format!("text={}*", long("öx"))), "[5,6,7]");
        assert_eq!(find(&format!("text={}*", long("öxy"))), "[6]");
    }

    #[test]
    fn without_a_condition_it_says_how_to_search() {
        people();
        let words = "400 Say what to search for, such as ?address.city=Ulm or ?name=A*";
        assert_eq!((find("showDetail=true"), find("")), (words.to_owned(), words.to_owned()));
        assert!(find("=x").starts_with("400 "));
    }
}
