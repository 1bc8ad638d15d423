//! Requests that hosts send on and on: chains that end, and circles that are ended.

use crate::harness::{App, Fleet, Host, Launch, PATIENCE, free_port, wait_until};
use serde_json::{Value, json};
use std::time::Instant;

const LIST: &str = r#"200 [{"id":1},{"id":2}]"#;

fn step(on: &str, from: &[&str]) -> Value {
    json!({"uri": "/api/x", "on_microservice": on, "from_microservices": from, "authenticate": false})
}

fn app(services: &[&str], routes: Vec<Value>) -> App {
    let services: Vec<Value> = services.iter().map(|name| json!({"name": name})).collect();
    App::new(json!({"qewd_up": true, "orchestrator": {}, "microservices": services}), &routes.into())
}

fn circle(way: &str) -> String {
    format!(r#"508 {{"error":"The request was sent on too often; its routes or handlers lead in a circle: {way}"}}"#)
}

/// Starts all services of a folder, each with the way to all others, and the orchestrator.
fn start(app: &App, names: &[&str]) -> (Host, Vec<Host>) {
    let ports: Vec<(&str, u16)> = names.iter().map(|name| (*name, free_port())).collect();
    let knowing = |launch: Launch, own: &str| {
        let others = ports.iter().filter(|(name, _)| *name != own);
        others.fold(launch, |launch, (name, port)| launch.reaching(name, *port))
    };
    let services: Vec<Host> =
        ports.iter().map(|(name, port)| knowing(Launch::microservice(app, name), name).port(*port).start()).collect();
    let orchestrator = knowing(Launch::orchestrator(app), "orchestrator").start();
    for host in services.iter().chain([&orchestrator]) {
        host.wait_for_links();
    }
    (orchestrator, services)
}

#[test]
fn a_chain_of_many_hosts_is_written_in_one_folder() {
    let names = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8", "h9"];
    let mut senders = vec!["orchestrator"];
    senders.extend(names);
    let mut steps: Vec<Value> = names.iter().zip(&senders).map(|(on, from)| step(on, &[from])).collect();
    steps.last_mut().unwrap()["handler"] = json!("list");
    let app = app(&names, steps).guest("h9", "echo");
    let order: Vec<&str> = names.into_iter().rev().collect();
    let fleet = Fleet::start(app, &order);
    let answer = fleet.orchestrator.get("/api/x").header("X-Request-Id", "along-1").send();
    assert_eq!(answer.shown(), LIST);
    for host in fleet.hosts() {
        host.wait_for("request=\"along-1\"");
    }
}

#[test]
fn a_chain_that_is_cut_says_so() {
    let mut last = step("c", &["b"]);
    last["handler"] = json!("list");
    let app = app(&["a", "b", "c"], vec![step("a", &["orchestrator"]), step("b", &["a"]), last]).guest("c", "echo");
    let mut fleet = Fleet::start(app, &["c", "b", "a"]);
    assert_eq!(fleet.orchestrator.get("/api/x").send().shown(), LIST);
    let seen = fleet.service("b").seen();
    fleet.service("c").kill();
    fleet.service("b").wait_for_after(seen, "*** server has disconnected socket");
    assert_eq!(fleet.orchestrator.get("/api/x").send().shown(), r#"503 {"error":"MicroService connection is down"}"#);
}

#[test]
fn a_ring_of_hosts_is_ended_when_it_closes() {
    let names = ["a", "b", "c"];
    let ring = vec![step("a", &["orchestrator", "c"]), step("b", &["a"]), step("c", &["b"])];
    let app = app(&names, ring);
    let (orchestrator, services) = start(&app, &names);
    let started = Instant::now();
    let way = "orchestrator > a > b > c > a";
    assert_eq!(orchestrator.get("/api/x").send().shown(), circle(way));
    assert!(started.elapsed() < PATIENCE);
    services[0].wait_for(&format!("{way}: 4 hops; mend routes.json or the handlers' questions"));
}

#[test]
fn a_ring_of_groups_is_ended_when_it_closes() {
    let names = ["a", "b", "c", "d"];
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": [
        {"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"},
        {"name": "ab", "members": ["a", "b"]}, {"name": "cd", "members": ["c", "d"]},
    ]});
    let routes = vec![step("ab", &["orchestrator", "c", "d"]), step("cd", &["a", "b"])];
    let app = App::new(config, &routes.into());
    let (orchestrator, services) = start(&app, &names);
    let answer = orchestrator.get("/api/x").send();
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.text().contains("circle: orchestrator > a > c > a\""), "{answer:?}");
    // No way passes a host twice: 2 to a and b, 4 on to c and d, 8 back, of which 4 go on, and these once more.
    let is_answer = |line: &String| line.contains(" GET \"/api/x\" -> ") && !line.contains("asked ");
    wait_until("every request has its line", || services.iter().flat_map(Host::lines).filter(is_answer).count() == 30);
}

#[test]
fn handlers_that_ask_one_another_show_the_way() {
    let route =
        |uri: &str, on: &str| json!({"uri": uri, "handler": "asker", "on_microservice": on, "authenticate": false});
    let services = json!([{"name": "a", "connections": ["b"]}, {"name": "b", "connections": ["a"]}]);
    let app = App::new(
        json!({"qewd_up": true, "orchestrator": {}, "microservices": services}),
        &json!([route("/api/a", "a"), route("/api/b", "b")]),
    );
    let app = app.guest("a", "asker").guest("b", "asker").setting("b", "limits", json!({"hops": 2}));
    let (orchestrator, _services) = start(&app, &["a", "b"]);
    // a's handler asks b's, which asks for a path that leads nowhere: three hops.
    let answer = orchestrator.get("/api/a?path=/api/b").send();
    assert_eq!(answer.shown(), circle("orchestrator > a's handler > b"));
}

#[test]
fn a_microservice_with_a_folder_of_its_own_leads_on_to_others() {
    let shared = app(
        &["edge", "far"],
        vec![
            json!({"uri": "/api/x", "on_microservice": "edge", "authenticate": false}),
            json!({"uri": "/api/y", "handler": "number", "on_microservice": "far", "authenticate": false}),
        ],
    )
    .guest("far", "echo");
    let own = App::new(
        json!({"qewd_up": true, "ms_name": "edge", "microservices": [{"name": "edge"}, {"name": "far"}]}),
        &json!([
            {"uri": "/api/own", "handler": "list", "authenticate": false},
            {"uri": "/api/x", "on_microservice": "far", "authenticate": false},
            {"uri": "/api/ask", "handler": "asker", "on_microservice": "edge", "authenticate": false},
            {"uri": "/api/y", "on_microservice": "far", "authenticate": false},
        ]),
    )
    .guest("edge", "echo")
    .guest("edge", "asker");
    let far_app = app(
        &["far"],
        vec![
            json!({"uri": "/api/x", "handler": "list", "on_microservice": "far", "authenticate": false}),
            json!({"uri": "/api/y", "handler": "number", "on_microservice": "far", "authenticate": false}),
        ],
    )
    .guest("far", "echo");
    let far = Launch::microservice(&far_app, "far").start();
    let edge = Launch::orchestrator(&own).reaching("far", far.port).start();
    let orchestrator = Launch::orchestrator(&shared).reaching("edge", edge.port).reaching("far", far.port).start();
    for host in [&edge, &orchestrator] {
        host.wait_for_links();
    }
    assert_eq!(orchestrator.get("/api/x").send().shown(), LIST);
    assert_eq!(edge.get("/api/own").send().shown(), LIST);
    assert_eq!(edge.get("/api/ask?path=/api/y").send().shown(), "200 42");
}

#[test]
fn a_chain_through_a_group_asks_all_of_it_the_sender_too() {
    let mut group = step("all", &["a"]);
    group["handler"] = json!("list");
    let services = json!([{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "all", "members": ["a", "b", "c"]}]);
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": services});
    let app = App::new(config, &json!([step("a", &["orchestrator"]), group]));
    let app = ["a", "b", "c"].into_iter().fold(app, |app, name| app.guest(name, "echo"));
    let fleet = Fleet::start(app, &["c", "b", "a"]);
    let list = json!([{"id": 1}, {"id": 2}]);
    let all = json!({"results": {"a": list, "b": list, "c": list}});
    assert_eq!(fleet.orchestrator.get("/api/x").send().shown(), format!("200 {all}"));
}
