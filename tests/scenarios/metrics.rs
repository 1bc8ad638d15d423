//! The numbers of a host as Prometheus reads them: well formed, right, and never going back.

#![allow(clippy::float_cmp, reason = "what is counted is whole, and a float holds it")]

mod format;

use crate::harness::{App, Host, Launch, Operator, Request, Socket, free_port, wait_until};
use format::{Numbers, read};
use serde_json::{Value, json};

fn routes() -> Value {
    json!([
        {"uri": "/api/echo/:word", "handler": "echo", "authenticate": false},
        {"uri": "/api/private", "handler": "echo"},
        {"uri": "/api/far/:word", "handler": "echo", "on_microservice": "far", "authenticate": false},
        {"application": "demo", "type": "hello", "handler": "echo", "authenticate": false},
    ])
}

fn app() -> App {
    let services = json!([{"name": "far", "required": true}]);
    let config = json!({"qewd_up": true, "orchestrator": {"qewd": {"poolSize": 3}}, "microservices": services});
    App::new(config, &routes()).guest("orchestrator", "echo").guest("far", "echo")
}

fn numbers(host: &Host) -> Numbers {
    let answer = host.get("/metrics").send();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    read(&answer.text())
}

#[test]
fn requests_workers_links_and_the_process_have_their_numbers() {
    let app = app();
    let far = Launch::microservice(&app, "far").start();
    let host = Launch::orchestrator(&app).reaching("far", far.port).start();
    host.wait_for_links();
    let before = numbers(&host);
    assert_eq!(before.of("qewd_requests_total{kind=\"rest\",status=\"2xx\"}"), 0.0);
    assert_eq!(before.of("qewd_handler_calls_total{module=\"echo\",status=\"2xx\"}"), 0.0);
    for _ in 0..3 {
        assert_eq!(host.get("/api/echo/a").send().status, 200);
    }
    assert_eq!(host.get("/api/far/a").send().status, 200);
    assert_eq!(host.get("/api/nowhere").send().status, 404);
    assert_eq!(host.get("/api/private").send().status, 401);
    let _socket = Socket::registered(&host, "demo");
    let mut now = numbers(&host);
    wait_until("all are counted", || {
        now = numbers(&host);
        now.of("qewd_requests_total{kind=\"rest\",status=\"4xx\"}") == 2.0
    });
    assert_eq!(now.of("qewd_requests_total{kind=\"rest\",status=\"2xx\"}"), 4.0);
    assert_eq!(now.of("qewd_requests_total{kind=\"rest\",status=\"5xx\"}"), 0.0);
    assert_eq!(now.of("qewd_request_duration_seconds_count{kind=\"rest\"}"), 6.0);
    assert!(now.of("qewd_request_duration_seconds_sum{kind=\"rest\"}") > 0.0);
    assert_eq!(now.of("qewd_handler_calls_total{module=\"echo\",status=\"2xx\"}"), 3.0);
    assert_eq!(now.of("qewd_handler_duration_seconds_bucket{module=\"echo\",le=\"+Inf\"}"), 3.0);
    assert_eq!(now.of("qewd_workers{state=\"idle\"}"), 1.0);
    assert_eq!((now.of("qewd_workers_limit"), now.of("qewd_line_limit")), (3.0, 1000.0));
    assert_eq!((now.of("qewd_link_up{service=\"far\"}"), now.of("qewd_link_required{service=\"far\"}")), (1.0, 1.0));
    assert_eq!((now.of("qewd_ready"), now.of("qewd_modules_loaded")), (1.0, 1.0));
    assert_eq!((now.of("qewd_websocket_clients"), now.of("qewd_store_writable")), (1.0, 1.0));
    assert!(now.of("qewd_connections") >= 1.0, "the connection that asks is one");
    assert!(now.of("process_resident_memory_bytes") > 1e6 && now.of("process_open_fds") > 5.0);
    assert!(now.of("process_cpu_seconds_total") > 0.0 && now.of("process_start_time_seconds") > 1e9);
    now.follow(&before);
    let far = read(&far.get("/metrics").send().text());
    assert_eq!(far.of("qewd_requests_total{kind=\"rest\",status=\"2xx\"}"), 1.0);
    assert_eq!(far.of("qewd_hosts_connected"), 1.0);
}

#[test]
fn lengths_of_time_are_in_the_right_buckets() {
    let app = App::new(
        json!({"qewd_up": true, "orchestrator": {}}),
        &json!([{"uri": "/api/sleep", "method": "POST", "handler": "sleeper", "authenticate": false}]),
    )
    .guest("orchestrator", "sleeper");
    let host = Launch::orchestrator(&app).start();
    assert_eq!(host.post("/api/sleep?milliseconds=300", "").send().status, 200);
    let now = numbers(&host);
    let bucket = |le: &str| now.of(&format!("qewd_handler_duration_seconds_bucket{{module=\"sleeper\",le=\"{le}\"}}"));
    assert_eq!((bucket("0.262144"), bucket("8.388608")), (0.0, 1.0));
    let sum = now.of("qewd_handler_duration_seconds_sum{module=\"sleeper\"}");
    assert!((0.3..8.0).contains(&sum), "{sum}");
}

#[test]
fn numbers_never_go_back_and_labels_stay_few() {
    let app = app();
    let port = free_port();
    let mut far = Launch::microservice(&app, "far").port(port).start();
    let host = Launch::orchestrator(&app).reaching("far", port).start();
    host.wait_for_links();
    host.get("/api/echo/a").send();
    let first = numbers(&host);
    // Another version of a module, a configuration that cannot serve, a service that is away for a while.
    let operator = Operator::of(&host);
    assert_eq!(operator.send("POST", "handlers/reload", &json!({"module": "echo"})).status, 200);
    let config = app.config();
    app.write("configuration/config.json", "{");
    host.wait_for("the configuration before it stays in force");
    app.write("configuration/config.json", config);
    far.kill();
    wait_until("the link is down", || numbers(&host).of("qewd_link_up{service=\"far\"}") == 0.0);
    let _far = Launch::microservice(&app, "far").port(port).start();
    wait_until("the link is up", || numbers(&host).of("qewd_link_up{service=\"far\"}") == 1.0);
    for number in 0..50 {
        let path = format!("/api/echo/{number}");
        assert_eq!(Request::new(host.port, "GET", &path).header("User-Agent", &path).send().status, 200);
    }
    let mut second = numbers(&host);
    wait_until("all are counted", || {
        second = numbers(&host);
        second.of("qewd_handler_calls_total{module=\"echo\",status=\"2xx\"}") == 51.0
    });
    second.follow(&first);
    assert_eq!(second.of("qewd_link_reconnects_total{service=\"far\"}"), 1.0);
    assert_eq!(second.of("qewd_reloads_total{outcome=\"taken\"}"), 1.0);
    assert_eq!(second.of("qewd_reloads_total{outcome=\"refused\"}"), 1.0);
    let added: Vec<&String> = second.samples.keys().filter(|name| !first.samples.contains_key(*name)).collect();
    let is_expected = |name: &&String| name.starts_with("qewd_link_round_trip_seconds");
    assert!(added.iter().all(is_expected), "{added:?}");
}

#[test]
fn an_application_keeps_a_path_of_this_name() {
    let routes = json!([{"uri": "/metrics", "method": "POST", "handler": "echo", "authenticate": false}]);
    let config = json!({"qewd_up": true, "orchestrator": {"qewd": {}}});
    let app = App::new(config.clone(), &routes).guest("orchestrator", "echo");
    let host = Launch::orchestrator(&app).start();
    assert_eq!(host.post("/metrics", "{}").send().status, 200);
    let other = host.get("/metrics").send();
    assert_eq!((other.status, other.header("allow")), (405, Some("POST")), "{other:?}");
    let routes = json!([{"uri": "/:anything", "handler": "echo", "authenticate": false}]);
    let app = App::new(config.clone(), &routes).guest("orchestrator", "echo");
    let host = Launch::orchestrator(&app).start();
    assert!(host.get("/metrics").send().json().is_object(), "the route takes it");
    let app = App::new(config, &json!([]));
    app.write("www/metrics", "a file of the application");
    let host = Launch::orchestrator(&app).start();
    assert_eq!(host.get("/metrics").send().text(), "a file of the application");
    std::fs::remove_file(app.path().join("www/metrics")).unwrap();
    let ours = host.get("/metrics").header("Origin", "https://elsewhere.example").send();
    assert!(ours.text().contains("qewd_build_info"), "{ours:?}");
    assert_eq!(ours.header("access-control-allow-origin"), None, "pages of other sites may not read them");
    assert_eq!(host.post("/metrics", "{}").send().status, 404);
}
