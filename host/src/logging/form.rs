//! How a line of the log is written: as words for people, or as one flat JSON object for programs.
//! In come the parts of an event, one after the other; out goes its line, in the one form that the host was started with.
//! It decides nothing about which lines there are.

use super::{is_obeyed, json};
use std::cell::RefCell;
use std::fmt::{Display, Write as _};
use std::io::IsTerminal as _;
use std::time::Duration;
use tracing::Level;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

/// The environment variable that chooses the form.
pub const FORM_VARIABLE: &str = "QEWD_LOG_FORMAT";

/// Terminals show what stands between these dimmed, slanted, or as usual.
const DIMMED: &str = "\u{1b}[2m";
const SLANTED: &str = "\u{1b}[3m";
const PLAIN: &str = "\u{1b}[0m";

/// Characters of a time up to its seconds: `2026-01-02T03:04:05`.
const UP_TO_SECONDS: usize = 19;

thread_local! {
    /// The last second, since 1970 and as text.
    static SECOND: RefCell<(u64, String)> = RefCell::default();
}

/// The form of every line.
pub(super) enum Form {
    Text {
        /// Whether a terminal shows it.
        colours: bool,
    },
    Json,
}

impl Form {
    /// Without a word about it, people read what comes to a terminal, and programs all else.
    pub(super) fn chosen(wanted: Option<&str>) -> Result<Self, String> {
        let colours = std::io::stdout().is_terminal();
        match wanted {
            Some("text") => Ok(Self::Text { colours }),
            None if colours => Ok(Self::Text { colours }),
            None | Some("json") => Ok(Self::Json),
            Some(other) => Err(format!(
                "{FORM_VARIABLE}={other:?} is not understood; use text or json, or leave it out: then it is text on a terminal and JSON everywhere else"
            )),
        }
    }

    pub(super) fn begin(&self, line: &mut String, level: Level) {
        match self {
            Self::Text { colours: true } => {
                line.push_str(DIMMED);
                time(line);
                // Writing into memory never fails.
                let _ = write!(line, "{PLAIN} {}{level:>5}{PLAIN} ", colour(level));
            }
            Self::Text { colours: false } => {
                time(line);
                let _ = write!(line, " {level:>5} ");
            }
            Self::Json => {
                line.push_str("{\"timestamp\":\"");
                time(line);
                line.push_str("\",\"level\":\"");
                line.push_str(level.as_str());
                line.push('"');
            }
        }
    }

    pub(super) fn end(&self, line: &mut String) {
        line.push_str(match self {
            Self::Text { .. } => "\n",
            Self::Json => "}\n",
        });
    }

    /// The words of the event.
    pub(super) fn words(&self, line: &mut String, words: &str) {
        match self {
            Self::Text { .. } => shown(line, words),
            Self::Json => json::text(line, "message", words),
        }
    }

    /// A number or a truth value. `is_told`: by the words, for people.
    pub(super) fn plain(&self, line: &mut String, name: &str, is_told: bool, value: &dyn Display) {
        match self {
            Self::Text { colours } if !is_told => {
                named(line, name, *colours);
                let _ = write!(line, "{value}");
            }
            Self::Text { .. } => {}
            Self::Json => json::plain(line, name, value),
        }
    }

    /// A text.
    pub(super) fn text(&self, line: &mut String, name: &str, is_told: bool, value: &str) {
        match self {
            Self::Text { colours } if !is_told => {
                named(line, name, *colours);
                let _ = write!(line, "{value:?}");
            }
            Self::Text { .. } => {}
            Self::Json => json::text(line, name, value),
        }
    }

    /// A text that is shown without quotes.
    pub(super) fn text_as_shown(&self, line: &mut String, name: &str, is_told: bool, value: &str) {
        match self {
            Self::Text { colours } if !is_told => {
                named(line, name, *colours);
                shown(line, value);
            }
            Self::Text { .. } => {}
            Self::Json => json::text(line, name, value),
        }
    }
}

/// The time, to the microsecond: all but its last part stays the same for a second.
fn time(line: &mut String) {
    let now = since_1970();
    SECOND.with_borrow_mut(|known| {
        if known.0 != now.as_secs() || known.1.is_empty() {
            known.1.clear();
            // It fails where the clock stands before 1970.
            let _ = SystemTime.format_time(&mut Writer::new(&mut known.1));
            known.1.truncate(UP_TO_SECONDS);
            // Where the next second has begun meanwhile, it is looked at again with the next line.
            known.0 = if since_1970().as_secs() == now.as_secs() { now.as_secs() } else { 0 };
        }
        line.push_str(&known.1);
    });
    line.push('.');
    for divisor in [100_000, 10_000, 1000, 100, 10, 1] {
        let digit = now.subsec_micros() / divisor % 10;
        line.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
    line.push('Z');
}

fn since_1970() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

fn named(line: &mut String, name: &str, colours: bool) {
    let (slanted, dimmed, plain) = if colours { (SLANTED, DIMMED, PLAIN) } else { ("", "", "") };
    let _ = write!(line, " {slanted}{name}{plain}{dimmed}={plain}");
}

/// What a terminal would obey is shown.
fn shown(line: &mut String, text: &str) {
    if text.chars().any(|c| is_obeyed(c) && c != '\n') {
        line.extend(text.chars().flat_map(|c| {
            let (escaped, plain) = if is_obeyed(c) { (Some(c.escape_default()), None) } else { (None, Some(c)) };
            escaped.into_iter().flatten().chain(plain)
        }));
    } else {
        line.push_str(text);
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::lines::Scratch;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    struct Kept(Form, Arc<Mutex<String>>);

    impl<S: tracing::Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let mut scratch = Scratch::default();
            scratch.make(&self.0, event);
            self.1.lock().unwrap().push_str(&scratch.line);
        }
    }

    fn written(form: Form, events: impl FnOnce()) -> String {
        let kept = Arc::<Mutex<String>>::default();
        let layer = Kept(form, Arc::clone(&kept));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), events);
        kept.lock().unwrap().clone()
    }

    fn a_request() {
        let route: Option<&str> = None;
        tracing::info!(name: crate::logging::REQUEST, request = "r1", status = 200_u16, route, milliseconds = 1.5, "GET \"/\"");
        tracing::warn!(status = 3, service = %"s\u{1b}", "other \u{1b}[2J \"words\"");
    }

    #[test]
    fn text_has_the_fields_that_the_words_lack() {
        let text = written(Form::Text { colours: false }, a_request);
        let lines: Vec<&str> = text.lines().map(|line| line.split_once("Z ").unwrap().1).collect();
        assert_eq!(lines[0], " INFO GET \"/\" request=\"r1\"");
        assert_eq!(lines[1], " WARN other \\u{1b}[2J \"words\" status=3 service=s\\u{1b}");
        assert!(written(Form::Text { colours: true }, a_request).contains(" INFO\u{1b}[0m GET"));
    }

    #[test]
    fn json_is_one_flat_object_in_each_line() {
        let text = written(Form::Json, a_request);
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        let mut first = lines[0].as_object().unwrap().clone();
        let time = first.remove("timestamp").unwrap();
        assert!(time.as_str().unwrap().ends_with('Z') && time.as_str().unwrap().contains('T'), "{time}");
        let whole = serde_json::json!(
            {"level": "INFO", "message": "GET \"/\"", "request": "r1", "status": 200, "milliseconds": 1.5}
        );
        assert_eq!(serde_json::Value::Object(first), whole);
        assert_eq!(lines[1]["message"], "other \u{1b}[2J \"words\"");
        let hard = "\u{0}\u{1f}\"\\\n\r\t\u{7f}\u{e9}\u{2028}\u{1f600}";
        let text = written(Form::Json, || {
            tracing::error!(text = hard, shown = ?hard, is = true, less = -3, odd = f64::NAN, whole = 2.0, "{hard}");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((text.lines().count(), &line["text"], &line["message"]), (1, &hard.into(), &hard.into()));
        assert_eq!(line["shown"], format!("{hard:?}"));
        assert_eq!((&line["is"], &line["less"], &line["odd"]), (&true.into(), &(-3).into(), &serde_json::Value::Null));
        assert_eq!(line["whole"].as_f64(), Some(2.0));
    }

    #[test]
    fn other_forms_are_refused() {
        for good in ["text", "json"] {
            assert!(Form::chosen(Some(good)).is_ok());
        }
        for bad in ["JSON", "xml", "", "text "] {
            assert!(Form::chosen(Some(bad)).is_err_and(|words| words.contains("use text or json")), "{bad}");
        }
    }
}
