//! Where values or children got lost in the database of QEWD, and do not here.
//! In come what handlers store, out go what they read again.
//! Each of these is a promise: a change that breaks one breaks data of users.

use super::{Children, Node, open};
use serde_json::{Value, json};

/// What comes back of a value that is stored as a subtree.
fn kept(value: &Value) -> Value {
    let node = open("kept");
    node.replace(value).unwrap();
    node.read().unwrap().unwrap()
}

/// What comes back of a single value, as the text of its JSON.
fn kept_text(value: &Value) -> String {
    let node = open("kept");
    node.set(value).unwrap();
    node.get::<Value>().unwrap().unwrap().to_string()
}

fn with_children(names: &[&str]) -> Node {
    let node = open("ordered");
    for name in names {
        node.at(*name).set("").unwrap();
    }
    node
}

fn names(children: Children) -> String {
    children.map(|child| child.unwrap().into_name()).collect::<Vec<_>>().join(" ")
}

#[test]
fn values_keep_their_type() {
    for text in ["true", "01", "1", "1.5", " 5 ", "0x1f", "1e3", "-0", "12345678901234567890", "Infinity", "null", ""] {
        assert_eq!(kept_text(&json!(text)), json!(text).to_string());
    }
    for value in [
        json!(true),
        json!(false),
        json!(null),
        json!(1.5),
        json!(0.1),
        json!(0.907_303_832_202_868_9),
        json!(-7),
        json!(1e300),
    ] {
        assert_eq!(kept_text(&value), value.to_string());
    }
    let node = open("kept");
    node.set("true").unwrap();
    assert!(node.get::<bool>().is_err());
    node.set(&true).unwrap();
    assert!(node.get::<bool>().unwrap().unwrap());
}

#[test]
fn integers_have_all_their_digits() {
    let node = open("big");
    for number in [i64::MAX, i64::MIN, (1 << 53) + 1] {
        node.set(&number).unwrap();
        assert_eq!(node.get::<i64>().unwrap(), Some(number));
    }
    node.set(&u64::MAX).unwrap();
    assert_eq!(node.get::<u64>().unwrap(), Some(u64::MAX));
    node.set(&i128::MAX).unwrap();
    assert_eq!(node.get::<i128>().unwrap(), Some(i128::MAX));
    node.replace(&json!({"id": 12_345_678_901_234_567_890_u64})).unwrap();
    assert_eq!(node.at("id").get::<u64>().unwrap(), Some(12_345_678_901_234_567_890));
}

#[test]
fn a_missing_value_is_no_empty_text() {
    let node = open("a");
    assert_eq!(node.get::<String>().unwrap(), None);
    node.set("").unwrap();
    assert_eq!(node.get::<String>().unwrap(), Some(String::new()));
    node.set(&Value::Null).unwrap();
    assert_eq!(node.get::<Value>().unwrap(), Some(Value::Null));
    assert_eq!(node.get::<Option<String>>().unwrap(), Some(None));
}

#[test]
fn arrays_stay_arrays_with_each_null() {
    let whole = json!({"a": [1, null, "x", [null], {"b": null}], "none": null});
    assert_eq!(kept(&whole), whole);
    // And an object whose names are numbers is none.
    let object = json!({"0": "a", "1": "b"});
    assert_eq!(kept(&object), object);
}

#[test]
fn what_is_empty_is_kept() {
    let empty = json!({"list": [], "object": {}, "nested": [[], {}]});
    assert_eq!(kept(&empty), empty);
    assert_eq!(kept(&json!([])), json!([]));
    assert_eq!(kept(&json!({})), json!({}));
    assert!(open("kept").exists().unwrap());
}

#[test]
fn a_node_with_value_and_children_shows_both() {
    let node = open("both");
    node.set("own").unwrap();
    node.at("x").set(&1).unwrap();
    let both = json!({"": "own", "x": 1});
    assert_eq!(node.read::<Value>().unwrap().unwrap(), both);
    assert_eq!(kept(&both), both);
    assert_eq!(open("kept").get::<String>().unwrap().as_deref(), Some("own"));
}

#[test]
fn the_callers_value_is_not_changed() {
    let value = json!({"a": null, "b": [null]});
    let before = value.clone();
    open("a").merge(&value).unwrap();
    assert_eq!(value, before);
}

#[test]
fn numbers_come_first_and_in_their_order() {
    let node = with_children(&["alan", "Graham", "10", "9", "01", "-1", "1.5", "é"]);
    assert_eq!(names(node.children()), "-1 1.5 9 10 01 Graham alan é");
    assert_eq!(names(node.children().reverse()), "é alan Graham 01 10 9 1.5 -1");
}

#[test]
fn a_range_includes_its_ends_and_ends_without_them() {
    let node = with_children(&["1", "2", "3", "10", "a", "ab", "b"]);
    assert_eq!(names(node.children().from(2).to(3)), "2 3");
    assert_eq!(names(node.children().from("2").to("3")), "2 3");
    // Neither 4 nor 9 is there.
    assert_eq!(names(node.children().from(0).to(4)), "1 2 3");
    assert_eq!(names(node.children().from(4).to(9)), "");
    assert_eq!(names(node.children().to(9).reverse()), "3 2 1");
    // A text ends where it stands, and not behind all that begins with it.
    assert_eq!(names(node.children().from(10).to("a")), "10 a");
    assert_eq!(names(node.children().from("b").to("a")), "");
}

#[test]
fn a_prefix_finds_numbers_wherever_they_stand() {
    let node = with_children(&["1", "2", "10", "15", "20", "100", "1.5", "1a", "a1", "-1"]);
    assert_eq!(names(node.children().prefix(1)), "1 1.5 10 15 100 1a");
    assert_eq!(names(node.children().prefix("1").reverse()), "1a 100 15 10 1.5 1");
    assert_eq!(names(node.children().prefix("1").from(10)), "10 15 100 1a");
    assert_eq!(names(node.children().prefix("x")), "");
}

#[test]
fn an_increment_of_a_fraction_is_not_cut() {
    let node = open("sum");
    assert_eq!(node.increment(0.5).unwrap().to_string(), "0.5");
    assert_eq!(node.increment(2.25).unwrap().to_string(), "2.75");
    assert_eq!(node.get::<f64>().unwrap().unwrap().to_string(), "2.75");
    let count = open("count");
    assert_eq!((count.increment(1).unwrap(), count.increment(41).unwrap()), (1, 42));
    // A sum that is no whole number is said, and not cut.
    assert_eq!(node.increment(1).unwrap_err().status_code(), 500);
    // A text is not taken for the number at its beginning.
    count.set("7 apples").unwrap();
    assert_eq!(count.increment(1).unwrap_err().status_code(), 400);
}
