//! Shows what a handler learns from the session.
//! In comes a token's content, out goes who holds it and what answered.
//! It changes nothing.

use qewd_sdk::Request;
use serde_json::{Value, json};

/// GET /api/info/info
pub(crate) fn info(request: &mut Request) -> Value {
    let username: Option<String> = request.session.get("username");
    json!({
        "info": { "server": "info_service", "arch": std::env::consts::ARCH },
        "username": username,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qewd_sdk::testing;

    #[test]
    fn names_the_user() {
        let mut request = testing::get("/api/info/info").claim("username", "rob").request();
        let answer: Value = testing::call(info, &mut request).unwrap().body_json().unwrap();
        assert_eq!(answer["info"]["server"], "info_service");
        assert_eq!(answer["username"], "rob");
    }
}
