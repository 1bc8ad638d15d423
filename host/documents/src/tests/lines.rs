//! Imports: lines that are right, wrong, cut off or no lines at all.
//! In come bytes, out go nodes or words with the number of the line that is wrong.
//! Whatever comes, an import ends, and the store is one that a check finds whole.

use super::memory_store;
use crate::limits::{IMPORT_BATCH, IMPORT_BYTES};
use crate::{BadLine, Connection, Definitions, Indexes, Memory, Node, Store, check, export, import};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn imported(store: &Store, lines: &[u8]) -> Result<u64, String> {
    import(store, &mut &*lines, &mut |_, _| Ok(())).map_err(|bad| bad.to_string())
}

fn exported(store: &Store) -> Vec<u8> {
    let mut lines = Vec::new();
    export(store, None, &mut lines, &mut |trouble| panic!("{trouble}"), &mut |_, _| {}).unwrap();
    lines
}

fn header(nodes: u64) -> String {
    format!("{{\"qewd_documents\":1,\"nodes\":{nodes}}}\n")
}

const LINES: [&str; 14] = [
    r#"{"document":"d","value":1}"#,
    r#"{"document":"d","subscripts":["a","-1.5"],"value":null}"#,
    r#"{"document":"d","subscripts":["b"],"shape":"array"}"#,
    r#"{"document":"d","subscripts":["c"],"shape":"object","value":"x"}"#,
    r#"{"document":"d","subscripts":[""],"value":1}"#,
    r#"{"document":"","value":1}"#,
    r#"{"document":"d","value":[1]}"#,
    r#"{"document":"d","shape":"tree"}"#,
    r#"{"document":"d","subscripts":["x"]}"#,
    r#"{"document":"d","value":1,"more":2}"#,
    r#"{"document":"d","value":1"#,
    "",
    "\r",
    "null",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_are_harm(first in any::<bool>(), bytes in vec(any::<u8>(), 0..100)) {
        let store = memory_store();
        let head = if first { header(0) } else { String::new() };
        let _ = imported(&store, &[head.as_bytes(), &bytes].concat());
        prop_assert_eq!(check(&store, &mut |_| {}).findings, []);
    }

    #[test]
    fn the_first_wrong_line_is_named_and_nothing_of_its_batch_is_kept(lines in vec(select(&LINES[..]), 0..12)) {
        let store = memory_store();
        let text = format!("{}{}", header(0), lines.join("\n"));
        let is_right = |line: &str| LINES[..4].contains(&line) || line.trim().is_empty();
        let done = import(&store, &mut text.as_bytes(), &mut |_, _| Ok(()));
        match lines.iter().position(|line| !is_right(line)) {
            None => prop_assert_eq!(done.unwrap(), lines.iter().filter(|line| !line.trim().is_empty()).count() as u64),
            Some(wrong) => {
                let is_named = matches!(done, Err(BadLine::Line { line, kept: 2, .. }) if line == wrong as u64 + 2);
                prop_assert!(is_named, "{:?}", done);
                prop_assert_eq!(exported(&store), header(0).into_bytes());
            }
        }
    }
}

#[test]
fn every_wrong_line_is_called_what_it_is() {
    let said = |line: &str| imported(&memory_store(), format!("{}{line}\n", header(1)).as_bytes()).unwrap_err();
    let cases = [
        (LINES[4], "is empty"),
        (LINES[5], "at least one character"),
        (LINES[6], "an object or an array"),
        (LINES[7], r#""shape" is "tree""#),
        (LINES[8], "neither a value nor a shape"),
        (LINES[9], "unknown field `more`"),
        (LINES[10], "this is no node"),
        ("\u{fe0f}", "this is no node"),
        (r#"{"document":"d","value":"\ud800"}"#, "no text"),
    ];
    for (line, words) in cases {
        let said = said(line);
        assert!(said.starts_with("line 2: ") && said.contains(words), "{said}");
        assert!(said.ends_with("; nothing is imported"), "{said}");
    }
}

#[test]
fn what_is_no_export_is_refused() {
    for bytes in [&b""[..], b"\n", b"{}\n", b"[1]", b"\xff", br#"{"document":"d","value":1}"#] {
        let said = imported(&memory_store(), bytes).unwrap_err();
        assert!(said.starts_with("line 1: this is no export of documents"), "{said}");
    }
    let said = imported(&memory_store(), br#"{"qewd_documents":2,"nodes":0}"#).unwrap_err();
    assert!(said.contains("form 2, and this program reads form 1"), "{said}");
}

#[test]
fn an_export_that_was_cut_off_is_told() {
    let store = memory_store();
    Connection::new(store.clone()).replace(&Node::new("d", [""; 0]), b"[1,2,3]").unwrap();
    let lines = exported(&store);
    // At the end of a line, and in the middle of one.
    let copy = memory_store();
    let said =
        imported(&copy, &lines[..lines.len() - "{\"document\":\"d\",\"subscripts\":[\"2\"],\"value\":3}\n".len()]);
    assert!(said.unwrap_err().contains("promises 4 nodes, and 3 came"));
    assert_eq!(Connection::new(copy).read(&Node::new("d", [""; 0])).unwrap().unwrap(), b"[1,2]");
    let said = imported(&memory_store(), &lines[..lines.len() - 5]).unwrap_err();
    assert!(said.starts_with("line 5: this is no node"), "{said}");
    // Only the last line break may be missing.
    assert_eq!(imported(&memory_store(), lines.trim_ascii_end()), Ok(4));
}

#[test]
fn a_large_import_is_done_in_parts_and_says_how_far_it_came() {
    let original = memory_store();
    let numbers: Vec<String> = (0..IMPORT_BATCH * 2 + 10).map(|number| number.to_string()).collect();
    let document = Node::new("d", [""; 0]);
    Connection::new(original.clone()).replace(&document, format!("[{}]", numbers.join(",")).as_bytes()).unwrap();
    let lines = exported(&original);
    let copy = memory_store();
    let mut parts = Vec::new();
    let all = IMPORT_BATCH as u64 * 2 + 11;
    let done = import(&copy, &mut &lines[..], &mut |done, of| {
        parts.push((done, of));
        Ok(())
    });
    assert_eq!(done.unwrap(), all);
    let batch = IMPORT_BATCH as u64;
    assert_eq!(parts, [(batch, all), (batch * 2, all), (all, all)]);
    assert_eq!(exported(&copy), lines);
    assert_eq!(copy.committed(), 3);

    // A line that is wrong in the second part.
    let mut wrong: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
    wrong[IMPORT_BATCH + 500] = b"{}";
    let copy = memory_store();
    let said = imported(&copy, &wrong.join(&b'\n')).unwrap_err();
    assert!(said.starts_with(&format!("line {}: this is no node", IMPORT_BATCH + 501)), "{said}");
    assert!(said.contains(&format!("the lines before line {} are imported", IMPORT_BATCH + 2)), "{said}");
    assert_eq!(check(&copy, &mut |_| {}).nodes, batch);

    // Large values make a part shorter.
    let line = |number: usize| {
        let value = "x".repeat(IMPORT_BYTES / 4 - 2);
        format!(r#"{{"document":"d","subscripts":["{number}"],"value":"{value}"}}"#) + "\n"
    };
    let large = header(6) + &(0..6).map(line).collect::<String>();
    let store = memory_store();
    imported(&store, large.as_bytes()).unwrap();
    assert_eq!(store.committed(), 2);

    // The disk is full in the second part, or in the last one.
    for (full_at, last) in [(2, batch * 2 + 1), (3, all + 1)] {
        let mut parts = 0;
        let full = import(&memory_store(), &mut &lines[..], &mut |_, _| {
            parts += 1;
            if parts == full_at { Err("the disk is full".to_owned()) } else { Ok(()) }
        });
        let first = batch * (full_at - 1) + 2;
        let said = full.unwrap_err().to_string();
        let words = format!("lines {first} to {last}: the disk is full; the lines before line {first} are imported");
        assert!(said.starts_with(&words), "{said}");
    }
}

#[test]
fn an_import_over_nodes_keeps_what_it_does_not_name_and_the_indexes() {
    let definitions = serde_json::json!({ "d": { ":id": { "documentName": "i", "path": ":value/:id" } } });
    let indexes = Indexes::new(serde_json::from_value::<Definitions>(definitions).unwrap()).unwrap();
    let store = Store::open(Box::new(Memory::default()), indexes).unwrap();
    let mut connection = Connection::new(store.clone());
    connection.replace(&Node::new("d", [""; 0]), br#"{"1":"a","2":"b"}"#).unwrap();
    let lines = format!("{}{}", header(1), r#"{"document":"d","subscripts":["1"],"value":"c"}"#);
    imported(&store, lines.as_bytes()).unwrap();
    assert_eq!(connection.read(&Node::new("d", [""; 0])).unwrap().unwrap(), br#"{"1":"c","2":"b"}"#);
    assert_eq!(connection.read(&Node::new("i", [""; 0])).unwrap().unwrap(), br#"{"b":{"2":""},"c":{"1":""}}"#);
    assert_eq!(check(&store, &mut |_| {}).findings, []);
}
