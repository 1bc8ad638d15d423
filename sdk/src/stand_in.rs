//! Takes the host's place where there is none: in native tests.
//! In come what a test prepared and what a handler asks; out go answers, and the log lines that were written.
//! Each thread has its own, so tests do not meet.

use crate::bindings::qewd::handler::log::{Level, Pair};
use crate::bindings::qewd::handler::messages::Hearer;
use crate::bindings::qewd::handler::services::{Answer, Question};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

#[cfg(feature = "testing")]
pub(crate) mod documents;
#[cfg(not(feature = "testing"))]
#[path = "stand_in/no_documents.rs"]
pub(crate) mod documents;

type Services = Rc<dyn Fn(&Question) -> Answer>;

/// What a test prepared, and what a handler wrote.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) services: Option<Services>,
    pub(crate) settings: HashMap<String, Vec<u8>>,
    pub(crate) lines: Vec<(Level, String, Vec<Pair>)>,
    /// To whom (none: the client that waits), of which type, and what.
    pub(crate) messages: Vec<(Option<Hearer>, Option<String>, Vec<u8>)>,
    /// What the thread's documents are; none: no handler has asked for any.
    #[cfg(feature = "testing")]
    pub(crate) documents: Option<documents::Documents>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Reads or changes the state. `work` must not come back here.
pub(crate) fn with<T>(work: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(work)
}

#[allow(clippy::print_stderr, reason = "a handler in a native test has no host, so its log goes to the test's output")]
pub(crate) fn write(level: Level, message: &str, fields: &[Pair]) {
    let text: String = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    eprintln!("{level:?} {message}{text}");
    if cfg!(feature = "testing") {
        with(|state| state.lines.push((level, message.to_owned(), fields.to_vec())));
    }
}

pub(crate) fn ask(question: &Question) -> Answer {
    // A clone, because the test's function may call a handler that asks again.
    let services = with(|state| state.services.clone());
    let down = || Answer {
        status: 503,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: br#"{"error":"MicroService connection is down"}"#.to_vec(),
    };
    services.map_or_else(down, |services| services(question))
}

pub(crate) fn get(name: &str) -> Option<Vec<u8>> {
    with(|state| state.settings.get(name).cloned())
}

pub(crate) fn send(kind: Option<&str>, message: &[u8]) -> Result<bool, String> {
    with(|state| state.messages.push((None, kind.map(str::to_owned), message.to_vec())));
    Ok(true)
}

pub(crate) fn push(to: &Hearer, kind: &str, message: &[u8]) -> Result<(), String> {
    with(|state| state.messages.push((Some(to.clone()), Some(kind.to_owned()), message.to_vec())));
    Ok(())
}
