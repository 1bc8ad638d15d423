//! Replaces a module again and again while requests run, and checks every answer.
//! In come how many requests, connections and versions; out go tables, and exit code 1 if any answer was wrong.
//! It starts the real program and knows nothing of its code.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a measurement that cannot go on has nothing better to do than to say so and end"
)]
#![allow(clippy::cast_precision_loss, reason = "times and sizes are shown with three digits")]

mod clients;
mod folder;
mod growth;
mod ledger;
mod program;
mod replacing;

use bench::figures::{Times, milliseconds, time};
use bench::modules::{self, Versioned};
use bench::noise::Noise;
use bench::{row, table};
use clap::{Parser, ValueEnum};
use clients::Clients;
use folder::{Folder, SERVICE, Way};
use growth::{Grown, Growth};
use ledger::Ledger;
use program::Program;
use replacing::{Replaced, Replacing};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Versions before memory is looked at first: until then a host grows to the size that it needs.
const WARM_UP: u32 = 5;
/// How long hosts rest at the end before memory is looked at last.
const REST: Duration = Duration::from_secs(3);

/// Replaces a module again and again while requests run, and checks every answer.
#[derive(Parser)]
struct Arguments {
    /// Answers at least
    #[arg(long, default_value_t = 1_000_000)]
    requests: u64,
    /// Kept connections, each with one request after the other
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Good versions at least
    #[arg(long, default_value_t = 100)]
    versions: u32,
    /// Where the module is
    #[arg(long, value_enum, default_value_t = Through::Host)]
    through: Through,
    /// The program [default: `qewd` beside this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Through {
    /// On the host that the clients ask
    Host,
    /// On a microservice, behind an orchestrator and a link
    Link,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match bench::program::find(arguments.program.clone()) {
        Ok(program) => run(&arguments, &program),
        Err(words) => {
            eprintln!("{words}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments, program: &Path) -> ExitCode {
    let versioned = Versioned::read(&modules::build());
    let folder = Folder::new(arguments.through == Through::Link, &versioned.version(1));
    let mut hosts = start(arguments.through, program, folder.path());
    let ledger = Arc::new(Ledger::new());
    ledger.drop_in(1);
    // The first host is the one that clients ask, the last one has the module.
    let clients = Clients::start(hosts[0].port, arguments.connections, &ledger);
    let mut replacing = Replacing { versioned: &versioned, folder: &folder, ledger: &ledger, last: 1, broken: 0 };
    for _ in 0..WARM_UP {
        replacing.next(hosts.last_mut().expect("there is a host"));
    }
    let watched: Vec<Growth> = hosts.iter().map(|host| Growth::watch(&host.name, host.id())).collect();
    let noise = Noise::watch(hosts.iter().map(Program::id).collect());
    let mut replaced = Vec::new();
    while clients.answered() < arguments.requests || replacing.last <= arguments.versions {
        match replacing.next(hosts.last_mut().expect("there is a host")) {
            Some(times) => replaced.push(times),
            // One that is lost is a fault; that the next ones are lost, too, would say nothing more.
            None => break,
        }
    }
    let noise = noise.end();
    let mut asked = None;
    let grown = Growth::end(watched, || {
        asked = Some(clients.stop());
        std::thread::sleep(REST);
    });
    let (latencies, took) = asked.expect("the clients were stopped");
    let good = replacing.last;
    println!(
        "module: {} KB; good versions dropped in: {good}, broken files: {}",
        versioned.size() / 1000,
        replacing.broken
    );
    print_requests(&ledger, &latencies, took);
    print_versions(&replaced);
    grown.iter().for_each(Grown::print);
    println!("{noise}");
    verdict(&ledger, &mut hosts, good)
}

/// Starts the hosts: the one that clients ask first, the one that has the module last.
fn start(through: Through, program: &Path, folder: &Path) -> Vec<Program> {
    if through == Through::Host {
        return vec![Program::start(program, folder, "orchestrator", &[])];
    }
    let service = Program::start(program, folder, SERVICE, &["--microservice", SERVICE]);
    let address = format!("{SERVICE}=http://127.0.0.1:{}", service.port);
    let mut orchestrator = Program::start(program, folder, "orchestrator", &["--service", &address]);
    orchestrator.wait_for_link();
    vec![orchestrator, service]
}

fn print_requests(ledger: &Ledger, latencies: &Times, took: Duration) {
    let per_second = latencies.count() as f64 / took.as_secs_f64();
    let heading = ["requests", "wrong answers", "versions seen", "requests/s", "p50", "p99", "longest"];
    let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|part| milliseconds(latencies.part(part)));
    let (count, wrong, seen) = (latencies.count(), ledger.wrong().0, ledger.count_seen());
    table::print(&heading, &[row![count, wrong, seen, format!("{per_second:.0}"), p50, p99, longest]]);
}

fn print_versions(replaced: &[Replaced]) {
    let figures = |what: &str, of: fn(&Replaced) -> Duration| {
        let times = Times::new(replaced.iter().map(of).collect());
        row![what, time(times.median()), time(times.part(0.9)), time(times.worst())]
    };
    println!("Of {} versions after the warm-up:", replaced.len());
    let rows = [
        figures("from the last write to the first answer", |one| one.seen),
        figures("compiling, as the host says", |one| one.compiled),
        figures("the difference", Replaced::beside_compiling),
        figures("from the last write to the host's line, without compiling", |one| {
            one.said.saturating_sub(one.compiled)
        }),
    ];
    table::print(&["time of a version", "median", "p90", "worst"], &rows);
    let mut after: Vec<f64> = replaced.iter().map(|one| one.said_to_seen).collect();
    after.sort_by(f64::total_cmp);
    if let (Some(median), Some(worst)) = (after.get(after.len() / 2), after.last()) {
        println!("From the host's line to the first answer: median {median:.1} ms, worst {worst:.1} ms.");
    }
    println!("The difference, by the way in which the file was written:");
    let of = |way: Way| {
        let of_the_way = replaced.iter().filter(|one| one.way == way);
        let times = Times::new(of_the_way.map(Replaced::beside_compiling).collect());
        row![way.name(), times.count(), time(times.median()), time(times.worst())]
    };
    table::print(&["way", "versions", "median", "worst"], &Way::ALL.map(of));
}

/// Says what was wrong.
fn verdict(ledger: &Ledger, hosts: &mut [Program], good: u32) -> ExitCode {
    for host in hosts {
        host.catch_up();
        println!("{} wrote {} other warnings and errors", host.name, host.troubles.len());
        for line in host.troubles.iter().take(10) {
            println!("  {line}");
        }
    }
    let seen = ledger.count_seen();
    if u32::try_from(seen) != Ok(good) {
        ledger.complain(format!("{good} good versions were dropped in, and {seen} were seen"));
    }
    let (wrong, words) = ledger.wrong();
    if wrong == 0 {
        println!("Every answer was right.");
        return ExitCode::SUCCESS;
    }
    println!("{wrong} things were wrong; the first ones:");
    for words in words {
        println!("  {words}");
    }
    ExitCode::FAILURE
}
