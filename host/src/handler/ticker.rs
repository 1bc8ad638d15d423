//! The clock by which a busy handler lets others run: a thread that moves an engine's epoch on.
//! In come the beginnings and ends of calls; out go ticks, as long as there are calls.
//! It never says how long a handler may run: that is the call's deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;

/// How often a running handler gives way to other work: short beside a request's time, long beside the cost of a switch.
const TICK: Duration = Duration::from_millis(10);
/// Ticks without a call, half a second of them, until the thread sleeps: a host that is idle wakes no core, and one that is not
/// has nobody to wake for a request.
const QUIET: u32 = 50;

/// A thread that ticks; it ends with this.
pub(super) struct Ticker {
    calls: Arc<Calls>,
    thread: Thread,
}

#[derive(Default)]
struct Calls {
    running: AtomicUsize,
    is_asleep: AtomicBool,
    is_over: AtomicBool,
}

/// A call that runs, until it is dropped.
pub(super) struct Running<'t>(&'t Calls);

impl Ticker {
    /// Starts a thread that calls this with each tick; it ends early where that says false.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(tick: impl FnMut() -> bool + Send + 'static) -> Result<Self, String> {
        let calls = Arc::<Calls>::default();
        let own = Arc::clone(&calls);
        let started = std::thread::Builder::new().name("epoch".to_owned()).spawn(move || own.tick(tick));
        let started = started.map_err(|error| format!("the thread that limits handlers' time: {error}"))?;
        Ok(Self { calls, thread: started.thread().clone() })
    }

    /// Code of a module begins to run.
    pub(super) fn begin(&self) -> Running<'_> {
        // In this order: either the thread sees the call before it sleeps, or it is seen here that it does.
        self.calls.running.fetch_add(1, Ordering::SeqCst);
        if self.calls.is_asleep.load(Ordering::SeqCst) && self.calls.is_asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.calls)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.calls.is_over.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Calls {
    fn tick(&self, mut tick: impl FnMut() -> bool) {
        let mut quiet = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            std::thread::sleep(TICK);
            if !tick() {
                return;
            }
            quiet = if self.is_idle() { quiet + 1 } else { 0 };
            if quiet >= QUIET {
                self.sleep();
                quiet = 0;
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
    }

    /// Sleeps until a call begins.
    fn sleep(&self) {
        self.is_asleep.store(true, Ordering::SeqCst);
        if !self.is_idle() {
            self.is_asleep.store(false, Ordering::SeqCst);
        }
        while self.is_asleep.load(Ordering::SeqCst) && !self.is_over.load(Ordering::SeqCst) {
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// Waits until there are no more ticks for some time, or until there are, and says whether it came to that.
    fn comes_to(ticks: &AtomicUsize, wanted: impl Fn(usize, usize) -> bool) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let before = ticks.load(Ordering::SeqCst);
            std::thread::sleep(TICK * 20);
            if wanted(before, ticks.load(Ordering::SeqCst)) {
                return true;
            }
        }
        false
    }

    #[test]
    fn it_ticks_while_there_are_calls_and_sleeps_while_there_are_none() {
        let ticks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ticks);
        let ticker = Ticker::start(move || counted.fetch_add(1, Ordering::SeqCst) < usize::MAX).unwrap();
        for _ in 0..2 {
            assert!(comes_to(&ticks, |before, after| before == after), "it sleeps");
            // The second one begins while it is awake.
            let running = [ticker.begin(), ticker.begin()];
            assert!(comes_to(&ticks, |before, after| after > before), "a call wakes it");
            std::thread::sleep(TICK * QUIET * 2);
            assert!(comes_to(&ticks, |before, after| after > before), "it is awake as long as the call runs");
            drop(running);
        }
        drop(ticker);
        let until = Instant::now() + Duration::from_secs(20);
        while Arc::strong_count(&ticks) > 1 {
            assert!(Instant::now() < until, "the thread ends with its handle");
            std::thread::sleep(TICK);
        }
    }
}
