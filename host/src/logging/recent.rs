//! The latest lines of the log, for the monitor.
//! In come the lines as they are written; out go those that came after the last one that somebody saw.
//! It keeps what the log shows and nothing else, and a bounded number of lines.

use super::is_told_by_the_words;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Lines that are kept, 1000: those of the requests that the monitor keeps, with what their handlers say.
const KEPT: usize = 1000;

/// A process has one log, and so have its latest lines one place.
static RECENT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Kept {
    last: u64,
    /// The oldest first. A new line takes the memory of the oldest: each request writes one, so nothing is asked of the
    /// allocator for it.
    lines: VecDeque<Line>,
}

thread_local! {
    /// Where a thread puts a line together before it takes the lock.
    static WORDS: RefCell<Words> = RefCell::default();
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in this process; the first has 1.
    pub number: u64,
    /// When it was written.
    pub time: SystemTime,
    /// How loud it is: `error`, `warn`, `info`, `debug` or `trace`.
    pub level: &'static str,
    /// The id of the request to which it belongs.
    pub request: Option<Arc<str>>,
    /// Its words.
    pub text: String,
}

/// The lines that came after the one with this number, the oldest first, and the number of the newest. A number that is not yet
/// given is from before a start of the host: then all are new.
#[must_use]
pub fn recent(after: u64) -> (Vec<Line>, u64) {
    let kept = lock();
    let seen = if after > kept.last { 0 } else { after };
    let begin = kept.lines.partition_point(|line| line.number <= seen);
    (kept.lines.range(begin..).cloned().collect(), kept.last)
}

fn lock() -> MutexGuard<'static, Kept> {
    // Nothing below the lock can leave the list half changed.
    RECENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What hears each line.
pub(super) struct Recent;

impl<S: Subscriber> Layer<S> for Recent {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        WORDS.with(|words| {
            // A line that is written while another one is put together would be one of this file.
            if let Ok(mut words) = words.try_borrow_mut() {
                words.clear();
                event.record(&mut Shown { words: &mut words, event });
                keep(level(*event.metadata().level()), &words);
            }
        });
    }
}

fn keep(level: &'static str, words: &Words) {
    let time = SystemTime::now();
    let mut kept = lock();
    kept.last += 1;
    let oldest = if kept.lines.len() >= KEPT { kept.lines.pop_front() } else { None };
    let mut line = oldest.unwrap_or_else(|| Line { number: 0, time, level, request: None, text: String::new() });
    (line.number, line.time, line.level) = (kept.last, time, level);
    line.request.clone_from(&words.request);
    line.text.clear();
    line.text.push_str(&words.text);
    line.text.push_str(&words.rest);
    kept.lines.push_back(line);
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// The parts of a line.
#[derive(Default)]
struct Words {
    request: Option<Arc<str>>,
    text: String,
    /// What follows the text: the other fields, as the log shows them.
    rest: String,
}

impl Words {
    fn clear(&mut self) {
        self.request = None;
        self.text.clear();
        self.rest.clear();
    }
}

/// An event on its way into words.
struct Shown<'w, 'e> {
    words: &'w mut Words,
    event: &'e Event<'e>,
}

impl Visit for Shown<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "request" {
            self.words.request = Some(value.into());
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into memory never fails.
        let _ = match field.name() {
            "message" => write!(self.words.text, "{value:?}"),
            _ if is_told_by_the_words(self.event.metadata(), field) => Ok(()),
            name => write!(self.words.rest, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[test]
    fn lines_are_kept_with_their_request() {
        let mark = crate::names::random_id();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Recent), || {
            tracing::warn!(request = "abc", service = %"other", "{mark} was slow");
            tracing::info!(count = 3, "{mark}");
        });
        let lines: Vec<Line> = recent(0).0.into_iter().filter(|line| line.text.starts_with(&mark)).collect();
        let [one, other] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((one.level, one.request.as_deref()), ("warn", Some("abc")));
        assert_eq!(one.text, format!("{mark} was slow service=other"));
        assert_eq!((other.level, &other.request, &other.text), ("info", &None, &format!("{mark} count=3")));
        assert!(other.number > one.number && recent(other.number).0.iter().all(|line| line.number > other.number));
    }
}
