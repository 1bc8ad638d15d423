//! Asks the path in `?path=` on behalf of the caller, and passes the answer on.

use qewd_sdk::{Failure, Request, Response, services};

qewd_sdk::handlers!(asker);

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
