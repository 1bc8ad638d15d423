//! Asks the path in `?path=` on behalf of the caller, and passes the answer on; or asks along a chain of services.

use qewd_sdk::{Failure, Json, Request, Response, services};

qewd_sdk::handlers!(asker, along);

fn asker(request: &mut Request) -> Result<Response, Failure> {
    let path = request.query("path").unwrap_or("/").to_owned();
    let question = services::get(&path);
    let answer = match request.query("on") {
        Some(service) => question.on(service).ask(),
        None => question.ask(),
    };
    let answer = answer.ok()?;
    Ok(Response::bytes("application/json", answer.body.clone()).status(answer.status))
}

/// Asks the first service of `?along=one,two,three`, which asks the next one, and says who was there.
fn along(request: &mut Request) -> Result<Json<Vec<String>>, Failure> {
    let mut stations = vec![request.application().to_owned()];
    let way = request.query("along").unwrap_or_default();
    let (next, rest) = way.split_once(',').unwrap_or((way, ""));
    if !next.is_empty() {
        let question = services::get(format!("/api/{next}/along")).query("along", rest).on(next);
        stations.extend(question.ask().ok()?.json::<Vec<String>>()?);
    }
    Ok(Json(stations))
}
