//! What the disk of the documents said last.
//! In come its answers, one each second; out go the newest one, and whether it still answers.
//! Whoever wants to know never waits for the disk: a broken one may let everybody wait for ever.

use super::report::StoreState;
use crate::store::{Documents, Measured};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How often the disk is asked, 1 s: as often as orchestrators of containers ask for health.
const LOOK: Duration = Duration::from_secs(1);
/// How long an answer may take, 5 s: a disk that is only busy answers in milliseconds.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// What is known of the disk.
pub struct Disk {
    measured: Mutex<Option<Measured>>,
    is_silent: AtomicBool,
}

impl Disk {
    /// The disk of documents that were opened just now.
    pub(super) fn of(documents: &Documents) -> Self {
        Self { measured: Mutex::new(documents.measure()), is_silent: AtomicBool::new(false) }
    }

    /// What it said last; nothing: there is none, or the system does not tell.
    #[must_use]
    pub fn measured(&self) -> Option<Measured> {
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks it again and again. A question that has no answer yet is not asked a second time.
    pub(super) async fn keep_looking(&self, documents: &Arc<Documents>) {
        while documents.are_on_disk() {
            sleep(LOOK).await;
            let asked = Arc::clone(documents);
            let mut asking = tokio::task::spawn_blocking(move || asked.measure());
            let answer = match timeout(ANSWER_TIME, &mut asking).await {
                Ok(answer) => answer,
                Err(_) => {
                    self.is_silent.store(true, Ordering::Relaxed);
                    asking.await
                }
            };
            self.is_silent.store(false, Ordering::Relaxed);
            // What the system does not tell any more stays as it was.
            if let Ok(Some(measured)) = answer {
                *self.measured.lock().unwrap_or_else(PoisonError::into_inner) = Some(measured);
            }
        }
    }

    pub(super) fn state(&self) -> StoreState {
        if self.is_silent.load(Ordering::Relaxed) {
            return StoreState::Silent;
        }
        match self.measured() {
            Some(measured) if !measured.has_room => StoreState::Full,
            _ => StoreState::Open,
        }
    }
}
