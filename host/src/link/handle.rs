//! A handle on one link, for whoever has a request for its service.
//! In comes a request, out goes its answer or a failure, at the request's deadline at the latest.
//! It touches no socket: commands go to the link's task, answers come back.

use super::caller::NotTaken;
use super::facts::{LinkFacts, LinkState};
use super::frame::WINDOW;
use super::target::Target;
use super::unanswered::{Cause, Unanswered};
use crate::failure::Failure;
use crate::message::{Part, Parts};
use crate::request::Request;
use crate::response::Response;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// What is said of a link before its first try to connect has ended.
const NOT_TRIED: &str = "not connected yet";
/// Commands that may wait for the link's task: it takes them at once unless the machine is overloaded.
const COMMANDS: usize = 1024;

/// A handle on one link.
pub struct Link {
    target: Target,
    commands: mpsc::Sender<Command>,
    facts: watch::Receiver<LinkFacts>,
    next_id: AtomicU64,
    /// Tells the link's task to end.
    closing: CancellationToken,
}

/// What the link's task is told.
pub(super) enum Command {
    Ask {
        id: u64,
        request: Arc<Request>,
        reply: Reply,
        parts: Option<Parts>,
    },
    /// So many intermediate messages of a request were passed on.
    Took {
        id: u64,
        count: usize,
    },
    GiveUp {
        id: u64,
    },
}

/// Where an answer goes.
pub(super) type Reply = oneshot::Sender<Result<Response, Unanswered>>;

impl Link {
    /// A handle, and what the link's task needs: its inbox and where it says what it is doing.
    pub(super) fn new(target: Target) -> (Self, mpsc::Receiver<Command>, watch::Sender<LinkFacts>) {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (sender, facts) = watch::channel(LinkFacts::new(NOT_TRIED, SystemTime::now()));
        let closing = CancellationToken::new();
        (Self { target, commands, facts, next_id: AtomicU64::new(1), closing }, inbox, sender)
    }

    /// Where it leads.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Waits until the service takes requests; for ever, if it never does.
    pub async fn ready(&self) {
        let mut facts = self.facts.clone();
        // The task that sends ends with this handle at the earliest.
        let _ = facts.wait_for(LinkFacts::is_ready).await;
    }

    /// Whether its first try to connect has ended, in one way or the other.
    pub(super) fn is_tried(&self) -> bool {
        has_tried(&self.facts.borrow())
    }

    /// Waits until its first try to connect has ended.
    pub(super) async fn tried(&self) {
        let mut facts = self.facts.clone();
        // The task that sends ends with this handle at the earliest.
        let _ = facts.wait_for(has_tried).await;
    }

    /// When the service has said goodbye, if it has not come back.
    pub(super) fn goodbye(&self) -> Option<Instant> {
        self.facts.borrow().goodbye
    }

    /// What tells the link's task to end.
    pub(super) fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Says goodbye to the service for good, and waits until that is done. Requests in flight are lost.
    pub async fn close(&self) {
        self.closing.cancel();
        self.commands.closed().await;
    }

    /// What the link is doing now.
    #[must_use]
    pub fn state(&self) -> LinkState {
        self.facts.borrow().state.clone()
    }

    /// All that is known of the link now: what it is doing, since when, and how well.
    #[must_use]
    pub fn facts(&self) -> LinkFacts {
        self.facts.borrow().clone()
    }

    /// Whether the service takes requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.facts.borrow().is_ready()
    }

    /// Whether the service can be asked now.
    ///
    /// # Errors
    /// 503 when the link is down.
    pub fn check(&self) -> Result<(), Failure> {
        match &self.facts.borrow().state {
            LinkState::Down(why) => Err(Failure::connection_down(why.clone())),
            LinkState::Ready(_) => Ok(()),
        }
    }

    /// Sends a request and waits for its answer until its deadline.
    ///
    /// # Errors
    /// 503 when the link is down, lost while waiting, or has too much in flight; 504 when the deadline passes.
    pub(super) async fn ask(&self, request: &Arc<Request>) -> Result<Response, Unanswered> {
        self.check().map_err(|failure| Cause::NotSent.because(failure))?;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (deadline, (reply, answer)) = (request.deadline, oneshot::channel());
        let ended = || Failure::connection_down("the link's task has ended");
        let onward = request.parts.clone();
        let (parts, coming) = onward.is_some().then(|| mpsc::channel(WINDOW)).unzip();
        self.commands.try_send(Command::Ask { id, request: Arc::clone(request), reply, parts }).map_err(|error| {
            match error {
                TrySendError::Full(_) => congested(),
                TrySendError::Closed(_) => Cause::NotSent.because(ended()),
            }
        })?;
        let mut patience = Patience { id: Some(id), commands: &self.commands };
        let answered = async {
            match onward.zip(coming) {
                Some((onward, coming)) => self.pass_on(id, answer, coming, &onward).await,
                None => answer.await,
            }
        };
        match timeout_at(deadline, answered).await {
            Ok(answered) => {
                patience.id = None;
                answered.unwrap_or_else(|_| Err(Cause::Lost.because(ended())))
            }
            Err(_) => Err(Cause::Late.because(Failure::deadline("the service did not answer in time"))),
        }
    }

    /// Passes intermediate messages on until the answer is there, and tells the service how many more it may send.
    async fn pass_on(
        &self,
        id: u64,
        mut answer: oneshot::Receiver<Result<Response, Unanswered>>,
        mut coming: mpsc::Receiver<Part>,
        onward: &Parts,
    ) -> Result<Result<Response, Unanswered>, RecvError> {
        let mut untold = 0;
        loop {
            // The link's task has put what came before the answer into the channel before the answer itself.
            let part = tokio::select! {
                biased;
                Some(part) = coming.recv() => part,
                answered = &mut answer => break answered,
            };
            // A client that has gone takes nothing more; then this request is given up as a whole.
            let _ = onward.send(part).await;
            untold += 1;
            if untold >= WINDOW / 2 {
                let _ = self.commands.send(Command::Took { id, count: untold }).await;
                untold = 0;
            }
        }
    }
}

fn has_tried(facts: &LinkFacts) -> bool {
    !matches!(&facts.state, LinkState::Down(why) if why == NOT_TRIED)
}

pub(super) fn congested() -> Unanswered {
    let words = "too many requests are in flight on the link";
    Cause::Busy.because(Failure::system(503, "The service is busy; try again", words).with_header("retry-after", "1"))
}

pub(super) fn too_much(not_taken: &NotTaken) -> Unanswered {
    match not_taken {
        NotTaken::BodyTooLarge(most) => Cause::Unfit.because(Failure::caller(
            413,
            format!("The body is too large for the service: at most {most} bytes are allowed"),
        )),
        NotTaken::HeadersTooLong => {
            Cause::Unfit.because(Failure::caller(431, "The headers are too large to travel between hosts"))
        }
        NotTaken::TooMany | NotTaken::NotReady => congested(),
    }
}

/// Tells the service that nobody waits any more, when a caller goes away or its deadline passes.
struct Patience<'a> {
    id: Option<u64>,
    commands: &'a mpsc::Sender<Command>,
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // A full inbox only means that an answer is thrown away later.
            let _ = self.commands.try_send(Command::GiveUp { id });
        }
    }
}
