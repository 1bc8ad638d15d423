//! Answers with more bytes than a response may have.

use qewd_sdk::{Request, Response};

qewd_sdk::handlers!(answers_too_much);

/// More than the usual limit of 8 MiB.
const BYTES: usize = 9 << 20;

fn answers_too_much(_request: &mut Request) -> Response {
    Response::bytes("application/octet-stream", vec![b'x'; BYTES])
}
