//! The time to the other end and back: each figure is that of one question, and there is one however busy the link is.

use super::super::pulse::{ASK_AFTER, GONE_AFTER};
use super::super::trip::{ASK_EVERY, Trip};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn pings(wire: &VecDeque<Wire>) -> Vec<u64> {
    let number = |message: &Wire| match message {
        Wire::Ping(number) => Some(*number),
        _ => None,
    };
    wire.iter().filter_map(number).collect()
}

/// Lets what the caller has sent take so long to the other end, and its answers as long again.
fn deliver_slowly(rig: &mut Rig, each_way: Duration) {
    rig.collect();
    rig.now += each_way;
    while rig.deliver(Way::ToCallee) {}
    rig.now += each_way;
    while rig.deliver(Way::ToCaller) {}
}

#[test]
fn the_first_figure_comes_right_after_the_greeting() {
    let mut rig = Rig::connected();
    rig.deliver_all();
    rig.callee.welcome(welcome());
    rig.deliver(Way::ToCaller);
    assert!(rig.round_trips.is_empty());
    assert_eq!(rig.caller.next_wake(), rig.now);
    rig.wake();
    deliver_slowly(&mut rig, 30 * MOMENT);
    assert_eq!(rig.round_trips, [60 * MOMENT]);
}

#[test]
fn a_silent_link_is_measured_with_each_heartbeat() {
    let mut rig = Rig::ready();
    for _ in 0..10 {
        rig.now += ASK_AFTER;
        rig.wake();
        deliver_slowly(&mut rig, MOMENT);
    }
    assert_eq!(rig.round_trips, [2 * MOMENT; 10]);
}

#[test]
fn a_busy_link_is_measured_now_and_then() {
    let mut rig = Rig::ready();
    let (mut asked, started) = (0, rig.now);
    for id in 0..1000 {
        rig.ask(id).unwrap();
        rig.collect();
        asked += pings(&rig.to_callee).len();
        while rig.deliver(Way::ToCallee) {}
        rig.answer(id);
        rig.deliver_all();
        rig.now += ASK_EVERY / 50;
        rig.wake();
    }
    let times = (rig.now - started).div_duration_f64(ASK_EVERY);
    assert!((times - 1.0..=times + 1.0).contains(&f64::from(u32::try_from(asked).unwrap())), "{asked} in {times}");
    assert_eq!(rig.round_trips.len(), asked);
}

#[test]
fn on_a_slow_wire_the_first_question_counts() {
    let mut rig = Rig::ready();
    rig.now += ASK_AFTER;
    let asked = rig.now;
    rig.wake();
    rig.collect();
    let [number] = pings(&rig.to_callee)[..] else { panic!("one question") };
    for _ in 0..2 {
        rig.now += ASK_AFTER;
        rig.wake();
    }
    rig.collect();
    assert_eq!(pings(&rig.to_callee), [number; 3]);
    rig.now += MOMENT;
    let time = rig.now - asked;
    assert_eq!(rig.caller.receive(Wire::Pong(number), rig.now), Some(CallerEvent::RoundTrip(time)));
    // The signs of the two that came after it say nothing new.
    rig.to_callee.clear();
    rig.now += ASK_AFTER;
    assert_eq!(rig.caller.receive(Wire::Pong(number), rig.now), None);
    rig.now += ASK_AFTER;
    rig.wake();
    rig.collect();
    assert_eq!(pings(&rig.to_callee), [number + 1]);
    assert_eq!(rig.caller.receive(Wire::Pong(number), rig.now), None);
}

#[test]
fn one_that_talks_but_gives_no_sign_is_not_asked_again_and_again() {
    let mut rig = Rig::ready();
    rig.wake();
    rig.collect();
    assert_eq!(pings(&rig.to_callee).len(), 1);
    rig.to_callee.clear();
    for _ in 0..100 {
        let _ = rig.caller.receive(Wire::Ping(0), rig.now);
        rig.now += ASK_AFTER / 2;
        assert!(rig.caller.next_wake() >= rig.now, "it asks to be woken without end");
        rig.wake();
    }
    rig.collect();
    assert!(pings(&rig.to_callee).is_empty());
    assert_eq!((rig.round_trips.len(), &rig.caller_ended), (0, &None));
    rig.pass(GONE_AFTER);
}

#[derive(Debug, Clone)]
enum Step {
    Begin,
    Ask,
    Sign(u64),
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Begin),
        2 => Just(Step::Ask),
        2 => (0..6_u64).prop_map(Step::Sign),
        3 => (0..4000_u16).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever signs come: one figure for each number that was asked, and it begins with the first question.
    #[test]
    fn a_figure_is_the_time_of_one_question(steps in vec(step(), 0..60)) {
        let (mut trip, mut now) = (Trip::default(), Instant::now());
        let mut asked: BTreeMap<u64, Instant> = BTreeMap::new();
        let (mut measured, mut due) = (BTreeSet::new(), None);
        for step in steps {
            match step {
                Step::Begin => {
                    trip.begin(now);
                    due = Some(now);
                }
                Step::Ask => _ = asked.entry(trip.ask(now)).or_insert(now),
                Step::Sign(number) => {
                    let is_new = asked.contains_key(&number) && !measured.contains(&number);
                    let expected = asked.get(&number).filter(|_| is_new).map(|asked| now - *asked);
                    prop_assert_eq!(trip.sign(number, now), expected);
                    measured.extend(expected.map(|_| number));
                    due = expected.map(|_| now + ASK_EVERY).or(due);
                }
                Step::Pass(milliseconds) => now += Duration::from_millis(milliseconds.into()),
            }
            let all_came = asked.len() == measured.len();
            prop_assert_eq!(trip.next_question(), due.filter(|_| all_came));
        }
        prop_assert!(asked.keys().copied().eq(1..=asked.len() as u64));
    }
}
