//! What a new edition changed, for the log.
//! In come the edition before and the one that serves now; out goes a line for each module and for the configuration.
//! It says nothing of what stayed as it was.

use super::fit::same;
use crate::configuration::Problem;
use crate::edition::{Edition, relative};
use crate::handler::Module;
use std::sync::Arc;

/// One line for each module that changed, and one for the configuration.
pub(super) fn tell(before: &Edition, now: &Edition) {
    let folder = &now.configuration.folder;
    let has_new_configuration = !Arc::ptr_eq(&before.configuration, &now.configuration);
    if has_new_configuration {
        for warning in &now.configuration.warnings {
            tracing::warn!("{warning}");
        }
        tracing::info!("the configuration as it is now in config.json and routes.json is in force");
    }
    let find = |edition: &Edition, module: &Module| {
        edition.catalog.modules().find(|other| other.file == module.file).map(Arc::clone)
    };
    for module in now.catalog.modules() {
        let (file, version, old) = (relative(folder, &module.file).display(), module.version(), find(before, module));
        let took = module.compiled().took.as_millis();
        match old {
            Some(old) if old.version() == version => {}
            Some(old) => {
                tracing::info!("{file}: version {version} serves in place of {}, compiled in {took} ms", old.version());
            }
            None => tracing::info!("{file}: version {version} serves {}, compiled in {took} ms", handlers(module)),
        }
    }
    for module in before.catalog.modules().filter(|module| find(now, module).is_none()) {
        let (file, version) = (relative(folder, &module.file).display(), module.version());
        let why = if module.file.exists() { "no route needs it any more" } else { "the file is gone" };
        tracing::info!("{file}: {why}, and version {version} with it: {}", handlers(module));
    }
    let known = |problem: &&Problem| before.problems.iter().any(|other| same(other, problem));
    for problem in now.problems.iter().filter(|problem| !known(problem)) {
        tracing::warn!("{problem}");
    }
}

fn handlers(module: &Module) -> String {
    let names: Vec<&str> = module.offers.iter().map(|offer| offer.name.as_str()).collect();
    names.join(", ")
}
