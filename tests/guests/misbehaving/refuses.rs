//! Says no, in each way that the contract has.

use qewd_sdk::{Failure, Request};
use serde_json::json;

qewd_sdk::handlers!(refuses);

fn refuses(request: &mut Request) -> Result<String, Failure> {
    request.session.set("changed", true)?;
    Err(match request.query("how") {
        Some("status") => Failure::new("There is no tea left").status(404),
        Some("body") => Failure::new("unseen").body(json!({"why": ["no tea", "no milk"]})),
        Some("forged") => Failure::new("no\n2026-01-01T00:00:00Z  ERROR forged line"),
        Some("endless") => Failure::new("no ".repeat(10_000_000)),
        Some("error") => {
            return "seven".parse::<u8>().map(|number| number.to_string()).map_err(Failure::from);
        }
        _ => Failure::new("No tea today"),
    })
}
