//! Which lines the log has, now and from now on.
//! In come the wishes of the environment, of config.json and of an operator; out goes the filter that is in force.
//! Of several wishes the operator's goes first, and then the environment's; each change is told in the log itself.

use super::VARIABLE;
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing_subscriber::{EnvFilter, Registry, reload};

/// What nobody wishes otherwise.
const USUAL: &str = "info";
/// How loud lines are, the quietest choice first.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// How the names of all parts begin.
const PROGRAM: &str = "qewd";
/// What the log says of itself is shown whatever else is.
const ITSELF: &str = concat!(module_path!(), "=info");

/// A process has one log, and so this has one place.
static CHOICE: OnceLock<Choice> = OnceLock::new();

struct Choice {
    filter: reload::Handle<EnvFilter, Registry>,
    wishes: Mutex<Wishes>,
}

#[derive(Clone, Default)]
struct Wishes {
    environment: Option<String>,
    configuration: Option<String>,
    operator: Option<String>,
}

/// Who chose the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Nobody.
    Default,
    /// config.json.
    Configuration,
    /// The environment.
    Environment,
    /// An operator, by the monitor.
    Operator,
}

impl By {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Configuration => "config.json",
            Self::Environment => VARIABLE,
            Self::Operator => "monitor",
        }
    }
}

impl By {
    /// In the words of a line of the log.
    fn as_the_log_says(self) -> &'static str {
        if self == Self::Operator { "the monitor" } else { self.as_str() }
    }
}

/// What is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Which lines.
    pub lines: String,
    /// Who chose them.
    pub by: By,
    /// Which lines there are without the operator's wish.
    pub otherwise: String,
}

impl Wishes {
    fn without_operator(&self) -> (&str, By) {
        let environment = self.environment.as_deref().map(|lines| (lines, By::Environment));
        let configuration = self.configuration.as_deref().map(|lines| (lines, By::Configuration));
        environment.or(configuration).unwrap_or((USUAL, By::Default))
    }

    fn chosen(&self) -> Chosen {
        let otherwise = self.without_operator();
        let (lines, by) = self.operator.as_deref().map_or(otherwise, |lines| (lines, By::Operator));
        Chosen { lines: lines.to_owned(), by, otherwise: otherwise.0.to_owned() }
    }
}

/// The first filter, by what the environment wishes.
pub(super) fn begin(environment: Option<String>) -> Result<reload::Layer<EnvFilter, Registry>, String> {
    let wishes = Wishes { environment, ..Wishes::default() };
    let first = filter(&wishes.chosen().lines).map_err(|words| format!("{VARIABLE}={words}"))?;
    let (layer, filter) = reload::Layer::new(first);
    let wishes = Mutex::new(wishes);
    // A second log of a process would be one of its tests.
    let _ = CHOICE.set(Choice { filter, wishes });
    Ok(layer)
}

/// Whether these words choose lines.
///
/// # Errors
/// What to use in their place.
pub fn check(lines: &str) -> Result<(), String> {
    filter(lines).map(|_| ())
}

/// Takes up what config.json wishes, which was checked.
pub fn configure(lines: Option<&str>) {
    change(|wishes| {
        let is_new = wishes.configuration.as_deref() != lines;
        wishes.configuration = lines.map(str::to_owned);
        let now = wishes.chosen();
        let unheard = lines.filter(|lines| is_new && now.by != By::Configuration && now.lines != **lines);
        if let Some(lines) = unheard {
            tracing::info!(
                "the log shows {}, as {} says; \"log\": {lines:?} of config.json is not looked at",
                now.lines,
                now.by.as_the_log_says()
            );
        }
    });
}

/// Takes up what an operator wishes; nothing: no more wish.
///
/// # Errors
/// When the words choose no lines.
pub fn show(lines: Option<String>) -> Result<Chosen, String> {
    if let Some(lines) = &lines {
        check(lines)?;
    }
    change(|wishes| wishes.operator = lines);
    Ok(chosen())
}

/// What is in force.
#[must_use]
pub fn chosen() -> Chosen {
    CHOICE.get().map_or_else(|| Wishes::default().chosen(), |choice| lock(choice).chosen())
}

fn lock(choice: &Choice) -> std::sync::MutexGuard<'_, Wishes> {
    choice.wishes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn change(wish: impl FnOnce(&mut Wishes)) {
    let Some(choice) = CHOICE.get() else { return };
    let mut wishes = lock(choice);
    let before = wishes.chosen();
    wish(&mut wishes);
    let now = wishes.chosen();
    if now.lines != before.lines
        && let Ok(filter) = filter(&now.lines)
        // It fails only when there is no log any more.
        && choice.filter.reload(filter).is_ok()
    {
        let until = match now.by {
            By::Operator => "until the monitor takes it back or the host ends",
            By::Configuration => "as config.json says",
            By::Environment => "as the environment says",
            By::Default => "as nothing else is said",
        };
        tracing::info!("the log shows {} from now on, {until}; before it was {}", now.lines, before.lines);
    }
}

/// A single word is a level: taken for the name of a part, as the library does, a typing error would silence the log. What the
/// library understands beside that (numbers, spans, parts of other programs) says nothing about this one, and would be silent as well.
fn filter(wanted: &str) -> Result<EnvFilter, String> {
    let words = || {
        format!(
            "{wanted:?} is not understood; use error, warn, info, debug or trace, or also parts: info,qewd::handler=debug"
        )
    };
    let is_understood = |piece: &&str| match piece.split_once('=') {
        None => is_level(piece),
        Some((part, level)) => is_part(part) && is_level(level),
    };
    let pieces: Vec<&str> = wanted.split(',').map(str::trim).collect();
    if wanted.len() > super::LINE_BYTES || !pieces.iter().all(is_understood) {
        return Err(words());
    }
    let filter = EnvFilter::try_new(pieces.join(",")).map_err(|_| words())?;
    Ok(filter.add_directive(ITSELF.parse().map_err(|_| words())?))
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level))
}

/// A part of this program: `qewd`, or a module of it.
fn is_part(name: &str) -> bool {
    let rest = name.strip_prefix(PROGRAM);
    let is_path = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
    rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with("::") && is_path(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        for good in ["info", "warn", "info,qewd::handler=debug", "off", "WARN, qewd=off,qewd::link::dial=trace"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "verbose",
            "info,handler",
            "qewd=loud",
            "",
            &"info,".repeat(2000),
            "3",
            "qewd=3",
            "hyper=trace",
            "info,[span]=debug",
            "info,qewd::handler[{request}]=debug",
            "=info",
            "qewdx=info",
            "qewd:handler=info,",
            "info,,warn",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_operator_goes_first_and_then_the_environment() {
        let mut wishes = Wishes::default();
        let now = |wishes: &Wishes| (wishes.chosen().lines, wishes.chosen().by, wishes.chosen().otherwise);
        let is = |lines: &str, by, otherwise: &str| (lines.to_owned(), by, otherwise.to_owned());
        assert_eq!(now(&wishes), is("info", By::Default, "info"));
        wishes.configuration = Some("warn".to_owned());
        assert_eq!(now(&wishes), is("warn", By::Configuration, "warn"));
        wishes.operator = Some("trace".to_owned());
        assert_eq!(now(&wishes), is("trace", By::Operator, "warn"));
        wishes.environment = Some("error".to_owned());
        assert_eq!(now(&wishes), is("trace", By::Operator, "error"));
        wishes.operator = None;
        assert_eq!(now(&wishes), is("error", By::Environment, "error"));
    }
}
