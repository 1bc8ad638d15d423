//! Requests: how many ended how, and how long they took.
//! In come the counters of the host; out go families with the kind of the request and the class of its status as labels.
//! No route, no client and no single status is a label: of these there may be ever more.

use super::family::{Families, float};
use crate::counters::{Counted, Counters};
use crate::health::Health;

/// The classes of statuses, with what was counted of each.
pub(super) fn by_status(counted: &Counted) -> [(&'static str, u64); 5] {
    [
        ("2xx", counted.successes),
        ("3xx", counted.redirects),
        ("4xx", counted.caller_errors),
        ("5xx", counted.errors),
        ("none", counted.given_up),
    ]
}

pub(super) fn add(families: &mut Families, health: &Health) {
    let Counters { rest, service, message, .. } = &*health.dispatch().counters;
    let kinds = [("rest", rest.now()), ("service", service.now()), ("message", message.now())];
    let mut family = families.counter(
        "qewd_requests_total",
        "Requests that ended, by kind (REST, questions of handlers, messages of sockets) and by the class of the answer's \
         status; none: the caller went away.",
    );
    for (kind, counted) in &kinds {
        for (status, count) in by_status(counted) {
            family = family.count(&[("kind", kind), ("status", status)], float(count));
        }
    }
    family.end();
    let mut family = families.histogram(
        "qewd_request_duration_seconds",
        "How long requests took from their arrival to their answer, by kind.",
    );
    for (kind, counted) in &kinds {
        family = family.lengths(&[("kind", kind)], &counted.latencies);
    }
    family.end();
}
