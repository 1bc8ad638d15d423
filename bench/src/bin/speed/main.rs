//! How fast a host is, beside what people would use in its place: one run, one machine, one table.
//! In come the rows that are wanted; out go a table and a file with every number.
//! It measures ratios within this run and nothing else: the machine may be small, and others may work on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot go on has nothing better to do than to say so and end"
)]

mod tools;
mod native;
mod native_servers;
mod process;
mod host;
mod load;
mod side_by_side;
mod latency;
mod start;
mod footprint;
mod scale;
mod report;

use clap::{Parser, Subcommand};
use report::Report;
use std::path::PathBuf;
use std::time::Duration;
use tools::Tools;

/// Measures qewd beside what people would use in its place.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    server: Option<Server>,
    /// Rows of the table, such as 1,3.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3, 4, 5, 6, 7, 8, 9])]
    rows: Vec<u8>,
    /// How often all servers have their turn.
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// Seconds of each turn. Short ones: a small machine has slow and fast phases of some seconds, and only servers whose turns
    /// are in the same phase can be compared.
    #[arg(long, default_value_t = 1)]
    seconds: u64,
    /// Connections at which throughput is measured; the verdict is on 64.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    connections: Vec<usize>,
    /// Where every number goes.
    #[arg(long, default_value = "target/speed.json")]
    json: PathBuf,
    /// A program other than the one that is built here.
    #[arg(long)]
    program: Option<PathBuf>,
}

/// The servers beside which qewd is measured, each in a process of its own: this program starts itself.
#[derive(Subcommand)]
enum Server {
    #[command(hide = true)]
    Bare { port: u16, hello: PathBuf, safe: PathBuf },
    #[command(hide = true)]
    Proxy { port: u16, to: u16 },
}

/// Connections at which goals are judged.
const JUDGED: usize = 64;

/// How long and how often.
#[derive(Debug, Clone)]
struct Plan {
    rounds: usize,
    turn: Duration,
    connections: Vec<usize>,
}

fn main() {
    let arguments = Arguments::parse();
    match arguments.server {
        Some(Server::Bare { port, hello, safe }) => native::bare(port, &hello, &safe),
        Some(Server::Proxy { port, to }) => native::proxy(port, to),
        None => measure(&arguments),
    }
}

fn measure(arguments: &Arguments) {
    let tools = Tools::ready(arguments.program.clone());
    let (rounds, turn) = (arguments.rounds, Duration::from_secs(arguments.seconds));
    let plan = Plan { rounds, turn, connections: arguments.connections.clone() };
    let wants = |rows: &[u8]| rows.iter().any(|row| arguments.rows.contains(row));
    let mut report = Report::default();
    if wants(&[1, 2]) {
        side_by_side::here(&tools, &plan, &mut report);
    }
    if wants(&[3, 4]) {
        side_by_side::over_a_link(&tools, &plan, &mut report);
    }
    if wants(&[5]) {
        latency::added(&tools, &plan, &mut report);
    }
    if wants(&[6]) {
        latency::under_load(&tools, &plan, &mut report);
    }
    if wants(&[7]) {
        start::start(&tools, &plan, &mut report);
    }
    if wants(&[8]) {
        footprint::footprint(&tools, &mut report);
    }
    if wants(&[9]) {
        scale::scale(&tools, &plan, &mut report);
    }
    report.print();
    report.save(&arguments.json, &plan);
}
