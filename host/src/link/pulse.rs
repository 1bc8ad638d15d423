//! Is the other end still there?
//! In come the moments at which something was heard; out goes when to ask, and when to give up.
//! It knows no clock: every moment is told.

use std::time::Duration;
use tokio::time::Instant;

/// Silence after which the other end is asked for a sign.
pub(super) const ASK_AFTER: Duration = Duration::from_secs(1);
/// Silence after which the other end counts as gone: two signs missed, found within seconds, yet longer than any pause of
/// a busy host.
pub(super) const GONE_AFTER: Duration = Duration::from_secs(5);

/// The heartbeat of one end of a link.
#[derive(Debug)]
pub(super) struct Pulse {
    heard: Instant,
    asked: Option<Instant>,
    checked: Instant,
}

/// What the silence calls for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Silence {
    Fine,
    Ask,
    Gone,
}

impl Pulse {
    pub(super) fn new(now: Instant) -> Self {
        Self { heard: now, asked: None, checked: now }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.asked = None;
        self.checked = now;
    }

    pub(super) fn check(&mut self, now: Instant) -> Silence {
        let pause = now.saturating_duration_since(std::mem::replace(&mut self.checked, now));
        if pause >= GONE_AFTER {
            // It was this host that slept: what the other end sent meanwhile is not read yet.
            self.heard = now;
            self.asked = None;
        }
        if now >= self.heard + GONE_AFTER {
            return Silence::Gone;
        }
        if now >= self.next_question() {
            self.asked = Some(now);
            return Silence::Ask;
        }
        Silence::Fine
    }

    pub(super) fn next_wake(&self) -> Instant {
        self.next_question().min(self.heard + GONE_AFTER)
    }

    fn next_question(&self) -> Instant {
        self.asked.unwrap_or(self.heard) + ASK_AFTER
    }
}
