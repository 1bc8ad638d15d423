//! Which files have changed and are whole, as a state machine.
//! In come looks at the folder and hints about single files; out go the files that have come to rest.
//! It has no clock, touches no file, and never says whether a file is any good.

use crate::stamp::Stamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// How long a file rests whose writer has closed it: tools that write set times and modes right after.
const CLOSED: Duration = Duration::from_millis(10);
/// How long a file rests of which nobody says whether it is still written.
const UNKNOWN: Duration = Duration::from_millis(300);
/// How long a file rests that is still open for writing: a writer that makes no progress for so long has forgotten it.
const OPEN: Duration = Duration::from_secs(2);
/// How long a file may be missing before it counts as deleted: many tools replace a file by deleting it first.
const GONE: Duration = Duration::from_secs(2);

/// What is known about the one who writes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// It has the file open.
    Open,
    /// It closed the file, or put it there whole.
    Closed,
    /// Nothing is known.
    Unknown,
}

struct Moving {
    stamp: Option<Stamp>,
    since: Instant,
    writer: Writer,
}

impl Moving {
    fn rests_at(&self) -> Instant {
        let rest = match (self.stamp, self.writer) {
            (None, _) => GONE,
            (Some(_), Writer::Open) => OPEN,
            (Some(_), Writer::Closed) => CLOSED,
            (Some(_), Writer::Unknown) => UNKNOWN,
        };
        self.since + rest
    }
}

/// The files of a host, as it has them, and those that move.
pub(super) struct Settling {
    known: BTreeMap<PathBuf, Stamp>,
    moving: BTreeMap<PathBuf, Moving>,
}

impl Settling {
    /// The host has these files.
    pub(super) fn new(known: BTreeMap<PathBuf, Stamp>) -> Self {
        Self { known, moving: BTreeMap::new() }
    }

    /// Something happened to a file. `writer`: what that says about its writer, if it says anything.
    pub(super) fn hint(&mut self, path: &Path, writer: Option<Writer>, now: Instant) {
        let stamp = self.known.get(path).copied();
        let usual = || Moving { stamp, since: now, writer: Writer::Unknown };
        let moving = self.moving.entry(path.to_owned()).or_insert_with(usual);
        moving.since = now;
        moving.writer = writer.unwrap_or(moving.writer);
    }

    /// The file could not be taken: it counts as changed until it can.
    pub(super) fn again(&mut self, path: &Path) {
        self.known.remove(path);
    }

    /// The file was read when it was so: what it is later is a change.
    pub(super) fn taken(&mut self, path: PathBuf, stamp: Stamp) {
        self.known.insert(path, stamp);
    }

    /// The files are now so.
    pub(super) fn look(&mut self, files: &BTreeMap<PathBuf, Stamp>, now: Instant) {
        for (path, moving) in &mut self.moving {
            let stamp = files.get(path).copied();
            if moving.stamp != stamp {
                (moving.stamp, moving.since) = (stamp, now);
            }
        }
        let gone = self.known.keys().filter(|path| !files.contains_key(*path)).map(|path| (path, None));
        let there = files.iter().map(|(path, stamp)| (path, Some(*stamp)));
        for (path, stamp) in gone.chain(there) {
            if self.known.get(path).copied() != stamp && !self.moving.contains_key(path) {
                self.moving.insert(path.clone(), Moving { stamp, since: now, writer: Writer::Unknown });
            }
        }
    }

    /// Takes the files that have changed and rest now. Nothing in place of a stamp: the file is gone.
    pub(super) fn settled(&mut self, now: Instant) -> Vec<(PathBuf, Option<Stamp>)> {
        let resting: Vec<PathBuf> =
            self.moving.iter().filter(|(_, moving)| moving.rests_at() <= now).map(|(path, _)| path.clone()).collect();
        let mut settled = Vec::new();
        for path in resting {
            let Some(Moving { stamp, .. }) = self.moving.remove(&path) else { continue };
            let before = match stamp {
                Some(stamp) => self.known.insert(path.clone(), stamp),
                None => self.known.remove(&path),
            };
            if before != stamp {
                settled.push((path, stamp));
            }
        }
        settled
    }

    /// When the next file may rest; until then there is nothing to do but to take hints.
    pub(super) fn next(&self) -> Option<Instant> {
        self.moving.values().map(Moving::rests_at).min()
    }
}
