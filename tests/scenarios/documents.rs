//! Documents as handlers use them: exact totals, locks, what is kept and what is forgotten, and who may use them.

use crate::harness::{App, Host, Launch, Source, wait_until};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Connections that write at one time, and writes of each kind on each of them.
const CONNECTIONS: u32 = 8;
const WRITES: u32 = 25;

/// A host with the handler that does with documents what it is told, and this object `documents` in config.json.
pub(crate) fn app(documents: &Value) -> App {
    let routes = json!([
        {"uri": "/api/keep", "method": "POST", "handler": "keeper", "authenticate": false},
        {"uri": "/api/list", "handler": "list", "authenticate": false},
    ]);
    let config = json!({"qewd_up": true, "orchestrator": {"qewd": {"poolSize": CONNECTIONS}}, "documents": documents});
    App::new(config, &routes).guest("orchestrator", "keeper").guest("orchestrator", "echo")
}

/// Does these steps one by one, and tells what each gave.
pub(crate) fn keep(host: &Host, steps: &Value) -> Value {
    results(host, &json!({ "steps": steps }))
}

/// The same in one transaction.
pub(crate) fn keep_together(host: &Host, steps: &Value) -> Value {
    results(host, &json!({"together": true, "steps": steps}))
}

fn results(host: &Host, body: &Value) -> Value {
    let answer = host.post("/api/keep", &body.to_string()).send();
    assert_eq!(answer.status, 200, "{body}: {}", answer.shown());
    answer.json()["results"].take()
}

/// A document as JSON; `null` if there is none.
pub(crate) fn read(host: &Host, document: &str) -> Value {
    keep(host, &json!([["read", [document]]]))[0].take()
}

/// Tells it to stop, and waits until it has.
pub(crate) fn stop(mut host: Host) {
    host.signal("TERM");
    assert_eq!(host.ended().code(), Some(0));
}

#[test]
fn eight_connections_increment_and_transfer_and_the_totals_are_exact() {
    let data = tempfile::tempdir().unwrap();
    let host = Launch::orchestrator(&app(&json!({}))).data(data.path()).start();
    keep(&host, &json!([["set", ["first", "balance"], 1000], ["set", ["second", "balance"], 1000]]));
    std::thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let host = &host;
            scope.spawn(move || {
                // Half of them write one way, half of them the other way.
                let amount = if connection % 2 == 0 { 3 } else { -2 };
                for _ in 0..WRITES {
                    keep(host, &json!([["increment", ["counters", "all"], 1]]));
                    let steps = json!([
                        ["increment", ["first", "balance"], -amount],
                        ["increment", ["second", "balance"], amount],
                        ["increment", ["transfers", connection], 1],
                    ]);
                    keep_together(host, &steps);
                }
            });
        }
    });
    let all = CONNECTIONS * WRITES;
    assert_eq!(read(&host, "counters"), json!({"all": all}));
    // Three there and two back, as often as each other.
    let moved = all / 2;
    assert_eq!(read(&host, "first"), json!({"balance": 1000 - moved}));
    assert_eq!(read(&host, "second"), json!({"balance": 1000 + moved}));
    let transfers = read(&host, "transfers");
    assert_eq!(transfers.as_object().unwrap().values().filter(|count| **count == json!(WRITES)).count(), 8);
}

#[test]
fn without_a_data_folder_documents_end_with_the_host() {
    let app = app(&json!({}));
    let host = Launch::orchestrator(&app).start();
    host.wait_for("documents are kept in memory and end with this host; --data DIR keeps them");
    keep(&host, &json!([["set", ["patients", 1], "Ann"]]));
    assert_eq!(read(&host, "patients"), json!({"1": "Ann"}));
    stop(host);
    assert_eq!(read(&Launch::orchestrator(&app).start(), "patients"), Value::Null);
}

#[test]
fn with_a_data_folder_documents_stay_however_the_host_ends() {
    let (app, data) = (app(&json!({})), tempfile::tempdir().unwrap());
    let start = || Launch::orchestrator(&app).data(data.path()).start();
    let host = start();
    host.wait_for(&format!("documents are kept in {}", data.path().display()));
    keep(
        &host,
        &json!([["replace", ["patients", 1], {"name": "Ann", "tags": ["a", null, {}], "long": "x".repeat(300_000)}]]),
    );
    let before = read(&host, "patients");
    stop(host);
    let mut host = start();
    assert_eq!(read(&host, "patients"), before);
    keep(&host, &json!([["set", ["patients", 1, "name"], "Eve"]]));
    host.kill();
    assert_eq!(read(&start(), "patients")["1"]["name"], "Eve");
}

/// What a second process is told about the documents that this host holds.
fn held(data: &Path, host: &Host) -> String {
    let (folder, process) = (data.join("documents"), host.process());
    format!(
        "qewd: the documents in {} are held by {} (process {process}); stop it, or give this one a folder of its own with --data\n",
        folder.display(),
        host.name
    )
}

#[test]
fn a_second_host_on_the_same_folder_is_told_who_holds_it() {
    let (app, data) = (app(&json!({})), tempfile::tempdir().unwrap());
    let mut config: Value = serde_json::from_str(&app.config()).unwrap();
    config["microservices"] = json!([{"name": "far"}]);
    app.write("configuration/config.json", config.to_string());
    let mut first = Launch::orchestrator(&app).data(data.path()).start();
    let [same, other] =
        [Launch::orchestrator(&app), Launch::microservice(&app, "far")].map(|launch| launch.data(data.path()).fails());
    assert_eq!((same.code, same.err.as_str()), (Some(1), held(data.path(), &first).as_str()));
    assert_eq!((other.code, other.err), (same.code, same.err));
    keep(&first, &json!([["set", ["patients", 1], "Ann"]]));
    // Whoever held it is gone, and nobody has to clean up.
    first.kill();
    let service = Launch::microservice(&app, "far").data(data.path()).start();
    let late = Launch::orchestrator(&app).data(data.path()).fails();
    assert_eq!((late.code, late.err), (Some(1), held(data.path(), &service)));
}

#[test]
fn a_lock_is_waited_for_and_ends_with_its_request() {
    let host = Launch::orchestrator(&app(&json!({}))).start();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            keep(&host, &json!([["lock", ["reports", 7], 0], ["set", ["state"], "held"], ["sleep", [], 2000]]))
        });
        wait_until("the lock is taken", || read(&host, "state") == "held");
        let began = Instant::now();
        // It excludes those above and below, and nothing beside it.
        let tries = json!([
            ["lock", ["reports", 7], 100],
            ["lock", ["reports"], 0],
            ["lock", ["reports", 7, "page"], 0],
            ["lock", ["reports", 8], 0],
            ["lock", ["report"], 0],
        ]);
        assert_eq!(keep(&host, &tries), json!([false, false, false, true, true]));
        assert!(began.elapsed() >= Duration::from_millis(100), "it did not wait");
        assert_eq!(keep(&host, &json!([["lock", ["reports", 7], 15_000]])), json!([true]));
        assert!(slow.join().is_ok());
    });
    // The request that got it is over, too.
    assert_eq!(
        keep(&host, &json!([["lock", ["reports"], 0], ["unlock"], ["lock", ["reports", 7], 0]])),
        json!([true, 1, true])
    );
}

#[test]
fn a_transaction_sees_its_own_moment_and_refusing_it_leaves_nothing() {
    let host = Launch::orchestrator(&app(&json!({}))).start();
    keep(&host, &json!([["set", ["a", "x"], 1]]));
    let body =
        json!({"together": true, "steps": [["set", ["a", "x"], 2], ["delete", ["a"]], ["set", ["b"], 3], ["refuse"]]});
    assert_eq!(host.post("/api/keep", &body.to_string()).send().shown(), r#"409 {"error":"Not today"}"#);
    assert_eq!((read(&host, "a"), read(&host, "b")), (json!({"x": 1}), Value::Null));
    // While it sleeps, another one writes: it sees what it began with, and has to run again.
    let steps = json!([
        ["get", ["a", "x"]],
        ["lock", ["began"], 5000],
        ["sleep", [], 500],
        ["get", ["a", "x"]],
        ["increment", ["a", "x"], 10],
    ]);
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| keep_together(&host, &steps));
        wait_until("it has begun", || keep(&host, &json!([["lock", ["began"], 0]])) == json!([false]));
        keep(&host, &json!([["set", ["a", "x"], 5]]));
        let seen = slow.join().unwrap();
        assert_eq!((&seen[0], &seen[4]), (&seen[3], &json!(15)), "{seen}");
    });
    assert_eq!(read(&host, "a"), json!({"x": 15}));
}

#[test]
fn of_two_transactions_that_count_each_others_children_one_comes_after_the_other() {
    let host = Launch::orchestrator(&app(&json!({}))).start();
    // Each looks who is there, waits until both have looked, and puts itself where the other one looks.
    let steps = |own: &str, other: &str| {
        json!([
            ["children", [other]],
            ["lock", ["looked", own], 5000],
            ["sleep", [], 700],
            ["set", [own, "here"], true]
        ])
    };
    let [first, second] = [steps("left", "right"), steps("right", "left")];
    let (first, second) = std::thread::scope(|scope| {
        let one = scope.spawn(|| keep_together(&host, &first));
        let other = scope.spawn(|| keep_together(&host, &second));
        (one.join().unwrap()[0].take(), other.join().unwrap()[0].take())
    });
    let seen = [first, second];
    assert!(seen.contains(&json!(["here"])), "both have seen nobody: {seen:?}");
    assert_eq!(keep(&host, &json!([["read", ["left"]], ["read", ["right"]]])), json!([{"here": true}, {"here": true}]));
}

#[test]
fn what_cannot_be_kept_is_said() {
    let app = app(&json!({})).setting("orchestrator", "limits", json!({"bodyBytes": 4 << 20}));
    let host = Launch::orchestrator(&app).start();
    let answer = |step: Value| host.post("/api/keep", &json!({ "steps": [step] }).to_string()).send().shown();
    keep(&host, &json!([["set", ["d", "text"], "seven"]]));
    for (step, expected) in [
        (json!(["set", ["d", ""], 1]), "400"),
        (json!(["set", [""], 1]), "400"),
        (json!(["set", ["d", "x".repeat(1100)], 1]), "400"),
        (json!(["set", ["d"], "x".repeat(1 << 20)]), "400"),
        (json!(["increment", ["d", "text"], 1]), "400"),
        (json!(["set", ["d"], [1]]), "500"),
        (json!(["set", ["d"], "x".repeat((1 << 20) - 2)]), "200"),
    ] {
        let shown = answer(step);
        assert!(shown.starts_with(expected) && shown.len() < 400, "{shown}");
    }
    assert_eq!(read(&host, "d")["text"], "seven");
}

#[test]
fn a_module_uses_documents_only_if_config_json_lets_it() {
    let app = app(&json!({}));
    let mut config: Value = serde_json::from_str(&app.config()).unwrap();
    // A module that does not import them needs no leave.
    config["handlers"] = json!({"keeper": {"imports": ["log", "settings"]}, "echo": {"imports": ["log"]}});
    app.write("configuration/config.json", config.to_string());
    let words = "handlers/orchestrator/keeper.wasm: the module imports documents, which config.json does not grant it; \
                 add \"documents\" to its \"imports\" in \"handlers\", or build it without";
    let ended = Launch::orchestrator(&app).fails();
    assert_eq!((ended.code, ended.err.trim()), (Some(1), format!("qewd: {words}").as_str()));
    config["handlers"]["keeper"]["imports"] = json!(["documents"]);
    app.write("configuration/config.json", config.to_string());
    let host = Launch::orchestrator(&app).start();
    assert_eq!(keep(&host, &json!([["increment", ["n"], 2]])), json!([2]));
    assert_eq!(host.get("/api/list").send().status, 200);
}

#[test]
fn what_config_json_says_of_documents_waits_for_the_next_start() {
    let app = app(&json!({})).with("orchestrator", Source::Guest, "sleeper");
    let host = Launch::orchestrator(&app).start();
    let seen = host.seen();
    app.write(
        "configuration/config.json",
        app.config().replace("\"documents\":{}", "\"documents\":{\"durability\":\"relaxed\"}"),
    );
    let line = host.wait_for_after(seen, "what config.json says of documents holds from the next start");
    assert!(line.contains(" WARN "), "{line}");
    keep(&host, &json!([["set", ["a"], 1]]));
}
