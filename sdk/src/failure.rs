//! What a handler returns in place of an answer.
//! In comes any error through `?`, or words of yours; out go status, message and perhaps a body.
//! It never carries changes of the session: those are lost.

use crate::bindings::qewd::handler::types;
use serde_json::Value;
use std::fmt;

/// A refusal. The caller gets its status and `{"error": message}`.
///
/// Each error turns into one with `?`: status 400 and the error's own words.
///
/// ```
/// use qewd_sdk::Failure;
///
/// fn age(text: &str) -> Result<u8, Failure> {
///     let age = text.parse()?;
///     if age < 18 {
///         return Err(Failure::new("Come back later").status(403));
///     }
///     Ok(age)
/// }
///
/// assert_eq!(age("x").unwrap_err().status_code(), 400);
/// assert_eq!(age("7").unwrap_err().status_code(), 403);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: u16,
    message: String,
    body: Option<Vec<u8>>,
}

impl Failure {
    /// A refusal with status 400 and these words for the caller.
    pub fn new(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), body: None }
    }

    /// Another status, 400 to 599. What is no such status becomes 500.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = if (400..=599).contains(&status) { status } else { 500 };
        self
    }

    /// A JSON value that the caller gets in place of `{"error": message}`.
    #[must_use]
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.body = Some(body.into().to_string().into_bytes());
        self
    }

    /// The status that the caller gets.
    #[must_use]
    pub fn status_code(&self) -> u16 {
        self.status
    }

    /// The words for the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The JSON that the caller gets.
    #[must_use]
    pub fn body_json(&self) -> Value {
        let own = self.body.as_ref().and_then(|body| serde_json::from_slice(body).ok());
        own.unwrap_or_else(|| serde_json::json!({ "error": self.message }))
    }

    /// JSON of which nobody needs to know the content.
    pub(crate) fn with_bytes(mut self, json: Vec<u8>) -> Self {
        self.body = Some(json);
        self
    }

    pub(crate) fn into_wire(self) -> types::Failure {
        types::Failure { status: self.status, message: self.message, body: self.body }
    }
}

// `Failure` itself is no `Error`, or else this would collide with Rust's own `impl From<T> for T`.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.status, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn is_400_with_its_words_unless_it_says_otherwise() {
        let plain = Failure::new("Invalid login");
        assert_eq!(plain.to_string(), "400 Invalid login");
        assert_eq!(plain.body_json(), json!({"error": "Invalid login"}));
        let wire = plain.status(404).body(json!({"why": 1})).into_wire();
        assert_eq!((wire.status, wire.message.as_str()), (404, "Invalid login"));
        assert_eq!(wire.body.unwrap(), br#"{"why":1}"#);
    }

    #[test]
    fn a_status_that_is_no_failure_becomes_500() {
        assert_eq!(Failure::new("").status(200).status_code(), 500);
        assert_eq!(Failure::new("").status(600).status_code(), 500);
    }
}
