//! Figures of many measured times: the best, the median, the worst, and how far they lie apart.
//! In come times; out go single ones of them, and words for a table.
//! It never leaves a time out.

use std::time::Duration;

/// Measured times, sorted.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// These times.
    #[must_use]
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that this part of all others does not exceed: 0.5 for the median, 0.99 for the 99th percentile.
    #[must_use]
    pub fn part(&self, part: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
        let place = (last as f64 * part).round() as usize;
        self.0.get(place).copied().unwrap_or_default()
    }

    /// The shortest.
    #[must_use]
    pub fn best(&self) -> Duration {
        self.part(0.0)
    }

    /// Half of them are not longer.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.part(0.5)
    }

    /// The longest.
    #[must_use]
    pub fn worst(&self) -> Duration {
        self.part(1.0)
    }

    /// How noisy it was: by how many percent the median exceeds the best.
    #[must_use]
    pub fn noise(&self) -> String {
        let best = self.best().as_secs_f64();
        if best == 0.0 {
            "-".to_owned()
        } else {
            format!("{:.0} %", (self.median().as_secs_f64() / best - 1.0) * 100.0)
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// A time with its unit.
#[must_use]
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        0.1.. => format!("{seconds:.2} s"),
        1e-3.. => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{:.1} µs", seconds * 1e6),
    }
}

/// A time in milliseconds.
#[must_use]
pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// How many times as long one takes as the other.
#[must_use]
pub fn ratio(one: Duration, other: Duration) -> String {
    if other.is_zero() { "-".to_owned() } else { format!("{:.2}", one.as_secs_f64() / other.as_secs_f64()) }
}

/// KiB as MiB.
#[must_use]
pub fn mebibytes(kibibytes: i64) -> String {
    format!("{:.1} MiB", kibibytes as f64 / 1024.0)
}
