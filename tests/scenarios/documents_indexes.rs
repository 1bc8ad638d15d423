//! Indexes that config.json declares: they follow every way in which a value changes, and those that are new are made at the start.

use super::documents::{app, keep, keep_together, read, stop};
use super::documents_operators::operate;
use crate::harness::{App, Host, Launch};
use serde_json::{Value, json};

fn audit() -> App {
    let by_user = json!({"documentName": "AuditIndex", "path": "by_userId/:value/:id", "apply": "toLowerCase"});
    let by_place = json!({"documentName": "Places", "path": "by_place/:value/:id", "value": "id"});
    app(&json!({"indexes": {"Audit": {"by_id/:id/userId": by_user, "by_id/:id/at/place": by_place}}}))
}

/// Both indexes, without what both begin with.
fn indexes(host: &Host) -> (Value, Value) {
    (read(host, "AuditIndex")["by_userId"].take(), read(host, "Places")["by_place"].take())
}

fn user(id: u32) -> Value {
    json!(["Audit", "by_id", id, "userId"])
}

#[test]
fn an_index_follows_values_however_they_change() {
    let data = tempfile::tempdir().unwrap();
    let host = Launch::orchestrator(&audit()).data(data.path()).start();
    keep(&host, &json!([["set", user(7), "Rob"], ["set", ["Audit", "by_id", 7, "at", "place"], "Ulm"]]));
    assert_eq!(indexes(&host), (json!({"rob": {"7": ""}}), json!({"Ulm": {"7": "7"}})));
    keep(&host, &json!([["set", user(7), "ROB"], ["set", user(8), "Ann"]]));
    assert_eq!(indexes(&host).0, json!({"rob": {"7": ""}, "ann": {"8": ""}}));
    keep(
        &host,
        &json!([["set", user(7), "Eve"], ["replace", ["Audit", "by_id", 9], {"userId": "eve", "at": {"place": "Bern"}}]]),
    );
    assert_eq!(
        indexes(&host),
        (json!({"eve": {"7": "", "9": ""}, "ann": {"8": ""}}), json!({"Ulm": {"7": "7"}, "Bern": {"9": "9"}}))
    );
    keep(&host, &json!([["merge", ["Audit", "by_id"], {"9": {"userId": "Rob"}}], ["delete", user(8)]]));
    assert_eq!(indexes(&host).0, json!({"eve": {"7": ""}, "rob": {"9": ""}}));
    // Numbers are found by their shortest text; an empty text has no entry.
    keep(
        &host,
        &json!([["increment", user(10), 5], ["set", user(11), true], ["set", user(12), ""], ["set", user(13), null]]),
    );
    assert_eq!(
        indexes(&host).0,
        json!({"eve": {"7": ""}, "rob": {"9": ""}, "5": {"10": ""}, "true": {"11": ""}, "null": {"13": ""}})
    );
    // What does not fit the pattern is followed by nothing.
    keep(
        &host,
        &json!([
            ["set", ["Audit", "by_id", 7], "x"],
            ["set", ["Audit", "by_name", 7, "userId"], "x"],
            ["set", ["Other", "by_id", 7, "userId"], "x"]
        ]),
    );
    keep(&host, &json!([["replace", ["Audit", "by_id", 7], {"userId": "New"}], ["delete", ["Audit", "by_id", 9]]]));
    assert_eq!(
        indexes(&host),
        (json!({"new": {"7": ""}, "5": {"10": ""}, "true": {"11": ""}, "null": {"13": ""}}), Value::Null)
    );
    assert_eq!(operate(data.path(), &["check"]).code, Some(0));
    keep(&host, &json!([["delete", ["Audit"]]]));
    assert_eq!(indexes(&host), (Value::Null, Value::Null));
    assert_eq!(operate(data.path(), &["check"]).code, Some(0));
}

#[test]
fn an_entry_and_its_value_are_one_step() {
    let host = Launch::orchestrator(&audit()).start();
    let steps =
        json!([["set", user(1), "Ann"], ["read", ["AuditIndex"]], ["set", user(1), "Eve"], ["read", ["AuditIndex"]]]);
    let seen = keep_together(&host, &steps);
    assert_eq!(
        (&seen[1], &seen[3]),
        (&json!({"by_userId": {"ann": {"1": ""}}}), &json!({"by_userId": {"eve": {"1": ""}}}))
    );
    let body = json!({"together": true, "steps": [["set", user(1), "Rob"], ["set", user(2), "Rob"], ["refuse"]]});
    assert_eq!(host.post("/api/keep", &body.to_string()).send().status, 409);
    assert_eq!(indexes(&host).0, json!({"eve": {"1": ""}}));
}

#[test]
fn entries_of_new_definitions_are_made_at_the_start() {
    let (without, data) = (app(&json!({})), tempfile::tempdir().unwrap());
    let start = |app: &App| Launch::orchestrator(app).data(data.path()).start();
    let host = start(&without);
    let people: Value = (0..1500)
        .map(|id| (id.to_string(), json!({"userId": format!("User{}", id % 3)})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    keep(&host, &json!([["replace", ["Audit", "by_id"], people]]));
    stop(host);
    let host = start(&audit());
    host.wait_for("the indexes of the documents have changed; the entries of 1500 nodes are made");
    let counts: Vec<usize> =
        indexes(&host).0.as_object().unwrap().values().map(|ids| ids.as_object().unwrap().len()).collect();
    assert_eq!(counts, [500, 500, 500]);
    assert_eq!(operate(data.path(), &["check"]).code, Some(0));
    stop(host);
    // Only once.
    let host = start(&audit());
    assert!(!host.lines().iter().any(|line| line.contains("have changed")), "{:#?}", host.lines());
    stop(host);
    // What a definition made that is gone stays until somebody deletes it, and is no fault.
    let host = start(&without);
    keep(&host, &json!([["delete", ["Audit"]]]));
    assert!(read(&host, "AuditIndex").is_object());
    assert_eq!(operate(data.path(), &["check"]).code, Some(0));
}
