//! The monitor as an operator meets it: real hosts, a real Chromium that Playwright drives, and one script for each story.
//! In come the scripts of `stories`; out goes what they did not find as docs/monitor.md promises it.
//! The page and its API are never asked from Rust: what a story sees, it sees in the browser or on the port.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "all of this is test code, also what stands outside of test functions"
)]

#[path = "../harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the scenarios use the rest of it")]
mod harness;

mod equipment;
mod script;
mod stage;

use equipment::Equipment;
use script::Script;
use stage::Stage;

/// Plays one story to its end.
fn play(story: &str) {
    let Some(equipment) = Equipment::found() else { return };
    let mut stage = Stage::set();
    Script::start(&equipment, story, &stage).play(&mut stage);
}

/// A test for each script of `stories`, and one that knows whether there are more of them.
macro_rules! stories {
    ($($story:ident)*) => {
        $(
            #[test]
            fn $story() {
                play(stringify!($story));
            }
        )*

        #[test]
        fn every_script_is_played() {
            let mut named = [$(stringify!($story)),*];
            named.sort_unstable();
            assert_eq!(equipment::stories(), named);
        }
    };
}

stories! {
    an_operator_signs_in_and_out
    wrong_passwords_are_slowed_and_refused
    strangers_are_refused
    every_panel_shows_what_is_there
    a_worker_is_stopped_under_load
    documents_are_read_and_changed
    a_module_is_reloaded
    a_service_goes_down_and_returns
    a_service_is_viewed_through_the_orchestrator
    a_client_is_disconnected
    requests_are_followed
    a_host_is_shut_down_and_returns
    the_keyboard_is_enough
    everybody_can_read_it
}
