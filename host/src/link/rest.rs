//! Whether one instance of a service is in use, rests, or is to be tried again, as a state machine.
//! In come the outcomes of its requests and the time; out goes where it stands.
//! It has no clock and no dice, and a request that began before the last change says nothing any more.

use std::time::Duration;
use tokio::time::Instant;

/// Failures in a row after which an instance rests, 3: one may be the request's own, and a lost link brings several at once.
const FAILURES: u32 = 3;
/// The first rest: short, since most troubles are.
const REST_LEAST: Duration = Duration::from_millis(250);
/// The longest rest: an instance that is well again is back within seconds.
const REST_MOST: Duration = Duration::from_secs(5);

/// Where an instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    InUse,
    /// It has rested: one request may find out how it is.
    Due,
    Resting,
}

/// How a request ended, as far as it says something of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was answered, with whatever status.
    Answered,
    /// The instance did not do its part.
    Failed {
        /// Whether another one is in use: the last one never rests.
        others: bool,
    },
    /// It says nothing: it was given up, or never sent.
    Nothing,
}

/// What an outcome changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It rests now, for so long.
    Rests(Duration),
    BackInUse,
}

/// A request's part in it, from its beginning to its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    /// [`Rest::changes`] when it began.
    changes: u64,
    probes: bool,
}

/// The rests of one instance.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Failures in a row while it is in use.
    failures: u32,
    resting: Option<Resting>,
    /// Counts the changes, so that outcomes of requests from before the last one are passed over: a lost link brings
    /// many failures that are one.
    changes: u64,
}

#[derive(Debug)]
struct Resting {
    until: Instant,
    /// Before the random part is taken off.
    length: Duration,
    /// A request is on its way to find out.
    probed: bool,
}

impl Rest {
    pub(super) fn standing(&self, now: Instant) -> Standing {
        match &self.resting {
            None => Standing::InUse,
            Some(resting) if resting.probed || now < resting.until => Standing::Resting,
            Some(_) => Standing::Due,
        }
    }

    /// A request begins; where the instance is due, this one finds out.
    pub(super) fn begin(&mut self, now: Instant) -> Ticket {
        let probes = self.standing(now) == Standing::Due;
        if let Some(resting) = self.resting.as_mut() {
            resting.probed |= probes;
        }
        Ticket { changes: self.changes, probes }
    }

    /// A request has ended. `part` is drawn from 0 to 1: which part of the half of a rest that is left to chance.
    pub(super) fn end(&mut self, ticket: Ticket, outcome: Outcome, now: Instant, part: f64) -> Option<Change> {
        if ticket.changes != self.changes {
            return None;
        }
        match (outcome, self.resting.as_mut()) {
            (Outcome::Answered, None) => {
                self.failures = 0;
                None
            }
            (Outcome::Answered, Some(_)) => {
                self.change(None);
                Some(Change::BackInUse)
            }
            (Outcome::Failed { others }, None) => {
                self.failures = self.failures.saturating_add(1);
                (self.failures >= FAILURES && others).then(|| self.rest(REST_LEAST, now, part))
            }
            (Outcome::Failed { .. }, Some(resting)) => {
                let length = (resting.length * 2).min(REST_MOST);
                Some(self.rest(length, now, part))
            }
            (Outcome::Nothing, resting) => {
                if let Some(resting) = resting.filter(|_| ticket.probes) {
                    resting.probed = false;
                }
                None
            }
        }
    }

    fn rest(&mut self, length: Duration, now: Instant, part: f64) -> Change {
        // Half of it is left to chance: many hosts that found the same trouble do not come back together.
        let rest = length.mul_f64(0.5 + part / 2.0);
        self.change(Some(Resting { until: now + rest, length, probed: false }));
        Change::Rests(rest)
    }

    fn change(&mut self, to: Option<Resting>) {
        self.resting = to;
        self.failures = 0;
        self.changes += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A rest, as long as it can be.
    fn fail(rest: &mut Rest, now: Instant) -> Option<Change> {
        let ticket = rest.begin(now);
        rest.end(ticket, Outcome::Failed { others: true }, now, 1.0)
    }

    fn resting(now: Instant) -> Rest {
        let mut rest = Rest::default();
        assert_eq!((0..FAILURES).find_map(|_| fail(&mut rest, now)), Some(Change::Rests(REST_LEAST)));
        rest
    }

    #[test]
    fn failures_in_a_row_rest_it_and_an_answer_between_them_does_not() {
        let (mut rest, now) = (Rest::default(), Instant::now());
        for _ in 0..10 {
            assert_eq!((1..FAILURES).find_map(|_| fail(&mut rest, now)), None);
            let ticket = rest.begin(now);
            assert_eq!(rest.end(ticket, Outcome::Answered, now, 0.0), None);
        }
        assert_eq!((1..FAILURES).find_map(|_| fail(&mut rest, now)), None);
        assert_eq!(fail(&mut rest, now), Some(Change::Rests(REST_LEAST)));
        assert_eq!(rest.standing(now), Standing::Resting);
    }

    #[test]
    fn one_request_finds_out_and_its_answer_brings_it_back() {
        let now = Instant::now();
        let mut rest = resting(now);
        let later = now + REST_LEAST;
        assert_eq!(rest.standing(later), Standing::Due);
        let probe = rest.begin(later);
        assert_eq!(rest.standing(later), Standing::Resting, "one is enough");
        assert_eq!(rest.end(probe, Outcome::Answered, later, 0.0), Some(Change::BackInUse));
        assert_eq!(rest.standing(later), Standing::InUse);
    }

    #[test]
    fn each_failed_try_doubles_the_rest_up_to_the_longest() {
        let mut now = Instant::now();
        let mut rest = resting(now);
        let mut rests = Vec::new();
        for _ in 0..7 {
            now += REST_MOST;
            match fail(&mut rest, now) {
                Some(Change::Rests(time)) => rests.push(time.as_millis()),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(rests, [500, 1000, 2000, 4000, 5000, 5000, 5000]);
    }

    #[test]
    fn a_try_that_was_given_up_leaves_the_next_one_its_turn() {
        let now = Instant::now();
        let mut rest = resting(now);
        let later = now + REST_LEAST;
        let probe = rest.begin(later);
        assert_eq!(rest.end(probe, Outcome::Nothing, later, 0.0), None);
        assert_eq!(rest.standing(later), Standing::Due);
    }

    #[test]
    fn requests_from_before_the_rest_say_nothing_any_more() {
        let now = Instant::now();
        let mut rest = Rest::default();
        let old: Vec<Ticket> = (0..100).map(|_| rest.begin(now)).collect();
        let changes: Vec<Change> =
            old.into_iter().filter_map(|ticket| rest.end(ticket, Outcome::Failed { others: true }, now, 1.0)).collect();
        assert_eq!(changes, [Change::Rests(REST_LEAST)]);
        let stale = Ticket { changes: 0, probes: false };
        assert_eq!(rest.end(stale, Outcome::Answered, now, 0.0), None);
        assert_eq!(rest.standing(now), Standing::Resting);
    }

    #[test]
    fn the_last_one_in_use_never_rests() {
        let (mut rest, now) = (Rest::default(), Instant::now());
        for _ in 0..100 {
            let ticket = rest.begin(now);
            assert_eq!(rest.end(ticket, Outcome::Failed { others: false }, now, 0.0), None);
        }
        assert_eq!(rest.standing(now), Standing::InUse);
        assert_eq!(fail(&mut rest, now), Some(Change::Rests(REST_LEAST)), "as soon as another is in use, it does");
    }

    #[derive(Debug, Clone)]
    enum Step {
        Begin,
        End(usize, Outcome),
        Pass(u64),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let failed = any::<bool>().prop_map(|others| Outcome::Failed { others });
        let outcome = prop_oneof![Just(Outcome::Answered), failed, Just(Outcome::Nothing)];
        prop_oneof![
            Just(Step::Begin),
            (any::<usize>(), outcome).prop_map(|(which, outcome)| Step::End(which, outcome)),
            (0_u64..3000).prop_map(Step::Pass),
        ]
    }

    proptest! {
            /// Whatever happens, a rest ends in time, and once all requests have ended an answer brings the instance back.
            #[test]
            fn no_instance_is_lost_for_ever(steps in proptest::collection::vec(any_step(), 0..200), part in 0.0..1.0) {
                let (mut rest, mut now, mut open) = (Rest::default(), Instant::now(), Vec::new());
                for step in steps {
                    match step {
                        Step::Begin => open.push(rest.begin(now)),
                        Step::End(..) if open.is_empty() => {}
                        Step::End(which, outcome) => {
                            let before = rest.standing(now);
                            let ticket = open.swap_remove(which % open.len());
                            match rest.end(ticket, outcome, now, part) {
                                Some(Change::Rests(time)) => {
                                    let Outcome::Failed { others } = outcome else { panic!("rests without a failure") };
    prop_assert!((REST_LEAST / 2..=REST_MOST).contains(&time));
                                    prop_assert!(others || before != Standing::InUse);
                                }
                                Some(Change::BackInUse) => prop_assert!(before != Standing::InUse),
                                None => {}
                            }
                        }
                        Step::Pass(milliseconds) => now += Duration::from_millis(milliseconds),
                    }
                }
                for ticket in open {
                    rest.end(ticket, Outcome::Nothing, now, part);
                }
                now += REST_MOST;
                prop_assert!(rest.standing(now) != Standing::Resting);
                let ticket = rest.begin(now);
                rest.end(ticket, Outcome::Answered, now, part);
                prop_assert_eq!(rest.standing(now), Standing::InUse);
            }
        }
}
