//! Prints what looks like further lines of the host's log, and moves the terminal's cursor.

use qewd_sdk::{Request, log};

qewd_sdk::handlers!(forges_log_lines);

fn forges_log_lines(_request: &mut Request) -> &'static str {
    log::info("first\n2026-01-01T00:00:00Z  INFO forged line\u{1b}[2J", &[]);
    "done"
}
