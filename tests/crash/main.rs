//! Nothing that was acknowledged is lost: hosts under write load are killed, and their disk is cut off from power.
//! In come real processes and writers on several connections; out go the documents that are there afterwards, all compared.
//! A program of its own, because it takes its time and all of the machine.
//!
//! A process that is killed leaves to the system what it has written, flushed or not: so the first test shows that nothing is torn
//! and that an operator finds nothing wrong, but could not tell a flush that is missing. The second one can: its disk is a file with
//! ext4 in it that is shut down as xfstests do it, without another byte of its journal. It needs the right to mount. What a
//! drive does that says it has written, and has not, is not tested.

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

mod judge;
mod power;
mod promised;
mod scene;
mod writer;

use harness::{Seed, tell};
use power::Drive;
use rand::RngExt as _;
use scene::{End, Scene};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a host is killed.
const KILLS: usize = 15;
/// How often the power fails.
const CUTS: usize = 5;
/// Holds another number in place of [`KILLS`]; a third of it in place of [`CUTS`].
const VARIABLE: &str = "QEWD_CRASHES";

/// How long writers write before a crash, at most.
const MOST_MILLISECONDS: u64 = 1500;

/// One at a time: both take all of the machine.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wanted() -> Option<usize> {
    std::env::var(VARIABLE).ok().map(|given| given.parse().unwrap_or_else(|_| panic!("{VARIABLE} is a number")))
}

#[test]
fn killed_hosts_keep_what_they_acknowledged() {
    let _alone = alone();
    let seed = Seed::of_this_run("crash");
    let (kills, started) = (wanted().unwrap_or(KILLS), Instant::now());
    let data = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(data.path(), seed);
    let mut chance = seed.part(1000);
    let mut killed = 0;
    for life in 0.. {
        if killed >= kills {
            break;
        }
        let milliseconds = Duration::from_millis(chance.random_range(1..MOST_MILLISECONDS));
        killed += match life % 4 {
            0 => scene.life(End::Kill { after: milliseconds }),
            1 => scene.life(End::KillWhileImporting { after: milliseconds / 2 }),
            2 => scene.life(End::KillWhileStopping { after: milliseconds, then: milliseconds / 12 }),
            _ => scene.is_killed_at_its_start(milliseconds, &mut chance),
        };
        // Half of the time an operator looks before a host has mended anything.
        scene.check_documents(chance.random());
        scene.judge();
    }
    tell(&format!("crash: killed {killed} times in {:?}; {}", started.elapsed(), scene.summary()));
    scene.assert_busy(kills);
}

#[test]
fn a_power_cut_keeps_what_was_acknowledged() {
    let _alone = alone();
    let drive = match Drive::new() {
        Ok(drive) => drive,
        Err(why) => {
            tell(&format!("SKIPPED: power cuts need a file system of their own, and that cannot be made here: {why}"));
            return;
        }
    };
    let seed = Seed::of_this_run("crash");
    let (cuts, started) = (wanted().map_or(CUTS, |kills| kills / 3), Instant::now());
    let data = drive.folder().join("data");
    let mut scene = Scene::new(&data, seed);
    let mut chance = seed.part(2000);
    for cut in 0..cuts {
        let after = Duration::from_millis(chance.random_range(1..MOST_MILLISECONDS));
        scene.life(End::CutPower { after, drive: &drive });
        scene.check_documents(chance.random());
        scene.judge();
        if cut == 0 {
            // The first cut finds a folder that is new. Later ones need not forget compiled modules, too.
            drive.sync();
        }
    }
    tell(&format!("crash: {cuts} power cuts in {:?}; {}", started.elapsed(), scene.summary()));
    scene.assert_busy(cuts);
}
