//! How fast one client may send.
//! In come the moments of its messages; out goes whether each one is in time.
//! It knows no clock: every moment is told.

use std::time::Duration;
use tokio::time::Instant;

/// Seconds' worth of messages that may come at once.
const BURST_SECONDS: u32 = 2;

/// The pace of one client, by the generic cell rate algorithm (ITU-T I.371): one moment says it all.
#[derive(Debug)]
pub(super) struct Pace {
    each: Duration,
    /// When all that came would have come at an even pace.
    even: Instant,
}

impl Pace {
    /// At most so many messages per second, and twice as many at once.
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        Self { each: Duration::from_secs(1) / per_second.max(1), even: now }
    }

    /// Whether one more message may come now.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let next = self.even.max(now) + self.each;
        let fits = next <= now + Duration::from_secs(BURST_SECONDS.into());
        if fits {
            self.even = next;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_pace_holds() {
        let start = Instant::now();
        let mut pace = Pace::new(10, start);
        let allowed = (0..100).filter(|_| pace.allows(start)).count();
        assert_eq!(allowed, 20);
        let later = start + Duration::from_millis(550);
        assert_eq!((0..100).filter(|_| pace.allows(later)).count(), 5);
        let rested = start + Duration::from_secs(60);
        assert_eq!((0..100).filter(|_| pace.allows(rested)).count(), 20);
    }
}
