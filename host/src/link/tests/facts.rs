//! What is told of a link: since when, how often anew, how fast.

use super::super::facts::{LinkFacts, LinkState};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::SystemTime;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn a_link_says_since_when_and_how_often_it_was_ready_again() {
    let mut facts = LinkFacts::new("not connected yet", at(10));
    let told = |facts: &LinkFacts| (facts.is_ready(), facts.since, facts.reconnects);
    assert_eq!(told(&facts), (false, at(10), 0));
    facts.down("it does not answer".to_owned(), at(11));
    assert_eq!(told(&facts), (false, at(10), 0), "it was down all the time");
    assert_eq!(facts.state, LinkState::Down("it does not answer".to_owned()));
    facts.ready(welcome(), at(12));
    assert_eq!(told(&facts), (true, at(12), 0), "the first time is no reconnect");
    facts.down("it is stopping".to_owned(), at(13));
    facts.down("nothing listens there".to_owned(), at(14));
    assert_eq!(told(&facts), (false, at(13), 0));
    facts.ready(welcome(), at(15));
    assert_eq!(told(&facts), (true, at(15), 1));
}

#[test]
fn a_goodbye_holds_until_the_service_is_back() {
    let (mut facts, now) = (LinkFacts::new("not connected yet", at(1)), Instant::now());
    facts.ready(welcome(), at(2));
    facts.down("nothing was heard of it".to_owned(), at(3));
    assert_eq!(facts.goodbye, None, "a loss is none");
    facts.ready(welcome(), at(4));
    facts.down("it is stopping".to_owned(), at(5));
    facts.leaving(now);
    facts.down("nothing listens there".to_owned(), at(6));
    assert_eq!(facts.goodbye, Some(now));
    facts.ready(welcome(), at(7));
    assert_eq!(facts.goodbye, None);
}

#[test]
fn other_handlers_change_nothing_else_and_only_of_a_service_that_is_ready() {
    let mut facts = LinkFacts::new("no", at(1));
    assert_eq!(facts.offers(vec!["x".to_owned()]), None);
    facts.ready(welcome(), at(2));
    facts.measured(MOMENT);
    let changed = Welcome { handlers: vec!["x".to_owned()], ..welcome() };
    assert_eq!(facts.offers(vec!["x".to_owned()]), Some(changed.clone()));
    assert_eq!((facts.state, facts.since, facts.round_trip), (LinkState::Ready(changed), at(2), Some(MOMENT)));
}

#[test]
fn a_time_belongs_to_its_connection() {
    let mut facts = LinkFacts::new("no", at(1));
    facts.measured(MOMENT);
    assert_eq!(facts.round_trip, None);
    facts.ready(welcome(), at(2));
    facts.measured(MOMENT);
    facts.measured(2 * MOMENT);
    assert_eq!(facts.round_trip, Some(2 * MOMENT));
    facts.down("it is stopping".to_owned(), at(3));
    assert_eq!(facts.round_trip, None);
    facts.measured(MOMENT);
    facts.ready(welcome(), at(4));
    assert_eq!(facts.round_trip, None);
}

proptest! {
    /// A model beside it: the list of what happened.
    #[test]
    fn the_facts_are_those_of_what_happened(steps in vec((any::<bool>(), 0..5_u64), 0..40)) {
        let mut facts = LinkFacts::new("no", at(0));
        let (mut now, mut happened) = (0, vec![(false, 0)]);
        for (is_ready, pause) in steps {
            // A link that is ready goes down before it is ready again.
            if is_ready && facts.is_ready() {
                continue;
            }
            now += pause;
            if is_ready {
                let was_ready = happened.iter().any(|(ready, _)| *ready);
                prop_assert_eq!(facts.ready(welcome(), at(now)), was_ready);
            } else {
                facts.down("no".to_owned(), at(now));
            }
            happened.push((is_ready, now));
        }
        let is_ready = happened.last().unwrap().0;
        let since = happened.iter().rev().take_while(|(ready, _)| *ready == is_ready).last().unwrap().1;
        let times = happened.iter().filter(|(ready, _)| *ready).count() as u64;
        prop_assert_eq!((facts.is_ready(), facts.since), (is_ready, at(since)));
        prop_assert_eq!(facts.reconnects, times.saturating_sub(1));
    }
}
