//! Keeps a running host in step with its application folder.
//! In come changes of modules, config.json and routes.json; out goes the next edition, made beside requests and entered in
//! one step, or one line that says why not.
//! It never takes anything from what serves before what follows is whole, compiled and checked.

mod settling;
mod watch;
mod fit;
mod named;
mod next_start;
mod report;
mod news;

#[cfg(test)]
mod settling_tests;

use crate::configuration::{CONFIG, Configuration, IfSecretMissing, Problem, Problems, ROUTES};
use crate::dispatch::Dispatch;
use crate::edition::{Edition, Look, Surroundings, Wish, Workshop, look, relative};
use crate::names::ServiceName;
use crate::stamp::Stamp;
use fit::{Failed, Fit, Fitting, OnDisk};
use named::Named;
use report::Report;
use settling::{Settling, Writer};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
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
    wanted: Option<Arc<Configuration>>,
    /// The files that config.json named when it was read last, whether or not it serves.
    named: Named,
    /// Files that could not be read, and are tried again at each look.
    unread: BTreeSet<PathBuf>,
    /// What could not be finished, so that it is not tried with each change of something else.
    failed: Failed,
    report: Report,
    /// What operators want read anew.
    wishes: mpsc::Receiver<Wish>,
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
        let on_disk: OnDisk = on_disk.collect();
        // A module of another host's folder that is not needed now was not kept: it is taken up as if it were new, so that
        // it is at hand when a route wants it.
        let named = Named::of(&serving.configuration);
        let kept = seen.modules.clone().into_iter().filter(|(file, _)| on_disk.contains_key(file));
        Self {
            settling: Settling::new(seen.configuration.into_iter().chain(kept).chain(named.there()).collect()),
            on_disk,
            seen: seen.modules,
            wishes: dispatch.findings.wishes(),
            dispatch,
            workshop,
            surroundings,
            microservice,
            wanted: None,
            named,
            unread: BTreeSet::new(),
            failed: Failed::default(),
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
            let Some(seen) = self.look().await else {
                // What cannot be looked at has not changed: a host may be out of open files for a moment.
                sleep(POLL).await;
                continue;
            };
            let is_new = watch.follow(&seen.folders);
            self.take_up(seen).await;
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
                Some(Wish { module, reply }) = self.wishes.recv() => {
                    // Who does not wait any more finds the module reloaded.
                    let _ = reply.send(self.read_anew(&module).await);
                }
            }
        }
    }

    /// Looks at the folder, on a thread that may wait for a slow file system. Nothing: it could not be looked at.
    async fn look(&mut self) -> Option<Look> {
        let edition = self.dispatch.edition();
        let (folder, host) = (edition.configuration.folder.clone(), Arc::clone(&edition.application));
        let configurations = std::iter::once(&edition.configuration).chain(&self.wanted);
        let sources: BTreeSet<ServiceName> = configurations.flat_map(|configuration| configuration.sources()).collect();
        let named = self.named.and(&edition);
        let looked = tokio::task::spawn_blocking(move || {
            let mut seen = look(&folder, &host, &sources)?;
            seen.configuration.extend(named.into_iter().filter_map(|file| Stamp::of(&file).map(|stamp| (file, stamp))));
            Ok(seen)
        });
        let looked = looked.await;
        let looked = looked.unwrap_or_else(|ended| Err(ended.to_string()));
        self.report.look(looked.as_ref().err());
        looked.ok()
    }

    /// Takes up what has changed and come to rest.
    async fn take_up(&mut self, seen: Look) {
        let files = self.files(seen);
        self.settling.look(&files, Instant::now());
        let settled = self.settling.settled(Instant::now());
        if !settled.is_empty() {
            self.take(settled).await;
            self.fit_all().await;
            self.workshop.engine.seal_cache().await;
        }
        self.tell_refused();
        self.dispatch.findings.find(self.report.found());
    }

    fn files(&mut self, look: Look) -> BTreeMap<PathBuf, Stamp> {
        let is_lost = |file: &PathBuf| look.absent.iter().any(|folder| file.starts_with(folder));
        let lost: BTreeMap<PathBuf, Stamp> =
            std::mem::take(&mut self.seen).into_iter().filter(|(file, _)| is_lost(file)).collect();
        self.report.folder(lost.is_empty());
        self.seen = look.modules.into_iter().chain(lost).collect();
        look.configuration.into_iter().chain(self.seen.clone()).collect()
    }

    /// Only files that belong to a host are followed one by one; a folder's change is seen by the next look.
    fn hint(&mut self, path: &Path, writer: Option<Writer>) {
        if watch::is_followed(path) {
            self.settling.hint(path, writer, Instant::now());
        }
    }

    /// Takes changed files in.
    async fn take(&mut self, settled: Vec<(PathBuf, Option<Stamp>)>) {
        let serving = self.dispatch.edition();
        let (named, mut configuration_changed) = (self.named.and(&serving), false);
        for (file, stamp) in settled {
            if !self.unread.remove(&file) {
                self.report.forget(&serving.configuration.folder, &file);
            }
            if named.contains(&file) || file.extension().is_some_and(|extension| extension == "json") {
                configuration_changed = true;
            } else if stamp.is_none() {
                self.on_disk.remove(&file);
            } else {
                self.load(&serving.configuration.folder, file, stamp).await;
            }
        }
        if configuration_changed {
            self.read_configuration(&serving);
        }
    }

    async fn load(&mut self, folder: &Path, file: PathBuf, stamp: Option<Stamp>) {
        let read = self.workshop.read(folder, &file).await;
        if Stamp::of(&file) != stamp {
            // It changes again, so what was read may be half of each; the next look takes it up.
            return;
        }
        let compiled = match read {
            Ok(bytes) => self.workshop.compile(folder, &file, bytes).await,
            Err(problem) => {
                self.settling.again(&file);
                self.unread.insert(file.clone());
                Err(problem)
            }
        };
        self.on_disk.insert(file, compiled);
    }

    fn read_configuration(&mut self, serving: &Edition) {
        let before = &serving.configuration;
        let read = Configuration::load(&before.folder, self.microservice.as_deref(), IfSecretMissing::LeaveOut);
        self.named = Named::by(&read, &before.folder, self.microservice.as_deref());
        for (file, stamp) in self.named.there() {
            self.settling.taken(file, stamp);
        }
        // A start without routes.json is a host without routes; a host that runs has lost it.
        let lost = !before.routes.is_empty() && !before.folder.join(ROUTES).exists();
        let read = match read {
            Ok(_) if lost => Err(Problems(vec![routes_lost()])),
            read => read,
        };
        let read = read.and_then(|configuration| self.check_tls(before, configuration));
        self.wanted = None;
        match read {
            Ok(mut configuration) => {
                if configuration.secret_missing {
                    // A new one would throw everybody out; the next start makes it.
                    configuration.jwt.secret = before.jwt.secret.clone();
                    configuration.secret_missing = false;
                }
                let waiting = next_start::bound(serving, &mut configuration, self.workshop.engine.instances() / 2);
                self.report.waiting(waiting);
                if configuration != **before {
                    self.wanted = Some(Arc::new(configuration));
                }
                self.report.configuration(&[]);
            }
            Err(problems) => self.report.configuration(&problems.0),
        }
    }

    /// Checks the files that a configuration names. They may come a moment later than their names, so a configuration
    /// that fails is read again at each look.
    fn check_tls(&mut self, before: &Configuration, mut wanted: Configuration) -> Result<Configuration, Problems> {
        let waits = next_start::keep_speaking(&before.settings.ssl, &mut wanted.settings.ssl);
        if let Err(problems) = self.surroundings.tls.check(&wanted) {
            let file = before.folder.join(CONFIG);
            self.settling.again(&file);
            self.unread.insert(file);
            return Err(problems);
        }
        if let Some(words) = waits {
            tracing::warn!("{words}");
        }
        Ok(wanted)
    }

    /// Puts into service what fits. What did not fit may do so after that.
    async fn fit_all(&mut self) {
        while self.fit(None).await && self.wanted.is_some() {}
    }

    /// Reads a module anew because an operator wants it, and makes new instances of it even if it is the same. Gives the
    /// version that serves then.
    async fn read_anew(&mut self, name: &str) -> Result<Arc<str>, String> {
        let serving = self.dispatch.edition();
        let folder = &serving.configuration.folder;
        let before = serving.catalog.modules().find(|module| *module.name == *name);
        let named = |file: &&PathBuf| relative(folder, file).to_string_lossy() == name;
        let file = before.map(|module| &module.file).or_else(|| self.seen.keys().find(named));
        let file = file.ok_or_else(|| format!("there is no module {name}"))?.clone();
        self.failed.remove(&file);
        self.report.forget(folder, &file);
        self.load(folder, file.clone(), Stamp::of(&file)).await;
        self.fit(Some(&file)).await;
        self.workshop.engine.seal_cache().await;
        self.tell_refused();
        let found = self.report.found();
        let why = found.modules.iter().find(|(path, _)| *path == file).map(|(_, words)| words.clone());
        self.dispatch.findings.find(found);
        let now = self.dispatch.edition();
        match (why, now.catalog.modules().find(|module| module.file == file)) {
            (None, Some(module)) => Ok(Arc::clone(module.version())),
            (why, _) => Err(why.unwrap_or_else(|| format!("{name} is not there any more"))),
        }
    }

    /// Puts into service what fits now. Returns whether anything did.
    async fn fit(&mut self, anew: Option<&Path>) -> bool {
        let serving = self.dispatch.edition();
        let (workshop, on_disk, failed) = (&self.workshop, &self.on_disk, &mut self.failed);
        let mut fitting = Fitting { workshop, serving: &serving, on_disk, failed, anew };
        let fitted = match &self.wanted {
            Some(wanted) => fitting.fit(wanted).await.map(|fit| (Arc::clone(wanted), fit)),
            None => Err(Vec::new()),
        };
        let (configuration, fit) = match fitted {
            Ok(fitted) => {
                self.wanted = None;
                self.report.configuration(&[]);
                fitted
            }
            Err(problems) => {
                if self.wanted.is_some() {
                    self.report.configuration(&problems);
                }
                match fitting.fit(&serving.configuration).await {
                    Ok(fit) => (Arc::clone(&serving.configuration), fit),
                    // What serves now always fits to itself.
                    Err(_) => return false,
                }
            }
        };
        self.report.left_out(&fit.left_out, &serving);
        self.enter(&serving, configuration, fit).await
    }

    /// Puts what fits into service, if it differs from what serves. Returns whether it does.
    async fn enter(&mut self, serving: &Edition, configuration: Arc<Configuration>, fit: Fit) -> bool {
        let new_configuration = !Arc::ptr_eq(&configuration, &serving.configuration);
        if !new_configuration && fit.draft.catalog.has_same_modules(&serving.catalog) {
            return false;
        }
        match serving.next(&self.surroundings, configuration, fit.draft).await {
            Ok(edition) => {
                let edition = Arc::new(edition);
                self.dispatch.enter(&edition);
                crate::logging::configure(edition.configuration.settings.log.as_deref());
                edition.enter(&self.surroundings, new_configuration);
                news::tell(serving, &edition);
                self.dispatch.counters.reloads_taken.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(error) => {
                tracing::error!("the new configuration cannot serve: {error}");
                false
            }
        }
    }

    fn tell_refused(&mut self) {
        let told = self.report.write(Instant::now());
        self.dispatch.counters.reloads_refused.fetch_add(told, Ordering::Relaxed);
    }
}

fn routes_lost() -> Problem {
    Problem::in_file(Path::new(ROUTES), "the file is gone", "put it back, or write [] for no routes")
}
