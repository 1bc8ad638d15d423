//! What one instance may grow to, and how large it is.
//! wasmtime asks before each growth; a refusal is remembered, so that the trap that follows can be named.
//! It never measures time: that is the call's part.

use super::CallFailure;
use crate::configuration::TABLE_ELEMENTS;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::ResourceLimiter;

/// The memory of one instance, which others may read while it runs.
#[derive(Debug, Default)]
pub struct MemoryGauge {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl MemoryGauge {
    /// Bytes now.
    #[must_use]
    pub fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    /// Bytes at most since the instance was made.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    fn set(&self, bytes: usize) {
        self.now.store(bytes, Ordering::Relaxed);
        self.peak.fetch_max(bytes, Ordering::Relaxed);
    }
}

/// Counts the memory of one instance: all its linear memories together.
pub(super) struct GrowthLimit {
    allowed: usize,
    gauge: Arc<MemoryGauge>,
    refused: Option<Refused>,
}

/// What was asked for when growth was refused.
enum Refused {
    Memory(usize),
    Table(usize),
}

impl GrowthLimit {
    pub(super) fn new(allowed: usize) -> Self {
        Self { allowed, gauge: Arc::default(), refused: None }
    }

    pub(super) fn gauge(&self) -> &Arc<MemoryGauge> {
        &self.gauge
    }

    /// What an earlier request was refused does not explain the next one's end.
    pub(super) fn begin(&mut self) {
        self.refused = None;
    }

    /// The refusal since the beginning of the request, as the reason why it ended.
    pub(super) fn failure(&self) -> Option<CallFailure> {
        Some(match *self.refused.as_ref()? {
            Refused::Memory(wanted) => CallFailure::Memory { wanted, allowed: self.allowed },
            Refused::Table(wanted) => CallFailure::Table { wanted, allowed: TABLE_ELEMENTS },
        })
    }
}

impl ResourceLimiter for GrowthLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.gauge.now().saturating_sub(current).saturating_add(desired);
        let fits = total <= self.allowed;
        if fits {
            self.gauge.set(total);
        } else {
            self.refused = Some(Refused::Memory(total));
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
