//! When a changed file counts as whole: by hand, and for every order of events.

use super::settling::{Settling, Writer};
use crate::stamp::Stamp;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

const FILE: &str = "handlers/orchestrator/echo.wasm";

struct Desk {
    settling: Settling,
    files: BTreeMap<PathBuf, Stamp>,
    now: Instant,
}

/// A stamp that differs for each number.
fn stamp(number: u64) -> Stamp {
    Stamp::for_tests(number)
}

impl Desk {
    fn new(files: BTreeMap<PathBuf, Stamp>) -> Self {
        Self { settling: Settling::new(files.clone()), files, now: Instant::now() }
    }

    fn with_file() -> Self {
        Self::new([(PathBuf::from(FILE), stamp(1))].into())
    }

    fn write(&mut self, number: u64, writer: Option<Writer>) {
        self.files.insert(FILE.into(), stamp(number));
        self.settling.hint(Path::new(FILE), writer, self.now);
    }

    /// What has settled after so many milliseconds.
    fn after(&mut self, milliseconds: u64) -> Vec<Option<Stamp>> {
        self.settling.look(&self.files, self.now);
        self.now += Duration::from_millis(milliseconds);
        self.settling.look(&self.files, self.now);
        self.settling.settled(self.now).into_iter().map(|(_, stamp)| stamp).collect()
    }
}

#[test]
fn a_file_that_was_closed_is_taken_almost_at_once() {
    let mut desk = Desk::with_file();
    desk.write(2, Some(Writer::Open));
    desk.write(3, Some(Writer::Closed));
    assert_eq!(desk.after(5), []);
    assert_eq!(desk.after(10), [Some(stamp(3))]);
    assert_eq!(desk.after(100_000), []);
    assert_eq!(desk.settling.next(), None);
}

#[test]
fn a_file_that_is_being_written_is_left_alone_while_it_grows() {
    let mut desk = Desk::with_file();
    for number in 2..20 {
        desk.write(number, Some(Writer::Open));
        assert_eq!(desk.after(1500), []);
    }
    desk.write(20, Some(Writer::Closed));
    assert_eq!(desk.after(10), [Some(stamp(20))]);
}

#[test]
fn without_events_a_file_is_taken_when_it_rests() {
    let mut desk = Desk::with_file();
    desk.files.insert(FILE.into(), stamp(2));
    assert_eq!(desk.after(200), []);
    assert_eq!(desk.after(200), [Some(stamp(2))]);
}

#[test]
fn a_file_that_is_gone_for_a_moment_was_replaced() {
    let mut desk = Desk::with_file();
    desk.files.clear();
    assert_eq!(desk.after(1900), []);
    desk.write(2, Some(Writer::Closed));
    assert_eq!(desk.after(10), [Some(stamp(2))]);
    desk.files.clear();
    assert_eq!(desk.after(2000), [None]);
    assert_eq!(desk.after(10_000), []);
}

#[test]
fn a_file_that_is_as_it_was_is_no_change() {
    let mut desk = Desk::with_file();
    desk.settling.hint(Path::new(FILE), Some(Writer::Closed), desk.now);
    assert_eq!(desk.after(10), []);
    assert_eq!(desk.settling.next(), None);
}

#[derive(Debug, Clone)]
enum Event {
    Write(Option<Writer>),
    Remove,
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let writer =
        prop_oneof![Just(None), Just(Some(Writer::Open)), Just(Some(Writer::Closed)), Just(Some(Writer::Unknown)),];
    prop_oneof![3 => writer.prop_map(Event::Write), 1 => Just(Event::Remove), 3 => (0_u64..3000).prop_map(Event::Pass)]
}

proptest! {
    #[test]
    fn the_last_state_is_always_taken_in_the_end(events in prop::collection::vec(event(), 0..60)) {
        let mut desk = Desk::with_file();
        let mut taken = Some(stamp(1));
        let mut number = 1;
        for event in events {
            match event {
                Event::Write(writer) => {
                    number += 1;
                    desk.write(number, writer);
                }
                Event::Remove => desk.files.clear(),
                Event::Pass(milliseconds) => {
                    for stamp in desk.after(milliseconds) {
                        prop_assert_ne!(stamp, taken, "no state is taken twice");
                        prop_assert_eq!(stamp, desk.files.get(Path::new(FILE)).copied(), "only what is there is taken");
                        taken = stamp;
                    }
                }
            }
        }
        // Nothing takes longer than a forgotten writer or a file that is gone.
        for stamp in desk.after(2000) {
            taken = stamp;
        }
        prop_assert_eq!(taken, desk.files.get(Path::new(FILE)).copied());
        prop_assert_eq!(desk.settling.next(), None);
    }
}
