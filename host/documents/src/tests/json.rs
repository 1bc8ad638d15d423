//! What was stored as JSON is read as it was.
//! In comes JSON of every kind, written in odd ways; out goes the same, in the store's order of names.
//! Numbers are never computed with, so they come back to the letter.

use super::keys::{name, order};
use super::memory_store;
use crate::json::scalar;
use crate::limits::{SUBSCRIPTS, VALUE_BYTES};
use crate::{Connection, Node, Trouble};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// JSON, and how it is written.
#[derive(Debug, Clone)]
enum Written {
    /// A number, `true`, `false` or `null`.
    Plain(String),
    Text(String),
    Array(Vec<Written>),
    /// With names that may come twice.
    Object(Vec<(String, Written)>),
}

const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "1",
    "1.0",
    "1e3",
    "1E+3",
    "-1.50",
    "0.1",
    "12345678901234567890123",
    "1e400",
    "-9223372036854775808",
    "18446744073709551616",
    "3.141592653589793238462643383279",
    "1e-400",
];

/// Every character as an escape of UTF-16.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()
}

impl Written {
    /// In an odd way.
    fn oddly(&self) -> String {
        match self {
            Self::Plain(text) => format!("\n{text} "),
            Self::Text(text) => format!("\t\"{}\"", escaped(text)),
            Self::Array(items) => {
                format!("[ {}]", items.iter().map(Self::oddly).collect::<Vec<_>>().join(" ,"))
            }
            Self::Object(members) => {
                let member = |(name, member): &(String, Self)| format!(" \"{}\" :{}", escaped(name), member.oddly());
                format!(" {{{} }}", members.iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }

    /// As it is read: names in order, and of those that came twice the last.
    fn neatly(&self) -> String {
        let quoted = |text: &String| serde_json::to_string(text).unwrap();
        match self {
            Self::Plain(text) => text.clone(),
            Self::Text(text) => quoted(text),
            Self::Array(items) => format!("[{}]", items.iter().map(Self::neatly).collect::<Vec<_>>().join(",")),
            Self::Object(members) => {
                let is_last = |at: usize| !members[at + 1..].iter().any(|later| later.0 == members[at].0);
                let mut last: Vec<_> = (0..members.len()).filter(|at| is_last(*at)).map(|at| &members[at]).collect();
                last.sort_by(|left, right| order(&left.0, &right.0));
                // The own value comes first.
                last.sort_by_key(|member| !member.0.is_empty());
                let member = |(name, member): &(String, Self)| format!("{}:{}", quoted(name), member.neatly());
                format!("{{{}}}", last.into_iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }
}

fn plain() -> impl Strategy<Value = Written> {
    let words = select(vec!["true", "false", "null"]);
    prop_oneof![
        2 => select(&NUMBERS[..]).prop_map(|text| Written::Plain(text.to_owned())),
        1 => words.prop_map(|text| Written::Plain(text.to_owned())),
        2 => any::<String>().prop_map(Written::Text),
    ]
}

fn written() -> impl Strategy<Value = Written> {
    plain().prop_recursive(5, 40, 6, |inner| {
        // Few names, so that some come twice.
        let name = prop_oneof![3 => "[a-c0-2]", 1 => name()];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Written::Array),
            (option::weighted(0.2, plain()), vec((name, inner), 0..6)).prop_map(|(own, mut members)| {
                members.extend(own.map(|own| (String::new(), own)));
                Written::Object(members)
            }),
        ]
    })
}

fn connection() -> Connection {
    Connection::new(memory_store())
}

fn node() -> Node {
    Node::new("d", ["x"])
}

fn read(connection: &mut Connection) -> String {
    String::from_utf8(connection.read(&node()).unwrap().unwrap()).unwrap()
}

fn refused<T: std::fmt::Debug>(result: Result<T, Trouble>) -> String {
    match result {
        Err(Trouble::Refused(words)) => words,
        other => panic!("{other:?}"),
    }
}

/// What is read after one JSON was stored and others were merged into it.
fn merged(stored: &str, others: &[&str]) -> String {
    let mut connection = connection();
    connection.replace(&node(), stored.as_bytes()).unwrap();
    for other in others {
        connection.merge(&node(), other.as_bytes()).unwrap();
    }
    read(&mut connection)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_was_stored_is_what_is_read(before in written(), json in written()) {
        let mut connection = connection();
        connection.replace(&node(), before.oddly().as_bytes()).unwrap();
        connection.replace(&node(), json.oddly().as_bytes()).unwrap();
        prop_assert_eq!(read(&mut connection), json.neatly());
        // And so it is a second time.
        connection.replace(&node(), json.neatly().as_bytes()).unwrap();
        prop_assert_eq!(read(&mut connection), json.neatly());
        prop_assert!(connection.delete(&node()).unwrap());
        prop_assert_eq!(connection.read(&node()).unwrap(), None);
    }

    #[test]
    fn bytes_that_are_no_json_are_refused_and_change_nothing(bytes in vec(prop_oneof![
        3 => select(b"[]{}\":,0123456789.eE-+\\un tfalse".to_vec()), 1 => any::<u8>()
    ], 0..12)) {
        let mut connection = connection();
        connection.set(&node(), b"1").unwrap();
        let is_json = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
        let stored = connection.replace(&node(), &bytes);
        if stored.is_err() {
            prop_assert_eq!(read(&mut connection), "1");
            // A second meaning of "" is the only thing that JSON must not have.
            prop_assert!(!is_json || bytes.windows(2).any(|pair| pair == b"\"\""));
        }
        let _ = connection.merge(&node(), &bytes);
        let _ = connection.increment(&node(), &bytes);
        if connection.set(&node(), &bytes).is_ok() {
            let kept = connection.get(&node()).unwrap().unwrap();
            prop_assert!(scalar(&kept).is_ok());
        }
    }
}

#[test]
fn what_is_hard_to_keep_is_kept() {
    let all = [
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "[[],[[]],{}]",
        r#"{"a":[],"b":{}}"#,
        r#"{"":1}"#,
        r#"{"":1,"a":2}"#,
        "12345678901234567890123",
        "1.0",
        "1e3",
        r#"["",null,false]"#,
        r#"{"a":{"":"own","b":[1,{"":null,"0":[]}]}}"#,
        r#"{"0":1,"1":2}"#,
        r#""😀""#,
        "null",
    ];
    for json in all {
        assert_eq!(merged(json, &[]), json);
    }
    assert_eq!(merged(r#"{"a":1,"a":2,"b":{"x":1},"b":{}}"#, &[]), r#"{"a":2,"b":{}}"#);
    assert_eq!(merged(r#""\ud83d\ude00\u0041\/""#, &[]), r#""😀A/""#);
    assert_eq!(merged(r#"{"\u0061":1}"#, &[]), r#"{"a":1}"#);
}

#[test]
fn what_is_no_unicode_is_refused() {
    let mut connection = connection();
    for text in [&br#""\ud800""#[..], br#"{"\udc00":1}"#, br#"["a\ud800b"]"#, b"\"\xff\"", b"{\"\xc0\x80\":1}"] {
        refused(connection.replace(&node(), text));
        refused(connection.merge(&node(), text));
        refused(connection.set(&node(), text));
    }
    assert_eq!(connection.read(&Node::new("d", [""; 0])).unwrap(), None);
}

#[test]
fn a_value_is_one_json_value() {
    assert_eq!(scalar(b" \"\\u0061\" ").unwrap(), b"\"a\"");
    assert_eq!(scalar(b" 1.50 ").unwrap(), b"1.50");
    for text in [&b"[]"[..], b"{}", b" [1]", b"", b"1 2", b"nul", b"01", b"'a'", b"NaN", b"\"a"] {
        refused(scalar(text));
    }
    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2)).into_bytes();
    assert!(scalar(&text(VALUE_BYTES)).is_ok());
    assert!(refused(scalar(&text(VALUE_BYTES + 1))).contains("1048576 bytes, and this one has 1048577"));
}

#[test]
fn a_merge_leaves_what_it_does_not_name() {
    assert_eq!(
        merged(r#"{"a":1,"b":{"c":2,"d":3}}"#, &[r#"{"b":{"c":4},"e":5}"#]),
        r#"{"a":1,"b":{"c":4,"d":3},"e":5}"#
    );
    assert_eq!(merged(r#"{"a":[1,2,3]}"#, &[r#"{"a":[4]}"#]), r#"{"a":[4]}"#);
    assert_eq!(merged(r#"{"a":{"x":1}}"#, &[r#"{"a":[]}"#]), r#"{"a":[]}"#);
    assert_eq!(merged("[1,2]", &[r#"{"0":5}"#]), "[5,2]");
    assert_eq!(merged("[1,2]", &[r#"{"5":5}"#]), r#"{"0":1,"1":2,"5":5}"#);
    assert_eq!(merged(r#"{"a":[]}"#, &[r#"{"a":5}"#]), r#"{"a":5}"#);
    assert_eq!(merged(r#"{"a":{"b":1}}"#, &[r#"{"a":5}"#]), r#"{"a":{"":5,"b":1}}"#);
    assert_eq!(merged("7", &[r#"{"a":1}"#, r#"{"":8}"#]), r#"{"":8,"a":1}"#);
    assert_eq!(merged(r#"{"a":1}"#, &["{}"]), r#"{"a":1}"#);
    assert_eq!(merged("7", &["{}"]), "7");
    assert_eq!(merged("[]", &["{}"]), "{}");
    assert_eq!(merged("{}", &[r#"{"a":{}}"#, r#"{"b":null}"#]), r#"{"a":{},"b":null}"#);
}

#[test]
fn an_own_value_is_no_tree() {
    let mut connection = connection();
    for json in [r#"{"":{}}"#, r#"{"a":1,"": [1]}"#, r#"[{"":{"":1}}]"#] {
        assert!(refused(connection.replace(&node(), json.as_bytes())).contains("own value"));
        assert!(refused(connection.merge(&node(), json.as_bytes())).contains("own value"));
    }
    assert_eq!(connection.read(&node()).unwrap(), None);
}

#[test]
fn json_is_as_deep_as_nodes_are() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
    let mut connection = connection();
    let document = Node::new("d", [""; 0]);
    connection.replace(&document, &nested(SUBSCRIPTS)).unwrap();
    assert_eq!(connection.read(&document).unwrap().unwrap(), nested(SUBSCRIPTS));
    let deepest = Node::new("d", vec!["0"; SUBSCRIPTS]);
    assert_eq!(connection.get(&deepest).unwrap(), Some(b"1".to_vec()));
    connection.replace(&deepest, br#"{"":2}"#).unwrap();
    for too_deep in [nested(SUBSCRIPTS + 1), nested(100_000)] {
        assert!(refused(connection.replace(&document, &too_deep)).contains("100 subscripts"));
        assert!(refused(connection.merge(&document, &too_deep)).contains("100 subscripts"));
    }
    let middle = Node::new("d", vec!["1"; SUBSCRIPTS / 2]);
    connection.merge(&middle, &nested(SUBSCRIPTS / 2)).unwrap();
    refused(connection.merge(&middle, &nested(SUBSCRIPTS / 2 + 1)));
    refused(connection.replace(&middle, &nested(SUBSCRIPTS / 2 + 1)));
}
