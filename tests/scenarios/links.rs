//! Hosts find each other, in any order, and again after each loss; every request gets its own answer.

use crate::harness::{App, Fleet, Host, Launch, PATIENCE, free_port, read_answer, wait_until};
use serde_json::json;
use std::time::{Duration, Instant};

/// From the moment at which a host that came back listens.
const HEALED: Duration = Duration::from_secs(2);

const DOWN: &str = r#"503 {"error":"MicroService connection is down"}"#;

/// An orchestrator that has everything done by `far`.
fn far(qewd: &serde_json::Value) -> App {
    let route = |uri: &str, handler: &str| json!({"uri": uri, "handler": handler, "on_microservice": "far", "authenticate": false});
    let routes = json!([route("/api/sleep", "sleeper"), route("/api/list", "list")]);
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": [{"name": "far", "qewd": qewd}]});
    App::new(config, &routes).guest("far", "sleeper").guest("far", "echo")
}

fn works(host: &Host) -> bool {
    host.get("/api/list").send().shown() == r#"200 [{"id":1},{"id":2}]"#
}

/// Waits until requests through this host work, and returns how long that took.
fn heals(host: &Host) -> Duration {
    let started = Instant::now();
    wait_until("requests get their answers again", || works(host));
    started.elapsed()
}

#[test]
fn a_service_may_come_after_its_orchestrator() {
    let app = far(&json!({}));
    let port = free_port();
    let orchestrator = Launch::orchestrator(&app).reaching("far", port).start();
    let started = Instant::now();
    assert_eq!(orchestrator.get("/api/list").send().shown(), DOWN);
    assert!(started.elapsed() < Duration::from_secs(1), "down is said at once, not after {:?}", started.elapsed());
    orchestrator.wait_for(&format!("waiting for far at http://127.0.0.1:{port}"));
    let _service = Launch::microservice(&app, "far").port(port).start();
    assert!(heals(&orchestrator) < HEALED);
}

#[test]
fn the_first_request_finds_a_service_that_is_there() {
    let app = far(&json!({}));
    let service = Launch::microservice(&app, "far").start();
    for _ in 0..5 {
        let orchestrator = Launch::orchestrator(&app).reaching("far", service.port).start();
        assert!(works(&orchestrator), "it is asked as soon as the orchestrator listens");
    }
}

#[test]
fn a_killed_service_that_comes_back_is_found() {
    let mut fleet = Fleet::start(far(&json!({})), &["far"]);
    let port = fleet.service("far").port;
    for _ in 0..2 {
        let seen = fleet.orchestrator.seen();
        fleet.service("far").kill();
        fleet.orchestrator.wait_for_after(seen, "*** server has disconnected socket, probably because it shut down");
        assert_eq!(fleet.orchestrator.get("/api/list").send().shown(), DOWN);
        *fleet.service("far") = Launch::microservice(&fleet.app, "far").port(port).start();
        assert!(heals(&fleet.orchestrator) < HEALED);
        fleet.orchestrator.wait_for_after(seen, "*** socketClient re-register service=far");
        fleet.orchestrator.wait_for_after(seen, "Re-registered service=far");
        fleet.service("far").wait_for(r#"received message: {"type":"ewd-reregister","application":"far""#);
    }
}

#[test]
fn a_killed_orchestrator_that_comes_back_finds_its_services() {
    let mut fleet = Fleet::start(far(&json!({})), &["far"]);
    let (port, far) = (fleet.orchestrator.port, fleet.service("far").port);
    fleet.orchestrator.kill();
    let line = fleet.service("far").wait_for(" disconnected: orchestrator at 127.0.0.1");
    assert!(line.contains("socket "), "{line}");
    fleet.orchestrator = Launch::orchestrator(&fleet.app).reaching("far", far).port(port).start();
    assert!(heals(&fleet.orchestrator) < HEALED);
    fleet.orchestrator.wait_for("far registered");
}

#[test]
fn a_service_that_is_stopped_answers_what_it_has() {
    let mut fleet = Fleet::start(far(&json!({})), &["far"]);
    let mut asking = fleet.orchestrator.get("/api/sleep?milliseconds=1500&for=me").begin();
    fleet.service("far").wait_for("falling asleep");
    fleet.service("far").signal("TERM");
    fleet.service("far").wait_for("stopping: requests in flight get their answers");
    // Nothing new is taken in the end; the caller learns it when the service could have been back.
    let mut last = String::new();
    wait_until("the orchestrator knows that the service is leaving", || {
        last = fleet.orchestrator.get("/api/list").send().shown();
        last == DOWN
    });
    assert_eq!(read_answer(&mut asking, true).shown(), r#"200 {"slept":1500,"for":"me"}"#);
    assert_eq!(fleet.service("far").ended().code(), Some(0));
    fleet.service("far").wait_for("stopped");
}

#[test]
fn an_orchestrator_that_is_stopped_answers_what_it_has() {
    let mut fleet = Fleet::start(far(&json!({})), &["far"]);
    let mut asking = fleet.orchestrator.get("/api/sleep?milliseconds=1000&for=me").begin();
    fleet.service("far").wait_for("falling asleep");
    fleet.orchestrator.signal("TERM");
    assert_eq!(read_answer(&mut asking, true).shown(), r#"200 {"slept":1000,"for":"me"}"#);
    assert_eq!(fleet.orchestrator.ended().code(), Some(0));
}

#[test]
fn a_second_signal_does_not_wait() {
    let mut fleet = Fleet::start(far(&json!({})), &["far"]);
    let _asking = fleet.orchestrator.get("/api/sleep?milliseconds=25000").begin();
    fleet.service("far").wait_for("falling asleep");
    let started = Instant::now();
    fleet.service("far").signal("TERM");
    fleet.service("far").wait_for("a second signal ends at once");
    fleet.service("far").signal("INT");
    assert_eq!(fleet.service("far").ended().code(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(5));
    fleet.service("far").wait_for("qewd: ended by a second signal while requests were in flight");
}

#[test]
fn many_requests_over_one_link_each_get_their_own_answer() {
    let fleet = Fleet::start(far(&json!({"poolSize": 16})), &["far"]);
    let asked: Vec<(u32, u32)> =
        (0..64).map(|number| (number, if number % 4 == 0 { 400 } else { number % 7 })).collect();
    let mut finished: Vec<u32> = Vec::new();
    std::thread::scope(|scope| {
        let (told, answers) = std::sync::mpsc::channel();
        for (number, milliseconds) in &asked {
            let (told, orchestrator) = (told.clone(), &fleet.orchestrator);
            scope.spawn(move || {
                let path = format!("/api/sleep?milliseconds={milliseconds}&for={number}");
                let answer = orchestrator.get(path).send().shown();
                assert_eq!(answer, format!(r#"200 {{"slept":{milliseconds},"for":"{number}"}}"#));
                told.send(*number).unwrap();
            });
        }
        drop(told);
        finished.extend(answers);
    });
    assert_eq!(finished.len(), asked.len());
    assert!(!finished.is_sorted(), "the answers came in the order of the questions: nothing overtook a sleeper");
}

#[test]
fn a_caller_that_goes_away_frees_the_worker_of_the_service() {
    let fleet = Fleet::start(far(&json!({"poolSize": 1})), &["far"]);
    let asking = fleet.orchestrator.get("/api/sleep?milliseconds=25000").begin();
    fleet.hosts().nth(1).unwrap().wait_for("falling asleep");
    drop(asking);
    let started = Instant::now();
    assert_eq!(fleet.orchestrator.get("/api/sleep").send().status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "the worker was held for {:?}", started.elapsed());
}

#[test]
fn a_handler_reaches_another_service_through_the_routes_of_its_own() {
    let config = json!({
        "qewd_up": true, "orchestrator": {},
        "microservices": [{"name": "near", "connections": ["far"]}, {"name": "far"}],
    });
    let routes = json!([
        {"uri": "/api/ask", "handler": "asker", "on_microservice": "near", "authenticate": false},
        {"uri": "/api/echo/:id", "handler": "echo", "on_microservice": "far", "authenticate": false},
    ]);
    let app = App::new(config, &routes).guest("near", "asker").guest("far", "echo");
    let fleet = Fleet::start(app, &["far", "near"]);
    for path in ["/api/ask?path=/api/echo/7", "/api/ask?on=far&path=/api/echo/7"] {
        let answer = fleet.orchestrator.get(path).send().json();
        assert_eq!(
            (&answer["id"], &answer["kind"], &answer["application"]),
            (&json!("7"), &json!("service"), &json!("far"))
        );
        assert_eq!(answer["client"], "127.0.0.1");
    }
    let unknown = fleet.orchestrator.get("/api/ask?path=/api/none").send();
    assert_eq!(unknown.shown(), r#"404 {"error":"url could not be matched"}"#);
    let unlinked = fleet.orchestrator.get("/api/ask?on=nobody&path=/api/none").send();
    assert_eq!(unlinked.shown(), DOWN);
}

#[test]
fn the_callers_host_keeps_its_own_time() {
    let app = far(&json!({"poolSize": 1})).setting("orchestrator", "limits", json!({"requestMilliseconds": 800}));
    let fleet = Fleet::start(app, &["far"]);
    let answer = fleet.orchestrator.get("/api/sleep?milliseconds=25000").send();
    assert_eq!(answer.shown(), r#"504 {"error":"The request took too long and was given up"}"#);
    // The service does not work on for nobody: its only worker is free again.
    assert_eq!(fleet.orchestrator.get("/api/sleep").send().status, 200);
}

/// Folders of three hosts that know different routes: each sends `/api/round` on to the next.
fn chain(last: &str) -> [App; 3] {
    let services = json!([{"name": "near", "connections": ["far"]}, {"name": "far", "connections": ["near"]}]);
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": services});
    [("near", "list"), ("far", "list"), (last, "list")].map(|(next, handler)| {
        let route = json!({"uri": "/api/round", "handler": handler, "on_microservice": next, "authenticate": false});
        App::new(config.clone(), &json!([route])).guest("far", "echo").guest("near", "echo")
    })
}

/// Starts the three hosts of a chain; each of the services has to reach the other.
fn start_chain(last: &str) -> [Host; 3] {
    let [orchestrator, near, far] = chain(last);
    let (near_port, far_port) = (free_port(), free_port());
    let far = Launch::microservice(&far, "far").reaching("near", near_port).port(far_port).start();
    let near = Launch::microservice(&near, "near").reaching("far", far_port).port(near_port).start();
    let orchestrator =
        Launch::orchestrator(&orchestrator).reaching("near", near_port).reaching("far", far_port).start();
    orchestrator.wait_for("near registered");
    near.wait_for("far registered");
    far.wait_for("near registered");
    [orchestrator, near, far]
}

#[test]
fn a_request_travels_along_a_chain_of_hosts() {
    let [orchestrator, near, far] = start_chain("far");
    let answer = orchestrator.get("/api/round").header("X-Request-Id", "round-1").send();
    assert_eq!(answer.shown(), r#"200 [{"id":1},{"id":2}]"#);
    for host in [&orchestrator, &near, &far] {
        host.wait_for("request=\"round-1\"");
    }
}

#[test]
fn a_ring_of_routes_ends() {
    let [orchestrator, near, _far] = start_chain("near");
    let started = Instant::now();
    let answer = orchestrator.get("/api/round").send();
    assert_eq!(
        answer.shown(),
        r#"508 {"error":"The request was sent on too often; its routes or handlers lead in a circle: orchestrator > near > far > near"}"#
    );
    assert!(started.elapsed() < PATIENCE);
    near.wait_for("orchestrator > near > far > near: 3 hops; mend routes.json");
}
