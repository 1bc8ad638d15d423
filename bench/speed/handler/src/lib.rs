//! The handlers that are measured, as an author would write them.
//! In comes a request; out goes a small JSON object, a session, or how large the body is.
//! They ask nobody and write no line.

use qewd_sdk::{Failure, Request};
use serde_json::{Value, json};

qewd_sdk::handlers!(hello, login, size);

/// GET /hello/:name
fn hello(request: &mut Request) -> Result<Value, Failure> {
    let name = request.variable("name")?;
    Ok(json!({ "hello": name, "items": [1, 2, 3], "text": "as much as a small answer of a service has" }))
}

/// POST /login
fn login(request: &mut Request) -> Result<Value, Failure> {
    request.session.set("username", "rob")?;
    request.session.set_authenticated(true);
    request.session.set_timeout(3600);
    Ok(json!({ "ok": true }))
}

/// POST /size
fn size(request: &mut Request) -> Value {
    json!({ "bytes": request.body().len() })
}
