//! The latest lines of the log, for the monitor.
//! In come the lines as they are written; out go those that came after the last one that somebody saw.
//! It keeps what the log shows and nothing else, and a bounded number of lines.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tracing::Level;

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

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in this process; the first has 1.
    pub number: u64,
    /// When it was written.
    pub time: SystemTime,
    /// How loud it is: `error`, `warn`, `info`, `debug` or `trace`.
    pub level: &'static str,
    /// The id of the request to which it belongs; empty: to none.
    pub request: String,
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

/// Keeps a line: its words, and `rest`, the fields that they lack. `request`: empty if it belongs to none.
pub(super) fn keep(loudness: Level, request: &str, words: &str, rest: &str) {
    let (time, level) = (SystemTime::now(), level(loudness));
    let mut kept = lock();
    kept.last += 1;
    let oldest = if kept.lines.len() >= KEPT { kept.lines.pop_front() } else { None };
    let mut line =
        oldest.unwrap_or_else(|| Line { number: 0, time, level, request: String::new(), text: String::new() });
    (line.number, line.time, line.level) = (kept.last, time, level);
    for text in [&mut line.request, &mut line.text] {
        text.clear();
    }
    line.request.push_str(request);
    line.text.push_str(words);
    line.text.push_str(rest);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::form::Form;
    use crate::logging::lines::Lines;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[test]
    fn lines_are_kept_with_their_request() {
        let mark = crate::names::random_id();
        tracing::subscriber::with_default(
            tracing_subscriber::registry().with(Lines { form: Form::Json, writer: None }),
            || {
                tracing::warn!(request = "abc", service = %"other", "{mark} was slow");
                tracing::info!(count = 3, "{mark}");
            },
        );
        let lines: Vec<Line> = recent(0).0.into_iter().filter(|line| line.text.starts_with(&mark)).collect();
        let [one, other] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((one.level, one.request.as_str()), ("warn", "abc"));
        assert_eq!(one.text, format!("{mark} was slow service=other"));
        assert_eq!((other.level, other.request.as_str(), &other.text), ("info", "", &format!("{mark} count=3")));
        assert!(other.number > one.number && recent(other.number).0.iter().all(|line| line.number > other.number));
    }
}
