//! Who is there, by hand and by many threads at once.
//! In come hosts and clients that come and go; out goes what the register tells of them.
//! Nothing here has a socket.

use super::*;
use futures_util::FutureExt as _;
use proptest::prelude::*;
use std::future::{pending, ready};
use std::net::Ipv4Addr;
use std::thread;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn presence() -> Arc<Presence> {
    Arc::default()
}

#[test]
fn a_host_is_there_until_its_place_is_dropped_and_its_requests_are_counted() {
    let presence = presence();
    let before = SystemTime::now();
    let place = presence.host("9f2c", "orchestrator", HERE);
    let _other = presence.host("77", "far", HERE);
    let [first, second] = &presence.hosts()[..] else { panic!("two hosts are there") };
    assert_eq!((first.id.as_str(), first.name.as_str(), first.address), ("9f2c", "orchestrator", HERE));
    assert!(first.since >= before && first.since <= SystemTime::now());
    assert_eq!((first.in_flight, first.requests, second.name.as_str()), (0, 0, "far"));
    let counted = || presence.hosts().first().map(|host| (host.in_flight, host.requests)).unwrap();
    let (one, two) = (place.begin(), place.begin());
    assert_eq!(counted(), (2, 2));
    drop(one);
    assert_eq!(counted(), (1, 2));
    drop(two);
    assert_eq!(counted(), (0, 2));
    drop(place);
    assert_eq!(presence.hosts().into_iter().map(|host| host.name).collect::<Vec<_>>(), ["far"]);
}

#[test]
fn a_request_that_outlives_its_host_harms_nothing() {
    let presence = presence();
    let place = presence.host("1", "a", HERE);
    let running = place.begin();
    drop(place);
    assert!(presence.hosts().is_empty());
    drop(running);
    let _again = presence.host("1", "a", HERE);
    assert_eq!(presence.hosts()[0].in_flight, 0);
}

#[test]
fn a_client_is_told_with_what_was_counted_of_it() {
    let presence = presence();
    let (place, _leash) = presence.client(HERE, 10).unwrap();
    let only = || presence.clients().newest.pop().unwrap();
    assert_eq!((only().id.as_str(), only().application, only().received, only().sent), (place.id(), None, 0, 0));
    place.received();
    place.received();
    place.sent();
    place.join("shop");
    place.join("news");
    assert_eq!((only().application.as_deref(), only().received, only().sent), (Some("news"), 2, 1));
    drop(place);
    assert_eq!(presence.clients(), PresentClients { newest: Vec::new(), count: 0 });
}

#[test]
fn the_newest_clients_are_told_first_and_the_others_counted() {
    let presence = presence();
    let places: Vec<ClientPlace> = (0..TOLD + 5).map(|_| presence.client(HERE, usize::MAX).unwrap().0).collect();
    let told = presence.clients();
    assert_eq!((told.newest.len(), told.count), (TOLD, TOLD + 5));
    let newest: Vec<&str> = places.iter().rev().take(TOLD).map(ClientPlace::id).collect();
    assert_eq!(told.newest.iter().map(|client| client.id.as_str()).collect::<Vec<_>>(), newest);
}

#[test]
fn one_client_is_disconnected_and_no_other() {
    let presence = presence();
    let (first, held) = presence.client(HERE, 10).unwrap();
    let (_second, free) = presence.client(HERE, 10).unwrap();
    let serving = held.hold(pending::<()>());
    let other = free.hold(pending::<()>());
    let (mut serving, mut other) = (Box::pin(serving), Box::pin(other));
    assert!((&mut serving).now_or_never().is_none());
    assert!(!presence.disconnect("nobody"));
    assert!(presence.disconnect(first.id()));
    assert_eq!((&mut serving).now_or_never(), Some(Err(Aborted)));
    assert!((&mut other).now_or_never().is_none());
    let id = first.id().to_owned();
    assert!(presence.disconnect(&id), "it keeps its place until its socket is closed");
    drop(first);
    assert!(!presence.disconnect(&id));
}

#[test]
fn a_client_that_was_disconnected_before_it_was_served_is_not_served() {
    let presence = presence();
    let (place, leash) = presence.client(HERE, 10).unwrap();
    assert!(presence.disconnect(place.id()));
    assert_eq!(leash.hold(ready(1)).now_or_never(), Some(Err(Aborted)));
    let (_place, leash) = presence.client(HERE, 10).unwrap();
    assert_eq!(leash.hold(ready(1)).now_or_never(), Some(Ok(1)));
}

/// Many come at once: as many as may are let in, and never one more at any moment.
#[test]
fn the_limit_holds_exactly_under_races() {
    const MOST: usize = 7;
    let (presence, most_seen) = (presence(), AtomicUsize::new(0));
    let let_in = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let places: Vec<_> = (0..3).filter_map(|_| presence.client(HERE, MOST)).collect();
                    let_in.fetch_add(places.len(), Ordering::Relaxed);
                    most_seen.fetch_max(presence.clients().count, Ordering::Relaxed);
                    thread::yield_now();
                }
            });
        }
    });
    assert!(most_seen.into_inner() <= MOST);
    assert!(let_in.into_inner() > MOST);
    assert_eq!(presence.clients().count, 0);
    let places: Vec<_> = (0..2 * MOST).filter_map(|_| presence.client(HERE, MOST)).collect();
    assert_eq!(places.len(), MOST);
}

#[derive(Debug, Clone)]
enum Step {
    Come,
    Go(prop::sample::Index),
    Limit(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Come),
        2 => any::<prop::sample::Index>().prop_map(Step::Go),
        1 => (0..6_usize).prop_map(Step::Limit),
    ]
}

proptest! {
    /// A model beside it: a list of those who are there.
    #[test]
    fn those_who_came_and_did_not_go_are_there(steps in prop::collection::vec(step(), 0..60)) {
        let (presence, mut most) = (presence(), 3);
        let mut there: Vec<ClientPlace> = Vec::new();
        for step in steps {
            match step {
                Step::Come => {
                    let came = presence.client(HERE, most);
                    prop_assert_eq!(came.is_some(), there.len() < most);
                    there.extend(came.map(|(place, _)| place));
                }
                Step::Go(_) if there.is_empty() => {}
                Step::Go(which) => drop(there.remove(which.index(there.len()))),
                Step::Limit(limit) => most = limit,
            }
            let told = presence.clients();
            prop_assert_eq!(told.count, there.len());
            let ids: Vec<&str> = there.iter().rev().map(ClientPlace::id).collect();
            prop_assert_eq!(told.newest.iter().map(|client| client.id.as_str()).collect::<Vec<_>>(), ids);
        }
    }
}
