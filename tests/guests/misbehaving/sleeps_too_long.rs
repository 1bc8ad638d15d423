//! Waits longer than any request may take.

use qewd_sdk::Request;
use std::time::Duration;

qewd_sdk::handlers!(sleeps_too_long);

fn sleeps_too_long(_request: &mut Request) -> &'static str {
    std::thread::sleep(Duration::from_secs(3600));
    "never seen"
}
