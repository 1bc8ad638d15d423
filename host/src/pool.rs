//! The workers of a host and the bounded line in front of them.
//! In comes a call, out goes what the handler returned, or a failure with words for the caller and for the operator.
//! It never routes, and never gives an instance back that failed.

mod workers;

use crate::failure::Failure;
use crate::handler::{Call, CallFailure, Catalog, Outcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};
use workers::Workers;

/// Seconds after which a refused caller may try again: a line of calls of some milliseconds is short by then.
const RETRY_AFTER_SECONDS: u32 = 1;

/// What a pool has to know.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// Workers at most.
    pub size: usize,
    /// Requests that may wait for a worker.
    pub line: usize,
    /// How long an idle worker lives.
    pub idle: Duration,
}

/// The workers of one host.
pub struct Pool {
    settings: PoolSettings,
    catalog: Arc<Catalog>,
    /// One permit for each worker that may be busy; it hands them out first in, first out.
    permits: Semaphore,
    waiting: AtomicUsize,
    workers: Workers,
}

impl Pool {
    /// A pool with no worker yet: they are started on demand.
    #[must_use]
    pub fn new(settings: PoolSettings, catalog: Arc<Catalog>) -> Self {
        Self {
            permits: Semaphore::new(settings.size),
            workers: Workers::new(settings.size),
            waiting: AtomicUsize::new(0),
            settings,
            catalog,
        }
    }

    /// The handlers that the workers serve.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Waits for a worker, lets it serve the call, and puts it back or drops it.
    ///
    /// # Errors
    /// 503 when the line is full or the deadline passed in it, the handler's own failure, 500 after a trap, 504 when
    /// the handler did not return in time.
    pub async fn run(&self, call: Call) -> Result<Outcome, Failure> {
        let Some(module) = self.catalog.module(&call.handler).cloned() else {
            return Err(Failure::system(
                500,
                "The handler of this route is not there",
                format!(
                    "no module offers the handler {}; put its .wasm file into the host's folder",
                    call.handler
                ),
            ));
        };
        let _permit = self.wait_in_line(call.request.deadline).await?;
        let (handler, id) = (call.handler.clone(), call.request.id.clone());
        let answered = async {
            let mut worker = self.workers.take(&module).await?;
            let outcome = worker.call(call).await;
            if matches!(outcome, Ok(_) | Err(CallFailure::Refused { .. })) {
                worker.put_back();
            }
            outcome
        };
        answered
            .await
            .map_err(|failure| words(failure, handler.as_str(), id.as_str()))
    }

    /// Ends the workers that were idle for too long; run now and then.
    pub fn end_idle(&self) {
        self.workers.end_idle(self.settings.idle);
    }

    async fn wait_in_line(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Failure> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let place = Place::take(&self.waiting, self.settings.line).ok_or_else(|| {
            busy(format!(
                "{} requests wait already; raise max_queue_length or poolSize",
                self.settings.line
            ))
        })?;
        let permit = timeout_at(deadline, self.permits.acquire()).await;
        drop(place);
        match permit {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed, so what is left is the deadline.
            _ => Err(busy(
                "the request's time passed while it waited for a worker; raise poolSize".to_owned(),
            )),
        }
    }
}

/// A place in the line, given up when dropped: also when the caller goes away.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                (count < most).then_some(count + 1)
            })
            .ok()
            .map(|_| Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn busy(operator: String) -> Failure {
    Failure::system(503, "The service is busy; try again", operator)
        .with_header("retry-after", RETRY_AFTER_SECONDS.to_string())
}

fn words(failure: CallFailure, handler: &str, id: &str) -> Failure {
    let operator = format!("handler {handler}: {failure}");
    match failure {
        CallFailure::Refused { status, message, body } => Failure {
            body: body.map(Into::into),
            ..Failure::caller(status, message)
        },
        CallFailure::Deadline => Failure::deadline(operator),
        CallFailure::Trap(_)
        | CallFailure::Memory { .. }
        | CallFailure::BadResponse(_)
        | CallFailure::Instantiate(_) => Failure::system(
            500,
            format!("The handler failed; tell the operator this request id: {id}"),
            operator,
        ),
    }
}
