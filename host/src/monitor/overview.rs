//! A host at a glance: what it is, what it takes, how requests go, and its workers.
//! In come numbers that others keep; out goes the view.
//! It computes nothing that grows with the number of requests.

use super::{Monitor, milliseconds, settings};
use crate::counters::{Counted, Step, Times};
use crate::names::HostName;
use crate::pool::{Worker, WorkerState};
use crate::process::Taken;
use serde_json::{Value, json};
use std::time::SystemTime;

/// The view; `is_short`: without the configuration, for who looks at many hosts.
pub(super) fn overview(monitor: &Monitor, is_short: bool) -> Value {
    let (edition, dispatch, now) = (monitor.edition(), &monitor.seen.dispatch, SystemTime::now());
    let role = match edition.configuration.host {
        HostName::Orchestrator => "orchestrator",
        HostName::Microservice(_) => "microservice",
    };
    let Taken { cores, memory } = monitor.meter.taken();
    let uptime = now.duration_since(monitor.started).unwrap_or_default();
    let workers: Vec<Value> = dispatch.pool.workers().iter().map(worker).collect();
    let counted = dispatch.counters.together();
    let (requests, Counted { errors, caller_errors, .. }) = (counted.requests(), &counted);
    let times = dispatch.counters.times();
    let configuration = if is_short {
        Value::Null
    } else {
        settings::settings(&edition, monitor.seen.port, monitor.seen.management_port)
    };
    json!({
        "host": &*edition.application, "role": role, "serverName": edition.configuration.settings.server_name,
        "version": env!("CARGO_PKG_VERSION"), "pid": std::process::id(), "port": monitor.seen.port,
        "started": milliseconds(monitor.started), "uptime": uptime.as_secs_f64(), "now": milliseconds(now),
        "stopping": monitor.seen.drain.is_cancelled(), "defaultPassword": edition.configuration.settings.has_known_password(),
        "memory": memory, "cpu": cores, "pool": pool(monitor), "workers": workers,
        "totals": {"requests": requests, "errors": errors, "callerErrors": caller_errors},
        "history": history(&times), "last": together(&times), "problems": problems(monitor),
        "configuration": configuration,
    })
}

fn pool(monitor: &Monitor) -> Value {
    let load = monitor.seen.dispatch.pool.load();
    json!({
        "size": load.settings.size, "running": load.running, "waiting": load.waiting, "refused": load.refused,
        "lineLimit": load.settings.line,
    })
}

fn worker(worker: &Worker) -> Value {
    let state = match worker.state {
        WorkerState::Idle => "idle",
        WorkerState::Busy => "busy",
        WorkerState::Stopping => "stopping",
    };
    json!({
        "id": worker.id, "module": &*worker.module, "version": &*worker.version, "state": state,
        "started": milliseconds(worker.started), "requests": worker.served, "memory": worker.memory,
        "memoryPeak": worker.memory_peak, "memoryLimit": worker.memory_limit,
    })
}

fn history(times: &Times) -> Value {
    let column = |of: fn(&Step) -> u64| times.steps.iter().map(of).collect::<Vec<_>>();
    let figures = |of: fn(&Step) -> Option<f64>| times.steps.iter().map(of).collect::<Vec<_>>();
    json!({
        "seconds": Times::STEP.as_secs(), "ends": milliseconds(times.ended),
        "requests": column(|step| step.requests), "errors": column(|step| step.errors),
        "callerErrors": column(|step| step.caller_errors), "p50": figures(|step| step.took.p50),
        "p99": figures(|step| step.took.p99),
    })
}

/// All steps of the history as one.
fn together(times: &Times) -> Value {
    let sum = |of: fn(&Step) -> u64| times.steps.iter().map(of).sum::<u64>();
    let requests = sum(|step| step.requests);
    let steps = u32::try_from(times.steps.len()).unwrap_or(u32::MAX);
    let seconds = Times::STEP.saturating_mul(steps).as_secs_f64();
    // Requests of a quarter of an hour stay far below the numbers that a float tells exactly.
    let per_second = u32::try_from(requests).map_or(f64::from(u32::MAX), f64::from) / seconds.max(1.0);
    json!({
        "requests": requests, "errors": sum(|step| step.errors), "callerErrors": sum(|step| step.caller_errors),
        "perSecond": (per_second * 10.0).round() / 10.0, "p50": times.took.p50, "p99": times.took.p99,
    })
}

/// What of the configuration cannot be taken up, and what the files deserve a look at.
fn problems(monitor: &Monitor) -> Vec<String> {
    let (edition, found) = (monitor.edition(), monitor.seen.dispatch.findings.found());
    let standing = edition.problems.iter().map(ToString::to_string);
    found.configuration.iter().cloned().chain(standing).collect()
}
