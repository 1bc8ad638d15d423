//! Advisory locks on nodes.
//! In come who asks and a node, out goes whether the lock was free; a lock excludes those above and below its node.
//! It never waits: who was refused asks again when something was given back.

use crate::key::{self, Node};
use crate::trouble::Trouble;
use std::collections::BTreeMap;

/// Locks of one request at most, 1000: far above what one answer needs.
const MOST: usize = 1000;

/// All locks of a store.
#[derive(Debug, Default)]
pub struct Locks {
    /// Who has a node's lock, and how often.
    held: BTreeMap<Vec<u8>, (u64, usize)>,
}

impl Locks {
    /// Takes a node's lock if it is free. False: somebody else has it, or one above or below it.
    ///
    /// # Errors
    /// [`Trouble::Refused`] if the node cannot be, or there are too many locks.
    pub fn take(&mut self, who: u64, at: &Node) -> Result<bool, Trouble> {
        let key = at.key()?;
        if self.held.values().filter(|(holder, _)| *holder == who).count() >= MOST {
            return Err(Trouble::refused(format!("a request may hold {MOST} locks")));
        }
        let others = |holder: &(u64, usize)| holder.0 != who;
        let above = (0..=at.subscripts.len()).filter_map(|depth| {
            let node = Node::new(at.document.clone(), at.subscripts.iter().take(depth).cloned());
            node.key().ok().and_then(|key| self.held.get(&key))
        });
        let below = self.held.range(key.clone()..key::behind(&key)).map(|(_, holder)| holder);
        if above.chain(below).any(others) {
            return Ok(false);
        }
        self.held.entry(key).or_insert((who, 0)).1 += 1;
        Ok(true)
    }

    /// Gives a lock back once. False: it was not held.
    ///
    /// # Errors
    /// [`Trouble::Refused`] if the node cannot be.
    pub fn give_back(&mut self, who: u64, at: &Node) -> Result<bool, Trouble> {
        let key = at.key()?;
        let Some((_, count)) = self.held.get_mut(&key).filter(|(holder, _)| *holder == who) else {
            return Ok(false);
        };
        *count -= 1;
        if *count == 0 {
            self.held.remove(&key);
        }
        Ok(true)
    }

    /// Gives all locks back that somebody has; whether there were any.
    pub fn end(&mut self, who: u64) -> bool {
        let before = self.held.len();
        self.held.retain(|_, (holder, _)| *holder != who);
        self.held.len() < before
    }
}
