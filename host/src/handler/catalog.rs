//! The handlers of one host: every module below its folder, and which of them offers which handler.
//! In comes the folder `handlers/<host name>/`; out goes the module for a handler's name, or every problem at once.
//! It never watches the folder, and never runs a request.

use super::engine::Engine;
use super::instance::InstanceSettings;
use super::module::{Module, Offer};
use crate::configuration::Problem;
use crate::names::HandlerName;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How deep below the host's folder a module may lie: bounds a loop of links.
const DEPTH: usize = 16;

/// Which module offers which handler.
#[derive(Default)]
pub struct Catalog {
    handlers: BTreeMap<HandlerName, Arc<Module>>,
}

impl Catalog {
    /// Loads every module below `handlers/<host name>/` of an application folder; a folder that is missing has none.
    /// Returns the handlers that are there, and every problem: a file that cannot be loaded, a handler that two files offer.
    pub async fn survey(
        engine: &Engine,
        application: &Path,
        host: &str,
        settings: &InstanceSettings,
    ) -> (Self, Vec<Problem>) {
        let mut files = Vec::new();
        find_modules(&application.join("handlers").join(host), 0, &mut files);
        files.sort();
        let (mut catalog, mut problems) = (Self::default(), Vec::new());
        for file in files {
            match Module::load(engine, &file, settings).await {
                Ok(module) => catalog.add(&Arc::new(module), application, &mut problems),
                Err(failure) => problems.push(problem(application, &file, failure.what, failure.mend)),
            }
        }
        (catalog, problems)
    }

    /// The module that offers this handler.
    #[must_use]
    pub fn module(&self, handler: &HandlerName) -> Option<&Arc<Module>> {
        self.handlers.get(handler)
    }

    /// The names of all handlers, sorted.
    pub fn names(&self) -> impl Iterator<Item = &HandlerName> {
        self.handlers.keys()
    }

    /// Every handler with the module that offers it.
    pub fn offers(&self) -> impl Iterator<Item = (&Offer, &Arc<Module>)> {
        self.handlers.iter().filter_map(|(name, module)| {
            module.offers.iter().find(|offer| offer.name == *name).map(|offer| (offer, module))
        })
    }

    fn add(&mut self, module: &Arc<Module>, application: &Path, problems: &mut Vec<Problem>) {
        for offer in &module.offers {
            if let Some(other) = self.handlers.get(&offer.name) {
                let what = format!(
                    "the handler {} is offered by this file and by {}",
                    offer.name,
                    relative(application, &other.file).display()
                );
                problems.push(problem(application, &module.file, what, "remove one of the files".to_owned()));
            } else {
                self.handlers.insert(offer.name.clone(), Arc::clone(module));
            }
        }
    }
}

/// Collects `.wasm` files. What Cargo and editors keep for themselves is no module: `target` and dotted names.
fn find_modules(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() && depth < DEPTH {
            find_modules(&path, depth + 1, files);
        } else if path.extension().is_some_and(|extension| extension == "wasm") && path.is_file() {
            files.push(path);
        }
    }
}

fn problem(application: &Path, file: &Path, what: String, mend: String) -> Problem {
    Problem::in_file(relative(application, file), what, mend)
}

fn relative<'a>(application: &Path, file: &'a Path) -> &'a Path {
    file.strip_prefix(application).unwrap_or(file)
}
