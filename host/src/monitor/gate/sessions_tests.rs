//! How sessions end: by time, by number, by another password, by their owner.
//! In come made-up tokens and moments, out goes which sessions are still there.
//! No test here waits for time to pass.

use super::*;

const HOUR: u64 = 3600;

fn id(number: usize) -> Digest {
    digest(&number.to_string())
}

fn password() -> Digest {
    digest("the password")
}

fn after(now: Instant, seconds: u64) -> Instant {
    now + Duration::from_secs(seconds)
}

#[test]
fn a_session_is_there_until_its_owner_leaves() {
    let (mut sessions, now) = (Sessions::default(), Instant::now());
    sessions.begin(id(1), password(), now);
    sessions.begin(id(2), password(), now);
    let session = sessions.check(&id(1), &password(), now).unwrap();
    assert!(!session.ended.is_cancelled());
    assert!(sessions.check(&id(3), &password(), now).is_none());
    assert!(sessions.end(&session.id) && session.ended.is_cancelled());
    assert!(sessions.check(&id(1), &password(), now).is_none());
    assert!(!sessions.end(&id(1)));
    assert!(sessions.check(&id(2), &password(), now).is_some());
}

#[test]
fn it_ends_after_twenty_minutes_of_nothing_and_after_twelve_hours() {
    let (mut sessions, now) = (Sessions::default(), Instant::now());
    sessions.begin(id(1), password(), now);
    sessions.begin(id(2), password(), now);
    let left = sessions.check(&id(2), &password(), now).unwrap();
    let kept = sessions.check(&id(1), &password(), after(now, 1199)).unwrap();
    // It is another one's use that notices.
    assert!(!left.ended.is_cancelled());
    assert!(sessions.check(&id(1), &password(), after(now, 1200)).is_some());
    assert!(left.ended.is_cancelled() && sessions.known.len() == 1);
    for minutes in (20..12 * 60).step_by(15) {
        assert!(sessions.check(&id(1), &password(), after(now, minutes * 60)).is_some(), "{minutes}");
    }
    assert!(sessions.check(&id(1), &password(), after(now, 12 * HOUR - 1)).is_some());
    assert!(!kept.ended.is_cancelled());
    assert!(sessions.check(&id(1), &password(), after(now, 12 * HOUR)).is_none());
    assert!(kept.ended.is_cancelled() && sessions.known.is_empty());
}

#[test]
fn one_too_many_ends_the_one_that_was_longest_unused() {
    let (mut sessions, now) = (Sessions::default(), Instant::now());
    for number in 0..MOST {
        sessions.begin(id(number), password(), now + Duration::from_millis(number as u64));
    }
    let first = sessions.check(&id(0), &password(), after(now, 1)).unwrap();
    let second = Session { ended: sessions.known[&id(1)].ended.clone(), id: id(1) };
    sessions.begin(id(MOST), password(), after(now, 2));
    assert_eq!(sessions.known.len(), MOST);
    assert!(second.ended.is_cancelled() && !sessions.known.contains_key(&id(1)));
    assert!(!first.ended.is_cancelled() && sessions.check(&id(0), &password(), after(now, 3)).is_some());
}

#[test]
fn another_password_ends_all() {
    let (mut sessions, now) = (Sessions::default(), Instant::now());
    sessions.begin(id(1), password(), now);
    sessions.begin(id(2), password(), now);
    let open = sessions.check(&id(2), &password(), now).unwrap();
    let changed = digest("another one");
    assert!(sessions.check(&id(1), &changed, now).is_none());
    assert!(open.ended.is_cancelled() && sessions.known.is_empty());
    // Also if it is changed back.
    assert!(sessions.check(&id(1), &password(), now).is_none());
    sessions.begin(id(3), changed, now);
    sessions.begin(id(4), password(), now);
    assert!(sessions.check(&id(3), &password(), now).is_none());
    assert!(sessions.check(&id(4), &password(), now).is_some());
}
