//! The numbers of a host for Prometheus.
//! In come numbers that others keep; out goes the text in which Prometheus reads them, version 0.0.4 of its format.
//! It counts nothing itself, has no label of which there may be ever more, and no secret can be in it.

mod family;
mod requests;
mod handlers;
mod hosts;
mod documents;
mod program;

use crate::health::Health;
use crate::presence::Presence;
use family::Families;

/// The media type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All numbers as they are now.
///
/// # Errors
/// Words, if they cannot be written as text.
pub fn text(health: &Health, presence: &Presence) -> Result<String, String> {
    let mut families = Families::default();
    program::add(&mut families, health);
    requests::add(&mut families, health);
    handlers::add(&mut families, health);
    hosts::add(&mut families, health, presence);
    documents::add(&mut families, health);
    families.to_text()
}
