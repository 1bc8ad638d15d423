//! Measures the document store: reads, pages and counts at three sizes, and durable writes of one and of many callers.
//! In come sizes; out go tables beside the bare engine on the same work, and exit code 1 if a goal is missed.
//! It starts the real program, which runs the guest `measured`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement that cannot go on has nothing better to do than to say so and end"
)]
#![allow(clippy::cast_precision_loss, reason = "times and sizes are shown with three digits")]

mod engine;
mod host;

use bench::figures::{Times, mebibytes, ratio, time};
use bench::memory::Memory;
use bench::noise::Noise;
use bench::{modules, row, table};
use clap::Parser;
use engine::Bare;
use host::{Client, Host};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What point reads through a handler's loop have to reach of the bare engine's speed.
const READS: f64 = 0.5;
/// How many times as many durable writes many callers have to get as one.
const SHARED: f64 = 5.0;
/// Rounds of each measurement; the median counts.
const ROUNDS: u64 = 5;
/// How long writers write.
const WRITING: Duration = Duration::from_secs(5);

/// Measures the document store.
#[derive(Parser)]
struct Arguments {
    /// Nodes of the stores
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    nodes: Vec<u64>,
    /// Callers that write at one time
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// The program [default: `qewd` beside this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let program = match bench::program::find(arguments.program) {
        Ok(program) => program,
        Err(words) => {
            eprintln!("{words}");
            return ExitCode::FAILURE;
        }
    };
    let (guests, noise) = (modules::build(), Noise::watch(vec![std::process::id()]));
    let (mut reads, mut rows) = (0.0, Vec::new());
    for nodes in &arguments.nodes {
        // The largest store counts: where everything is at hand, the engine's part is so small that only the call is measured.
        reads = measure(&program, &guests, *nodes, &mut rows);
    }
    println!("Each operation in the loop of a handler, and on the bare engine:");
    table::print(&["nodes", "operation", "handler", "bare engine", "handler / engine", "host's memory"], &rows);
    let shared = writes(&program, &guests, arguments.callers);
    println!("{}", noise.end());
    println!("point reads of the last size reach {reads:.2} of the bare engine's speed; the goal is {READS}");
    println!("{} callers get {shared:.1} times what one gets; the goal is {SHARED}", arguments.callers);
    if reads >= READS && shared >= SHARED { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The figures of one size. Gives how fast point reads are beside the bare engine.
fn measure(program: &Path, guests: &Path, nodes: u64, rows: &mut Vec<Vec<String>>) -> f64 {
    let host = Host::start(program, guests, nodes);
    let mut client = Client::connect(host.port);
    let operations =
        [("read one value", "read", 50_000), ("page of 100 children", "page", 500), ("count 1000", "count", 100)];
    let handlers = operations.map(|(_, path, times)| by_handler(&mut client, path, nodes, times));
    let memory = mebibytes(Memory::of(host.id()).resident);
    let folder = host.stop();
    let bare = Bare::open(&folder.path().join("data"));
    let engine = [
        median(|seed| bare.read(50_000, seed)),
        median(|seed| bare.page(500, seed)),
        median(|seed| bare.count(100, seed)),
    ];
    for (((name, _, _), handler), engine) in operations.iter().zip(handlers).zip(engine) {
        rows.push(row!(nodes, name, time(handler), time(engine), ratio(handler, engine), memory));
    }
    let [handler, ..] = handlers;
    let [engine, ..] = engine;
    engine.as_secs_f64() / handler.as_secs_f64()
}

fn median(round: impl FnMut(u64) -> Duration) -> Duration {
    // The first round fills caches, of the handler and of the engine alike.
    Times::new((1..=ROUNDS).map(round).skip(1).collect()).median()
}

/// One operation in a handler's loop, without what the request costs by itself.
fn by_handler(client: &mut Client, path: &str, nodes: u64, times: u32) -> Duration {
    let alone = median(|_| client.get("/nothing"));
    median(|seed| client.get(&format!("/{path}?nodes={nodes}&times={times}&seed={seed}")).saturating_sub(alone) / times)
}

/// Durable writes in a second. Gives how many times as many all callers get as one.
fn writes(program: &Path, guests: &Path, callers: usize) -> f64 {
    let host = Host::start(program, guests, 1000);
    let rates: Vec<f64> = [1, callers].into_iter().map(|callers| write_for_a_while(host.port, callers)).collect();
    let data = host.stop();
    let data = data.path().join("data");
    let rows: Vec<_> =
        [1, callers].iter().zip(&rates).map(|(callers, rate)| row!(callers, format!("{rate:.0}"))).collect();
    println!("Durable writes of one value each, by HTTP:");
    table::print(&["callers", "writes/s"], &rows);
    println!("bare engine, one caller: {}", time(Bare::open(&data).put(200, &data)));
    println!("one flush of a plain file: {}", time(engine::disk(&data, 200)));
    rates.last().zip(rates.first()).map_or(0.0, |(many, one)| many / one)
}

fn write_for_a_while(port: u16, callers: usize) -> f64 {
    let started = Instant::now();
    let write = |caller: usize| {
        let (mut client, mut done) = (Client::connect(port), 0_usize);
        while started.elapsed() < WRITING {
            client.get(&format!("/put?at={}", caller * 1_000_000 + done));
            done += 1;
        }
        done
    };
    let done: usize = std::thread::scope(|scope| {
        let writing: Vec<_> = (0..callers).map(|caller| scope.spawn(move || write(caller))).collect();
        writing.into_iter().map(|writing| writing.join().expect("it ends")).sum()
    });
    done as f64 / started.elapsed().as_secs_f64()
}
