//! Which instance of a service gets a request.
//! In comes what is known of each instance; out goes the number of one of them.
//! It keeps nothing, and draws with the dice that it is given.

use super::rest::Standing;

/// What the choice has to know of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its link takes requests.
    pub(super) ready: bool,
    pub(super) standing: Standing,
    /// Requests in flight.
    pub(super) load: usize,
}

/// Chooses among the candidates that are ready. One that is due is tried, where `may_try` allows it; else it is the one
/// with less in flight of two that are drawn among those in use. Where none is in use, resting ones are better than none.
/// `draw` gives a number below the one that it is given.
pub(super) fn choose(candidates: &[Candidate], may_try: bool, mut draw: impl FnMut(usize) -> usize) -> Option<usize> {
    let ready = |standing: &[Standing]| -> Vec<(usize, usize)> {
        let numbered = candidates.iter().enumerate();
        let fit = numbered.filter(|(_, candidate)| candidate.ready && standing.contains(&candidate.standing));
        fit.map(|(number, candidate)| (number, candidate.load)).collect()
    };
    if let Some((number, _)) = ready(&[Standing::Due]).first().filter(|_| may_try) {
        return Some(*number);
    }
    let mut among = ready(&[Standing::InUse]);
    if among.is_empty() {
        among = ready(&[Standing::Due, Standing::Resting]);
    }
    if among.is_empty() {
        return None;
    }
    let first = among.swap_remove(draw(among.len()));
    if among.is_empty() {
        return Some(first.0);
    }
    let second = among.swap_remove(draw(among.len()));
    // The first was drawn by chance, so a tie is decided by chance.
    Some(if second.1 < first.1 { second.0 } else { first.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(ready: bool, standing: Standing, load: usize) -> Candidate {
        Candidate { ready, standing, load }
    }

    fn in_use(load: usize) -> Candidate {
        candidate(true, Standing::InUse, load)
    }

    fn any_candidate() -> impl Strategy<Value = Candidate> {
        let standing = prop_oneof![Just(Standing::InUse), Just(Standing::Due), Just(Standing::Resting)];
        (any::<bool>(), standing, 0_usize..4).prop_map(|(ready, standing, load)| candidate(ready, standing, load))
    }

    #[test]
    fn of_two_the_one_with_less_to_do_is_chosen() {
        for draws in [[0, 0], [1, 0]] {
            let mut dice = draws.into_iter();
            assert_eq!(choose(&[in_use(3), in_use(2)], true, |_| dice.next().unwrap()), Some(1));
        }
        let first = |_: usize| 0;
        assert_eq!(choose(&[in_use(2), in_use(2)], true, first), Some(0));
        let mut dice = [1, 0].into_iter();
        assert_eq!(choose(&[in_use(2), in_use(2)], true, |_| dice.next().unwrap()), Some(1));
    }

    #[test]
    fn one_that_is_due_is_tried_but_not_by_a_second_try() {
        let all = [in_use(0), candidate(true, Standing::Due, 9)];
        assert_eq!(choose(&all, true, |_| 0), Some(1));
        assert_eq!(choose(&all, false, |_| 0), Some(0));
    }

    #[test]
    fn many_draws_spread_over_all() {
        let all = [in_use(1); 5];
        let mut seen = [0; 5];
        for _ in 0..5000 {
            seen[choose(&all, true, |below| rand::random_range(0..below)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (700..1300).contains(count)), "{seen:?}");
    }

    proptest! {
        #[test]
        fn whoever_is_ready_can_be_chosen_and_resting_ones_only_when_nobody_else_is(
            all in proptest::collection::vec(any_candidate(), 0..6), may_try: bool, dice: [usize; 2]
        ) {
            let mut dice = dice.into_iter();
            let chosen = choose(&all, may_try, |below| dice.next().unwrap() % below);
            prop_assert_eq!(chosen.is_some(), all.iter().any(|candidate| candidate.ready));
            let Some(chosen) = chosen.map(|number| all[number]) else { return Ok(()) };
            prop_assert!(chosen.ready);
            let better = all.iter().any(|other| {
                other.ready && (other.standing == Standing::InUse || (may_try && other.standing == Standing::Due))
            });
            prop_assert!(chosen.standing != Standing::Resting || !better);
            // Whoever is compared with another and has more to do is not chosen, so the heaviest never is.
            let rivals = || all.iter().filter(|other| other.ready && other.standing == Standing::InUse);
            if chosen.standing == Standing::InUse && rivals().count() > 1 {
                let lighter = rivals().filter(|other| other.load < chosen.load).count();
                prop_assert!(lighter < rivals().count() - 1);
            }
        }
    }
}
