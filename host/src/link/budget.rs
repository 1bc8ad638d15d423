//! How many requests of one service may be asked of a second instance.
//! In comes each request and each wish for a second try; out goes whether it is granted.
//! It knows no time: what is asked earns what may be asked again.

/// Second tries that may come at once, 100: what an instance of common size has in flight when it is lost.
const BURST: u32 = 100;
/// Requests that earn one second try, 10: over time the instances that are left get a tenth more at most, so second tries
/// never are what brings them down.
const REQUESTS_FOR_ONE: u32 = 10;

/// The second tries of one service.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// Each second try costs [`REQUESTS_FOR_ONE`] of these.
    earned: u32,
}

impl Budget {
    /// A full one.
    pub(super) fn new() -> Self {
        Self { earned: BURST * REQUESTS_FOR_ONE }
    }

    /// A request was asked for the first time.
    pub(super) fn earn(&mut self) {
        self.earned = (self.earned + 1).min(BURST * REQUESTS_FOR_ONE);
    }

    /// Whether a second try is granted now.
    pub(super) fn spend(&mut self) -> bool {
        let left = self.earned.checked_sub(REQUESTS_FOR_ONE);
        self.earned = left.unwrap_or(self.earned);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_is_granted_and_then_one_in_ten() {
        let mut budget = Budget::new();
        budget.earn();
        assert!((0..BURST).all(|_| budget.spend()));
        assert!(!budget.spend());
        for _ in 0..3 {
            (0..9).for_each(|_| budget.earn());
            assert!(!budget.spend());
            budget.earn();
            assert!(budget.spend());
        }
    }

    proptest! {
        #[test]
        fn second_tries_never_are_more_than_a_tenth_and_a_burst(asks in proptest::collection::vec(any::<bool>(), 0..5000)) {
            let mut budget = Budget::new();
            let (mut requests, mut granted) = (0, 0);
            for fails in asks {
                budget.earn();
                requests += 1;
                granted += u32::from(fails && budget.spend());
                prop_assert!(granted <= BURST + requests / REQUESTS_FOR_ONE);
            }
        }
    }
}
