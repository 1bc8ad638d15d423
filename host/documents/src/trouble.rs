//! Why an operation did not work.
//! In comes what went wrong, out go words, and what to do: begin again, mend the call, or try later.

use crate::engine::EngineFailure;

/// Why an operation did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Another transaction has changed what this one has read. It is over and wrote nothing: begin again.
    #[error("another transaction has changed what this one has read; begin it again")]
    Conflict,
    /// It can never be done; the words are for the author of the handler.
    #[error("{0}")]
    Refused(String),
    /// The engine cannot do it now.
    #[error(transparent)]
    Engine(#[from] EngineFailure),
}

impl Trouble {
    pub(crate) fn refused(words: impl Into<String>) -> Self {
        Self::Refused(words.into())
    }
}
