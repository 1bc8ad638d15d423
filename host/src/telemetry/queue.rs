//! How many spans wait for the collector, and how many it will never get.
//! In come spans on their way into the library's queue, and the batches that leave it; out go counts, and a line in the log now and then.
//! It keeps the bound of the queue itself: the library, which keeps it as well, drops spans without a word.

use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as Exports};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often the log tells of spans that found no room, once in a minute.
const PAUSE: Duration = Duration::from_secs(60);

/// The bound of the queue, and what is counted at it.
#[derive(Debug)]
pub(super) struct Queue {
    most: usize,
    waiting: AtomicUsize,
    without_room: AtomicU64,
    not_taken: AtomicU64,
    told: Mutex<Told>,
}

/// What the log knows of spans that found no room.
#[derive(Debug, Default)]
struct Told {
    count: u64,
    last: Option<Instant>,
}

/// Spans that the collector never gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// The queue was full.
    pub without_room: u64,
    /// The collector was away, or refused them.
    pub not_taken: u64,
}

impl Queue {
    pub(super) fn new(most: usize) -> Self {
        let (without_room, not_taken, told) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::default());
        Self { most, waiting: AtomicUsize::new(0), without_room, not_taken, told }
    }

    /// Whether one more span may go into the library's queue; else it is counted as dropped.
    pub(super) fn takes_one(&self) -> bool {
        let has_room = self.waiting.fetch_add(1, Ordering::Relaxed) < self.most;
        if !has_room {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.without_room.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    pub(super) fn dropped(&self) -> Dropped {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Dropped { without_room: read(&self.without_room), not_taken: read(&self.not_taken) }
    }

    /// Spans that were dropped and are to be told now, if there are any.
    fn untold(&self, now: Instant) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let new = self.dropped().without_room - told.count;
        let is_due = told.last.is_none_or(|last| now.saturating_duration_since(last) >= PAUSE);
        (new > 0 && is_due).then(|| {
            (told.count, told.last) = (told.count + new, Some(now));
            new
        })
    }
}

/// Where batches leave the library's queue, on its own thread.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) exporter: SpanExporter,
    pub(super) queue: Arc<Queue>,
}

impl Exports for Outlet {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.queue.waiting.fetch_sub(count, Ordering::Relaxed);
        let exported = self.exporter.export(batch).await;
        if exported.is_err() {
            // The log has its own line of a collector that is away.
            self.queue.not_taken.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        } else if let Some(new) = self.queue.untold(Instant::now()) {
            tracing::warn!(
                "{new} spans had no room in the queue of {} and were dropped, though the collector takes spans; raise \
                 OTEL_BSP_MAX_QUEUE_SIZE or OTEL_BSP_MAX_EXPORT_BATCH_SIZE, or keep fewer traces with OTEL_TRACES_SAMPLER",
                self.queue.most
            );
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_counted_and_told_once_a_minute() {
        let (queue, now) = (Queue::new(2), Instant::now());
        assert_eq!(queue.untold(now), None);
        assert_eq!([(); 5].map(|()| queue.takes_one()), [true, true, false, false, false]);
        assert_eq!((queue.untold(now), queue.untold(now)), (Some(3), None));
        queue.waiting.fetch_sub(2, Ordering::Relaxed);
        assert_eq!([(); 3].map(|()| queue.takes_one()), [true, true, false]);
        assert_eq!(queue.untold(now + PAUSE / 2), None);
        assert_eq!(queue.untold(now + PAUSE), Some(1));
        assert_eq!(queue.dropped(), Dropped { without_room: 4, not_taken: 0 });
    }
}
