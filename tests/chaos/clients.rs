//! Clients that ask on kept connections for things that belong to them alone, and check each answer.
//! In come a port and chance; out go outcomes to the ledger.
//! They never ask the same thing twice, so an answer that belongs to another request is always seen.

use crate::REQUEST_MILLISECONDS;
use crate::harness::{Answer, bounded, try_answer};
use crate::ledger::{Ledger, Outcome, Part};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// A service's own words about a deadline are waited for so long, and so much a busy machine may add.
const MARGIN: Duration = Duration::from_millis(250 + 1250);
/// Bytes of most bodies, and of a few: those travel in many pieces.
const BODIES: (usize, usize) = (2000, 400_000);
/// Longer than any request has.
const TOO_LONG: u64 = 2 * REQUEST_MILLISECONDS;
/// Milliseconds between two requests of one client.
const PAUSE: u64 = 20;

/// What is asked, and what the answer has to say.
struct Question {
    path: String,
    body: Option<String>,
    expected: Vec<(&'static str, Value)>,
    /// Whether there is a right answer in time.
    answerable: bool,
}

pub(crate) struct Client<'a> {
    number: u64,
    port: u16,
    chance: StdRng,
    ledger: &'a Ledger,
    /// Whether its host may be killed.
    breaks: bool,
    connection: Option<TcpStream>,
    asked: u64,
}

impl<'a> Client<'a> {
    pub(crate) fn new(number: u64, port: u16, chance: StdRng, ledger: &'a Ledger) -> Self {
        Self { number, port, chance, ledger, breaks: false, connection: None, asked: 0 }
    }

    /// Its host may be killed: a connection that ends before the answer is none of the answers.
    pub(crate) fn breaking(mut self) -> Self {
        self.breaks = true;
        self
    }

    /// Asks until there is nothing more to ask.
    pub(crate) fn ask(mut self) {
        while let Some(part) = self.ledger.begin() {
            let question = self.question(part);
            // What its host could not answer any more is sent again, until it is answered.
            loop {
                let started = Instant::now();
                let outcome = self.outcome(&question);
                let again = matches!(outcome, Outcome::Broken) && self.ledger.part() != Part::Over;
                self.ledger.note(part, outcome, started.elapsed());
                if !again || part == Part::Afterwards {
                    break;
                }
                std::thread::sleep(Duration::from_millis(PAUSE));
            }
            std::thread::sleep(Duration::from_millis(self.chance.random_range(0..PAUSE)));
        }
    }

    fn question(&mut self, part: Part) -> Question {
        self.asked += 1;
        let id = format!("{}-{}", self.number, self.asked);
        let service = if self.chance.random_bool(0.5) { "near" } else { "far" };
        let (path, body, mut expected, mut answerable) = (format!("/api/{service}/{id}"), None, Vec::new(), true);
        match self.chance.random_range(0..100) {
            0..35 => expected = vec![("id", json!(id)), ("application", json!(service)), ("kind", json!("rest"))],
            35..70 => {
                let body = self.body(&id);
                expected = vec![("id", json!(id)), ("application", json!(service)), ("body", json!(body))];
                return Question { path, body: Some(body), expected, answerable };
            }
            70..88 => {
                expected.extend([("id", json!(id)), ("application", json!("far")), ("kind", json!("service"))]);
                return Question { path: format!("/api/ask?path=/api/far/{id}"), body, expected, answerable };
            }
            kind => {
                answerable = kind < 99 || part != Part::Disturbed;
                let milliseconds = if answerable { self.chance.random_range(1..700) } else { TOO_LONG };
                expected.extend([("slept", json!(milliseconds)), ("for", json!(id))]);
                let path = format!("/api/sleep?milliseconds={milliseconds}&for={id}");
                return Question { path, body, expected, answerable };
            }
        }
        Question { path, body, expected, answerable }
    }

    /// A text that no other request has.
    fn body(&mut self, id: &str) -> String {
        let most = if self.chance.random_ratio(1, 40) { BODIES.1 } else { BODIES.0 };
        let mut body = String::new();
        for part in 0..self.chance.random_range(1..most) / (id.len() + 8) {
            body += &format!("{id}/{part:06} ");
        }
        body + id
    }

    fn outcome(&mut self, question: &Question) -> Outcome {
        let started = Instant::now();
        let answer = match self.exchange(question) {
            Ok(answer) => answer,
            Err(_) if self.breaks => {
                self.connection = None;
                return Outcome::Broken;
            }
            Err(words) => {
                self.connection = None;
                return Outcome::Wrong(format!("{}: {words}", question.path));
            }
        };
        let took = started.elapsed();
        if took > Duration::from_millis(REQUEST_MILLISECONDS) + MARGIN {
            return Outcome::Wrong(format!("{} took {took:?}: {}", question.path, shortened(&answer)));
        }
        judge(question, &answer)
    }

    fn exchange(&mut self, question: &Question) -> Result<Answer, String> {
        let words = |error: std::io::Error| error.to_string();
        let mut connection = match self.connection.take() {
            Some(connection) => quiet(connection).map_err(|error| format!("between two requests: {error}"))?,
            None => self.connect()?,
        };
        let method = if question.body.is_some() { "POST" } else { "GET" };
        let body = question.body.as_deref().unwrap_or_default();
        let id = format!("client-{}-{}-{}", self.number, self.asked, rand::random::<u32>());
        let head = format!(
            "{method} {} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {id}\r\nContent-Length: {}\r\n\r\n",
            question.path,
            body.len()
        );
        connection.write_all((head + body).as_bytes()).map_err(words)?;
        let answer = try_answer(&mut connection, true).map_err(words)?;
        if answer.header("x-request-id") != Some(&id) {
            return Err(format!("the answer is of {:?}, not of {id}", answer.header("x-request-id")));
        }
        if answer.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    fn connect(&self) -> Result<TcpStream, String> {
        // A host that is being started again does not listen yet.
        bounded(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))).map_err(|error| error.to_string())
    }
}

/// Nothing may come between two requests: it would be a second answer.
fn quiet(connection: TcpStream) -> std::io::Result<TcpStream> {
    connection.set_nonblocking(true)?;
    let peeked = connection.peek(&mut [0; 1]);
    connection.set_nonblocking(false)?;
    match peeked {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(connection),
        Ok(0) => Err(std::io::Error::other("the host closed the connection")),
        Ok(_) => Err(std::io::Error::other("a second answer came")),
        Err(error) => Err(error),
    }
}

fn judge(question: &Question, answer: &Answer) -> Outcome {
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match (answer.status, json["error"].as_str()) {
        (200, None) if question.answerable && question.expected.iter().all(|(name, value)| json[name] == *value) => {
            Outcome::Right
        }
        (503, Some("MicroService connection is down" | "The service is busy; try again")) => Outcome::Unavailable,
        (504, Some("The request took too long and was given up")) => Outcome::Late,
        _ => Outcome::Wrong(format!("{}: {}", question.path, shortened(answer))),
    }
}

fn shortened(answer: &Answer) -> String {
    answer.shown().chars().take(300).collect()
}
