//! Answers with a status that no response has.

use qewd_sdk::{Request, Response};

qewd_sdk::handlers!(answers_with_a_bad_status);

fn answers_with_a_bad_status(_request: &mut Request) -> Response {
    Response::text("never seen").status(99)
}
