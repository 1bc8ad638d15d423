//! Links from outside: two ends with a made-up wire and a made-up clock between them.
//! Each file below takes one promise; nothing here sleeps, and only `sockets` has a socket.

mod facts;
mod frames;
mod fuzz;
mod greeting;
mod heartbeats;
mod network;
mod parts;
mod requests;
mod round_trips;
mod scripts;
mod sockets;
mod views;
mod violations;

use super::callee::{Callee, Event as CalleeEvent};
use super::caller::{Caller, Event as CallerEvent, NotTaken, Reason};
use super::frame::{Frame, Greeting, Welcome};
use super::socket::Wire;
use crate::names::RequestId;
use crate::request::{Kind, Request};
use crate::response::Response;
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// The most that the answering end of a [`Rig`] gives a request.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// The time for the greeting, on both sides.
const GREETING_TIME: Duration = Duration::from_secs(5);
const MOMENT: Duration = Duration::from_millis(1);

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToCallee,
    ToCaller,
}

/// Two ends, and what their shells and the network would do.
struct Rig {
    now: Instant,
    caller: Caller,
    callee: Callee,
    to_callee: VecDeque<Wire>,
    to_caller: VecDeque<Wire>,
    /// The ways on which every message is lost.
    cut: Vec<Way>,
    at_caller: Vec<CallerEvent>,
    /// What the asking shell was told of the time to the other end and back.
    round_trips: Vec<Duration>,
    at_callee: Vec<CalleeEvent>,
    /// What the answering shell has running.
    running: BTreeSet<u64>,
    caller_ended: Option<Reason>,
    callee_ended: Option<Reason>,
}

impl Rig {
    /// Two ends of which the one that asks has just connected.
    fn connected() -> Self {
        Self::greeting_with(&register())
    }

    fn greeting_with(greeting: &Greeting) -> Self {
        let now = Instant::now();
        Self {
            now,
            caller: Caller::new(greeting, now),
            callee: Callee::new(REQUEST_TIME, now),
            to_callee: VecDeque::new(),
            to_caller: VecDeque::new(),
            cut: Vec::new(),
            at_caller: Vec::new(),
            round_trips: Vec::new(),
            at_callee: Vec::new(),
            running: BTreeSet::new(),
            caller_ended: None,
            callee_ended: None,
        }
    }

    /// Two ends that have taken one another in.
    fn ready() -> Self {
        let mut rig = Self::connected();
        rig.deliver_all();
        rig.callee.welcome(welcome());
        rig.deliver_all();
        assert_eq!(rig.at_caller, [CallerEvent::Ready(welcome())]);
        rig.at_caller.clear();
        rig.at_callee.clear();
        rig.round_trips.clear();
        rig
    }

    /// Takes what both ends want to say onto the wire.
    fn collect(&mut self) {
        while let Some(message) = self.caller.next_out() {
            self.put(Way::ToCallee, message);
        }
        while let Some(message) = self.callee.next_out() {
            self.put(Way::ToCaller, message);
        }
    }

    fn put(&mut self, way: Way, message: Wire) {
        if !self.cut.contains(&way) {
            match way {
                Way::ToCallee => self.to_callee.push_back(message),
                Way::ToCaller => self.to_caller.push_back(message),
            }
        }
    }

    /// Cuts the wire: what is on the way is lost as well.
    fn cut(&mut self, ways: &[Way]) {
        self.collect();
        self.cut.extend(ways);
        if ways.contains(&Way::ToCallee) {
            self.to_callee.clear();
        }
        if ways.contains(&Way::ToCaller) {
            self.to_caller.clear();
        }
    }

    /// Delivers the next message that goes this way. Returns whether there was one.
    fn deliver(&mut self, way: Way) -> bool {
        self.collect();
        match way {
            Way::ToCallee => {
                let Some(message) = self.to_callee.pop_front() else {
                    return false;
                };
                if self.callee_ended.is_none() {
                    if let Wire::Ping(number) = message {
                        self.put(Way::ToCaller, Wire::Pong(number));
                    }
                    let event = self.callee.receive(message, self.now);
                    self.note_callee(event);
                }
            }
            Way::ToCaller => {
                let Some(message) = self.to_caller.pop_front() else {
                    return false;
                };
                if self.caller_ended.is_none() {
                    if let Wire::Ping(number) = message {
                        self.put(Way::ToCallee, Wire::Pong(number));
                    }
                    let event = self.caller.receive(message, self.now);
                    self.note_caller(event);
                }
            }
        }
        true
    }

    fn deliver_all(&mut self) {
        while self.deliver(Way::ToCallee) || self.deliver(Way::ToCaller) {}
    }

    /// Lets time pass; both ends wake when they asked to, and the wire delivers at once.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for wakes in 0.. {
            assert!(wakes < 1_000_000, "an end asks to be woken without end");
            self.deliver_all();
            let caller = self.caller_ended.is_none().then(|| self.caller.next_wake());
            let callee = self.callee_ended.is_none().then(|| self.callee.next_wake());
            let Some(next) = caller.into_iter().chain(callee).min().filter(|next| *next <= until) else {
                break;
            };
            assert!(next >= self.now, "an end asks to be woken in the past");
            self.now = next;
            self.wake();
        }
        self.now = until;
    }

    /// Wakes both ends at this moment.
    fn wake(&mut self) {
        if self.caller_ended.is_none() && self.now >= self.caller.next_wake() {
            let event = self.caller.wake(self.now);
            self.note_caller(event);
        }
        if self.callee_ended.is_none() && self.now >= self.callee.next_wake() {
            let event = self.callee.wake(self.now);
            self.note_callee(event);
        }
    }

    fn note_caller(&mut self, event: Option<CallerEvent>) {
        if let Some(CallerEvent::RoundTrip(time)) = &event {
            self.round_trips.push(*time);
            return;
        }
        if let Some(CallerEvent::Ended(reason)) = &event {
            self.caller_ended = Some(reason.clone());
        }
        self.at_caller.extend(event);
    }

    fn note_callee(&mut self, event: Option<CalleeEvent>) {
        match &event {
            Some(CalleeEvent::Request { id, .. }) => assert!(self.running.insert(*id), "{id} was given out twice"),
            Some(CalleeEvent::Cancel(id)) => assert!(self.running.remove(id), "{id} was cancelled but does not run"),
            Some(CalleeEvent::Ended(reason)) => self.callee_ended = Some(reason.clone()),
            Some(CalleeEvent::Greeted(_) | CalleeEvent::Took(..) | CalleeEvent::Push(_)) | None => {}
        }
        self.at_callee.extend(event);
    }

    fn ask(&mut self, id: u64) -> Result<(), NotTaken> {
        let request = request(&format!("question {id}"), self.now + Duration::from_secs(10));
        self.caller.ask(id, &request, self.now)
    }

    /// The answering shell is done with a request.
    fn answer(&mut self, id: u64) {
        self.running.remove(&id);
        self.callee.answer(id, reply(id));
    }

    /// The numbers of the requests that the answering shell was given, in their order.
    fn requested(&self) -> Vec<u64> {
        let number = |event: &CalleeEvent| match event {
            CalleeEvent::Request { id, .. } => Some(*id),
            _ => None,
        };
        self.at_callee.iter().filter_map(number).collect()
    }

    fn both_live(&self) -> bool {
        self.caller_ended.is_none() && self.callee_ended.is_none()
    }
}

fn register() -> Greeting {
    Greeting::Register { application: "login_service".to_owned(), jwt: true, body_limit: 1 << 20 }
}

fn welcome() -> Welcome {
    Welcome {
        token: "a.b.c".to_owned(),
        proof: "d.e.f".to_owned(),
        service: "login_service".to_owned(),
        version: "1.2.3".to_owned(),
        handlers: vec!["login".to_owned(), "logout".to_owned()],
        body_limit: 1 << 20,
    }
}

/// The frame as the other end has it.
fn owned(frame: Frame<'_>) -> Frame<'static> {
    Frame::decode(frame.encode()).unwrap()
}

fn request(body: &str, deadline: Instant) -> Request {
    Request {
        id: RequestId::new("r-1").unwrap(),
        kind: Kind::Rest,
        method: "POST".to_owned(),
        path: "/api/login".to_owned(),
        query: "a=%20b".to_owned(),
        headers: vec![("x-name".to_owned(), "Zo\u{eb}".to_owned()), ("x-name".to_owned(), String::new())],
        body: Bytes::copy_from_slice(body.as_bytes()),
        client_address: "::1".to_owned(),
        deadline,
        hops: 3,
        parts: None,
        trace: named_trace(),
        way: vec!["orchestrator".into(), "a's handler".into(), "a".into()],
        token_in_header: true,
        as_member: true,
    }
}

/// A trace of which other hosts hear.
fn named_trace() -> crate::trace::Trace {
    let mut trace = crate::trace::Trace::begin();
    trace.decide(false);
    trace
}

/// What was sent and what arrived, to be compared: the receiving host has a span of its own, below the sender's if it
/// heard of that.
fn shown(sent: &Request, mut arrived: Request) -> (String, String) {
    if sent.trace.goes_on {
        assert_eq!((arrived.trace.id, arrived.trace.parent), (sent.trace.id, Some(sent.trace.span)));
    } else {
        assert_eq!(arrived.trace.parent, None);
    }
    arrived.trace = sent.trace.clone();
    (format!("{sent:?}"), format!("{arrived:?}"))
}

/// The answer that belongs to a number, and to no other.
fn reply(id: u64) -> Response {
    Response {
        status: 200,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: Bytes::from(format!("answer {id}")),
    }
}

fn answered(id: u64) -> CallerEvent {
    CallerEvent::Answer(id, reply(id))
}

fn protocol(reason: Option<&Reason>) -> &str {
    match reason {
        Some(Reason::Protocol(words)) => words,
        other => panic!("no breach of the protocol: {other:?}"),
    }
}
