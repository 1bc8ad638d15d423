//! What one instance may grow to.
//! wasmtime asks before each growth; a refusal is remembered, so that the trap that follows can be named.
//! It never measures time: that is the call's part.

use wasmtime::ResourceLimiter;

/// Elements of one table: far above what any compiler writes for indirect calls.
pub(super) const TABLE_ELEMENTS: usize = 100_000;

/// Counts what one instance grows to.
pub(super) struct GrowthLimit {
    allowed: usize,
    /// The last growth that was refused.
    pub(super) refused: Option<Refused>,
}

/// What was asked for in all when growth was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Bytes of memory.
    Memory(usize),
    /// Elements of a table.
    Table(usize),
}

impl GrowthLimit {
    pub(super) fn new(allowed: usize) -> Self {
        Self { allowed, refused: None }
    }

    pub(super) fn allowed(&self) -> usize {
        self.allowed
    }
}

impl ResourceLimiter for GrowthLimit {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= self.allowed;
        if !fits {
            self.refused = Some(Refused::Memory(desired));
        }
        Ok(fits)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= TABLE_ELEMENTS;
        if !fits {
            self.refused = Some(Refused::Table(desired));
        }
        Ok(fits)
    }
}
