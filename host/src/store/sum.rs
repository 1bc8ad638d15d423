//! What lies on the disk, as a sum: so that nothing can get lost or come back in an older form without anybody noticing.
//! In come entries that are added and taken away; out goes a sum that says the same of the same entries, in any order.
//! It is no protection against people: it finds what a disk does by accident.

use super::pieces::is_node;
use aws_lc_rs::digest;
use qewd_documents::Commit;

/// What is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The last commits are not there.
    #[error("they end at commit {found}, and commit {acknowledged} was on the disk")]
    Commits {
        /// The last commit that is there.
        found: Commit,
        /// The last one that was on the disk.
        acknowledged: Commit,
    },
    /// Nodes are missing.
    #[error("{} of {of} nodes are missing", of - found)]
    Missing {
        /// Those that are there.
        found: u64,
        /// Those that should be.
        of: u64,
    },
    /// The number of nodes is right, or too large.
    #[error("{of} nodes should be there and {found} are, some of them with an older value")]
    Older {
        /// Those that are there.
        found: u64,
        /// Those that should be.
        of: u64,
    },
    /// What says how many there should be is missing itself.
    #[error("how many nodes there should be cannot be told any more; {found} are there")]
    Unknown {
        /// Those that are there.
        found: u64,
    },
    /// Not everything can be read.
    #[error("they cannot be read throughout: {0}")]
    Unreadable(String),
}

/// Bytes of a sum as it is stored.
const BYTES: usize = 24;

/// The sum of all entries.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    /// How many of them are nodes.
    pub(super) nodes: u64,
    /// Bytes of all keys and values. Not stored: whoever needs them has counted.
    pub(super) bytes: u64,
    /// Their hashes, added up.
    hashes: u128,
}

impl Sum {
    pub(super) fn add(&mut self, key: &[u8], bytes: &[u8]) {
        self.nodes = self.nodes.wrapping_add(u64::from(is_node(key)));
        self.bytes = self.bytes.wrapping_add(length(key, bytes));
        self.hashes = self.hashes.wrapping_add(hash(key, bytes));
    }

    pub(super) fn take_away(&mut self, key: &[u8], bytes: &[u8]) {
        self.nodes = self.nodes.wrapping_sub(u64::from(is_node(key)));
        self.bytes = self.bytes.wrapping_sub(length(key, bytes));
        self.hashes = self.hashes.wrapping_sub(hash(key, bytes));
    }

    /// Whether what was found is what was kept.
    pub(super) fn compare(self, kept: Option<Self>) -> Result<(), Loss> {
        let found = self.nodes;
        match kept {
            None => Err(Loss::Unknown { found }),
            Some(kept) if kept == self => Ok(()),
            Some(kept) if found < kept.nodes => Err(Loss::Missing { found, of: kept.nodes }),
            Some(kept) => Err(Loss::Older { found, of: kept.nodes }),
        }
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        [&self.nodes.to_be_bytes()[..], &self.hashes.to_be_bytes()].concat()
    }

    /// None: these bytes are no sum.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let (nodes, hashes) = bytes.split_first_chunk().filter(|_| bytes.len() == BYTES)?;
        let hashes = u128::from_be_bytes(hashes.try_into().ok()?);
        Some(Self { nodes: u64::from_be_bytes(*nodes), bytes: 0, hashes })
    }
}

/// Whether it is a sum of the same entries.
impl PartialEq for Sum {
    fn eq(&self, other: &Self) -> bool {
        (self.nodes, self.hashes) == (other.nodes, other.hashes)
    }
}

fn length(key: &[u8], bytes: &[u8]) -> u64 {
    (key.len() + bytes.len()) as u64
}

/// Half of a SHA-256, which processors compute fast: a flipped bit or an older value changes it for sure.
fn hash(key: &[u8], bytes: &[u8]) -> u128 {
    let mut context = digest::Context::new(&digest::SHA256);
    // Where the key ends belongs to what is hashed.
    context.update(&(key.len() as u64).to_be_bytes());
    context.update(key);
    context.update(bytes);
    let whole = context.finish();
    whole.as_ref().first_chunk().copied().map_or(0, u128::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_entries_have_the_same_sum_in_any_order() {
        let (mut one, mut other) = (Sum::default(), Sum::default());
        one.add(b"\x02a", b"1");
        one.add(b"\x02b", b"2");
        other.add(b"\x02b", b"2");
        other.add(b"\x02c", b"3");
        other.add(b"\x02a", b"1");
        assert_ne!(one, other);
        other.take_away(b"\x02c", b"3");
        assert_eq!(one, other);
        assert_eq!((one.nodes, one.bytes), (2, 6));
    }

    #[test]
    fn an_older_value_and_a_moved_byte_change_the_sum() {
        let sum = |key: &[u8], bytes: &[u8]| {
            let mut sum = Sum::default();
            sum.add(key, bytes);
            sum
        };
        assert_ne!(sum(b"\x02a", b"1"), sum(b"\x02a", b"0"));
        assert_ne!(sum(b"\x02a", b"1"), sum(b"\x02a1", b""));
    }

    #[test]
    fn a_sum_comes_back_from_its_bytes_and_from_no_others() {
        let mut sum = Sum::default();
        sum.add(b"\x02a", b"1");
        assert_eq!(Sum::of(&sum.to_bytes()), Some(sum));
        assert_eq!(Sum::of(b""), None);
        assert_eq!(Sum::of(&[0; BYTES + 1]), None);
    }
}
