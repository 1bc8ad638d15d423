//! One request, as plain data.
//! The listener makes it from HTTP or from a link's frame; dispatch, the router, the pool and the links read it.
//! It knows neither HTTP types nor wasm types, and holds nothing that was decided about it.

use crate::message::Parts;
use crate::names::RequestId;
use crate::trace::Trace;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;
use std::sync::Arc;
use tokio::time::Instant;

/// How a request came to this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A REST request of a client, here or on the host that sent it on.
    Rest,
    /// A question that a handler asked through `services`.
    Service,
    /// A message of a WebSocket client: its method is [`MESSAGE`], its path comes from [`message_path`].
    Message,
    /// A question of another host's monitor, over a link. The monitor answers it: no route takes it, so no handler ever
    /// sees one.
    Monitor,
}

impl Kind {
    /// Its name in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Service => "service",
            Self::Message => "message",
            Self::Monitor => "monitor",
        }
    }
}

/// The path of the monitor; all its paths begin with it.
pub const MONITOR_PATH: &str = "/qewd-monitor";

/// What follows a host's name in [`Request::way`] where its handler asked. No name of a host ends like it.
const ASKED: &str = "'s handler";

/// The step of a way at which a handler of this host asked.
#[must_use]
pub fn asked_by(host: &str) -> Arc<str> {
    format!("{host}{ASKED}").into()
}

/// One request on its way to a handler.
#[derive(Debug, Clone)]
pub struct Request {
    /// Shared by the client, every log line and every host on the way.
    pub id: RequestId,
    /// How it came.
    pub kind: Kind,
    /// Upper case.
    pub method: String,
    /// Percent-encoded, without the query; begins with `/`.
    pub path: String,
    /// What follows the `?`, percent-encoded; empty if there is none.
    pub query: String,
    /// Lower-case names; a name may come several times. Those of the trace are not among them.
    pub headers: Vec<(String, String)>,
    /// Untouched bytes.
    pub body: Bytes,
    /// The client's IP address, as the first host on the way saw it.
    pub client_address: String,
    /// Until when an answer is of use to the caller.
    pub deadline: Instant,
    /// How many hosts and handlers have sent it on.
    pub hops: u8,
    /// Where its intermediate messages go; none: its caller takes only the answer.
    pub parts: Option<Parts>,
    /// Who sent it on, oldest first: a host's name, or [`asked_by`] for a handler's question. One for each hop.
    pub way: Vec<Arc<str>>,
    /// Whether the caller's renewed token goes into a header and never into the body: for who puts answers together.
    pub token_in_header: bool,
    /// Whether it asks one member of a group for its own part: whoever sent it asks the others as well.
    pub as_member: bool,
    /// Its trace, and in it the span of this host's part.
    pub trace: Trace,
}

impl Request {
    /// The first header of this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The token in `Authorization: Bearer …`, if the header has that form.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    /// The request as this host sends it on to another one: one hop more, in this span.
    #[must_use]
    pub fn forwarded(&self, host: &Arc<str>, trace: Trace) -> Self {
        let mut request = Self { trace, ..self.clone() };
        request.hops = request.hops.saturating_add(1);
        request.way.push(Arc::clone(host));
        request.as_member = false;
        request
    }

    /// Whether a handler of the host that has it asked it there.
    #[must_use]
    pub fn is_own_question(&self) -> bool {
        self.way.last().is_some_and(|step| step.ends_with(ASKED))
    }

    /// Whether this host has sent it on before, and no handler has asked anew since: then it goes round for ever.
    #[must_use]
    pub fn came_back(&self, host: &str) -> bool {
        let since_asked = self.way.iter().rev().take_while(|step| !step.ends_with(ASKED));
        since_asked.into_iter().any(|step| **step == *host)
    }

    /// Everybody who has had it, this host last: `orchestrator > a > a's handler > b`.
    #[must_use]
    pub fn way_to(&self, host: &str) -> String {
        let mut shown: Vec<&str> = Vec::new();
        for step in self.way.iter().map(AsRef::as_ref).chain(std::iter::once(host)) {
            // A host that sends on what its own handler asked is the same stop.
            if shown.last().and_then(|last| last.strip_suffix(ASKED)) != Some(step) {
                shown.push(step);
            }
        }
        shown.join(" > ")
    }

    /// The query's parameters in their order, percent-decoded.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.query.as_bytes())
    }
}

/// Whether this is a method: at most 32 letters, so that it can stand in a log line and an error as it is.
#[must_use]
pub fn is_method(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
}

/// The method of a message. It takes part in no comparison: a request that is no message never meets a route for messages.
pub const MESSAGE: &str = "MESSAGE";

/// What stays as it is in an encoded segment.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');

/// The path that stands for messages of an application and a type, as the route table has it.
#[must_use]
pub fn message_path(application: &str, kind: &str) -> String {
    format!("/{}/{}", encode_segment(application), encode_segment(kind))
}

/// The application and the type of a message with this path; nothing if no message has it.
#[must_use]
pub fn message_of(path: &str) -> Option<(String, String)> {
    let (application, kind) = path.strip_prefix('/')?.split_once('/')?;
    let decoded = |text| percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned);
    decoded(application).zip(decoded(kind)).filter(|_| !kind.contains('/'))
}

/// A text as one segment of a path.
#[must_use]
pub fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, IN_A_SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_and_its_path_are_told_from_one_another() {
        for (application, kind, path) in [
            ("my-app", "load", "/my-app/load"),
            ("a.b_c", "what/now ?", "/a.b_c/what%2Fnow%20%3F"),
            ("a", "*", "/a/%2A"),
            ("a", "caf\u{e9}", "/a/caf%C3%A9"),
        ] {
            assert_eq!(message_path(application, kind), path);
            assert_eq!(message_of(path), Some((application.to_owned(), kind.to_owned())));
        }
        for path in ["", "/", "/a", "/a/b/c", "a/b", "/a/%ff"] {
            assert_eq!(message_of(path), None, "{path}");
        }
    }

    fn with_way(way: &[&str]) -> Request {
        Request {
            id: RequestId::random(),
            kind: Kind::Rest,
            method: "GET".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            client_address: String::new(),
            deadline: Instant::now(),
            hops: 0,
            way: way.iter().map(|step| Arc::from(*step)).collect(),
            token_in_header: false,
            as_member: false,
            trace: Trace::begin(),
            parts: None,
        }
    }

    #[test]
    fn a_way_that_closes_is_a_circle_unless_a_handler_asked_anew() {
        let asked = asked_by("a");
        for (way, host, came_back, shown) in [
            (vec![], "a", false, "a"),
            (vec!["o"], "a", false, "o > a"),
            (vec!["o", "a", "b"], "a", true, "o > a > b > a"),
            (vec!["o", "a", &*asked], "a", false, "o > a > a's handler"),
            (vec!["o", &*asked, "a"], "b", false, "o > a's handler > b"),
            (vec!["o", "b", &*asked, "a"], "b", false, "o > b > a's handler > b"),
            (vec!["o", &*asked, "a", "b"], "a", true, "o > a's handler > b > a"),
        ] {
            let request = with_way(&way);
            assert_eq!(request.came_back(host), came_back, "{way:?}");
            assert_eq!(request.way_to(host), shown);
        }
        let next = with_way(&["o"]).forwarded(&Arc::from("a"), Trace::begin());
        assert_eq!((next.way.len(), next.hops, next.way_to("b").as_str()), (2, 1, "o > a > b"));
    }
}
