//! Shows the trace that its request has, and asks the path in `?path=` with the headers of trace in `?forge=`, or without any.

use qewd_sdk::{Failure, Json, Request, services};
use serde_json::{Value, json};

qewd_sdk::handlers!(traced);

fn traced(request: &mut Request) -> Result<Json<Value>, Failure> {
    qewd_sdk::log::info("was here", &[]);
    let mut below = Value::Null;
    if let Some(path) = request.query("path") {
        let question = services::get(path);
        let question = match request.query("on") {
            Some(service) => question.on(service),
            None => question,
        };
        let question = match request.query("forge") {
            Some("copy") => question.header("traceparent", request.header("traceparent").unwrap_or_default()),
            Some(other) => question.header("traceparent", other),
            None => question,
        };
        below = question.ask().ok()?.json()?;
    }
    Ok(Json(json!({
        "parent": request.header("traceparent"),
        "state": request.header("tracestate"),
        "below": below,
    })))
}
