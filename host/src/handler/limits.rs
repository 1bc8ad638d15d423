//! What one instance may grow to.
//! wasmtime asks before each growth; a refusal is remembered, so that the trap that follows can be named.
//! It never measures time: that is the call's part.

use wasmtime::ResourceLimiter;

/// Elements of one table: far above what any compiler writes for indirect calls.
const TABLE_ELEMENTS: usize = 100_000;

/// Counts the memory of one instance.
pub(super) struct GrowthLimit {
    allowed: usize,
    /// What was asked for when growth was refused.
    pub(super) refused: Option<usize>,
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
            self.refused = Some(desired);
        }
        Ok(fits)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}
