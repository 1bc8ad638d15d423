//! Copies, checks, and what else a whole store has: indexes that follow, locks, what is remembered when it is opened again.
//! In come random documents, out goes whether a copy is the same and every index entry has its node.
//! No file is written.

use super::acts::WIDE;
use super::documents::{Connection, Definitions, Indexes, Locks, Node, Store, check, export, import};
use super::{at, store, store_with, whole_page};
use proptest::collection::vec;
use proptest::prelude::*;

fn exported(store: &Store, document: Option<&str>) -> String {
    let mut lines = Vec::new();
    let written = export(store, document, &mut lines, &mut |trouble| panic!("{trouble}"), &mut |_, _| {}).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(u64::try_from(lines.lines().count()).unwrap(), written + 1);
    lines
}

fn indexes() -> Indexes {
    let index = |path: &str| serde_json::json!({ "documentName": "index", "path": path, "apply": "toLowerCase" });
    let definitions = serde_json::json!({
        "d": { ":id": index("one/:value/:id"), ":id/:of": index("two/:value/:id/:of"), "1/a": index("three/:value") },
        "7": { ":id/:of": index("four/:of/:value/:id") },
    });
    Indexes::new(serde_json::from_value::<Definitions>(definitions).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn indexes_follow_and_a_copy_is_the_same(acts in vec(WIDE.change(), 1..40), whole in any::<bool>()) {
        let original = store_with(indexes());
        let mut connection = Connection::new(original.clone());
        if whole {
            connection.begin().unwrap();
        }
        for act in &acts {
            act.ask(&mut connection).unwrap();
        }
        if whole {
            connection.commit().unwrap();
        }
        let report = check(&original, &mut |_| {});
        prop_assert_eq!(report.findings, []);

        let lines = exported(&original, None);
        let copy = store();
        let mut progress = Vec::new();
        import(&copy, &mut lines.as_bytes(), &mut |done, of| { progress.push((done, of)); Ok(()) }).unwrap();
        prop_assert_eq!(progress, [(report.nodes, report.nodes)]);
        prop_assert_eq!(exported(&copy, None), lines);
        for child in connection.children(None, &whole_page()).unwrap().children {
            let node = Node::new(child.name, [""; 0]);
            prop_assert_eq!(connection.read(&node), Connection::new(copy.clone()).read(&node));
        }
    }
}

#[test]
fn an_index_says_where_a_value_is() {
    let store = store_with(indexes());
    let mut connection = Connection::new(store.clone());
    connection.set(&at(&["7"]), b"\"Smith\"").unwrap();
    connection.set(&at(&["8"]), b"\"SMITH\"").unwrap();
    connection.set(&at(&["9"]), b"1.50").unwrap();
    let read = |connection: &mut Connection| {
        String::from_utf8(connection.read(&Node::new("index", ["one"])).unwrap().unwrap()).unwrap()
    };
    assert_eq!(read(&mut connection), r#"{"1.5":{"9":""},"smith":{"7":"","8":""}}"#);
    connection.set(&at(&["7"]), b"true").unwrap();
    connection.delete(&at(&["9"])).unwrap();
    assert_eq!(read(&mut connection), r#"{"smith":{"8":""},"true":{"7":""}}"#);
    assert_eq!(check(&store, &mut |_| {}).findings, []);
}

#[test]
fn a_check_finds_entries_without_node_and_nodes_without_entry() {
    let store = store_with(indexes());
    let mut connection = Connection::new(store.clone());
    connection.set(&at(&["7"]), b"\"x\"").unwrap();
    connection.delete(&Node::new("index", [""; 0])).unwrap();
    connection.set(&Node::new("index", ["one", "y", "7"]), b"\"\"").unwrap();
    let report = check(&store, &mut |_| {});
    let found: Vec<String> = report.findings.into_iter().map(|finding| finding.at).collect();
    assert_eq!(found, ["d(7)", r#"index("one", "y", 7)"#]);
    assert_eq!((report.nodes, report.documents, report.wrong), (2, 2, 2));
}

#[test]
fn one_document_is_copied_alone() {
    let store = store();
    let mut connection = Connection::new(store.clone());
    for document in ["a", "a\0", "ab", "b"] {
        connection.replace(&Node::new(document, [""; 0]), br#"{"":7,"x":[null,1.0]}"#).unwrap();
    }
    let lines = exported(&store, Some("a"));
    assert_eq!(
        lines,
        concat!(
            "{\"qewd_documents\":1,\"nodes\":4}\n",
            "{\"document\":\"a\",\"value\":7}\n",
            "{\"document\":\"a\",\"subscripts\":[\"x\"],\"shape\":\"array\"}\n",
            "{\"document\":\"a\",\"subscripts\":[\"x\",\"0\"],\"value\":null}\n",
            "{\"document\":\"a\",\"subscripts\":[\"x\",\"1\"],\"value\":1.0}\n",
        )
    );
    let copy = super::store();
    import(&copy, &mut lines.as_bytes(), &mut |_, _| Ok(())).unwrap();
    let json = Connection::new(copy).read(&Node::new("a", [""; 0])).unwrap().unwrap();
    assert_eq!(String::from_utf8(json).unwrap(), r#"{"":7,"x":[null,1.0]}"#);
}

#[test]
fn a_lock_keeps_others_from_above_and_below() {
    let mut locks = Locks::default();
    assert!(locks.take(1, &at(&["a", "b"])).unwrap());
    for other in [&["a"][..], &["a", "b"], &["a", "b", "c"], &[]] {
        assert!(!locks.take(2, &at(other)).unwrap(), "{other:?}");
        assert!(locks.take(1, &at(other)).unwrap(), "{other:?}");
        assert!(locks.give_back(1, &at(other)).unwrap());
    }
    for other in [&["b"][..], &["a", "c"], &["a", "b\0"], &["a", "bc"]] {
        assert!(locks.take(2, &at(other)).unwrap(), "{other:?}");
    }
    assert!(locks.take(3, &Node::new("e", ["a", "b"])).unwrap());
    // It was taken twice, so it is given back twice.
    assert!(locks.take(1, &at(&["a", "b"])).unwrap());
    assert!(locks.give_back(1, &at(&["a", "b"])).unwrap());
    assert!(!locks.take(2, &at(&["a", "b"])).unwrap());
    assert!(!locks.give_back(2, &at(&["a", "b"])).unwrap());
    assert!(locks.give_back(1, &at(&["a", "b"])).unwrap());
    assert!(!locks.give_back(1, &at(&["a", "b"])).unwrap());
    assert!(locks.take(2, &at(&["a", "b"])).unwrap());
    assert!(locks.end(2));
    assert!(!locks.end(2));
    assert!(locks.take(1, &at(&[])).unwrap());
}

#[test]
fn commits_go_on_counting_and_indexes_are_remembered() {
    let engine = super::engine();
    assert_eq!(Store::kept_indexes(engine.as_ref()).unwrap(), None);
    let store = Store::open(engine, indexes()).unwrap();
    store.keep_indexes().unwrap();
    let before = store.committed();
    Connection::new(store.clone()).set(&at(&[]), b"1").unwrap();
    assert_eq!(store.committed(), before + 1);
    assert_eq!(store.flush().unwrap(), before + 1);
    let again = Indexes::from_json(&indexes().to_json()).unwrap();
    assert_eq!(again.to_json(), indexes().to_json());
    // What the store keeps for itself is no document.
    let names = Connection::new(store).children(None, &whole_page()).unwrap().children;
    assert_eq!(names.len(), 1);
}
