//! Prints more than a log should keep of one request, with no line that ends.

use qewd_sdk::Request;
use std::io::Write;

qewd_sdk::handlers!(prints_without_end);

/// Sixteen times what one request may write to the log.
const BYTES: usize = 1 << 20;

fn prints_without_end(_request: &mut Request) -> &'static str {
    let mut out = std::io::stdout();
    for _ in 0..BYTES / 1024 {
        // The host's log may take what it likes.
        let _ = out.write_all(&[b'x'; 1024]);
    }
    "printed"
}
