//! How long requests took.
//! In come lengths of time; out go the lengths below which a share of them stayed, and how many stayed below fixed ones.
//! It keeps no single length: they are counted in cells that are at most a sixteenth of their length wide.

use histogram::{AtomicHistogram, Config, Histogram};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Cells for each doubling of the length, as a power of two, 4: a figure is right to 6 %, which is less than it changes from
/// one minute to the next, and all cells together take 3.4 KB.
const CELLS_POWER: u8 = 4;
/// The longest length that is told apart, as a power of two of microseconds, 30: eighteen minutes.
const LONGEST_POWER: u8 = 30;
const LONGEST: u64 = (1 << LONGEST_POWER) - 1;
/// The bounds of the buckets, as powers of two of microseconds, 7 to 25: 128 µs, which few handlers stay below, to 33.6 s, which is
/// longer than the usual time of a request. Cells end at powers of two, so each bucket is exact.
const BUCKET_POWERS: RangeInclusive<u32> = 7..=25;

// The compiler runs it, so no program can meet the panic.
const FORM: Config = match Config::new(CELLS_POWER, LONGEST_POWER) {
    Ok(form) => form,
    Err(_) => panic!("these powers are no form of a histogram"),
};

/// Counts lengths of time.
pub(super) struct Latency {
    cells: AtomicHistogram,
    /// Microseconds of all of them.
    sum: AtomicU64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { cells: AtomicHistogram::with_config(&FORM), sum: AtomicU64::new(0) }
    }
}

impl Latency {
    pub(super) fn record(&self, took: Duration) {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(LONGEST).min(LONGEST);
        // It fits, so it is counted.
        let _ = self.cells.increment(microseconds);
        self.sum.fetch_add(microseconds, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Latencies {
        Latencies { cells: self.cells.load(), sum: self.sum.load(Ordering::Relaxed) }
    }
}

/// Lengths of time that were counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Latencies {
    cells: Histogram,
    sum: u64,
}

/// How many lengths of time stayed below fixed ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets {
    /// A bound in microseconds, and how many stayed below it; the shortest first.
    pub below: Vec<(u64, u64)>,
    /// How many there were.
    pub count: u64,
    /// Microseconds of all of them.
    pub sum: u64,
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
        let cells = self.cells.checked_sub(&before.cells).unwrap_or_else(|_| self.cells.clone());
        Self { cells, sum: self.sum.saturating_sub(before.sum) }
    }

    /// What both had counted.
    pub(super) fn and(&self, other: &Self) -> Self {
        // Both have the same form, and no host lives long enough to fill a cell.
        let cells = self.cells.checked_add(&other.cells).unwrap_or_else(|_| self.cells.clone());
        Self { cells, sum: self.sum.saturating_add(other.sum) }
    }

    /// How many stayed below fixed lengths.
    #[must_use]
    pub fn buckets(&self) -> Buckets {
        let (mut below, mut count, mut powers) = (Vec::new(), 0, BUCKET_POWERS.peekable());
        for cell in &self.cells {
            if let Some(power) = powers.next_if(|power| cell.start() >= 1 << power) {
                below.push((1 << power, count));
            }
            count += cell.count();
        }
        Buckets { below, count, sum: self.sum }
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
    fn buckets_are_exact_at_their_bounds() {
        let latency = Latency::default();
        for microseconds in [0, 127, 128, 1023, 1024, 33_554_431, 33_554_432, u64::MAX] {
            latency.record(Duration::from_micros(microseconds));
        }
        let buckets = latency.now().buckets();
        let at = |bound: u64| buckets.below.iter().find(|(of, _)| *of == bound).unwrap().1;
        assert_eq!((at(128), at(256), at(1024), at(2048), at(33_554_432)), (2, 3, 4, 5, 6));
        assert_eq!((buckets.below.len(), buckets.count), (19, 8));
        assert!(buckets.below.is_sorted() && buckets.sum > 1 << 30, "{buckets:?}");
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
