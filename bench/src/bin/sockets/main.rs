//! Opens many WebSocket clients and measures what each costs the host.
//! In come how many clients; out go tables of memory and times, and exit code 1 if an idle socket is above the target.
//! It starts the real program and knows nothing of its code; the clients live in a process of their own.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a measurement that cannot go on has nothing better to do than to say so and end"
)]
#![allow(clippy::cast_precision_loss, reason = "times and sizes are shown with three digits")]

mod client;
mod crowd;
mod host;

use bench::figures::mebibytes;
use bench::memory::Memory;
use bench::noise::Noise;
use bench::{row, table};
use clap::Parser;
use crowd::Crowd;
use host::Host;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Bytes of the host's memory that an idle socket may take.
const TARGET: i64 = 16 << 10;
/// How long the host rests before its memory is looked at.
const REST: Duration = Duration::from_secs(3);
/// Clients that warm the host up: its workers and its threads. Few, since what they leave free hides what others take.
const WARM_UP: usize = 8;

/// Opens many WebSocket clients and measures what each costs the host.
#[derive(Parser)]
struct Arguments {
    /// Clients at one time
    #[arg(long, default_value_t = 10_000)]
    clients: usize,
    /// The program [default: `qewd` beside this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Be the process of the clients, of the host at this port
    #[arg(long, hide = true)]
    port: Option<u16>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    open_more_files();
    if let Some(port) = arguments.port {
        client::run(port);
        return ExitCode::SUCCESS;
    }
    match bench::program::find(arguments.program) {
        Ok(program) => measure(&Host::start(&program, arguments.clients), arguments.clients),
        Err(words) => {
            eprintln!("{words}");
            ExitCode::FAILURE
        }
    }
}

fn measure(host: &Host, clients: usize) -> ExitCode {
    let mut crowd = Crowd::start(host.port);
    let warm_up =
        [format!("open {WARM_UP}"), "small".to_owned(), "large".to_owned(), "push".to_owned(), "close".to_owned()];
    for step in warm_up {
        crowd.take(&step);
    }
    std::thread::sleep(REST);
    let before = Memory::of(host.id());
    let noise = Noise::watch(vec![host.id(), crowd.id()]);
    let mut steps = Vec::new();
    let names = [
        (format!("open {clients}"), "open and registered"),
        ("small".to_owned(), "after a message of 1 KB each way"),
        ("large".to_owned(), "after a message of 100 KB each way"),
        ("push".to_owned(), "after a push of 1 KB to all"),
    ];
    for (step, name) in names {
        let told = crowd.take(&step);
        std::thread::sleep(REST);
        let each = Each::of(Memory::of(host.id()) - before, clients);
        steps.push((name, told, each));
    }
    crowd.take("close");
    std::thread::sleep(REST);
    let left = Memory::of(host.id()) - before;
    println!("{}", noise.end());
    print(&steps, clients);
    println!(
        "The host before: {} private dirty; after all have gone: {} more.",
        mebibytes(before.private_dirty),
        mebibytes(left.private_dirty)
    );
    verdict(&steps)
}

/// A step, what the clients tell of it, and the host's memory after it: bytes for each socket.
type Step = (&'static str, crowd::Told, Each);

/// Bytes for each socket.
struct Each {
    private_dirty: i64,
    resident: i64,
}

impl Each {
    fn of(grown: Memory, clients: usize) -> Self {
        let clients = i64::try_from(clients).unwrap_or(i64::MAX).max(1);
        Self { private_dirty: grown.private_dirty * 1024 / clients, resident: grown.resident * 1024 / clients }
    }
}

fn print(steps: &[Step], clients: usize) {
    let rows: Vec<Vec<String>> = steps
        .iter()
        .map(|(name, told, each)| row![name, each.private_dirty, each.resident, told.all, told.median, told.longest])
        .collect();
    println!("{clients} sockets:");
    table::print(
        &["the host", "private dirty, bytes each", "RSS, bytes each", "until all had it", "median", "longest"],
        &rows,
    );
}

fn verdict(steps: &[Step]) -> ExitCode {
    let worst = steps.iter().map(|(_, _, each)| each.resident).max().unwrap_or_default();
    if worst <= TARGET {
        return ExitCode::SUCCESS;
    }
    eprintln!("an idle socket takes {worst} bytes; the target is {TARGET}");
    ExitCode::FAILURE
}

/// As many open files as the system allows: a socket is one.
fn open_more_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("a process may raise its own limit");
}
