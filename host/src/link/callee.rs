//! The end of a link that answers, as a state machine.
//! In come messages, answers and the time; out go messages, events and the next moment to wake.
//! It has no socket and no clock, and takes no request before the other host has registered.

use super::caller::{IN_FLIGHT, Reason};
use super::frame::{Frame, Greeting, GreetingAnswer, GreetingOutcome, RequestHead, Welcome};
use super::pulse::{Pulse, Silence};
use super::socket::Wire;
use crate::failure::Failure;
use crate::message::{Part, Push};
use crate::request::Request;
use crate::response::Response;
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// How long the other host may take to register, and to go if it is refused: its first message follows the upgrade at
/// once.
const GREETING_TIME: Duration = Duration::from_secs(5);

/// The answering end of one connection.
#[derive(Debug)]
pub(crate) struct Callee {
    state: State,
    pulse: Pulse,
    /// No request may take longer here than this, whatever the other host says.
    request_time: Duration,
    /// Bytes of an answer's body that the other host takes.
    answer_limit: usize,
    /// This host is about to stop.
    leaving: bool,
    open: BTreeSet<u64>,
    out: VecDeque<Wire>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Waiting {
        until: Instant,
    },
    Greeted {
        type_name: &'static str,
        until: Instant,
    },
    /// The other host was told so, and is to go by itself.
    Refused {
        until: Instant,
    },
    Ready,
    Ended,
}

/// What the shell has to know.
#[derive(Debug)]
pub(crate) enum Event {
    /// The other host registers: call [`Callee::welcome`] or [`Callee::refuse`].
    Greeted(Greeting),
    /// A request under its number, and whether the other host passes intermediate messages on.
    Request { id: u64, request: Request, takes_parts: bool },
    /// The other host has passed on so many intermediate messages of this request: as many more may go.
    Took(u64, usize),
    /// A message to clients.
    Push(Push),
    /// The caller of this request wants no answer any more.
    Cancel(u64),
    /// The connection is of no use any more.
    Ended(Reason),
}

impl Callee {
    pub(crate) fn new(request_time: Duration, now: Instant) -> Self {
        Self {
            state: State::Waiting { until: now + GREETING_TIME },
            pulse: Pulse::new(now),
            request_time,
            answer_limit: usize::MAX,
            leaving: false,
            open: BTreeSet::new(),
            out: VecDeque::new(),
        }
    }

    pub(crate) fn welcome(&mut self, welcome: Welcome) {
        self.answer_greeting(GreetingOutcome::Welcome(welcome), |_| State::Ready);
        if self.leaving {
            self.leave();
        }
    }

    pub(crate) fn refuse(&mut self, error: String) {
        self.answer_greeting(GreetingOutcome::Refused { error }, |until| State::Refused { until });
    }

    /// The host is about to stop: the other one is told to send nothing new, at once or as soon as it has registered.
    pub(crate) fn leave(&mut self) {
        self.leaving = true;
        if self.state == State::Ready {
            self.out.push_back(Wire::Binary(Frame::Leaving.encode()));
        }
    }

    /// The host's settings or handlers have changed. Bodies keep the limit that was agreed with the other host.
    pub(crate) fn renew(&mut self, request_time: Duration, handlers: Option<Vec<String>>) {
        self.request_time = request_time;
        if let Some(handlers) = handlers.filter(|_| self.state == State::Ready) {
            self.out.push_back(Wire::Binary(Frame::Offers { handlers }.encode()));
        }
    }

    /// Whether no request waits for its answer.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// Answers a request; an answer that nobody waits for any more is dropped, and one that the other host could not
    /// read becomes a failure, so that it costs no other request its link.
    pub(crate) fn answer(&mut self, id: u64, response: Response) {
        if !self.open.remove(&id) {
            return;
        }
        let fits = response.body.len() <= self.answer_limit;
        let message = Frame::Answer { id, response }.encode();
        let message = if fits && Frame::is_readable(&message) { message } else { self.unreadable(id) };
        self.out.push_back(Wire::Binary(message));
    }

    /// Sends an intermediate message; the shell keeps within the window. One that the other host could not read is left
    /// out, with a word in the log: the handler was told the limit of its own host.
    pub(crate) fn part(&mut self, id: u64, part: Part) {
        if part.body.len() > self.answer_limit {
            let limit = self.answer_limit;
            tracing::warn!("an intermediate message was left out: the asking host takes {limit} bytes at most");
        } else if self.open.contains(&id) {
            self.out.push_back(Wire::Binary(Frame::Part { id, part }.encode()));
        }
    }

    /// Passes a message to clients on, unless the other host could not read it.
    pub(crate) fn push(&mut self, push: Push) {
        if self.state == State::Ready {
            self.out.extend(Frame::encode_push(push, self.answer_limit).map(Wire::Binary));
        }
    }

    fn unreadable(&self, id: u64) -> Bytes {
        let words = "The answer is too large to travel between these hosts";
        let operator =
            format!("the asking host takes bodies of {} bytes; raise its limits.responseBytes", self.answer_limit);
        tracing::warn!("{words}: {operator}");
        Frame::Answer { id, response: Failure::system(502, words, operator).into() }.encode()
    }

    /// Bytes moved, though no whole message has come yet.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.pulse.heard(now);
    }

    pub(crate) fn receive(&mut self, message: Wire, now: Instant) -> Option<Event> {
        self.pulse.heard(now);
        match (message, &self.state) {
            (_, State::Refused { .. } | State::Ended) | (Wire::Ping(_) | Wire::Pong(_), _) => None,
            (Wire::Text(text), State::Waiting { until }) => Some(self.greeted(&text, *until)),
            (Wire::Binary(bytes), State::Ready) => match Frame::decode(bytes) {
                Ok(Frame::Request { id, request, body }) => Some(self.asked(id, request, body, now)),
                Ok(Frame::Took { id, count }) => self.open.contains(&id).then_some(Event::Took(id, count)),
                Ok(Frame::Push { push }) => Some(Event::Push(push)),
                Ok(Frame::Cancel { id }) => self.open.remove(&id).then_some(Event::Cancel(id)),
                Ok(Frame::Answer { .. } | Frame::Part { .. } | Frame::Leaving | Frame::Offers { .. }) => {
                    Some(self.end("it answered on a link that only asks"))
                }
                Err(bad) => Some(self.end(&bad.to_string())),
            },
            (Wire::Text(_) | Wire::Binary(_), _) => Some(self.end("a message of the wrong kind for this moment")),
        }
    }

    /// Looks at the time; call it at [`Callee::next_wake`] or later.
    pub(crate) fn wake(&mut self, now: Instant) -> Option<Event> {
        match self.state {
            State::Ended => return None,
            State::Waiting { until } if now >= until => return Some(self.over(Reason::NoGreeting)),
            State::Refused { until } if now >= until => {
                return Some(self.end("it stayed after its registration was refused"));
            }
            State::Waiting { .. } | State::Greeted { .. } | State::Refused { .. } | State::Ready => {}
        }
        match self.pulse.check(now) {
            Silence::Fine => None,
            Silence::Ask => {
                self.out.push_back(Wire::Ping(0));
                None
            }
            Silence::Gone => Some(self.over(Reason::Silent)),
        }
    }

    pub(crate) fn next_wake(&self) -> Instant {
        match self.state {
            State::Waiting { until } | State::Refused { until } => until.min(self.pulse.next_wake()),
            State::Greeted { .. } | State::Ready | State::Ended => self.pulse.next_wake(),
        }
    }

    pub(crate) fn next_out(&mut self) -> Option<Wire> {
        self.out.pop_front()
    }

    fn asked(&mut self, id: u64, head: RequestHead<'_>, body: Bytes, now: Instant) -> Event {
        let takes_parts = head.takes_parts();
        match head.into_request(body, now, self.request_time) {
            Ok(_) if self.open.len() >= IN_FLIGHT => self.end("it asked more than may be in flight"),
            Ok(request) if self.open.insert(id) => Event::Request { id, request, takes_parts },
            Ok(_) => self.end("it used a number twice"),
            Err(bad) => self.end(&bad.to_string()),
        }
    }

    fn greeted(&mut self, text: &str, until: Instant) -> Event {
        match serde_json::from_str::<Greeting>(text) {
            Ok(greeting) => {
                self.answer_limit = greeting.body_limit();
                self.state = State::Greeted { type_name: greeting.type_name(), until };
                Event::Greeted(greeting)
            }
            Err(_) => self.end("its first message is no registration"),
        }
    }

    fn answer_greeting(&mut self, message: GreetingOutcome, next: impl FnOnce(Instant) -> State) {
        if let State::Greeted { type_name, until } = self.state {
            let answer = GreetingAnswer { kind: type_name.to_owned(), finished: true, message };
            self.out.push_back(Wire::Text(serde_json::to_string(&answer).unwrap_or_default()));
            self.state = next(until);
        }
    }

    fn end(&mut self, words: &str) -> Event {
        self.over(Reason::Protocol(words.to_owned()))
    }

    /// From now on it says nothing, whoever still has an answer.
    fn over(&mut self, reason: Reason) -> Event {
        self.state = State::Ended;
        self.open.clear();
        self.out.clear();
        Event::Ended(reason)
    }
}
