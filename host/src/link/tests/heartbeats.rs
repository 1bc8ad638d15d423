//! Silence: an idle link lives, a dead one is found within the stated time.

use super::super::pulse::{ASK_AFTER, GONE_AFTER, Pulse, Silence};
use super::*;

#[test]
fn an_idle_link_lives_for_a_day() {
    let mut rig = Rig::ready();
    rig.pass(Duration::from_hours(24));
    assert!(rig.both_live());
    assert!(rig.at_caller.is_empty() && rig.at_callee.is_empty());
    rig.ask(1).unwrap();
    rig.deliver_all();
    assert_eq!(rig.requested(), [1]);
}

#[test]
fn an_idle_link_says_little() {
    let mut rig = Rig::ready();
    let mut pings = 0;
    for _ in 0..1000 {
        rig.now += ASK_AFTER / 10;
        rig.wake();
        rig.collect();
        pings += rig.to_callee.iter().chain(&rig.to_caller).filter(|message| matches!(message, Wire::Ping(_))).count();
        rig.deliver_all();
    }
    assert!((50..=200).contains(&pings), "{pings} pings in 100 seconds");
}

#[test]
fn a_busy_link_sends_no_pings() {
    let mut rig = Rig::ready();
    for id in 0..100 {
        rig.ask(id).unwrap();
        rig.deliver_all();
        rig.answer(id);
        rig.collect();
        assert!(!rig.to_caller.iter().any(|message| matches!(message, Wire::Ping(_))));
        rig.deliver_all();
        rig.now += ASK_AFTER / 2;
        rig.wake();
    }
    assert!(rig.both_live());
}

#[test]
fn a_cut_wire_is_found_by_both_within_the_stated_time() {
    let mut rig = Rig::ready();
    rig.ask(1).unwrap();
    rig.pass(Duration::from_millis(700));
    let heard_at_most = rig.now;
    rig.cut(&[Way::ToCallee, Way::ToCaller]);
    rig.pass(Duration::from_millis(2_000));
    assert!(rig.both_live(), "a pause is not silence");
    rig.pass((heard_at_most + GONE_AFTER) - rig.now);
    assert_eq!(rig.at_caller, [CallerEvent::Ended(Reason::Silent)]);
    assert_eq!(rig.callee_ended, Some(Reason::Silent));
    assert_eq!(Reason::Silent.to_string(), "nothing was heard of it for 5 seconds");
}

#[test]
fn a_half_open_link_is_found_by_both() {
    for way in [Way::ToCallee, Way::ToCaller] {
        let mut rig = Rig::ready();
        rig.pass(Duration::from_secs(60));
        rig.cut(&[way]);
        rig.pass(GONE_AFTER);
        let (deaf, other) = match way {
            Way::ToCallee => (&rig.callee_ended, &rig.caller_ended),
            Way::ToCaller => (&rig.caller_ended, &rig.callee_ended),
        };
        assert_eq!((deaf, other), (&Some(Reason::Silent), &None), "{way:?}");
        rig.pass(GONE_AFTER);
        assert_eq!(rig.caller_ended, Some(Reason::Silent));
        assert_eq!(rig.callee_ended, Some(Reason::Silent));
    }
}

#[test]
fn any_message_is_a_sign_of_life() {
    let signs = [
        Wire::Ping(1),
        Wire::Pong(1),
        Wire::Binary(Frame::Leaving.encode()),
        Wire::Binary(Frame::Answer { id: 9, response: reply(9) }.encode()),
    ];
    for sign in signs {
        let mut rig = Rig::ready();
        rig.now += GONE_AFTER.saturating_sub(MOMENT);
        let _ = rig.caller.receive(sign.clone(), rig.now);
        rig.now += MOMENT;
        assert_eq!(rig.caller.wake(rig.now), None, "{sign:?}");
        assert!(rig.caller.next_wake() > rig.now, "{sign:?}");
    }
}

#[test]
fn an_end_that_ended_says_so_once() {
    let mut rig = Rig::ready();
    rig.now += GONE_AFTER.saturating_sub(MOMENT);
    assert!(rig.caller.wake(rig.now).is_none() && rig.callee.wake(rig.now).is_none());
    while rig.caller.next_out().is_some() {}
    rig.now += MOMENT;
    assert_eq!(rig.caller.wake(rig.now), Some(CallerEvent::Ended(Reason::Silent)));
    assert_eq!(rig.caller.wake(rig.now), None);
    assert_eq!(rig.caller.receive(Wire::Pong(1), rig.now), None);
    assert_eq!(rig.caller.receive(Wire::Text(String::new()), rig.now), None);
    assert_eq!(rig.ask(1), Err(NotTaken::NotReady));
    assert_eq!(rig.caller.next_out(), None);
    assert!(matches!(rig.callee.wake(rig.now), Some(CalleeEvent::Ended(Reason::Silent))));
    assert!(rig.callee.wake(rig.now).is_none());
    assert!(rig.callee.receive(Wire::Text(String::new()), rig.now).is_none());
}

#[test]
fn a_host_that_slept_itself_listens_before_it_gives_up() {
    let start = Instant::now();
    let mut pulse = Pulse::new(start);
    let after_sleep = start + 10 * GONE_AFTER;
    assert_eq!(pulse.check(after_sleep), Silence::Fine);
    assert_eq!(pulse.check(after_sleep + GONE_AFTER.saturating_sub(MOMENT)), Silence::Ask);
    assert_eq!(pulse.check(after_sleep + GONE_AFTER), Silence::Gone);
}

#[test]
fn a_pulse_asks_once_a_second_and_gives_up_after_five() {
    let start = Instant::now();
    let mut pulse = Pulse::new(start);
    let at = |milliseconds| start + Duration::from_millis(milliseconds);
    assert_eq!(pulse.check(at(999)), Silence::Fine);
    assert_eq!(pulse.next_wake(), at(1000));
    assert_eq!(pulse.check(at(1000)), Silence::Ask);
    assert_eq!(pulse.check(at(1000)), Silence::Fine);
    assert_eq!(pulse.next_wake(), at(2000));
    assert_eq!(pulse.check(at(4500)), Silence::Ask);
    assert_eq!(pulse.next_wake(), at(5000));
    assert_eq!(pulse.check(at(5000)), Silence::Gone);
    pulse.heard(at(5000));
    assert_eq!(pulse.check(at(5999)), Silence::Fine);
    assert_eq!(pulse.next_wake(), at(6000));
}
