//! Messages of clients that are refused before a route is looked for: too fast, not understood, or without a good token.
//! In comes why; out go one line in the log, one more in the numbers, and the answer under the id of that line.
//! A client that floods its socket gets an answer to each message, but has one line in a second.

use super::Front;
use super::envelope::{Answer, ERROR};
use crate::dispatch::Refused;
use crate::failure::Failure;
use crate::message::{AJAX_PATH, SOCKET_PATH};
use crate::names::RequestId;
use crate::request::{Kind, MESSAGE};
use crate::trace::Trace;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// How often the messages that one socket sends too fast have a line.
const EACH: Duration = Duration::from_secs(1);

/// Why a message is refused.
pub(super) struct Refusal {
    /// The status that HTTP would have.
    pub(super) status: u16,
    /// The words for the client.
    pub(super) words: String,
    /// Whether the client is to begin anew.
    pub(super) disconnect: bool,
}

impl Refusal {
    pub(super) fn new(status: u16, words: impl Into<String>) -> Self {
        Self { status, words: words.into(), disconnect: false }
    }

    /// What the client reads.
    pub(super) fn answer(&self) -> Answer {
        Answer::refusal(self.status, &self.words, self.disconnect)
    }
}

/// Who sent a message, and of which type it said that it is.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    /// Empty: it came by HTTP.
    pub(super) socket_id: &'a str,
    pub(super) address: IpAddr,
    pub(super) kind: &'a str,
}

impl fmt::Display for Sender<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { socket_id, address, kind } = self;
        match *kind {
            ERROR => formatter.write_str("message that was not understood, ")?,
            kind => write!(formatter, "message of type {kind:?} ")?,
        }
        match *socket_id {
            "" => write!(formatter, "of the client at {address}"),
            id => write!(formatter, "of socket {id}, client at {address}"),
        }
    }
}

/// Tells of a refused message and gives its answer.
pub(super) fn refuse(front: &Front, sender: Sender<'_>, refusal: &Refusal, more: &str) -> Answer {
    let failure =
        Failure::caller(refusal.status, refusal.words.clone()).because(format!("{} ({sender}{more})", refusal.words));
    refusal.answer().under(&refuse_as(front, sender, &failure))
}

/// Tells of a failure and gives the id of its line.
pub(super) fn refuse_as(front: &Front, sender: Sender<'_>, failure: &Failure) -> RequestId {
    let (id, trace, started) = (RequestId::random(), Trace::begin(), Instant::now());
    let path = if sender.socket_id.is_empty() { AJAX_PATH } else { SOCKET_PATH };
    let refused = Refused { id: &id, kind: Kind::Message, method: MESSAGE, path, started, trace: &trace };
    front.dispatch.refuse(&refused, failure);
    id
}

/// What the log knows of one socket's messages that come too fast.
#[derive(Default)]
pub(super) struct Flood {
    last: Option<Instant>,
    /// Messages without a line since then.
    silent: u64,
}

impl Flood {
    /// Refuses one more message, with a line if the last one is long enough ago.
    pub(super) fn refuse(&mut self, front: &Front, sender: Sender<'_>, refusal: &Refusal, now: Instant) -> Answer {
        if !self.has_line(now) {
            front.dispatch.counters.count(Kind::Message, Some(refusal.status), Duration::ZERO);
            return refusal.answer();
        }
        let more = std::mem::take(&mut self.silent);
        let more = if more > 0 { format!("; {more} more were refused since its last line") } else { String::new() };
        refuse(front, sender, refusal, &more)
    }

    fn has_line(&mut self, now: Instant) -> bool {
        let is_due = self.last.is_none_or(|last| now.saturating_duration_since(last) >= EACH);
        if is_due {
            self.last = Some(now);
        } else {
            self.silent = self.silent.saturating_add(1);
        }
        is_due
    }

    /// What is left to be told when the socket ends.
    pub(super) fn rest(&self) -> String {
        match self.silent {
            0 => String::new(),
            silent => format!("; {silent} messages were refused after its last line"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_has_one_line_a_second_and_none_of_it_is_forgotten() {
        let (mut flood, start) = (Flood::default(), Instant::now());
        let mut lines = 0;
        for millisecond in 0..2500 {
            lines += u64::from(flood.has_line(start + Duration::from_millis(millisecond)));
        }
        assert_eq!((lines, flood.silent), (3, 2497));
        assert_eq!(flood.rest(), "; 2497 messages were refused after its last line");
    }
}
