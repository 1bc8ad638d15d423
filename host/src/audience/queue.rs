//! A bounded queue whose items have a weight.
//! In come items with their bytes; out go those that fit, in their order, and whether one did not.
//! It never waits, and holds no more items and no more bytes than it was made for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// Where items are put.
pub(super) struct Queue<T> {
    sender: mpsc::Sender<Weighed<T>>,
    /// Bytes that wait.
    waiting: Arc<AtomicUsize>,
    most: usize,
}

/// An item that waited; its bytes count until it is dropped.
pub struct Weighed<T> {
    /// The item.
    pub item: T,
    waiting: Arc<AtomicUsize>,
    bytes: usize,
}

impl<T> Queue<T> {
    /// A queue for so many items and so many bytes, and its other end.
    pub(super) fn new(items: usize, bytes: usize) -> (Self, mpsc::Receiver<Weighed<T>>) {
        let (sender, receiver) = mpsc::channel(items);
        (Self { sender, waiting: Arc::default(), most: bytes }, receiver)
    }

    /// Whether there was room for this item. An empty queue has room for one of any weight.
    pub(super) fn put(&self, item: T, bytes: usize) -> bool {
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let weighed = Weighed { item, waiting: Arc::clone(&self.waiting), bytes };
        (before == 0 || before.saturating_add(bytes) <= self.most) && self.sender.try_send(weighed).is_ok()
    }
}

impl<T> Drop for Weighed<T> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_bytes_are_bounded() {
        let (queue, mut other_end) = Queue::new(3, 100);
        assert!(queue.put(1, 1000), "one always fits");
        assert!(!queue.put(2, 1));
        assert_eq!(other_end.try_recv().map(|weighed| weighed.item).ok(), Some(1));
        assert!(queue.put(3, 60));
        assert!(!queue.put(4, 60));
        assert!(queue.put(5, 40));
        assert!(queue.put(6, 0));
        assert!(!queue.put(7, 0), "three at most");
        let items: Vec<i32> = std::iter::from_fn(|| other_end.try_recv().ok()).map(|weighed| weighed.item).collect();
        assert_eq!(items, [3, 5, 6]);
    }
}
