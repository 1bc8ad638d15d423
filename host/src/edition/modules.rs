//! From the files of a host to its loaded modules, and from modules and routes to what can serve.
//! In come files or modules; out go modules, a route table and a catalogue, and every problem at once.
//! It never changes what serves now.

use super::checks::check_handlers;
use super::folder::module_place;
use crate::audience::Audience;
use crate::configuration::{Configuration, MODULE_BYTES, ModuleSettings, Problem};
use crate::handler::{Borrowed, Catalog, Clash, Compiled, Engine, LoadFailure, Module, Shared, Upward};
use crate::names::ServiceName;
use crate::router::Table;
use crate::store::Documents;
use futures_util::StreamExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What makes modules of files: it stays while configurations come and go.
#[derive(Clone)]
pub struct Workshop {
    /// Compiles.
    pub engine: Engine,
    /// The way up to `dispatch`.
    pub upward: Upward,
    /// Who hears what handlers push to clients.
    pub audience: Arc<Audience>,
    /// The host's documents.
    pub documents: Arc<Documents>,
}

/// A route table, the handlers, and what does not fit together.
pub struct Draft {
    /// The routes of the host.
    pub table: Table,
    /// Its handlers.
    pub catalog: Catalog,
    /// Every problem; none means that this can serve.
    pub problems: Vec<Problem>,
}

impl Workshop {
    /// Reads one file.
    ///
    /// # Errors
    /// The file's problem, with its mend.
    pub async fn read(&self, application: &Path, file: &Path) -> Result<Vec<u8>, Problem> {
        let problem = |what: String, mend: &str| Problem::in_file(relative(application, file), what, mend);
        let unreadable = |error: std::io::Error| {
            let mend = match error.kind() {
                std::io::ErrorKind::PermissionDenied => "let the user that runs qewd read it",
                _ => "look at the disk and at the limit of open files",
            };
            problem(format!("the file cannot be read: {error}"), mend)
        };
        let size = tokio::fs::metadata(file).await.map_err(unreadable)?.len();
        if size > MODULE_BYTES {
            let what = format!("the file has {size} bytes, and a module may have {MODULE_BYTES}");
            return Err(problem(what, "build it smaller"));
        }
        tokio::fs::read(file).await.map_err(unreadable)
    }

    /// Compiles what was read from a file.
    ///
    /// # Errors
    /// The file's problem, with its mend.
    pub async fn compile(&self, application: &Path, file: &Path, bytes: Vec<u8>) -> Result<Compiled, Problem> {
        Compiled::new(&self.engine, bytes).await.map_err(|failure| problem(application, file, failure))
    }

    /// What the module of a file may use.
    #[must_use]
    pub fn settings(&self, configuration: &Configuration, file: &Path) -> ModuleSettings {
        let host = configuration.host.as_str();
        let place = module_place(&configuration.folder, host, file);
        configuration.module(place.source.as_ref().map_or(host, ServiceName::as_str), &place.path)
    }

    /// Links a compiled file as this configuration wants it, and asks it what it offers.
    ///
    /// # Errors
    /// The file's problem, with its mend.
    pub async fn finish(
        &self,
        configuration: &Configuration,
        file: &Path,
        compiled: &Compiled,
    ) -> Result<Arc<Module>, Problem> {
        let folder = &configuration.folder;
        let place = module_place(folder, configuration.host.as_str(), file);
        let settings = self.settings(configuration, file);
        let shared = Shared {
            audience: Arc::clone(&self.audience),
            documents: Arc::clone(&self.documents),
            response: configuration.settings.limits.response,
            user_defined: Arc::clone(&configuration.user_defined),
            upward: self.upward.clone(),
        };
        let module = Module::new(compiled, place, file.to_owned(), settings, shared).await;
        module.map(Arc::new).map_err(|failure| problem(folder, file, failure))
    }

    /// Loads every file, several at once; nobody waits for an answer yet.
    pub async fn load_all(
        &self,
        configuration: &Configuration,
        files: impl IntoIterator<Item = &PathBuf>,
    ) -> (Vec<Arc<Module>>, Vec<Problem>) {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        let loading = files.into_iter().map(|file| async move {
            let bytes = self.read(&configuration.folder, file).await?;
            let compiled = self.compile(&configuration.folder, file, bytes).await?;
            self.finish(configuration, file, &compiled).await
        });
        let loaded: Vec<_> = futures_util::stream::iter(loading).buffered(at_once).collect().await;
        self.engine.seal_cache().await;
        let (mut modules, mut problems) = (Vec::new(), Vec::new());
        for result in loaded {
            match result {
                Ok(module) => modules.push(module),
                Err(problem) => problems.push(problem),
            }
        }
        (modules, problems)
    }
}

/// Puts routes and modules together. `not_loaded` are the problems of files that are no modules.
#[must_use]
pub fn draft(
    configuration: &Configuration,
    modules: impl IntoIterator<Item = Arc<Module>>,
    not_loaded: Vec<Problem>,
) -> Draft {
    let (table, mut problems) = Table::survey(configuration);
    let (catalog, clashes) = Catalog::new(modules, &borrowed(configuration, &table));
    let not_loaded = not_loaded.into_iter().chain(clashes.iter().map(|clash| clashing(configuration, clash)));
    problems.extend(check_handlers(configuration, &table, &catalog, not_loaded.collect()));
    Draft { table, catalog, problems }
}

/// The handlers that the routes of this host take from the folders of others.
fn borrowed(configuration: &Configuration, table: &Table) -> Borrowed {
    let mut borrowed = Borrowed::new();
    for entry in table.entries() {
        if let (Some(source), Some(handler)) = (&entry.source, entry.handler_here(configuration.host.as_str())) {
            borrowed.entry(source.clone()).or_default().insert(handler.clone());
        }
    }
    borrowed
}

fn clashing(configuration: &Configuration, clash: &Clash) -> Problem {
    let folder = &configuration.folder;
    let first = relative(folder, &clash.first.file).display();
    let what = format!("the handler {} is offered by this file and by {first}", clash.handler);
    Problem::in_file(relative(folder, &clash.second.file), what, "remove one of the files")
}

fn problem(application: &Path, file: &Path, failure: LoadFailure) -> Problem {
    Problem::in_file(relative(application, file), failure.what, failure.mend)
}

/// A file as logs name it: from the application folder on.
#[must_use]
pub fn relative<'a>(application: &Path, file: &'a Path) -> &'a Path {
    file.strip_prefix(application).unwrap_or(file)
}
