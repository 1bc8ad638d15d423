//! How long requests took.
//! In come lengths of time; out go the lengths below which a share of them stayed.
//! It keeps no single length: they are counted in cells that are at most a sixteenth of their length wide.

use histogram::{AtomicHistogram, Config, Histogram};
use std::time::Duration;

/// Cells for each doubling of the length, as a power of two, 4: a figure is right to 6 %, which is less than it changes from
/// one minute to the next, and all cells together take 3.4 KB.
const CELLS_POWER: u8 = 4;
/// The longest length that is told apart, as a power of two of microseconds, 30: eighteen minutes.
const LONGEST_POWER: u8 = 30;
const LONGEST: u64 = (1 << LONGEST_POWER) - 1;

// The compiler runs it, so no program can meet the panic.
const FORM: Config = match Config::new(CELLS_POWER, LONGEST_POWER) {
    Ok(form) => form,
    Err(_) => panic!("these powers are no form of a histogram"),
};

/// Counts lengths of time.
pub(super) struct Latency {
    cells: AtomicHistogram,
}

impl Default for Latency {
    fn default() -> Self {
        Self { cells: AtomicHistogram::with_config(&FORM) }
    }
}

impl Latency {
    pub(super) fn record(&self, took: Duration) {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(LONGEST).min(LONGEST);
        // It fits, so it is counted.
        let _ = self.cells.increment(microseconds);
    }

    pub(super) fn now(&self) -> Latencies {
        Latencies { cells: self.cells.load() }
    }
}

/// Lengths of time that were counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Latencies {
    cells: Histogram,
}

/// Two figures that tell how long requests took, in milliseconds; nothing where there was no request.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quantiles {
    /// Half of the requests took no longer.
    pub p50: Option<f64>,
    /// All but one in a hundred took no longer.
    pub p99: Option<f64>,
}

impl Latencies {
    /// What was counted since `before`.
    pub(super) fn since(&self, before: Option<&Self>) -> Self {
        let Some(before) = before else { return self.clone() };
        // Cells only grow, and both have the same form.
        Self { cells: self.cells.checked_sub(&before.cells).unwrap_or_else(|_| self.cells.clone()) }
    }

    /// The figures.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        Quantiles { p50: self.quantile(0.5), p99: self.quantile(0.99) }
    }

    fn quantile(&self, share: f64) -> Option<f64> {
        let cell = self.cells.quantile_bucket(share).ok()??;
        let microseconds = u32::try_from(cell.end()).unwrap_or(u32::MAX);
        Some(f64::from(microseconds) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_right_to_a_sixteenth() {
        let latency = Latency::default();
        assert_eq!(latency.now().quantiles(), Quantiles::default());
        for milliseconds in 1..=1000 {
            latency.record(Duration::from_millis(milliseconds));
        }
        let Quantiles { p50, p99 } = latency.now().quantiles();
        let (p50, p99) = (p50.unwrap(), p99.unwrap());
        assert!((500.0..=532.0).contains(&p50) && (990.0..=1053.0).contains(&p99), "{p50} {p99}");
    }

    #[test]
    fn lengths_beyond_the_last_cell_are_counted_in_it() {
        let latency = Latency::default();
        latency.record(Duration::MAX);
        assert_eq!(latency.now().quantiles().p99, Some(f64::from(u32::try_from(LONGEST).unwrap()) / 1000.0));
    }

    #[test]
    fn what_was_counted_before_is_left_out() {
        let latency = Latency::default();
        latency.record(Duration::from_secs(1));
        let before = latency.now();
        latency.record(Duration::from_millis(1));
        assert!(latency.now().since(Some(&before)).quantiles().p99.unwrap() < 1.1);
    }
}
