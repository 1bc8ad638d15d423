//! What one request holds of the store: single operations, or a transaction of several.
//! In come the operations of a handler, out go values; outside of a transaction each operation is one by itself.
//! It never waits for the disk: [`Connection::written`] says what has to be flushed before anybody is told.

use crate::key::Node;
use crate::pages::{Page, Selection};
use crate::record::State;
use crate::store::{Commit, Store};
use crate::transaction::Transaction;
use crate::trouble::Trouble;

/// A request's connection to the store. Dropping it forgets a transaction that is open.
pub struct Connection {
    store: Store,
    open: Option<Transaction>,
    written: Commit,
}

impl Connection {
    /// A connection without a transaction.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, open: None, written: 0 }
    }

    /// The last commit that it made; 0: none.
    #[must_use]
    pub fn written(&self) -> Commit {
        self.written
    }

    /// How many keys a commit would change.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.open.as_ref().map_or(0, Transaction::changes)
    }

    /// Whether a subtree has so many nodes at most.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn is_small(&mut self, at: &Node, nodes: u64) -> Result<bool, Trouble> {
        self.run(|transaction| transaction.is_small(at, nodes))
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`Trouble::Refused`] if one is open.
    pub fn begin(&mut self) -> Result<(), Trouble> {
        if self.open.is_some() {
            return Err(Trouble::refused("a transaction is open; a request has one at a time"));
        }
        self.open = Some(self.store.begin());
        Ok(())
    }

    /// Writes all changes of the transaction, and ends it.
    ///
    /// # Errors
    /// [`Trouble`]; the transaction is over and has written nothing.
    pub fn commit(&mut self) -> Result<(), Trouble> {
        let transaction = self.open.take().ok_or_else(no_transaction)?;
        self.written = transaction.commit()?.unwrap_or(self.written);
        Ok(())
    }

    /// Forgets all changes of the transaction, and ends it.
    ///
    /// # Errors
    /// [`Trouble::Refused`] if none is open.
    pub fn roll_back(&mut self) -> Result<(), Trouble> {
        self.open.take().map(|_| ()).ok_or_else(no_transaction)
    }

    /// Reads or changes something, in the transaction if there is one.
    ///
    /// # Errors
    /// [`Trouble`]; after [`Trouble::Conflict`] no transaction is open any more.
    pub fn run<T>(&mut self, mut work: impl FnMut(&mut Transaction) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let Some(transaction) = &mut self.open else {
            let (done, commit) = self.store.change(work)?;
            self.written = commit.unwrap_or(self.written);
            return Ok(done);
        };
        let done = work(transaction);
        if matches!(done, Err(Trouble::Conflict)) {
            self.open = None;
        }
        done
    }

    /// The value of a node.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn get(&mut self, at: &Node) -> Result<Option<Vec<u8>>, Trouble> {
        // One key is always read as of one moment.
        if self.open.is_some() { self.run(|transaction| transaction.get(at)) } else { self.store.value_now(at) }
    }

    /// What there is at a node.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn look(&mut self, at: &Node) -> Result<State, Trouble> {
        self.run(|transaction| transaction.look(at))
    }

    /// A page of a node's children; of the documents, where there is no node.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn children(&mut self, at: Option<&Node>, selection: &Selection) -> Result<Page, Trouble> {
        self.run(|transaction| transaction.children(at, selection))
    }

    /// The next sibling, or the previous one.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn sibling(&mut self, at: &Node, reverse: bool) -> Result<Option<String>, Trouble> {
        self.run(|transaction| transaction.sibling(at, reverse))
    }

    /// Nodes with a value in a subtree (`deep`), or children of a node; counting ends above `most`.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn count(&mut self, at: &Node, deep: bool, most: u64) -> Result<u64, Trouble> {
        self.run(|transaction| if deep { transaction.count(at, most) } else { transaction.count_children(at, most) })
    }

    /// A subtree as JSON.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn read(&mut self, at: &Node) -> Result<Option<Vec<u8>>, Trouble> {
        self.run(|transaction| transaction.read(at))
    }

    /// Sets the value of a node.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn set(&mut self, at: &Node, value: &[u8]) -> Result<(), Trouble> {
        self.run(|transaction| transaction.set(at, value))
    }

    /// Stores JSON as a subtree.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn replace(&mut self, at: &Node, json: &[u8]) -> Result<(), Trouble> {
        self.run(|transaction| transaction.replace(at, json))
    }

    /// Stores JSON over a subtree.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn merge(&mut self, at: &Node, json: &[u8]) -> Result<(), Trouble> {
        self.run(|transaction| transaction.merge(at, json))
    }

    /// Deletes a subtree.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn delete(&mut self, at: &Node) -> Result<bool, Trouble> {
        self.run(|transaction| transaction.delete(at))
    }

    /// Adds to a node's number.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn increment(&mut self, at: &Node, by: &[u8]) -> Result<Vec<u8>, Trouble> {
        self.run(|transaction| transaction.increment(at, by))
    }
}

fn no_transaction() -> Trouble {
    Trouble::refused("no transaction is open")
}
