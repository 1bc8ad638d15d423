//! The live workers: which are idle, and how many there are.
//! In comes a module, out goes a worker of it, last used first; a worker that is not put back is gone.
//! It never waits: the pool's permits keep the number of busy workers within its size.

use crate::handler::{Call, CallFailure, Instance, Module, Outcome};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// All workers of a pool.
pub(super) struct Workers {
    size: usize,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    /// Longest idle first.
    idle: Vec<Idle>,
    busy: usize,
}

struct Idle {
    module: Arc<Module>,
    instance: Instance,
    since: Instant,
}

/// A worker that one request owns until it is put back or dropped.
pub(super) struct Worker<'a> {
    workers: &'a Workers,
    module: Arc<Module>,
    /// Nothing: not yet made, or put back.
    instance: Option<Instance>,
    counted_busy: bool,
}

impl Workers {
    pub(super) fn new(size: usize) -> Self {
        Self { size, counted: Mutex::default() }
    }

    /// A worker of this module: the one that was used last, or a new one in place of the longest idle of another module.
    pub(super) async fn take(&self, module: &Arc<Module>) -> Result<Worker<'_>, CallFailure> {
        let (instance, ended) = self.claim(module);
        drop(ended);
        let mut worker = Worker { workers: self, module: Arc::clone(module), instance, counted_busy: true };
        if worker.instance.is_none() {
            worker.instance = Some(module.instantiate().await?);
        }
        Ok(worker)
    }

    /// Counts one more busy worker. Also returns what had to make room, so that it is dropped outside the lock.
    fn claim(&self, module: &Arc<Module>) -> (Option<Instance>, Option<Idle>) {
        let mut counted = self.lock();
        counted.busy += 1;
        if let Some(place) = counted.idle.iter().rposition(|idle| Arc::ptr_eq(&idle.module, module)) {
            return (Some(counted.idle.remove(place).instance), None);
        }
        let full = counted.idle.len() + counted.busy > self.size && !counted.idle.is_empty();
        (None, full.then(|| counted.idle.remove(0)))
    }

    pub(super) fn end_idle(&self, limit: Duration) {
        let mut counted = self.lock();
        let (keep, ended): (Vec<Idle>, Vec<Idle>) =
            std::mem::take(&mut counted.idle).into_iter().partition(|idle| idle.since.elapsed() < limit);
        counted.idle = keep;
        drop(counted);
        drop(ended);
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Nothing below the lock can leave the counts half changed.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker<'_> {
    pub(super) async fn call(&mut self, call: Call) -> Result<Outcome, CallFailure> {
        match &mut self.instance {
            Some(instance) => instance.call(call).await,
            None => Err(CallFailure::Instantiate("the worker has no instance".to_owned())),
        }
    }

    /// The instance may serve the next request.
    pub(super) fn put_back(mut self) {
        if let Some(instance) = self.instance.take() {
            let idle = Idle { module: Arc::clone(&self.module), instance, since: Instant::now() };
            let mut counted = self.workers.lock();
            counted.idle.push(idle);
            counted.busy -= 1;
            self.counted_busy = false;
        }
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        // Its memory is free before another worker may take its place.
        drop(self.instance.take());
        if self.counted_busy {
            self.workers.lock().busy -= 1;
        }
    }
}
