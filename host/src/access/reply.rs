//! Where the renewed token goes in a successful answer.
//! In come a handler's response and a token; out goes the response that carries it: in an object as `token`, an array as
//! `{"results": …, "token": …}`, anything else with a header.
//! The handler's own bytes are copied as they are; they are never parsed into a tree and printed again.

use crate::response::{Response, is_json};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The header that carries the token where the body is neither a JSON object nor a JSON array, or must stay as it is.
pub const TOKEN_HEADER: &str = "qewd-token";

/// Puts the token into the response: into the body where that can be, unless it is to be `in_header`.
#[must_use]
pub fn attach_token(mut response: Response, token: &str, in_header: bool) -> Response {
    // A handler's own header of this name would be taken for ours.
    response.headers.retain(|(name, _)| name != TOKEN_HEADER);
    let json = response.header("content-type").is_some_and(is_json);
    match (json && !in_header).then(|| body_with_token(&response.body, token)).flatten() {
        Some(body) => response.body = body,
        None => response.headers.push((TOKEN_HEADER.to_owned(), token.to_owned())),
    }
    response
}

/// The body with the token in it, or nothing if it is neither an object nor an array.
fn body_with_token(body: &[u8], token: &str) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?.trim();
    // A token is base64 and dots: it needs no escapes.
    if text.starts_with('[') {
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        return Some(format!("{{\"results\":{text},\"token\":\"{token}\"}}").into());
    }
    let object: TopLevel<'_> = serde_json::from_str(text).ok()?;
    let open = text.strip_suffix('}')?.trim_end();
    match object {
        TopLevel::Empty => Some(format!("{{\"token\":\"{token}\"}}").into()),
        TopLevel::Plain => Some(format!("{open},\"token\":\"{token}\"}}").into()),
        TopLevel::HasToken(members) => Some(replace_token(&members, token)),
    }
}

fn replace_token(members: &[(String, &RawValue)], token: &str) -> Bytes {
    let mut text = String::from("{");
    for (name, value) in members.iter().filter(|(name, _)| name != "token") {
        text.push_str(&serde_json::Value::from(name.as_str()).to_string());
        text.push(':');
        text.push_str(value.get());
        text.push(',');
    }
    text.push_str(&format!("\"token\":\"{token}\"}}"));
    text.into()
}

/// What has to be known of an object to add a member to its text.
enum TopLevel<'a> {
    Empty,
    Plain,
    /// The handler wrote a `token` of its own, which ours replaces: two of one name would be read differently by each client.
    HasToken(Vec<(String, &'a RawValue)>),
}

impl<'de> Deserialize<'de> for TopLevel<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TopLevelVisitor)
    }
}

struct TopLevelVisitor;

impl<'de> Visitor<'de> for TopLevelVisitor {
    type Value = TopLevel<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            members.push((name, value));
        }
        Ok(if members.is_empty() {
            TopLevel::Empty
        } else if members.iter().any(|(name, _)| name == "token") {
            TopLevel::HasToken(members)
        } else {
            TopLevel::Plain
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_token(kind: &str, body: &str) -> (String, Option<String>) {
        let response = Response {
            status: 200,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: Bytes::from(body.to_owned()),
        };
        let response = attach_token(response, "a.b.c", false);
        let header = response.header(TOKEN_HEADER).map(str::to_owned);
        (String::from_utf8(response.body.to_vec()).unwrap(), header)
    }

    #[test]
    fn a_body_that_must_stay_as_it_is_stays() {
        let mine = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            (TOKEN_HEADER.to_owned(), "mine".to_owned()),
        ];
        let response = Response { status: 200, headers: mine, body: Bytes::from_static(b"{\"token\":1}") };
        let response = attach_token(response, "a.b.c", true);
        assert_eq!((response.header(TOKEN_HEADER), &response.body[..]), (Some("a.b.c"), &b"{\"token\":1}"[..]));
    }

    #[test]
    fn objects_arrays_and_the_rest() {
        let json = "application/json; charset=utf-8";
        for (body, expected) in [
            (r#"{"ok":true}"#, r#"{"ok":true,"token":"a.b.c"}"#),
            ("{ \"ok\": 1.50 }\n", r#"{ "ok": 1.50,"token":"a.b.c"}"#),
            ("{}", r#"{"token":"a.b.c"}"#),
            ("[1,2]", r#"{"results":[1,2],"token":"a.b.c"}"#),
            (r#"{"token":"mine","a":{"token":1}}"#, r#"{"a":{"token":1},"token":"a.b.c"}"#),
        ] {
            assert_eq!(with_token(json, body), (expected.to_owned(), None), "{body}");
        }
        for (kind, body) in
            [(json, "\"text\""), (json, "{broken"), ("text/plain", "{}"), ("application/json-seq", "[]"), (json, "")]
        {
            assert_eq!(with_token(kind, body), (body.to_owned(), Some("a.b.c".to_owned())), "{body}");
        }
    }
}
