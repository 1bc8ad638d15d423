//! What a handler says to WebSocket clients beside its answer.
//! In come a type and a JSON value from wasm; out go an intermediate message to the caller of this request, or a push to the
//! audience.
//! It never says who heard a push, and never lets a handler speak in the host's own types.

use super::bindings::qewd::handler::messages;
use super::instance::State;
use crate::message::{Hearer, Part};
use crate::names::{MESSAGE_APPLICATION_RULE, is_control_type, is_message_application, is_message_type};
use bytes::Bytes;
use serde::de::IgnoredAny;

/// Bytes of a socket's id; ours have 32.
const ID_BYTES: usize = 64;
/// Pushes for one request: far above what one answer needs, and each may go to every host.
const PUSHES: usize = 1000;

impl messages::Host for State {
    async fn send(&mut self, kind: Option<String>, message: Vec<u8>) -> Result<bool, String> {
        self.check(kind.as_deref(), &message)?;
        let Some(parts) = self.asker.as_ref().and_then(|asker| asker.request.parts.clone()) else {
            return Ok(false);
        };
        self.settle().await.map_err(|failure| failure.words)?;
        // The caller may have gone; then this call is about to end, too.
        Ok(parts.send(Part { kind, body: message.into() }).await.is_ok())
    }

    async fn push(&mut self, to: messages::Hearer, kind: String, message: Vec<u8>) -> Result<(), String> {
        self.check(Some(&kind), &message)?;
        let Some(asker) = &mut self.asker else {
            return Err("Messages can be pushed only while a request is handled".to_owned());
        };
        asker.pushes += 1;
        if asker.pushes > PUSHES {
            return Err(format!("A handler may push {PUSHES} messages for one request"));
        }
        let to = match to {
            messages::Hearer::Client(id) if id.len() > ID_BYTES => return Err("No socket has so long an id".to_owned()),
            messages::Hearer::Client(id) => Hearer::Client(id),
            messages::Hearer::Application(name) if !is_message_application(&name) => {
                return Err(format!("No application has this name: {MESSAGE_APPLICATION_RULE}"));
            }
            messages::Hearer::Application(name) => Hearer::Application(name),
        };
        self.settle().await.map_err(|failure| failure.words)?;
        self.shared.audience.push(to, kind, Bytes::from(message));
        // A handler that pushes in a loop lets those who hear it read meanwhile.
        tokio::task::yield_now().await;
        Ok(())
    }
}

impl State {
    fn check(&self, kind: Option<&str>, message: &[u8]) -> Result<(), String> {
        if kind.is_some_and(|kind| !is_message_type(kind) || is_control_type(kind)) {
            let words =
                "A message's type has 1 to 128 characters, none of them a control character, and is none of the host's";
            return Err(words.to_owned());
        }
        let most = self.shared.response;
        if message.len() > most {
            let length = message.len();
            return Err(format!(
                "A message may have {most} bytes, and this one has {length}; raise limits.responseBytes"
            ));
        }
        // Passing a text over, the parser does not look whether it is UTF-8; a client would lose its connection by it.
        let text = std::str::from_utf8(message).map_err(|error| format!("A message is JSON in UTF-8: {error}"))?;
        serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|error| format!("A message is JSON: {error}"))
    }
}
