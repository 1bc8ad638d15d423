//! What of the changed files can serve together.
//! In come what serves now, the configuration and the modules on disk; out goes the best draft, and what had to be left out.
//! It changes nothing that serves.

use crate::configuration::{Configuration, ModuleSettings, Problem};
use crate::edition::{Draft, Edition, Workshop, draft};
use crate::handler::{Compiled, Module};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What lies on disk: each module's file, compiled, or its problem.
pub(super) type OnDisk = BTreeMap<PathBuf, Result<Compiled, Problem>>;

/// Modules that could not be finished: their version, what they were to use, and why not.
pub(super) type Failed = BTreeMap<PathBuf, (Arc<str>, ModuleSettings, Problem)>;

/// Finds out what can serve.
pub(super) struct Fitting<'a> {
    pub(super) workshop: &'a Workshop,
    pub(super) serving: &'a Edition,
    pub(super) on_disk: &'a OnDisk,
    pub(super) failed: &'a mut Failed,
    /// A file whose module is to be made anew, also if nothing about it has changed.
    pub(super) anew: Option<&'a Path>,
}

/// What can serve, and the problems of what cannot.
pub(super) struct Fit {
    pub(super) draft: Draft,
    /// What was left out, each file with the first of its problems.
    pub(super) left_out: Vec<(PathBuf, Problem)>,
}

/// Files with their modules, or why they are none, in the order in which they claim handlers.
type Modules = Vec<(PathBuf, Result<Arc<Module>, Problem>)>;

impl Fitting<'_> {
    /// Fits the modules on disk to this configuration: all of them, or else as many as can be.
    ///
    /// # Errors
    /// When the configuration does not fit to the modules, neither to those that serve nor to those on disk.
    pub(super) async fn fit(&mut self, configuration: &Configuration) -> Result<Fit, Vec<Problem>> {
        let base = self.base(configuration).await;
        let tolerated = self.tolerated();
        let (changes, mut left_out) = self.changes(configuration).await;
        let all = changes.iter().fold(base.clone(), put);
        let everything = drafted(configuration, &all);
        let news = new_problems(&everything, &tolerated);
        if news.is_empty() {
            return Ok(Fit { draft: everything, left_out });
        }
        let (mut modules, mut best) = (base.clone(), drafted(configuration, &base));
        if !new_problems(&best, &tolerated).is_empty() {
            return Err(news);
        }
        for change in &changes {
            let with = put(modules.clone(), change);
            let tried = drafted(configuration, &with);
            match new_problems(&tried, &tolerated).into_iter().next() {
                None => (modules, best) = (with, tried),
                Some(problem) => left_out.push((change.file.clone(), problem)),
            }
        }
        Ok(Fit { draft: best, left_out })
    }

    /// Problems that are there already: a deleted module's routes have nobody who answers them.
    fn tolerated(&self) -> Vec<Problem> {
        let modules = self.serving.catalog.modules().filter(|module| self.on_disk.contains_key(&module.file));
        draft(&self.serving.configuration, modules.map(Arc::clone), Vec::new()).problems
    }

    /// The modules that serve and whose files are there, as this configuration wants them.
    async fn base(&mut self, configuration: &Configuration) -> Modules {
        let mut modules = Vec::new();
        let serving = self.serving;
        for module in serving.catalog.modules().filter(|module| self.on_disk.contains_key(&module.file)) {
            modules.push((module.file.clone(), self.finish(configuration, &module.file, module.compiled()).await));
        }
        modules
    }

    /// The modules on disk that differ from those that serve, and the files that are none.
    async fn changes(&mut self, configuration: &Configuration) -> (Vec<Arc<Module>>, Vec<(PathBuf, Problem)>) {
        let (mut modules, mut left_out) = (Vec::new(), Vec::new());
        let on_disk = self.on_disk;
        for (file, compiled) in on_disk {
            let finished = match compiled {
                Ok(compiled) if self.serves(file, compiled) => continue,
                // Renamed a moment ago: it is not yet known to be gone for good.
                _ if !file.exists() => continue,
                Ok(compiled) => self.finish(configuration, file, compiled).await,
                Err(problem) => Err(problem.clone()),
            };
            match finished {
                Ok(module) => modules.push(module),
                Err(problem) => left_out.push((file.clone(), problem)),
            }
        }
        (modules, left_out)
    }

    /// The module of a file; the one that serves, if nothing about it would differ.
    async fn finish(
        &mut self,
        configuration: &Configuration,
        file: &Path,
        compiled: &Compiled,
    ) -> Result<Arc<Module>, Problem> {
        let before = &self.serving.configuration;
        let same_surroundings = before.user_defined == configuration.user_defined
            && before.settings.limits.response == configuration.settings.limits.response;
        let settings = self.workshop.settings(configuration, file);
        let serving = self.serving.catalog.modules().find(|module| module.file == file);
        let is_same = |module: &&Arc<Module>| *module.version() == compiled.version && module.settings == settings;
        if let Some(module) = serving.filter(is_same).filter(|_| same_surroundings && self.anew != Some(file)) {
            return Ok(Arc::clone(module));
        }
        if let Some((version, tried_with, problem)) = self.failed.get(file)
            && (version, tried_with) == (&compiled.version, &settings)
        {
            return Err(problem.clone());
        }
        let finished = self.workshop.finish(configuration, file, compiled).await;
        if let Err(problem) = &finished {
            self.failed.insert(file.to_owned(), (Arc::clone(&compiled.version), settings, problem.clone()));
        }
        finished
    }

    fn serves(&self, file: &Path, compiled: &Compiled) -> bool {
        self.serving.catalog.modules().any(|module| module.file == file && *module.version() == compiled.version)
    }
}

/// What these modules make with the configuration.
fn drafted(configuration: &Configuration, modules: &Modules) -> Draft {
    let good = modules.iter().filter_map(|(_, module)| module.as_ref().ok().map(Arc::clone));
    let bad = modules.iter().filter_map(|(_, module)| module.as_ref().err().cloned());
    draft(configuration, good, bad.collect())
}

/// Puts a module in its file's place. A file that was renamed is missed under its old name: what it offered moves along.
fn put(mut modules: Modules, change: &Arc<Module>) -> Modules {
    let takes_over = |file: &Path, module: &Arc<Module>| {
        let same_handler = module.offers.iter().any(|offer| change.offers.iter().any(|new| new.name == offer.name));
        module.source == change.source && same_handler && !file.exists()
    };
    modules
        .retain(|(file, module)| *file != change.file && !module.as_ref().is_ok_and(|module| takes_over(file, module)));
    modules.push((change.file.clone(), Ok(Arc::clone(change))));
    modules
}

/// Whether two problems are the same one. Where it stands and how to mend it change with the lines of a file, and with the
/// handlers that there are.
pub(super) fn same(one: &Problem, other: &Problem) -> bool {
    one.file == other.file && one.what == other.what
}

fn new_problems(draft: &Draft, tolerated: &[Problem]) -> Vec<Problem> {
    let is_new = |problem: &&Problem| !tolerated.iter().any(|other| same(other, problem));
    draft.problems.iter().filter(is_new).cloned().collect()
}
