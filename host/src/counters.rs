//! Numbers that requests raise, and the monitor and the metrics read.
//! In come how each request ended and how long it took; out go totals, and what the last quarter of an hour brought.
//! It never looks at a request itself, and raising a number takes no lock.

mod history;
mod latency;
mod modules;

pub use history::{Step, Times};
pub use latency::{Buckets, Latencies, Quantiles};
pub use modules::Modules;

use crate::request::Kind;
use arc_swap::ArcSwap;
use history::History;
use latency::Latency;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// How many requests ended how, and how long they took, since something began.
#[derive(Default)]
pub struct Tally {
    given_up: AtomicU64,
    successes: AtomicU64,
    redirects: AtomicU64,
    caller_errors: AtomicU64,
    errors: AtomicU64,
    latency: Latency,
}

/// What a [`Tally`] had counted at a moment. Each number only grows: none is made of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// Requests whose caller went away.
    pub given_up: u64,
    /// Answers of 200 to 299.
    pub successes: u64,
    /// Answers of 300 to 399.
    pub redirects: u64,
    /// Answers of 400 to 499: the caller's fault.
    pub caller_errors: u64,
    /// Answers of 500 and more: the system's.
    pub errors: u64,
    /// How long they took.
    pub latencies: Latencies,
}

impl Tally {
    /// Counts one request. `status`: that of its answer, or nothing where its caller went away.
    pub fn count(&self, status: Option<u16>, took: Duration) {
        let ending = match status {
            None => &self.given_up,
            Some(500..) => &self.errors,
            Some(400..) => &self.caller_errors,
            Some(300..) => &self.redirects,
            Some(_) => &self.successes,
        };
        ending.fetch_add(1, Ordering::Relaxed);
        self.latency.record(took);
    }

    /// What was counted until now.
    #[must_use]
    pub fn now(&self) -> Counted {
        Counted {
            given_up: self.given_up.load(Ordering::Relaxed),
            successes: self.successes.load(Ordering::Relaxed),
            redirects: self.redirects.load(Ordering::Relaxed),
            caller_errors: self.caller_errors.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            latencies: self.latency.now(),
        }
    }
}

impl Counted {
    /// All requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.given_up + self.successes + self.redirects + self.caller_errors + self.errors
    }

    /// What both had counted.
    #[must_use]
    fn and(&self, other: &Self) -> Self {
        Self {
            given_up: self.given_up + other.given_up,
            successes: self.successes + other.successes,
            redirects: self.redirects + other.redirects,
            caller_errors: self.caller_errors + other.caller_errors,
            errors: self.errors + other.errors,
            latencies: self.latencies.and(&other.latencies),
        }
    }
}

/// Numbers that are kept under names, each from its first mention on: so what is counted never goes back.
pub struct Named<T> {
    all: ArcSwap<BTreeMap<Arc<str>, Arc<T>>>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { all: ArcSwap::default() }
    }
}

impl<T: Default> Named<T> {
    /// The numbers under this name.
    #[must_use]
    pub fn of(&self, name: &str) -> Arc<T> {
        if let Some(known) = self.all.load().get(name) {
            return Arc::clone(known);
        }
        let new = Arc::<T>::default();
        // Somebody else may enter the same name meanwhile: the first one stays.
        self.all.rcu(|all| {
            let mut all = BTreeMap::clone(all);
            all.entry(name.into()).or_insert_with(|| Arc::clone(&new));
            all
        });
        self.all.load().get(name).map_or(new, Arc::clone)
    }

    /// Drops a name. Whoever has its numbers may count on, and nobody will read it.
    fn forget(&self, name: &str) {
        self.all.rcu(|all| {
            let mut all = BTreeMap::clone(all);
            all.remove(name);
            all
        });
    }

    /// Everything, by name.
    #[must_use]
    pub fn all(&self) -> Arc<BTreeMap<Arc<str>, Arc<T>>> {
        self.all.load_full()
    }
}

/// The numbers of one host.
#[derive(Default)]
pub struct Counters {
    /// Requests of REST clients, those among them that other hosts sent on.
    pub rest: Tally,
    /// Questions of handlers.
    pub service: Tally,
    /// Messages of WebSocket clients.
    pub message: Tally,
    /// Of each module how its requests ended and how long they ran, whichever version served them.
    pub modules: Modules,
    /// Of each service how often a link to an instance of it was ready again after it had been down.
    pub reconnects: Named<AtomicU64>,
    /// Changes of files that were put into service.
    pub reloads_taken: AtomicU64,
    /// Changes of files that could not serve.
    pub reloads_refused: AtomicU64,
    history: Mutex<History>,
}

impl Counters {
    /// Counts a request that has its line in the log.
    pub fn count(&self, kind: Kind, status: Option<u16>, took: Duration) {
        let tally = match kind {
            Kind::Rest | Kind::Monitor => &self.rest,
            Kind::Service => &self.service,
            Kind::Message => &self.message,
        };
        tally.count(status, took);
    }

    /// Every request that has a line in the log.
    #[must_use]
    pub fn together(&self) -> Counted {
        self.rest.now().and(&self.service.now()).and(&self.message.now())
    }

    /// Ends a step of the history; to be called each [`Times::STEP`].
    pub fn step(&self, now: SystemTime) {
        let counted = self.together();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_numbers_and_together_they_are_all() {
        let (counters, took) = (Counters::default(), Duration::from_millis(1));
        for (kind, status) in [
            (Kind::Rest, Some(200)),
            (Kind::Rest, Some(304)),
            (Kind::Service, Some(404)),
            (Kind::Message, Some(503)),
            (Kind::Message, None),
        ] {
            counters.count(kind, status, took);
        }
        let all = counters.together();
        let ends = (all.successes, all.redirects, all.caller_errors, all.errors, all.given_up);
        assert_eq!((ends, all.requests()), ((1, 1, 1, 1, 1), 5));
        assert_eq!((counters.rest.now().requests(), counters.message.now().requests()), (2, 2));
        assert_eq!(all.latencies.buckets().count, 5);
    }

    #[test]
    fn a_name_keeps_its_numbers() {
        let named = Named::<AtomicU64>::default();
        named.of("a").fetch_add(1, Ordering::Relaxed);
        named.of("b").fetch_add(5, Ordering::Relaxed);
        named.of("a").fetch_add(1, Ordering::Relaxed);
        let all: Vec<(String, u64)> =
            named.all().iter().map(|(name, number)| (name.to_string(), number.load(Ordering::Relaxed))).collect();
        assert_eq!(all, [("a".to_owned(), 2), ("b".to_owned(), 5)]);
    }
}
