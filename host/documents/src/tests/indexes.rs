//! Definitions of indexes: which are refused, and what the others make.
//! In come definitions as config.json has them; out go entries, or words with the way out.
//! That entries follow every change is in the suite.

use crate::{BadIndex, Connection, Indexes, Memory, Node, Store, check};
use serde_json::{Value, json};

fn indexes(definitions: Value) -> Result<Indexes, BadIndex> {
    Indexes::new(serde_json::from_value(definitions).unwrap())
}

fn refused(definitions: Value) -> String {
    indexes(definitions).err().unwrap().to_string()
}

fn connection(definitions: Value) -> (Store, Connection) {
    let store = Store::open(Box::new(Memory::default()), indexes(definitions).unwrap()).unwrap();
    (store.clone(), Connection::new(store))
}

fn read(connection: &mut Connection, document: &str) -> String {
    let json = connection.read(&Node::new(document, [""; 0])).unwrap();
    json.map_or_else(String::new, |json| String::from_utf8(json).unwrap())
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let one = |pattern: &str, index: Value| refused(json!({ "d": { pattern: index } }));
    let to = |path: &str| json!({ "documentName": "i", "path": path });
    assert!(one(":value", to(":value")).contains("give the variable another name"));
    assert!(one(":id", to(":value/:id/:x")).contains(":x, which \":id\" lacks"));
    assert!(one(":id/:n", to(":value/:id")).contains("lacks the variable :n"));
    assert!(
        one(":id", json!({ "documentName": "i", "path": ":value", "value": "x" }))
            .contains("\"x\", which is no variable")
    );
    assert!(one(":id", json!({ "documentName": "i", "path": ":value/:id", "apply": "trim" })).contains("toLowerCase"));
    assert!(one(":id", json!({ "documentName": "", "path": ":value/:id" })).contains("name the document"));
    for path in ["", "/", "a//:id", ":id/:", "/:id"] {
        assert!(one(":id", to(path)).contains("empty part"), "{path}");
        assert!(one(path, to(":value")).contains("empty part"), "{path}");
    }
    assert!(Indexes::from_json(b"{\"d\":1}").is_err());
    let unknown = json!({ "d": { ":id": { "documentName": "i", "path": ":value/:id", "handler": "x" } } });
    assert!(Indexes::from_json(unknown.to_string().as_bytes()).err().unwrap().what.contains("handler"));
}

#[test]
fn indexes_may_not_share_entries_nor_follow_each_other() {
    let to = |document: &str, path: &str| json!({ "documentName": document, "path": path });
    let apart = "begin the path of each index with another name";
    assert!(
        refused(json!({ "d": { ":id/home": to("i", ":value/:id"), ":id/work": to("i", ":value/:id") } }))
            .contains(apart)
    );
    assert!(
        refused(json!({ "d": { ":id": to("i", "x/:value/:id") }, "e": { ":id": to("i", ":value/x/:id") } }))
            .contains(apart)
    );
    assert!(
        refused(json!({ "d": { ":id": to("e", "x/:value/:id") }, "e": { "x/:a/:b": to("i", ":value/:a/:b") } }))
            .contains(apart)
    );
    assert!(
        refused(json!({ "d": { ":a/:b": to("e", ":value/:a/:b") }, "e": { ":a/:b/:c": to("i", ":value/:a/:b/:c") } }))
            .contains(apart)
    );
    assert!(
        refused(json!({ "d": { "x/:a/:b": to("i", ":value/:a/:b") }, "e": { ":id": to("d", "x/:value/:id") } }))
            .contains(apart)
    );
    assert!(refused(json!({ "d": { ":a/x": to("d", ":value/:a") } })).contains(apart));
    let fine = json!({
        "d": { ":id/home": to("i", "home/:value/:id"), ":id/work": to("i", "work/:value/:id"), ":id": to("d", "by/:value/:id") },
        "i": { "home/:a": to("j", ":value/:a") },
    });
    assert!(indexes(fine).is_ok());
}

#[test]
fn an_entry_that_names_its_node_by_its_value_is_of_the_last_one() {
    let unique = json!({ "d": { ":id/email": { "documentName": "i", "path": "by_email/:value", "value": "id" } } });
    let (store, mut connection) = connection(unique);
    let email = |id: &str| Node::new("d", [id, "email"]);
    connection.set(&email("1"), b"\"x\"").unwrap();
    assert_eq!(read(&mut connection, "i"), r#"{"by_email":{"x":"1"}}"#);
    // It moves to another node, which then keeps it.
    connection.set(&email("2"), b"\"x\"").unwrap();
    assert!(connection.delete(&email("1")).unwrap());
    assert_eq!(read(&mut connection, "i"), r#"{"by_email":{"x":"2"}}"#);
    assert_eq!(check(&store, &mut |_| {}).findings, []);
    connection.set(&email("2"), b"\"y\"").unwrap();
    assert_eq!(read(&mut connection, "i"), r#"{"by_email":{"y":"2"}}"#);
    // A check knows to whom an entry belongs.
    connection.set(&Node::new("i", ["by_email", "y"]), b"\"3\"").unwrap();
    assert_eq!(check(&store, &mut |_| {}).wrong, 1);
    connection.delete(&Node::new("i", [""; 0])).unwrap();
    assert_eq!(check(&store, &mut |_| {}).findings[0].at, r#"d(2, "email")"#);
}

#[test]
fn one_value_has_one_place_however_it_is_written() {
    let index = json!({ "documentName": "i", "path": ":value/:id", "apply": "toLowerCase" });
    let (store, mut connection) = connection(json!({ "d": { ":id": index } }));
    let values =
        ["1", "1.0", "\"1\"", "1e0", "100e-2", "0.10", "0.1", "-0", "0.0", "12345678901234567890123", "true", "null"];
    for (id, value) in values.iter().enumerate() {
        connection.set(&Node::new("d", [id.to_string()]), value.as_bytes()).unwrap();
    }
    connection.set(&Node::new("d", ["x"]), "\"ÄÖ/:x\"".as_bytes()).unwrap();
    assert_eq!(
        read(&mut connection, "i"),
        concat!(
            r#"{"0":{"7":"","8":""},"0.1":{"5":"","6":""},"1":{"0":"","1":"","2":"","3":"","4":""},"#,
            r#""12345678901234567890123":{"9":""},"null":{"11":""},"true":{"10":""},"äö/:x":{"x":""}}"#,
        )
    );
    assert_eq!(check(&store, &mut |_| {}).findings, []);
    // Neither an empty text nor a tree has a place.
    connection.delete(&Node::new("d", [""; 0])).unwrap();
    connection.set(&Node::new("d", ["1"]), b"\"\"").unwrap();
    connection.replace(&Node::new("d", ["2"]), b"[]").unwrap();
    assert_eq!(read(&mut connection, "i"), "");
    assert_eq!(check(&store, &mut |_| {}).findings, []);
}

#[test]
fn a_pattern_takes_what_fits_all_its_parts() {
    let index = |path: &str| json!({ "documentName": "i", "path": path });
    let (store, mut connection) =
        connection(json!({ "d": { "by/:id/x": index("a/:value/:id"), ":id/:id": index("b/:value/:id") } }));
    for subscripts in
        [&["by", "1", "x"][..], &["by", "1", "y"], &["by", "1"], &["of", "1", "x"], &["2", "2"], &["2", "3"]]
    {
        connection.set(&Node::new("d", subscripts.iter().copied()), b"7").unwrap();
    }
    connection.set(&Node::new("e", ["by", "1", "x"]), b"7").unwrap();
    assert_eq!(read(&mut connection, "i"), r#"{"a":{"7":{"1":""}},"b":{"7":{"2":""}}}"#);
    assert_eq!(check(&store, &mut |_| {}).findings, []);
}
