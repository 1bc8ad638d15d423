//! Which versions may answer, and which have: what every answer is compared with.
//! In come the versions as they are dropped in, and the bodies of answers; out goes whether an answer is right.
//! It trusts nobody: a body counts only if it is the same version from its first byte to its last.

use bench::modules::version_text;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Versions at most: more than any run reaches.
pub(crate) const VERSIONS: u32 = 100_000;
/// Bytes of a version's text.
const TEXT: usize = 16;
/// Bytes of an answer: 64 times the text at each end of the page (tests/guests/helpful/versioned.rs).
const BODY: usize = 128 * TEXT;
/// Wrong answers whose words are kept: the first ones say what is wrong.
const KEPT: usize = 10;

/// What was dropped in and what was seen, from the beginning of the run.
pub(crate) struct Ledger {
    began: Instant,
    versions: Vec<Version>,
    /// The newest version that was seen.
    newest: AtomicU32,
    wrong: AtomicU64,
    words: Mutex<Vec<String>>,
}

/// Moments in nanoseconds since the beginning, one more than measured: 0 means never.
#[derive(Default)]
struct Version {
    dropped: AtomicU64,
    seen: AtomicU64,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            versions: (0..VERSIONS).map(|_| Version::default()).collect(),
            newest: AtomicU32::new(0),
            wrong: AtomicU64::new(0),
            words: Mutex::default(),
        }
    }

    /// From now on this version may answer: its file begins to be written.
    pub(crate) fn drop_in(&self, number: u32) {
        if let Some(version) = self.version(number) {
            version.dropped.store(self.now(), Ordering::SeqCst);
        }
    }

    /// When a version answered first, if it has.
    pub(crate) fn first_answer(&self, number: u32) -> Option<Instant> {
        let seen = self.version(number)?.seen.load(Ordering::SeqCst);
        (seen > 0).then(|| self.began + Duration::from_nanos(seen - 1))
    }

    /// The newest version that has answered: whoever asks from now on must not get an older one.
    pub(crate) fn newest(&self) -> u32 {
        self.newest.load(Ordering::SeqCst)
    }

    /// How many versions were seen.
    pub(crate) fn count_seen(&self) -> usize {
        self.versions.iter().filter(|version| version.seen.load(Ordering::SeqCst) > 0).count()
    }

    /// Compares an answer to a request that was sent when `newest` was the newest version.
    pub(crate) fn answered(&self, newest: u32, status: u16, body: &[u8]) {
        if let Err(words) = self.check(newest, status, body) {
            self.complain(words);
        }
    }

    fn check(&self, newest: u32, status: u16, body: &[u8]) -> Result<(), String> {
        let shown = || String::from_utf8_lossy(body.get(..body.len().min(120)).unwrap_or_default()).into_owned();
        if status != 200 {
            return Err(format!("status {status}: {}", shown()));
        }
        let number =
            whole(body).ok_or_else(|| format!("a body of {} bytes that is no version: {}", body.len(), shown()))?;
        let version = self.version(number).filter(|version| version.dropped.load(Ordering::SeqCst) > 0);
        let version = version.ok_or_else(|| format!("version {number}, which was never dropped in as a whole"))?;
        if number < newest {
            return Err(format!("version {number}, asked for after version {newest} had answered"));
        }
        // Only the first one stores its moment.
        let first = version.seen.compare_exchange(0, self.now(), Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if first {
            self.newest.fetch_max(number, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Something is wrong, with one answer or as a whole.
    pub(crate) fn complain(&self, words: String) {
        self.wrong.fetch_add(1, Ordering::SeqCst);
        let mut kept = self.words.lock().expect("nobody panics while holding it");
        if kept.len() < KEPT {
            kept.push(words);
        }
    }

    /// How many answers were wrong, and the words for the first of them.
    pub(crate) fn wrong(&self) -> (u64, Vec<String>) {
        (self.wrong.load(Ordering::SeqCst), self.words.lock().expect("nobody panics while holding it").clone())
    }

    fn version(&self, number: u32) -> Option<&Version> {
        self.versions.get(usize::try_from(number).ok()?)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX - 1) + 1
    }
}

/// The version of a body, if all of it is of one.
fn whole(body: &[u8]) -> Option<u32> {
    let text = body.get(..TEXT)?;
    // Each byte equals the one a text further on: so all texts equal the first.
    let repeats = body.len() == BODY && body.get(TEXT..) == body.get(..BODY - TEXT);
    let number: u32 = std::str::from_utf8(text).ok()?.strip_prefix("version=")?.parse().ok()?;
    (repeats && version_text(number).as_bytes() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(number: u32) -> Vec<u8> {
        version_text(number).repeat(128).into_bytes()
    }

    #[test]
    fn tells_right_answers_from_wrong_ones() {
        let ledger = Ledger::new();
        ledger.drop_in(1);
        ledger.answered(0, 200, &body(1));
        assert_eq!((ledger.newest(), ledger.count_seen(), ledger.wrong().0), (1, 1, 0));
        let mut mixed = body(1);
        mixed.splice(1000.., body(2).into_iter().skip(1000));
        for wrong in [&body(2), &mixed, &body(1)[..2000].to_vec(), &b"version".to_vec()] {
            ledger.answered(1, 200, wrong);
        }
        ledger.answered(1, 503, &body(1));
        assert_eq!(ledger.wrong().0, 5);
        ledger.drop_in(2);
        ledger.answered(1, 200, &body(2));
        ledger.answered(1, 200, &body(1));
        assert_eq!(ledger.wrong().0, 5);
        ledger.answered(2, 200, &body(1));
        assert_eq!(ledger.wrong().0, 6);
    }
}
