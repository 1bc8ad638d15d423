//! A session, as plain data: the claims of the caller's token and which of them are secret.
//! `access` makes it from a verified token and writes it into the next one; a handler reads and changes it.
//! It never signs, encrypts or checks anything.

use bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The names of those claims that are secret from the start.
pub const SECRET_BY_DEFAULT: [&str; 3] = ["socketId", "ipAddress", "authenticated"];

/// The content of a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Every claim, the secret ones among them, in the order in which a token carries them.
    pub claims: Map<String, Value>,
    /// The names of the claims that travel encrypted.
    pub secret: Vec<String>,
}

impl Session {
    /// Whether a login handler has vouched for the caller.
    #[must_use]
    pub fn authenticated(&self) -> bool {
        self.claims.get("authenticated") == Some(&Value::Bool(true))
    }
}

/// A session as a handler gets it.
#[derive(Clone)]
pub struct Shown {
    /// Every claim, the secret ones among them: a JSON object.
    pub claims: Bytes,
    /// The names of the claims that travel encrypted.
    pub secret: Arc<[String]>,
}

impl Shown {
    /// This session.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        // A map of JSON values is always JSON.
        let claims = serde_json::to_vec(&session.claims).unwrap_or_default();
        Self { claims: claims.into(), secret: session.secret.as_slice().into() }
    }
}

impl std::fmt::Debug for Shown {
    /// No claims: they hold secrets, and this text may end in logs.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Shown")
    }
}
