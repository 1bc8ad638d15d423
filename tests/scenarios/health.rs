//! What probes are told of a host: that it lives, whether it wants requests, and why not.

use super::documents_on_disk::SmallDisk;
use crate::harness::{App, Ended, Launch, Pair, command, free_port, tell, wait_until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const READY: &str = "/qewd/health/ready";

fn routes() -> Value {
    json!([
        {"uri": "/api/echo/:word", "handler": "echo", "authenticate": false},
        {"uri": "/api/far/:word", "handler": "echo", "on_microservice": "far", "authenticate": false},
        {"uri": "/api/other/:word", "handler": "echo", "on_microservice": "other", "authenticate": false},
    ])
}

fn app() -> App {
    let services = json!([{"name": "far", "required": true}, {"name": "other"}]);
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": services});
    App::new(config, &routes()).guest("orchestrator", "echo").guest("far", "echo").guest("other", "echo")
}

fn healthcheck(app: &App, arguments: &[&str]) -> Ended {
    Ended::of(command().args(["healthcheck", "--app"]).arg(app.path()).args(arguments))
}

#[test]
fn a_host_is_ready_while_a_required_service_is_up() {
    let app = app();
    let port = free_port();
    let host = Launch::orchestrator(&app).reaching("far", port).reaching("other", free_port()).start();
    let answer = host.get(READY).send();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    let links = json!({
        "far": {"state": "down", "required": true, "instances": {"ready": 0, "resting": 0, "down": 1}},
        "other": {"state": "down", "required": false, "instances": {"ready": 0, "resting": 0, "down": 1}},
    });
    assert_eq!(
        answer.json(),
        json!({
            "ready": false, "reasons": ["far is required, and no link to it is up"], "store": "memory",
            "modules": {"loaded": 1, "problems": []}, "configuration": {"problems": 0}, "links": links,
        })
    );
    assert!(answer.text().starts_with(r#"{"ready":false,"#), "{answer:?}");
    // What does not need the service is answered all the same, and the host lives.
    assert_eq!(host.get("/api/echo/a").send().status, 200);
    assert_eq!(host.get("/qewd/health/live").send().shown(), r#"200 {"live":true}"#);
    let mut far = Launch::microservice(&app, "far").port(port).start();
    wait_until("it is ready with the service", || host.get(READY).send().status == 200);
    let report = host.get(READY).send().json();
    assert_eq!((&report["ready"], &report["reasons"]), (&json!(true), &json!([])));
    assert_eq!(report["links"]["far"]["instances"], json!({"ready": 1, "resting": 0, "down": 0}));
    assert_eq!(report["links"]["other"]["state"], json!("down"), "an optional service may be down");
    far.kill();
    wait_until("it is not ready without it", || host.get(READY).send().status == 503);
    // The service itself has no links, and is ready alone.
    let far = Launch::microservice(&app, "far").port(port).start();
    assert_eq!(far.get(READY).send().json()["links"], json!({}));
    wait_until("it is ready again", || host.get(READY).send().status == 200);
}

#[test]
fn what_is_required_changes_while_the_host_runs() {
    let app = app();
    let host = Launch::orchestrator(&app).reaching("far", free_port()).reaching("other", free_port()).start();
    assert_eq!(host.get(READY).send().status, 503);
    let config: Value = serde_json::from_str(&app.config()).unwrap();
    let with = |required: Value| {
        let mut config = config.clone();
        config["microservices"][0]["required"] = required;
        app.write("configuration/config.json", config.to_string());
    };
    with(json!(false));
    wait_until("nothing is required any more", || host.get(READY).send().status == 200);
    with(json!("yes"));
    wait_until("the report counts the problem", || {
        host.get(READY).send().json()["configuration"]["problems"] == json!(1)
    });
    assert_eq!(host.get(READY).send().status, 200, "what was in force before stays");
}

#[test]
fn two_hosts_that_require_each_other_both_become_ready() {
    let services = json!([
        {"name": "far", "required": true, "connections": ["other"]},
        {"name": "other", "required": true, "connections": ["far"]},
    ]);
    let app = App::new(json!({"qewd_up": true, "orchestrator": {}, "microservices": services}), &json!([]));
    let (far_port, other_port) = (free_port(), free_port());
    let far = Launch::microservice(&app, "far").reaching("other", other_port).port(far_port).start();
    assert_eq!(far.get(READY).send().status, 503);
    let other = Launch::microservice(&app, "other").reaching("far", far_port).port(other_port).start();
    for host in [&far, &other] {
        wait_until("both are ready", || host.get(READY).send().status == 200);
    }
}

#[test]
fn a_handler_that_is_gone_makes_a_host_not_ready() {
    let app = app();
    let (far, other) = (Launch::microservice(&app, "far").start(), Launch::microservice(&app, "other").start());
    let host = Launch::orchestrator(&app).reaching("far", far.port).reaching("other", other.port).start();
    host.wait_for_links();
    assert_eq!(host.get(READY).send().status, 200);
    let file = app.path().join("handlers/orchestrator/echo.wasm");
    let bytes = std::fs::read(&file).unwrap();
    app.write("handlers/orchestrator/broken.wasm", "junk");
    wait_until("the broken file is told", || {
        host.get(READY).send().json()["modules"]["problems"] == json!(["handlers/orchestrator/broken.wasm"])
    });
    assert_eq!(host.get(READY).send().status, 200, "no route needs the broken file");
    std::fs::remove_file(&file).unwrap();
    wait_until("it is not ready without the handler", || host.get(READY).send().status == 503);
    let reasons = host.get(READY).send().json()["reasons"].clone();
    assert_eq!(reasons, json!(["a route needs the handler echo, which no module of this host offers"]));
    std::fs::write(&file, bytes).unwrap();
    wait_until("it is ready with it", || host.get(READY).send().status == 200);
}

#[test]
fn probes_ask_with_get_or_head_and_are_answered_at_once() {
    let app = app();
    let host = Launch::orchestrator(&app).reaching("far", free_port()).reaching("other", free_port()).start();
    for path in ["/qewd/health/live", READY] {
        let head = crate::harness::Request::new(host.port, "HEAD", path).send();
        let get = host.get(path).send();
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(get.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(get.header("cache-control"), Some("no-store"));
        let post = host.post(path, "{}").send();
        assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
    }
    let begun = Instant::now();
    for _ in 0..100 {
        host.get(READY).send();
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn the_program_checks_the_health_of_its_own_host() {
    let app = app();
    let nobody = healthcheck(&app, &["--port", &free_port().to_string()]);
    assert_eq!((nobody.code, nobody.out.as_str()), (Some(1), ""));
    assert!(nobody.err.starts_with("qewd: nothing listens on port "), "{nobody:?}");
    let host = Launch::orchestrator(&app).reaching("far", free_port()).reaching("other", free_port()).start();
    let port = host.port.to_string();
    let live = healthcheck(&app, &["--port", &port]);
    assert_eq!((live.code, live.out.as_str(), live.err.as_str()), (Some(0), "{\"live\":true}\n", ""));
    let ready = healthcheck(&app, &["--ready", "--port", &port]);
    assert_eq!((ready.code, ready.out.as_str()), (Some(1), ""));
    assert!(ready.err.contains("answered 503: {\"ready\":false,\"reasons\":[\"far is required"), "{ready:?}");
    let environment = Ended::of(command().args(["healthcheck", "--app"]).arg(app.path()).env("QEWD_PORT", &port));
    assert_eq!(environment.code, Some(0), "{environment:?}");
    // An empty text says nothing: then config.json is asked, as where the host itself was started.
    let changed = app.setting("orchestrator", "port", host.port);
    let configured = Ended::of(command().args(["healthcheck", "--app"]).arg(changed.path()).env("QEWD_PORT", ""));
    assert_eq!(configured.code, Some(0), "{configured:?}");
    // A file that is being edited does not make the host look ill.
    changed.write("configuration/config.json", "{");
    assert_eq!(healthcheck(&changed, &["--port", &port]).code, Some(0));
}

#[test]
fn a_host_that_runs_is_asked_where_it_listens_whatever_config_json_says_now() {
    let app = App::new(json!({"qewd_up": true, "orchestrator": {"qewd": {}}}), &json!([]));
    Pair::self_signed("somebody.example").write(&app, "own");
    let ssl = json!({"certFilePath": "own.pem", "keyFilePath": "own.key"});
    let launch = Launch::orchestrator(&app);
    let host = launch.environment("QEWD_PORT", "0").environment("QEWD_MANAGEMENT_PORT", "0").start_as_it_is();
    let (own, config) = (host.port.to_string(), app.config());
    let changes = [
        json!({"port": free_port()}),
        json!({"port": host.port, "managementPort": free_port()}),
        json!({"ssl": ssl}),
        json!({"port": "no number"}),
    ];
    for change in &changes {
        let mut changed: Value = serde_json::from_str(&config).unwrap();
        changed["orchestrator"]["qewd"] = change.clone();
        app.write("configuration/config.json", changed.to_string());
        for arguments in [&[][..], &["--port", &own], &["--port", "0"]] {
            let live = healthcheck(&app, arguments);
            assert_eq!(
                (live.code, live.out.as_str()),
                (Some(0), "{\"live\":true}\n"),
                "{change} {arguments:?} {live:?}"
            );
        }
    }
    app.write("configuration/config.json", "{");
    assert_eq!(healthcheck(&app, &["--port", &own]).code, Some(0));
    assert_eq!(healthcheck(&app, &[]).code, Some(0));
    // Another host of this folder is another one, and a host on another port, too.
    let nobody = healthcheck(&app, &["--port", &free_port().to_string()]);
    assert!(nobody.err.starts_with("qewd: nothing listens on port "), "{nobody:?}");
    app.write("configuration/config.json", config);
    assert_eq!(healthcheck(&app, &["--microservice", "far"]).code, Some(1));
}

#[test]
fn of_two_hosts_of_one_folder_the_one_that_is_named_is_asked_and_none_outlives_its_end() {
    let app = App::new(json!({"qewd_up": true, "orchestrator": {"qewd": {}}}), &json!([]));
    let (mut one, other) = (Launch::orchestrator(&app).start(), Launch::orchestrator(&app).start());
    let ports = [one.port.to_string(), other.port.to_string()];
    one.freeze();
    assert!(healthcheck(&app, &["--port", &ports[0]]).err.contains("gave no answer within 3 s"));
    assert_eq!(healthcheck(&app, &["--port", &ports[1]]).code, Some(0));
    one.kill();
    assert_eq!(healthcheck(&app, &[]).code, Some(0), "only one is left");
    assert!(healthcheck(&app, &["--port", &ports[0]]).err.starts_with("qewd: nothing listens on port "));
}

#[test]
fn a_host_that_gives_no_answer_is_not_healthy() {
    let app = app();
    let host = Launch::orchestrator(&app).reaching("far", free_port()).reaching("other", free_port()).start();
    host.freeze();
    let begun = Instant::now();
    let silent = healthcheck(&app, &["--port", &host.port.to_string()]);
    host.signal("CONT");
    assert_eq!(silent.code, Some(1));
    assert!(silent.err.contains("gave no answer within 3 s"), "{silent:?}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn the_check_speaks_tls_where_the_host_does_and_takes_any_certificate() {
    let app = App::new(json!({"qewd_up": true, "orchestrator": {"qewd": {}}}), &json!([]));
    Pair::self_signed("somebody.example").write(&app, "own");
    let app = app.setting("orchestrator", "ssl", json!({"certFilePath": "own.pem", "keyFilePath": "own.key"}));
    let host = Launch::orchestrator(&app).start();
    let port = host.port.to_string();
    assert_eq!(healthcheck(&app, &["--port", &port]).code, Some(0));
    assert_eq!(healthcheck(&app, &["--ready", "--port", &port]).code, Some(0));
    app.write("configuration/config.json", "{");
    assert_eq!(healthcheck(&app, &["--port", &port]).code, Some(0), "without the file both ways are tried");
}

#[test]
fn a_host_that_stops_is_not_ready_and_says_so() {
    let app = App::new(
        json!({"qewd_up": true, "orchestrator": {"qewd": {"managementPort": 0}}}),
        &json!([{"uri": "/api/sleep", "method": "POST", "handler": "sleeper", "authenticate": false}]),
    )
    .guest("orchestrator", "sleeper");
    let mut host = Launch::orchestrator(&app).start();
    let management: u16 = host.wait_for("management on port ").rsplit(' ').next().unwrap().parse().unwrap();
    let mut sleeping = host.post("/api/sleep?milliseconds=3000", "").begin();
    host.wait_for("falling asleep");
    host.signal("TERM");
    host.wait_for("stopping: requests in flight get their answers");
    let ask = |path: &str| crate::harness::Request::new(management, "GET", path).send();
    let report = ask(READY);
    assert_eq!((report.status, report.json()["reasons"].clone()), (503, json!(["this host is stopping"])));
    assert_eq!(ask("/qewd/health/live").status, 200, "it lives until it ends");
    assert_eq!(crate::harness::read_answer(&mut sleeping, true).status, 200);
    assert_eq!(host.ended().code(), Some(0));
}

#[test]
fn a_host_whose_disk_is_full_is_not_ready_until_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        tell("SKIPPED: a full disk needs the right to mount a small one");
        return;
    };
    let app = App::new(json!({"qewd_up": true, "orchestrator": {}}), &json!([]));
    let host = Launch::orchestrator(&app).data(&disk.path()).start();
    let report = host.get(READY).send();
    assert_eq!((report.status, &report.json()["store"]), (200, &json!("open")));
    let writable = || {
        let text = host.get("/metrics").send().text();
        text.lines().find_map(|line| line.strip_prefix("qewd_store_writable ")).unwrap().to_owned()
    };
    assert_eq!(writable(), "1");
    let system = rustix::fs::statvfs(disk.path()).unwrap();
    // The store keeps 32 MiB back for itself; half of that is left, so that it is not broken.
    let hog = usize::try_from(system.f_bavail * system.f_frsize).unwrap() - (16 << 20);
    std::fs::write(disk.path().join("hog"), vec![1; hog]).unwrap();
    wait_until("it is not ready", || host.get(READY).send().status == 503);
    let report = host.get(READY).send().json();
    let reasons = json!(["the disk of the documents is full; make room on it"]);
    assert_eq!((&report["store"], &report["reasons"]), (&json!("full"), &reasons));
    assert_eq!(writable(), "0");
    std::fs::remove_file(disk.path().join("hog")).unwrap();
    wait_until("it is ready again", || host.get(READY).send().status == 200);
    assert_eq!(writable(), "1");
}
