//! What is known of a request when it has ended: a line in the log, an entry among the latest ones, one more in the numbers.
//! In come the request, what the steps of its journey find out, and its outcome; out go line, entry and number, once each.
//! A request whose caller went away has them, too; no query, header or body is in any of them.

use super::Dispatch;
use super::line::Line;
use crate::activity::{Found, Named, Spent};
use crate::failure::{Failure, Fault};
use crate::handler::Module;
use crate::names::{RequestId, ServiceName};
use crate::request::{Kind, Request};
use crate::response::Response;
use crate::router::{Decision, NoRoute, Table};
use crate::telemetry::{Ended, Step, Steps};
use crate::trace::Trace;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// What is known of one request.
pub(super) struct Record<'a> {
    dispatch: &'a Dispatch,
    pub(super) request: &'a Arc<Request>,
    /// The service that a handler asked by name, or of a group's members this one.
    asked: Option<&'a ServiceName>,
    found: Found,
    /// The module whose handler ran, if one ran here.
    ran: Option<Arc<Module>>,
    /// Those of its steps that are to be spans.
    steps: Steps,
    begun: SystemTime,
    started: Instant,
    is_written: bool,
}

/// A step of a request that takes time.
#[derive(Clone, Copy)]
pub(super) enum Waits {
    Line,
    Handler,
    Link,
}

impl<'a> Record<'a> {
    pub(super) fn new(dispatch: &'a Dispatch, request: &'a Arc<Request>, asked: Option<&'a ServiceName>) -> Self {
        Self {
            dispatch,
            request,
            asked,
            found: Found { service: asked.cloned(), ..Found::default() },
            ran: None,
            steps: Steps::default(),
            begun: SystemTime::now(),
            started: Instant::now(),
            is_written: false,
        }
    }

    /// Its route was found.
    pub(super) fn found(&mut self, decision: &Decision<'_>) {
        self.found.route = Some(Arc::clone(&decision.entry.uri));
        self.found.handler.clone_from(&decision.entry.handler);
    }

    /// No route takes it. Where that is not the fault of its path, the route that it was meant for is known.
    pub(super) fn misses(&mut self, table: &Table, none: NoRoute) -> NoRoute {
        let Request { kind, method, path, .. } = &**self.request;
        if none != NoRoute::UnknownPath {
            self.found.route = table.nearest(*kind, method, path).map(|entry| Arc::clone(&entry.uri));
        }
        none
    }

    /// It runs in a handler of this module.
    pub(super) fn runs(&mut self, module: &Arc<Module>) {
        self.ran = Some(Arc::clone(module));
    }

    /// It is asked of this service.
    pub(super) fn asks(&mut self, service: &ServiceName) {
        self.found.service = Some(service.clone());
    }

    /// The version of the module that answered here.
    pub(super) fn version(&self) -> Option<Arc<str>> {
        self.ran.as_ref().map(|module| Arc::clone(module.version()))
    }

    /// The trace of a step that begins now: a span of its own, where somebody is to see it.
    pub(super) fn begin(&mut self, step: Waits) -> Trace {
        let trace = &self.request.trace;
        if self.dispatch.telemetry.is_none() || !trace.is_sampled {
            return trace.clone();
        }
        let trace = trace.child();
        let place = match step {
            Waits::Line => &mut self.steps.line,
            Waits::Handler => &mut self.steps.handler,
            Waits::Link => &mut self.steps.link,
        };
        *place = Some(Step { span: trace.span, after: self.started.elapsed() });
        trace
    }

    /// Notes how long a step takes that begins now and ends when the watch is dropped: one that is given up took its time, too.
    pub(super) fn watch(&mut self, waits: Waits) -> Watch<'_> {
        let place = match waits {
            Waits::Line => &mut self.found.times.line,
            Waits::Handler => &mut self.found.times.handler,
            Waits::Link => &mut self.found.times.link,
        };
        Watch { place, started: Instant::now() }
    }

    /// Writes everything down. Who is to look at it decides how loud the line is.
    pub(super) fn write(&mut self, outcome: &Result<Response, Failure>) {
        match outcome {
            Ok(response) => self.end(Some(response.status), None, false),
            Err(failure) => {
                let words = crate::logging::one_line(failure.operator.as_deref().unwrap_or(&failure.caller));
                self.end(Some(failure.status), Some(&words), failure.fault == Fault::System);
            }
        }
    }

    fn end(&mut self, status: Option<u16>, words: Option<&str>, is_ours: bool) {
        self.is_written = true;
        let took = self.started.elapsed();
        self.dispatch.counters.count(self.request.kind, status, took);
        let mut found = std::mem::take(&mut self.found);
        found.times.all = took;
        if let Some(module) = &self.ran {
            let ran = found.times.handler.unwrap_or_default();
            module.tally.count(status, ran);
            self.dispatch.counters.modules.of(&module.name).count(status, ran);
            found.version = Some(Arc::clone(module.version()));
        }
        let Request { id, kind, method, path, trace, .. } = &**self.request;
        let request = Named { id, time: self.begun, kind: *kind, method, path };
        let ended = Ended {
            request,
            trace,
            asked: self.asked,
            is_own_question: self.request.is_own_question(),
            found: &found,
            took,
            status,
            error: words,
        };
        self.dispatch.tell(&ended, &self.steps, is_ours);
        self.dispatch.activity.add(request, found, status, words);
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if !self.is_written {
            self.end(None, None, false);
        }
    }
}

/// A request that was refused before it was whole.
pub struct Refused<'a> {
    /// Its id.
    pub id: &'a RequestId,
    /// How it came.
    pub kind: Kind,
    /// Its method.
    pub method: &'a str,
    /// Its path.
    pub path: &'a str,
    /// When it came.
    pub started: Instant,
    /// The trace that it brought, or a new one.
    pub trace: &'a Trace,
}

impl Dispatch {
    /// Decides whether a trace is kept, where this host has a say in it.
    pub(super) fn judge(&self, trace: &mut Trace) {
        if let Some(telemetry) = &self.telemetry {
            trace.decide(telemetry.keeps(trace));
        }
    }

    /// Tells the log of a request that has ended, and whoever gathers traces.
    fn tell(&self, ended: &Ended<'_>, steps: &Steps, is_ours: bool) {
        Line(ended).write(is_ours);
        if let Some(telemetry) = self.telemetry.as_ref().filter(|_| ended.trace.is_sampled) {
            telemetry.add(ended, steps);
        }
    }

    /// Writes down a request that the listener refused: one too large, for instance.
    pub fn refuse(&self, request: &Refused<'_>, failure: &Failure) {
        let Refused { id, kind, method, path, started, trace } = *request;
        let words = crate::logging::one_line(failure.operator.as_deref().unwrap_or(&failure.caller));
        let (status, took, error) = (Some(failure.status), started.elapsed(), Some(words.as_ref()));
        self.counters.count(kind, status, took);
        let time = SystemTime::now().checked_sub(took).unwrap_or(SystemTime::UNIX_EPOCH);
        let route = self.glance().table.nearest(kind, method, path).map(|entry| Arc::clone(&entry.uri));
        let found = Found { route, times: Spent { all: took, ..Spent::default() }, ..Found::default() };
        let request = Named { id, time, kind, method, path };
        let mut trace = trace.clone();
        self.judge(&mut trace);
        let (asked, is_own_question, trace, found_out) = (None, false, &trace, &found);
        let ended = Ended { request, trace, asked, is_own_question, found: found_out, took, status, error };
        self.tell(&ended, &Steps::default(), failure.fault == Fault::System);
        self.activity.add(request, found, status, error);
    }
}

/// Notes how long a step took when it ends, also when it is given up.
pub(super) struct Watch<'a> {
    place: &'a mut Option<Duration>,
    started: Instant,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        *self.place = Some(self.started.elapsed());
    }
}
