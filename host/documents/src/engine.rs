//! What has to keep keys and values: an ordered map that changes in batches.
//! In come keys and bytes, out go the same, in the order of the keys' bytes.
//! It knows nothing of documents.

use std::ops::Bound;

/// One key and its bytes.
pub type Entry = (Vec<u8>, Vec<u8>);

/// One key and its new bytes; none: it goes.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// Changes that belong together.
pub type Changes = Vec<Change>;

/// What an engine cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct EngineFailure {
    /// What happened, and the way out.
    pub words: String,
    /// Whether the disk has no room. Else it is a fault of the machine, or of what lies on the disk.
    pub full: bool,
}

/// An ordered map of bytes. All methods may be called from several threads; the store never calls [`Engine::apply`] twice
/// at one time.
pub trait Engine: Send + Sync {
    /// The bytes of a key.
    ///
    /// # Errors
    /// [`EngineFailure`]
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineFailure>;

    /// The first entries between two keys, `limit` at most; the last ones, from the end, if `reverse`. The store never asks
    /// between keys between which nothing can lie, and never while changes are made.
    ///
    /// # Errors
    /// [`EngineFailure`]
    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure>;

    /// Makes all changes or none, also where the machine stops in between. Who meanwhile gets one key
    /// after the other sees no change, and from one moment on all of them: the store does not wait for that.
    ///
    /// # Errors
    /// [`EngineFailure`]: nothing was changed.
    fn apply(&self, changes: &[Change]) -> Result<(), EngineFailure>;

    /// Returns when everything that was applied before the call will survive a power cut.
    ///
    /// # Errors
    /// [`EngineFailure`]
    fn flush(&self) -> Result<(), EngineFailure>;
}
