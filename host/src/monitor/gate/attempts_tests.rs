//! What attempts mean for the next one: by hand, and for all orders of them.
//! In come attempts at made-up moments, out goes what became of each.
//! No test here waits for time to pass.

use super::*;
use proptest::prelude::*;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

fn v4(number: u32) -> IpAddr {
    IpAddr::V4(number.into())
}

fn looked(milliseconds: u64) -> Begun {
    Begun::Looked { after: Duration::from_millis(milliseconds) }
}

fn refused(seconds: u64, is_first: bool) -> Begun {
    Begun::Refused { left: Duration::from_secs(seconds), is_first }
}

fn after(now: Instant, seconds: u64) -> Instant {
    now + Duration::from_secs(seconds)
}

#[test]
fn each_failure_slows_the_next_attempt_and_then_they_are_refused() {
    let (mut attempts, start) = (Attempts::default(), Instant::now());
    for failures in 0..5 {
        assert_eq!(attempts.begin(HERE, after(start, failures * 3)), looked(failures * 500));
    }
    // The fifth began at 12 s and was looked at at 14 s.
    assert_eq!(attempts.failures(HERE, after(start, 14)), (5, Duration::from_secs(60)));
    assert_eq!(attempts.begin(HERE, after(start, 15)), refused(59, true));
    assert_eq!(attempts.begin(HERE, after(start, 73)), refused(1, false));
    let mut now = after(start, 74);
    for seconds in [120, 240, 480, 900, 900] {
        assert_eq!(attempts.begin(HERE, now), looked(2500));
        now += Duration::from_millis(2500);
        assert_eq!(attempts.begin(HERE, now), refused(seconds, true));
        now = after(now, seconds);
    }
    assert_eq!(attempts.begin(v4(1), now), looked(0));
}

#[test]
fn a_thousand_at_once_are_five() {
    let (mut attempts, now) = (Attempts::default(), Instant::now());
    let begun: Vec<Begun> = (0..1000).map(|_| attempts.begin(HERE, now)).collect();
    let looked = begun.iter().filter(|begun| matches!(begun, Begun::Looked { .. })).count();
    assert_eq!(looked, 5);
}

#[test]
fn a_right_password_and_an_hour_make_an_end_of_it() {
    let (mut attempts, now) = (Attempts::default(), Instant::now());
    for _ in 0..5 {
        attempts.begin(HERE, now);
    }
    attempts.succeeded(HERE);
    assert_eq!((attempts.begin(HERE, now), attempts.known.len()), (looked(0), 1));
    assert_eq!(attempts.begin(HERE, after(now, 3599)), looked(500));
    assert_eq!(attempts.begin(HERE, after(now, 3599 + 3600)), looked(0));
}

#[test]
fn what_nobody_looked_at_does_not_count() {
    let (mut attempts, now) = (Attempts::default(), Instant::now());
    for _ in 0..4 {
        attempts.begin(HERE, now);
    }
    for _ in 0..20 {
        assert_eq!(attempts.begin(HERE, now), looked(2000));
        attempts.not_looked_at(HERE);
    }
    attempts.begin(HERE, now);
    assert!(matches!(attempts.begin(HERE, now), Begun::Refused { .. }));
    let later = after(now, 62);
    assert_eq!(attempts.begin(HERE, later), looked(2500));
    attempts.not_looked_at(HERE);
    assert_eq!(attempts.begin(HERE, later), looked(2500));
    attempts.not_looked_at(v4(9));
    assert_eq!(attempts.known.len(), 1);
}

#[test]
fn an_address_stands_for_one_customer() {
    let same = |one: &str, other: &str| source(one.parse().unwrap()) == source(other.parse().unwrap());
    assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
    assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    assert!(same("::ffff:192.0.2.7", "192.0.2.7"));
    assert!(!same("192.0.2.7", "192.0.2.8"));
    assert!(!same("::ffff:192.0.2.7", "::ffff:192.0.2.8"));
}

#[test]
fn a_flood_of_addresses_frees_nobody_and_locks_out_nobody() {
    let (mut attempts, now) = (Attempts::default(), Instant::now());
    for _ in 0..5 {
        attempts.begin(HERE, now);
    }
    // One attempt from each of many more addresses than there are places.
    for number in 0..6000 {
        assert!(matches!(attempts.begin(v4(number), now), Begun::Looked { .. }), "{number}");
        assert!(attempts.known.len() <= ADDRESSES);
    }
    assert!(matches!(attempts.begin(HERE, now), Begun::Refused { .. }), "it was not pushed out");
    // Five attempts from so many that all others are refused: even then who comes new is looked at, if late.
    for number in 100_000..106_000 {
        while matches!(attempts.begin(v4(number), now), Begun::Looked { .. }) {}
    }
    assert_eq!(attempts.begin(v4(7), now), looked(2000));
    // And who was pushed out by all that has one attempt, not five.
    let outside = (100_000..106_000).map(v4).find(|address| !attempts.known.contains_key(address)).unwrap();
    assert_eq!(attempts.begin(outside, now), looked(2000));
    assert!(matches!(attempts.begin(outside, now), Begun::Refused { .. }));
    // An hour later all is forgotten.
    assert_eq!(attempts.begin(v4(1), after(now, 3600)), looked(0));
    assert_eq!(attempts.known.len(), 1);
}

/// One thing that happens, and how many seconds later.
#[derive(Debug, Clone)]
enum Act {
    Begin(u8),
    Succeed(u8),
    NotLooked(u8),
}

fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let act = prop_oneof![
        8 => (0..3_u8).prop_map(Act::Begin),
        1 => (0..3_u8).prop_map(Act::Succeed),
        1 => (0..3_u8).prop_map(Act::NotLooked),
    ];
    proptest::collection::vec((0..700_u64, act), 1..200)
}

proptest! {
    #[test]
    fn from_one_address_few_passwords_are_looked_at(pauses in proptest::collection::vec(0..120_u64, 1..2000)) {
        let (mut attempts, mut now, mut looked) = (Attempts::default(), Instant::now(), 0);
        let start = now;
        for pause in pauses {
            now = after(now, pause);
            looked += u64::from(matches!(attempts.begin(HERE, now), Begun::Looked { .. }));
            // Never more than one in the longest refusal, but for those at the beginning.
            let most = 5 + 4 + (now - start).as_secs() / LONGEST_REFUSAL.as_secs();
            prop_assert!(looked <= most, "{looked} of {most}");
        }
    }

    #[test]
    fn a_refusal_ends_and_addresses_know_nothing_of_each_other(acts in acts()) {
        let (mut attempts, mut now) = (Attempts::default(), Instant::now());
        let mut alone: [Attempts; 3] = Default::default();
        for (pause, act) in acts {
            now = after(now, pause);
            match act {
                Act::Begin(who) => {
                    let begun = attempts.begin(v4(who.into()), now);
                    prop_assert_eq!(begun, alone[usize::from(who)].begin(HERE, now));
                    match begun {
                        Begun::Looked { after } => prop_assert!(after <= SLOWING * FREE_FAILURES),
                        Begun::Refused { left, .. } => {
                            prop_assert!(left <= LONGEST_REFUSAL + SLOWING * FREE_FAILURES && !left.is_zero());
                            let again = Begun::Refused { left, is_first: false };
                            prop_assert_eq!(attempts.begin(v4(who.into()), now), again, "being refused costs nothing");
                            let mut then = Attempts { known: attempts.known.clone() };
                            let looked = matches!(then.begin(v4(who.into()), now + left), Begun::Looked { .. });
                            prop_assert!(looked, "it ends when it was said to");
                        }
                    }
                }
                Act::Succeed(who) => {
                    attempts.succeeded(v4(who.into()));
                    alone[usize::from(who)].succeeded(HERE);
                }
                Act::NotLooked(who) => {
                    attempts.not_looked_at(v4(who.into()));
                    alone[usize::from(who)].not_looked_at(HERE);
                }
            }
        }
    }
}
