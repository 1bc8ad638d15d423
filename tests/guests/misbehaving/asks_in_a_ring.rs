//! Asks the handler of this name on the other of two hosts, which asks this one, and so on.

use qewd_sdk::{Failure, Request, Response, services};
use std::time::Duration;

qewd_sdk::handlers!(asks_in_a_ring);

/// So long that others can ask while the ring turns.
const TURN: Duration = Duration::from_millis(50);

fn asks_in_a_ring(request: &mut Request) -> Result<Response, Failure> {
    std::thread::sleep(TURN);
    let other = if request.application() == "near" { "far" } else { "near" };
    let answer = services::get(format!("/api/{other}/ring")).on(other).ask().ok()?;
    Ok(Response::text(String::from_utf8_lossy(&answer.body)))
}
