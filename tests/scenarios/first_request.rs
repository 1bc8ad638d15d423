//! The example application: what a newcomer's first requests bring.

use crate::harness::{App, Fleet, Launch, Request, SECRET, signed};
use serde_json::{Value, json};

/// One host with the module of echoes, and a route for each of its handlers.
fn echo() -> App {
    let open = |uri: &str, handler: &str| json!({"uri": uri, "handler": handler, "authenticate": false});
    let routes = json!([
        {"uri": "/api/echo/:id", "method": "ANY", "handler": "echo", "authenticate": false},
        {"uri": "/api/rest/*rest", "handler": "echo", "authenticate": false},
        open("/api/list", "list"),
        open("/api/text", "text"),
        open("/api/nothing", "nothing"),
        open("/api/number", "number"),
        {"uri": "/api/two", "handler": "list", "authenticate": false},
        {"uri": "/api/two", "method": "DELETE", "handler": "list"},
    ]);
    App::new(json!({"qewd_up": true}), &routes).guest("orchestrator", "echo")
}

#[test]
fn a_login_opens_what_it_protects() {
    let fleet = Fleet::example();
    let host = &fleet.orchestrator;
    let login = host.post("/api/login", r#"{"username":"rob","password":"secret"}"#).send();
    assert_eq!(login.shown(), r#"200 {"ok":true,"token":"…"}"#);
    let mut token = login.token();
    // Each success brings a token that opens the next door.
    for (path, expected) in [
        ("/api/login/user", r#"200 {"username":"rob","token":"…"}"#),
        ("/api/info/info", r#"200 {"info":{"server":"info_service","arch":"wasm32"},"username":"rob","token":"…"}"#),
        ("/api/info/greeting", r#"200 {"greeting":"Hello rob","token":"…"}"#),
        (
            "/api/patient/1/heading/allergies",
            r#"200 {"patientId":1,"heading":"allergies","data":["pollen","penicillin"],"token":"…"}"#,
        ),
        (
            "/api/version",
            r#"200 {"name":"qewd example","version":"0.1.0","greeting":"Welcome to the qewd example","token":"…"}"#,
        ),
        ("/api/login/user", r#"200 {"username":"rob","token":"…"}"#),
    ] {
        let answer = host.get(path).token(&token).send();
        assert_eq!(answer.shown(), expected, "{path}");
        token = answer.token();
    }
    let order = r#"{"item":"tea","quantity":2}"#;
    let ordered = host.post("/api/info/order", order).token(&token).send();
    assert_eq!(ordered.shown(), r#"201 {"item":"tea","quantity":2,"token":"…"}"#);
}

#[test]
fn what_needs_no_login_needs_none() {
    let fleet = Fleet::example();
    let answer = fleet.orchestrator.get("/api/version").send();
    assert_eq!(
        answer.shown(),
        r#"200 {"name":"qewd example","version":"0.1.0","greeting":"Welcome to the qewd example"}"#
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("qewd-token"), None);
}

#[test]
fn an_error_brings_no_token() {
    let fleet = Fleet::example();
    let host = &fleet.orchestrator;
    let wrong = host.post("/api/login", r#"{"username":"rob","password":"guess"}"#).send();
    assert_eq!(wrong.shown(), r#"400 {"error":"Invalid login"}"#);
    let token = host.login();
    let unknown = host.get("/api/patient/1/heading/hobbies").token(&token).send();
    assert_eq!(unknown.shown(), r#"404 {"error":"No heading `hobbies`"}"#);
    assert_eq!(unknown.header("qewd-token"), None);
}

#[test]
fn an_unknown_path_gets_the_else_answer() {
    let fleet = Fleet::example();
    let expected = r#"404 {"error":"No such service; try GET /api/version"}"#;
    for path in ["/", "/api", "/api/versions", "/api/version/more", "/api/vers%zzion", "/qewd"] {
        assert_eq!(fleet.orchestrator.get(path).send().shown(), expected, "{path}");
    }
}

#[test]
fn a_wrong_method_names_the_right_ones() {
    let host = Launch::orchestrator(&echo()).start();
    let answer = host.post("/api/list", "{}").send();
    assert_eq!(answer.shown(), r#"405 {"error":"POST is not allowed here; allowed: GET, HEAD"}"#);
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    let answer = host.post("/api/two", "{}").send();
    assert_eq!(answer.header("allow"), Some("GET, HEAD, DELETE"));
}

#[test]
fn a_head_request_brings_the_headers_alone() {
    let fleet = Fleet::example();
    let host = &fleet.orchestrator;
    let (get, head) = (host.get("/api/version").send(), Request::new(host.port, "HEAD", "/api/version").send());
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert_eq!(head.header("content-type"), get.header("content-type"));
}

#[test]
fn a_handler_sees_the_request_as_the_client_meant_it() {
    let host = Launch::orchestrator(&echo()).start();
    let echo = |path: &str| host.get(path).header("X-Colour", "blue").send().json();
    let seen = echo("/api/echo/caf%C3%A9%20%2F%3F/?tag=a+b&tag=%26&other=1");
    let expected = json!({
        "kind": "rest", "application": "orchestrator", "method": "GET", "path": "/api/echo/caf%C3%A9%20%2F%3F/",
        "route": "/api/echo/:id", "id": "café /?", "rest": null, "tags": ["a b", "&"], "x-colour": "blue",
        "client": "127.0.0.1", "body": "",
    });
    assert_eq!(seen, expected);
    assert_eq!(echo("/api/rest/a/b%2Fc/d")["rest"], "a/b/c/d");
    assert_eq!(echo("/api/echo/1?")["tags"], json!([]));
    let body = "not JSON at all \u{1F375}";
    let posted = host.post("/api/echo/1", body).send().json();
    assert_eq!((&posted["method"], &posted["body"]), (&json!("POST"), &json!(body)));
}

#[test]
fn the_way_over_a_link_changes_nothing_of_a_request() {
    let routes = json!([{"uri": "/api/echo/:id", "method": "ANY", "handler": "echo", "on_microservice": "far", "authenticate": false}]);
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": [{"name": "far"}]});
    let fleet = Fleet::start(App::new(config, &routes).guest("far", "echo"), &["far"]);
    let answer = fleet
        .orchestrator
        .post("/api/echo/caf%C3%A9%20%2F?tag=a+b&tag=%26", "\u{1F375} body")
        .header("X-Colour", "blue")
        .send();
    let expected = json!({
        "kind": "rest", "application": "far", "method": "POST", "path": "/api/echo/caf%C3%A9%20%2F",
        "route": "/api/echo/:id", "id": "café /", "rest": null, "tags": ["a b", "&"], "x-colour": "blue",
        "client": "127.0.0.1", "body": "\u{1F375} body",
    });
    assert_eq!(answer.json(), expected);
}

#[test]
fn a_token_goes_where_the_answer_has_room_for_it() {
    let host = Launch::orchestrator(&echo()).start();
    let token = signed(jsonwebtoken::Algorithm::HS256, SECRET, &json!({}));
    let ask = |path: &str| host.get(path).token(&token).send();
    assert_eq!(ask("/api/list").shown(), r#"200 {"results":[{"id":1},{"id":2}],"token":"…"}"#);
    assert!(!ask("/api/echo/1").token().is_empty());
    for (path, expected) in [("/api/text", "200 plain words"), ("/api/nothing", "204 "), ("/api/number", "200 42")] {
        let answer = ask(path);
        assert_eq!(answer.shown(), expected);
        assert!(answer.header("qewd-token").is_some_and(|token| token.starts_with("eyJ")), "{path}");
    }
    // Without a token the same answers are as their handlers wrote them.
    assert_eq!(host.get("/api/list").send().shown(), r#"200 [{"id":1},{"id":2}]"#);
}

#[test]
fn a_request_has_one_id_on_every_host() {
    let mut fleet = Fleet::example();
    let token = fleet.orchestrator.login();
    let answer = fleet.orchestrator.get("/api/info/greeting").token(&token).header("X-Request-Id", "my-id.7").send();
    assert_eq!(answer.header("x-request-id"), Some("my-id.7"));
    for name in ["info_service", "login_service"] {
        fleet.service(name).wait_for("request=\"my-id.7\"");
    }
    fleet.orchestrator.wait_for("request=\"my-id.7\"");

    // Without one, or with one that could forge a line of the log, the host makes its own.
    let made = fleet.orchestrator.get("/api/version").send();
    assert_eq!(made.header("x-request-id").unwrap().len(), 16);
    let forged = fleet.orchestrator.get("/api/version").header("X-Request-Id", "a b=\"c\"").send();
    assert_eq!(forged.header("x-request-id").unwrap().len(), 16);
    let failed = fleet.orchestrator.get("/none").header("X-Request-Id", "lost").send();
    assert_eq!(failed.header("x-request-id"), Some("lost"));
}

#[test]
fn pages_of_other_sites_may_ask_unless_told_otherwise() {
    let preflight = |app: &App| {
        let host = Launch::orchestrator(app).start();
        let request = Request::new(host.port, "OPTIONS", "/api/list");
        request
            .header("Origin", "https://shop.example.com")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization")
            .send()
    };
    let open = preflight(&echo());
    assert_eq!((open.status, open.header("access-control-allow-origin")), (200, Some("*")));
    assert!(open.header("access-control-allow-headers").unwrap().contains("authorization"));
    let closed = preflight(&App::new(
        json!({"qewd_up": true, "orchestrator": {"qewd": {"cors": false}}}),
        &Value::Array(Vec::new()),
    ));
    assert_eq!(closed.header("access-control-allow-origin"), None);
}
