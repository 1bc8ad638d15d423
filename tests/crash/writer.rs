//! A writer: one connection on which it writes what is its own, and takes part in what all share.
//! In come a port and chance; out goes what was promised, until the host is gone.
//! It writes the next thing only when the one before has its answer.

use crate::harness::{try_answer, wait_until};
use crate::promised::{Promised, acknowledged, sent};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::io::Write as _;
use std::net::TcpStream;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Nodes of each kind that a writer has.
const PLACES: u32 = 6;
/// Records of db_service that it keeps.
const RECORDS: usize = 12;
/// Bytes of a large value.
const LARGE: usize = 100_000;
/// Nodes that move together from one document to another.
const PARTS: u32 = 30;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Accounts in each of two documents.
pub(crate) const ACCOUNTS: u32 = 4;

pub(crate) struct Writer {
    pub(crate) number: usize,
    pub(crate) promised: Promised,
    chance: StdRng,
    serial: u64,
}

/// A connection to a host that may be gone at any moment.
pub(crate) struct Line(TcpStream);

/// Whether the host is still there, and what it answered.
type Answered<T> = ControlFlow<(), T>;

impl Line {
    pub(crate) fn open(port: u16) -> Answered<Self> {
        let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return Break(()) };
        let set = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_nodelay(true));
        if set.is_ok() { Continue(Self(stream)) } else { Break(()) }
    }

    /// Status and body of an answer that came as a whole.
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Answered<(u16, Value)> {
        let body = body.to_string();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        let written = self.0.write_all((head + &body).as_bytes());
        match written.and_then(|()| try_answer(&mut self.0, true)) {
            Ok(answer) => Continue((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())),
            Err(error) => {
                let is_late = matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
                assert!(!is_late, "{method} {path} has no answer");
                Break(())
            }
        }
    }

    /// Does these steps as one transaction; what each of them gave, or nothing if the host answered with an error.
    pub(crate) fn keep(&mut self, steps: &Value) -> Answered<Option<Value>> {
        let (status, mut answer) = self.ask("POST", "/api/keep", &json!({"together": true, "steps": steps}))?;
        assert!([200, 503, 504].contains(&status), "{steps}: {status} {answer}");
        Continue((status == 200).then(|| answer["results"].take()))
    }
}

impl Writer {
    pub(crate) fn new(number: usize, chance: StdRng) -> Self {
        Self { number, promised: Promised::default(), chance, serial: 0 }
    }

    /// Writes until the host is gone.
    pub(crate) fn write(&mut self, port: u16, writes: &AtomicUsize) {
        let Continue(mut line) = Line::open(port) else { return };
        while let Continue(done) = self.step(&mut line) {
            self.promised.acknowledged += usize::from(done);
            self.promised.refused += usize::from(!done);
            writes.fetch_add(usize::from(done), Ordering::Relaxed);
        }
    }

    /// One write, whatever it is.
    fn step(&mut self, line: &mut Line) -> Answered<bool> {
        self.serial += 1;
        match self.chance.random_range(0..100) {
            0..20 => self.set(line),
            20..35 => self.replace(line),
            35..45 => self.count(line),
            45..55 => self.count_twins(line),
            55..70 => self.transfer(line),
            70..80 => self.move_cargo(line),
            80..90 => self.create(line),
            _ => self.change_record(line),
        }
    }

    fn mark(&self) -> String {
        format!("{}-{}", self.number, self.serial)
    }

    /// Puts another state into a place.
    fn put(&mut self, line: &mut Line, place: String, state: &Value, steps: &Value) -> Answered<bool> {
        sent(self.promised.places.entry(place.clone()).or_default(), state);
        let done = line.keep(steps)?.is_some();
        if done {
            self.promised.places.entry(place).and_modify(acknowledged);
        }
        Continue(done)
    }

    fn set(&mut self, line: &mut Line) -> Answered<bool> {
        let (mark, place) = (self.mark(), self.chance.random_range(0..PLACES));
        let node = format!("{}-{place}", self.number);
        // The first place has large values; the others have them deleted, too.
        let state = match self.chance.random_range(0..4) {
            _ if place == 0 => json!(format!("{mark} ").repeat(LARGE / (mark.len() + 1))),
            0 => Value::Null,
            1 => json!(self.serial),
            _ => json!(mark),
        };
        let at = json!(["Values", node]);
        let step = if state.is_null() { json!(["delete", at]) } else { json!(["set", at, state]) };
        self.put(line, format!("Values/{node}"), &state, &json!([step]))
    }

    /// Subtrees, of which one leaf is followed by an index.
    fn replace(&mut self, line: &mut Line) -> Answered<bool> {
        let node = format!("{}-{}", self.number, self.chance.random_range(0..PLACES));
        let at = json!(["Records", "record", node]);
        let tags: Vec<u64> = (0..self.serial % 5).collect();
        let state = match self.chance.random_range(0..3) {
            0 => Value::Null,
            _ => {
                json!({"name": format!("Name {}", self.serial % 7), "of": self.mark(), "tags": tags, "more": {"deep": {"er": self.serial}}})
            }
        };
        let step = if state.is_null() { json!(["delete", at]) } else { json!(["replace", at, state]) };
        self.put(line, format!("Records/{node}"), &state, &json!([step]))
    }

    fn count(&mut self, line: &mut Line) -> Answered<bool> {
        self.promised.counter.sent += 1;
        // Not in a transaction: it needs none to be exact.
        let steps = json!({"steps": [["increment", ["Counters", "all"], 1]]});
        let (status, answer) = line.ask("POST", "/api/keep", &steps)?;
        if status == 200 {
            let counter = &mut self.promised.counter;
            counter.acknowledged += 1;
            counter.told = counter.told.max(answer["results"][0].as_i64().unwrap());
        }
        Continue(status == 200)
    }

    fn count_twins(&mut self, line: &mut Line) -> Answered<bool> {
        self.promised.twins.sent += 1;
        let steps = json!([["increment", ["Counters", "twin"], 1], ["increment", ["Twins", "twin"], 1]]);
        let Some(results) = line.keep(&steps)? else { return Continue(false) };
        assert_eq!(results[0], results[1], "the twins");
        let twins = &mut self.promised.twins;
        twins.acknowledged += 1;
        twins.told = twins.told.max(results[0].as_i64().unwrap());
        Continue(true)
    }

    fn transfer(&mut self, line: &mut Line) -> Answered<bool> {
        let chance = &mut self.chance;
        let (from, to) = (chance.random_range(0..ACCOUNTS), chance.random_range(0..ACCOUNTS));
        let amount: i64 = chance.random_range(-50..50);
        let (mark, transfer) = (self.mark(), json!({"from": from, "to": to, "amount": amount}));
        self.promised.transfers.insert(mark.clone(), (transfer.clone(), false));
        let steps = json!([
            ["increment", ["Accounts", format!("a{from}")], -amount],
            ["increment", ["Reserve", format!("r{to}")], amount],
            ["replace", ["Transfers", mark], transfer],
        ]);
        let done = line.keep(&steps)?.is_some();
        self.promised.transfers.insert(mark, (transfer, done));
        Continue(done)
    }

    /// Many nodes go from one document to another, or are made anew.
    fn move_cargo(&mut self, line: &mut Line) -> Answered<bool> {
        let mark = self.mark();
        let parts: serde_json::Map<String, Value> =
            (0..PARTS).map(|part| (format!("part {part}"), json!(mark))).collect();
        let (side, name) = (self.chance.random_range(0..2), format!("w{}", self.number));
        let document = ["Here", "There"][side];
        let mut state = json!([null, null]);
        state[side] = json!({ "parts": parts });
        let steps = json!([
            ["delete", ["Here", name]],
            ["delete", ["There", name]],
            ["replace", [document, name], state[side]],
        ]);
        self.put(line, format!("Cargo/{name}"), &state, &steps)
    }

    fn create(&mut self, line: &mut Line) -> Answered<bool> {
        if self.promised.records.len() >= RECORDS {
            return self.change_record(line);
        }
        let record = self.record();
        self.promised.unborn.push(record.clone());
        let (status, answer) = line.ask("POST", "/api/db/people", &record)?;
        assert!([200, 503, 504].contains(&status), "{status} {answer}");
        if status == 200 {
            self.promised.unborn.pop();
            let id = answer["id"].as_i64().unwrap();
            let before = self.promised.records.insert(id, vec![record]);
            assert!(before.is_none(), "the id {id} was given away twice");
        }
        Continue(status == 200)
    }

    fn record(&self) -> Value {
        let city = ["Ulm", "Bern"][self.number % 2];
        json!({"of": self.mark(), "name": format!("Name {}", self.serial % 5), "address": {"city": city}, "age": self.serial})
    }

    /// Replaces or deletes one of its records that are certainly there.
    fn change_record(&mut self, line: &mut Line) -> Answered<bool> {
        let there = |states: &[Value]| states.iter().all(|state| !state.is_null());
        let ids: Vec<i64> =
            self.promised.records.iter().filter(|(_, states)| there(states)).map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return self.count(line);
        }
        let id = ids[self.chance.random_range(0..ids.len())];
        let state = if self.chance.random() { self.record() } else { Value::Null };
        sent(self.promised.records.get_mut(&id).unwrap(), &state);
        let method = if state.is_null() { "DELETE" } else { "PUT" };
        let (status, answer) = line.ask(method, &format!("/api/db/people/{id}"), &state)?;
        assert!([200, 503, 504].contains(&status), "{method} of record {id}: {status} {answer}");
        if status == 200 {
            self.promised.records.entry(id).and_modify(acknowledged);
        }
        Continue(status == 200)
    }
}

/// Steps that a host has to do that nobody disturbs.
pub(crate) fn keep(port: u16, steps: &Value) -> Value {
    let mut results = None;
    wait_until("the host does what it is asked", || {
        let done = match Line::open(port) {
            Continue(mut line) => line.keep(steps),
            Break(()) => Break(()),
        };
        results = match done {
            Continue(done) => done,
            Break(()) => None,
        };
        results.is_some()
    });
    results.unwrap()
}
