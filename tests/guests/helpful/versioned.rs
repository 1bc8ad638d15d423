//! Says which version of itself it is, as it stands at both ends of a page. Tests make other versions by writing over the
//! text: while only one end is written, the module is a mixture, and its answer shows it.

use qewd_sdk::{Request, Response};
use std::hint::black_box;

qewd_sdk::handlers!(versioned);

/// Sixteen bytes that stand nowhere else.
const VERSION: [u8; 16] = *b"version=00000000";
/// Bytes between the two: more than the pieces in which tests write a file.
const BETWEEN: usize = 16 << 10;
/// How often each end is repeated in the answer.
const REPEATS: usize = 64;

#[repr(C)]
struct Page {
    first: [u8; 16],
    between: [u8; BETWEEN],
    last: [u8; 16],
}

static PAGE: Page = Page { first: VERSION, between: [b'.'; BETWEEN], last: VERSION };

fn versioned(_request: &mut Request) -> Response {
    let page = black_box(&PAGE);
    assert!(page.between.iter().all(|byte| *byte == b'.'), "the page is torn");
    Response::bytes("text/plain", [page.first.repeat(REPEATS), page.last.repeat(REPEATS)].concat())
}
