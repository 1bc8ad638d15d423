//! Workers as their settings want them: how many, for how long, for whom.

use crate::harness::{App, Host, Launch, Request, read_answer, versions, wait_until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Its workers are told of at this level.
const LOG: &str = "info,qewd::pool=debug";

fn app(qewd: &Value, handlers: &Value) -> App {
    let route = |uri: &str, handler: &str| json!({"uri": uri, "handler": handler, "authenticate": false});
    let routes = json!([
        route("/api/list", "list"),
        route("/api/sleep", "sleeper"),
        route("/api/versioned", "versioned"),
        route("/api/ask", "asker"),
    ]);
    let config = json!({"qewd_up": true, "orchestrator": {"qewd": qewd}, "handlers": handlers});
    ["echo", "sleeper", "versioned", "asker"]
        .iter()
        .fold(App::new(config, &routes), |app, name| app.guest("orchestrator", name))
}

fn host(qewd: &Value, handlers: &Value) -> Host {
    Launch::orchestrator(&app(qewd, handlers)).logging(LOG).start()
}

fn count(host: &Host, text: &str) -> usize {
    host.lines().iter().filter(|line| line.contains(text)).count()
}

#[test]
fn a_worker_is_used_again_unless_its_module_wants_fresh_ones() {
    let host = host(&json!({}), &json!({"orchestrator/versioned": {"mode": "fresh"}}));
    for _ in 0..5 {
        assert_eq!(host.get("/api/list").send().status, 200);
        assert_eq!(host.get("/api/versioned").send().status, 200);
    }
    wait_until("the last fresh one ends", || count(&host, "its module wants a fresh one for each request") == 5);
    assert_eq!(count(&host, "of versioned (version "), 10, "five begin and five end: {:#?}", host.lines());
    assert_eq!(count(&host, "of echo (version "), 1, "one begins: {:#?}", host.lines());
}

#[test]
fn an_idle_worker_ends_after_its_time() {
    let host = host(&json!({"idleLimit": 300}), &json!({}));
    assert_eq!(host.get("/api/list").send().status, 200);
    let line = host.wait_for("it was idle for too long");
    assert!(line.contains("ends after 1 requests"), "{line}");
    assert_eq!(host.get("/api/list").send().status, 200);
    host.wait_for("worker 2 of echo");
}

#[test]
fn a_worker_retires_after_some_thousands_of_requests() {
    let host = host(&json!({"poolSize": 1}), &json!({}));
    let crowd = crate::harness::Crowd::start(4, host.port, "/api/list", |answer| answer.status == 200);
    let served = |line: &str| -> u64 {
        line.split("ends after ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap()
    };
    host.wait_for_within("it has served its number of requests", Duration::from_secs(60));
    assert!(crowd.end() > 9000);
    let lines = host.lines();
    let line = lines.iter().find(|line| line.contains("it has served its number")).unwrap();
    assert!((9_000..=11_000).contains(&served(line)), "{line}");
}

#[test]
fn a_module_that_fills_the_line_leaves_room_for_others() {
    let host = host(&json!({"poolSize": 2, "max_queue_length": 10}), &json!({}));
    let mut flood: Vec<_> = (0..40).map(|_| host.get("/api/sleep?milliseconds=400").begin()).collect();
    wait_until("the line is full", || count(&host, "requests wait already") > 0);
    // One worker is left for others, and there is room in the line.
    for _ in 0..5 {
        let started = Instant::now();
        assert_eq!(host.get("/api/list").send().status, 200);
        assert!(started.elapsed() < Duration::from_millis(1500), "it took {:?}", started.elapsed());
    }
    let answers: Vec<u16> = flood.iter_mut().map(|stream| read_answer(stream, true).status).collect();
    let served = answers.iter().filter(|status| **status == 200).count();
    assert!(served >= 10, "{answers:?}");
    assert!(answers.iter().all(|status| [200, 503].contains(status)), "{answers:?}");
}

#[test]
fn a_module_that_hangs_leaves_a_worker_for_others() {
    let host = host(&json!({"poolSize": 2}), &json!({}));
    let hanging: Vec<_> = (0..10).map(|_| host.get("/api/sleep?milliseconds=20000").begin()).collect();
    host.wait_for("falling asleep");
    for _ in 0..10 {
        let started = Instant::now();
        assert_eq!(host.get("/api/list").send().status, 200);
        assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
    }
    drop(hanging);
}

#[test]
fn a_request_whose_time_passes_in_the_line_never_runs() {
    let app = app(&json!({"poolSize": 1}), &json!({}));
    let host = Launch::orchestrator(&app).start();
    let first = host.get("/api/sleep?milliseconds=20000").begin();
    host.wait_for("falling asleep");
    // From now on requests have less time than the one that holds the worker.
    let config = app.config().replace("\"poolSize\":1", "\"poolSize\":1,\"limits\":{\"requestMilliseconds\":400}");
    app.write("configuration/config.json", config);
    host.wait_for("the configuration as it is now in config.json and routes.json is in force");
    let answer = host.get("/api/sleep").header("X-Request-Id", "waits-in-vain").send();
    assert_eq!(answer.shown(), r#"503 {"error":"The service is busy; try again"}"#);
    assert_eq!(answer.header("retry-after"), Some("1"));
    host.wait_for("the request's time passed while it waited for a worker; raise poolSize request=\"waits-in-vain\"");
    // The worker comes free, and the request that was given up does not take it.
    drop(first);
    assert_eq!(host.get("/api/list").send().status, 200);
    assert_eq!(count(&host, "falling asleep"), 1, "{:#?}", host.lines());
}

#[test]
fn first_come_first_served() {
    let host = host(&json!({"poolSize": 1}), &json!({}));
    let mut first = host.get("/api/sleep?milliseconds=1500").begin();
    host.wait_for("falling asleep");
    let name = |number: usize| format!("in-turn-{number}");
    let waiting: Vec<_> = (0..6)
        .map(|number| {
            let stream = host.get("/api/sleep").header("X-Request-Id", &name(number)).begin();
            // Whoever is sent later shall come later.
            std::thread::sleep(Duration::from_millis(60));
            stream
        })
        .collect();
    assert_eq!(read_answer(&mut first, true).status, 200);
    for mut stream in waiting {
        assert_eq!(read_answer(&mut stream, true).status, 200);
    }
    wait_until("all of them are in the log", || count(&host, "falling asleep") == 7);
    let lines = host.lines();
    let order: Vec<usize> = lines
        .iter()
        .filter(|line| line.contains("falling asleep"))
        .filter_map(|line| (0..6).find(|number| line.contains(&name(*number))))
        .collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_module_has_no_more_workers_than_it_may() {
    let host = host(&json!({"poolSize": 8}), &json!({"sleeper": {"workers": 2}}));
    let mut sleeping: Vec<_> = (0..6).map(|_| host.get("/api/sleep?milliseconds=300").begin()).collect();
    for stream in &mut sleeping {
        assert_eq!(read_answer(stream, true).status, 200);
    }
    host.wait_for("worker 2 of sleeper (version ");
    assert_eq!(count(&host, "of sleeper (version "), 2, "{:#?}", host.lines());
}

#[test]
fn a_module_has_the_memory_that_config_json_gives_it() {
    let routes = json!([{"uri": "/api/eat", "handler": "eats_memory", "authenticate": false}]);
    let config = json!({"qewd_up": true, "handlers": {"eats_memory": {"memoryBytes": 4_194_304}}});
    let app = App::new(config, &routes).guest("orchestrator", "eats_memory");
    let host = Launch::orchestrator(&app).start();
    assert_eq!(host.get("/api/eat").send().status, 500);
    host.wait_for("bytes of memory and may use 4194304");
}

#[test]
fn a_module_may_import_what_it_was_granted() {
    let app = app(&json!({}), &json!({"asker": {"imports": ["log", "settings"]}}));
    let words = "handlers/orchestrator/asker.wasm: the module imports services, which config.json does not grant it; \
                 add \"services\" to its \"imports\" in \"handlers\", or build it without";
    let ended = Launch::orchestrator(&app).fails();
    assert_eq!((ended.code, ended.err.trim()), (Some(1), format!("qewd: {words}").as_str()));
    // A host that runs takes it back in the same words.
    let config = app.config();
    app.write("configuration/config.json", config.replace("\"settings\"", "\"settings\",\"services\""));
    let host = Launch::orchestrator(&app).start();
    assert_eq!(host.get("/api/ask?path=/api/list").send().status, 200);
    app.write("configuration/config.json", config);
    let line = host.wait_for("the module imports services");
    assert!(line.ends_with(&format!("{words}; the configuration before it stays in force")), "{line}");
    assert_eq!(host.get("/api/ask?path=/api/list").send().status, 200);
}

#[test]
fn an_entry_for_no_module_is_told() {
    let app = app(&json!({}), &json!({"sleper": {"workers": 1}, "orchestrator/echo": {}, "elsewhere/echo": {}}));
    let host = Launch::orchestrator(&app).start();
    let line = host.wait_for("\"sleper\" is no module");
    assert!(line.contains("WARN"), "{line}");
    assert_eq!(count(&host, "is no module"), 1, "{:#?}", host.lines());
}

#[test]
fn what_waited_begins_on_the_newest_version() {
    let app = app(&json!({"poolSize": 1}), &json!({}));
    let host = Launch::orchestrator(&app).logging(LOG).start();
    let mut first = host.get("/api/sleep?milliseconds=2500").begin();
    host.wait_for("falling asleep");
    let mut waits = Request::new(host.port, "GET", "/api/versioned").begin();
    versions::rename_into(&app.path().join("handlers/orchestrator/versioned.wasm"), &versions::bytes(7));
    host.wait_for("versioned.wasm: version ");
    assert_eq!(read_answer(&mut first, true).status, 200);
    assert_eq!(versions::number(&read_answer(&mut waits, true).body), Some(7));
}
