//! What transactions that run need of the past: how keys were before others changed them.
//! In come commits and the moments at which transactions begin and end; out goes what a key was at such a moment, and whether
//! it has changed since.
//! It keeps nothing for which no running transaction could ask, and it never waits.

use crate::engine::{Changes, Entry};
use crate::limits::HISTORY_BYTES;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

/// A key at one commit.
struct Version {
    /// The number of the last commit that this covers.
    commit: u64,
    /// What the key was before.
    before: Option<Vec<u8>>,
}

/// A key that a commit changes, and what it was before; none: that is known already.
pub(crate) type Was = (Vec<u8>, Option<Option<Vec<u8>>>);

/// The past of the keys that were changed while transactions ran.
#[derive(Default)]
pub(crate) struct History {
    /// The number of the last commit.
    commit: u64,
    /// The moments at which running transactions began, with their number.
    running: BTreeMap<u64, usize>,
    /// From the oldest to the newest.
    versions: BTreeMap<Vec<u8>, Vec<Version>>,
    /// Which keys each commit changed, the oldest first.
    log: VecDeque<(u64, Vec<Vec<u8>>)>,
    bytes: usize,
    /// Transactions that began before this commit have lost their past.
    forgotten: u64,
}

impl History {
    /// Goes on behind this commit.
    pub(crate) fn from(commit: u64) -> Self {
        Self { commit, ..Self::default() }
    }

    /// The number of the last commit.
    pub(crate) fn commit(&self) -> u64 {
        self.commit
    }

    /// A transaction begins; this is its moment.
    pub(crate) fn begin(&mut self) -> u64 {
        *self.running.entry(self.commit).or_default() += 1;
        self.commit
    }

    /// A transaction that began at this moment has ended.
    pub(crate) fn end(&mut self, moment: u64) {
        if let Some(count) = self.running.get_mut(&moment) {
            *count -= 1;
            if *count == 0 {
                self.running.remove(&moment);
                self.forget();
            }
        }
    }

    /// Whether what a transaction saw at this moment can still be told.
    pub(crate) fn knows(&self, moment: u64) -> bool {
        moment >= self.forgotten
    }

    /// Whether nobody else could ask for the past: then nothing has to be kept of a change.
    pub(crate) fn is_alone(&self) -> bool {
        self.running.is_empty()
    }

    /// Whether a commit has to say what this key was before.
    pub(crate) fn wants(&self, key: &[u8]) -> bool {
        let last = self.versions.get(key).and_then(|versions| versions.last()).map_or(0, |version| version.commit);
        self.running.last_key_value().is_some_and(|(newest, _)| *newest >= last)
    }

    /// A commit changes these keys, which were as `before` says, where it was wanted.
    pub(crate) fn record(&mut self, before: Vec<Was>) {
        self.commit += 1;
        if self.is_alone() {
            return;
        }
        let mut keys = Vec::with_capacity(before.len());
        for (key, before) in before {
            let versions = self.versions.entry(key.clone()).or_default();
            match (before, versions.last_mut()) {
                // Nobody began in between, so the version before tells this one, too.
                (None, Some(last)) => last.commit = self.commit,
                (None, None) => {}
                (Some(before), _) => {
                    self.bytes += key.len() + before.as_ref().map_or(0, Vec::len);
                    versions.push(Version { commit: self.commit, before });
                }
            }
            self.bytes += key.len();
            keys.push(key);
        }
        self.log.push_back((self.commit, keys));
        if self.bytes > HISTORY_BYTES {
            self.versions.clear();
            self.log.clear();
            self.bytes = 0;
            self.forgotten = self.commit;
        }
    }

    /// How a key was at a moment; none: as it is now.
    pub(crate) fn then(&self, key: &[u8], moment: u64) -> Option<&Option<Vec<u8>>> {
        let versions = self.versions.get(key)?;
        versions.iter().find(|version| version.commit > moment).map(|version| &version.before)
    }

    /// Changes what is now between two keys into what was there at a moment.
    pub(crate) fn rewind(&self, now: Vec<Entry>, range: (Bound<&[u8]>, Bound<&[u8]>), moment: u64) -> Vec<Entry> {
        if self.versions.is_empty() || crate::memory::is_empty(range) {
            return now;
        }
        let mut changed = self.versions.range::<[u8], _>(range).peekable();
        if changed.peek().is_none() {
            return now;
        }
        let mut entries: BTreeMap<Vec<u8>, Vec<u8>> = now.into_iter().collect();
        for (key, versions) in changed {
            match versions.iter().find(|version| version.commit > moment).map(|version| &version.before) {
                Some(Some(before)) => entries.insert(key.clone(), before.clone()),
                Some(None) => entries.remove(key),
                None => None,
            };
        }
        entries.into_iter().collect()
    }

    /// Whether a key has changed since a moment.
    pub(crate) fn changed(&self, key: &[u8], since: u64) -> bool {
        self.versions.get(key).and_then(|versions| versions.last()).is_some_and(|last| last.commit > since)
    }

    /// Whether any key between two has changed since a moment.
    pub(crate) fn changed_between(&self, range: (Bound<&[u8]>, Bound<&[u8]>), since: u64) -> bool {
        if crate::memory::is_empty(range) {
            return false;
        }
        let mut versions = self.versions.range::<[u8], _>(range).filter_map(|(_, versions)| versions.last());
        versions.any(|last| last.commit > since)
    }

    /// Drops what no running transaction can ask for.
    fn forget(&mut self) {
        let oldest = self.running.first_key_value().map_or(u64::MAX, |(oldest, _)| *oldest);
        while let Some((commit, keys)) = self.log.front().filter(|(commit, _)| *commit <= oldest) {
            let _ = commit;
            for key in keys {
                self.bytes = self.bytes.saturating_sub(key.len());
                let Some(versions) = self.versions.get_mut(key) else { continue };
                let mut freed = 0;
                versions.retain(|version| {
                    let stays = version.commit > oldest;
                    if !stays {
                        freed += key.len() + version.before.as_ref().map_or(0, Vec::len);
                    }
                    stays
                });
                self.bytes = self.bytes.saturating_sub(freed);
                if versions.is_empty() {
                    self.versions.remove(key);
                }
            }
            self.log.pop_front();
        }
    }
}

/// The keys of a batch, for [`History::record`].
pub(crate) fn keys(changes: &Changes) -> impl Iterator<Item = &Vec<u8>> {
    changes.iter().map(|(key, _)| key)
}
