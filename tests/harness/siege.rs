//! Clients that ask for the same thing again and again, mostly a hostile one, while the test does something else.
//! In come a host, the path and what it answers, always; out go the ids of the clients' requests.
//! The clients go away when the test's own part is over, also when that failed.

use super::client::read_answer;
use super::host::{Host, PATIENCE, wait_until};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often the test's own part runs at least.
const ROUNDS: usize = 10;
/// Between two rounds: enough of them fit beside a hostile request, and the log stays one that people can read.
const PACE: Duration = Duration::from_millis(10);
/// How many answers the clients get at least, for each of them: the second ones show what the first ones left behind.
const ANSWERS: usize = 2;

/// More clients than threads that run handlers, so that the hostile ones cannot each have a thread to themselves.
pub(crate) fn clients() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).max(2) + 1
}

/// Several clients at one host, all with the same question.
pub(crate) struct Siege<'a> {
    host: &'a Host,
    path: &'a str,
    answer: &'a str,
    over: AtomicBool,
    begun: AtomicUsize,
    answered: AtomicUsize,
}

impl<'a> Siege<'a> {
    pub(crate) fn new(host: &'a Host, path: &'a str, answer: &'a str) -> Self {
        let (begun, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { host, path, answer, over: AtomicBool::new(false), begun, answered }
    }

    /// Runs `meanwhile` again and again, from when every client has asked until all were answered several times.
    /// Returns the ids of the clients' requests.
    pub(crate) fn during(&self, mut meanwhile: impl FnMut()) -> Vec<String> {
        self.around(|| {
            let deadline = Instant::now() + PATIENCE;
            let mut rounds = 0;
            while rounds < ROUNDS || self.answered.load(Ordering::Relaxed) < ANSWERS * clients() {
                assert!(Instant::now() < deadline, "the clients of {} were not answered in time", self.path);
                meanwhile();
                rounds += 1;
                std::thread::sleep(PACE);
            }
        })
    }

    /// Runs `part` once, when every client has asked, and then sends them away.
    /// Returns the ids of the clients' requests.
    pub(crate) fn around(&self, part: impl FnOnce()) -> Vec<String> {
        std::thread::scope(|scope| {
            let asking: Vec<_> = (0..clients()).map(|client| scope.spawn(move || self.ask(client))).collect();
            let lifted = Lifted(&self.over);
            wait_until("every client has asked", || self.begun.load(Ordering::Relaxed) >= clients());
            part();
            drop(lifted);
            asking.into_iter().flat_map(|client| client.join().unwrap()).collect()
        })
    }

    /// One client: it asks until the siege is over.
    fn ask(&self, client: usize) -> Vec<String> {
        let mut ids = Vec::new();
        while !self.over.load(Ordering::Relaxed) {
            let id = format!("siege-{client}-{}", ids.len());
            let mut waiting = self.host.get(self.path).header("X-Request-Id", &id).begin();
            self.begun.fetch_add(1, Ordering::Relaxed);
            let shown = read_answer(&mut waiting, true).shown_without_id();
            assert_eq!(shown, self.answer, "{id}");
            self.answered.fetch_add(1, Ordering::Relaxed);
            ids.push(id);
        }
        ids
    }
}

/// Sends the clients away when dropped: a test that failed must not wait for them for ever.
struct Lifted<'a>(&'a AtomicBool);

impl Drop for Lifted<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
