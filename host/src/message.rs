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
