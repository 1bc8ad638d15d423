//! What transactions that run need of the past: how keys were before others changed them.
//! In come commits and the moments at which transactions begin and end; out goes what a key was at such a moment, and whether
//! it has changed since.
//! It keeps nothing for which no running transaction could ask, and it never waits.

use crate::limits::{ENTRY_BYTES, HISTORY_BYTES};
use std::collections::BTreeMap;
use std::ops::Bound;

/// What a key was before a commit: for transactions that began before it, and not before the commit of the version before.
struct Version {
    commit: u64,
    before: Option<Vec<u8>>,
}

/// The past of the keys that were changed while transactions ran.
#[derive(Default)]
pub(crate) struct History {
    /// The number of the last commit.
    commit: u64,
    /// The moments at which running transactions began, with their number.
    running: BTreeMap<u64, usize>,
    /// Of each key from the oldest to the newest, at least one.
    versions: BTreeMap<Vec<u8>, Vec<Version>>,
    /// Each of these keys once: at a commit that is not behind its first version.
    by_commit: BTreeMap<u64, Vec<Vec<u8>>>,
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

    /// The oldest moment whose past is known.
    fn oldest(&self) -> Option<u64> {
        self.running.range(self.forgotten..).next().map(|(oldest, _)| *oldest)
    }

    /// Whether a commit has to say what this key was before: somebody has begun since that was said last.
    pub(crate) fn wants(&self, key: &[u8]) -> bool {
        let last = self.versions.get(key).and_then(|versions| versions.last()).map_or(0, |version| version.commit);
        self.running.range(last.max(self.forgotten)..).next().is_some()
    }

    /// A commit has changed keys; those that it wanted were so before.
    pub(crate) fn record(&mut self, before: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
        self.commit += 1;
        for (key, before) in before {
            self.add(key, before);
        }
        while self.bytes > HISTORY_BYTES {
            // Those that began first need the most, so they are the ones to begin again.
            self.forgotten = self.oldest().map_or(self.commit, |oldest| oldest + 1);
            self.forget();
        }
    }

    fn add(&mut self, key: Vec<u8>, before: Option<Vec<u8>>) {
        self.bytes += bytes_of(before.as_ref());
        let version = Version { commit: self.commit, before };
        let Some(versions) = self.versions.get_mut(&key) else {
            self.bytes += bytes_of_key(&key);
            self.by_commit.entry(self.commit).or_default().push(key.clone());
            self.versions.insert(key, vec![version]);
            return;
        };
        // What all have ended for that began in its time goes: a key that is often written stays small.
        let (mut from, mut freed) = (self.forgotten, 0);
        versions.retain(|version| {
            let is_needed = from < version.commit && self.running.range(from..version.commit).next().is_some();
            from = from.max(version.commit);
            if !is_needed {
                freed += bytes_of(version.before.as_ref());
            }
            is_needed
        });
        self.bytes -= freed;
        versions.push(version);
    }

    /// How a key was at a moment; none: as it is now.
    pub(crate) fn then(&self, key: &[u8], moment: u64) -> Option<&Option<Vec<u8>>> {
        version_at(self.versions.get(key)?, moment)
    }

    /// How keys between two were at a moment, if they have changed since.
    pub(crate) fn then_between(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        moment: u64,
    ) -> impl DoubleEndedIterator<Item = (&Vec<u8>, &Option<Vec<u8>>)> {
        let versions = self.versions.range::<[u8], _>(range);
        versions.filter_map(move |(key, versions)| Some((key, version_at(versions, moment)?)))
    }

    /// Whether a key has changed since a moment.
    pub(crate) fn changed(&self, key: &[u8], since: u64) -> bool {
        self.then(key, since).is_some()
    }

    /// Whether any key between two has changed since a moment.
    pub(crate) fn changed_between(&self, range: (Bound<&[u8]>, Bound<&[u8]>), since: u64) -> bool {
        !crate::span::is_empty(range) && self.then_between(range, since).next().is_some()
    }

    /// Drops what no running transaction can ask for.
    fn forget(&mut self) {
        let oldest = self.oldest().unwrap_or(u64::MAX);
        while let Some(listed) = self.by_commit.first_entry().filter(|listed| *listed.key() <= oldest) {
            for key in listed.remove() {
                let Some(versions) = self.versions.get_mut(&key) else { continue };
                let old = versions.partition_point(|version| version.commit <= oldest);
                self.bytes -= versions.drain(..old).map(|version| bytes_of(version.before.as_ref())).sum::<usize>();
                match versions.first() {
                    Some(first) => self.by_commit.entry(first.commit).or_default().push(key),
                    None => {
                        self.bytes -= bytes_of_key(&key);
                        self.versions.remove(&key);
                    }
                }
            }
        }
    }

    /// How many keys, versions and bytes are kept, and how many moments.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> [usize; 4] {
        let versions = self.versions.values().map(Vec::len).sum();
        assert_eq!(self.by_commit.values().map(Vec::len).sum::<usize>(), self.versions.len());
        [self.versions.len(), versions, self.bytes, self.running.len()]
    }
}

fn version_at(versions: &[Version], moment: u64) -> Option<&Option<Vec<u8>>> {
    let at = versions.partition_point(|version| version.commit <= moment);
    versions.get(at).map(|version| &version.before)
}

/// A key stands in both maps.
fn bytes_of_key(key: &[u8]) -> usize {
    2 * (key.len() + ENTRY_BYTES)
}

fn bytes_of(before: Option<&Vec<u8>>) -> usize {
    before.map_or(0, Vec::len) + ENTRY_BYTES
}
