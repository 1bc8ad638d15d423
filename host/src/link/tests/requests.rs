//! Requests in flight: their order, their cancellation, their number, their time, and leaving.

use super::super::caller::IN_FLIGHT;
use super::*;

/// What is spared of a request's time for the answer's way back, of two seconds and more.
const SPARED: Duration = Duration::from_millis(100);

/// What the answering shell was given last.
fn last_request(rig: &Rig) -> Request {
    match rig.at_callee.last() {
        Some(CalleeEvent::Request { request, .. }) => request.clone(),
        other => panic!("no request: {other:?}"),
    }
}

#[test]
fn answers_come_in_any_order_and_each_is_its_own() {
    let mut rig = Rig::ready();
    for id in 1..=4 {
        rig.ask(id).unwrap();
    }
    rig.deliver_all();
    assert_eq!(rig.requested(), [1, 2, 3, 4]);
    for id in [3, 1, 4, 2] {
        rig.answer(id);
    }
    rig.deliver_all();
    assert_eq!(rig.at_caller, [3, 1, 4, 2].map(answered));
    assert!(rig.callee.is_idle());
}

#[test]
fn a_request_arrives_as_it_was_sent() {
    let mut rig = Rig::ready();
    let mut sent = request("\u{0}\"not json\u{ff}", rig.now + Duration::from_secs(7));
    sent.kind = Kind::Service;
    rig.caller.ask(u64::MAX, &sent, rig.now).unwrap();
    rig.deliver_all();
    assert_eq!(rig.requested(), [u64::MAX]);
    sent.deadline -= SPARED;
    let (sent, arrived) = shown(&sent, last_request(&rig).clone());
    assert_eq!(arrived, sent);
}

#[test]
fn the_deadline_travels_as_the_time_that_is_left() {
    let mut rig = Rig::ready();
    let sent = request("", rig.now + Duration::from_millis(2_500));
    rig.caller.ask(1, &sent, rig.now).unwrap();
    rig.collect();
    rig.now += Duration::from_secs(4_000_000);
    rig.deliver_all();
    assert_eq!(last_request(&rig).deadline, rig.now + Duration::from_millis(2_500) - SPARED);
}

#[test]
fn of_a_short_time_little_is_spared() {
    let mut rig = Rig::ready();
    let sent = request("", rig.now + Duration::from_millis(200));
    rig.caller.ask(1, &sent, rig.now).unwrap();
    rig.deliver_all();
    assert_eq!(last_request(&rig).deadline, rig.now + Duration::from_millis(190));
}

#[test]
fn the_deadline_is_cut_to_the_most_of_the_callee() {
    let mut rig = Rig::ready();
    let sent = request("", rig.now + REQUEST_TIME * 100);
    rig.caller.ask(1, &sent, rig.now).unwrap();
    rig.deliver_all();
    assert_eq!(last_request(&rig).deadline, rig.now + REQUEST_TIME);
}

#[test]
fn a_deadline_that_has_passed_leaves_no_time() {
    let mut rig = Rig::ready();
    let sent = request("", rig.now);
    rig.now += Duration::from_secs(1);
    rig.caller.ask(1, &sent, rig.now).unwrap();
    rig.deliver_all();
    assert_eq!(last_request(&rig).deadline, rig.now);
}

#[test]
fn a_cancelled_request_ends_at_the_callee() {
    let mut rig = Rig::ready();
    rig.ask(1).unwrap();
    rig.ask(2).unwrap();
    rig.deliver_all();
    rig.caller.give_up(1);
    rig.deliver_all();
    assert!(matches!(rig.at_callee.last(), Some(CalleeEvent::Cancel(1))));
    rig.answer(1);
    assert_eq!(rig.callee.next_out(), None);
    rig.answer(2);
    rig.deliver_all();
    assert_eq!(rig.at_caller, [answered(2)]);
}

#[test]
fn a_cancellation_and_an_answer_may_cross() {
    let mut rig = Rig::ready();
    rig.ask(1).unwrap();
    rig.deliver_all();
    rig.answer(1);
    rig.caller.give_up(1);
    rig.deliver_all();
    assert_eq!(rig.at_caller, []);
    assert_eq!(rig.at_callee.len(), 1);
    assert!(rig.both_live());
    rig.ask(2).unwrap();
    rig.deliver_all();
    rig.answer(2);
    rig.deliver_all();
    assert_eq!(rig.at_caller, [answered(2)]);
}

#[test]
fn giving_up_twice_or_without_having_asked_says_nothing() {
    let mut rig = Rig::ready();
    rig.caller.give_up(7);
    assert_eq!(rig.caller.next_out(), None);
    rig.ask(1).unwrap();
    rig.caller.give_up(1);
    rig.caller.give_up(1);
    rig.collect();
    assert_eq!(rig.to_callee.len(), 2);
}

#[test]
fn an_answer_that_comes_twice_is_told_once() {
    let mut rig = Rig::ready();
    rig.ask(1).unwrap();
    rig.deliver_all();
    rig.answer(1);
    rig.answer(1);
    rig.collect();
    assert_eq!(rig.to_caller.len(), 1);
    let again = rig.to_caller[0].clone();
    rig.to_caller.push_back(again);
    rig.deliver_all();
    assert_eq!(rig.at_caller, [answered(1)]);
}

#[test]
fn too_many_in_flight_are_refused_at_once_until_one_ends() {
    let mut rig = Rig::ready();
    let full = IN_FLIGHT as u64;
    for id in 0..full {
        rig.ask(id).unwrap();
    }
    assert_eq!(rig.ask(full), Err(NotTaken::TooMany));
    rig.deliver_all();
    assert_eq!(rig.requested().len(), IN_FLIGHT);
    rig.answer(5);
    assert_eq!(rig.ask(full), Err(NotTaken::TooMany));
    rig.deliver_all();
    assert_eq!(rig.ask(full), Ok(()));
    assert_eq!(rig.ask(full + 1), Err(NotTaken::TooMany));
    rig.caller.give_up(6);
    assert_eq!(rig.ask(full + 1), Ok(()));
    rig.deliver_all();
    assert!(rig.both_live());
}

#[test]
fn a_host_that_leaves_answers_what_it_has_and_gets_nothing_new() {
    let mut rig = Rig::ready();
    rig.ask(1).unwrap();
    rig.ask(2).unwrap();
    rig.deliver_all();
    rig.callee.leave();
    rig.ask(3).unwrap();
    rig.deliver_all();
    assert_eq!(rig.at_caller, [CallerEvent::Leaving]);
    assert_eq!(rig.ask(4), Err(NotTaken::NotReady));
    assert_eq!(rig.requested(), [1, 2, 3]);
    assert!(!rig.callee.is_idle());
    rig.caller.give_up(2);
    rig.deliver_all();
    rig.answer(3);
    rig.answer(1);
    rig.deliver_all();
    assert_eq!(rig.at_caller[1..], [answered(3), answered(1)]);
    assert!(rig.callee.is_idle());
    rig.pass(Duration::from_mins(1));
    assert!(rig.both_live());
}

#[test]
fn a_request_that_the_other_end_could_not_read_is_not_sent() {
    let mut rig = Rig::ready();
    let mut large = request("", rig.now + Duration::from_secs(1));
    large.headers.push(("x-large".to_owned(), "x".repeat(2 << 20)));
    rig.ask(1).unwrap();
    let taken = rig.caller.ask(2, &large, rig.now);
    rig.deliver_all();
    assert!(rig.both_live(), "one request ended the link: {:?}", rig.callee_ended);
    assert!(taken.is_err());
}

#[test]
fn an_answer_that_the_other_end_could_not_read_becomes_one_that_says_so() {
    let mut rig = Rig::ready();
    rig.ask(1).unwrap();
    rig.ask(2).unwrap();
    rig.deliver_all();
    let mut large = reply(1);
    large.headers.push(("x-large".to_owned(), "x".repeat(2 << 20)));
    rig.callee.answer(1, large);
    rig.answer(2);
    rig.deliver_all();
    assert!(rig.both_live(), "one answer ended the link: {:?}", rig.caller_ended);
    let CallerEvent::Answer(1, instead) = &rig.at_caller[0] else {
        panic!("no answer: {:?}", rig.at_caller);
    };
    assert_eq!(instead.status, 502);
    assert_eq!(rig.at_caller[1], answered(2));
}

#[test]
fn a_body_that_the_service_does_not_take_is_not_sent() {
    let mut rig = Rig::ready();
    let mut large = request("", rig.now + Duration::from_secs(1));
    large.body = vec![0; (1 << 20) + 1].into();
    assert_eq!(rig.caller.ask(1, &large, rig.now), Err(NotTaken::BodyTooLarge(1 << 20)));
    assert_eq!(rig.caller.next_out(), None);
}

#[test]
fn an_answer_larger_than_the_asking_host_takes_costs_only_itself() {
    let mut rig = Rig::ready();
    rig.ask(1).unwrap();
    rig.deliver_all();
    let mut large = reply(1);
    large.body = vec![0; (1 << 20) + 1].into();
    rig.callee.answer(1, large);
    rig.deliver_all();
    let [CallerEvent::Answer(1, instead)] = &rig.at_caller[..] else { panic!("{:?}", rig.at_caller) };
    assert_eq!(instead.status, 502);
    assert!(rig.both_live());
}
