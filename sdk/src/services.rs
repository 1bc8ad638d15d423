//! Asking another handler, here or on another microservice, and waiting for its answer.
//! In comes a question, out goes an answer; an error is an answer too.
//! It never changes who asks: the question carries the caller's own token.
//!
//! ```
//! use qewd_sdk::{Failure, Request, services};
//!
//! #[derive(serde::Deserialize)]
//! struct User {
//!     username: String,
//! }
//!
//! fn greeting(_request: &mut Request) -> Result<String, Failure> {
//!     let user: User = services::get("/api/login/user").on("login_service").ask().ok()?.json()?;
//!     Ok(format!("Hello {}", user.username))
//! }
//! ```

use crate::bindings::qewd::handler::services as wire;
use crate::{Failure, imports, json};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use std::fmt::Write;

/// A question on its way to another handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The microservice to ask; none: whichever the routes of this host name.
    pub service: Option<String>,
    /// Upper case.
    pub method: String,
    /// Percent-encoded, with the query if there is one.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Any bytes.
    pub body: Vec<u8>,
}

/// What the other handler answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 599; 503 if the service cannot be reached.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Any bytes.
    pub body: Vec<u8>,
}

/// A question with the method GET.
pub fn get(path: impl Into<String>) -> Question {
    question("GET", path)
}

/// A question with the method POST.
pub fn post(path: impl Into<String>) -> Question {
    question("POST", path)
}

/// A question with the method PUT.
pub fn put(path: impl Into<String>) -> Question {
    question("PUT", path)
}

/// A question with the method DELETE.
pub fn delete(path: impl Into<String>) -> Question {
    question("DELETE", path)
}

/// A question with any method. The path is percent-encoded: see [`encode`].
pub fn question(method: &str, path: impl Into<String>) -> Question {
    Question {
        service: None,
        method: method.to_ascii_uppercase(),
        path: path.into(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

/// Makes any text safe to stand between two `/` of a path: `services::get(format!("/api/note/{}", encode(title)))`.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

impl Question {
    /// The microservice to ask. Without it, the routes of this host say who answers.
    #[must_use]
    pub fn on(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// One more parameter in the query, in plain text.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(&encode(name));
        self.path.push('=');
        self.path.push_str(&encode(value));
        self
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// A body of any type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// This value as JSON for a body.
    ///
    /// # Errors
    /// Status 500 if the value cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, Failure> {
        let body = serde_json::to_vec(value).map_err(|error| Failure::from(error).status(500))?;
        Ok(self.body("application/json", body))
    }

    /// Asks and waits. There is always an answer: at the latest when the caller's time is over, with status 504.
    #[must_use]
    pub fn ask(self) -> Answer {
        let Self { service, method, path, headers, body } = self;
        let wire::Answer { status, headers, body } =
            imports::ask(&wire::Question { service, method, path, headers, body });
        Answer { status, headers, body }
    }
}

impl Answer {
    /// The answer, if it is none of an error.
    ///
    /// # Errors
    /// For a status from 400: a failure with that status and the answer's body, so that `?` passes it on as it is.
    pub fn ok(self) -> Result<Self, Failure> {
        if self.status < 400 {
            return Ok(self);
        }
        let failure = Failure::new(self.words()).status(self.status);
        let is_json = serde_json::from_slice::<IgnoredAny>(&self.body).is_ok();
        Err(if is_json { failure.with_bytes(self.body) } else { failure })
    }

    /// The first header of this name; upper and lower case are the same.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, read as JSON into a type of yours.
    ///
    /// # Errors
    /// Status 502 if it is not JSON or does not fit the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::read(&self.body, "The service's answer").map_err(|words| Failure::new(words).status(502))
    }

    /// What an answer with an error says.
    fn words(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match body.get("error").and_then(Value::as_str) {
            Some(words) => words.to_owned(),
            None => format!("The service answered with status {}", self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: Vec::new(), body: body.into() }
    }

    #[test]
    fn questions_are_built() {
        let question = post("/api/note").on("notes").query("a b", "1&2").query("c", "ö").header("X-A", "1");
        let question = question.json(&json!({"x": 1})).unwrap();
        assert_eq!(question.path, "/api/note?a%20b=1%262&c=%C3%B6");
        assert_eq!((question.method.as_str(), question.service.as_deref()), ("POST", Some("notes")));
        assert_eq!(question.headers[0], ("x-a".to_owned(), "1".to_owned()));
        assert_eq!(question.body, br#"{"x":1}"#);
        assert_eq!(encode("a/b c"), "a%2Fb%20c");
    }

    #[test]
    fn an_error_is_passed_on_as_it_is() {
        let failure = answer(503, r#"{"error":"down","code":7}"#).ok().unwrap_err();
        assert_eq!(failure.to_string(), "503 down");
        assert_eq!(failure.body_json(), json!({"error": "down", "code": 7}));
        let failure = answer(500, "<html>").ok().unwrap_err();
        assert_eq!(failure.body_json(), json!({"error": "The service answered with status 500"}));
    }

    #[test]
    fn an_answer_of_another_shape_is_a_bad_gateway() {
        let failure = answer(200, "[1").ok().unwrap().json::<Value>().unwrap_err();
        assert_eq!(failure.status_code(), 502);
        assert_eq!(failure.message(), "The service's answer is not valid JSON at line 1, column 2: it ends too early");
    }

    #[test]
    fn without_a_host_every_service_is_down() {
        assert_eq!(get("/api/x").ask().ok().unwrap_err().to_string(), "503 MicroService connection is down");
    }
}
