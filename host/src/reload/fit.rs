//! What of the changed files can serve together.
//! In come what serves now, the configuration and the modules on disk; out goes the best draft, and what had to be left out.
//! It changes nothing that serves.

use crate::configuration::{Configuration, Problem};
use crate::edition::{Draft, Edition, Workshop, draft};
use crate::handler::{Compiled, Module};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What lies on disk: each module's file, compiled, or its problem.
pub(super) type OnDisk = BTreeMap<PathBuf, Result<Compiled, Problem>>;

/// Finds out what can serve.
pub(super) struct Fitting<'a> {
    pub(super) workshop: &'a Workshop,
    pub(super) serving: &'a Edition,
    pub(super) on_disk: &'a OnDisk,
}

/// What can serve, and the problems of what cannot.
pub(super) struct Fit {
    pub(super) draft: Draft,
    /// What was left out, each file with the first of its problems.
    pub(super) left_out: Vec<(PathBuf, Problem)>,
}

/// Modules by their files, in the order in which they claim handlers.
type Modules = Vec<Arc<Module>>;

impl Fitting<'_> {
    /// Fits the modules on disk to this configuration: all of them, or else as many as can be.
    ///
    /// # Errors
    /// When the configuration does not fit to the modules, neither to those that serve nor to those on disk.
    pub(super) async fn fit(&self, configuration: &Configuration) -> Result<Fit, Vec<Problem>> {
        let (base, unlinked) = self.base(configuration).await;
        let tolerated = self.tolerated();
        let (changes, mut left_out) = self.changes(configuration).await;
        let mut all = base.clone();
        for change in &changes {
            put(&mut all, change);
        }
        let everything = draft(configuration, all, unlinked.clone());
        let news = new_problems(&everything, &tolerated);
        if news.is_empty() {
            return Ok(Fit { draft: everything, left_out });
        }
        let mut modules = base;
        let mut best = draft(configuration, modules.clone(), unlinked.clone());
        if !new_problems(&best, &tolerated).is_empty() {
            return Err(news);
        }
        for change in &changes {
            let mut with = modules.clone();
            put(&mut with, change);
            let tried = draft(configuration, with.clone(), unlinked.clone());
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
    async fn base(&self, configuration: &Configuration) -> (Modules, Vec<Problem>) {
        let (mut modules, mut problems) = (Vec::new(), Vec::new());
        for module in self.serving.catalog.modules().filter(|module| self.on_disk.contains_key(&module.file)) {
            match self.finish(configuration, &module.file, module.compiled()).await {
                Ok(module) => modules.push(module),
                Err(problem) => problems.push(problem),
            }
        }
        (modules, problems)
    }

    /// The modules on disk that differ from those that serve.
    async fn changes(&self, configuration: &Configuration) -> (Modules, Vec<(PathBuf, Problem)>) {
        let (mut modules, mut left_out) = (Vec::new(), Vec::new());
        for (file, compiled) in self.on_disk {
            let finished = match compiled {
                Ok(compiled) if self.serves(file, compiled) => continue,
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
        &self,
        configuration: &Configuration,
        file: &Path,
        compiled: &Compiled,
    ) -> Result<Arc<Module>, Problem> {
        let before = &self.serving.configuration;
        let same_surroundings = before.user_defined == configuration.user_defined
            && before.settings.limits.response == configuration.settings.limits.response;
        let serving = self.serving.catalog.modules().find(|module| module.file == file);
        match serving.filter(|module| same_surroundings && module.version() == &compiled.version) {
            Some(module) if configuration.module(&module.name) == module.settings => Ok(Arc::clone(module)),
            _ => self.workshop.finish(configuration, file, compiled).await,
        }
    }

    fn serves(&self, file: &Path, compiled: &Compiled) -> bool {
        self.serving.catalog.modules().any(|module| module.file == file && *module.version() == compiled.version)
    }
}

/// Puts a module in its file's place. A file that was renamed is missed under its old name: what it offered moves along.
fn put(modules: &mut Modules, change: &Arc<Module>) {
    let takes_over = |module: &Arc<Module>| {
        let same_handler = module.offers.iter().any(|offer| change.offers.iter().any(|new| new.name == offer.name));
        module.file == change.file || (same_handler && !module.file.exists())
    };
    modules.retain(|module| !takes_over(module));
    modules.push(Arc::clone(change));
}

fn new_problems(draft: &Draft, tolerated: &[Problem]) -> Vec<Problem> {
    draft.problems.iter().filter(|problem| !tolerated.contains(problem)).cloned().collect()
}
