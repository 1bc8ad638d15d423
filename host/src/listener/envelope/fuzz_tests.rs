//! Messages that no client would send, and answers that no handler would give.
//! In come messages and answers of the corpus, changed at random; what is taken is JSON, and what is written is, too.
//! No socket is needed for that.

use super::super::messages::FRAGMENT;
use super::*;
use crate::fuzz;
use std::collections::BTreeMap;

/// The members of a JSON object as they are written; a name that comes twice fails.
fn members(text: &[u8]) -> BTreeMap<String, String> {
    struct Members(BTreeMap<String, String>);
    impl<'de> Deserialize<'de> for Members {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Each;
            impl<'de> serde::de::Visitor<'de> for Each {
                type Value = Members;
                fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                    let mut members = BTreeMap::new();
                    while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                        assert!(members.insert(name.clone(), value.get().to_owned()).is_none(), "{name} comes twice");
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(Each)
        }
    }
    let text = std::str::from_utf8(text).expect("a text that is sent is UTF-8");
    serde_json::from_str::<Members>(text).unwrap_or_else(|error| panic!("{error}: {text}")).0
}

fn check_written(written: &Bytes, label: &Label) -> BTreeMap<String, String> {
    let members = members(written);
    assert_eq!(serde_json::from_str::<String>(&members["type"]).unwrap(), label.kind);
    assert_eq!(members.get("id"), label.id.as_ref(), "another id");
    members
}

/// A member of an object that a client sent: the only one of this name.
fn sent(input: &[u8], name: &str) -> Option<String> {
    let object: BTreeMap<String, &RawValue> = serde_json::from_slice(input).ok()?;
    object.get(name).map(|value| value.get().to_owned())
}

#[test]
fn only_objects_are_messages_and_their_ids_come_back() {
    fuzz::run("envelope", |input| {
        let (label, words) = match Incoming::read(input) {
            Ok(incoming) => {
                let text = std::str::from_utf8(input).expect("a message that was taken is UTF-8");
                let object = serde_json::from_str::<BTreeMap<String, &RawValue>>(text);
                assert!(object.is_ok(), "what is no object was taken: {text}");
                assert!(is_message_type(&incoming.label.kind));
                assert!(incoming.params.is_none() || incoming.label.kind == FRAGMENT);
                assert!(incoming.token.as_deref() != Some(""));
                assert_eq!(incoming.label.id, sent(input, "id").filter(|id| id != "null"));
                (incoming.label, "taken")
            }
            Err(bad) => (bad.label, bad.words),
        };
        assert!(label.id.as_ref().is_none_or(|id| id.len() <= ID_BYTES + 2));
        let written = check_written(&Answer::refusal(400, words, true).write(&label, Duration::ZERO), &label);
        assert_eq!(written["finished"], "true");
        let said = part(&label, &Part { kind: None, body: Bytes::from_static(b"[1]") });
        assert_eq!(check_written(&said, &label)["finished"], "false");
    });
}

/// First line: a status, then a token or `-`. Second line: a client's message. The rest: a handler's body.
#[test]
fn every_answer_is_written_as_json_whatever_a_handler_said() {
    fuzz::run("answer", |input| {
        let mut parts = input.splitn(3, |byte| *byte == b'\n');
        let (first, message, body) = (parts.next(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let first = String::from_utf8_lossy(first.unwrap_or_default());
        let (status, token) = first.split_once(' ').unwrap_or((&first, "-"));
        let status = status.parse().unwrap_or(200);
        let label = Incoming::read(message).map_or_else(|bad| bad.label, |incoming| incoming.label);
        // Tokens are of our own making: base64 and dots.
        let is_token = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![header("content-type", JSON), header("x-request-id", "r-1")];
        headers.extend((is_token && token != "-").then(|| header("qewd-token", token)));
        let with_token = headers.len() > 2 && status < 400;
        let answer = Answer::of(Response { status, headers, body: Bytes::copy_from_slice(body) });
        let written = check_written(&answer.write(&label, Duration::ZERO), &label);
        assert_eq!(written["finished"], "true");
        assert_eq!(written.get("status").cloned(), (status >= 400).then(|| status.to_string()));
        let message = &written["message"];
        if status >= 400 {
            assert!(sent(message.as_bytes(), "error").is_some(), "an error that says none");
        }
        let inner = || sent(message.as_bytes(), "token");
        let told = written.get("token").cloned().or_else(inner);
        assert!(!with_token || told == Some(format!("\"{token}\"")), "the token was lost");
    });
}
