//! The bounded line in front of the workers.
//! In comes a call that needs a worker, out goes a place, or a failure that says why there is none.
//! Callers and the questions of handlers have places of their own: a handler that asks another one of its host would else
//! hold the very place that its question waits for.

use crate::failure::Failure;
use crate::request::{Kind, Request};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::timeout_at;

/// Seconds after which a refused caller may try again: a line of calls of some milliseconds is short by then.
const RETRY_AFTER_SECONDS: u32 = 1;

/// The places and who waits for them, first in, first out.
pub(super) struct Line {
    size: usize,
    /// Requests that may wait.
    most: usize,
    waiting: AtomicUsize,
    callers: Semaphore,
    questions: Semaphore,
    /// Handlers that answer a question and ask one themselves: if all places for questions are theirs, none comes free.
    asking: watch::Sender<usize>,
}

/// Says, while it lives, that a handler which answers a question waits for another answer.
pub struct Asking<'a>(&'a watch::Sender<usize>);

impl Line {
    pub(super) fn new(size: usize, most: usize) -> Self {
        Self {
            size,
            most,
            waiting: AtomicUsize::new(0),
            callers: Semaphore::new(size),
            questions: Semaphore::new(size),
            asking: watch::Sender::new(0),
        }
    }

    pub(super) async fn wait(&self, request: &Request) -> Result<SemaphorePermit<'_>, Failure> {
        let places = match request.kind {
            Kind::Rest => &self.callers,
            Kind::Service => &self.questions,
        };
        if let Ok(permit) = places.try_acquire() {
            return Ok(permit);
        }
        let _waiting = Waiting::enter(&self.waiting, self.most)
            .ok_or_else(|| busy(format!("{} requests wait already; raise max_queue_length or poolSize", self.most)))?;
        tokio::select! {
            permit = timeout_at(request.deadline, places.acquire()) => match permit {
                Ok(Ok(permit)) => Ok(permit),
                // The semaphore is never closed, so what is left is the deadline.
                _ => Err(busy("the request's time passed while it waited for a worker; raise poolSize".to_owned())),
            },
            () = self.all_ask(), if request.kind == Kind::Service => {
                let words = "every worker that answers a question of a handler waits for another answer; raise poolSize, or let handlers ask less deep";
                Err(busy(words.to_owned()))
            }
        }
    }

    pub(super) fn asking(&self) -> Asking<'_> {
        self.asking.send_modify(|count| *count += 1);
        Asking(&self.asking)
    }

    async fn all_ask(&self) {
        let mut asking = self.asking.subscribe();
        if asking.wait_for(|count| *count >= self.size).await.is_err() {
            // The sender lives as long as the line; without it nothing could be said.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// A place among those who wait, given up when dropped: also when the caller goes away.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let entered =
            waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < most).then_some(count + 1));
        entered.ok().map(|_| Self(waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn busy(operator: String) -> Failure {
    Failure::system(503, "The service is busy; try again", operator)
        .with_header("retry-after", RETRY_AFTER_SECONDS.to_string())
}
