//! The single values of a record, each with the way to it.
//! In comes a record, out go pairs of path and text, such as `address.city` and `Ulm`.
//! It never looks at what is stored.

use qewd_sdk::Failure;
use serde_json::Value;
use std::collections::BTreeSet;

/// A path with dots, and a value as text. What stands in an array has the path of the array.
pub(crate) type Leaf = (String, String);

/// All of them.
pub(crate) fn leaves(record: &Value) -> Result<BTreeSet<Leaf>, Failure> {
    let mut found = BTreeSet::new();
    collect(record, "", &mut found)?;
    Ok(found)
}

fn collect(value: &Value, path: &str, found: &mut BTreeSet<Leaf>) -> Result<(), Failure> {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name.is_empty() {
                    return Err(Failure::new("A name in the record is empty; give it at least one character"));
                }
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(member, &below, found)?;
            }
        }
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, path, found))?,
        // A text stands there as it is, without quotes.
        Value::String(text) => add(path, text.clone(), found),
        single => add(path, single.to_string(), found),
    }
    Ok(())
}

fn add(path: &str, text: String, found: &mut BTreeSet<Leaf>) {
    found.insert((path.to_owned(), text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_value_has_its_path() {
        let record = json!({
            "name": "Ann", "age": 7, "weight": 31.5, "member": true, "left": null, "none": {}, "nobody": [],
            "address": {"city": "Ulm", "street": ""}, "tags": ["a", "b", "a"], "children": [{"name": "Bob"}, {"name": "Eve"}],
        });
        let found: Vec<String> =
            leaves(&record).unwrap().into_iter().map(|(path, text)| format!("{path}={text}")).collect();
        assert_eq!(
            found,
            [
                "address.city=Ulm",
                "address.street=",
                "age=7",
                "children.name=Bob",
                "children.name=Eve",
                "left=null",
                "member=true",
                "name=Ann",
                "tags=a",
                "tags=b",
                "weight=31.5"
            ]
        );
    }

    #[test]
    fn an_empty_name_is_refused() {
        for record in [json!({"": 1}), json!({"a": {"": 1}}), json!({"a": [{"": {}}]})] {
            assert_eq!(leaves(&record).unwrap_err().status_code(), 400);
        }
    }
}
