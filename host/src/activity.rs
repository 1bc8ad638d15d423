//! The latest requests, for the monitor.
//! In comes each request when it has ended; out go those that came after the last one that somebody saw.
//! It keeps no query, no header and no body, and a bounded number of requests.

use crate::names::{HandlerName, RequestId, ServiceName};
use crate::request::Kind;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Requests that are kept, 500: what a person can look through, in some hundred kilobytes.
pub const KEPT: usize = 500;

/// One request that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its number on this host; the first has 1.
    pub number: u64,
    /// The id that the log lines of all hosts have.
    pub id: RequestId,
    /// When it came.
    pub time: SystemTime,
    /// How it came.
    pub kind: Kind,
    /// Its method.
    pub method: String,
    /// Its path, cut to what a line of the log takes.
    pub path: String,
    /// What was found out about it.
    pub found: Found,
    /// The status of the answer; nothing: the caller went away.
    pub status: Option<u16>,
    /// Why it failed, in the words of the log.
    pub words: Option<String>,
}

/// Which request it was.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its id.
    pub id: &'a RequestId,
    /// When it came.
    pub time: SystemTime,
    /// How it came.
    pub kind: Kind,
    /// Its method.
    pub method: &'a str,
    /// Its path.
    pub path: &'a str,
}

/// What was found out about a request on its way.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The pattern of its route, if one was found.
    pub route: Option<Arc<str>>,
    /// The handler that its route names, here or on another host.
    pub handler: Option<HandlerName>,
    /// The version of the module that answered here.
    pub version: Option<Arc<str>>,
    /// The service that was asked for the answer.
    pub service: Option<ServiceName>,
    /// Where its time went.
    pub times: Spent,
}

/// Where the time of a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// All of it, until its answer was there.
    pub all: Duration,
    /// Waiting for a place among the workers.
    pub line: Option<Duration>,
    /// In its handler.
    pub handler: Option<Duration>,
    /// Waiting for another host.
    pub link: Option<Duration>,
}

/// The latest requests of a host.
#[derive(Default)]
pub struct Activity {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    last: u64,
    /// The oldest first.
    requests: VecDeque<Ended>,
}

impl Activity {
    /// Takes one up and gives it its number. `words`: why it failed.
    pub fn add(&self, request: Named<'_>, found: Found, status: Option<u16>, words: Option<&str>) {
        let mut kept = self.lock();
        kept.last += 1;
        let oldest = if kept.requests.len() >= KEPT { kept.requests.pop_front() } else { None };
        // The texts take the memory of the oldest: nothing is asked of the allocator for each request.
        let (method, path) = oldest.map(|oldest| (oldest.method, oldest.path)).unwrap_or_default();
        let ended = Ended {
            number: kept.last,
            id: request.id.clone(),
            time: request.time,
            kind: request.kind,
            method: put(method, request.method),
            path: put(path, crate::logging::cut(request.path)),
            found,
            status,
            words: words.map(str::to_owned),
        };
        kept.requests.push_back(ended);
    }

    /// Those that came after the one with this number, the oldest first, and the number of the newest. A number that is not yet
    /// given is from before a start of the host: then all are new.
    #[must_use]
    pub fn after(&self, number: u64) -> (Vec<Ended>, u64) {
        let kept = self.lock();
        let seen = if number > kept.last { 0 } else { number };
        let begin = kept.requests.partition_point(|ended| ended.number <= seen);
        (kept.requests.range(begin..).cloned().collect(), kept.last)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing below the lock can leave the list half changed.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text in memory that another one had.
fn put(mut memory: String, text: &str) -> String {
    memory.clear();
    memory.push_str(text);
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(activity: &Activity) {
        let (id, time) = (RequestId::random(), SystemTime::now());
        let request = Named { id: &id, time, kind: Kind::Rest, method: "GET", path: "/" };
        activity.add(request, Found::default(), Some(200), None);
    }

    #[test]
    fn what_was_seen_is_not_told_again() {
        let activity = Activity::default();
        let numbers = |after| activity.after(after).0.iter().map(|ended| ended.number).collect::<Vec<_>>();
        assert!(numbers(0).is_empty());
        assert_eq!(activity.after(7).1, 0, "the host was started anew");
        (0..3).for_each(|_| add(&activity));
        assert_eq!((numbers(0), numbers(2), numbers(3)), (vec![1, 2, 3], vec![3], vec![]));
        assert_eq!((numbers(7), activity.after(7).1), (vec![1, 2, 3], 3), "and so it was now");
    }

    #[test]
    fn the_oldest_make_room() {
        let activity = Activity::default();
        (0..KEPT + 2).for_each(|_| add(&activity));
        let (all, last) = activity.after(0);
        assert_eq!((all.len(), all[0].number, last), (KEPT, 3, 502));
    }
}
