//! What cannot serve, told once.
//! In come the problems of files; out goes one line for each in the log, when it has stood for a moment.
//! It never tells the same again before the file has changed.

use crate::configuration::Problem;
use crate::edition::{Edition, Found, relative};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// How long a problem stands before it is told: some tools write a file in several goes.
const STANDS: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Report {
    modules: BTreeMap<PathBuf, Line>,
    configuration: Vec<Line>,
    /// What of the configuration holds from the next start only.
    waiting: Vec<String>,
    folder_is_missed: bool,
    /// Why the folder cannot be looked at now.
    blind: Option<String>,
}

struct Line {
    words: String,
    since: Instant,
    told: bool,
}

impl Report {
    /// The file has changed: what was said about it may be true no longer, and is said again if it is.
    pub(super) fn forget(&mut self, application: &Path, file: &Path) {
        self.modules.remove(file);
        let start = format!("{}:", relative(application, file).display());
        self.configuration.retain(|line| !line.words.starts_with(&start));
    }

    /// The problems of both configuration files.
    pub(super) fn configuration(&mut self, problems: &[Problem]) {
        let lines = problems.iter().map(|problem| format!("{problem}; the configuration before it stays in force"));
        let before = std::mem::take(&mut self.configuration);
        self.configuration = lines.map(|words| Line::new(words, before.iter())).collect();
    }

    /// What of the configuration holds from the next start only, in words.
    pub(super) fn waiting(&mut self, waiting: Vec<String>) {
        for words in waiting.iter().filter(|words| !self.waiting.contains(words)) {
            tracing::warn!("{words}");
        }
        self.waiting = waiting;
    }

    /// Whether the folder of the modules is there.
    pub(super) fn folder(&mut self, is_there: bool) {
        if !is_there && !self.folder_is_missed {
            tracing::warn!("the folder of this host's modules is not there; what was loaded from it stays in service");
        }
        self.folder_is_missed = !is_there;
    }

    /// Whether the folder could be looked at, and if not, why.
    pub(super) fn look(&mut self, failure: Option<&String>) {
        if let Some(why) = failure.filter(|why| self.blind.as_ref() != Some(*why)) {
            tracing::error!("{why}; what was loaded stays in service");
        }
        self.blind = failure.cloned();
    }

    /// The modules that cannot serve.
    pub(super) fn left_out(&mut self, left_out: &[(PathBuf, Problem)], serving: &Edition) {
        let before = std::mem::take(&mut self.modules);
        for (file, problem) in left_out {
            let stays = match serving.catalog.modules().find(|module| module.file == *file) {
                Some(module) => format!("version {} stays in service", module.version()),
                None => "it is not served".to_owned(),
            };
            self.modules.insert(file.clone(), Line::new(format!("{problem}; {stays}"), before.get(file).into_iter()));
        }
    }

    /// Everything that cannot serve.
    pub(super) fn found(&self) -> Found {
        let modules = self.modules.iter().map(|(file, line)| (file.clone(), line.words.clone()));
        let configuration = self.configuration.iter().map(|line| line.words.clone());
        Found {
            modules: modules.collect(),
            configuration: configuration.chain(self.waiting.clone()).chain(self.blind.clone()).collect(),
        }
    }

    /// When there is something to tell next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.lines().filter(|line| !line.told).map(|line| line.since + STANDS).min()
    }

    /// Tells what has stood long enough. Returns how much that was.
    pub(super) fn write(&mut self, now: Instant) -> u64 {
        let mut told = 0;
        let lines = self.modules.values_mut().chain(&mut self.configuration);
        for line in lines.filter(|line| !line.told && line.since + STANDS <= now) {
            tracing::error!("{}", line.words);
            line.told = true;
            told += 1;
        }
        told
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.modules.values().chain(&self.configuration)
    }
}

impl Line {
    /// A line, which may have been there before.
    fn new<'a>(words: String, mut before: impl Iterator<Item = &'a Self>) -> Self {
        match before.find(|line| line.words == words) {
            Some(Self { since, told, .. }) => Self { words, since: *since, told: *told },
            None => Self { words, since: Instant::now(), told: false },
        }
    }
}
