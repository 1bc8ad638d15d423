//! Modules that are made without the SDK, by the contract's records: what they see, and what they may change.

use crate::harness::{App, Host, Launch, Request, Source};
use serde_json::{Value, json};

fn host() -> Host {
    let config = json!({"qewd_up": true, "orchestrator": {}});
    let route =
        |method: &str| json!({"uri": "/api/:id/hand", "method": method, "handler": "by_hand", "authenticate": false});
    let routes = json!(["GET", "POST", "DELETE"].map(route));
    Launch::orchestrator(&App::new(config, &routes).with("orchestrator", Source::ByHand, "by_hand")).start()
}

/// Its headers, without those of the trace, whose values are random.
fn headers(seen: &Value) -> Vec<&Value> {
    seen["headers"].as_array().unwrap().iter().filter(|pair| pair[0] != "traceparent").collect()
}

#[test]
fn a_module_by_hand_sees_all_of_a_request() {
    let host = host();
    let request = host.post("/api/a%20b/hand?q=1&q=%C3%A4&empty", "h\u{f6}h\u{f6}").header("X-Request-Id", "first");
    let answer = request.header("X-Two", "a").header("X-Two", "b").send();
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut seen = answer.json();
    let own = [["host", "localhost"], ["x-two", "a"], ["x-two", "b"]].map(|pair| json!(pair));
    assert!(own.iter().all(|pair| headers(&seen).contains(&pair)), "{seen}");
    for name in ["headers", "claims", "token"] {
        seen.as_object_mut().unwrap().remove(name);
    }
    let expected = json!({
        "id": "first", "handler": "by_hand", "application": "orchestrator", "rest": true, "method": "POST",
        "path": "/api/a%20b/hand", "route": "/api/:id/hand", "variables": [["id", "a b"]],
        "query": [["q", "1"], ["q", "\u{e4}"], ["empty", ""]], "client": "127.0.0.1", "body": "h\u{f6}h\u{f6}", "secret": ["socketId", "ipAddress", "authenticated"],
    });
    assert_eq!(seen, expected);
}

#[test]
fn a_module_by_hand_changes_the_session_and_refuses() {
    let host = host();
    let token = host.post("/api/1/hand", "{}").send().token();
    let seen = host.get("/api/2/hand").token(&token).send().json();
    assert_eq!((&seen["claims"]["username"], &seen["claims"]["colour"]), (&json!("rob"), &json!("red")));
    assert_eq!(seen["secret"], json!(["authenticated", "colour", "socketId", "ipAddress"]));
    assert_eq!(Request::new(host.port, "DELETE", "/api/3/hand").send().shown(), r#"409 {"error":"not that"}"#);
}
