//! What a damaged disk does to entries, for tests.
//! In come entries of the engine; out goes a store of which the sum says something else.
//! It never brings the sum up to date: that is what it is for.

use super::Disk;

impl Disk {
    /// What a damaged log does: an entry of the engine changes or goes, and the sum does not.
    pub(in crate::store) fn forget(&self, bytes: Option<&[u8]>, key: &[u8]) {
        let done = match bytes {
            Some(bytes) => self.inner.entries.insert(key, bytes),
            None => self.inner.entries.remove(key),
        };
        done.map(|_| ()).unwrap_or_default();
    }

    /// The sum is lost.
    pub(in crate::store) fn forget_sum(&self) {
        self.inner.sums.clear().unwrap_or_default();
    }
}
