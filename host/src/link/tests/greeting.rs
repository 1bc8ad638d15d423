//! How two ends take one another in, or do not.

use super::*;
use serde_json::{Value, json};

fn text_of(message: Option<Wire>) -> Value {
    match message {
        Some(Wire::Text(text)) => serde_json::from_str(&text).unwrap(),
        other => panic!("no text: {other:?}"),
    }
}

#[test]
fn registration_is_the_exchange_of_the_original() {
    let mut rig = Rig::connected();
    rig.collect();
    assert_eq!(
        text_of(rig.to_callee.front().cloned()),
        json!({"type": "ewd-register", "application": "login_service", "jwt": true, "bodyLimit": 1 << 20})
    );
    rig.deliver_all();
    assert!(matches!(&rig.at_callee[..], [CalleeEvent::Greeted(greeting)] if *greeting == register()));
    rig.callee.welcome(welcome());
    rig.collect();
    assert_eq!(
        text_of(rig.to_caller.front().cloned()),
        json!({"type": "ewd-register", "finished": true, "message": {
            "token": "a.b.c", "proof": "d.e.f", "service": "login_service", "version": "1.2.3", "handlers": ["login", "logout"],
            "bodyLimit": 1 << 20,
        }})
    );
    rig.deliver_all();
    assert_eq!(rig.at_caller, [CallerEvent::Ready(welcome())]);
}

#[test]
fn registering_again_carries_the_token() {
    let again = Greeting::Reregister {
        application: "login_service".to_owned(),
        token: "old.token.x".to_owned(),
        jwt: true,
        body_limit: 1 << 20,
    };
    let mut rig = Rig::greeting_with(&again);
    rig.collect();
    assert_eq!(
        text_of(rig.to_callee.front().cloned()),
        json!({"type": "ewd-reregister", "application": "login_service", "token": "old.token.x", "jwt": true, "bodyLimit": 1 << 20})
    );
    rig.deliver_all();
    assert!(matches!(&rig.at_callee[..], [CalleeEvent::Greeted(greeting)] if *greeting == again));
    rig.callee.welcome(welcome());
    rig.collect();
    assert_eq!(text_of(rig.to_caller.front().cloned())["type"], "ewd-reregister");
    rig.deliver_all();
    assert_eq!(rig.at_caller, [CallerEvent::Ready(welcome())]);
    assert_eq!(rig.ask(1), Ok(()));
}

#[test]
fn a_refusal_ends_the_caller_with_its_words() {
    let mut rig = Rig::connected();
    rig.deliver_all();
    rig.callee.refuse("its token is refused".to_owned());
    rig.deliver_all();
    let refused = Reason::Refused("its token is refused".to_owned());
    assert_eq!(rig.at_caller, [CallerEvent::Ended(refused.clone())]);
    assert_eq!(refused.to_string(), "it refused the registration: its token is refused");
    assert_eq!(rig.ask(1), Err(NotTaken::NotReady));
    assert_eq!(rig.caller.next_out(), None);
}

#[test]
fn a_refused_host_gets_nothing_done() {
    let mut rig = Rig::connected();
    rig.deliver_all();
    rig.callee.refuse("no".to_owned());
    rig.collect();
    let asked = Frame::Cancel { id: 1 }.encode();
    assert!(rig.callee.receive(Wire::Binary(asked), rig.now).is_none());
    assert!(rig.callee.receive(Wire::Text("{}".to_owned()), rig.now).is_none());
    rig.callee.welcome(welcome());
    assert_eq!(rig.callee.next_out(), None);
}

#[test]
fn a_refused_host_that_stays_is_sent_away() {
    let mut rig = Rig::connected();
    rig.deliver_all();
    rig.callee.refuse("no".to_owned());
    rig.cut(&[Way::ToCaller]);
    rig.caller_ended = Some(Reason::Silent);
    for _ in 0..10 {
        let _ = rig.callee.receive(Wire::Ping(0), rig.now);
        rig.pass(Duration::from_secs(1));
    }
    assert_eq!(protocol(rig.callee_ended.as_ref()), "it stayed after its registration was refused");
}

#[test]
fn a_caller_that_gets_no_greeting_back_gives_up_in_time() {
    let mut rig = Rig::connected();
    rig.pass(GREETING_TIME.saturating_sub(MOMENT));
    assert_eq!(rig.caller_ended, None);
    rig.pass(MOMENT);
    assert_eq!(rig.at_caller, [CallerEvent::Ended(Reason::NoGreeting)]);
}

#[test]
fn a_callee_that_nobody_greets_gives_up_in_time_also_if_it_hears_pings() {
    let mut rig = Rig::connected();
    while rig.caller.next_out().is_some() {}
    rig.pass(GREETING_TIME.saturating_sub(MOMENT));
    assert_eq!(rig.callee_ended, None);
    rig.pass(MOMENT);
    assert_eq!(rig.callee_ended, Some(Reason::NoGreeting));
    assert!(matches!(&rig.at_callee[..], [CalleeEvent::Ended(Reason::NoGreeting)]));
}

#[test]
fn nothing_is_asked_before_the_welcome() {
    let mut rig = Rig::connected();
    assert_eq!(rig.ask(1), Err(NotTaken::NotReady));
    rig.deliver_all();
    assert_eq!(rig.ask(2), Err(NotTaken::NotReady));
    rig.callee.welcome(welcome());
    rig.deliver_all();
    assert_eq!(rig.ask(3), Ok(()));
    rig.deliver_all();
    assert_eq!(rig.requested(), [3]);
}

#[test]
fn a_welcome_that_nobody_asked_for_says_nothing() {
    let mut callee = Callee::new(REQUEST_TIME, Instant::now());
    callee.welcome(welcome());
    callee.refuse("no".to_owned());
    callee.leave();
    assert_eq!(callee.next_out(), None);
    let mut rig = Rig::ready();
    rig.callee.welcome(welcome());
    rig.callee.refuse("too late".to_owned());
    assert_eq!(rig.callee.next_out(), None);
}

#[test]
fn fields_of_a_newer_host_are_passed_over() {
    let now = Instant::now();
    let mut callee = Callee::new(REQUEST_TIME, now);
    let newer = json!({"type": "ewd-register", "application": "a", "jwt": true, "zone": {"x": [1]}});
    assert!(matches!(callee.receive(Wire::Text(newer.to_string()), now), Some(CalleeEvent::Greeted(_))));
    let mut caller = Caller::new(&register(), now);
    let newer = json!({"type": "ewd-register", "finished": true, "load": 0.5, "message": {
        "token": "t", "proof": "p", "service": "s", "version": "9", "handlers": [], "zone": "x",
    }});
    assert!(matches!(
        caller.receive(Wire::Text(newer.to_string()), now),
        Some(CallerEvent::Ready(welcome)) if welcome.version == "9"
    ));
}

#[test]
fn a_host_that_registers_where_one_is_leaving_is_told_so_at_once() {
    let mut rig = Rig::connected();
    rig.callee.leave();
    rig.deliver_all();
    rig.callee.welcome(welcome());
    rig.deliver_all();
    assert_eq!(rig.at_caller, [CallerEvent::Ready(welcome()), CallerEvent::Leaving]);
    assert_eq!(rig.ask(1), Err(NotTaken::NotReady));
    assert!(rig.both_live());
}
