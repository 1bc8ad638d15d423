//! Says which version of itself it is, at both ends of its answer. Tests make other versions by writing over the text.

use qewd_sdk::{Request, Response};
use std::hint::black_box;

qewd_sdk::handlers!(versioned);

/// Sixteen bytes that stand nowhere else.
static VERSION: &str = "version=00000000";
/// What stands between: an answer that is put together from two versions would show it.
const MIDDLE: usize = 2000;

fn versioned(_request: &mut Request) -> Response {
    let version = black_box(VERSION);
    let middle = black_box(VERSION).repeat(MIDDLE / VERSION.len());
    Response::text([version, &middle, black_box(VERSION)].concat())
}
