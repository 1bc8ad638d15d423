//! Shows what a handler sees of a request, and each kind of answer that carries a token in its own way.

use qewd_sdk::{Kind, Request, Response};
use serde_json::{Value, json};

qewd_sdk::handlers!(echo, list, text, nothing, number);

fn echo(request: &mut Request) -> Value {
    let tags: Vec<&str> = request.queries("tag").collect();
    let kind = match request.kind() {
        Kind::Rest => "rest",
        Kind::Message => "message",
        Kind::Service => "service",
    };
    json!({
        "kind": kind,
        "application": request.application(),
        "method": request.method(),
        "path": request.path(),
        "route": request.route(),
        "id": request.variable("id").ok(),
        "rest": request.variable("rest").ok(),
        "tags": tags,
        "x-colour": request.header("X-Colour"),
        "client": request.client_address(),
        "body": request.text().ok(),
    })
}

fn list(_request: &mut Request) -> Value {
    json!([{"id": 1}, {"id": 2}])
}

fn text(_request: &mut Request) -> &'static str {
    "plain words"
}

fn nothing(_request: &mut Request) {}

fn number(_request: &mut Request) -> Response {
    Response::bytes("application/json", "42")
}
