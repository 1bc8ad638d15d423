//! Advisory locks on nodes.
//! In come who asks and a node, out goes whether the lock was free; a lock excludes those above and below its node.
//! It never waits: who was refused asks again when something was given back.

use crate::key::{self, Node};
use crate::trouble::Trouble;
use std::collections::{BTreeMap, BTreeSet};

/// Locks of one request at most, 1000: far above what one answer needs.
const MOST: usize = 1000;

/// All locks of a store.
#[derive(Debug, Default)]
pub struct Locks {
    /// Who has a node's lock, and how often.
    held: BTreeMap<Vec<u8>, (u64, usize)>,
    /// The nodes of everybody who has one.
    holders: BTreeMap<u64, BTreeSet<Vec<u8>>>,
}

impl Locks {
    /// Takes a node's lock if it is free. False: somebody else has it, or one above or below it.
    ///
    /// # Errors
    /// [`Trouble::Refused`] if the node cannot be, or there are too many locks.
    pub fn take(&mut self, who: u64, at: &Node) -> Result<bool, Trouble> {
        let key = at.key()?;
        let mut above = at.ancestors().filter_map(|node| self.held.get(&node.key().ok()?));
        let mut below = self.held.range(key.clone()..key::behind(&key)).map(|(_, holder)| holder);
        let is_other = |holder: &(u64, usize)| holder.0 != who;
        if above.any(is_other) || below.any(is_other) {
            return Ok(false);
        }
        let nodes = self.holders.entry(who).or_default();
        if nodes.len() >= MOST && !nodes.contains(&key) {
            return Err(Trouble::refused(format!("a request may hold {MOST} locks")));
        }
        nodes.insert(key.clone());
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
            let nodes = self.holders.entry(who).or_default();
            nodes.remove(&key);
            if nodes.is_empty() {
                self.holders.remove(&who);
            }
        }
        Ok(true)
    }

    /// Gives all locks back that somebody has; whether there were any.
    pub fn end(&mut self, who: u64) -> bool {
        let nodes = self.holders.remove(&who).unwrap_or_default();
        for key in &nodes {
            self.held.remove(key);
        }
        !nodes.is_empty()
    }
}
