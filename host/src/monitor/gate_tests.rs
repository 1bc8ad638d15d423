//! The gate as a whole: attempts, passwords and sessions together, with a clock that jumps.
//! In come sign-ins from made-up addresses, out goes who has a session.
//! No test here waits for time to pass.

use super::*;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 8));

fn configured() -> Secret {
    Secret::new("the right one")
}

async fn sign_in(gate: &Gate) -> NewSession {
    gate.sign_in(HERE, "the right one", &configured()).await.ok().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_until_it_is_signed_out() {
    let gate = Gate::default();
    let (one, other) = (sign_in(&gate).await, sign_in(&gate).await);
    assert_ne!(one.token, other.token);
    assert_eq!(one.token.len(), 43, "256 bits");
    let left = one.ends.duration_since(SystemTime::now()).unwrap();
    assert!(left <= LIFE && left + Duration::from_secs(60) > LIFE);
    let session = gate.check(&one.token, &configured()).unwrap();
    for wrong in ["", "x", &one.token[1..], &format!("{}x", one.token)] {
        assert!(gate.check(wrong, &configured()).is_none(), "{wrong:?}");
    }
    gate.sign_out(&session, HERE);
    assert!(session.ended.is_cancelled() && gate.check(&one.token, &configured()).is_none());
    assert!(!gate.touch(&session, &configured()));
    assert!(gate.check(&other.token, &configured()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_stream_keeps_its_session_used() {
    let gate = Gate::default();
    let token = sign_in(&gate).await.token;
    let session = gate.check(&token, &configured()).unwrap();
    for _ in 0..11 * 60 {
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(gate.touch(&session, &configured()));
    }
    assert!(gate.check(&token, &configured()).is_some());
    tokio::time::advance(Duration::from_secs(60 * 60)).await;
    assert!(!session.ended.is_cancelled());
    assert!(!gate.touch(&session, &configured()), "12 hours are over");
    assert!(session.ended.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_changed_password_ends_sessions() {
    let gate = Gate::default();
    let token = sign_in(&gate).await.token;
    let session = gate.check(&token, &configured()).unwrap();
    assert!(!gate.touch(&session, &Secret::new("changed")));
    assert!(session.ended.is_cancelled() && gate.check(&token, &configured()).is_none());
}

#[tokio::test(start_paused = true)]
async fn wrong_passwords_take_longer_and_are_then_refused() {
    let gate = Gate::default();
    for failures in 0..5_u32 {
        let began = Instant::now();
        let refusal = gate.sign_in(HERE, "wrong", &configured()).await.err();
        assert_eq!(refusal, Some(Refusal::Wrong));
        assert_eq!(began.elapsed(), Duration::from_millis(500) * failures);
    }
    let refused = gate.sign_in(HERE, "the right one", &configured()).await.err();
    assert_eq!(refused, Some(Refusal::Slow { retry_after: 60 }));
    assert!(gate.sign_in(THERE, "the right one", &configured()).await.is_ok(), "another address");
    tokio::time::advance(Duration::from_secs(60)).await;
    sign_in(&gate).await;
    let began = Instant::now();
    sign_in(&gate).await;
    assert!(began.elapsed().is_zero(), "all is forgiven");
}

#[tokio::test(start_paused = true)]
async fn many_attempts_at_once_do_not_slip_through() {
    let gate = std::sync::Arc::new(Gate::default());
    let attempt = |number: usize| {
        let gate = std::sync::Arc::clone(&gate);
        let password = if number == 999 { "the right one" } else { "wrong" };
        tokio::spawn(async move { gate.sign_in(HERE, password, &configured()).await.err() })
    };
    let attempts: Vec<_> = (0..1000).map(attempt).collect();
    let mut wrong = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Some(Refusal::Wrong) => wrong += 1,
            other => assert!(matches!(other, Some(Refusal::Slow { .. })), "{other:?}"),
        }
    }
    assert_eq!(wrong, 5);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_has_failed_all_the_same() {
    let (gate, configured) = (Gate::default(), configured());
    for _ in 0..5 {
        let attempt = gate.sign_in(HERE, "wrong", &configured);
        drop(tokio::time::timeout(Duration::from_millis(1), attempt).await);
    }
    assert!(matches!(gate.sign_in(HERE, "the right one", &configured).await, Err(Refusal::Slow { .. })));
}

#[test]
fn a_refusal_becomes_an_answer() {
    let wrong = Failure::from(Refusal::Wrong);
    assert_eq!((wrong.status, wrong.caller.as_ref()), (401, "Invalid login attempt"));
    let slow = Failure::from(Refusal::Slow { retry_after: 60 });
    assert_eq!((slow.status, slow.headers), (429, vec![("retry-after".to_owned(), "60".to_owned())]));
    assert_eq!((seconds(Duration::from_millis(1)), seconds(Duration::from_millis(1001))), (1, 2));
}
