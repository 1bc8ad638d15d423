//! Signs users in and says who they are.
//! In come a name and a password, out goes a session; the host turns it into a token.
//! It never logs what a user typed.

use qewd_sdk::{Failure, Request, log};
use serde::Deserialize;
use serde_json::{Value, json};

qewd_sdk::handlers!(login, who);

/// How long a user may be idle, in seconds.
const TIMEOUT: u32 = 1200;

/// A field that is missing or no text is a wrong login, not a wrong request: so any JSON is read here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    username: Value,
    password: Value,
}

/// POST /api/login
fn login(request: &mut Request) -> Result<Value, Failure> {
    let login: Login = request.json()?;
    if !is_user(&login) {
        log::info("login refused", &[]);
        return Err(Failure::new("Invalid login"));
    }
    request.session.set("username", login.username)?;
    request.session.set_authenticated(true);
    request.session.set_timeout(TIMEOUT);
    Ok(json!({ "ok": true }))
}

/// GET /api/login/user: other services ask this one, as the user.
fn who(request: &mut Request) -> Result<Value, Failure> {
    let username: Option<String> = request.session.get("username");
    let username = username.ok_or(Failure::new("Your token names no user; sign in again").status(401))?;
    Ok(json!({ "username": username }))
}

/// A real service looks this up, and stores no password as it is.
fn is_user(login: &Login) -> bool {
    login.username == "rob" && login.password == "secret"
}

#[cfg(test)]
mod tests {
    use super::*;
    use qewd_sdk::testing;

    #[test]
    fn the_right_password_opens_a_session() {
        let mut request = testing::post("/api/login").json(&json!({"username": "rob", "password": "secret"})).request();
        let response = testing::call(login, &mut request).unwrap();

        assert_eq!(response.body_text(), r#"{"ok":true}"#);
        assert!(request.session.authenticated() && request.session.is_secret("authenticated"));
        assert_eq!(request.session.timeout(), Some(1200));
        assert_eq!(request.session.get::<String>("username").as_deref(), Some("rob"));
        assert!(!request.session.is_secret("username"));
    }

    #[test]
    fn anything_else_is_refused_without_a_session() {
        for body in [
            json!({"username": "rob", "password": "Secret"}),
            json!({"username": "bob", "password": "secret"}),
            json!({"username": "", "password": ""}),
            json!({"username": "rob"}),
            json!({"username": "rob", "password": 7}),
            json!({}),
        ] {
            let mut request = testing::post("/api/login").json(&body).request();
            let failure = testing::call(login, &mut request).unwrap_err();

            assert_eq!(failure.status_code(), 400);
            assert_eq!(failure.body_json(), json!({"error": "Invalid login"}));
            assert!(!request.session.changed());
        }
    }

    #[test]
    fn a_body_that_is_no_json_is_said_with_its_place() {
        let mut request = testing::post("/api/login").body("{\"username\" \"rob\"}").request();
        let failure = testing::call(login, &mut request).unwrap_err();
        assert_eq!(failure.message(), "The body is not valid JSON at line 1, column 13: expected `:`");
    }

    #[test]
    fn says_who_asks() {
        let mut request = testing::get("/api/login/user").claim("username", "rob").request();
        let response = testing::call(who, &mut request).unwrap();
        assert_eq!(response.body_text(), r#"{"username":"rob"}"#);

        let failure = testing::call(who, &mut testing::get("/api/login/user").request()).unwrap_err();
        assert_eq!(failure.status_code(), 401);
    }
}
