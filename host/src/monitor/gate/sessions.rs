//! The sessions of the monitor: how they begin, are used, and end.
//! In come hashes of tokens and of the configured password, and moments; out goes whether a session is still there.
//! It has no clock, and never sees a token or a password.

use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a session lasts at most, 12 hours: a working day, so that one signs in once on each.
pub(super) const LIFE: Duration = Duration::from_secs(12 * 60 * 60);
/// How long a session lasts that nobody uses, 20 minutes: an open page uses it, a closed one does not leave it lying about.
const UNUSED: Duration = Duration::from_secs(20 * 60);
/// Sessions at one time, 64: more than a host has operators. One more ends the one that was longest unused.
const MOST: usize = 64;

/// A SHA-256 hash.
pub(super) type Digest = [u8; 32];

/// A session that is there.
#[derive(Debug, Clone)]
pub(in crate::monitor) struct Session {
    /// Fires when the session ends, for what goes on as long as it lasts.
    pub ended: CancellationToken,
    /// Which one it is.
    pub(super) id: Digest,
}

/// What is remembered of a session.
#[derive(Debug)]
struct Record {
    began: Instant,
    used: Instant,
    /// The hash of the configured password with which it began.
    password: Digest,
    ended: CancellationToken,
}

impl Record {
    fn is_over(&self, password: &Digest, now: Instant) -> bool {
        let since = |moment: Instant| now.saturating_duration_since(moment);
        since(self.began) >= LIFE || since(self.used) >= UNUSED || self.password != *password
    }
}

/// The sessions of one host, each under the hash of its token. Whoever could read these could not show a token, and how long
/// a look-up takes tells nothing about one.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    known: HashMap<Digest, Record>,
}

impl Sessions {
    /// A session begins.
    pub(super) fn begin(&mut self, id: Digest, password: Digest, now: Instant) {
        self.end_those_over(&password, now);
        if self.known.len() >= MOST {
            let unused = self.known.iter().min_by_key(|(_, record)| record.used).map(|(id, _)| *id);
            unused.map(|id| self.end(&id));
        }
        let ended = CancellationToken::new();
        self.known.insert(id, Record { began: now, used: now, password, ended });
    }

    /// The session, which is used now; none: it is not there, or not any more.
    pub(super) fn check(&mut self, id: &Digest, password: &Digest, now: Instant) -> Option<Session> {
        self.end_those_over(password, now);
        let record = self.known.get_mut(id)?;
        record.used = now;
        Some(Session { ended: record.ended.clone(), id: *id })
    }

    /// Ends a session; false: it was not there.
    pub(super) fn end(&mut self, id: &Digest) -> bool {
        let ended = self.known.remove(id);
        if let Some(record) = &ended {
            record.ended.cancel();
        }
        ended.is_some()
    }

    /// Ends those whose time is over, and those of another password.
    fn end_those_over(&mut self, password: &Digest, now: Instant) {
        self.known.retain(|_, record| {
            let is_over = record.is_over(password, now);
            if is_over {
                record.ended.cancel();
            }
            !is_over
        });
    }
}

/// The hash of a text.
pub(super) fn digest(text: &str) -> Digest {
    let mut hash = Digest::default();
    hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod sessions_tests;
