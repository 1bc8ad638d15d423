//! What the system says about changes in a folder.
//! In come the folders to watch; out go hints: a file, and what is known about its writer.
//! A hint may be missing or wrong: nothing depends on it but how soon a change is seen.

use super::settling::Writer;
use crate::edition::FolderId;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// Hints that may wait: more of them say nothing new.
const HINTS: usize = 4096;

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) path: PathBuf,
    pub(super) writer: Option<Writer>,
}

/// Watches folders as far as the system can.
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    /// A folder that was made anew has to be watched anew.
    watched: BTreeMap<PathBuf, FolderId>,
    hints: mpsc::Receiver<Hint>,
    has_complained: bool,
}

impl Watch {
    pub(super) fn new() -> Self {
        let (tell, hints) = mpsc::channel(HINTS);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if !is_change(event.kind) {
                return;
            }
            let writer = writer(event.kind);
            // What is written into other files is nobody's business here: one may be the host's own log.
            let is_content = matches!(writer, Some(Writer::Open | Writer::Closed)) && !is_move(event.kind);
            for path in event.paths.into_iter().filter(|path| !is_content || is_followed(path)) {
                // A full channel already says that there is something to look at.
                let _ = tell.try_send(Hint { path, writer });
            }
        });
        let mut watch = Self { watcher: None, watched: BTreeMap::new(), hints, has_complained: false };
        match watcher {
            Ok(watcher) => watch.watcher = Some(watcher),
            Err(error) => watch.complain(Path::new("the application folder"), &error),
        }
        watch
    }

    /// Watches these folders and no others. Returns whether one is new: what happened there before was not seen.
    pub(super) fn follow(&mut self, folders: &BTreeMap<PathBuf, FolderId>) -> bool {
        let Some(mut watcher) = self.watcher.take() else { return false };
        self.watched.retain(|folder, id| {
            let stays = folders.get(folder) == Some(id);
            if !stays {
                // A folder that is gone is not watched any more anyway.
                let _ = watcher.unwatch(folder);
            }
            stays
        });
        let mut is_new = false;
        for (folder, id) in folders {
            if self.watched.contains_key(folder) {
                continue;
            }
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => is_new = self.watched.insert(folder.clone(), *id).is_none() || is_new,
                // It went away since it was seen; the next look knows.
                Err(error) if is_gone(&error) => {}
                Err(error) => self.complain(folder, &error),
            }
        }
        self.watcher = Some(watcher);
        is_new
    }

    /// The hints that have come; waits for the first one.
    pub(super) async fn hints(&mut self) -> Vec<Hint> {
        let mut hints = Vec::new();
        if self.hints.recv_many(&mut hints, HINTS).await == 0 {
            // There is no watcher: looking now and then has to do.
            std::future::pending::<()>().await;
        }
        hints
    }

    fn complain(&mut self, what: &Path, error: &notify::Error) {
        if !self.has_complained {
            self.has_complained = true;
            let seconds = super::POLL.as_secs_f32();
            tracing::warn!(
                "{} cannot be watched ({error}); its files are looked at every {seconds} s instead",
                what.display()
            );
        }
    }
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Whether a file may be a module or a configuration file.
pub(super) fn is_followed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm" || extension == "json")
}

/// A name that comes or goes: of a folder perhaps.
fn is_move(kind: EventKind) -> bool {
    matches!(kind, EventKind::Modify(ModifyKind::Name(_)))
}

/// Reading a file is an event, too.
fn is_change(kind: EventKind) -> bool {
    !kind.is_access() || kind == EventKind::Access(AccessKind::Close(AccessMode::Write))
}

/// What an event says about a file's writer, if it says anything.
fn writer(kind: EventKind) -> Option<Writer> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Modify(ModifyKind::Name(_)) => {
            Some(Writer::Closed)
        }
        EventKind::Modify(ModifyKind::Data(_)) => Some(Writer::Open),
        EventKind::Create(_) => Some(Writer::Unknown),
        _ => None,
    }
}
