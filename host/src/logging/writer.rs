//! Lines on their way to standard output.
//! In come whole lines from every thread; out they go in large pieces, from a thread of their own.
//! It never holds a request up: lines that nobody reads are dropped beyond a bound, counted, and told of.

use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that may wait for a reader of standard output, 4 MiB: some ten thousand lines of requests.
const WAITING: usize = 4 << 20;
/// How long lines are gathered where many come, 5 ms: nobody reads faster, and one write of many lines costs what one of a
/// single line does.
const GATHERING: Duration = Duration::from_millis(5);
/// Many come when so many writes have followed each other within [`NEXT`], and as long as one write has so many lines.
const MANY: usize = 8;
/// Writes of a host with little to do are further apart than 1 ms.
const NEXT: Duration = Duration::from_millis(1);
/// How long the end of the program waits for a reader of its last lines.
const LAST: Duration = Duration::from_secs(1);

/// The way to standard output.
pub(super) struct Writer {
    gathered: Mutex<Gathered>,
    /// Wakes the thread that writes.
    come: Condvar,
    /// Wakes whoever waits until all is written.
    gone: Condvar,
}

#[derive(Default)]
struct Gathered {
    lines: Vec<u8>,
    /// Lines that were dropped since the start.
    dropped: u64,
    /// Those of them of which a line tells.
    told: u64,
    is_writing: bool,
    /// The thread sleeps until lines come.
    is_asleep: bool,
}

impl Writer {
    /// Starts the thread that writes.
    pub(super) fn start() -> std::io::Result<Arc<Self>> {
        let writer = Arc::new(Self { gathered: Mutex::default(), come: Condvar::new(), gone: Condvar::new() });
        let own = Arc::clone(&writer);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || own.write_all())?;
        Ok(writer)
    }

    /// Takes a line with its end.
    pub(super) fn take(&self, line: &[u8]) {
        let mut gathered = self.lock();
        if gathered.lines.len() + line.len() > WAITING {
            gathered.dropped += 1;
            return;
        }
        gathered.lines.extend_from_slice(line);
        let wakes = std::mem::take(&mut gathered.is_asleep);
        drop(gathered);
        if wakes {
            self.come.notify_one();
        }
    }

    /// Lines that were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Waits until all lines are written, for a moment at most: nobody may read them.
    pub(super) fn finish(&self) {
        let until = Instant::now() + LAST;
        let mut gathered = self.lock();
        while gathered.is_writing || !gathered.lines.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.gone.wait_timeout(gathered, left);
            gathered = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn write_all(&self) {
        let mut lines = Vec::new();
        let (mut last, mut quick) = (Instant::now(), 0);
        loop {
            let missing = self.next(&mut lines);
            let mut out = std::io::stdout().lock();
            // Without a reader of standard output there is nobody to complain to either.
            let _ = out.write_all(&lines).and_then(|()| out.flush());
            drop(out);
            self.lock().is_writing = false;
            self.gone.notify_all();
            if missing > 0 {
                tracing::warn!("{missing} lines of the log were dropped: standard output was not read fast enough");
            }
            let is_next = last.elapsed() < NEXT;
            quick = match quick > MANY {
                true if has_many(&lines) => quick,
                false if is_next => quick + 1,
                _ => 0,
            };
            lines.clear();
            if quick > MANY {
                std::thread::sleep(GATHERING);
            }
            last = Instant::now();
        }
    }

    /// Waits for lines, and takes all that there are. Returns how many were dropped before them.
    fn next(&self, lines: &mut Vec<u8>) -> u64 {
        let mut gathered = self.lock();
        while gathered.lines.is_empty() {
            gathered.is_asleep = true;
            gathered = self.come.wait(gathered).unwrap_or_else(PoisonError::into_inner);
        }
        gathered.is_writing = true;
        std::mem::swap(lines, &mut gathered.lines);
        let missing = gathered.dropped - gathered.told;
        gathered.told = gathered.dropped;
        missing
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        // Nothing below the lock can leave half a line.
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_many(lines: &[u8]) -> bool {
    lines.iter().filter(|byte| **byte == b'\n').take(MANY).count() == MANY
}
