//! The latest requests of this host, and the latest lines of its log.
//! In come the numbers that the caller has seen; out goes what came after them.
//! It has no query, header or body of any request.

use super::{Monitor, length, milliseconds, query};
use crate::activity::Ended;
use crate::logging::Line;
use crate::names::{HandlerName, ServiceName};
use crate::request::Kind;
use serde_json::{Value, json};

/// Requests, and lines, that are told at one time: the newest 500 of each.
const TOLD: usize = 500;
/// Bytes of texts in them that are told at one time, 1 MiB of each: paths and lines may be long, and who wants to fill a page
/// with them needs no session for that.
const TOLD_BYTES: usize = 1 << 20;

pub(super) fn activity(monitor: &Monitor, query: &str) -> Value {
    let seen = (query::number(query, "requests"), query::number(query, "lines"));
    let (requests, last_request) = monitor.seen.dispatch.activity.after(seen.0);
    let (lines, last_line) = crate::logging::recent(seen.1);
    let requests = newest(requests, |ended| ended.path.len() + ended.words.as_ref().map_or(0, String::len));
    let lines = newest(lines, |line| line.text.len());
    json!({
        "requests": requests.iter().map(request).collect::<Vec<_>>(),
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
        "last": {"request": last_request, "line": last_line},
    })
}

/// The newest that fit.
fn newest<T>(mut all: Vec<T>, size: impl Fn(&T) -> usize) -> Vec<T> {
    let mut room = TOLD_BYTES;
    let fits = |one: &&T| {
        let left = room.checked_sub(size(one));
        room = left.unwrap_or(0);
        left.is_some()
    };
    let count = all.iter().rev().take(TOLD).take_while(fits).count();
    let too_many = all.len() - count;
    all.drain(..too_many);
    all
}

fn request(ended: &Ended) -> Value {
    let found = &ended.found;
    let kind = match ended.kind {
        Kind::Rest => "rest",
        Kind::Service => "service",
        Kind::Message => "message",
        Kind::Monitor => "monitor",
    };
    json!({
        "number": ended.number, "id": ended.id.as_str(), "time": milliseconds(ended.time), "kind": kind,
        "method": ended.method, "path": ended.path, "route": found.route.as_deref(),
        "handler": found.handler.as_ref().map(HandlerName::as_str), "version": found.version.as_deref(),
        "host": found.service.as_ref().map(ServiceName::as_str), "status": ended.status,
        "took": length(found.times.all), "line": found.times.line.map(length),
        "running": found.times.handler.map(length), "link": found.times.link.map(length), "words": ended.words,
    })
}

fn line(line: &Line) -> Value {
    json!({
        "number": line.number, "time": milliseconds(line.time), "level": line.level, "request": (!line.request.is_empty()).then_some(&line.request),
        "text": line.text,
    })
}
