//! What a transaction sees, and when it is a conflict.
//! In come two requests in a fixed order, out goes who won.
//! Random orders are in `operations`; here is one test for each promise.

use super::documents::{Connection, Definitions, Indexes, Selection, Store, Trouble, check};
use super::{Node, at, open, read, store, store_with, text, whole_page};

/// A store with three children, the second with one below it.
fn filled() -> (Store, Connection) {
    let store = store();
    let mut connection = Connection::new(store.clone());
    connection.replace(&at(&[]), br#"{"1":10,"2":{"x":20},"3":30}"#).unwrap();
    (store, connection)
}

/// Whether a transaction that looked at something and then writes elsewhere is overtaken by a change of somebody else.
fn conflicts(look: impl FnOnce(&mut Connection), change: impl FnOnce(&mut Connection)) -> bool {
    let (store, mut other) = filled();
    let mut reader = open(&store);
    look(&mut reader);
    change(&mut other);
    reader.set(&at(&["elsewhere"]), b"1").unwrap();
    match reader.commit() {
        Ok(()) => {
            assert_eq!(other.get(&at(&["elsewhere"])).unwrap(), Some(b"1".to_vec()));
            false
        }
        Err(trouble) => {
            assert_eq!(trouble, Trouble::Conflict);
            assert_eq!(other.get(&at(&["elsewhere"])).unwrap(), None, "a conflict has written something");
            true
        }
    }
}

fn set(subscripts: &'static [&'static str]) -> impl FnOnce(&mut Connection) {
    move |connection| connection.set(&at(subscripts), b"99").unwrap()
}

fn delete(subscripts: &'static [&'static str]) -> impl FnOnce(&mut Connection) {
    move |connection| assert!(connection.delete(&at(subscripts)).unwrap())
}

#[test]
fn own_changes_are_seen_at_once_and_by_nobody_else() {
    let (store, mut other) = filled();
    let mut own = open(&store);
    own.set(&at(&["1"]), b"11").unwrap();
    own.delete(&at(&["2"])).unwrap();
    own.set(&at(&["4"]), b"40").unwrap();
    assert_eq!(read(&mut own, &at(&[])).unwrap(), r#"{"1":11,"3":30,"4":40}"#);
    assert_eq!(own.sibling(&at(&["4"]), true).unwrap(), Some("3".to_owned()));
    assert_eq!(own.sibling(&at(&["1"]), false).unwrap(), Some("3".to_owned()));
    assert_eq!(own.count(&at(&[]), true, 100).unwrap(), 3);
    assert_eq!(read(&mut other, &at(&[])).unwrap(), r#"{"1":10,"2":{"x":20},"3":30}"#);
    own.commit().unwrap();
    assert_eq!(read(&mut other, &at(&[])).unwrap(), r#"{"1":11,"3":30,"4":40}"#);
}

#[test]
fn what_is_rolled_back_or_dropped_leaves_nothing() {
    let (store, mut other) = filled();
    let before = read(&mut other, &at(&[]));
    let mut own = open(&store);
    own.delete(&at(&[])).unwrap();
    own.roll_back().unwrap();
    assert_eq!(read(&mut own, &at(&[])), before);
    own.begin().unwrap();
    own.replace(&at(&[]), b"[]").unwrap();
    drop(own);
    assert_eq!(read(&mut other, &at(&[])), before);
}

#[test]
fn a_transaction_sees_the_moment_of_its_beginning() {
    let (store, mut other) = filled();
    let before = read(&mut other, &at(&[]));
    let mut reader = open(&store);
    other.set(&at(&["1"]), b"11").unwrap();
    other.delete(&at(&["2"])).unwrap();
    let mut second = open(&store);
    other.set(&at(&["0"]), b"0").unwrap();
    other.set(&at(&["1"]), b"12").unwrap();
    other.set(&at(&["2"]), b"22").unwrap();
    assert_eq!(read(&mut reader, &at(&[])), before);
    assert_eq!(reader.get(&at(&["1"])).unwrap(), Some(b"10".to_vec()));
    assert_eq!(reader.get(&at(&["0"])).unwrap(), None);
    assert_eq!(reader.sibling(&at(&["1"]), true).unwrap(), None);
    let backwards = Selection { reverse: true, ..whole_page() };
    let names: Vec<String> =
        reader.children(Some(&at(&[])), &backwards).unwrap().children.into_iter().map(|child| child.name).collect();
    assert_eq!(names, ["3", "2", "1"]);
    assert_eq!(read(&mut second, &at(&[])).unwrap(), r#"{"1":11,"3":30}"#);
    // Who only looks is never overtaken.
    reader.commit().unwrap();
    second.commit().unwrap();
    assert_eq!(read(&mut reader, &at(&[])).unwrap(), r#"{"0":0,"1":12,"2":22,"3":30}"#);
}

#[test]
fn a_changed_value_is_a_conflict_for_who_read_it() {
    let get = |name: &'static str| move |reader: &mut Connection| drop(reader.get(&at(&[name])).unwrap());
    assert!(conflicts(get("1"), set(&["1"])));
    assert!(conflicts(get("1"), delete(&["1"])));
    assert!(conflicts(get("new"), set(&["new"])), "that there was nothing was read, too");
    assert!(!conflicts(get("1"), set(&["2"])));
    let increment = |reader: &mut Connection| drop(reader.increment(&at(&["1"]), b"1").unwrap());
    assert!(conflicts(increment, set(&["1"])));
}

#[test]
fn what_appears_where_somebody_looked_is_a_conflict() {
    let all = |reader: &mut Connection| drop(reader.children(Some(&at(&[])), &whole_page()).unwrap());
    assert!(conflicts(all, set(&["15"])));
    assert!(conflicts(all, delete(&["2"])));
    let tree = |reader: &mut Connection| drop(read(reader, &at(&[])));
    assert!(conflicts(tree, set(&["2", "y"])));
    let count = |deep| move |reader: &mut Connection| assert!(reader.count(&at(&[]), deep, 100).unwrap() == 3);
    assert!(conflicts(count(true), set(&["2", "y"])));
    assert!(conflicts(count(false), set(&["15"])));
    let look = |reader: &mut Connection| assert!(!reader.look(&at(&["3"])).unwrap().has_children);
    assert!(conflicts(look, set(&["3", "x"])));
    let next = |reader: &mut Connection| assert_eq!(reader.sibling(&at(&["1"]), false).unwrap().unwrap(), "2");
    assert!(conflicts(next, set(&["1.5"])));
    assert!(conflicts(next, delete(&["2"])));
    let deleted = |reader: &mut Connection| assert!(reader.delete(&at(&["2"])).unwrap());
    assert!(conflicts(deleted, set(&["2", "y"])));
    let names = |reader: &mut Connection| drop(reader.children(None, &whole_page()).unwrap());
    assert!(conflicts(names, |other| other.set(&Node::new("another", [""; 0]), b"1").unwrap()));
}

#[test]
fn a_page_relies_on_its_own_part_and_on_whether_there_is_more() {
    let page = |reverse, after: Option<&'static str>| {
        move |reader: &mut Connection| {
            let after = after.map(str::to_owned);
            let selection = Selection { limit: 1, reverse, after, ..Selection::default() };
            let page = reader.children(Some(&at(&[])), &selection).unwrap();
            assert!(page.more && page.children.len() == 1);
        }
    };
    assert!(!conflicts(page(false, None), set(&["3"])));
    assert!(conflicts(page(false, None), set(&["0"])));
    assert!(conflicts(page(false, None), delete(&["2"])), "there may be no more");
    assert!(!conflicts(page(true, None), set(&["1"])));
    assert!(conflicts(page(true, None), set(&["4"])));
    assert!(conflicts(page(false, Some("1")), set(&["1.5"])));
    assert!(!conflicts(page(false, Some("1")), set(&["1"])));
}

#[test]
fn a_look_relies_on_no_more_than_it_answers() {
    let next = |reader: &mut Connection| drop(reader.sibling(&at(&["1"]), false).unwrap());
    assert!(!conflicts(next, set(&["3"])));
    let look = |reader: &mut Connection| drop(reader.look(&at(&[])).unwrap());
    assert!(!conflicts(look, set(&["3"])));
    let prefixed = |reader: &mut Connection| {
        let selection = Selection { prefix: Some("1".to_owned()), ..whole_page() };
        drop(reader.children(Some(&at(&[])), &selection).unwrap());
    };
    assert!(!conflicts(prefixed, set(&["3"])));
    assert!(conflicts(prefixed, set(&["17"])));
}

#[test]
fn who_writes_without_reading_is_never_overtaken() {
    let (store, mut reader) = filled();
    let (mut first, mut second) = (open(&store), open(&store));
    first.set(&at(&["1"]), b"\"first\"").unwrap();
    second.set(&at(&["1"]), b"\"second\"").unwrap();
    second.commit().unwrap();
    first.commit().unwrap();
    assert_eq!(text(reader.get(&at(&["1"])).unwrap()).unwrap(), "\"first\"");
}

#[test]
fn two_who_look_at_each_others_node_do_not_both_win() {
    let (store, mut reader) = filled();
    let (mut first, mut second) = (open(&store), open(&store));
    for (own, looked_at, changed) in [(&mut first, "1", "3"), (&mut second, "3", "1")] {
        assert!(own.get(&at(&[looked_at])).unwrap().is_some());
        own.delete(&at(&[changed])).unwrap();
    }
    first.commit().unwrap();
    assert_eq!(second.commit(), Err(Trouble::Conflict));
    assert_eq!(read(&mut reader, &at(&[])).unwrap(), r#"{"1":10,"2":{"x":20}}"#);
    assert!(second.roll_back().is_err(), "a conflict ends the transaction");
}

#[test]
fn only_what_writes_has_to_be_flushed() {
    let (store, mut connection) = filled();
    let first = connection.written();
    assert!(first > 0);
    assert_eq!(connection.get(&at(&["1"])).unwrap(), Some(b"10".to_vec()));
    assert!(!connection.delete(&at(&["nothing"])).unwrap());
    connection.begin().unwrap();
    connection.look(&at(&[])).unwrap();
    connection.commit().unwrap();
    assert_eq!(connection.written(), first);
    connection.begin().unwrap();
    connection.set(&at(&["1"]), b"1").unwrap();
    connection.commit().unwrap();
    assert!(connection.written() > first);
    assert!(store.flush().unwrap() >= connection.written());
}

#[test]
fn an_index_follows_who_comes_last_of_two_who_write_at_once() {
    let definitions = serde_json::json!({ "d": { ":id": { "documentName": "i", "path": ":value/:id" } } });
    let indexes = Indexes::new(serde_json::from_value::<Definitions>(definitions).unwrap()).unwrap();
    let store = store_with(indexes);
    let mut other = Connection::new(store.clone());
    other.set(&at(&["1"]), b"\"before\"").unwrap();
    let (mut first, mut second) = (open(&store), open(&store));
    first.set(&at(&["1"]), b"\"first\"").unwrap();
    second.delete(&at(&["1"])).unwrap();
    first.commit().unwrap();
    // The entry that it would take away is not there any more, so it has to look again.
    assert_eq!(second.commit(), Err(Trouble::Conflict));
    let (mut first, mut second) = (open(&store), open(&store));
    first.set(&at(&["1"]), b"\"third\"").unwrap();
    second.set(&at(&["1"]), b"\"fourth\"").unwrap();
    second.commit().unwrap();
    assert_eq!(first.commit(), Err(Trouble::Conflict));
    assert_eq!(read(&mut other, &Node::new("i", [""; 0])).unwrap(), r#"{"fourth":{"1":""}}"#);
    assert_eq!(check(&store, &mut |_| {}).findings, []);
}
