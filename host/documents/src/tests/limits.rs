//! What is too much is refused with words, and leaves nothing half-done.
//! In come nodes, values and transactions at their limits and one above; out goes what is there afterwards.
//! A transaction that goes on after a refusal commits what it did before and after it, and no more.

use super::memory_store;
use crate::limits::{INDEX_VALUE_BYTES, KEY_BYTES, PAGE, PAGE_BYTES, TRANSACTION_BYTES, VALUE_BYTES};
use crate::record::Record;
use crate::{Connection, Definitions, Indexes, Locks, Memory, Node, Selection, Store, Trouble};

fn node(name: &str) -> Node {
    Node::new("d", [name])
}

fn document() -> Node {
    Node::new("d", [""; 0])
}

fn words<T: std::fmt::Debug>(result: Result<T, Trouble>) -> String {
    match result {
        Err(Trouble::Refused(words)) => words,
        other => panic!("{other:?}"),
    }
}

/// JSON of so many bytes.
fn text(bytes: usize) -> Vec<u8> {
    format!("\"{}\"", "x".repeat(bytes - 2)).into_bytes()
}

fn read(connection: &mut Connection) -> String {
    connection.read(&document()).unwrap().map_or_else(String::new, |json| String::from_utf8(json).unwrap())
}

/// In a transaction and without one: what is refused has changed nothing, and what else was done is there.
fn leaves_nothing(mut refused: impl FnMut(&mut Connection) -> String) {
    for in_transaction in [false, true] {
        let store = memory_store();
        let mut connection = Connection::new(store.clone());
        connection.replace(&document(), br#"{"a":1,"b":{"c":2}}"#).unwrap();
        if in_transaction {
            connection.begin().unwrap();
        }
        connection.set(&node("before"), b"1").unwrap();
        let said = refused(&mut connection);
        assert!(said.len() > 20, "{said}");
        connection.set(&node("behind"), b"2").unwrap();
        if in_transaction {
            connection.commit().unwrap();
        }
        assert_eq!(read(&mut connection), r#"{"a":1,"b":{"c":2},"before":1,"behind":2}"#, "{said}");
        assert_eq!(store.kept(), [0; 4]);
    }
}

#[test]
fn keys_that_are_too_long_are_refused() {
    let long = "k".repeat(KEY_BYTES);
    leaves_nothing(|connection| words(connection.set(&node(&long), b"1")));
    leaves_nothing(|connection| words(connection.increment(&node(&long), b"1")));
    let json = format!(r#"{{"a":7,"b":{{}},"e":[1],"{long}":3,"z":[]}}"#);
    leaves_nothing(|connection| words(connection.replace(&document(), json.as_bytes())));
    leaves_nothing(|connection| words(connection.merge(&document(), json.as_bytes())));
}

#[test]
fn subscripts_that_are_too_many_are_refused() {
    let deep = Node::new("d", vec!["0"; 101]);
    leaves_nothing(|connection| words(connection.set(&deep, b"1")));
    leaves_nothing(|connection| words(connection.delete(&deep)));
    leaves_nothing(|connection| words(connection.read(&deep)));
}

#[test]
fn values_that_are_too_large_are_refused() {
    leaves_nothing(|connection| words(connection.set(&node("a"), &text(VALUE_BYTES + 1))));
    let json = [br#"{"a":7,"b":{},"z":"#.as_slice(), &text(VALUE_BYTES + 1), b"}"].concat();
    leaves_nothing(|connection| words(connection.merge(&document(), &json)));
    leaves_nothing(|connection| words(connection.replace(&document(), &json)));
}

#[test]
fn transactions_that_are_too_large_are_refused() {
    let most = TRANSACTION_BYTES / VALUE_BYTES;
    let large = text(VALUE_BYTES);
    let json = [b"{\"1\":1,\"x\":[".as_slice(), &vec![large.clone(); 3].join(&b','), b"]}"].concat();
    let mut connection = Connection::new(memory_store());
    connection.begin().unwrap();
    for number in 1..most - 1 {
        connection.set(&node(&number.to_string()), &large).unwrap();
    }
    assert!(words(connection.merge(&document(), &json)).contains("33554432 bytes; do it in several"));
    assert!(words(connection.replace(&node("x"), &json)).contains("several"));
    connection.set(&node("last"), &large).unwrap();
    assert!(words(connection.set(&node("0"), &large)).contains("several"));
    assert_eq!(connection.get(&node("1")).unwrap().unwrap(), large);
    connection.commit().unwrap();
    assert_eq!(connection.count(&document(), true, 100).unwrap(), most as u64 - 1);
    assert_eq!(connection.count(&document(), false, 100).unwrap(), most as u64 - 1);
}

#[test]
fn only_what_a_transaction_holds_is_counted() {
    let store = memory_store();
    let mut transaction = store.begin();
    let large = Record::value(vec![b'1'; VALUE_BYTES]);
    let key = node("same").key().unwrap();
    for _ in 0..TRANSACTION_BYTES / VALUE_BYTES {
        transaction.put(&key, &large).unwrap();
        transaction.put(&key, &Record::default()).unwrap();
        let refused = transaction.whole(|own| own.put(&key, &large).and(Err::<(), _>(Trouble::Conflict)));
        assert_eq!(refused, Err(Trouble::Conflict));
    }
    let key = node(&"k".repeat(900)).key().unwrap();
    for _ in 0..TRANSACTION_BYTES / 900 {
        transaction.put(&key, &Record::value(b"1".to_vec())).unwrap();
        transaction.put(&key, &Record::default()).unwrap();
    }
    assert_eq!(transaction.changes(), 2);
    transaction.commit().unwrap();
    assert_eq!(read(&mut Connection::new(store)), "");
}

#[test]
fn reads_of_a_transaction_are_counted() {
    let mut connection = Connection::new(memory_store());
    connection.begin().unwrap();
    let long = "k".repeat(900);
    let refused = (0..TRANSACTION_BYTES / 900)
        .map(|number| connection.get(&node(&format!("{long}{number}"))))
        .find_map(Result::err);
    assert!(matches!(refused, Some(Trouble::Refused(_))));
}

#[test]
fn a_page_is_bounded() {
    let mut connection = Connection::new(memory_store());
    let numbers: Vec<String> = (0..PAGE + 5).map(|number| number.to_string()).collect();
    connection.replace(&document(), format!("[{}]", numbers.join(",")).as_bytes()).unwrap();
    let all = Selection { limit: usize::MAX, values: true, ..Selection::default() };
    let page = connection.children(Some(&document()), &all).unwrap();
    assert_eq!((page.children.len(), page.more), (PAGE, true));
    for number in 0..PAGE_BYTES / VALUE_BYTES + 2 {
        connection.set(&node(&number.to_string()), &text(VALUE_BYTES)).unwrap();
    }
    let page = connection.children(Some(&document()), &all).unwrap();
    assert_eq!((page.children.len(), page.more), (PAGE_BYTES / VALUE_BYTES, true));
    assert_eq!(
        connection.children(Some(&document()), &Selection { values: false, ..all }).unwrap().children.len(),
        PAGE
    );
    let none = connection.children(Some(&document()), &Selection::default()).unwrap();
    assert_eq!((none.children.len(), none.more), (0, true));
}

#[test]
fn a_subtree_that_is_too_large_is_read_page_by_page() {
    let mut connection = Connection::new(memory_store());
    let large = text(VALUE_BYTES);
    for number in 0..9 {
        connection.set(&node(&number.to_string()), &large).unwrap();
    }
    assert!(words(connection.read(&document())).contains("page by page"));
    assert!(connection.delete(&document()).unwrap());
    assert_eq!(connection.read(&document()).unwrap(), None);
}

fn indexed(path: &str) -> Connection {
    let index = serde_json::json!({ "d": { ":id/name": { "documentName": "i", "path": path } } });
    let indexes = Indexes::new(serde_json::from_value::<Definitions>(index).unwrap()).unwrap();
    Connection::new(Store::open(Box::new(Memory::default()), indexes).unwrap())
}

#[test]
fn an_index_entry_that_is_too_long_leaves_the_one_before() {
    let mut connection = indexed("very_long_path_of_an_index/:value/:id");
    let id = "k".repeat(KEY_BYTES - INDEX_VALUE_BYTES - 20);
    let at = Node::new("d", [id.as_str(), "name"]);
    connection.set(&at, b"\"short\"").unwrap();
    connection.begin().unwrap();
    connection.set(&node("other"), b"1").unwrap();
    assert!(words(connection.set(&at, &text(INDEX_VALUE_BYTES + 50))).contains("index"));
    // What is there is deleted and written before the index refuses it.
    let json = [b"{\"a\":1,\"name\":".as_slice(), &text(INDEX_VALUE_BYTES + 50), b"}"].concat();
    connection.set(&Node::new("d", [id.as_str(), "a"]), b"2").unwrap();
    assert!(words(connection.replace(&Node::new("d", [id.as_str()]), &json)).contains("index"));
    connection.commit().unwrap();
    assert_eq!(connection.get(&at).unwrap().unwrap(), b"\"short\"");
    assert_eq!(connection.get(&Node::new("d", [id.as_str(), "a"])).unwrap().unwrap(), b"2");
    let entry = Node::new("i", ["very_long_path_of_an_index", "short", id.as_str()]);
    assert_eq!(connection.get(&entry).unwrap().unwrap(), b"\"\"");
}

#[test]
fn a_long_value_is_cut_in_an_index() {
    let mut connection = indexed(":value/:id");
    let long = format!("x{}", "é".repeat(INDEX_VALUE_BYTES));
    connection.set(&Node::new("d", ["1", "name"]), format!("{long:?}").as_bytes()).unwrap();
    let names = connection.children(Some(&Node::new("i", [""; 0])), &Selection { limit: 2, ..Selection::default() });
    assert_eq!(names.unwrap().children[0].name, format!("x{}", "é".repeat(INDEX_VALUE_BYTES / 2 - 1)));
    connection.set(&Node::new("d", ["1", "name"]), b"\"\"").unwrap();
    assert_eq!(connection.read(&Node::new("i", [""; 0])).unwrap(), None);
}

#[test]
fn locks_of_one_request_are_bounded() {
    let mut locks = Locks::default();
    for number in 0..1000 {
        assert!(locks.take(1, &node(&number.to_string())).unwrap());
    }
    assert!(locks.take(1, &node("7")).unwrap(), "it has this one already");
    assert!(words(locks.take(1, &node("1000"))).contains("1000 locks"));
    assert!(locks.take(2, &node("1000")).unwrap());
    assert!(locks.give_back(1, &node("5")).unwrap());
    assert!(locks.take(1, &node("1001")).unwrap());
    assert!(words(locks.take(1, &Node::new("", [""; 0]))).contains("name"));
}
