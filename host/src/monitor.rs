//! The monitor: what an operator sees of a running host, and what they may do about it.
//! In come questions of a page or a script, out go views as JSON; what changes something is asked for with the password.
//! It knows no HTTP.

pub mod documents;
mod gate;

pub use gate::{Gate, NewSession, Refusal, Session};
