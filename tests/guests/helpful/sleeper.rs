//! Waits as long as `?milliseconds=` says, and then says for whom.

use qewd_sdk::{Failure, Request, log};
use serde_json::{Value, json};
use std::time::Duration;

qewd_sdk::handlers!(sleeper);

fn sleeper(request: &mut Request) -> Result<Value, Failure> {
    let milliseconds = request.query("milliseconds").unwrap_or("0").parse()?;
    log::info("falling asleep", &[]);
    std::thread::sleep(Duration::from_millis(milliseconds));
    Ok(json!({ "slept": milliseconds, "for": request.query("for") }))
}
