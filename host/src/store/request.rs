//! What one request holds of the store: its connection, what it has written, and its locks.
//! In come operations of its handler, out go results; small ones at once, large ones on a thread of their own.
//! When it ends, so do its transaction and its locks.

use super::Documents;
use qewd_documents::{Connection, EngineFailure, Node, Trouble};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedRwLockWriteGuard;
use tokio::time::Instant;

/// Nodes of a subtree that are read at once, 200: some tens of microseconds. More are read on a thread of their own, so that
/// other requests need not wait for them.
const SMALL_NODES: u64 = 200;
/// Bytes of JSON that are stored at once, by the same measure.
const SMALL_BYTES: usize = 32 * 1024;
/// Changes that are committed at once, by the same measure.
const SMALL_CHANGES: usize = 500;

/// Attempts at a transaction, 2, before others have to wait for the next one. Where many change one node, most attempts are
/// overtaken, and some requests would never come to an end (measured: at 64 callers of one node half gave up after 50).
const PATIENT_ATTEMPTS: usize = 2;
/// How long others wait for such a transaction, and it for them, 100 ms: far longer than one takes that asks nobody else.
const TURN: Duration = Duration::from_millis(100);

/// A request's dealings with the store.
pub struct RequestDocuments {
    documents: Arc<Documents>,
    /// Missing while a large operation runs; for good, if its request was given up meanwhile.
    connection: Option<Connection>,
    /// Who it is among the holders of locks.
    who: u64,
    has_locked: bool,
    /// How many of its transactions others have overtaken.
    overtaken: usize,
    /// Keeps others from committing while a transaction runs that was overtaken too often.
    turn: Option<OwnedRwLockWriteGuard<()>>,
}

impl RequestDocuments {
    pub(super) fn new(documents: Arc<Documents>, who: u64) -> Self {
        let connection = Some(Connection::new(documents.store.clone()));
        Self { documents, connection, who, has_locked: false, overtaken: 0, turn: None }
    }

    /// The connection, for what is done in no time.
    ///
    /// # Errors
    /// When the request was given up.
    pub fn connection(&mut self) -> Result<&mut Connection, Trouble> {
        self.connection.as_mut().ok_or_else(given_up)
    }

    /// Does something with a subtree: at once if it is small.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn with_subtree<T: Send + 'static>(
        &mut self,
        at: Node,
        work: impl FnOnce(&mut Connection, &Node) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let is_small = self.connection()?.is_small(&at, SMALL_NODES)?;
        self.run(is_small, move |connection| work(connection, &at)).await
    }

    /// Does something that may be large, and so on a thread of its own.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn on_a_thread<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        self.run(false, work).await
    }

    /// Stores JSON: at once if it is short.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn with_json(
        &mut self,
        at: Node,
        json: Vec<u8>,
        work: impl FnOnce(&mut Connection, &Node, &[u8]) -> Result<(), Trouble> + Send + 'static,
    ) -> Result<(), Trouble> {
        let is_small = json.len() <= SMALL_BYTES && self.connection()?.is_small(&at, SMALL_NODES)?;
        self.run(is_small, move |connection| work(connection, &at, &json)).await
    }

    /// Begins a transaction. One that was overtaken again and again has the others wait for it.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn begin(&mut self) -> Result<(), Trouble> {
        if self.overtaken >= PATIENT_ATTEMPTS {
            let turns = Arc::clone(&self.documents.turns);
            // Without the turn it may be overtaken once more, which is all that happens.
            self.turn = tokio::time::timeout(TURN, turns.write_owned()).await.ok();
        }
        self.connection()?.begin()
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn commit(&mut self) -> Result<(), Trouble> {
        let is_small = self.connection()?.changes() <= SMALL_CHANGES;
        let turns = Arc::clone(&self.documents.turns);
        // Who has the turn may be slow, or wait for somebody; so it is respected for a while only.
        let passed = if self.turn.is_none() { tokio::time::timeout(TURN, turns.read_owned()).await.ok() } else { None };
        let committed = self.run(is_small, Connection::commit).await;
        drop(passed);
        self.turn = None;
        if committed == Err(Trouble::Conflict) {
            self.overtaken += 1;
        }
        committed
    }

    /// Forgets the changes of the transaction.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn roll_back(&mut self) -> Result<(), Trouble> {
        self.turn = None;
        self.connection()?.roll_back()
    }

    async fn run<T: Send + 'static>(
        &mut self,
        is_small: bool,
        work: impl FnOnce(&mut Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let Some(mut connection) = self.connection.take() else { return Err(given_up()) };
        if is_small {
            let done = work(&mut connection);
            self.connection = Some(connection);
            return done;
        }
        let running = tokio::task::spawn_blocking(move || (work(&mut connection), connection));
        let (done, connection) = running.await.map_err(|_| given_up())?;
        self.connection = Some(connection);
        done
    }

    /// Takes a lock, waiting so long at most.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn lock(&mut self, at: &Node, wait: Duration) -> Result<bool, Trouble> {
        let until = Instant::now() + wait;
        loop {
            // Before the look, so that nothing that is given back in between is missed.
            let freed = self.documents.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.documents.locks().take(self.who, at)? {
                self.has_locked = true;
                return Ok(true);
            }
            if tokio::time::timeout_at(until, freed).await.is_err() {
                return Ok(false);
            }
        }
    }

    /// Gives a lock back once.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn unlock(&mut self, at: &Node) -> Result<bool, Trouble> {
        let had = self.documents.locks().give_back(self.who, at)?;
        self.documents.freed.notify_waiters();
        Ok(had)
    }

    /// Returns when everything that was written is on the disk: before anything of the request leaves the host.
    ///
    /// # Errors
    /// When it cannot be: then nobody may be told that it was written.
    pub async fn settle(&self) -> Result<(), EngineFailure> {
        let Some(connection) = &self.connection else { return Ok(()) };
        match connection.written() {
            // What was only read may be what is not on the disk and cannot be brought there.
            0 => self.documents.failed().map_or(Ok(()), Err),
            written => self.documents.wait(written).await,
        }
    }
}

impl Drop for RequestDocuments {
    fn drop(&mut self) {
        if self.has_locked && self.documents.locks().end(self.who) {
            self.documents.freed.notify_waiters();
        }
    }
}

fn given_up() -> Trouble {
    Trouble::Refused("the request was given up".to_owned())
}
