//! The modules of this host, and the files that are none.
//! In come the modules that serve, their workers, and what the reloader found; out goes the view.
//! It never loads anything.

use super::{Monitor, milliseconds};
use crate::configuration::Mode;
use crate::edition::relative;
use crate::handler::Module;
use crate::names::ServiceName;
use crate::pool::{Worker, WorkerState};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) fn handlers(monitor: &Monitor) -> Value {
    let edition = monitor.edition();
    let (workers, found) = (monitor.seen.dispatch.pool.workers(), monitor.seen.dispatch.findings.found());
    let folder = &edition.configuration.folder;
    let error = |file: &PathBuf| found.modules.iter().find(|(of, _)| of == file).map(|(_, words)| words.as_str());
    let shown = |module: &Module| {
        let file = relative(folder, &module.file).to_string_lossy();
        let handlers = module.offers.iter().map(|offer| {
            let needs: Vec<&str> = offer.needs.iter().map(ServiceName::as_str).collect();
            json!({"name": offer.name.as_str(), "needs": needs})
        });
        let (counted, mode) = (module.tally.now(), mode(module.settings.mode));
        let took = counted.latencies.quantiles();
        json!({
            "name": &*module.name, "file": file, "source": module.source.as_ref().map(ServiceName::as_str),
            "version": &**module.version(), "loaded": milliseconds(module.loaded), "mode": mode,
            "handlers": handlers.collect::<Vec<_>>(), "workers": count(&workers, &module.name),
            "requests": counted.requests(), "errors": counted.errors, "p50": took.p50, "p99": took.p99,
            "error": error(&module.file),
        })
    };
    let modules: Vec<Value> = edition.catalog.modules().map(|module| shown(module)).collect();
    let serves = |file: &PathBuf| edition.catalog.modules().any(|module| module.file == *file);
    let others = found.modules.iter().filter(|(file, _)| !serves(file));
    let not_loaded: Vec<Value> =
        others.map(|(file, words)| json!({"file": relative(folder, file).to_string_lossy(), "error": words})).collect();
    json!({"modules": modules, "notLoaded": not_loaded})
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Reuse => "reuse",
        Mode::Fresh => "fresh",
    }
}

/// How many workers of a module are in which state; those of earlier versions are among them.
fn count(workers: &[Worker], module: &str) -> Value {
    let of = |state| workers.iter().filter(|worker| *worker.module == *module && worker.state == state).count();
    let (idle, busy, stopping) = (of(WorkerState::Idle), of(WorkerState::Busy), of(WorkerState::Stopping));
    json!({"idle": idle, "busy": busy, "stopping": stopping})
}
