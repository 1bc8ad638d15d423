//! The program itself, and what it takes of the machine.
//! In come what the system tells of this process; out go families under the names that all programs use for that.
//! What the system does not tell is left out, and never guessed.

use super::family::{Families, float};
use crate::health::Health;
use crate::process;
use std::time::SystemTime;

pub(super) fn add(families: &mut Families, health: &Health) {
    families
        .gauge("qewd_build_info", "The version of qewd; always 1.")
        .set(&[("version", env!("CARGO_PKG_VERSION"))], 1.0)
        .end();
    families
        .counter("qewd_log_lines_dropped_total", "Lines of the log that nobody read in time.")
        .count(&[], float(crate::logging::dropped()))
        .end();
    if let Some(telemetry) = &health.dispatch().telemetry {
        let dropped = telemetry.dropped();
        families
            .counter("qewd_spans_dropped_total", "Spans that the collector of traces never gets, by reason.")
            .count(&[("reason", "queue_full")], float(dropped.without_room))
            .count(&[("reason", "not_taken")], float(dropped.not_taken))
            .end();
    }
    if let Some(memory) = process::memory() {
        families.gauge("process_resident_memory_bytes", "Resident memory size in bytes.").set(&[], float(memory)).end();
    }
    families
        .counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
        .count(&[], process::processor_time().as_secs_f64())
        .end();
    if let Some(open) = process::open_files() {
        families.gauge("process_open_fds", "Number of open file descriptors.").set(&[], float(open)).end();
    }
    if let Some(most) = process::most_open_files() {
        families.gauge("process_max_fds", "Maximum number of open file descriptors.").set(&[], float(most)).end();
    }
    let started = health.started().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    families
        .gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
        .set(&[], started.as_secs_f64())
        .end();
}
