//! Waiting for a place: the line as callers use it, with locks and deadlines.
//! In comes a request of a module, out goes a place, or a failure that says why there is none.
//! It decides nothing itself: who begins and who is turned away is the line's part.

use super::line::{Begin, Bounds, Entered, Line, Side, TurnedAway};
use crate::failure::{Failure, NotRun};
use crate::request::{Kind, Request};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// Seconds after which a refused caller may try again: a line of calls of some milliseconds is short by then.
const RETRY_AFTER_SECONDS: u32 = 1;

/// How one who waits is told.
type Tell = oneshot::Sender<Result<Place, TurnedAway>>;

/// The places of a pool.
pub(super) struct Places {
    line: Mutex<Line<Tell>>,
    refused: AtomicU64,
}

/// A place among those that run, given up when dropped.
pub struct Place {
    places: Arc<Places>,
    side: Side,
    module: Arc<str>,
    /// Whether it is counted: not, once it was given back by hand.
    held: bool,
}

/// Says, while it lives, that a handler which answers a question waits for another answer.
pub struct Asking {
    places: Arc<Places>,
    module: Arc<str>,
}

/// A place in the line, given up when dropped: also when the caller goes away.
struct Waiting<'a> {
    places: &'a Places,
    side: Side,
    module: &'a Arc<str>,
    number: Option<u64>,
}

impl Places {
    pub(super) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self { line: Mutex::new(Line::new(bounds)), refused: AtomicU64::new(0) })
    }

    /// Waits for a place; the module may have `most` of them at one time.
    ///
    /// # Errors
    /// 503 with `Retry-After` when the line is full, when the request's time passes in it, or when no place can come free.
    pub(super) async fn wait(
        self: &Arc<Self>,
        request: &Request,
        module: &Arc<str>,
        most: usize,
    ) -> Result<Place, Failure> {
        self.enter(request, module, most).await.map_err(|why| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            busy(why)
        })
    }

    async fn enter(self: &Arc<Self>, request: &Request, module: &Arc<str>, most: usize) -> Result<Place, TurnedAway> {
        let side = match request.kind {
            Kind::Rest | Kind::Message | Kind::Monitor => Side::Callers,
            Kind::Service => Side::Questions,
        };
        let mut answer = None;
        let entered = self.lock().enter(side, module, most, || {
            let (tell, told) = oneshot::channel();
            answer = Some(told);
            tell
        });
        let number = match entered {
            Entered::Begins => return Ok(self.place(side, module)),
            Entered::TurnedAway(why) => return Err(why),
            Entered::Waits(number, made_room) => {
                if let Some(tell) = made_room {
                    // One who has gone needs no answer.
                    let _ = tell.send(Err(TurnedAway::MadeRoom));
                }
                number
            }
        };
        let mut waiting = Waiting { places: self, side, module, number: Some(number) };
        // Who waits was given a way to be told.
        let Some(told) = answer else { return Err(TurnedAway::MadeRoom) };
        match timeout_at(request.deadline, told).await {
            Ok(Ok(told)) => {
                waiting.number = None;
                // A place that came with the last moment is given on: a request that is over never runs.
                told.and_then(
                    |place| if Instant::now() < request.deadline { Ok(place) } else { Err(TurnedAway::TooLate) },
                )
            }
            _ => Err(TurnedAway::TooLate),
        }
    }

    /// Requests that run, that wait, and that were turned away.
    pub(super) fn counts(&self) -> (usize, usize, u64) {
        let (running, waiting) = self.lock().counts();
        (running, waiting, self.refused.load(Ordering::Relaxed))
    }

    /// Other bounds from now on.
    pub(super) fn rebound(self: &Arc<Self>, bounds: Bounds, most: impl Fn(&str) -> Option<usize>) {
        let (begin, hopeless) = self.lock().rebound(bounds, most);
        self.begin(begin);
        turn_away(hopeless);
    }

    pub(super) fn asking(self: &Arc<Self>, module: &Arc<str>) -> Asking {
        let hopeless = self.lock().asks(module, true);
        turn_away(hopeless);
        Asking { places: Arc::clone(self), module: Arc::clone(module) }
    }

    fn place(self: &Arc<Self>, side: Side, module: &Arc<str>) -> Place {
        Place { places: Arc::clone(self), side, module: Arc::clone(module), held: true }
    }

    /// Gives places to those who may begin; what is not wanted any more goes to the next.
    fn begin(self: &Arc<Self>, mut begin: Vec<Begin<Tell>>) {
        while let Some(Begin { side, module, tell }) = begin.pop() {
            if let Err(Ok(mut unwanted)) = tell.send(Ok(self.place(side, &module))) {
                unwanted.held = false;
                begin.extend(self.lock().leave(side, &module));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line<Tell>> {
        // Nothing below the lock can leave the line half changed.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.held {
            let begin = self.places.lock().leave(self.side, &self.module);
            self.places.begin(begin);
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.places.lock().asks(&self.module, false);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.places.lock().give_up(self.side, self.module, number);
        }
    }
}

fn turn_away(hopeless: Vec<Tell>) {
    for tell in hopeless {
        // One who has gone needs no answer.
        let _ = tell.send(Err(TurnedAway::AllAsk));
    }
}

fn busy(why: TurnedAway) -> Failure {
    Failure::system(503, "The service is busy; try again", why.to_string())
        .with_header("retry-after", RETRY_AFTER_SECONDS.to_string())
        .not_run(NotRun::Busy)
}
