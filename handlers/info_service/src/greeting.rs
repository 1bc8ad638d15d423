//! Shows how one microservice asks another and combines the answers.
//! In comes a user's request, out goes a greeting with the name that login_service knows.
//! If login_service cannot answer, its failure is passed on as it is.

use qewd_sdk::{Failure, Request, services};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct User {
    username: String,
}

/// GET /api/info/greeting
pub(crate) fn greeting(_request: &mut Request) -> Result<Value, Failure> {
    let user: User = services::get("/api/login/user").on("login_service").ask().ok()?.json()?;
    Ok(json!({ "greeting": format!("Hello {}", user.username) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qewd_sdk::testing;

    fn ask() -> Result<String, Failure> {
        let response = testing::call(greeting, &mut testing::get("/api/info/greeting").request());
        response.map(|response| response.body_text())
    }

    #[test]
    fn greets_with_the_name_of_the_other_service() {
        testing::answer_services(|question| {
            assert_eq!(question.service.as_deref(), Some("login_service"));
            assert_eq!((question.method.as_str(), question.path.as_str()), ("GET", "/api/login/user"));
            testing::answer(200, &json!({"username": "rob", "token": "…"}))
        });
        assert_eq!(ask().unwrap(), r#"{"greeting":"Hello rob"}"#);
    }

    #[test]
    fn passes_the_other_services_failure_on() {
        testing::reset();
        assert_eq!(ask().unwrap_err().to_string(), "503 MicroService connection is down");
        testing::answer_services(|_question| testing::answer(401, &json!({"error": "Invalid token"})));
        assert_eq!(ask().unwrap_err().to_string(), "401 Invalid token");
    }
}
