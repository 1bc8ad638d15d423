//! Keeps a running host in step with its application folder.
//! In come changes of modules, config.json and routes.json; out goes the next edition, made beside requests and entered in
//! one step, or one line that says why not.
//! It never takes anything from what serves before what follows is whole, compiled and checked.

mod settling;
mod watch;
mod fit;
mod report;

#[cfg(test)]
mod settling_tests;

use crate::configuration::{Configuration, IfSecretMissing};
use crate::dispatch::Dispatch;
use crate::edition::{Edition, Look, Stamp, Surroundings, Workshop, look, relative};
use crate::handler::Module;
use fit::{Fit, Fitting, OnDisk};
use report::Report;
use settling::{Settling, Writer};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use watch::Watch;

/// How often the folder is looked at where the system says nothing: some file systems never do.
const POLL: Duration = Duration::from_secs(1);

/// Watches one host's folder and puts what changes into service.
pub struct Reloader {
    dispatch: Arc<Dispatch>,
    workshop: Workshop,
    surroundings: Surroundings,
    /// The host's name, as it was started.
    microservice: Option<String>,
    settling: Settling,
    /// The modules as they were seen last. A folder that is gone as a whole is a volume that is not mounted.
    seen: BTreeMap<PathBuf, Stamp>,
    on_disk: OnDisk,
    /// A configuration that is sound but does not serve yet.
    wanted: Option<Configuration>,
    report: Report,
}

impl Reloader {
    /// A reloader for a host that serves what was `seen`.
    #[must_use]
    pub fn new(
        dispatch: Arc<Dispatch>,
        workshop: Workshop,
        surroundings: Surroundings,
        microservice: Option<String>,
        seen: Look,
    ) -> Self {
        let serving = dispatch.edition();
        let on_disk = serving.catalog.modules().map(|module| (module.file.clone(), Ok(module.compiled().clone())));
        Self {
            on_disk: on_disk.collect(),
            seen: seen.modules.clone().unwrap_or_default(),
            settling: Settling::new(seen.configuration.into_iter().chain(seen.modules.unwrap_or_default()).collect()),
            dispatch,
            workshop,
            surroundings,
            microservice,
            wanted: None,
            report: Report::default(),
        }
    }

    /// Runs until the host is to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.keep_in_step() => {}
        }
    }

    async fn keep_in_step(&mut self) {
        let mut watch = Watch::new();
        loop {
            let Some(seen) = self.look().await else { return };
            let is_new = watch.follow(&seen.folders);
            let files = self.files(seen);
            self.settling.look(&files, Instant::now());
            let settled = self.settling.settled(Instant::now());
            if !settled.is_empty() {
                self.take(settled).await;
            }
            self.report.write(Instant::now());
            if is_new {
                // What happened in a new folder before it was watched was not told.
                continue;
            }
            let poll = Instant::now() + POLL;
            let due = [self.settling.next(), self.report.next()].into_iter().flatten().min();
            tokio::select! {
                hints = watch.hints() => {
                    for hint in hints {
                        self.hint(&hint.path, hint.writer);
                    }
                }
                () = sleep_until(due.map_or(poll, |due| due.min(poll))) => {}
            }
        }
    }

    /// Looks at the folder, on a thread that may wait for a slow file system. Nothing: the runtime ends.
    async fn look(&self) -> Option<Look> {
        let edition = self.dispatch.edition();
        let (folder, host) = (edition.configuration.folder.clone(), Arc::clone(&edition.application));
        tokio::task::spawn_blocking(move || look(&folder, &host)).await.ok()
    }

    fn files(&mut self, look: Look) -> BTreeMap<PathBuf, Stamp> {
        self.report.folder(look.modules.is_some() || self.seen.is_empty());
        self.seen = look.modules.unwrap_or_else(|| std::mem::take(&mut self.seen));
        look.configuration.into_iter().chain(self.seen.clone()).collect()
    }

    /// Only files that belong to a host are followed one by one; a folder's change is seen by the next look.
    fn hint(&mut self, path: &std::path::Path, writer: Option<Writer>) {
        let is_module = path.extension().is_some_and(|extension| extension == "wasm");
        let is_configuration = path.extension().is_some_and(|extension| extension == "json");
        if is_module || is_configuration {
            self.settling.hint(path, writer, Instant::now());
        }
    }

    /// Takes changed files in, and puts into service what can serve.
    async fn take(&mut self, settled: Vec<(PathBuf, Option<Stamp>)>) {
        let serving = self.dispatch.edition();
        let folder = serving.configuration.folder.clone();
        let mut configuration_changed = false;
        for (file, stamp) in settled {
            self.report.forget(&folder, &file);
            if file.extension().is_some_and(|extension| extension == "json") {
                configuration_changed = true;
            } else if stamp.is_none() {
                self.on_disk.remove(&file);
            } else {
                let read = self.workshop.read(&folder, &file).await;
                if Stamp::of(&file) != stamp {
                    // It changes again, so what was read may be half of each; the next look takes it up.
                    continue;
                }
                let compiled = match read {
                    Ok(bytes) => self.workshop.compile(&folder, &file, bytes).await,
                    Err(problem) => Err(problem),
                };
                self.on_disk.insert(file, compiled);
            }
        }
        if configuration_changed {
            self.read_configuration(&serving);
        }
        self.fit(&serving).await;
    }

    fn read_configuration(&mut self, serving: &Edition) {
        let before = &serving.configuration;
        let read = Configuration::load(&before.folder, self.microservice.as_deref(), IfSecretMissing::LeaveOut);
        match read {
            Ok(mut configuration) => {
                if configuration.secret_missing {
                    // A new one would throw everybody out; the next start makes it.
                    configuration.jwt.secret = before.jwt.secret.clone();
                    configuration.secret_missing = before.secret_missing;
                }
                self.wanted = Some(configuration);
                self.report.configuration(&[]);
            }
            Err(problems) => {
                self.wanted = None;
                self.report.configuration(&problems.0);
            }
        }
    }

    async fn fit(&mut self, serving: &Edition) {
        let fitting = Fitting { workshop: &self.workshop, serving, on_disk: &self.on_disk };
        let wanted = match &self.wanted {
            Some(wanted) => match fitting.fit(wanted).await {
                Ok(fit) => Some((wanted.clone(), fit)),
                Err(problems) => {
                    self.report.configuration(&problems);
                    None
                }
            },
            None => None,
        };
        let (configuration, fit) = match wanted {
            Some(fitted) => {
                self.wanted = None;
                self.report.configuration(&[]);
                fitted
            }
            // What serves now always fits to itself.
            None => match fitting.fit(&serving.configuration).await {
                Ok(fit) => (serving.configuration.clone(), fit),
                Err(_) => return,
            },
        };
        self.report.left_out(&fit.left_out, serving);
        self.enter(serving, configuration, fit).await;
    }

    /// Puts what fits into service, if it differs from what serves.
    async fn enter(&mut self, serving: &Edition, mut configuration: Configuration, fit: Fit) {
        let new_configuration = configuration != serving.configuration;
        let same_modules = fit.draft.catalog.modules().count() == serving.catalog.modules().count()
            && fit
                .draft
                .catalog
                .modules()
                .all(|module| serving.catalog.modules().any(|other| Arc::ptr_eq(module, other)));
        if !new_configuration && same_modules {
            return;
        }
        self.bound(serving, &mut configuration);
        let next = serving.next(&self.surroundings, configuration, fit.draft.table, fit.draft.catalog).await;
        match next {
            Ok(edition) => {
                let edition = Arc::new(edition);
                self.dispatch.enter(&edition);
                edition.enter(&self.surroundings, new_configuration);
                tell(serving, &edition, new_configuration);
                for problem in fit.draft.problems {
                    tracing::warn!("{problem}");
                }
            }
            Err(error) => tracing::error!("the new configuration cannot serve: {error}"),
        }
    }

    /// What cannot change while a host runs, stays.
    fn bound(&self, serving: &Edition, configuration: &mut Configuration) {
        let (before, settings) = (&serving.configuration.settings, &mut configuration.settings);
        if before.port != settings.port {
            tracing::warn!("port {} is taken at the next start; until then it is the one of this start", settings.port);
        }
        let room = self.workshop.engine.instances() / 2;
        if settings.pool_size > room {
            tracing::warn!(
                "poolSize {} is more than this start made room for; it is {room} until the next",
                settings.pool_size
            );
            settings.pool_size = room;
        }
    }
}

/// One line for each module that changed, and one for the configuration.
fn tell(before: &Edition, now: &Edition, new_configuration: bool) {
    let folder = &now.configuration.folder;
    if new_configuration {
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
        tracing::info!("{file}: the file is gone, and version {version} with it: {}", handlers(module));
    }
}

fn handlers(module: &Module) -> String {
    let names: Vec<&str> = module.offers.iter().map(|offer| offer.name.as_str()).collect();
    names.join(", ")
}
