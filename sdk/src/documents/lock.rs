//! Advisory locks: a promise among handlers, for work that is more than one transaction.
//! In come a node and a time to wait, out goes the lock; where it is dropped it is given back.
//! It never hinders anybody who does not ask for it.

use super::Node;
use crate::imports::documents as host;

/// The lock of a node. It ends where this is dropped, and at the latest with the request.
#[derive(Debug)]
#[must_use = "a lock is given back where it is dropped: bind it to a name, such as `_lock`"]
pub struct Lock {
    node: Node,
}

impl Lock {
    pub(super) fn of(node: Node) -> Self {
        Self { node }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // All locks end with the request, so one that cannot be given back now ends then.
        let _ = host::unlock(self.node.wire());
    }
}
