//! Modules, their handlers, the workers that run them, and the line before them.
//! In come the counters of the host, its pool and its edition; out go families with the module's name as the only label.
//! What is counted of a module goes on when another version of it serves, also when its file is gone for a while: an hour later it has no name any more.

use super::family::{Families, float, size};
use super::requests::by_status;
use crate::health::Health;
use crate::pool::{PoolLoad, WorkerState};
use std::sync::atomic::Ordering;

pub(super) fn add(families: &mut Families, health: &Health) {
    modules(families, health);
    handlers(families, health);
    workers(families, health);
    line(families, &health.dispatch().pool.load());
}

fn modules(families: &mut Families, health: &Health) {
    let dispatch = health.dispatch();
    let (edition, found) = (dispatch.edition(), dispatch.findings.found());
    families
        .gauge("qewd_modules_loaded", "Modules that serve.")
        .set(&[], size(edition.catalog.modules().count()))
        .end();
    families
        .gauge("qewd_problems", "Problems that keep files from being in force, by what they are about.")
        .set(&[("of", "modules")], size(found.modules.len()))
        .set(&[("of", "configuration")], size(found.configuration.len() + edition.problems.len()))
        .end();
    let (taken, refused) = (&dispatch.counters.reloads_taken, &dispatch.counters.reloads_refused);
    families
        .counter("qewd_reloads_total", "Changes of files while the host ran, by what came of them.")
        .count(&[("outcome", "taken")], float(taken.load(Ordering::Relaxed)))
        .count(&[("outcome", "refused")], float(refused.load(Ordering::Relaxed)))
        .end();
}

fn handlers(families: &mut Families, health: &Health) {
    let dispatch = health.dispatch();
    for module in dispatch.edition().catalog.modules() {
        // One that was not called yet has its zeros: else nobody would see its first call as a change.
        let _ = dispatch.counters.modules.of(&module.name);
    }
    let (counted, forgotten) = dispatch.counters.modules.now();
    // An empty label is none: what modules had counted that are gone for long belongs to no name.
    let counted =
        || counted.iter().map(|(module, counted)| (&**module, counted)).chain(forgotten.iter().map(|all| ("", all)));
    let mut family = families.counter(
        "qewd_handler_calls_total",
        "Requests that ran in a handler here, by module and by the class of the answer's status.",
    );
    for (module, counted) in counted() {
        for (status, count) in by_status(counted) {
            family = family.count(&[("module", module), ("status", status)], float(count));
        }
    }
    family.end();
    let mut family = families
        .histogram("qewd_handler_duration_seconds", "How long handlers ran, without the wait in the line, by module.");
    for (module, counted) in counted() {
        family = family.lengths(&[("module", module)], &counted.latencies);
    }
    family.end();
}

fn workers(families: &mut Families, health: &Health) {
    let workers = health.dispatch().pool.workers();
    let of = |state| size(workers.iter().filter(|worker| worker.state == state).count());
    families
        .gauge("qewd_workers", "Live instances of modules, by what they do.")
        .set(&[("state", "idle")], of(WorkerState::Idle))
        .set(&[("state", "busy")], of(WorkerState::Busy))
        .set(&[("state", "stopping")], of(WorkerState::Stopping))
        .end();
    let memory = workers.iter().map(|worker| worker.memory).fold(0, usize::saturating_add);
    families.gauge("qewd_workers_memory_bytes", "Wasm memory of all workers.").set(&[], size(memory)).end();
}

fn line(families: &mut Families, load: &PoolLoad) {
    families
        .gauge("qewd_workers_limit", "Workers at most for callers; questions of handlers have as many again.")
        .set(&[], size(load.settings.size))
        .end();
    families.gauge("qewd_requests_running", "Requests in handlers.").set(&[], size(load.running)).end();
    families.gauge("qewd_line_waiting", "Requests that wait for a worker.").set(&[], size(load.waiting)).end();
    families.gauge("qewd_line_limit", "Requests that may wait for a worker.").set(&[], size(load.settings.line)).end();
    families
        .counter("qewd_line_refused_total", "Requests that found no place in the line, or whose time passed in it.")
        .count(&[], float(load.refused))
        .end();
}
