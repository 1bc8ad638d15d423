//! What became of every request.
//! In comes each outcome, from many clients at once; out go the counts, and all that was wrong.
//! It never stops a client for a wrong answer: one seldom comes alone.

use crate::harness::PATIENCE;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Wrong outcomes that are shown.
const SHOWN: usize = 10;
/// How long one look at a count lasts.
const LOOK: Duration = Duration::from_millis(10);

/// Parts of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Disturbed,
    /// Nothing is disturbed any more, but errors may still come.
    Healing,
    /// Requests that begin now have to succeed.
    Afterwards,
    Over,
}

/// What a request came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The right answer.
    Right,
    /// A documented error: 503.
    Unavailable,
    /// A documented error: 504.
    Late,
    /// The host was killed or stopped while it had the request: there is no answer.
    Broken,
    Wrong(String),
}

#[derive(Default)]
struct Counts {
    right: usize,
    unavailable: usize,
    late: usize,
    broken: usize,
    wrong: Vec<String>,
    slowest: Duration,
    afterwards: usize,
}

pub(crate) struct Ledger {
    part: AtomicU8,
    /// Requests of the last part that were not begun.
    left: AtomicUsize,
    wanted: usize,
    counts: Mutex<Counts>,
}

impl Ledger {
    /// With so many requests in the last part.
    pub(crate) fn new(wanted: usize) -> Self {
        let counts = Mutex::default();
        Self { part: AtomicU8::new(Part::Disturbed as u8), left: AtomicUsize::new(wanted), wanted, counts }
    }

    pub(crate) fn part(&self) -> Part {
        let parts = [Part::Disturbed, Part::Healing, Part::Afterwards, Part::Over];
        parts[usize::from(self.part.load(Ordering::SeqCst))]
    }

    pub(crate) fn set(&self, part: Part) {
        self.part.store(part as u8, Ordering::SeqCst);
    }

    /// The part in which the next request begins; nothing if there is no further one.
    pub(crate) fn begin(&self) -> Option<Part> {
        match self.part() {
            Part::Over => None,
            Part::Afterwards => {
                let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                taken.ok().map(|_| Part::Afterwards)
            }
            part => Some(part),
        }
    }

    /// An outcome, and how long it took.
    pub(crate) fn note(&self, part: Part, outcome: Outcome, time: Duration) {
        let mut counts = self.counts.lock().unwrap();
        counts.slowest = counts.slowest.max(time);
        counts.afterwards += usize::from(part == Part::Afterwards);
        match outcome {
            Outcome::Right => counts.right += 1,
            outcome if part == Part::Afterwards => counts.wrong.push(format!("afterwards: {outcome:?}")),
            Outcome::Unavailable => counts.unavailable += 1,
            Outcome::Late => counts.late += 1,
            Outcome::Broken => counts.broken += 1,
            Outcome::Wrong(words) => counts.wrong.push(words),
        }
    }

    /// Waits until every request of the last part has its outcome.
    pub(crate) fn wait_for_the_rest(&self) {
        let deadline = Instant::now() + 4 * PATIENCE;
        while self.counts.lock().unwrap().afterwards < self.wanted {
            assert!(Instant::now() < deadline, "the last requests were not answered in time");
            std::thread::sleep(LOOK);
        }
    }

    pub(crate) fn summary(&self) -> String {
        let counts = self.counts.lock().unwrap();
        let Counts { right, unavailable, late, broken, wrong, slowest, afterwards } = &*counts;
        format!(
            "{right} right answers ({afterwards} of them afterwards), {unavailable} unavailable, {late} late, {broken} \
             without an answer from a host that ended, {} wrong, the slowest in {slowest:?}",
            wrong.len()
        )
    }

    /// Fails the test if anything was wrong, or if too little was seen to tell.
    pub(crate) fn assert_good(&self) {
        let counts = self.counts.lock().unwrap();
        let wrong = &counts.wrong;
        assert!(wrong.is_empty(), "{} wrong, such as {:#?}", wrong.len(), wrong.iter().take(SHOWN).collect::<Vec<_>>());
        assert!(counts.right > self.wanted + self.wanted / 2, "only {} right answers", counts.right);
        assert!(counts.unavailable > 0 && counts.late > 0 && counts.broken > 0, "something was never disturbed");
    }
}

/// Ends the test for all clients and disturbers when dropped: also when another part of it failed.
pub(crate) struct Over<'a>(pub(crate) &'a Ledger);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.set(Part::Over);
    }
}
