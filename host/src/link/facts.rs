//! What is known of a link: what it is doing, since when, and how well.
//! In come what happens to it and the time; out goes one record, which hangs together.
//! It has no clock and no socket.

use super::frame::Welcome;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// What a link is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Not connected, and why.
    Down(String),
    /// The service takes requests.
    Ready(Welcome),
}

/// What is known of a link at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFacts {
    /// What it is doing.
    pub state: LinkState,
    /// Since when it is ready, or down: another reason why it is down, or other handlers of the service, change nothing.
    pub since: SystemTime,
    /// How often it was ready again after the first time.
    pub reconnects: u64,
    /// How long a question takes to the service and back, with the time that it waits behind what is being sent; as it was
    /// measured last, a few seconds ago at most. None: it is down, or the first question is on its way.
    pub round_trip: Option<Duration>,
    /// When the service has said goodbye, if it was not ready since.
    pub(super) goodbye: Option<Instant>,
    /// Whether it was ever ready.
    was_ready: bool,
}

impl LinkFacts {
    /// Of a link that has not tried to connect yet.
    pub(super) fn new(why: &str, now: SystemTime) -> Self {
        Self {
            state: LinkState::Down(why.to_owned()),
            since: now,
            reconnects: 0,
            round_trip: None,
            goodbye: None,
            was_ready: false,
        }
    }

    pub(super) fn down(&mut self, why: String, now: SystemTime) {
        if self.is_ready() {
            self.since = now;
        }
        self.round_trip = None;
        self.state = LinkState::Down(why);
    }

    /// The service stops in good order.
    pub(super) fn leaving(&mut self, now: Instant) {
        self.goodbye = Some(now);
    }

    /// Returns whether it is so again.
    pub(super) fn ready(&mut self, welcome: Welcome, now: SystemTime) -> bool {
        self.since = now;
        self.goodbye = None;
        self.reconnects += u64::from(self.was_ready);
        self.round_trip = None;
        self.state = LinkState::Ready(welcome);
        std::mem::replace(&mut self.was_ready, true)
    }

    /// Other handlers of a service that is ready. What it said of itself then, if it is.
    pub(super) fn offers(&mut self, handlers: Vec<String>) -> Option<Welcome> {
        let LinkState::Ready(welcome) = &mut self.state else { return None };
        welcome.handlers = handlers;
        Some(welcome.clone())
    }

    /// A sign of a service that is leaving may come when it counts as down.
    pub(super) fn measured(&mut self, round_trip: Duration) {
        if self.is_ready() {
            self.round_trip = Some(round_trip);
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, LinkState::Ready(_))
    }
}
