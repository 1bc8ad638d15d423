//! The end of a link that asks, as a state machine.
//! In come messages, requests and the time; out go messages, events and the next moment to wake.
//! It has no socket and no clock, and gives each request that it took one answer at most; the shell answers those that are left when it ends.

use super::frame::{Frame, Greeting, GreetingAnswer, GreetingOutcome, RequestHead, WINDOW, Welcome};
use super::pulse::{Pulse, Silence};
use super::socket::Wire;
use super::trip::Trip;
use crate::message::{Part, Push};
use crate::request::Request;
use crate::response::Response;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Requests in flight on one link; more are refused at once. Far above any pool's size, and a
/// bound for the memory that waiting bodies take.
pub(super) const IN_FLIGHT: usize = 1024;
/// How long the other end may take to answer the first message.
const GREETING_TIME: Duration = Duration::from_secs(5);

/// The asking end of one connection.
#[derive(Debug)]
pub(super) struct Caller {
    state: State,
    pulse: Pulse,
    trip: Trip,
    /// Bytes of a body that the service takes.
    body_limit: usize,
    /// The requests in flight, each with the intermediate messages of it that were not passed on yet.
    waiting: BTreeMap<u64, usize>,
    out: VecDeque<Wire>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Greeting {
        until: Instant,
    },
    Ready,
    /// The service is about to stop: it answers what it has, and takes nothing new.
    Leaving,
    Ended,
}

/// What the shell has to know.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// The service took us in.
    Ready(Welcome),
    /// The service is about to stop.
    Leaving,
    /// The service offers these handlers from now on.
    Offers(Vec<String>),
    /// The answer to the request of this number.
    Answer(u64, Response),
    /// An intermediate message of the request of this number.
    Part(u64, Part),
    /// A message to clients.
    Push(Push),
    /// How long a question took to the other end and back.
    RoundTrip(Duration),
    /// The connection is of no use any more.
    Ended(Reason),
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error("nothing was heard of it for {} seconds", super::pulse::GONE_AFTER.as_secs())]
    Silent,
    #[error("it did not answer the registration in time")]
    NoGreeting,
    #[error("it refused the registration: {0}")]
    Refused(String),
    #[error("it broke the protocol: {0}")]
    Protocol(String),
}

/// Why a request was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    NotReady,
    TooMany,
    /// The body is larger than the service takes: so many bytes.
    BodyTooLarge(usize),
    /// The headers are longer than a frame may carry.
    HeadersTooLong,
}

impl Caller {
    pub(super) fn new(greeting: &Greeting, now: Instant) -> Self {
        let text = serde_json::to_string(greeting).unwrap_or_default();
        Self {
            state: State::Greeting { until: now + GREETING_TIME },
            pulse: Pulse::new(now),
            trip: Trip::default(),
            body_limit: 0,
            waiting: BTreeMap::new(),
            out: VecDeque::from([Wire::Text(text)]),
        }
    }

    /// Takes a request under a number that was not used before on this connection.
    pub(super) fn ask(&mut self, id: u64, request: &Request, now: Instant) -> Result<(), NotTaken> {
        if self.state != State::Ready {
            return Err(NotTaken::NotReady);
        }
        if self.waiting.len() >= IN_FLIGHT {
            return Err(NotTaken::TooMany);
        }
        if request.body.len() > self.body_limit {
            return Err(NotTaken::BodyTooLarge(self.body_limit));
        }
        let head = RequestHead::new(request, now).with_less_time();
        let frame = Frame::Request { id, request: head, body: request.body.clone() }.encode();
        if !Frame::is_readable(&frame) {
            return Err(NotTaken::HeadersTooLong);
        }
        self.waiting.insert(id, 0);
        self.out.push_back(Wire::Binary(frame));
        Ok(())
    }

    /// Requests that wait for their answer.
    pub(super) fn in_flight(&self) -> usize {
        self.waiting.len()
    }

    /// Bytes moved, though no whole message has come yet.
    pub(super) fn heard(&mut self, now: Instant) {
        self.pulse.heard(now);
    }

    /// Whether the service is leaving and owes no answer any more: then the connection has done its work.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Leaving && self.waiting.is_empty()
    }

    /// The caller of this request wants no answer any more.
    pub(super) fn give_up(&mut self, id: u64) {
        if self.waiting.remove(&id).is_some() {
            self.out.push_back(Wire::Binary(Frame::Cancel { id }.encode()));
        }
    }

    pub(super) fn receive(&mut self, message: Wire, now: Instant) -> Option<Event> {
        self.pulse.heard(now);
        match (message, &self.state) {
            (_, State::Ended) | (Wire::Ping(_), _) => None,
            (Wire::Pong(number), _) => self.trip.sign(number, now).map(Event::RoundTrip),
            (Wire::Text(text), State::Greeting { .. }) => Some(self.greeted(&text, now)),
            (Wire::Binary(bytes), State::Ready | State::Leaving) => match Frame::decode(bytes) {
                // An answer that nobody waits for crossed its cancellation on the way.
                Ok(Frame::Answer { id, response }) => self.waiting.remove(&id).map(|_| Event::Answer(id, response)),
                Ok(Frame::Part { id, part }) => self.part(id, part),
                Ok(Frame::Push { push }) => Some(Event::Push(push)),
                Ok(Frame::Leaving) => {
                    self.state = State::Leaving;
                    Some(Event::Leaving)
                }
                Ok(Frame::Offers { handlers }) => Some(Event::Offers(handlers)),
                Ok(Frame::Request { .. } | Frame::Took { .. } | Frame::Cancel { .. }) => {
                    Some(self.end(Reason::Protocol("it asked on a link that only answers".to_owned())))
                }
                Err(bad) => Some(self.end(Reason::Protocol(bad.to_string()))),
            },
            (Wire::Text(_) | Wire::Binary(_), _) => {
                Some(self.end(Reason::Protocol("a message of the wrong kind for this moment".to_owned())))
            }
        }
    }

    /// Looks at the time; call it at [`Caller::next_wake`] or later.
    pub(super) fn wake(&mut self, now: Instant) -> Option<Event> {
        match self.state {
            State::Ended => return None,
            State::Greeting { until } if now >= until => return Some(self.end(Reason::NoGreeting)),
            State::Greeting { .. } | State::Ready | State::Leaving => {}
        }
        match self.pulse.check(now) {
            Silence::Fine if self.trip.next_question().is_none_or(|next| now < next) => None,
            Silence::Fine | Silence::Ask => {
                self.out.push_back(Wire::Ping(self.trip.ask(now)));
                None
            }
            Silence::Gone => Some(self.end(Reason::Silent)),
        }
    }

    pub(super) fn next_wake(&self) -> Instant {
        let next = self.pulse.next_wake();
        let next = self.trip.next_question().map_or(next, |question| question.min(next));
        match self.state {
            State::Greeting { until } => until.min(next),
            State::Ready | State::Leaving | State::Ended => next,
        }
    }

    pub(super) fn next_out(&mut self) -> Option<Wire> {
        self.out.pop_front()
    }

    /// One of a request that was given up meanwhile crossed its cancellation on the way.
    fn part(&mut self, id: u64, part: Part) -> Option<Event> {
        let not_taken = self.waiting.get_mut(&id)?;
        *not_taken += 1;
        if *not_taken > WINDOW {
            return Some(self.end(Reason::Protocol("it sent more intermediate messages than it may".to_owned())));
        }
        Some(Event::Part(id, part))
    }

    /// So many intermediate messages of this request were passed on: as many more may come.
    pub(super) fn took(&mut self, id: u64, count: usize) {
        if let Some(not_taken) = self.waiting.get_mut(&id) {
            *not_taken = not_taken.saturating_sub(count);
            self.out.push_back(Wire::Binary(Frame::Took { id, count }.encode()));
        }
    }

    /// Passes a message to clients on, unless the other host could not read it.
    pub(super) fn push(&mut self, push: Push) {
        if self.state == State::Ready {
            self.out.extend(Frame::encode_push(push, self.body_limit).map(Wire::Binary));
        }
    }

    fn greeted(&mut self, text: &str, now: Instant) -> Event {
        match serde_json::from_str::<GreetingAnswer>(text).map(|answer| answer.message) {
            Ok(GreetingOutcome::Welcome(welcome)) => {
                self.state = State::Ready;
                self.body_limit = welcome.body_limit;
                self.trip.begin(now);
                Event::Ready(welcome)
            }
            Ok(GreetingOutcome::Refused { error }) => self.end(Reason::Refused(error)),
            Err(_) => self.end(Reason::Protocol("its answer to the registration is not understood".to_owned())),
        }
    }

    fn end(&mut self, reason: Reason) -> Event {
        self.state = State::Ended;
        self.waiting.clear();
        self.out.clear();
        Event::Ended(reason)
    }
}
