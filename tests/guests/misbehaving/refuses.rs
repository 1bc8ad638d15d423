//! Says no, in each way that the contract has.

use qewd_sdk::{Failure, Request};
use serde_json::json;

qewd_sdk::handlers!(refuses);

fn refuses(request: &mut Request) -> Result<String, Failure> {
    request.session.set("changed", true)?;
    Err(match request.query("how") {
        Some("status") => Failure::new("There is no tea left").status(404),
        Some("body") => Failure::new("unseen").body(json!({"why": ["no tea", "no milk"]})),
        Some("error") => {
            return "seven".parse::<u8>().map(|number| number.to_string()).map_err(Failure::from);
        }
        _ => Failure::new("No tea today"),
    })
}
