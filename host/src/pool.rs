//! The workers of a host and the bounded line in front of them.
//! In comes a call, out goes what the handler returned, or a failure with words for the caller and for the operator.
//! It never routes, and never gives an instance back that failed.

mod line;
mod places;
mod card;
mod workers;

#[cfg(test)]
mod line_tests;

pub use card::{Worker, WorkerState};
pub use places::{Asking, Place};

use crate::failure::Failure;
use crate::handler::{Call, CallFailure, Module, OF_THE_REQUEST, Outcome, words_of};
use crate::request::Request;
use line::Bounds;
use places::Places;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout_at;
use workers::Workers;

/// What a pool has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Workers for callers; handlers' questions have as many again.
    pub size: usize,
    /// Requests that may wait for a worker.
    pub line: usize,
    /// How long an idle worker lives.
    pub idle: Duration,
    /// Modules of the host: with others beside it, one leaves them a worker.
    pub modules: usize,
}

/// What a pool has to do at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLoad {
    /// As it is set.
    pub settings: PoolSettings,
    /// Requests in handlers.
    pub running: usize,
    /// Requests in the line.
    pub waiting: usize,
    /// Requests that found no place since the start.
    pub refused: u64,
}

/// How many times `size` workers there are at most: for callers, and for the questions of handlers.
const KINDS: usize = 2;

/// The workers of one host.
pub struct Pool {
    settings: Mutex<PoolSettings>,
    places: Arc<Places>,
    workers: Workers,
}

impl Pool {
    /// A pool with no worker yet: they are started on demand.
    #[must_use]
    pub fn new(settings: PoolSettings) -> Self {
        Self {
            settings: Mutex::new(settings),
            places: Places::new(bounds(&settings)),
            workers: Workers::new(Self::instances(settings.size)),
        }
    }

    /// The instances that may live at once in a pool of this size.
    #[must_use]
    pub fn instances(size: usize) -> usize {
        size.saturating_mul(KINDS)
    }

    /// Other settings from now on; what runs goes on, and who waits keeps the place in the line.
    pub fn set<'m>(&self, settings: PoolSettings, modules: impl Iterator<Item = &'m Arc<Module>>) {
        *self.settings() = settings;
        self.workers.set_most(Self::instances(settings.size));
        let most: BTreeMap<&str, usize> = modules.map(|module| (&*module.name, settings.most_of(module))).collect();
        self.places.rebound(bounds(&settings), |module| most.get(module).copied());
    }

    /// Waits for a place in which a handler of this module may run.
    ///
    /// # Errors
    /// 503 with `Retry-After` when the line is full or the deadline passed in it: the request never runs then.
    pub async fn place(&self, request: &Request, module: &Module) -> Result<Place, Failure> {
        let most = self.settings().most_of(module);
        self.places.wait(request, &module.name, most).await
    }

    /// Lets a worker of the module serve the call, and puts it back or ends it.
    ///
    /// # Errors
    /// The handler's own failure, 500 after a trap, 504 when the handler did not return in time.
    pub async fn run(&self, place: Place, module: &Arc<Module>, call: &Call<'_>) -> Result<Outcome, Failure> {
        let outcome = self.serve(module, call).await;
        drop(place);
        outcome.map_err(|failure| words(failure, call.handler.as_str(), call.request.id.as_str()))
    }

    async fn serve(&self, module: &Arc<Module>, call: &Call<'_>) -> Result<Outcome, CallFailure> {
        // The call keeps the same deadline by itself; this one is for the start of an instance.
        let taken = timeout_at(call.request.deadline, self.workers.take(module)).await;
        let mut worker = taken.unwrap_or(Err(CallFailure::Deadline(OF_THE_REQUEST)))?;
        let outcome = worker.call(call).await;
        if matches!(outcome, Ok(_) | Err(CallFailure::Refused { .. })) {
            worker.put_back();
        }
        outcome
    }

    /// Says, while the value lives, that a handler of this module which answers a question asks one itself.
    pub fn asking(&self, module: &Arc<str>) -> Asking {
        self.places.asking(module)
    }

    /// All live workers, by id.
    #[must_use]
    pub fn workers(&self) -> Vec<Worker> {
        self.workers.list()
    }

    /// What it has to do now.
    #[must_use]
    pub fn load(&self) -> PoolLoad {
        let (running, waiting, refused) = self.places.counts();
        PoolLoad { settings: *self.settings(), running, waiting, refused }
    }

    /// Stops one worker: it ends when the request that it serves has its answer. Returns whether there was one.
    pub async fn stop(&self, id: u64) -> bool {
        let stopped = self.workers.stop(|card| card.id == id);
        for card in &stopped {
            card.gone().await;
        }
        !stopped.is_empty()
    }

    /// Stops all workers of one module, or all, that live now, each when its request has its answer. Returns how many there
    /// were. New ones start on demand meanwhile.
    pub async fn stop_all(&self, module: Option<&str>) -> usize {
        let stopped = self.workers.stop(|card| module.is_none_or(|module| *card.module == *module));
        for card in &stopped {
            card.gone().await;
        }
        stopped.len()
    }

    /// Ends the idle workers of versions that were replaced.
    pub fn end_replaced(&self) {
        self.workers.end_replaced();
    }

    /// Ends the workers that were idle for too long; run now and then.
    pub fn end_idle(&self) {
        let limit = self.settings().idle;
        self.workers.end_idle(limit);
    }

    /// How long a worker may be idle.
    #[must_use]
    pub fn idle_limit(&self) -> Duration {
        self.settings().idle
    }

    fn settings(&self) -> MutexGuard<'_, PoolSettings> {
        // A thread that panicked while it held the lock left whole settings.
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PoolSettings {
    /// How many places one module may have at one time: all, or all but one where others want to be served, too.
    fn most_of(&self, module: &Module) -> usize {
        let usual = if self.modules > 1 { self.size.saturating_sub(1) } else { self.size };
        module.settings.workers.unwrap_or(usual).clamp(1, self.size.max(1))
    }
}

fn bounds(settings: &PoolSettings) -> Bounds {
    Bounds { places: settings.size, waiting: settings.line }
}

fn words(failure: CallFailure, handler: &str, id: &str) -> Failure {
    let operator = format!("handler {handler}: {failure}");
    match failure {
        CallFailure::Refused { status, message, body } => {
            Failure { body: body.map(Into::into), ..Failure::caller(status, message) }
        }
        CallFailure::Deadline(_) => Failure::deadline(operator),
        CallFailure::NotKept(failure) => {
            let (status, words) = words_of(&failure);
            Failure::system(status, words, operator)
        }
        CallFailure::Trap(_)
        | CallFailure::Memory { .. }
        | CallFailure::Table { .. }
        | CallFailure::Resources { .. }
        | CallFailure::BadResponse(_)
        | CallFailure::Instantiate(_) => {
            Failure::system(500, format!("The handler failed; tell the operator this request id: {id}"), operator)
        }
    }
}
