//! How a line of the log is written: as words for people, or as one flat JSON object for programs.
//! In comes each event; out goes its line, in the one form that the host was started with.
//! It decides nothing about which lines there are.

use super::is_told_by_the_words;
use std::fmt;
use std::io::IsTerminal as _;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::VisitOutput as _;
use tracing_subscriber::fmt::format::{DefaultVisitor, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The environment variable that chooses the form.
pub const FORM_VARIABLE: &str = "QEWD_LOG_FORMAT";

/// Terminals show what stands between these two dimmed.
const DIMMED: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// The form of every line.
pub(super) enum Form {
    Text,
    Json,
}

impl Form {
    /// Without a word about it, people read what comes to a terminal, and programs all else.
    pub(super) fn chosen(wanted: Option<&str>) -> Result<Self, String> {
        match wanted {
            Some("text") => Ok(Self::Text),
            None if std::io::stdout().is_terminal() => Ok(Self::Text),
            None | Some("json") => Ok(Self::Json),
            Some(other) => Err(format!(
                "{FORM_VARIABLE}={other:?} is not understood; use text or json, or leave it out: then it is text on a terminal and JSON everywhere else"
            )),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Form
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        match self {
            Self::Text => text(writer, event),
            Self::Json => super::json::write(writer, event),
        }
    }
}

fn text(mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
    let level = *event.metadata().level();
    if writer.has_ansi_escapes() {
        writer.write_str(DIMMED)?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, "{PLAIN} {}{level:>5}{PLAIN} ", colour(level))?;
    } else {
        SystemTime.format_time(&mut writer)?;
        write!(writer, " {level:>5} ")?;
    }
    let mut fields = Shown { fields: DefaultVisitor::new(writer.by_ref(), true), event };
    event.record(&mut fields);
    fields.fields.finish()?;
    writeln!(writer)
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

/// The fields of an event without those that its words tell already.
struct Shown<'w, 'e> {
    fields: DefaultVisitor<'w>,
    event: &'e Event<'e>,
}

impl Visit for Shown<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if !is_told_by_the_words(self.event.metadata(), field) {
            self.fields.record_str(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !is_told_by_the_words(self.event.metadata(), field) {
            self.fields.record_debug(field, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt as _;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(form: Form, ansi: bool, events: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer().with_ansi(ansi).event_format(form);
        let layer = layer.with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), events);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn a_request() {
        let route: Option<&str> = None;
        tracing::info!(name: crate::logging::REQUEST, request = "r1", status = 200_u16, route, milliseconds = 1.5, "GET \"/\"");
        tracing::warn!(status = 3, service = %"s\u{1b}", "other \u{1b}[2J \"words\"");
    }

    #[test]
    fn text_has_the_fields_that_the_words_lack() {
        let text = written(Form::Text, false, a_request);
        let lines: Vec<&str> = text.lines().map(|line| line.split_once("Z ").unwrap().1).collect();
        assert_eq!(lines[0], " INFO GET \"/\" request=\"r1\"");
        assert!(lines[1].starts_with(" WARN other ") && lines[1].contains(" status=3 service=s"), "{text}");
        assert!(!lines[1].split(" service").next().unwrap().contains('\u{1b}'), "{text}");
        assert!(written(Form::Text, true, a_request).contains(" INFO\u{1b}[0m GET"));
    }

    #[test]
    fn json_is_one_flat_object_in_each_line() {
        let text = written(Form::Json, false, a_request);
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
        let text = written(Form::Json, false, || {
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
