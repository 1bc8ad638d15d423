//! Words to WebSocket clients beside the one answer.
//! In come a type and any value that serde can write; out go an intermediate message to the client that waits, or a push to
//! others.
//! A push is never confirmed: a client that is not connected misses it.
//!
//! ```
//! use qewd_sdk::{Failure, Request, messages};
//! use serde_json::{Value, json};
//!
//! fn report(request: &mut Request) -> Result<Value, Failure> {
//!     for part in 1..=3 {
//!         messages::send(&json!({"part": part}))?;
//!     }
//!     messages::push_to_application("shop", "news", &json!({"report": request.id()}))?;
//!     Ok(json!({"parts": 3}))
//! }
//! ```

use crate::bindings::qewd::handler::messages::Hearer;
use crate::{Failure, imports};
use serde::Serialize;

/// Sends an intermediate message, of the type of the client's own message, to the client that waits for this answer. It
/// waits for a client that is slow to read. Returns false where nobody waits for such a message, as with a REST request.
///
/// # Errors
/// Status 500 if the value cannot be written as JSON, or is too large.
pub fn send<T: Serialize + ?Sized>(message: &T) -> Result<bool, Failure> {
    imports::send(None, &json(message)?).map_err(refused)
}

/// Sends an intermediate message of another type; see [`send`].
///
/// # Errors
/// As [`send`], and if the type belongs to the host: `error`, `restRequest`, or one that begins with `ewd-` or `qoper8-`.
pub fn send_as<T: Serialize + ?Sized>(kind: &str, message: &T) -> Result<bool, Failure> {
    imports::send(Some(kind), &json(message)?).map_err(refused)
}

/// Sends a message to one client, wherever it is connected. `socket_id` is the value of `socketId` in its session.
///
/// # Errors
/// As [`send_as`], and after a thousand pushes for one request.
pub fn push_to_client<T: Serialize + ?Sized>(socket_id: &str, kind: &str, message: &T) -> Result<(), Failure> {
    imports::push(&Hearer::Client(socket_id.to_owned()), kind, &json(message)?).map_err(refused)
}

/// Sends a message to every client that registered for this application, wherever it is connected.
///
/// # Errors
/// As [`push_to_client`].
pub fn push_to_application<T: Serialize + ?Sized>(application: &str, kind: &str, message: &T) -> Result<(), Failure> {
    imports::push(&Hearer::Application(application.to_owned()), kind, &json(message)?).map_err(refused)
}

fn json<T: Serialize + ?Sized>(message: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(message).map_err(|error| Failure::from(error).status(500))
}

fn refused(words: String) -> Failure {
    Failure::new(words).status(500)
}
