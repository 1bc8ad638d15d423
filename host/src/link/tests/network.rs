//! Both ends on a made-up network with a made-up clock: messages take their time, connections are lost and opened again,
//! and a peer repeats itself or makes things up. Every request gets one outcome, in time, and nothing is left behind.

mod world;

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use world::{Outcome, World};

/// After the last thing that the plan has: requests end, silence is found out, and a new connection is made.
const CALM: Duration = Duration::from_secs(20);
/// Requests that no host ever asked.
const MADE_UP: u64 = 1_000_000;

/// What goes wrong at one moment.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Both ends learn that the connection is lost.
    Reset,
    /// Only the asking end learns it.
    HalfOpen,
    /// Nobody learns it.
    Pulled,
    /// Nothing arrives for so many milliseconds, and nothing is lost.
    Stall(u16),
    /// The service says goodbye.
    Leave,
    /// The peers are not what they should be: they say something twice, or something that nobody asked for.
    AnswerTwice,
    RequestTwice,
    AnswerMadeUp,
    CancelMadeUp,
}

/// A request: asked at this millisecond, with so many to be answered in, of which its handler would take so many.
type Asked = (u16, u16, u16);

#[derive(Debug, Clone)]
struct Plan {
    asked: Vec<Asked>,
    troubles: Vec<(u16, Trouble)>,
    /// Milliseconds that messages take, in turn. None overtakes another.
    latencies: Vec<u16>,
}

fn asked() -> impl Strategy<Value = Vec<Asked>> {
    vec((1000..20_000_u16, 1..3000_u16, 0..3500_u16), 1..40)
}

fn latencies() -> impl Strategy<Value = Vec<u16>> {
    vec(0..100_u16, 1..20)
}

fn rough() -> impl Strategy<Value = Plan> {
    let trouble = prop_oneof![
        2 => Just(Trouble::Reset),
        1 => Just(Trouble::HalfOpen),
        1 => Just(Trouble::Pulled),
        3 => (1..8000_u16).prop_map(Trouble::Stall),
        1 => Just(Trouble::Leave),
        1 => Just(Trouble::AnswerTwice),
        1 => Just(Trouble::RequestTwice),
        1 => Just(Trouble::AnswerMadeUp),
        1 => Just(Trouble::CancelMadeUp),
    ];
    (asked(), vec((0..20_000_u16, trouble), 1..12), latencies()).prop_map(|(asked, troubles, latencies)| Plan {
        asked,
        troubles,
        latencies,
    })
}

/// There and back it takes no longer than what the asking end spares of each request's time.
fn smooth() -> impl Strategy<Value = Plan> {
    let asked = vec((1000..20_000_u16, 2000..3000_u16, 0..3500_u16), 1..40);
    (asked, vec(0..50_u16, 1..20)).prop_map(|(asked, latencies)| Plan { asked, troubles: Vec::new(), latencies })
}

proptest! {
    #[test]
    fn on_any_network_each_request_has_one_outcome_in_time_and_the_link_heals(plan in rough()) {
        let mut world = World::live(plan);
        world.assert_nothing_is_left();
        let id = 1 + world.deadlines.len() as u64;
        world.ask(id, 3000, 10);
        world.pass_until(world.now + CALM);
        prop_assert_eq!(world.outcomes[&id], Outcome::Answered);
        world.assert_nothing_is_left();
    }

    #[test]
    fn on_a_network_that_is_only_slow_each_request_is_answered(plan in smooth()) {
        let world = World::live(plan);
        world.assert_nothing_is_left();
        prop_assert!(world.outcomes.values().all(|outcome| *outcome == Outcome::Answered), "{:?}", world.outcomes);
        prop_assert_eq!(world.connections.len(), 1);
    }
}
