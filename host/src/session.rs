//! A session, as plain data: the claims of the caller's token and which of them are secret.
//! `access` makes it from a verified token and writes it into the next one; a handler reads and changes it.
//! It never signs, encrypts or checks anything.

use serde_json::{Map, Value};

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
