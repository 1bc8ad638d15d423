//! The versions, one after the other: dropped in at random moments, some of them broken, each waited for.
//! In come the folder, the host that has the module, and the ledger; out go the times of each good version.
//! It never asks the host itself: the clients see a version first.

use super::folder::{Folder, Way, broken, pause};
use super::ledger::{Ledger, VERSIONS};
use super::program::Program;
use bench::modules::{Versioned, content_hash};
use std::time::{Duration, Instant};

/// How long a version may take to be seen before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between one version's first answer and the next file, in milliseconds at most.
const LONGEST_PAUSE: u64 = 700;
/// Between a broken file and the next good one, in milliseconds at most: some stand long enough to be told in the log.
const BROKEN_STANDS: u64 = 900;
/// Before one good version of so many there is a broken one.
const BROKEN_OF: u32 = 3;

/// The times of one good version.
pub(crate) struct Replaced {
    pub(crate) way: Way,
    /// From the file's last write to the first answer.
    pub(crate) seen: Duration,
    /// From the file's last write to the host's line that it serves.
    pub(crate) said: Duration,
    /// What the host says of compiling.
    pub(crate) compiled: Duration,
    /// Milliseconds from the host's line to the first answer. Less than none, where the line came later to us.
    pub(crate) said_to_seen: f64,
}

impl Replaced {
    /// What is neither compiling nor anything else that a version needs by itself.
    pub(crate) fn beside_compiling(&self) -> Duration {
        self.seen.saturating_sub(self.compiled)
    }
}

/// Drops versions in.
pub(crate) struct Replacing<'a> {
    pub(crate) versioned: &'a Versioned,
    pub(crate) folder: &'a Folder,
    pub(crate) ledger: &'a Ledger,
    /// The number of the last good version.
    pub(crate) last: u32,
    /// Files dropped in that are no modules.
    pub(crate) broken: u32,
}

impl Replacing<'_> {
    /// Puts the next version into the folder, perhaps after a broken one, and waits until it answers. Nothing: it did not.
    pub(crate) fn next(&mut self, host: &mut Program) -> Option<Replaced> {
        pause(LONGEST_PAUSE);
        self.last += 1;
        if self.last >= VERSIONS {
            self.ledger.complain(format!("more than {VERSIONS} versions are not counted; use fewer requests"));
            return None;
        }
        let bytes = self.versioned.version(self.last);
        if rand::random_range(0..BROKEN_OF) == 0 {
            self.broken += 1;
            self.folder.drop_in(&broken(self.versioned, self.last), Way::any());
            pause(BROKEN_STANDS);
        }
        self.ledger.drop_in(self.last);
        let way = Way::any();
        let written = self.folder.drop_in(&bytes, way);
        let Some(seen) = self.wait_for_answer() else {
            self.ledger.complain(format!("version {} ({}) never answered", self.last, way.name()));
            return None;
        };
        let Some(serves) = host.wait_for_version(&content_hash(&bytes), PATIENCE) else {
            self.ledger.complain(format!("version {} answered, but the host's log does not say so", self.last));
            return None;
        };
        Some(Replaced {
            way,
            seen: seen.saturating_duration_since(written),
            said: serves.said.saturating_duration_since(written),
            compiled: serves.compiled,
            said_to_seen: if seen > serves.said {
                (seen - serves.said).as_secs_f64() * 1e3
            } else {
                (serves.said - seen).as_secs_f64() * -1e3
            },
        })
    }

    fn wait_for_answer(&self) -> Option<Instant> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(seen) = self.ledger.first_answer(self.last) {
                return Some(seen);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }
}
