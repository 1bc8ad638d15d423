//! A client that sends exactly what a test wants and shows exactly what came back.
//! In comes a request, whole or in raw bytes; out goes the answer.
//! One connection for each request; an answer that does not come in time fails the test.

use serde_json::Value;
use std::io::{self, Read, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long an answer may take: longer than any deadline that a test configures.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request to a host of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    port: u16,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(port: u16, method: &'static str, path: impl Into<String>) -> Self {
        Self { port, method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and waits for the answer.
    pub(crate) fn send(self) -> Answer {
        let has_body = self.method != "HEAD";
        read_answer(&mut self.begin(), has_body)
    }

    /// Sends it and returns the connection on which the answer will come.
    pub(crate) fn begin(self) -> TcpStream {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            text += &format!("Content-Length: {}\r\n", self.body.len());
        }
        let mut bytes = (text + "\r\n").into_bytes();
        bytes.extend(&self.body);
        raw(self.port, &bytes)
    }
}

/// Sends raw bytes and returns the connection. What the host does not want to read any more is kept back.
pub(crate) fn raw(port: u16, bytes: &[u8]) -> TcpStream {
    let mut stream = bounded(TcpStream::connect((Ipv4Addr::LOCALHOST, port))).unwrap();
    // A host that refuses early may close before all is written; its answer is what counts.
    let _ = stream.write_all(bytes);
    stream
}

/// A connection that is bounded in time, if it could be made.
pub(crate) fn bounded(connected: std::io::Result<TcpStream>) -> std::io::Result<TcpStream> {
    let stream = connected?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What a host answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The first header of this lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The token in the body.
    pub(crate) fn token(&self) -> String {
        let token = self.json()["token"].as_str().map(str::to_owned);
        token.unwrap_or_else(|| panic!("no token in {}", self.shown()))
    }

    /// Status and body, with `…` for what differs each time: the token.
    pub(crate) fn shown(&self) -> String {
        let text = self.text();
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = match json.get("token").and_then(Value::as_str) {
            Some(token) => text.replace(token, "…"),
            None => text,
        };
        format!("{} {text}", self.status)
    }

    /// The same, with `…` also for the request id.
    pub(crate) fn shown_without_id(&self) -> String {
        self.shown().replace(self.header("x-request-id").unwrap(), "…")
    }
}

/// Reads one answer: its headers, and as many bytes as they announce.
pub(crate) fn read_answer(stream: &mut impl Read, has_body: bool) -> Answer {
    try_answer(stream, has_body).unwrap_or_else(|error| panic!("no answer: {error}"))
}

/// The same for a host that may be gone.
pub(crate) fn try_answer(stream: &mut impl Read, has_body: bool) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if !read_some(stream, &mut bytes)? {
            let words = format!("the answer ends in its headers: {:?}", String::from_utf8_lossy(&bytes));
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, words));
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut body = bytes.split_off(end + 4);
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("a header without a value: {line:?}")))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.filter(|_| has_body).map_or(0, |(_, length)| length.parse().unwrap());
    while body.len() < length && read_some(stream, &mut body)? {}
    if body.len() < length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the body is not whole"));
    }
    assert_eq!(body.len(), length, "something follows the answer");
    Ok(Answer { status, headers, body })
}

fn read_some(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 16 << 10];
    let count = stream.read(&mut buffer)?;
    bytes.extend(&buffer[..count]);
    Ok(count > 0)
}
