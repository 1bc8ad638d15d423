//! The monitor as operators use it by its API: signing in, looking, and changing.

mod documents;
mod fleet;
mod gate;
mod views;

use crate::harness::{API, App, Fleet, Launch, Operator, Request, wait_until};
use serde_json::{Value, json};

fn app() -> App {
    let routes = json!([
        {"uri": "/api/echo/:word", "method": "GET", "handler": "echo", "authenticate": false},
        {"uri": "/api/sleep", "method": "POST", "handler": "sleeper", "authenticate": false},
        {"application": "demo", "type": "hello", "handler": "echo", "authenticate": false},
    ]);
    App::new(json!({"qewd_up": true, "orchestrator": {"qewd": {"poolSize": 2}}}), &routes)
        .guest("orchestrator", "echo")
        .guest("orchestrator", "sleeper")
}

#[test]
fn the_host_stops_when_the_operator_wants_it() {
    let app = app();
    let mut host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    let mut events = operator.stream("overview");
    assert_eq!(events.next().1["stopping"], json!(false));
    let answer = operator.act("host/stop");
    assert_eq!((answer.status, answer.json()), (200, json!({"ok": true})));
    let bye = loop {
        let (kind, data) = events.next();
        if kind == "bye" {
            break data;
        }
    };
    assert_eq!(bye, json!({"why": "stopping"}));
    assert_eq!(host.ended().code(), Some(0));
    assert!(host.lines().iter().any(|line| line.contains("monitor: 127.0.0.1 stops this host")));
}

#[test]
fn a_worker_is_stopped_under_load_and_no_request_is_lost() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ask = || {
            let mut count = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                assert_eq!(host.get("/api/echo/a").send().status, 200);
                count += 1;
            }
            count
        };
        let asking: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();
        for _ in 0..5 {
            let mut worker = Value::Null;
            wait_until("a worker lives", || {
                worker = operator.view("overview")["workers"][0]["id"].clone();
                worker.is_u64()
            });
            let answer = operator.act(&format!("workers/{worker}/stop"));
            // It may have been stopped by the one before.
            assert!([200, 404].contains(&answer.status), "{answer:?}");
            let workers = operator.view("overview")["workers"].clone();
            assert!(workers.as_array().unwrap().iter().all(|other| other["id"] != worker), "{worker} {workers}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let counts: Vec<u32> = asking.into_iter().map(|asking| asking.join().unwrap()).collect();
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    });
}

#[test]
fn the_workers_of_one_module_or_all_are_stopped() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    host.get("/api/echo/a").send();
    host.post("/api/sleep?milliseconds=1", "").send();
    let modules = || {
        let view = operator.view("overview");
        let workers = view["workers"].as_array().unwrap().iter();
        let mut modules: Vec<String> = workers.map(|one| one["module"].as_str().unwrap().to_owned()).collect();
        modules.sort();
        modules
    };
    assert_eq!(modules(), ["echo", "sleeper"]);
    let stopped = operator.send("POST", "handlers/stop", &json!({"module": "echo"}));
    assert_eq!((stopped.json(), modules()), (json!({"ok": true, "stopped": 1}), vec!["sleeper".to_owned()]));
    let unknown = operator.send("POST", "handlers/stop", &json!({"module": "nope"}));
    assert_eq!(unknown.shown(), r#"404 {"error":"There is no module nope"}"#);
    assert_eq!(operator.act("workers/stop").json(), json!({"ok": true, "stopped": 1}));
    assert!(modules().is_empty());
    assert_eq!(operator.act("workers/1/stop").shown(), r#"404 {"error":"There is no worker 1; it may have ended"}"#);
}

#[test]
fn a_module_is_read_anew_also_when_it_has_not_changed() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    host.get("/api/echo/a").send();
    let module = |name: &str| {
        let view = operator.view("handlers");
        view["modules"].as_array().unwrap().iter().find(|module| module["name"] == json!(name)).unwrap().clone()
    };
    let before = module("echo");
    assert_eq!((&before["requests"], &before["error"]), (&json!(1), &Value::Null));
    let answer = operator.send("POST", "handlers/reload", &json!({"module": "echo"}));
    assert_eq!(answer.json(), json!({"ok": true, "version": before["version"]}));
    let after = module("echo");
    assert_eq!((&after["requests"], &after["version"]), (&json!(0), &before["version"]));
    assert!(after["loaded"].as_u64() > before["loaded"].as_u64(), "{before} {after}");
    assert_eq!(host.get("/api/echo/a").send().status, 200);
    // A broken file is told with its words, and the version before it serves on.
    app.write("handlers/orchestrator/echo.wasm", "junk");
    let mut broken = Value::Null;
    wait_until("the broken file is told", || {
        broken = module("echo");
        !broken["error"].is_null()
    });
    let words = "handlers/orchestrator/echo.wasm: the file is not WebAssembly";
    assert!(broken["error"].as_str().unwrap().starts_with(words), "{broken}");
    assert_eq!(broken["version"], before["version"]);
    let refused = operator.send("POST", "handlers/reload", &json!({"module": "echo"}));
    assert_eq!(refused.status, 422);
    assert!(refused.json()["error"].as_str().unwrap().starts_with(words), "{refused:?}");
    assert_eq!(host.get("/api/echo/a").send().status, 200);
    app.write("handlers/orchestrator/new.wasm", "junk");
    wait_until("the new file is told", || operator.view("handlers")["notLoaded"][0]["file"].is_string());
    let view = operator.view("handlers");
    assert_eq!(view["notLoaded"][0]["file"], json!("handlers/orchestrator/new.wasm"));
    let nothing = operator.send("POST", "handlers/reload", &json!({"module": "nope"}));
    assert_eq!(nothing.shown(), r#"422 {"error":"there is no module nope"}"#);
}

#[test]
fn a_client_is_disconnected() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    let mut socket = crate::harness::Socket::registered(&host, "demo");
    let mut view = Value::Null;
    // It is counted once it is written, so the client may have its answer a moment before.
    wait_until("the answer is counted", || {
        view = operator.view("clients");
        view["clients"][0]["sent"] == json!(1)
    });
    let client = view["clients"][0].clone();
    assert_eq!((&view["count"], &client["application"]), (&json!(1), &json!("demo")));
    assert_eq!((&client["address"], &client["received"], &client["sent"]), (&json!("127.0.0.1"), &json!(1), &json!(1)));
    let id = client["id"].as_str().unwrap();
    assert_eq!(operator.act(&format!("clients/{id}/disconnect")).json(), json!({"ok": true}));
    assert_eq!(socket.closed().unwrap().reason.as_str(), "the operator disconnected it");
    wait_until("the client is gone", || operator.view("clients")["count"] == json!(0));
    let gone = operator.act(&format!("clients/{id}/disconnect"));
    assert_eq!(gone.status, 404);
}

#[test]
fn a_host_without_a_monitor_has_none_of_its_paths() {
    let app = app().setting("orchestrator", "qewd-monitor", json!(false));
    let host = Launch::orchestrator(&app).start();
    for path in ["/qewd-monitor", "/qewd-monitor/app.js", "/qewd-monitor/api/session"] {
        assert_eq!(host.get(path).send().status, 404, "{path}");
    }
    assert!(!host.lines().iter().any(|line| line.contains("managementPassword")), "{:?}", host.lines());
}

#[test]
fn a_monitor_that_is_switched_off_ends_its_streams() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    let mut events = operator.stream("links");
    events.next();
    let _app = app.setting("orchestrator", "qewd-monitor", json!(false));
    assert_eq!(events.next(), ("bye".to_owned(), json!({"why": "signed out"})));
    events.end();
    assert_eq!(operator.request("GET", "overview").send().status, 404);
}

#[test]
fn a_host_that_stops_leaves_no_wish_unanswered() {
    let app = app();
    let mut host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    let body = r#"{"module": "echo"}"#;
    let wish =
        || operator.request("POST", "handlers/reload").header("Content-Type", "application/json").body(body).begin();
    let wishes: Vec<_> = (0..12).map(|_| wish()).collect();
    wait_until("all wishes are there", || {
        host.lines().iter().filter(|line| line.contains("has echo read anew")).count() == wishes.len()
    });
    assert_eq!(operator.act("host/stop").status, 200);
    for mut wish in wishes {
        let answer = crate::harness::read_answer(&mut wish, true);
        assert!([200, 422].contains(&answer.status), "{answer:?}");
    }
    assert_eq!(host.ended().code(), Some(0));
}
