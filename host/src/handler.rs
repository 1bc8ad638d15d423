//! A loaded component: what it offers, a live instance of it, and one call within its limits.
//! In come a module's file and a call with the caller's session; out goes what the handler returned, or how it failed.
//! It never queues, never routes, and knows of no other module; only files below this one name wasmtime.

mod cache;
mod ticker;
mod engine;
mod module;
mod linking;
mod catalog;
mod exports;
mod instance;
mod limits;
mod output;
mod bindings;
mod imports;
mod messages;
mod documents;

pub use catalog::{Borrowed, Catalog, Clash};
pub use documents::words_of;
pub use engine::{Engine, EngineSettings};
pub use imports::{Upward, UpwardRequest};
pub use instance::{Instance, OF_THE_REQUEST, Shared};
pub use limits::MemoryGauge;
pub use module::{Compiled, LoadFailure, Module, ModulePlace, Offer};

use crate::names::HandlerName;
use crate::request::Request;
use crate::response::Response;
use crate::session::{Session, Shown};
use crate::trace::Trace;
use qewd_documents::EngineFailure;
use std::sync::Arc;

/// One request, and what was decided about it.
#[derive(Debug, Clone)]
pub struct Call<'c> {
    /// The request as it came.
    pub request: Arc<Request>,
    /// Its trace, and in it the handler's span.
    pub trace: Trace,
    /// Which handler answers.
    pub handler: HandlerName,
    /// The host's application: its name.
    pub application: Arc<str>,
    /// The route's `uri`.
    pub route: Arc<str>,
    /// The path variables, percent-decoded.
    pub variables: &'c [(String, String)],
    /// The caller's session.
    pub session: &'c Shown,
}

/// What a handler returned.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The reply.
    pub response: Response,
    /// The session, where the handler changed it.
    pub session: Option<Session>,
}

/// How a call failed. All but [`CallFailure::Refused`] end the instance.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    /// The handler said no, in its own words.
    #[error("the handler refused: {message}")]
    Refused {
        /// 400 to 599.
        status: u16,
        /// For the caller.
        message: String,
        /// A JSON value in place of `{"error": message}`.
        body: Option<Vec<u8>>,
    },
    /// The code stopped where it cannot go on: a panic, an overflowing stack, an impossible instruction.
    #[error("the handler stopped: {0}")]
    Trap(String),
    /// It asked for more memory than it may use, and stopped.
    #[error(
        "the handler asked for {wanted} bytes of memory and may use {allowed}; raise limits.memoryBytes or mend the handler"
    )]
    Memory {
        /// What it asked for in all.
        wanted: usize,
        /// What it may use in all.
        allowed: usize,
    },
    /// It asked for a larger table than it may have, and stopped.
    #[error("the handler asked for a table of {wanted} elements and may use {allowed}; mend the handler")]
    Table {
        /// How many elements it asked for.
        wanted: usize,
        /// How many it may have.
        allowed: usize,
    },
    /// It took more of the host's resources than it may hold.
    #[error("the handler holds more than {allowed} resources of the host; mend it to drop what it no longer needs")]
    Resources {
        /// How many it may hold.
        allowed: usize,
    },
    /// The request's time was over before the handler returned.
    #[error("the handler did not return in time; raise {0} or mend the handler")]
    Deadline(&'static str),
    /// What it has written is not on the disk.
    #[error("what it has written is not on the disk: {0}")]
    NotKept(EngineFailure),
    /// It returned something that cannot be a response.
    #[error("the handler returned {0}")]
    BadResponse(String),
    /// No instance could be made.
    #[error("no instance of the module could be made: {0}")]
    Instantiate(String),
}
