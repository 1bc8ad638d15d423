//! An operator who has signed in, and a client.
//! In come a port and the name of a view; out goes an open stream that is read to its end by a thread of its own.
//! It looks at nothing of what it reads.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread::spawn;

/// The password that a host has until config.json says another one.
const PASSWORD: &str = r#"{"password": "keepThisSecret!"}"#;

/// Who has signed in.
pub(super) struct Operator {
    port: u16,
    cookie: String,
}

/// A stream; dropping it ends it.
pub(super) struct Stream(TcpStream);

impl Operator {
    pub(super) fn sign_in(port: u16) -> Self {
        let head = "POST /qewd-monitor/api/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                    Content-Type: application/json\r\n";
        let answer = exchange(port, &format!("{head}Content-Length: {}\r\n\r\n{PASSWORD}", PASSWORD.len()));
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("it is signed in");
        Self { port, cookie: cookie.split(';').next().unwrap_or_default().to_owned() }
    }

    pub(super) fn watch(&self, view: &str) -> Stream {
        let cookie = &self.cookie;
        let head = format!("GET /qewd-monitor/api/live/{view} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
        let stream = connect(self.port, &head);
        let mut reading = stream.try_clone().expect("a second handle");
        spawn(move || {
            let mut bytes = [0; 16 << 10];
            while matches!(reading.read(&mut bytes), Ok(count) if count > 0) {}
        });
        Stream(stream)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

/// Asks once, on a connection of its own.
pub(super) fn ask(port: u16, path: &str) {
    exchange(port, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
}

fn exchange(port: u16, request: &str) -> String {
    let mut answer = String::new();
    connect(port, request).read_to_string(&mut answer).expect("the host answers");
    answer
}

fn connect(port: u16, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the host listens");
    stream.write_all(request.as_bytes()).expect("the host reads");
    stream
}
