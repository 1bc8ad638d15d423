//! What instances cost: time to make one, time of a call, memory while idle, and the start with many modules.
//! In comes nothing; out go tables that put the host beside a plain loop around wasmtime.
//! It serves no port: what HTTP costs is no part of it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that cannot go on has nothing better to do than to say so and end"
)]
#![allow(clippy::cast_precision_loss, reason = "times and sizes are shown with three digits")]

mod batches;
mod calls;
mod hosted;
mod idle_memory;
mod plain;
mod start_up;
mod times;

use bench::modules::{self, Versioned};
use bench::noise::Noise;
use bench::table;
use calls::CASES;
use clap::Parser;

/// Measures what instances cost, in the host and with wasmtime alone.
#[derive(Parser)]
struct Arguments {
    /// Measure the memory of idle instances only, in this process: `host` or `plain`
    #[arg(long, hide = true, requires = "module")]
    idle_memory: Option<String>,
    /// The module for that
    #[arg(long, hide = true)]
    module: Option<String>,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let folder = modules::build();
    if let (Some(way), Some(module)) = (&arguments.idle_memory, &arguments.module) {
        idle_memory::measure(way, module, &folder).await;
        return;
    }
    let noise = Noise::watch(Vec::new());
    let mut rows = Vec::new();
    for case in &CASES {
        rows.extend(times::rows(case, &folder).await);
    }
    table::print(&batches::HEADING, &rows);
    table::print(&start_up::HEADING, &start_up::rows(&Versioned::read(&folder)).await);
    println!("{}", noise.end());
    table::print(&idle_memory::HEADING, &CASES.each_ref().map(idle_memory::row));
}
