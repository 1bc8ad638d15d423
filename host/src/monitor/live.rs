//! Views as streams of events, in the form of server-sent events (HTML Living Standard, 9.2).
//! In come a view and the session of who looks; out goes the view whenever it has changed, and a last word at the end.
//! It never outlives its session or the host, and says the same twice only in the sign of life.

use super::Monitor;
use super::gate::Session;
use super::query;
use super::views::View;
use crate::failure::Failure;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, unfold};
use serde::Deserialize;
use serde_json::json;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

/// How often a view is looked at, 1 s: as fast as a person reads.
const PACE: Duration = Duration::from_secs(1);
/// Silence after which a sign of life is sent, 4 s: a page so knows within seconds that a host is frozen, whose connections
/// stay open.
const SIGN_AFTER: Duration = Duration::from_secs(4);

/// Events, as bytes for the wire. It ends by itself.
pub type Events = BoxStream<'static, Bytes>;

/// One stream between two events.
struct Stream {
    monitor: Arc<Monitor>,
    view: View,
    query: String,
    session: Session,
    ticks: Interval,
    /// The hash of what was sent last: a stream that is not read should not hold it twice.
    sent: Option<u64>,
    /// When anything was.
    spoke: Instant,
    /// Whether the view could not be told last.
    is_troubled: bool,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

/// How far an activity has been told.
#[derive(Deserialize)]
struct Told {
    last: Last,
}

#[derive(Deserialize)]
struct Last {
    request: u64,
    line: u64,
}

impl Monitor {
    /// A view as a stream.
    pub(super) fn stream(self: &Arc<Self>, view: View, query: &str, session: Session) -> Result<Events, Failure> {
        let place = Arc::clone(&self.streams).try_acquire_owned();
        let words = "Too many pages look at this host; close some of them";
        let place = place.map_err(|_| Failure::caller(503, words).with_header("retry-after", "5"))?;
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (monitor, query, now) = (Arc::clone(self), query.to_owned(), Instant::now());
        let (sent, is_troubled, is_over) = (None, false, false);
        let stream =
            Stream { monitor, view, query, session, ticks, sent, spoke: now, is_troubled, is_over, _place: place };
        Ok(unfold(stream, Stream::next).boxed())
    }
}

impl Stream {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if self.is_over {
            return None;
        }
        loop {
            let event = tokio::select! {
                biased;
                () = self.monitor.seen.stop.cancelled() => Some(self.bye("stopping")),
                () = self.session.ended.cancelled() => Some(self.bye("signed out")),
                _ = self.ticks.tick() => self.look().await,
            };
            if let Some(event) = event {
                self.spoke = Instant::now();
                return Some((event, self));
            }
        }
    }

    /// What there is to say now, if there is anything.
    async fn look(&mut self) -> Option<Bytes> {
        let is_served = self.monitor.edition().configuration.settings.monitor;
        if !is_served || !self.monitor.gate.touch(&self.session, &self.monitor.password()) {
            return Some(self.bye("signed out"));
        }
        let looked = self.monitor.view(self.view, &self.query).await;
        let (kind, text) = match looked {
            Ok(text) => ("message", text),
            Err(failure) => ("trouble", json!({"error": failure.caller}).to_string().into_bytes()),
        };
        // After trouble even an activity without news is news: the trouble is over.
        let was_troubled = std::mem::replace(&mut self.is_troubled, kind == "trouble");
        let moves_on = self.is_troubled || self.view != View::Activity || self.moves_on(&text);
        let hash = Some(hash_of(&text));
        if (moves_on || was_troubled) && hash != self.sent {
            self.sent = hash;
            return Some(event(kind, &text));
        }
        (self.spoke.elapsed() >= SIGN_AFTER).then(|| event("alive", b"{}"))
    }

    /// Notes how far the activity was told. Returns whether that is any further.
    fn moves_on(&mut self, text: &[u8]) -> bool {
        let Ok(Told { last }) = serde_json::from_slice(text) else { return true };
        let before = (query::number(&self.query, "requests"), query::number(&self.query, "lines"));
        let host = query::value(&self.query, "host").into_iter().map(|host| ("host", host));
        let at = query::value(&self.query, "at").into_iter().map(|at| ("at", at));
        let cursor = [("requests", last.request.to_string()), ("lines", last.line.to_string())];
        let mut query = form_urlencoded::Serializer::new(String::new());
        self.query = query.extend_pairs(cursor.into_iter().chain(host).chain(at)).finish();
        self.sent.is_none() || before != (last.request, last.line)
    }

    fn bye(&mut self, why: &str) -> Bytes {
        self.is_over = true;
        event("bye", json!({"why": why}).to_string().as_bytes())
    }
}

fn hash_of(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// JSON has no line breaks unless it is made pretty, so it is one line of data.
fn event(kind: &str, text: &[u8]) -> Bytes {
    let mut event = Vec::with_capacity(text.len() + 32);
    event.extend_from_slice(b"event: ");
    event.extend_from_slice(kind.as_bytes());
    event.extend_from_slice(b"\ndata: ");
    event.extend_from_slice(text);
    event.extend_from_slice(b"\n\n");
    event.into()
}
