//! The orchestrator's own handlers: what needs no microservice.
//! In comes a request of anybody, out goes what this system is.
//! Nothing here looks at who asks.

use qewd_sdk::{Failure, Request, log, settings};
use serde_json::{Value, json};

qewd_sdk::handlers!(version);

/// GET /api/version
fn version(request: &mut Request) -> Result<Value, Failure> {
    let greeting = settings::get("greeting")?.unwrap_or_else(|| "hello".to_owned());
    log::info("version asked", &[("from", &request.client_address())]);
    Ok(json!({ "name": "qewd example", "version": env!("CARGO_PKG_VERSION"), "greeting": greeting }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qewd_sdk::testing;

    fn answer() -> Value {
        let mut request = testing::get("/api/version").client_address("10.0.0.7").request();
        testing::call(version, &mut request).unwrap().body_json().unwrap()
    }

    #[test]
    fn says_what_the_operator_wrote() {
        testing::reset();
        assert_eq!(answer()["greeting"], "hello");
        testing::set_setting("greeting", "Good morning");
        assert_eq!(answer(), json!({"name": "qewd example", "version": "0.1.0", "greeting": "Good morning"}));
    }

    #[test]
    fn leaves_a_line_in_the_log() {
        testing::reset();
        answer();
        assert_eq!(testing::log_lines()[0].to_string(), "info version asked from=10.0.0.7");
    }
}
