//! The live workers: which are idle, which are busy, and when each one ends.
//! In comes a module, out goes a worker of it, last used first; one that is not put back is gone.
//! It never waits for a place: the line keeps the number of busy workers within the pool's size.

use super::card::{Card, Worker as View};
use crate::configuration::{Mode, RETIRE_MEMORY_DIVISOR, RETIRE_REQUESTS, RETIRE_RESOURCES};
use crate::handler::{Call, CallFailure, Instance, Module, Outcome};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// All workers of a pool.
#[derive(Default)]
pub(super) struct Workers {
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    /// Longest idle first.
    idle: Vec<Idle>,
    busy: usize,
    /// How many may live at once.
    most: usize,
    cards: BTreeMap<u64, Arc<Card>>,
    last_id: u64,
}

struct Idle {
    live: Live,
    since: Instant,
}

/// A worker with its instance. The order of the fields is that in which they are dropped: the memory is free before the
/// badge says that the worker is gone.
struct Live {
    instance: Instance,
    module: Arc<Module>,
    badge: Badge,
    /// After so many requests it ends.
    retires_after: u64,
}

/// The card of a live worker.
struct Badge(Arc<Card>);

impl Drop for Badge {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A worker that one request owns until it is put back or dropped.
pub(super) struct Busy<'a> {
    workers: &'a Workers,
    /// Nothing: not yet made, or put back.
    live: Option<Live>,
    is_counted: bool,
}

impl Workers {
    pub(super) fn new(most: usize) -> Self {
        let workers = Self::default();
        workers.set_most(most);
        workers
    }

    pub(super) fn set_most(&self, most: usize) {
        self.lock().most = most;
    }

    /// A worker of this module: the one that was used last, or a new one in place of the longest idle of another module.
    pub(super) async fn take(&self, module: &Arc<Module>) -> Result<Busy<'_>, CallFailure> {
        let (live, made_room) = self.claim(module);
        end(made_room.into_iter().collect(), "another module needed its room");
        let mut busy = Busy { workers: self, live, is_counted: true };
        match &busy.live {
            Some(live) => live.badge.0.set_busy(true),
            // Boxed: almost every request finds a live worker, and needs no room for the making of one.
            None => busy.live = Some(Box::pin(self.make(module)).await?),
        }
        Ok(busy)
    }

    /// Counts one more busy worker. Also returns what had to make room, so that it is dropped outside the lock.
    fn claim(&self, module: &Arc<Module>) -> (Option<Live>, Option<Idle>) {
        let mut counted = self.lock();
        counted.busy += 1;
        if let Some(place) = counted.idle.iter().rposition(|idle| Arc::ptr_eq(&idle.live.module, module)) {
            return (Some(counted.idle.remove(place).live), None);
        }
        let full = counted.idle.len() + counted.busy > counted.most && !counted.idle.is_empty();
        let made_room = full.then(|| counted.idle.remove(0));
        if let Some(idle) = &made_room {
            counted.cards.remove(&idle.live.badge.0.id);
        }
        (None, made_room)
    }

    async fn make(&self, module: &Arc<Module>) -> Result<Live, CallFailure> {
        let instance = module.instantiate().await?;
        let retires_after = rand::random_range(RETIRE_REQUESTS);
        let mut counted = self.lock();
        counted.last_id += 1;
        let id = counted.last_id;
        let card = Arc::new(Card::new(id, module, instance.memory()));
        counted.cards.insert(id, Arc::clone(&card));
        drop(counted);
        tracing::debug!("worker {} of {} (version {}) begins", card.id, module.name, module.version());
        Ok(Live { instance, module: Arc::clone(module), badge: Badge(card), retires_after })
    }

    /// All workers, by id.
    pub(super) fn list(&self) -> Vec<View> {
        self.lock().cards.values().map(|card| card.view()).collect()
    }

    /// Stops those workers that are meant: idle ones now, busy ones after their request. Returns what has to end.
    pub(super) fn stop(&self, is_meant: impl Fn(&Card) -> bool) -> Vec<Arc<Card>> {
        let mut counted = self.lock();
        let cards: Vec<Arc<Card>> = counted.cards.values().filter(|card| is_meant(card)).map(Arc::clone).collect();
        for card in &cards {
            card.stop();
        }
        let ended = counted.take_idle(|idle| idle.live.badge.0.is_stopping());
        drop(counted);
        end(ended, "it was stopped");
        cards
    }

    /// Ends the idle workers of versions that were replaced; the busy ones end with their request.
    pub(super) fn end_replaced(&self) {
        let ended = self.lock().take_idle(|idle| idle.live.module.is_replaced());
        end(ended, "another version took its place");
    }

    pub(super) fn end_idle(&self, limit: Duration) {
        let ended = self.lock().take_idle(|idle| idle.since.elapsed() >= limit);
        end(ended, "it was idle for too long");
    }

    /// Puts a worker back, unless there is a reason why it ends.
    fn put_back(&self, mut live: Live) {
        let worn = live.worn();
        let mut counted = self.lock();
        counted.busy = counted.busy.saturating_sub(1);
        // Under the lock, so that whoever ends idle workers either finds this one or is seen here.
        let why = if live.module.is_replaced() {
            Some("another version took its place")
        } else if live.badge.0.is_stopping() {
            Some("it was stopped")
        } else {
            worn
        };
        match why {
            None => {
                live.badge.0.set_busy(false);
                counted.idle.push(Idle { live, since: Instant::now() });
            }
            Some(why) => {
                counted.cards.remove(&live.badge.0.id);
                drop(counted);
                live.end(why);
            }
        }
    }

    /// A worker whose request failed, or whose instance was never made.
    fn lose(&self, live: Option<Live>) {
        let id = live.as_ref().map(|live| live.badge.0.id);
        if let Some(live) = live {
            live.end("its request did not end well");
        }
        // Its memory is free before another worker may take its place.
        let mut counted = self.lock();
        counted.busy = counted.busy.saturating_sub(1);
        if let Some(id) = id {
            counted.cards.remove(&id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Nothing below the lock can leave the counts half changed.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn take_idle(&mut self, is_over: impl Fn(&Idle) -> bool) -> Vec<Idle> {
        let (over, idle): (Vec<Idle>, Vec<Idle>) = std::mem::take(&mut self.idle).into_iter().partition(is_over);
        self.idle = idle;
        for idle in &over {
            self.cards.remove(&idle.live.badge.0.id);
        }
        over
    }
}

fn end(ended: Vec<Idle>, why: &str) {
    for idle in ended {
        idle.live.end(why);
    }
}

impl Live {
    /// Why it should not serve another request, if it should not.
    fn worn(&mut self) -> Option<&'static str> {
        let settings = &self.module.settings;
        if settings.mode == Mode::Fresh {
            return Some("its module wants a fresh one for each request");
        }
        if self.badge.0.served() >= self.retires_after {
            return Some("it has served its number of requests");
        }
        if self.instance.memory().now() > settings.memory / RETIRE_MEMORY_DIVISOR {
            return Some("its memory has grown");
        }
        (self.instance.resources() > RETIRE_RESOURCES).then_some("it holds too many resources of the host")
    }

    fn end(self, why: &str) {
        let Card { id, module, version, .. } = &*self.badge.0;
        let served = self.badge.0.served();
        tracing::debug!("worker {id} of {module} (version {version}) ends after {served} requests: {why}");
    }
}

impl Busy<'_> {
    /// Serves one request.
    pub(super) async fn call(&mut self, call: &Call<'_>) -> Result<Outcome, CallFailure> {
        let Some(live) = &mut self.live else {
            return Err(CallFailure::Instantiate("the worker has no instance".to_owned()));
        };
        let outcome = live.instance.call(call).await;
        live.badge.0.count();
        outcome
    }

    /// The worker may serve another request.
    pub(super) fn put_back(mut self) {
        if let Some(live) = self.live.take() {
            self.is_counted = false;
            self.workers.put_back(live);
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if self.is_counted {
            self.workers.lose(self.live.take());
        }
    }
}
