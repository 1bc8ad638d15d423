//! The host's log: lines on standard output, where `docker logs` and a terminal show them.
//! In comes which lines are wanted; out goes the one subscriber that every part writes to.
//! Secrets, tokens, passwords and bodies are never given to it.

mod choice;
mod lines;
mod form;
mod json;
mod recent;
mod writer;

pub use choice::{By, Chosen, check, chosen, configure, show};
pub use form::FORM_VARIABLE;
pub use recent::{Line, recent};

use form::Form;
use lines::Lines;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use tracing::Metadata;
use tracing::field::Field;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use writer::Writer;

/// The environment variable that chooses lines: `warn`, or `info,qewd::handler=debug`.
pub const VARIABLE: &str = "QEWD_LOG";

/// The name of the event that each request is: its words tell most of its fields, which are there for programs.
pub const REQUEST: &str = "request";

/// A process has one standard output.
static WRITER: OnceLock<Arc<Writer>> = OnceLock::new();

/// The fields of a [`REQUEST`] that its words lack.
const NOT_IN_THE_WORDS: [&str; 3] = ["message", "request", "version"];

/// Starts the log. Called once, by `main`'s command.
///
/// # Errors
/// When an environment variable says something that is no choice of lines, or no form of them.
pub fn start() -> Result<(), String> {
    let filter = choice::begin(given(VARIABLE)?)?;
    let form = Form::chosen(given(FORM_VARIABLE)?.as_deref())?;
    let writer = Writer::start().map_err(|error| format!("the thread that writes the log: {error}"))?;
    let writer = WRITER.get_or_init(|| writer);
    tracing_subscriber::registry().with(filter).with(Lines { form, writer: Some(Arc::clone(writer)) }).init();
    Ok(())
}

/// What a variable of the environment says; an empty text says nothing.
fn given(variable: &str) -> Result<Option<String>, String> {
    let given = std::env::var_os(variable).filter(|given| !given.is_empty());
    given
        .map(std::ffi::OsString::into_string)
        .transpose()
        .map_err(|_| format!("{variable} is not UTF-8; mend it, or take it away"))
}

/// Lines that nobody has read, and that were dropped for that, since the start.
#[must_use]
pub fn dropped() -> u64 {
    WRITER.get().map_or(0, |writer| writer.dropped())
}

/// The program ends: waits until the last lines are written, for a moment at most.
pub fn finish() {
    if let Some(writer) = WRITER.get() {
        writer.finish();
    }
}

/// Whether people who read the words of an event know the field already.
fn is_told_by_the_words(event: &Metadata<'_>, field: &Field) -> bool {
    event.name() == REQUEST && !NOT_IN_THE_WORDS.contains(&field.name())
}

/// Bytes of one text in a line: what a handler or a client wrote may be longer, and is cut.
pub const LINE_BYTES: usize = 4 << 10;

/// A text that others wrote, cut to what one line takes of it.
#[must_use]
pub fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LINE_BYTES)).unwrap_or(text)
}

/// Whether a terminal or a viewer would obey this character instead of showing it: controls, line separators, and those that
/// turn the direction of writing.
fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\t')
}

/// A text that others wrote, as part of a line: cut, and its control characters shown. Obeyed, they would let a handler or
/// its client forge lines of the log and move a terminal's cursor.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.len() <= LINE_BYTES && !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut line = String::new();
    for c in text.chars() {
        if line.len() >= LINE_BYTES {
            break;
        }
        if is_obeyed(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(one_line("a\u{1b}[2Jb\tc\n"), "a\\u{1b}[2Jb\tc\\n");
        assert_eq!(one_line(&"x".repeat(2 * LINE_BYTES)).len(), LINE_BYTES);
    }
}
