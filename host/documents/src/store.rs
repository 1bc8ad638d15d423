//! The store: an engine, the past that running transactions need, and the one place where a commit happens.
//! In come transactions, out go commits with numbers; a commit whose reads were overtaken is a conflict.
//! It never flushes by itself: who acknowledges a commit asks for that.

use crate::engine::{Changes, Engine, EngineFailure};
use crate::history::History;
use crate::indexes::Indexes;
use crate::key::{Node, OWN};
use crate::piece::Piece;
use crate::span::Span;
use crate::transaction::{Transaction, decoded};
use crate::trouble::Trouble;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The version of what lies on the disk.
const FORMAT: &str = "1";
/// Attempts of an operation that others overtook, before it is done while nobody else may commit.
const ATTEMPTS: usize = 3;

/// The number of a commit. What has a smaller one was committed before.
pub type Commit = u64;

/// Who holds it may commit, and nobody else.
pub(crate) type Turn<'s> = MutexGuard<'s, ()>;

/// Why a store cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenFailure {
    /// Another version of the program has written it.
    #[error("the documents are of format {0}, and this program reads format {FORMAT}; run the program that wrote them")]
    Format(String),
    /// The engine does not give it.
    #[error(transparent)]
    Engine(#[from] EngineFailure),
}

/// A store of documents. Clones are the same store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Box<dyn Engine>,
    /// Written while a commit is applied: so a reader sees all of it, or nothing.
    history: RwLock<History>,
    /// Held from the check of a commit to its end.
    committing: Mutex<()>,
    indexes: Indexes,
}

fn own_key(name: &str) -> Vec<u8> {
    let mut key = vec![OWN];
    key.extend_from_slice(name.as_bytes());
    key
}

impl Store {
    /// Opens what an engine keeps, and keeps these indexes from now on.
    ///
    /// # Errors
    /// [`OpenFailure`]
    pub fn open(engine: Box<dyn Engine>, indexes: Indexes) -> Result<Self, OpenFailure> {
        if !Self::check_format(&*engine)? {
            engine.apply(&[(own_key("format"), Some(FORMAT.as_bytes().to_vec()))])?;
        }
        let commit =
            engine.get(&own_key("commits"))?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        let history = RwLock::new(History::from(commit));
        let shared = Shared { engine, history, committing: Mutex::new(()), indexes };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Whether there is a store, which then has the format that this program reads and writes. Changes nothing.
    ///
    /// # Errors
    /// [`OpenFailure`]
    pub fn check_format(engine: &dyn Engine) -> Result<bool, OpenFailure> {
        match engine.get(&own_key("format"))? {
            Some(format) if format == FORMAT.as_bytes() => Ok(true),
            Some(format) => Err(OpenFailure::Format(String::from_utf8_lossy(&format).into_owned())),
            None => Ok(false),
        }
    }

    /// The indexes that were kept when the store was last open, as JSON.
    ///
    /// # Errors
    /// [`EngineFailure`]
    pub fn kept_indexes(engine: &dyn Engine) -> Result<Option<Vec<u8>>, EngineFailure> {
        engine.get(&own_key("indexes"))
    }

    /// A transaction on what is there now.
    #[must_use]
    pub fn begin(&self) -> Transaction {
        let moment = self.history_mut().begin();
        Transaction::new(self.clone(), moment)
    }

    /// Does something in one step, and commits it; no commit: it changed nothing. What others overtake is done again.
    ///
    /// # Errors
    /// What `work` refuses; never [`Trouble::Conflict`], unless `work` makes it up.
    pub fn change<T>(
        &self,
        mut work: impl FnMut(&mut Transaction) -> Result<T, Trouble>,
    ) -> Result<(T, Option<Commit>), Trouble> {
        for _ in 0..ATTEMPTS {
            let mut transaction = self.begin();
            let done = work(&mut transaction).and_then(|done| Ok((done, transaction.commit()?)));
            // Not only the commit can find out that it was overtaken: so can a read, where much was written meanwhile.
            if !matches!(done, Err(Trouble::Conflict)) {
                return done;
            }
        }
        // Nobody commits until this is done, so nothing can overtake it.
        let turn = self.turn();
        let mut transaction = self.begin();
        let done = work(&mut transaction)?;
        Ok((done, transaction.commit_in(&turn)?))
    }

    /// Waits until nobody else commits.
    pub(crate) fn turn(&self) -> Turn<'_> {
        self.shared.committing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last commit.
    #[must_use]
    pub fn committed(&self) -> Commit {
        self.history().commit()
    }

    /// Returns when all commits until now will survive a power cut; the last one of them.
    ///
    /// # Errors
    /// [`EngineFailure`]
    pub fn flush(&self) -> Result<Commit, EngineFailure> {
        let commit = {
            let _turn = self.turn();
            let commit = self.committed();
            self.shared.engine.apply(&[(own_key("commits"), Some(commit.to_be_bytes().to_vec()))])?;
            commit
        };
        self.shared.engine.flush()?;
        Ok(commit)
    }

    /// Remembers the indexes, so that a check of the store needs no configuration.
    ///
    /// # Errors
    /// [`EngineFailure`]
    pub fn keep_indexes(&self) -> Result<(), EngineFailure> {
        let _turn = self.turn();
        self.shared.engine.apply(&[(own_key("indexes"), Some(self.shared.indexes.to_json()))])
    }

    /// The indexes that this store keeps.
    #[must_use]
    pub fn indexes(&self) -> &Indexes {
        &self.shared.indexes
    }

    /// The value of a node as it is now, in no transaction.
    pub(crate) fn value_now(&self, at: &Node) -> Result<Option<Vec<u8>>, Trouble> {
        let key = at.key()?;
        let bytes = self.shared.engine.get(&key)?;
        Ok(bytes.map(|bytes| decoded(&key, bytes)).transpose()?.and_then(|record| record.value))
    }

    /// Bytes as they were at a moment.
    pub(crate) fn get(&self, key: &[u8], moment: u64) -> Result<Option<Vec<u8>>, Trouble> {
        let history = self.history();
        if !history.knows(moment) {
            return Err(Trouble::Conflict);
        }
        match history.then(key, moment) {
            Some(before) => Ok(before.clone()),
            None => Ok(self.shared.engine.get(key)?),
        }
    }

    /// The first entries of a span as they were at a moment. How many there are says nothing: some of `limit` may not have
    /// been there then, and others may have.
    pub(crate) fn scan(&self, span: &Span, limit: usize, moment: u64) -> Result<Piece, Trouble> {
        let history = self.history();
        if !history.knows(moment) {
            return Err(Trouble::Conflict);
        }
        if span.is_empty() {
            return Ok(Piece::of(span, Vec::new(), limit));
        }
        let piece = Piece::of(span, self.shared.engine.scan(span.bounds(), span.reverse, limit)?, limit);
        let looked_at = piece.looked_at.clone();
        Ok(piece.with(history.then_between(looked_at.bounds(), moment), span, limit))
    }

    /// Commits changes if what was read is still so.
    pub(crate) fn commit(
        &self,
        _: &Turn<'_>,
        moment: u64,
        reads: &Reads,
        changes: &Changes,
    ) -> Result<Commit, Trouble> {
        let overtaken = {
            let history = self.history();
            !history.knows(moment) || reads.overtaken(&history, moment)
        };
        let mut history = self.history_mut();
        // From here on this transaction needs no past.
        history.end(moment);
        if overtaken {
            return Err(Trouble::Conflict);
        }
        let mut before = Vec::new();
        for (key, _) in changes.iter().filter(|(key, _)| history.wants(key)) {
            before.push((key.clone(), self.shared.engine.get(key)?));
        }
        self.shared.engine.apply(changes)?;
        history.record(before);
        Ok(history.commit())
    }

    pub(crate) fn end(&self, moment: u64) {
        self.history_mut().end(moment);
    }

    /// What [`History::kept`] counts.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> [usize; 4] {
        self.history().kept()
    }

    fn history(&self) -> RwLockReadGuard<'_, History> {
        self.shared.history.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn history_mut(&self) -> RwLockWriteGuard<'_, History> {
        self.shared.history.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a transaction has read, and therefore relies on.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    pub(crate) keys: std::collections::BTreeSet<Vec<u8>>,
    pub(crate) spans: Vec<Span>,
}

impl Reads {
    fn overtaken(&self, history: &History, moment: u64) -> bool {
        self.keys.iter().any(|key| history.changed(key, moment))
            || self.spans.iter().any(|span| history.changed_between(span.bounds(), moment))
    }
}
