//! The texts that WebSocket clients and the host exchange: `{type, token, params, id}` in, `{type, finished, message}` out.
//! In come a client's bytes or a response; out go the fields that the host needs, or the text to send.
//! It never looks into `params`, and what a handler wrote is copied as it is.

use crate::access::attach_token;
use crate::message::Part;
use crate::names::{RequestId, is_message_application, is_message_type};
use crate::response::{JSON, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::time::Duration;

/// Bytes of a client's own id for a message: far above a UUID.
const ID_BYTES: usize = 128;
/// The header in which dispatch gives the renewed token.
const TOKEN_HEADER: &str = "qewd-token";
/// The type of an answer to something that has none.
pub(super) const ERROR: &str = "error";

/// A client's message, as far as the host reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    /// Its type and, if it has one, the id that comes back in the answer.
    pub(super) label: Label,
    pub(super) token: Option<String>,
    /// Only where it registers.
    pub(super) application: Option<String>,
    /// JSON, only where the host itself answers.
    pub(super) params: Option<String>,
}

/// By what a client knows to which of its messages an answer belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub(super) kind: String,
    /// JSON: a text or a number, as it came.
    id: Option<String>,
}

/// A message that cannot be taken, in words for its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadMessage {
    pub(super) label: Label,
    pub(super) words: &'static str,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    application: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl Incoming {
    /// Reads a client's message.
    ///
    /// # Errors
    /// When it is no object, has no type, or has fields of other types; an id that could be read comes back.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, BadMessage> {
        let mut label = Label { kind: ERROR.to_owned(), id: None };
        let refused = |label: &Label, words| BadMessage { label: label.clone(), words };
        // A list would be read as the fields in their order.
        let object = std::str::from_utf8(bytes).ok().filter(|text| text.trim_ascii_start().starts_with('{'));
        let fields = object.and_then(|object| serde_json::from_str::<Fields<'_>>(object).ok());
        let fields = fields.ok_or_else(|| refused(&label, "A message is a JSON object with a \"type\""))?;
        if let Some(id) = fields.id {
            let is_text = id.get().starts_with('"');
            let most = if is_text { ID_BYTES + 2 } else { ID_BYTES };
            if !(is_text || id.get().parse::<f64>().is_ok()) || id.get().len() > most {
                return Err(refused(&label, "The \"id\" of a message is a text or a number of at most 128 bytes"));
            }
            label.id = Some(id.get().to_owned());
        }
        let kind = text(fields.kind).filter(|kind| is_message_type(kind));
        label.kind =
            kind.ok_or_else(|| refused(&label, "The \"type\" of a message is a text of 1 to 128 characters"))?;
        let words = "The \"token\" and the \"application\" of a message are texts";
        let optional = |field: Option<&RawValue>| match field.filter(|field| field.get() != "null") {
            Some(field) => text(Some(field)).map(Some).ok_or_else(|| refused(&label, words)),
            None => Ok(None),
        };
        let (token, application) = (optional(fields.token)?, optional(fields.application)?);
        let params =
            fields.params.map(|params| params.get().to_owned()).filter(|_| label.kind == super::messages::FRAGMENT);
        Ok(Self { label, token: token.filter(|token| !token.is_empty()), application, params })
    }

    /// The application for which it registers.
    pub(super) fn registers_for(&self) -> Option<&str> {
        self.application.as_deref().filter(|application| is_message_application(application))
    }
}

fn text(field: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(field?.get()).ok()
}

/// An answer before it becomes a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// A JSON value.
    pub(super) message: Bytes,
    /// A renewed token that has no place in the message.
    token: Option<String>,
    /// Of an error.
    pub(super) status: Option<u16>,
    request_id: Option<String>,
}

impl Answer {
    /// What the host itself says.
    pub(super) fn plain(message: &serde_json::Value) -> Self {
        Self { message: message.to_string().into(), token: None, status: None, request_id: None }
    }

    /// What the host itself refuses; `status` is the one that HTTP would have.
    pub(super) fn refusal(status: u16, words: &str, disconnect: bool) -> Self {
        let mut message = serde_json::json!({ "error": words });
        if disconnect && let Some(object) = message.as_object_mut() {
            object.insert("disconnect".to_owned(), true.into());
        }
        Self::error(status, &message)
    }

    /// The same, under the id of its line in the log.
    pub(super) fn under(self, id: &RequestId) -> Self {
        Self { request_id: Some(id.to_string()), ..self }
    }

    /// An error of the host itself that says more than words.
    pub(super) fn error(status: u16, message: &serde_json::Value) -> Self {
        Self { status: Some(status), ..Self::plain(message) }
    }

    /// What dispatch answered: a JSON object gets the token as a member, anything else beside it.
    pub(super) fn of(mut response: Response) -> Self {
        let header = |name: &str| response.header(name).map(str::to_owned);
        let (token, request_id) = (header(TOKEN_HEADER), header("x-request-id"));
        let status = response.status;
        let body = json_of(&response.body);
        if status >= 400 {
            return Self { message: as_error(body), token: None, status: Some(status), request_id };
        }
        match token {
            Some(token) if body.starts_with(b"{") => {
                response.headers = vec![("content-type".to_owned(), JSON.to_owned())];
                response.body = body;
                let response = attach_token(response, &token, false);
                // Where the object has no room for it, it comes back in a header.
                let token = response.header(TOKEN_HEADER).map(str::to_owned);
                Self { message: response.body, token, status: None, request_id }
            }
            token => Self { message: body, token, status: None, request_id },
        }
    }

    /// What has no place in the message, as headers of HTTP.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let retry = (self.status == Some(503)).then(|| "1".to_owned());
        [(TOKEN_HEADER, self.token.clone()), ("x-request-id", self.request_id.clone()), ("retry-after", retry)]
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
            .collect()
    }

    /// The text that goes to the client.
    pub(super) fn write(&self, label: &Label, took: Duration) -> Bytes {
        let mut text = opening(&label.kind, true, &self.message);
        text.extend_from_slice(format!(",\"responseTime\":\"{}ms\"", took.as_millis()).as_bytes());
        for (name, value) in [("token", &self.token), ("requestId", &self.request_id)] {
            if let Some(value) = value {
                text.extend_from_slice(format!(",\"{name}\":{}", json_text(value)).as_bytes());
            }
        }
        if let Some(status) = self.status {
            text.extend_from_slice(format!(",\"status\":{status}").as_bytes());
        }
        close(text, label.id.as_deref())
    }
}

/// The text of an intermediate message.
pub(super) fn part(label: &Label, part: &Part) -> Bytes {
    close(opening(part.kind.as_deref().unwrap_or(&label.kind), false, &part.body), label.id.as_deref())
}

fn opening(kind: &str, finished: bool, message: &[u8]) -> Vec<u8> {
    let mut text = format!("{{\"type\":{},\"finished\":{finished},\"message\":", json_text(kind)).into_bytes();
    text.extend_from_slice(message);
    text
}

fn close(mut text: Vec<u8>, id: Option<&str>) -> Bytes {
    if let Some(id) = id {
        text.extend_from_slice(b",\"id\":");
        text.extend_from_slice(id.as_bytes());
    }
    text.push(b'}');
    text.into()
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The body as a JSON value: as it is, or as a text; nothing is an empty object.
fn json_of(body: &Bytes) -> Bytes {
    let trimmed = body.trim_ascii();
    if trimmed.is_empty() {
        return Bytes::from_static(b"{}");
    }
    // Passing a text over, the parser does not look whether it is UTF-8.
    if std::str::from_utf8(trimmed).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok()) {
        return body.slice_ref(trimmed);
    }
    json_text(&String::from_utf8_lossy(body)).into()
}

/// Clients know an error by the member `error`.
fn as_error(body: Bytes) -> Bytes {
    #[derive(Deserialize)]
    struct Error {
        #[expect(dead_code, reason = "only whether it is there matters")]
        error: IgnoredAny,
    }
    if body.starts_with(b"{") && serde_json::from_slice::<Error>(&body).is_ok() {
        return body;
    }
    let mut text = b"{\"error\":".to_vec();
    text.extend_from_slice(&body);
    text.push(b'}');
    text.into()
}

#[cfg(test)]
mod fuzz_tests;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Incoming, BadMessage> {
        Incoming::read(text.as_bytes())
    }

    #[test]
    fn messages_are_read() {
        let message = read(r#" {"type":"load","params":{"a":[1]},"token":"t","id":7,"x":1}"#).unwrap();
        assert_eq!(message.label, Label { kind: "load".to_owned(), id: Some("7".to_owned()) });
        assert_eq!((message.token.as_deref(), message.application, message.params), (Some("t"), None, None));
        let register = read(r#"{"type":"ewd-register","application":"my-app","jwt":true,"token":null}"#).unwrap();
        assert_eq!(register.registers_for(), Some("my-app"));
    }

    #[test]
    fn what_is_no_message_is_refused_with_its_id() {
        for (text, words) in [
            ("", "A message is a JSON object with a \"type\""),
            ("[\"load\",1,\"t\",null,null]", "A message is a JSON object with a \"type\""),
            ("{\"type\":\"a\"", "A message is a JSON object with a \"type\""),
            ("{\"id\":1}", "The \"type\" of a message is a text of 1 to 128 characters"),
            ("{\"type\":7}", "The \"type\" of a message is a text of 1 to 128 characters"),
            ("{\"type\":\"\"}", "The \"type\" of a message is a text of 1 to 128 characters"),
            ("{\"type\":\"a\",\"token\":7}", "The \"token\" and the \"application\" of a message are texts"),
            ("{\"type\":\"a\",\"id\":{}}", "The \"id\" of a message is a text or a number of at most 128 bytes"),
        ] {
            assert_eq!(read(text).unwrap_err().words, words, "{text}");
        }
        assert_eq!(read("{\"id\":1}").unwrap_err().label.id.as_deref(), Some("1"));
    }

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status, headers, body: Bytes::from(body.to_owned()) }
    }

    #[test]
    fn answers_have_the_envelope_that_clients_know() {
        let label = Label { kind: "load".to_owned(), id: Some("\"a\"".to_owned()) };
        let written = |response| {
            let text = Answer::of(response).write(&label, Duration::from_millis(12));
            String::from_utf8(text.to_vec()).unwrap()
        };
        let token = [("qewd-token", "a.b.c")];
        assert_eq!(
            written(response(200, &token, "{\"ok\":true}")),
            r#"{"type":"load","finished":true,"message":{"ok":true,"token":"a.b.c"},"responseTime":"12ms","id":"a"}"#
        );
        assert_eq!(
            written(response(200, &token, "[1]")),
            r#"{"type":"load","finished":true,"message":[1],"responseTime":"12ms","token":"a.b.c","id":"a"}"#
        );
        assert_eq!(
            written(response(200, &[], "hi \"x\"")),
            r#"{"type":"load","finished":true,"message":"hi \"x\"","responseTime":"12ms","id":"a"}"#
        );
        assert_eq!(
            written(response(503, &[], "{\"error\":\"down\"}")),
            r#"{"type":"load","finished":true,"message":{"error":"down"},"responseTime":"12ms","status":503,"id":"a"}"#
        );
        assert_eq!(
            written(response(418, &[], "[7]")),
            r#"{"type":"load","finished":true,"message":{"error":[7]},"responseTime":"12ms","status":418,"id":"a"}"#
        );
        assert_eq!(
            written(response(204, &[], "")),
            r#"{"type":"load","finished":true,"message":{},"responseTime":"12ms","id":"a"}"#
        );
        let more = Part { kind: None, body: Bytes::from_static(b"{\"n\":1}") };
        assert_eq!(part(&label, &more), r#"{"type":"load","finished":false,"message":{"n":1},"id":"a"}"#);
    }
}
