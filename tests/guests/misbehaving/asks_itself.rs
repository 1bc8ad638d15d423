//! Asks its own route for the answer, which asks its own route, and so on.

use qewd_sdk::{Failure, Request, Response, services};

qewd_sdk::handlers!(asks_itself);

fn asks_itself(request: &mut Request) -> Result<Response, Failure> {
    let answer = services::get(request.path()).ask().ok()?;
    Ok(Response::text(String::from_utf8_lossy(&answer.body)))
}
