//! How long does a question take to the other end and back?
//! In come the moments at which a question goes out and at which its sign comes; out go the time between them, and when to ask.
//! It knows no clock and no socket: every moment is told, and each question has a number by which its sign is known.

use std::time::Duration;
use tokio::time::Instant;

/// How long a figure is good for: then there is a new question, however much traffic there is. On a silent link the
/// heartbeat asks more often.
pub(super) const ASK_EVERY: Duration = Duration::from_secs(5);

/// The measurement of one connection.
#[derive(Debug, Default)]
pub(super) struct Trip {
    number: u64,
    /// When the question of this number went out, until its sign comes.
    asked: Option<Instant>,
    /// When there has to be a new figure.
    due: Option<Instant>,
}

impl Trip {
    /// The number of a question that goes out now. Where the sign of the one before has not come yet, it is asked again: the
    /// time is the first one's.
    pub(super) fn ask(&mut self, now: Instant) -> u64 {
        if self.asked.is_none() {
            self.number += 1;
            self.asked = Some(now);
        }
        self.number
    }

    /// A sign of this number came: how long it took, unless it is none of the question that waits.
    pub(super) fn sign(&mut self, number: u64, now: Instant) -> Option<Duration> {
        let asked = self.asked.take_if(|_| number == self.number)?;
        self.due = Some(now + ASK_EVERY);
        Some(now.saturating_duration_since(asked))
    }

    /// From now on a figure is wanted.
    pub(super) fn begin(&mut self, now: Instant) {
        self.due = Some(now);
    }

    /// When to ask. Nothing: no figure is wanted yet, or a question waits for its sign.
    pub(super) fn next_question(&self) -> Option<Instant> {
        self.due.filter(|_| self.asked.is_none())
    }
}
