//! Handlers that end badly in the middle of a transaction: nothing of it stays, and their locks are free at once.
//! Each file of tests/guests/misbehaving that uses documents has the test of its name here.

use super::documents::{keep, read};
use crate::harness::{App, Host, Launch};
use serde_json::{Value, json};

const FAILED: &str = r#"500 {"error":"The handler failed; tell the operator this request id: …"}"#;
/// How often each of them runs, one after the other: the next one needs the lock of the one before.
const TIMES: usize = 3;

fn host(guest: &str, data: &tempfile::TempDir) -> Host {
    let routes = json!([
        {"uri": "/api/guest", "handler": guest, "authenticate": false},
        {"uri": "/api/keep", "method": "POST", "handler": "keeper", "authenticate": false},
    ]);
    let config = json!({"qewd_up": true, "orchestrator": {"qewd": {"limits": {"requestMilliseconds": 700}}}});
    let app = App::new(config, &routes).guest("orchestrator", guest).guest("orchestrator", "keeper");
    Launch::orchestrator(&app).data(data.path()).start()
}

/// It ends with this answer, and leaves nothing.
fn leaves_nothing(guest: &str, answer: &str) {
    let data = tempfile::tempdir().unwrap();
    let host = host(guest, &data);
    keep(&host, &json!([["set", ["work", "before"], 1]]));
    for _ in 0..TIMES {
        assert_eq!(host.get("/api/guest").send().shown_without_id(), answer);
        assert_eq!(keep(&host, &json!([["lock", ["work"], 0]])), json!([true]), "its lock is held");
        assert_eq!(read(&host, "work"), json!({"before": 1}));
    }
    // And others write on where it would have written.
    keep(&host, &json!([["set", ["work", "half"], "of another"]]));
    drop(host);
    let kept = host_again(guest, &data);
    assert_eq!(kept, json!({"before": 1, "half": "of another"}));
}

fn host_again(guest: &str, data: &tempfile::TempDir) -> Value {
    read(&host(guest, data), "work")
}

#[test]
fn traps_in_a_transaction() {
    leaves_nothing("traps_in_a_transaction", FAILED);
}

#[test]
fn loops_in_a_transaction() {
    leaves_nothing("loops_in_a_transaction", r#"504 {"error":"The request took too long and was given up"}"#);
}

#[test]
fn refuses_in_a_transaction() {
    leaves_nothing("refuses_in_a_transaction", r#"409 {"error":"There is no room for the other half"}"#);
}

#[test]
fn forgets_its_transaction() {
    leaves_nothing("forgets_its_transaction", "200 done");
}
