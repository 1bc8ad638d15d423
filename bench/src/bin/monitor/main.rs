//! Measures what it costs a host that somebody watches its monitor.
//! In comes the real program; out goes the processor time that it takes with and without a stream of each view, quiet and under
//! a steady load, and exit code 1 if watching costs a hundredth of a core.
//! It knows nothing of the program's code.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement that cannot go on has nothing better to do than to say so and end"
)]

mod operator;

use bench::noise::Noise;
use bench::{program, row, table};
use clap::Parser;
use operator::{Operator, ask};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// What watching may cost, in cores.
const TARGET: f64 = 0.01;
/// How long each figure is measured: the system counts processor time in hundredths of a second.
const SPAN: Duration = Duration::from_secs(10);
/// Requests in a second of the steady load.
const PACE: u32 = 100;
/// Views that can be watched.
const VIEWS: [&str; 7] = ["overview", "fleet", "links", "handlers", "routes", "clients", "activity"];

/// Measures what watching a host costs.
#[derive(Parser)]
struct Arguments {
    /// The program [default: `qewd` beside this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

fn main() -> ExitCode {
    let file = match program::find(Arguments::parse().program) {
        Ok(file) => file,
        Err(words) => {
            eprintln!("{words}");
            return ExitCode::FAILURE;
        }
    };
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("configuration")).expect("a folder");
    fs::write(folder.path().join("configuration/config.json"), r#"{"qewd_up": true}"#).expect("a file");
    let mut host = program::start(&file, folder.path(), "info");
    let lines = host.lines;
    spawn(move || lines.for_each(drop));
    let noise = Noise::watch(vec![host.child.id()]);
    let worst = measure(host.child.id(), host.port);
    println!("{}", noise.end());
    drop(host.child.stdin.take());
    let _ = host.child.wait();
    if worst < TARGET { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the table, and gives what the dearest view costs while the host is quiet.
fn measure(pid: u32, port: u16) -> f64 {
    let operator = Operator::sign_in(port);
    let quiet = cores(pid);
    let load = Load::start(port);
    let loaded = cores(pid);
    load.stop();
    let mut rows = vec![row!["nobody watches", percent(quiet), "", percent(loaded), ""]];
    let mut worst: f64 = 0.0;
    for view in VIEWS {
        let stream = operator.watch(view);
        let watched = cores(pid);
        let load = Load::start(port);
        let both = cores(pid);
        load.stop();
        drop(stream);
        worst = worst.max(watched - quiet);
        rows.push(row![view, percent(watched), percent(watched - quiet), percent(both), percent(both - loaded)]);
    }
    let heading = ["watched", "quiet", "more", &format!("{PACE} requests/s"), "more"];
    table::print(&heading, &rows);
    worst
}

fn percent(cores: f64) -> String {
    format!("{:.2} %", cores * 100.0)
}

/// Cores that the process keeps busy, in the mean.
fn cores(pid: u32) -> f64 {
    // What was begun comes to rest.
    sleep(Duration::from_secs(1));
    let (before, began) = (used(pid), Instant::now());
    sleep(SPAN);
    (used(pid) - before) / began.elapsed().as_secs_f64()
}

/// Seconds of processor time, from proc_pid_stat(5): the 14th and 15th field, in hundredths on every Linux.
fn used(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the host runs");
    let rest = text.rsplit_once(')').map(|(_, rest)| rest).expect("the name is in brackets");
    let ticks: u32 = rest.split_whitespace().skip(11).take(2).filter_map(|time| time.parse::<u32>().ok()).sum();
    f64::from(ticks) / 100.0
}

/// A caller that asks at a steady pace.
struct Load {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<()>,
}

impl Load {
    fn start(port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let asking = spawn(move || {
            let mut next = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                ask(port, "/api/nothing");
                next += Duration::from_secs(1) / PACE;
                sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        Self { stop, asking }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.asking.join().expect("the caller ends well");
    }
}
