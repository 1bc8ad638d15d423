//! Paths that choose where a request goes, and handlers that come from another service's folder.

use crate::harness::{App, Fleet, Launch, Request, Source, free_port, module, versions, wait_until};
use serde_json::{Value, json};
use std::fs;

fn config() -> Value {
    json!({
        "qewd_up": true, "orchestrator": {},
        "microservices": [
            {"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "pair", "members": ["a", "b"]},
        ],
    })
}

fn chosen(uri: &str, handler: &str, names: &[&str]) -> Value {
    json!({"uri": uri, "handler": handler, "on_microservices": names, "authenticate": false, "method": "ANY"})
}

#[test]
fn the_path_chooses_among_what_the_route_allows() {
    let routes =
        json!([chosen("/api/:destination/echo", "echo", &["pair"]), chosen("/:destination/n", "number", &["c"])]);
    let mut app = App::new(config(), &routes);
    for host in ["a", "b", "c"] {
        app = app.guest(host, "echo");
    }
    let fleet = Fleet::start(app, &["a", "b", "c"]);
    let get = |path: &str| fleet.orchestrator.get(path).send();
    for member in ["a", "b"] {
        assert_eq!(get(&format!("/api/{member}/echo")).json()["application"], member);
    }
    let both = get("/api/pair/echo").json();
    assert_eq!(
        (&both["results"]["a"]["application"], &both["results"]["b"]["application"]),
        (&json!("a"), &json!("b"))
    );
    assert_eq!(get("/c/n").shown(), "200 42");
    for (path, name) in [
        ("/api/c/echo", "c"),
        ("/api/zzz/echo", "zzz"),
        ("/api/orchestrator/echo", "orchestrator"),
        ("/api/%22x%22/echo", "\\\"x\\\""),
        ("/a/n", "a"),
    ] {
        assert_eq!(get(path).shown(), format!(r#"404 {{"error":"No such destination: {name}"}}"#));
    }
    assert_eq!(get("/api/echo").shown(), r#"404 {"error":"url could not be matched"}"#);
}

#[test]
fn messages_cannot_be_reached_by_requests() {
    let routes = json!([
        {"application": "shop", "type": "load", "handler": "list", "authenticate": false},
        {"application": "shop", "type": "*", "handler": "list", "authenticate": false},
        {"uri": "/api/:a", "handler": "list", "authenticate": false},
    ]);
    let app = App::new(json!({"qewd_up": true}), &routes).guest("orchestrator", "echo");
    let host = Launch::orchestrator(&app).start();
    for method in ["MESSAGE", "GET", "POST"] {
        for path in ["/shop/load", "/shop/other", "/shop/*", "/shop/%2A"] {
            let answer = Request::new(host.port, method, path).send();
            assert_eq!(answer.shown(), r#"404 {"error":"url could not be matched"}"#, "{method} {path}");
        }
    }
    let wrong = Request::new(host.port, "MESSAGE", "/api/x").send();
    assert_eq!(wrong.shown(), r#"405 {"error":"MESSAGE is not allowed here; allowed: GET, HEAD"}"#);
    assert_eq!(wrong.header("allow"), Some("GET, HEAD"));
}

/// Three hosts that share the handler of the folder of `a`; `b` has one of its own of this name.
fn sharing() -> App {
    let routes = json!([
        {"uri": "/api/all", "handler": "versioned", "handler_source": "a", "on_microservice": "pair", "authenticate": false},
        {"uri": "/api/own", "handler": "versioned", "on_microservice": "b", "authenticate": false},
        {"uri": "/api/here", "handler": "versioned", "handler_source": "a", "authenticate": false},
        chosen("/api/:destination/number", "number", &["a", "c"]),
    ]);
    let mut routes = routes;
    routes[3]["handler_source"] = json!("a");
    let app = App::new(config(), &routes).guest("a", "versioned").guest("a", "echo").guest("b", "versioned");
    fs::write(app.path().join("handlers/b/versioned.wasm"), versions::bytes(5)).unwrap();
    app
}

fn number(body: &Value) -> Option<usize> {
    versions::number(body.as_str()?.as_bytes())
}

#[test]
fn a_handler_may_come_from_the_folder_of_another_service() {
    let fleet = Fleet::start(sharing(), &["a", "b", "c"]);
    let get = |path: &str| fleet.orchestrator.get(path).send();
    let all = || {
        let answer = get("/api/all").json();
        (number(&answer["results"]["a"]), number(&answer["results"]["b"]))
    };
    let here = || versions::number(&get("/api/here").body);
    assert_eq!((all(), here()), ((Some(0), Some(0)), Some(0)));
    assert_eq!(versions::number(&get("/api/own").body), Some(5), "its own handler of this name stays its own");
    // c has no folder at all.
    assert_eq!(get("/api/c/number").shown(), "200 42");
    assert!(!fleet.app.path().join("handlers/c").exists());
    // A new version in the folder of a serves on every host that takes it from there, and nowhere else.
    versions::rename_into(&fleet.app.path().join("handlers/a/versioned.wasm"), &versions::bytes(7));
    wait_until("version 7 answers everywhere", || (all(), here()) == ((Some(7), Some(7)), Some(7)));
    assert_eq!(versions::number(&get("/api/own").body), Some(5));
    for host in fleet.hosts().take(3) {
        host.wait_for("handlers/a/versioned.wasm: version ");
        assert!(!host.lines().iter().any(|line| line.contains("ERROR")), "{:#?}", host.lines());
    }
}

#[test]
fn a_route_that_comes_later_takes_its_handler_from_another_folder() {
    let routes = json!([{"uri": "/api/list", "handler": "list", "on_microservice": "b", "authenticate": false}]);
    let app = App::new(config(), &routes).guest("a", "versioned").guest("a", "echo").guest("b", "echo");
    let port = free_port();
    let _b = Launch::microservice(&app, "b").port(port).start();
    let orchestrator = Launch::orchestrator(&app).reaching("b", port).start();
    orchestrator.wait_for("b registered");
    let mut later = routes.clone();
    let new = json!({"uri": "/api/later", "handler": "versioned", "handler_source": "a", "on_microservice": "b", "authenticate": false});
    later.as_array_mut().unwrap().push(new);
    app.write("configuration/routes.json", later.to_string());
    wait_until("b answers", || versions::number(&orchestrator.get("/api/later").send().body) == Some(0));
    // A module of that folder that was not needed so far is at hand, too.
    later[1]["handler"] = json!("number");
    app.write("configuration/routes.json", later.to_string());
    wait_until("b answers", || orchestrator.get("/api/later").send().shown() == "200 42");
    // What was taken from there can go again.
    app.write("configuration/routes.json", routes.to_string());
    wait_until("the route is gone", || orchestrator.get("/api/later").send().status == 404);
    assert_eq!(orchestrator.get("/api/list").send().status, 200);
}

#[test]
fn a_module_that_was_not_needed_at_the_start_is_at_hand_when_a_route_wants_it() {
    let route = |handler: &str| {
        let route = json!({"uri": "/api/here", "handler": handler, "handler_source": "a", "authenticate": false});
        json!([route]).to_string()
    };
    let app = App::new(config(), &json!([])).guest("a", "versioned").guest("a", "echo");
    app.write("configuration/routes.json", route("versioned"));
    let host = Launch::orchestrator(&app).start();
    assert_eq!(versions::number(&host.get("/api/here").send().body), Some(0));
    app.write("configuration/routes.json", route("number"));
    wait_until("the other module answers", || host.get("/api/here").send().shown() == "200 42");
    host.wait_for("handlers/a/versioned.wasm: no route needs it any more, and version ");
    app.write("configuration/routes.json", route("versioned"));
    wait_until("the first one answers", || versions::number(&host.get("/api/here").send().body) == Some(0));
}

#[test]
fn a_handler_that_its_source_lacks_is_said() {
    let app = sharing();
    fs::remove_file(app.path().join("handlers/a/versioned.wasm")).unwrap();
    for host in ["b", "orchestrator"] {
        let ended = Launch::microservice(&app, host).fails();
        assert!(
            ended.err.contains(
                "no module of a offers the handler versioned; put the module into handlers/a/, or mend the name \
                 (it offers echo, list, nothing, number, text)"
            ),
            "{host}: {ended:?}"
        );
    }
}

#[test]
fn choices_for_modules_name_the_folder_in_which_they_lie() {
    let app = sharing();
    let mut config: Value = serde_json::from_str(&app.config()).unwrap();
    config["handlers"] = json!({"a/versioned": {"imports": []}, "a/echo": {"memoryBytes": 65536}});
    app.write("configuration/config.json", config.to_string());
    assert!(module(Source::Guest, "echo").is_file());
    // `echo` cannot even say what it offers with so little memory: on no host that takes it.
    let ended = Launch::microservice(&app, "c").fails();
    assert!(ended.err.contains("handlers/a/echo.wasm: "), "{ended:?}");
}
