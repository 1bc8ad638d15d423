//! What authors rely on: nodes, children page by page, transactions and locks.
//! In come calls as a handler makes them, out go what the stand-in answers.
//! It never needs a host.

use super::{Node, names, open, transaction};
use crate::{Failure, stand_in, testing};
use serde_json::{Value, json};
use std::time::Duration;

fn names_of(children: super::Children) -> Vec<String> {
    children.map(|child| child.unwrap().into_name()).collect()
}

fn get(node: &Node) -> Option<Value> {
    node.get().unwrap()
}

#[test]
fn a_node_tells_what_it_has() {
    let patient = open("patients").at(7);
    assert!(!patient.exists().unwrap() && !patient.delete().unwrap());
    patient.at("name").set("Ann").unwrap();
    assert!(patient.exists().unwrap() && patient.has_children().unwrap() && !patient.has_value().unwrap());
    let name = patient.at("name");
    assert!(name.exists().unwrap() && !name.has_children().unwrap() && name.has_value().unwrap());
    assert_eq!(name.get::<String>().unwrap().as_deref(), Some("Ann"));
    assert_eq!((name.name(), name.document(), name.subscripts().len()), ("name", "patients", 2));
    assert_eq!(name.parent().unwrap(), patient);
    assert_eq!(open("patients").parent(), None);
    assert_eq!(open("patients").name(), "patients");
    assert!(patient.delete().unwrap() && !name.exists().unwrap());
    assert_eq!(names().unwrap(), [""; 0]);
}

#[test]
fn a_node_is_shown_as_people_write_it() {
    let show = |node: Node| format!("{node} {node:?}");
    assert_eq!(show(open("a")), "a a");
    assert_eq!(
        open("a").at((7, "07", -1.5, "x\"y", "-0", "1.")).to_string(),
        r#"a(7, "07", -1.5, "x\"y", "-0", "1.")"#
    );
}

#[test]
fn siblings_and_documents_are_in_order() {
    for name in ["b", "a", "10", "9"] {
        open(name).at(1).set(&1).unwrap();
    }
    assert_eq!(names().unwrap(), ["9", "10", "a", "b"]);
    assert_eq!(open("9").next().unwrap(), Some(open("10")));
    assert_eq!(open("aa").next().unwrap(), Some(open("b")));
    assert_eq!(open("9").previous().unwrap(), None);
    let at = |name| open("a").at(name);
    for name in [3, 1, 2] {
        at(name).set(&name).unwrap();
    }
    assert_eq!(at(1).next().unwrap(), Some(at(2)));
    assert_eq!(at(5).previous().unwrap(), Some(at(3)));
    assert_eq!(at(3).next().unwrap(), None);
}

#[test]
fn children_come_page_by_page_without_a_seam() {
    let numbers = open("numbers");
    numbers.replace(&(0..2500).collect::<Vec<_>>()).unwrap();
    let all: Vec<i64> = numbers.children().values().map(|child| child.unwrap().value().unwrap().unwrap()).collect();
    assert_eq!(all, (0..2500).collect::<Vec<_>>());
    let last: Vec<String> = names_of(numbers.children().reverse().limit(1200));
    assert_eq!((last.len(), last[0].as_str(), last[1199].as_str()), (1200, "2499", "1300"));
    assert_eq!(names_of(numbers.children().limit(0)), [""; 0]);
    assert_eq!(numbers.children().from(100).to(2300).count(), 2201);
    assert_eq!((numbers.count_children().unwrap(), numbers.count_values().unwrap()), (2500, 2500));
}

#[test]
fn a_page_says_where_the_next_one_begins() {
    let letters = open("letters");
    letters.replace(&json!({"a": 1, "b": 2, "c": {"x": 3}})).unwrap();
    let first = letters.children().limit(2).page().unwrap();
    assert_eq!((first.children.len(), first.more, first.after()), (2, true, Some("b")));
    let second = letters.children().limit(2).after("b").page().unwrap();
    assert_eq!((second.children[0].name(), second.more, second.after()), ("c", false, None));
    assert!(second.children[0].has_children() && !first.children[0].has_children());
    assert_eq!(second.children[0].node(), letters.at("c"));
    assert_eq!(letters.children().page().unwrap().children.len(), 3);
}

#[test]
fn a_value_of_a_child_is_read_if_it_did_not_come_along() {
    open("a").at("x").set(&7).unwrap();
    let child = open("a").children().next().unwrap().unwrap();
    assert_eq!(child.value::<i64>().unwrap(), Some(7));
    let child = open("a").children().values().next().unwrap().unwrap();
    open("a").at("x").set(&8).unwrap();
    assert_eq!(child.value::<i64>().unwrap(), Some(7));
}

#[test]
fn an_error_ends_the_iteration() {
    let mut children = open("a").children().from("");
    let words = children.next().unwrap().unwrap_err().to_string();
    assert_eq!(words, "400 no subscript is empty; leave the bound out");
    assert!(children.next().is_none());
}

#[test]
fn subtrees_are_replaced_and_merged() {
    let patient = open("patients").at(7);
    patient.replace(&json!({"name": "Ann", "tags": [1, 2, 3]})).unwrap();
    patient.merge(&json!({"city": "Ulm", "tags": [4]})).unwrap();
    assert_eq!(patient.read::<Value>().unwrap().unwrap(), json!({"name": "Ann", "city": "Ulm", "tags": [4]}));
    patient.replace(&json!({"name": "Bob"})).unwrap();
    assert_eq!(patient.read::<Value>().unwrap().unwrap(), json!({"name": "Bob"}));
    assert_eq!(open("patients").at(8).read::<Value>().unwrap(), None);
}

#[test]
fn what_does_not_fit_names_the_node() {
    let name = open("patients").at((7, "name"));
    name.set("Ann").unwrap();
    assert_eq!(
        name.get::<i64>().unwrap_err().to_string(),
        "500 The value of patients(7, \"name\") is JSON, but not what is wanted here, at line 1, column 5: \
         invalid type: string \"Ann\", expected i64"
    );
    let failure = open("patients").read::<Vec<u8>>().unwrap_err().to_string();
    assert!(failure.starts_with("500 What is stored at patients is JSON, but not what is wanted here"), "{failure}");
    assert_eq!(
        name.set(&[1]).unwrap_err().to_string(),
        "500 The value for patients(7, \"name\") is an object or an array; store it with `replace`"
    );
}

#[test]
fn what_the_store_refuses_is_said_to_the_caller() {
    let empty = open("patients").at("").get::<i64>().unwrap_err();
    assert_eq!(empty.to_string(), "400 a subscript of patients(\"\") is empty; use any other text");
    open("a").set("x").unwrap();
    assert_eq!(open("a").increment(1).unwrap_err().to_string(), "400 the value of a is \"x\", which is no number");
}

#[test]
fn a_transaction_is_written_as_a_whole_or_not_at_all() {
    let (from, to) = (open("accounts").at("a"), open("ledger").at("b"));
    let sum = transaction(|| {
        from.increment(-5)?;
        to.increment(5)
    });
    assert_eq!(sum.unwrap(), 5);
    let failure = transaction(|| -> Result<(), Failure> {
        from.increment(-5)?;
        assert_eq!(get(&from), Some(json!(-10)));
        Err(Failure::new("no").status(409))
    });
    assert_eq!(failure.unwrap_err().to_string(), "409 no");
    assert_eq!((get(&from), get(&to)), (Some(json!(-5)), Some(json!(5))));
}

#[test]
fn a_transaction_that_others_overtook_runs_again() {
    let node = open("counter");
    let mut attempts = 0;
    let done = transaction(|| {
        attempts += 1;
        let value: i64 = node.get()?.unwrap_or(0);
        if attempts < 3 {
            testing::meanwhile(|| node.increment(100))?;
        }
        // Others' changes are not seen within it.
        assert_eq!(node.get::<i64>()?.unwrap_or(0), value);
        node.set(&(value + 1))?;
        Ok(value + 1)
    });
    assert_eq!((done.unwrap(), attempts, get(&node)), (201, 3, Some(json!(201))));
}

#[test]
fn a_transaction_that_is_always_overtaken_gives_up() {
    let node = open("counter");
    let mut attempts = 0;
    let failure = transaction(|| {
        attempts += 1;
        let value: i64 = node.get()?.unwrap_or(0);
        testing::meanwhile(|| node.increment(1))?;
        node.set(&value)
    });
    assert_eq!(failure.unwrap_err().to_string(), "503 Others are changing the same documents; try again");
    assert_eq!((attempts, get(&node)), (50, Some(json!(50))));
    // And the next one begins as if nothing had been.
    assert_eq!(transaction(|| node.increment(1)).unwrap(), 51);
}

#[test]
fn a_conflict_in_the_midst_is_no_failure_even_if_it_is_swallowed() {
    let (mut attempts, log) = (0, open("log"));
    let done = transaction(|| {
        attempts += 1;
        log.at(attempts).set(&true)?;
        if attempts == 1 {
            stand_in::documents::overtake();
            assert_eq!(open("any").get::<Value>().unwrap_err().status_code(), 503);
        }
        // After a conflict nothing gets through, also not as a step of its own.
        assert_eq!(open("other").set(&attempts).is_err(), attempts == 1);
        Ok(attempts)
    });
    assert_eq!(done.unwrap(), 2);
    assert_eq!(log.read::<Value>().unwrap().unwrap(), json!({"2": true}));
    assert_eq!(get(&open("other")), Some(json!(2)));
}

#[test]
fn a_conflict_in_words_of_its_own_is_one_still() {
    let mut attempts = 0;
    let done = transaction(|| {
        attempts += 1;
        if attempts == 1 {
            stand_in::documents::overtake();
        }
        open("any").get::<i64>().map_err(|_| Failure::new("own words").status(404))
    });
    assert_eq!((done.unwrap(), attempts), (None, 2));
}

#[test]
fn a_transaction_does_not_begin_within_another_one() {
    let failure = transaction(|| {
        open("a").set(&1)?;
        transaction(|| open("b").set(&1))
    });
    assert_eq!(
        failure.unwrap_err().to_string(),
        "500 a transaction cannot begin within another one; do all of it in one"
    );
    assert_eq!(names().unwrap(), [""; 0]);
}

#[test]
fn a_transaction_that_panics_leaves_nothing_open() {
    let caught = std::panic::catch_unwind(|| {
        transaction(|| -> Result<(), Failure> {
            open("a").set(&1)?;
            panic!("as handlers do");
        })
    });
    assert!(caught.is_err());
    open("b").set(&1).unwrap();
    assert_eq!(names().unwrap(), ["b"]);
    assert_eq!(transaction(|| open("b").get()).unwrap(), Some(1));
}

#[test]
fn a_lock_excludes_others_until_it_is_dropped() {
    let (patient, wait) = (open("patients").at(7), Duration::from_secs(1));
    let free = |node: &Node| testing::meanwhile(|| node.lock(wait).unwrap().is_some());
    {
        let lock = patient.lock(wait).unwrap();
        let again = patient.at("name").lock(wait).unwrap();
        assert!(lock.is_some() && again.is_some());
        assert!(!free(&patient) && !free(&open("patients")) && !free(&patient.at("name")));
        assert!(free(&open("patients").at(8)));
    }
    assert!(free(&patient));
}

#[test]
fn indexes_follow_as_on_a_host() {
    let index = json!({"documentName": "byCity", "path": "city/:value/:id", "apply": "toLowerCase"});
    testing::set_indexes(&json!({"patients": {":id/city": index}})).unwrap();
    let patient = open("patients").at(7);
    patient.replace(&json!({"city": "Ulm"})).unwrap();
    assert_eq!(names_of(open("byCity").at(("city", "ulm")).children()), ["7"]);
    patient.delete().unwrap();
    assert_eq!(names().unwrap(), [""; 0]);
    let bad = testing::set_indexes(&json!({"patients": {":id": {"path": ":no"}}})).unwrap_err();
    assert_eq!(bad.status_code(), 400);
}

#[test]
fn documents_are_forgotten() {
    open("a").set(&1).unwrap();
    testing::forget_documents();
    assert_eq!(get(&open("a")), None);
    open("a").set(&1).unwrap();
    testing::reset();
    assert_eq!(get(&open("a")), None);
}
