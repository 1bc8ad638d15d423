//! Does all that a good handler does, asks another one and makes a long answer, and stops before it gives it away.

use qewd_sdk::{Request, Response, log, services};
use std::hint::black_box;

qewd_sdk::handlers!(traps_after_work);

/// A few megabytes of the other handler's answer: as many as a response may have.
const TIMES: usize = 200_000;

fn traps_after_work(_request: &mut Request) -> Response {
    let list = services::get("/api/list").ask();
    log::info("the list is there", &[("status", &list.status), ("body", &list.text())]);
    let response = Response::bytes("application/octet-stream", list.body.repeat(TIMES));
    black_box(&response);
    std::process::abort()
}
