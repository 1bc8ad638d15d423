//! An operator of a host, who uses its monitor by the API.
//! In come a host and its password; out go views, streams, and what actions are answered.
//! It keeps its session's cookie, and sends an origin only where a test wants one.

use super::{Answer, Host, PATIENCE, Request, raw};
use serde_json::{Value, json};
use std::io::Read as _;
use std::net::TcpStream;
use std::time::Instant;

/// Where the API begins.
pub(crate) const API: &str = "/qewd-monitor/api";
/// The password that everybody knows.
pub(crate) const DEFAULT_PASSWORD: &str = "keepThisSecret!";

/// Who has signed in at a host.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    port: u16,
    pub(crate) cookie: String,
}

impl Operator {
    /// Signs in with the password that everybody knows.
    pub(crate) fn of(host: &Host) -> Self {
        Self::with(host, DEFAULT_PASSWORD)
    }

    pub(crate) fn with(host: &Host, password: &str) -> Self {
        let answer = sign_in(host, password);
        assert_eq!(answer.status, 200, "{answer:?}");
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap();
        Self { port: host.port, cookie: cookie.to_owned() }
    }

    /// A request with the cookie of the session.
    pub(crate) fn request(&self, method: &'static str, path: &str) -> Request {
        Request::new(self.port, method, format!("{API}/{path}")).header("Cookie", &self.cookie)
    }

    /// A view.
    pub(crate) fn view(&self, path: &str) -> Value {
        let answer = self.request("GET", path).send();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// An action without a body.
    pub(crate) fn act(&self, path: &str) -> Answer {
        self.request("POST", path).send()
    }

    /// An action or a change with a JSON body.
    pub(crate) fn send(&self, method: &'static str, path: &str, body: &Value) -> Answer {
        self.send_text(method, path, &body.to_string())
    }

    pub(crate) fn send_text(&self, method: &'static str, path: &str, body: &str) -> Answer {
        self.request(method, path).header("Content-Type", "application/json").body(body).send()
    }

    /// A stream of a view.
    pub(crate) fn stream(&self, path: &str) -> Events {
        let head = format!("GET {API}/live/{path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", self.cookie);
        Events { stream: raw(self.port, head.as_bytes()), text: String::new() }
    }
}

/// An attempt to sign in.
pub(crate) fn sign_in(host: &Host, password: &str) -> Answer {
    let body = json!({"password": password}).to_string();
    host.post(&format!("{API}/session"), &body).header("Content-Type", "application/json").send()
}

/// A stream of events.
pub(crate) struct Events {
    stream: TcpStream,
    text: String,
}

impl Events {
    /// The next event that is more than a sign of life: its type and its data.
    pub(crate) fn next(&mut self) -> (String, Value) {
        loop {
            match self.take() {
                Some((kind, _)) if kind == "alive" => continue,
                Some(event) => return event,
                None => {}
            }
            assert!(self.read(), "the stream ended: {}", self.text);
        }
    }

    /// Reads until an event of this view is as it is wanted.
    pub(crate) fn until(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (kind, data) = self.next();
            assert!(kind == "message" && Instant::now() < deadline, "{kind}: {data}");
            if is_wanted(&data) {
                return data;
            }
        }
    }

    /// Waits until the stream ends; nothing more may be said in it.
    pub(crate) fn end(mut self) {
        // The last chunk of a transfer has no bytes.
        while !self.text.ends_with("\r\n0\r\n\r\n") && self.read() {}
        assert!(self.take().is_none(), "{}", self.text);
    }

    fn take(&mut self) -> Option<(String, Value)> {
        let begin = self.text.find("event: ")?;
        let end = begin + self.text[begin..].find("\n\n")?;
        let event = self.text[begin..end].to_owned();
        self.text.drain(..end);
        let (kind, data) = event.split_once("\ndata: ").unwrap();
        // Chunks of the transfer may begin anywhere but not within an event: the host writes each in one piece.
        Some((kind.strip_prefix("event: ").unwrap().to_owned(), serde_json::from_str(data).unwrap()))
    }

    fn read(&mut self) -> bool {
        let mut bytes = [0; 16 << 10];
        let count = self.stream.read(&mut bytes).unwrap();
        self.text += &String::from_utf8_lossy(&bytes[..count]);
        count > 0
    }
}
