//! Who may use the monitor: passwords are looked at, slowly where many were wrong, and sessions begin, go on and end.
//! In come a caller's address and a password, or a session's token; out goes a session, or why there is none.
//! It never logs a password or a token, and keeps neither.

mod attempts;
mod password;
mod sessions;

pub(super) use sessions::Session;

use crate::configuration::Secret;
use crate::failure::Failure;
use attempts::{Attempts, Begun};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use password::{Looked, Passwords};
use sessions::{Digest, LIFE, Sessions, digest};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

/// When to come again if passwords are asked faster than they can be looked at, 5 seconds: half of what one waits for its turn.
const BUSY: Duration = Duration::from_secs(5);

/// A session that has begun.
#[derive(Clone)]
pub(super) struct NewSession {
    /// What its owner shows from now on. Nobody else has it: the host keeps only its hash.
    pub token: String,
    /// When it ends at the latest.
    pub ends: SystemTime,
}

/// Why no session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The password is wrong.
    Wrong,
    /// The password was not even looked at.
    Slow {
        /// Seconds until the next attempt has a chance, at least 1.
        retry_after: u64,
    },
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            // The words that QEWD's monitor has.
            Refusal::Wrong => Self::caller(401, "Invalid login attempt"),
            Refusal::Slow { retry_after } => {
                let words = format!("Too many attempts; try again in {retry_after} s");
                Self::caller(429, words).with_header("retry-after", retry_after.to_string())
            }
        }
    }
}

/// Who may use the monitor of this host.
#[derive(Default)]
pub(super) struct Gate {
    attempts: Mutex<Attempts>,
    sessions: Mutex<Sessions>,
    passwords: Passwords,
}

impl Gate {
    /// Begins a session for who knows the password. The answer takes the longer, the more attempts from there have failed.
    ///
    /// # Errors
    /// [`Refusal`]
    pub(super) async fn sign_in(&self, address: IpAddr, password: &str, configured: &Secret) -> Result<NewSession, Refusal> {
        // Counted before anything is waited for, so that many at once do not slip through.
        let wait = match self.attempts().begin(address, Instant::now()) {
            Begun::Looked { after } => after,
            Begun::Refused { left, is_first } => {
                if is_first {
                    tracing::warn!("monitor: no attempt from {address} is looked at for {} s", seconds(left));
                }
                return Err(Refusal::Slow { retry_after: seconds(left) });
            }
        };
        if !wait.is_zero() {
            sleep(wait).await;
        }
        match self.passwords.look(password, configured).await {
            Looked::Right => {
                self.attempts().succeeded(address);
                Ok(self.begin(address, configured))
            }
            Looked::Wrong => {
                self.tell_of_failure(address);
                Err(Refusal::Wrong)
            }
            Looked::Busy => {
                self.attempts().not_looked_at(address);
                tracing::warn!("monitor: passwords are tried faster than they can be looked at, now from {address}");
                Err(Refusal::Slow { retry_after: seconds(BUSY) })
            }
        }
    }

    /// The session of a token, which counts as used now; none: there is no such session, or it has ended.
    #[must_use]
    pub(super) fn check(&self, token: &str, configured: &Secret) -> Option<Session> {
        self.sessions().check(&digest(token), &of(configured), Instant::now())
    }

    /// Uses a session that was checked before, as an open stream does twice in a minute or so; false: it has ended. Only this, and what
    /// comes from others, notices that a session's time is over: who never calls it is never told.
    #[must_use]
    pub(super) fn touch(&self, session: &Session, configured: &Secret) -> bool {
        self.sessions().check(&session.id, &of(configured), Instant::now()).is_some()
    }

    /// Ends a session.
    pub(super) fn sign_out(&self, session: &Session, address: IpAddr) {
        if self.sessions().end(&session.id) {
            tracing::info!("monitor: signed out from {address}");
        }
    }

    fn begin(&self, address: IpAddr, configured: &Secret) -> NewSession {
        let token = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        self.sessions().begin(digest(&token), of(configured), Instant::now());
        tracing::info!("monitor: signed in from {address}");
        NewSession { token, ends: SystemTime::now() + LIFE }
    }

    fn tell_of_failure(&self, address: IpAddr) {
        let (failures, left) = self.attempts().failures(address, Instant::now());
        let next = match seconds(left) {
            _ if left.is_zero() => "the next attempt from there waits longer".to_owned(),
            left => format!("attempts from there are refused for {left} s"),
        };
        tracing::warn!("monitor: a wrong password from {address}; {next} (failed attempts: {failures})");
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells one configured password from another.
fn of(configured: &Secret) -> Digest {
    digest(configured.expose())
}

/// Whole seconds, rounded up, for `Retry-After`.
fn seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod gate_tests;
