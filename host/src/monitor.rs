//! The monitor: what this host does and did, and what its operator can do about it.
//! In come requests below `/qewd-monitor`, as plain data, and questions of other hosts' monitors; out go the page, the JSON
//! behind it, and streams of that.
//! It never answers a request for the application, and changes nothing without a session that began with the password.

mod gate;
mod door;
mod page;
mod actions;
mod documents;
mod live;
mod views;
mod overview;
mod settings;
mod links;
mod handlers;
mod routes;
mod clients;
mod activity;
mod fleet;
mod afar;
mod query;

pub use live::Events;

use crate::configuration::Secret;
use crate::counters::Times;
use crate::dispatch::Dispatch;
use crate::edition::Edition;
use crate::failure::Failure;
use crate::presence::Presence;
use crate::process::Meter;
use crate::request::{MONITOR_PATH, Request};
use crate::response::{JSON, Response};
use crate::store::Documents;
use bytes::Bytes;
use gate::Gate;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use views::View;

/// Streams at one time, 64: a few operators with a few pages each. One that is open costs a view each second.
const STREAMS: usize = 64;

/// What the monitor looks at, and the two words about the end of the host.
pub struct Seen {
    /// Requests, workers, routes, links.
    pub dispatch: Arc<Dispatch>,
    /// Documents.
    pub documents: Arc<Documents>,
    /// Who is connected.
    pub presence: Arc<Presence>,
    /// The port that the host listens on.
    pub port: u16,
    /// The one on which the monitor is, if not on that.
    pub management_port: Option<u16>,
    /// Says that the host is about to stop.
    pub drain: CancellationToken,
    /// Says that the host stops.
    pub stop: CancellationToken,
    /// Tells whoever runs the host that an operator wants it to stop.
    pub stop_wanted: CancellationToken,
}

/// The monitor of one host.
pub struct Monitor {
    seen: Seen,
    gate: Gate,
    meter: Meter,
    started: SystemTime,
    streams: Arc<Semaphore>,
}

/// What a request is answered.
pub enum Answer {
    /// At once.
    Whole(Response),
    /// As a stream of events.
    Stream(Events),
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self::Whole(response)
    }
}

impl Monitor {
    /// The monitor of a host that has just started.
    #[must_use]
    pub fn new(seen: Seen) -> Self {
        let (gate, streams) = (Gate::default(), Arc::new(Semaphore::new(STREAMS)));
        Self { seen, gate, meter: Meter::default(), started: SystemTime::now(), streams }
    }

    /// Counts time: ends a step of the history whenever one is over, until the host stops.
    pub async fn keep_time(self: Arc<Self>) {
        let mut steps = interval(Times::STEP);
        // After a pause of the machine, one long step tells more than many empty ones.
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.seen.stop.cancelled() => return,
                _ = steps.tick() => {}
            }
            self.meter.step();
            self.seen.dispatch.counters.step(SystemTime::now());
            self.forget_modules();
        }
    }

    /// Modules that are gone keep their names for a while only.
    fn forget_modules(&self) {
        let edition = self.seen.dispatch.edition();
        let has_file = |name: &str| edition.catalog.modules().any(|module| &*module.name == name);
        self.seen.dispatch.counters.modules.forget(has_file, Instant::now());
    }

    /// Answers a request for a path below [`MONITOR_PATH`]. `is_secure`: it came over TLS.
    pub async fn answer(self: &Arc<Self>, request: Request, is_secure: bool) -> Answer {
        let below = request.path.strip_prefix(MONITOR_PATH).unwrap_or_default();
        let Some(api) = below.strip_prefix("/api/") else {
            return page::answer(&request, below).into();
        };
        match self.api(api, &request, is_secure).await.unwrap_or_else(|failure| tell(&request, failure).into()) {
            Answer::Whole(response) => Answer::Whole(not_kept(response)),
            events @ Answer::Stream(_) => events,
        }
    }

    async fn api(self: &Arc<Self>, path: &str, request: &Request, is_secure: bool) -> Result<Answer, Failure> {
        if !door::only_looks(request) {
            door::check_origin(request)?;
        }
        if path == "session" {
            return self.session(request, is_secure).await.map(Answer::from);
        }
        let session = self.signed_in(request).ok_or_else(door::sign_in_first)?;
        let segments: Vec<&str> = path.split('/').collect();
        if let ["live", name] = segments[..]
            && let Some(view) = View::named(name)
        {
            door::check_looks(request)?;
            return self.stream(view, &request.query, session).map(Answer::Stream);
        }
        if let Some(view) = View::named(path) {
            door::check_looks(request)?;
            return self.view(view, &request.query).await.map(|text| with_json(text).into());
        }
        self.check_is_meant(&request.query)?;
        match segments[..] {
            ["routes", "decide"] => {
                door::check_looks(request)?;
                self.decide(&request.query).map(|value| json(&value).into())
            }
            ["documents", ..] => self.document(&segments, request).await.map(Answer::from),
            _ => self.act(&segments, request).await.map(Answer::from),
        }
    }

    /// Only views are those of other hosts: what is meant for one of them must not be done to this one.
    fn check_is_meant(&self, query: &str) -> Result<(), Failure> {
        match query::value(query, "host").filter(|host| *host != *self.edition().application) {
            None => Ok(()),
            Some(host) => {
                Err(Failure::caller(400, format!("Sign in at {host} itself: over links there are only views")))
            }
        }
    }

    /// Answers the monitor of another host, which has shown that it has the secret. It only looks.
    pub async fn answer_host(&self, request: &Request) -> Response {
        let view = View::named(request.path.trim_start_matches('/')).filter(|view| view.is_told_to_hosts());
        let answered = match view {
            _ if !self.edition().configuration.settings.monitor => {
                Err(Failure::caller(404, "This host has no monitor"))
            }
            Some(view) => self.look(view, &request.query).await,
            None => Err(Failure::caller(404, "This host has no such view; run the same version of qewd on both hosts")),
        };
        answered.map_or_else(Response::from, with_json)
    }

    fn edition(&self) -> Arc<Edition> {
        self.seen.dispatch.edition()
    }

    /// The password that holds now.
    fn password(&self) -> Secret {
        self.edition().configuration.settings.management_password.clone()
    }
}

/// A failure goes into the log only where the operator has to mend something: what callers do wrong, they are told.
fn tell(request: &Request, failure: Failure) -> Response {
    if let Some(words) = &failure.operator {
        let words = crate::logging::one_line(words);
        tracing::warn!(request = request.id.as_str(), "monitor: {} -> {}: {words}", request.path, failure.status);
    }
    failure.into()
}

fn json(value: &serde_json::Value) -> Response {
    with_json(value.to_string().into_bytes())
}

fn with_json(text: Vec<u8>) -> Response {
    Response { status: 200, headers: vec![("content-type".to_owned(), JSON.to_owned())], body: Bytes::from(text) }
}

/// What the API tells is true for a moment and for who asked: nobody is to keep it, or to take it for something else than JSON.
fn not_kept(mut response: Response) -> Response {
    let headers = [("cache-control", "no-store"), ("x-content-type-options", "nosniff")];
    response.headers.extend(headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    response
}

/// A moment as the API tells it: milliseconds since 1970.
fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A length of time as the API tells it: milliseconds, to the microsecond.
fn length(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
