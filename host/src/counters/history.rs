//! What each step of the last quarter of an hour brought.
//! In come totals, one for each step; out go the differences between them, and those of the whole time.
//! It has no clock: whoever ends a step says when that was.

use super::Counted;
use super::latency::{Latencies, Quantiles};
use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Steps that are kept, 180: a quarter of an hour.
const KEPT: usize = 180;
/// Steps between two totals with all latencies, 12: a minute. For the figures of the whole time a minute is exact enough, and
/// each of these totals takes 3.4 KB.
const MARK: u64 = 12;

/// What one step brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Requests that ended in it.
    pub requests: u64,
    /// Of these, answers of 500 and more.
    pub errors: u64,
    /// Of these, answers of 400 to 499.
    pub caller_errors: u64,
    /// How long they took.
    pub took: Quantiles,
}

/// The last quarter of an hour.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// When the last step ended.
    pub ended: SystemTime,
    /// The oldest first.
    pub steps: Vec<Step>,
    /// How long all requests of these steps took; those of up to a minute more are in it.
    pub took: Quantiles,
}

impl Times {
    /// How long a step is.
    pub const STEP: Duration = Duration::from_secs(5);
}

pub(super) struct History {
    ended: SystemTime,
    steps: VecDeque<Step>,
    count: u64,
    last: Option<Counted>,
    /// Latencies at the ends of some steps, the oldest first.
    marks: VecDeque<Latencies>,
}

impl Default for History {
    fn default() -> Self {
        Self { ended: UNIX_EPOCH, steps: VecDeque::new(), count: 0, last: None, marks: VecDeque::new() }
    }
}

impl History {
    pub(super) fn step(&mut self, now: Counted, ended: SystemTime) {
        let before = self.last.as_ref();
        let since = |now: u64, before: Option<u64>| now.saturating_sub(before.unwrap_or(0));
        let step = Step {
            requests: since(now.requests(), before.map(Counted::requests)),
            errors: since(now.errors, before.map(|before| before.errors)),
            caller_errors: since(now.caller_errors, before.map(|before| before.caller_errors)),
            took: now.latencies.since(before.map(|before| &before.latencies)).quantiles(),
        };
        if self.steps.len() >= KEPT {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
        self.count += 1;
        if self.count.is_multiple_of(MARK) {
            // Until there is one for each minute and one more, all that was ever counted lies within the time.
            if self.marks.len() > KEPT / 12 {
                self.marks.pop_front();
            }
            self.marks.push_back(now.latencies.clone());
        }
        (self.ended, self.last) = (ended, Some(now));
    }

    pub(super) fn times(&self) -> Times {
        let before = self.marks.front().filter(|_| self.marks.len() > KEPT / 12);
        let took = self.last.as_ref().map(|last| last.latencies.since(before).quantiles());
        Times { ended: self.ended, steps: self.steps.iter().copied().collect(), took: took.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tally;
    use super::*;

    fn at(step: u64) -> SystemTime {
        UNIX_EPOCH + Times::STEP * u32::try_from(step).unwrap()
    }

    #[test]
    fn each_step_has_what_it_brought() {
        let (tally, mut history) = (Tally::default(), History::default());
        tally.count(Some(200), Duration::from_millis(1));
        tally.count(Some(503), Duration::from_millis(1));
        history.step(tally.now(), at(1));
        tally.count(Some(404), Duration::from_millis(100));
        tally.count(None, Duration::from_millis(100));
        history.step(tally.now(), at(2));
        history.step(tally.now(), at(3));
        let Times { ended, steps, took } = history.times();
        let counts: Vec<_> = steps.iter().map(|step| (step.requests, step.errors, step.caller_errors)).collect();
        assert_eq!((ended, counts), (at(3), vec![(2, 1, 0), (2, 0, 1), (0, 0, 0)]));
        let [first, second, third] = steps[..] else { panic!("{steps:?}") };
        assert!(first.took.p99.unwrap() < 1.1 && second.took.p50.unwrap() > 99.0 && third.took.p50.is_none());
        assert!(took.p50.unwrap() < 1.1 && took.p99.unwrap() > 99.0);
    }

    #[test]
    fn what_is_older_than_a_quarter_of_an_hour_is_forgotten() {
        let (tally, mut history) = (Tally::default(), History::default());
        tally.count(Some(200), Duration::from_secs(10));
        let steps = u64::try_from(KEPT).unwrap() + 2 * MARK;
        for step in 1..=steps {
            tally.count(Some(200), Duration::from_millis(1));
            history.step(tally.now(), at(step));
            assert!(history.marks.len() <= KEPT / 12 + 1);
        }
        let Times { steps, took, .. } = history.times();
        assert_eq!((steps.len(), steps[0].requests), (KEPT, 1));
        assert!(took.p99.unwrap() < 1.1, "{took:?}");
    }
}
