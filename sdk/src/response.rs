//! What a handler may return, and what becomes of it.
//! In come texts, JSON values, serde types and results; out goes one response or one failure.
//! It never writes a token: the host adds that.

use crate::bindings::qewd::handler::types;
use crate::{Failure, Session, json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a handler can return.
///
/// | Returned | Answer |
/// |---|---|
/// | `&'static str`, `String` | 200, `text/plain` |
/// | [`serde_json::Value`], [`Json`] | 200, `application/json` |
/// | `()` | 204, no body |
/// | [`Response`] | as it says |
/// | `Result` of one of these | the same, or the [`Failure`] |
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "return `&'static str`, `String`, `serde_json::Value`, `Json<T>`, `Response`, `()`, or a `Result` of these"
)]
pub trait Reply: sealed::Sealed {
    /// The answer that the caller gets.
    ///
    /// # Errors
    /// The failure that the handler returned, or one that says why its value cannot be sent.
    fn into_answer(self) -> Result<Response, Failure>;
}

/// A value of a serde type, sent as JSON.
///
/// ```
/// use qewd_sdk::{Json, Request};
///
/// #[derive(serde::Serialize)]
/// struct Greeting {
///     text: &'static str,
/// }
///
/// fn hello(_request: &mut Request) -> Json<Greeting> {
///     Json(Greeting { text: "hello" })
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// An answer with its own status or headers.
///
/// ```
/// use qewd_sdk::{Failure, Request, Response};
///
/// fn create(_request: &mut Request) -> Result<Response, Failure> {
///     Ok(Response::json(&[1, 2, 3])?.status(201).header("location", "/api/list/1"))
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    /// Status 200 and this value as JSON.
    ///
    /// # Errors
    /// Status 500 if the value cannot be written as JSON, such as a map whose keys are lists.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Failure> {
        let body = serde_json::to_vec(value).map_err(|error| Failure::from(error).status(500))?;
        Ok(Self::bytes("application/json", body))
    }

    /// Status 200 and this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::bytes("text/plain; charset=utf-8", text.into())
    }

    /// Status 204 and no body.
    #[must_use]
    pub fn empty() -> Self {
        Self { status: 204, headers: Vec::new(), body: Vec::new() }
    }

    /// Status 200 and a body of any type.
    pub fn bytes(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status: 200, headers, body: body.into() }
    }

    /// Another status, 200 to 599. With any other the caller gets status 500.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The status that the caller gets.
    #[must_use]
    pub fn status_code(&self) -> u16 {
        self.status
    }

    /// The first header of this name; upper and lower case are the same.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// If it is not JSON or does not fit the type.
    pub fn body_json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::read(&self.body, "The answer").map_err(|words| Failure::new(words).status(500))
    }

    pub(crate) fn into_wire(self, session: Session) -> Result<types::Response, Failure> {
        let Self { status, headers, body } = self;
        if !(200..=599).contains(&status) {
            let words = format!("The handler answered with status {status}; a response has 200 to 599");
            return Err(Failure::new(words).status(500));
        }
        Ok(types::Response { status, headers, body, session: session.into_wire() })
    }
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! reply {
    ($($type:ty, |$value:ident| $answer:expr;)+) => {
        $(
            impl sealed::Sealed for $type {}

            impl Reply for $type {
                fn into_answer(self) -> Result<Response, Failure> {
                    let $value = self;
                    $answer
                }
            }
        )+
    };
}

reply! {
    &'static str, |text| Ok(Response::text(text));
    String, |text| Ok(Response::text(text));
    Value, |value| Response::json(&value);
    (), |_nothing| Ok(Response::empty());
    Response, |response| Ok(response);
}

impl<T: Serialize> sealed::Sealed for Json<T> {}

impl<T: Serialize> Reply for Json<T> {
    fn into_answer(self) -> Result<Response, Failure> {
        Response::json(&self.0)
    }
}

impl<R: Reply, E: Into<Failure>> sealed::Sealed for Result<R, E> {}

impl<R: Reply, E: Into<Failure>> Reply for Result<R, E> {
    fn into_answer(self) -> Result<Response, Failure> {
        self.map_err(Into::into)?.into_answer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::HashMap;

    fn seen(reply: impl Reply) -> (u16, String, String) {
        let response = reply.into_answer().unwrap();
        let content_type = response.header_value("Content-Type").unwrap_or_default().to_owned();
        (response.status_code(), content_type, response.body_text())
    }

    #[test]
    fn every_reply_becomes_a_response() {
        let text = (200, "text/plain; charset=utf-8".to_owned(), "hi".to_owned());
        assert_eq!(seen("hi"), text);
        assert_eq!(seen("hi".to_owned()), text);
        let json = (200, "application/json".to_owned(), r#"{"b":1,"a":2}"#.to_owned());
        assert_eq!(seen(json!({"b": 1, "a": 2})), json);
        assert_eq!(seen(Json(json!({"b": 1, "a": 2}))), json);
        assert_eq!(seen(()), (204, String::new(), String::new()));
        assert_eq!(seen(Ok::<_, Failure>("hi")), text);
        assert_eq!(seen(Response::bytes("image/png", [1]).status(206)).0, 206);
    }

    #[test]
    fn errors_become_failures() {
        let reply: Result<&'static str, std::num::ParseIntError> = "x".parse::<u8>().map(|_| "number");
        let failure = reply.into_answer().unwrap_err();
        assert_eq!(failure.to_string(), "400 invalid digit found in string");
        let unwritable = HashMap::from([(vec![1], 1)]);
        assert_eq!(Json(unwritable).into_answer().unwrap_err().status_code(), 500);
    }
}
