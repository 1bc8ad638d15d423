//! One reply, as plain data, and the one place where a failure becomes a reply.
//! In come what a handler returned, what a link brought or a failure; out goes status, headers and body.
//! It never decides what went wrong and never writes to a socket.

use crate::failure::{Failure, NOT_RUN, NotRun};
use bytes::Bytes;

/// The media type of every JSON body that we write.
pub const JSON: &str = "application/json; charset=utf-8";

/// Whether a content type is `application/json` or one with the suffix `+json` (RFC 6839, 3.1), with or without parameters.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The one reply to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// Untouched bytes.
    pub body: Bytes,
}

impl Response {
    /// Why no handler ran, if it is known that none did.
    #[must_use]
    pub fn not_run(&self) -> Option<NotRun> {
        let value = self.header(NOT_RUN)?;
        [NotRun::Busy, NotRun::Unable].into_iter().find(|why| why.as_str() == value)
    }

    /// The first header of this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl From<Failure> for Response {
    fn from(failure: Failure) -> Self {
        let body = failure.body.unwrap_or_else(|| serde_json::json!({ "error": failure.caller }).to_string().into());
        let mut headers = vec![("content-type".to_owned(), JSON.to_owned())];
        headers.extend(failure.headers);
        Self { status: failure.status, headers, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_becomes_one_json_object() {
        let response = Response::from(Failure::connection_down("not connected"));
        assert_eq!(response.status, 503);
        assert_eq!(response.body, "{\"error\":\"MicroService connection is down\"}");
        assert_eq!(response.header("content-type"), Some(JSON));
    }
}
