//! Numbers that requests raise and the monitor reads.
//! In come how each request ended and how long it took; out go totals, and what the last quarter of an hour brought.
//! It never looks at a request itself, and raising a number takes no lock.

mod history;
mod latency;

pub use history::{Step, Times};
pub use latency::{Latencies, Quantiles};

use history::History;
use latency::Latency;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// How many requests ended how, and how long they took, since something began.
#[derive(Default)]
pub struct Tally {
    requests: AtomicU64,
    errors: AtomicU64,
    caller_errors: AtomicU64,
    latency: Latency,
}

/// What a [`Tally`] had counted at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// All requests.
    pub requests: u64,
    /// Answers of 500 and more: the system's fault.
    pub errors: u64,
    /// Answers of 400 to 499: the caller's.
    pub caller_errors: u64,
    /// How long they took.
    pub latencies: Latencies,
}

impl Tally {
    /// Counts one request. `status`: that of its answer, or nothing where its caller went away.
    pub fn count(&self, status: Option<u16>, took: Duration) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match status {
            Some(500..) => {
                self.errors.fetch_add(1, Ordering::Relaxed);
            }
            Some(400..) => {
                self.caller_errors.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        self.latency.record(took);
    }

    /// What was counted until now.
    #[must_use]
    pub fn now(&self) -> Counted {
        Counted {
            requests: self.requests.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            caller_errors: self.caller_errors.load(Ordering::Relaxed),
            latencies: self.latency.now(),
        }
    }
}

/// The numbers of one host.
#[derive(Default)]
pub struct Counters {
    /// Every request that has a line in the log.
    pub all: Tally,
    history: Mutex<History>,
}

impl Counters {
    /// Ends a step of the history; to be called each [`Times::STEP`].
    pub fn step(&self, now: SystemTime) {
        let counted = self.all.now();
        self.history().step(counted, now);
    }

    /// What happened in the last quarter of an hour.
    #[must_use]
    pub fn times(&self) -> Times {
        self.history().times()
    }

    fn history(&self) -> MutexGuard<'_, History> {
        // Nothing below the lock can leave the history half changed.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
