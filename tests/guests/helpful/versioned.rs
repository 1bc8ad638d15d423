//! Says which version of itself it is, as it stands at both ends of a page. Tests make other versions by writing over the
//! text: while only one end is written, the module is a mixture, and its answer shows it.

use qewd_sdk::{Request, Response};
use std::hint::black_box;

qewd_sdk::handlers!(versioned);

/// Sixteen bytes that stand nowhere else.
const VERSION: &[u8; 16] = b"version=00000000";
/// Large beside the pieces in which tests write a file.
const PAGE: usize = 32 << 10;
/// How often each end is repeated in the answer.
const REPEATS: usize = 64;

static TEXT: [u8; PAGE] = page();

const fn page() -> [u8; PAGE] {
    let mut page = [b'.'; PAGE];
    let mut place = 0;
    while place < VERSION.len() {
        page[place] = VERSION[place];
        page[PAGE - VERSION.len() + place] = VERSION[place];
        place += 1;
    }
    page
}

fn versioned(_request: &mut Request) -> Response {
    let page = black_box(&TEXT);
    let (first, last) = (&page[..VERSION.len()], &page[PAGE - VERSION.len()..]);
    Response::bytes("text/plain", [first.repeat(REPEATS), last.repeat(REPEATS)].concat())
}
