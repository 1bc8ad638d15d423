//! The workers of a host and the bounded line in front of them.
//! In comes a call, out goes what the handler returned, or a failure with words for the caller and for the operator.
//! It never routes, and never gives an instance back that failed.

mod line;
mod workers;

pub use line::Asking;

use crate::failure::Failure;
use crate::handler::{Call, CallFailure, Catalog, Outcome};
use line::Line;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout_at;
use workers::Workers;

/// What a pool has to know.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// Workers for callers; handlers' questions have as many again.
    pub size: usize,
    /// Requests that may wait for a worker.
    pub line: usize,
    /// How long an idle worker lives.
    pub idle: Duration,
}

/// How many times `size` workers there are at most: for callers, and for the questions of handlers.
const KINDS: usize = 2;

/// The workers of one host.
pub struct Pool {
    idle: Duration,
    catalog: Arc<Catalog>,
    line: Line,
    workers: Workers,
}

impl Pool {
    /// A pool with no worker yet: they are started on demand.
    #[must_use]
    pub fn new(settings: &PoolSettings, catalog: Arc<Catalog>) -> Self {
        Self {
            line: Line::new(settings.size, settings.line),
            workers: Workers::new(Self::instances(settings.size)),
            idle: settings.idle,
            catalog,
        }
    }

    /// The instances that may live at once in a pool of this size.
    #[must_use]
    pub fn instances(size: usize) -> usize {
        size.saturating_mul(KINDS)
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
                format!("no module offers the handler {}; put its .wasm file into the host's folder", call.handler),
            ));
        };
        let _place = self.line.wait(&call.request).await?;
        let (handler, id) = (call.handler.clone(), call.request.id.clone());
        let deadline = call.request.deadline;
        let answered = timeout_at(deadline, async {
            let mut worker = self.workers.take(&module).await?;
            let outcome = worker.call(call).await;
            if matches!(outcome, Ok(_) | Err(CallFailure::Refused { .. })) {
                worker.put_back();
            }
            outcome
        });
        // The call has the same deadline; this one is for the start of an instance.
        let outcome = answered.await.unwrap_or(Err(CallFailure::Deadline));
        outcome.map_err(|failure| words(failure, handler.as_str(), id.as_str()))
    }

    /// Says, while the value lives, that a handler which answers a question of another one asks one itself.
    pub fn asking(&self) -> Asking<'_> {
        self.line.asking()
    }

    /// Ends the workers that were idle for too long; run now and then.
    pub fn end_idle(&self) {
        self.workers.end_idle(self.idle);
    }
}

fn words(failure: CallFailure, handler: &str, id: &str) -> Failure {
    let operator = format!("handler {handler}: {failure}");
    match failure {
        CallFailure::Refused { status, message, body } => {
            Failure { body: body.map(Into::into), ..Failure::caller(status, message) }
        }
        CallFailure::Deadline => Failure::deadline(operator),
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
