//! What a handler can ask of its host.
//! In a module the host answers; natively, in tests, the stand-in does.
//! Nothing else may call the generated imports.

use crate::bindings::qewd::handler::{log, messages, services};

#[cfg(target_arch = "wasm32")]
mod host {
    pub(super) use crate::bindings::qewd::handler::messages::{push, send};
    pub(super) use crate::bindings::qewd::handler::{log::write, services::ask, settings::get};
}
#[cfg(not(target_arch = "wasm32"))]
use crate::stand_in as host;

// These have the same names and types on both sides, and one file that calls each of them.
#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::qewd::handler::documents;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::stand_in::documents;

pub(crate) fn write_log(level: log::Level, message: &str, fields: &[log::Pair]) {
    host::write(level, message, fields);
}

pub(crate) fn ask(question: &services::Question) -> services::Answer {
    host::ask(question)
}

pub(crate) fn setting(name: &str) -> Option<Vec<u8>> {
    host::get(name)
}

pub(crate) fn send(kind: Option<&str>, message: &[u8]) -> Result<bool, String> {
    host::send(kind, message)
}

pub(crate) fn push(to: &messages::Hearer, kind: &str, message: &[u8]) -> Result<(), String> {
    host::push(to, kind, message)
}
