//! What a host would never send, and steps that no shell would take.
//! In come frames, greetings and scripts of the corpus, changed at random; both ends keep their promises whatever comes.
//! A script has one step on each line; what is no step is passed over.

use super::super::caller::IN_FLIGHT;
use super::super::frame::{GreetingAnswer, HEADER_BYTES, RequestHead, WINDOW};
use super::*;
use crate::fuzz;
use crate::message::{Hearer, Part, Push, PushHead};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Messages in the longest script: each line is one.
const STEPS: usize = 400;

#[test]
fn what_is_read_as_a_frame_is_written_and_read_again() {
    fuzz::run("frame", |input| {
        check_frame(Bytes::copy_from_slice(input));
        // Most changes make the stated length wrong; with the right one the header is looked at.
        if let Some(header) = input.get(4..).and_then(first_json) {
            let length = u32::try_from(header).unwrap().to_be_bytes();
            check_frame([&length, &input[4..]].concat().into());
        }
    });
}

/// Bytes of the JSON value with which these begin.
fn first_json(bytes: &[u8]) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Box<RawValue>>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

fn check_frame(bytes: Bytes) {
    let frame = Frame::decode(bytes.clone());
    let stated = bytes.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize);
    let fits = stated.is_some_and(|stated| stated <= HEADER_BYTES && stated <= bytes.len() - 4);
    let Ok(frame) = frame else { return };
    assert!(fits, "a header that is not there was read");
    let written = frame.clone().encode();
    assert_eq!(Frame::decode(written), Ok(frame.clone()));
    if let Frame::Request { request, body, .. } = frame {
        check_request(request, body);
    }
    let mut rig = Rig::ready();
    rig.caller.receive(Wire::Binary(bytes.clone()), rig.now);
    rig.callee.receive(Wire::Binary(bytes), rig.now);
}

fn check_request(head: RequestHead<'_>, body: Bytes) {
    let now = Instant::now();
    let Ok(request) = head.into_request(body, now, REQUEST_TIME) else { return };
    assert!(request.deadline <= now + REQUEST_TIME);
    assert!(crate::request::is_method(&request.method));
    let again = RequestHead::new(&request, now).into_request(request.body.clone(), now, REQUEST_TIME).unwrap();
    let (request, again) = shown(&request, again);
    assert_eq!(again, request);
}

#[test]
fn what_is_read_as_a_greeting_is_written_and_read_again() {
    fuzz::run("greeting", |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        if let Ok(greeting) = serde_json::from_str::<Greeting>(text) {
            let written = serde_json::to_string(&greeting).unwrap();
            assert_eq!(serde_json::from_str::<Greeting>(&written).unwrap(), greeting);
        }
        if let Ok(answer) = serde_json::from_str::<GreetingAnswer>(text) {
            let written = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<GreetingAnswer>(&written).unwrap(), answer);
        }
        let now = Instant::now();
        Caller::new(&register(), now).receive(Wire::Text(text.to_owned()), now);
        Callee::new(REQUEST_TIME, now).receive(Wire::Text(text.to_owned()), now);
    });
}

/// One line of a script: a word, and what follows it.
fn steps(input: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = input.split(|byte| *byte == b'\n').take(STEPS);
    lines.map(|line| match line.iter().position(|byte| *byte == b' ') {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => (line, &line[line.len()..]),
    })
}

/// A number, and a further one.
fn numbers(rest: &[u8]) -> (u64, usize) {
    let text = String::from_utf8_lossy(rest);
    let mut numbers = text.split(' ');
    let first = numbers.next().and_then(|number| number.parse().ok()).unwrap_or_default();
    (first, numbers.next().and_then(|number| number.parse().ok()).unwrap_or(1))
}

/// What the other host sends in this step: `text …`, `frame <header> | <body>`, `raw …`, `ping`, `pong`.
fn message(word: &[u8], rest: &[u8]) -> Option<Wire> {
    match word {
        b"text" => Some(Wire::Text(String::from_utf8_lossy(rest).into_owned())),
        b"raw" => Some(Wire::Binary(Bytes::copy_from_slice(rest))),
        b"ping" => Some(Wire::Ping(numbers(rest).0)),
        b"pong" => Some(Wire::Pong(numbers(rest).0)),
        b"frame" => {
            let bar = rest.windows(3).position(|three| three == b" | ");
            let (header, body) = bar.map_or((rest, &rest[rest.len()..]), |bar| (&rest[..bar], &rest[bar + 3..]));
            let length = u32::try_from(header.len()).unwrap().to_be_bytes();
            Some(Wire::Binary([&length, header, body].concat().into()))
        }
        _ => None,
    }
}

fn a_push() -> Push {
    let to = Hearer::Application("shop".to_owned());
    let head = PushHead { id: "p-1".to_owned(), to, kind: "news".to_owned(), hops: 1 };
    Push { head, body: Bytes::from_static(b"{}") }
}

/// Time passes: at most a minute, so that no script is longer than a connection may be silent.
fn wait(now: &mut Instant, rest: &[u8]) {
    *now += Duration::from_millis(numbers(rest).0.min(60_000));
}

#[test]
fn an_asking_end_keeps_its_promises_whatever_comes() {
    fuzz::run("caller", |input| {
        let mut asking = Asking::new();
        for (word, rest) in steps(input) {
            asking.step(word, rest);
        }
    });
}

/// The asking end, and what its shell knows.
struct Asking {
    now: Instant,
    caller: Caller,
    used: BTreeSet<u64>,
    /// What waits for its answer, with the parts that were not passed on.
    waiting: BTreeMap<u64, usize>,
    is_ended: bool,
}

impl Asking {
    fn new() -> Self {
        let now = Instant::now();
        let mut caller = Caller::new(&register(), now);
        assert!(caller.next_out().is_some());
        Self { now, caller, used: BTreeSet::new(), waiting: BTreeMap::new(), is_ended: false }
    }

    fn step(&mut self, word: &[u8], rest: &[u8]) {
        let (number, count) = numbers(rest);
        let mut says = 1;
        match word {
            b"ask" if self.used.insert(number) => {
                if self.caller.ask(number, &request("", self.now), self.now).is_ok() {
                    self.waiting.insert(number, 0);
                }
            }
            b"give_up" => {
                says = usize::from(self.waiting.remove(&number).is_some());
                self.caller.give_up(number);
            }
            b"took" => {
                if let Some(parts) = self.waiting.get_mut(&number) {
                    *parts = parts.saturating_sub(count);
                }
                self.caller.took(number, count);
            }
            b"push" => self.caller.push(a_push()),
            b"wait" => {
                wait(&mut self.now, rest);
                let event = self.caller.wake(self.now);
                self.look(event.as_ref());
            }
            _ => {
                let Some(message) = message(word, rest) else { return };
                let event = self.caller.receive(message, self.now);
                self.look(event.as_ref());
                // What comes brings nothing to say: so no flood makes this host's memory grow.
                says = 0;
            }
        }
        self.listen(says);
    }

    fn look(&mut self, event: Option<&CallerEvent>) {
        assert!(event.is_none() || !self.is_ended, "{event:?} after the end");
        match event {
            Some(CallerEvent::Answer(id, _)) => assert!(self.waiting.remove(id).is_some(), "{id} waits for no answer"),
            Some(CallerEvent::Part(id, _)) => {
                let parts = self.waiting.get_mut(id).unwrap_or_else(|| panic!("{id} waits for no part"));
                *parts += 1;
                assert!(*parts <= WINDOW, "{id} got more than the window");
            }
            Some(CallerEvent::Ended(_)) => self.is_ended = true,
            Some(
                CallerEvent::Ready(_)
                | CallerEvent::Leaving
                | CallerEvent::Offers(_)
                | CallerEvent::Push(_)
                | CallerEvent::RoundTrip(_),
            )
            | None => {}
        }
        assert!(self.waiting.len() <= IN_FLIGHT);
        assert!(!self.caller.is_done() || self.waiting.is_empty());
    }

    fn listen(&mut self, most: usize) {
        let mut said = 0;
        while let Some(wire) = self.caller.next_out() {
            assert!(!self.is_ended, "{wire:?} after the end");
            said += 1;
        }
        assert!(said <= most, "it says {said} things at once");
    }
}

#[test]
fn an_answering_end_keeps_its_promises_whatever_comes() {
    fuzz::run("callee", |input| {
        let mut answering = Answering::new();
        for (word, rest) in steps(input) {
            answering.step(word, rest);
        }
    });
}

/// The answering end, and what its shell knows.
struct Answering {
    now: Instant,
    callee: Callee,
    open: BTreeSet<u64>,
    is_greeted: bool,
    is_welcome: bool,
    is_ended: bool,
}

impl Answering {
    fn new() -> Self {
        let now = Instant::now();
        let callee = Callee::new(REQUEST_TIME, now);
        Self { now, callee, open: BTreeSet::new(), is_greeted: false, is_welcome: false, is_ended: false }
    }

    fn step(&mut self, word: &[u8], rest: &[u8]) {
        let (number, _) = numbers(rest);
        let mut says = 1;
        match word {
            b"welcome" => {
                // A host that is about to stop adds that to its welcome.
                says = 2;
                self.callee.welcome(welcome());
                self.is_welcome |= self.is_greeted;
            }
            b"refuse" => self.callee.refuse("no".to_owned()),
            b"leave" => self.callee.leave(),
            b"offer" => self.callee.renew(REQUEST_TIME, Some(vec!["login".to_owned()])),
            b"push" => self.callee.push(a_push()),
            b"answer" => {
                says = usize::from(self.open.remove(&number));
                self.callee.answer(number, reply(number));
            }
            b"part" => {
                says = usize::from(self.open.contains(&number));
                self.callee.part(number, Part { kind: None, body: Bytes::from_static(b"{}") });
            }
            b"wait" => {
                wait(&mut self.now, rest);
                let event = self.callee.wake(self.now);
                self.look(event);
            }
            _ => {
                let Some(message) = message(word, rest) else { return };
                let event = self.callee.receive(message, self.now);
                self.look(event);
                says = 0;
            }
        }
        self.listen(says);
    }

    fn look(&mut self, event: Option<CalleeEvent>) {
        assert!(event.is_none() || !self.is_ended, "{event:?} after the end");
        match event {
            Some(CalleeEvent::Greeted(_)) => {
                assert!(!self.is_greeted, "greeted twice");
                self.is_greeted = true;
            }
            Some(CalleeEvent::Request { id, request, .. }) => {
                assert!(self.is_welcome, "a request of a stranger");
                assert!(request.deadline <= self.now + REQUEST_TIME);
                assert!(self.open.insert(id), "{id} runs already");
            }
            Some(CalleeEvent::Took(id, _)) => assert!(self.open.contains(&id), "{id} does not run"),
            Some(CalleeEvent::Cancel(id)) => assert!(self.open.remove(&id), "{id} does not run"),
            Some(CalleeEvent::Push(_)) => assert!(self.is_welcome, "a push of a stranger"),
            Some(CalleeEvent::Ended(_)) => self.is_ended = true,
            None => {}
        }
        assert!(self.open.len() <= IN_FLIGHT);
    }

    fn listen(&mut self, most: usize) {
        let mut said = 0;
        while let Some(wire) = self.callee.next_out() {
            assert!(!self.is_ended, "{wire:?} after the end");
            if let Wire::Binary(bytes) = wire {
                assert!(Frame::decode(bytes).is_ok());
            }
            said += 1;
        }
        assert!(said <= most, "it says {said} things at once");
    }
}
