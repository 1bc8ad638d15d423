//! How long a link waits between its tries to connect.
//! In comes nothing; out go the waits, one after the other, for ever.
//! It has no clock, and never gives up.

use backon::BackoffBuilder as _;
use std::time::Duration;

/// The shortest wait before the next try.
const BACKOFF_LEAST: Duration = Duration::from_millis(100);
/// The longest wait before its random part is added, see [`waits`]: a service that comes back is to be reached within two
/// seconds.
pub(super) const BACKOFF_MOST: Duration = Duration::from_millis(700);

/// The waits between tries: doubled from the least to the most, each with a random part so that many hosts that lost one
/// service do not come back at once. The library adds up to one wait again, so the longest is 1.4 s.
pub(super) fn waits() -> impl Iterator<Item = Duration> {
    backon::ExponentialBuilder::default()
        .with_min_delay(BACKOFF_LEAST)
        .with_max_delay(BACKOFF_MOST)
        .without_max_times()
        .with_jitter()
        .build()
}
