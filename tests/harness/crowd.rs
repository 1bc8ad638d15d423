//! Many clients that keep asking on kept connections, and check each answer.
//! In comes a port, a path and what a right answer is; out goes how many there were, and every wrong one.
//! It never opens a connection again: one that ends is a wrong answer.

use super::client::{Answer, raw, read_answer};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Wrong answers that are kept to be shown.
const SHOWN: usize = 5;

/// What the clients have seen.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    answers: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

/// Clients that ask until they are told to stop.
pub(crate) struct Crowd {
    seen: Arc<Seen>,
    clients: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// So many clients, each on one connection. `is_right` says whether an answer is right.
    pub(crate) fn start(
        size: usize,
        port: u16,
        path: &str,
        is_right: impl Fn(&Answer) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::sending("GET", size, port, path, is_right)
    }

    /// The same with POST, and without a body.
    pub(crate) fn posting(
        size: usize,
        port: u16,
        path: &str,
        is_right: impl Fn(&Answer) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::sending("POST", size, port, path, is_right)
    }

    fn sending(
        method: &str,
        size: usize,
        port: u16,
        path: &str,
        is_right: impl Fn(&Answer) -> bool + Send + Sync + 'static,
    ) -> Self {
        let (seen, is_right) = (Arc::new(Seen::default()), Arc::new(is_right));
        let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        let client = |_| {
            let (seen, is_right, request) = (Arc::clone(&seen), Arc::clone(&is_right), request.clone());
            std::thread::spawn(move || ask(&seen, port, &request, &*is_right))
        };
        let clients = (0..size).map(client).collect();
        Self { seen, clients }
    }

    /// Ends, and returns how many answers there were. Fails the test if one was wrong, or if a client gave up.
    pub(crate) fn end(self) -> usize {
        self.seen.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client was not answered");
        }
        let wrong = self.seen.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{} wrong answers, such as {:#?}", wrong.len(), wrong.iter().take(SHOWN));
        self.seen.answers.load(Ordering::Relaxed)
    }
}

fn ask(seen: &Seen, port: u16, request: &str, is_right: &dyn Fn(&Answer) -> bool) {
    let mut stream = raw(port, b"");
    while !seen.stop.load(Ordering::Relaxed) {
        stream.write_all(request.as_bytes()).unwrap();
        let answer = read_answer(&mut stream, true);
        seen.answers.fetch_add(1, Ordering::Relaxed);
        if !is_right(&answer) {
            seen.wrong.lock().unwrap().push(answer.shown().chars().take(300).collect());
        }
    }
}
