//! What hears each event, and makes its line once.
//! In comes an event; out goes its line to standard output, and its words to the latest lines that the monitor shows.
//! It decides neither which lines there are nor how they look.

use super::form::Form;
use super::recent;
use super::writer::Writer;
use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

thread_local! {
    /// Where a thread puts a line together: each request writes one, so nothing is asked of the allocator for it.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A line in the making.
#[derive(Default)]
pub(super) struct Scratch {
    /// The line as it is written.
    pub(super) line: String,
    /// The words of the event.
    pub(super) words: String,
    /// A value on its way into the line.
    value: String,
    /// The request to which the line belongs; empty: to none.
    request: String,
    /// The other fields, as the monitor shows them.
    rest: String,
}

/// Hears each event.
pub(super) struct Lines {
    pub(super) form: Form,
    /// None: nobody reads standard output.
    pub(super) writer: Option<Arc<Writer>>,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        SCRATCH.with(|scratch| {
            // An event that comes while another line is put together would be one of this file.
            let Ok(mut scratch) = scratch.try_borrow_mut() else { return };
            scratch.make(&self.form, event);
            if let Some(writer) = &self.writer {
                writer.take(scratch.line.as_bytes());
            }
            let Scratch { words, rest, request, .. } = &*scratch;
            recent::keep(*event.metadata().level(), request, words, rest);
        });
    }
}

impl Scratch {
    pub(super) fn make(&mut self, form: &Form, event: &Event<'_>) {
        for text in [&mut self.line, &mut self.words, &mut self.rest, &mut self.request] {
            text.clear();
        }
        form.begin(&mut self.line, *event.metadata().level());
        event.record(&mut Recorded { scratch: self, form, event });
        form.end(&mut self.line);
    }
}

/// An event on its way into a line.
struct Recorded<'r, 'e> {
    scratch: &'r mut Scratch,
    form: &'r Form,
    event: &'e Event<'e>,
}

impl Recorded<'_, '_> {
    /// A number or a truth value.
    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        let is_told = super::is_told_by_the_words(self.event.metadata(), field);
        self.form.plain(&mut self.scratch.line, field.name(), is_told, &value);
        self.show(field, is_told, format_args!("{value}"));
    }

    /// The monitor shows what the words lack.
    fn show(&mut self, field: &Field, is_told: bool, value: fmt::Arguments<'_>) {
        if !is_told {
            // Writing into memory never fails.
            let _ = write!(self.scratch.rest, " {}={value}", field.name());
        }
    }
}

impl Visit for Recorded<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for what is no number.
        if value.is_finite() { self.plain(field, value) } else { self.plain(field, "null") }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let is_told = super::is_told_by_the_words(self.event.metadata(), field);
        self.form.text(&mut self.scratch.line, field.name(), is_told, value);
        if field.name() == "request" {
            self.scratch.request.push_str(value);
        } else {
            self.show(field, is_told, format_args!("{value:?}"));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let Scratch { line, words, value: text, .. } = &mut *self.scratch;
        if field.name() == "message" {
            let _ = write!(words, "{value:?}");
            self.form.words(line, words);
            return;
        }
        text.clear();
        let _ = write!(text, "{value:?}");
        let is_told = super::is_told_by_the_words(self.event.metadata(), field);
        self.form.text_as_shown(line, field.name(), is_told, text);
        self.show(field, is_told, format_args!("{value:?}"));
    }
}
