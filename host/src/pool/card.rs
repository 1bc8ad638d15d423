//! What is known of one worker, also while it runs.
//! In come the counts of the worker itself; out goes a view for whoever wants to see or end it.
//! It never touches the instance.

use crate::handler::{MemoryGauge, Module};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;
use tokio_util::sync::CancellationToken;

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerState {
    /// It waits for a request.
    Idle,
    /// It serves one.
    Busy,
    /// It serves its last one.
    Stopping,
}

/// One worker, as it was at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its number; never used again while the host runs.
    pub id: u64,
    /// The name of its module: the path below the host's folder, without `.wasm`.
    pub module: Arc<str>,
    /// The version of its module, as logs name it.
    pub version: Arc<str>,
    /// What it was doing.
    pub state: WorkerState,
    /// When it was started.
    pub started: SystemTime,
    /// Requests that it served.
    pub served: u64,
    /// Bytes of wasm memory that it had.
    pub memory: usize,
    /// Bytes of wasm memory that it had at most.
    pub memory_peak: usize,
    /// Bytes of wasm memory that it may have.
    pub memory_limit: usize,
}

/// The counts of a live worker.
pub(super) struct Card {
    pub(super) id: u64,
    pub(super) module: Arc<str>,
    pub(super) version: Arc<str>,
    started: SystemTime,
    memory: Arc<MemoryGauge>,
    memory_limit: usize,
    served: AtomicU64,
    busy: AtomicBool,
    stopping: AtomicBool,
    gone: CancellationToken,
}

impl Card {
    pub(super) fn new(id: u64, module: &Module, memory: Arc<MemoryGauge>) -> Self {
        Self {
            id,
            module: Arc::clone(&module.name),
            version: Arc::clone(module.version()),
            started: SystemTime::now(),
            memory,
            memory_limit: module.settings.memory,
            served: AtomicU64::new(0),
            busy: AtomicBool::new(true),
            stopping: AtomicBool::new(false),
            gone: CancellationToken::new(),
        }
    }

    pub(super) fn view(&self) -> Worker {
        let state = if self.is_stopping() {
            WorkerState::Stopping
        } else if self.busy.load(Ordering::Relaxed) {
            WorkerState::Busy
        } else {
            WorkerState::Idle
        };
        Worker {
            id: self.id,
            module: Arc::clone(&self.module),
            version: Arc::clone(&self.version),
            state,
            started: self.started,
            served: self.served(),
            memory: self.memory.now(),
            memory_peak: self.memory.peak(),
            memory_limit: self.memory_limit,
        }
    }

    pub(super) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
    }

    pub(super) fn count(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.gone.cancel();
    }

    /// Waits until the worker is gone.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }
}
