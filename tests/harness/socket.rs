//! A WebSocket client as a browser or a program would be one, without any code of the program's.
//! In come messages; out come the host's, in their order.
//! A message that does not come in time fails the test.

use super::host::Host;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, HandshakeError, Message, WebSocket, client};

const PATIENCE: Duration = Duration::from_secs(15);

/// A connected client.
pub(crate) struct Socket {
    socket: WebSocket<TcpStream>,
    /// The newest token.
    pub(crate) token: Option<String>,
}

impl Socket {
    /// Connects to `/ws`.
    pub(crate) fn open(host: &Host) -> Self {
        Self::open_with(host, &[]).unwrap_or_else(|refused| panic!("refused: {:?}", refused.status()))
    }

    /// Connects with these headers; the answer in place of the upgrade, if it is refused.
    pub(crate) fn open_with(host: &Host, headers: &[(&str, &str)]) -> Result<Self, Box<Response>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, host.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!("ws://localhost:{}/ws", host.port).into_client_request().unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        match client(request, stream) {
            Ok((socket, _)) => Ok(Self { socket, token: None }),
            Err(HandshakeError::Failure(Error::Http(response))) => Err(response),
            Err(other) => panic!("no upgrade: {other}"),
        }
    }

    /// Connects and registers for an application.
    pub(crate) fn registered(host: &Host, application: &str) -> Self {
        let mut socket = Self::open(host);
        socket.register(application);
        socket
    }

    pub(crate) fn register(&mut self, application: &str) {
        let answer = self.ask(json!({"type": "ewd-register", "application": application, "jwt": true}));
        assert_eq!((&answer["type"], &answer["finished"]), (&json!("ewd-register"), &json!(true)), "{answer}");
        assert!(self.token.is_some(), "{answer}");
    }

    pub(crate) fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    pub(crate) fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).unwrap();
    }

    /// Sends a message with the newest token, unless it has one of its own.
    pub(crate) fn send(&mut self, mut message: Value) {
        if let (Some(token), None) = (&self.token, message.get("token")) {
            message["token"] = token.as_str().into();
        }
        self.send_text(&message.to_string());
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> Value {
        loop {
            match self.socket.read().unwrap_or_else(|error| panic!("no message: {error}")) {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    let token = message["message"]["token"].as_str().or(message["token"].as_str());
                    self.token = token.map(str::to_owned).or(self.token.take());
                    return message;
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not a text: {other:?}"),
            }
        }
    }

    /// Sends a message and returns the next that comes.
    pub(crate) fn ask(&mut self, message: Value) -> Value {
        self.send(message);
        self.next()
    }

    /// Waits until the host closes, and returns its words.
    pub(crate) fn closed(&mut self) -> Option<CloseFrame> {
        loop {
            match self.socket.read() {
                Ok(Message::Close(frame)) => return frame,
                Ok(_) => {}
                Err(Error::ConnectionClosed) => return None,
                Err(error) => panic!("not closed in order: {error}"),
            }
        }
    }

    /// Says goodbye.
    pub(crate) fn leave(&mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        self.socket.close(Some(frame)).unwrap();
    }

    /// Sends a message again and again, reading what comes, until the host closes; not more often than this.
    pub(crate) fn flood(&mut self, message: &Value, most: usize) -> CloseFrame {
        for _ in 0..most {
            self.send(message.clone());
            match self.socket.read().unwrap_or_else(|error| panic!("not closed in order: {error}")) {
                Message::Close(frame) => return frame.unwrap(),
                Message::Text(_) => {}
                other => panic!("{other:?}"),
            }
        }
        panic!("{most} messages did not end the socket")
    }

    /// Goes away without a word.
    pub(crate) fn vanish(self) {
        drop(self);
    }
}

/// A message without what differs each time: tokens, request ids and times.
pub(crate) fn bare(mut message: Value) -> Value {
    message.as_object_mut().unwrap().retain(|name, _| !["responseTime", "requestId", "token"].contains(&name.as_str()));
    if let Some(inner) = message["message"].as_object_mut() {
        inner.remove("token");
    }
    message
}
