//! One thread that makes commits durable, for all who wait at once.
//! In come commits that somebody wants on the disk; out goes word when they are, or that they cannot be.
//! It never flushes twice for those whom one flush serves.

use super::folder::DocumentFolder;
use qewd_documents::{Commit, EngineFailure, Store};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::watch;

/// How long a write may stay in memory where durability is relaxed.
const RELAXED: Duration = Duration::from_millis(500);

/// How far the disk is.
#[derive(Debug, Clone, Default)]
struct Progress {
    flushed: Commit,
    /// The last failure, and the last commit that it was about: later ones may have more luck, such as when a disk has room again.
    failed: Option<(Commit, EngineFailure)>,
}

/// The thread that flushes; it ends with this handle, after a last flush.
pub(super) struct Flusher {
    wanted: Option<SyncSender<()>>,
    progress: watch::Receiver<Progress>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Flusher {
    /// Starts the thread. `relaxed`: it also flushes by itself, twice a second.
    pub(super) fn start(store: Store, folder: DocumentFolder, relaxed: bool) -> std::io::Result<Self> {
        // One place: a request that comes while a flush runs is served by the next one, and so is every other.
        let (wanted, wishes) = sync_channel(1);
        let (tell, progress) = watch::channel(Progress { flushed: store.committed(), failed: None });
        let work = Work { store, folder, relaxed, tell };
        let thread = std::thread::Builder::new().name("documents".to_owned()).spawn(move || work.run(&wishes))?;
        Ok(Self { wanted: Some(wanted), progress, thread: Some(thread) })
    }

    /// Returns when a commit is on the disk.
    pub(super) async fn wait(&self, commit: Commit) -> Result<(), EngineFailure> {
        let mut progress = self.progress.clone();
        if progress.borrow().flushed >= commit {
            return Ok(());
        }
        if let Some(wanted) = &self.wanted {
            // Full means that somebody has asked already.
            let _ = wanted.try_send(());
        }
        let ended = || EngineFailure { words: "the host is stopping".to_owned(), full: false };
        let has_failed = |progress: &Progress| progress.failed.as_ref().is_some_and(|(last, _)| *last >= commit);
        let done = progress.wait_for(|progress| progress.flushed >= commit || has_failed(progress)).await;
        match done.map_err(|_| ended())? {
            progress if progress.flushed >= commit => Ok(()),
            progress => Err(progress.failed.as_ref().map_or_else(ended, |(_, failure)| failure.clone())),
        }
    }

    /// Why the last flush failed, if it did: then what lies in memory may never come to the disk.
    pub(super) fn failed(&self) -> Option<EngineFailure> {
        let progress = self.progress.borrow();
        progress.failed.as_ref().filter(|(last, _)| *last > progress.flushed).map(|(_, failure)| failure.clone())
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Work {
    store: Store,
    folder: DocumentFolder,
    relaxed: bool,
    tell: watch::Sender<Progress>,
}

impl Work {
    fn run(self, wishes: &Receiver<()>) {
        loop {
            let wish = if self.relaxed {
                wishes.recv_timeout(RELAXED)
            } else {
                wishes.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            if self.tell.borrow().flushed < self.store.committed() {
                self.flush();
            }
            if wish == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    fn flush(&self) {
        match self.store.flush() {
            Ok(commit) => {
                if let Err(error) = self.folder.acknowledge(commit) {
                    tracing::debug!("how far the documents are on the disk was not written down: {error}");
                }
                self.tell.send_modify(|progress| progress.flushed = commit);
            }
            Err(failure) => {
                tracing::error!("documents are not on the disk: {failure}");
                self.tell.send_modify(|progress| progress.failed = Some((self.store.committed(), failure)));
            }
        }
    }
}
