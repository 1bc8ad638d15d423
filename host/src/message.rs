//! What handlers say to WebSocket clients beside the one answer, as plain data.
//! In come the words of a handler; out go an intermediate message to the client that waits, and a push to others.
//! It never travels by itself: links, the audience and the listener carry it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// The path at which clients connect by WebSocket.
pub const SOCKET_PATH: &str = "/ws";
/// The path to which clients post messages.
pub const AJAX_PATH: &str = "/ajax";

/// Intermediate messages that may wait between two stages of their way; a handler that says more waits, too.
pub const PARTS: usize = 32;

/// Where the intermediate messages of one request go.
pub type Parts = mpsc::Sender<Part>;

/// An intermediate message to the client that waits for a request's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its type; none: that of the client's own message.
    pub kind: Option<String>,
    /// A JSON value.
    pub body: Bytes,
}

/// A message to clients that did not ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Who it is for, and how it travels.
    pub head: PushHead,
    /// A JSON value.
    pub body: Bytes,
}

/// A push without its message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushHead {
    /// By this each host knows one that it had already: between hosts there may be several ways.
    pub id: String,
    /// Who is to hear it.
    pub to: Hearer,
    /// The message's type.
    pub kind: String,
    /// How many hosts have sent it on.
    pub hops: u8,
}

/// Who is to hear a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hearer {
    /// The client with this socket, which is the claim `socketId` of its token.
    Client(String),
    /// Every client that registered for this application.
    Application(String),
}

impl Push {
    /// The text that clients get: type and message, with neither `finished` nor an id.
    #[must_use]
    pub fn text(&self) -> Bytes {
        let mut text =
            format!("{{\"type\":{},\"message\":", serde_json::Value::from(self.head.kind.as_str())).into_bytes();
        text.extend_from_slice(&self.body);
        text.push(b'}');
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_a_type_and_a_message() {
        let head =
            PushHead { id: "1".to_owned(), to: Hearer::Client("2".to_owned()), kind: "a \"b\"".to_owned(), hops: 0 };
        let push = Push { head, body: Bytes::from_static(b"[1]") };
        assert_eq!(push.text(), r#"{"type":"a \"b\"","message":[1]}"#);
    }
}
