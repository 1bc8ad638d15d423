//! Whether a password is the configured one, which may be written as it is or as its Argon2 hash.
//! In come both, out goes whether they fit; hashes are computed one at a time, on a thread of their own.
//! It never tells by the time that it takes how much of a password was right.

use crate::configuration::{PASSWORD_BYTES, Secret, is_password_hash};
use argon2::{Argon2, PasswordHash, PasswordVerifier as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Hashes computed at one time, 1: each needs a core and the memory that its hash asks for, and the host has other work.
const AT_ONCE: usize = 1;
/// How long a password waits for its turn, 10 seconds: some hundred others with the parameters of `qewd hash-password`.
const TURN: Duration = Duration::from_secs(10);
/// What a look at a password gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// It is the configured one.
    Right,
    /// It is another one.
    Wrong,
    /// So many are tried that its turn did not come.
    Busy,
}

/// Looks at passwords.
pub(super) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// Looks at one.
    pub(super) async fn look(&self, password: &str, configured: &Secret) -> Looked {
        if password.len() > PASSWORD_BYTES {
            return Looked::Wrong;
        }
        if !is_password_hash(configured.expose()) {
            return if is_same(password, configured.expose()) { Looked::Right } else { Looked::Wrong };
        }
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Looked::Busy };
        let (password, configured) = (password.to_owned(), configured.clone());
        let fits = tokio::task::spawn_blocking(move || {
            let fits = fits(&password, configured.expose());
            // Given back when the work is done, also if nobody waits for it any more.
            drop(turn);
            fits
        });
        if fits.await.unwrap_or(false) { Looked::Right } else { Looked::Wrong }
    }
}

/// Compares hashes, which say nothing about the texts, and in a time that does not depend on them.
fn is_same(password: &str, configured: &str) -> bool {
    let (one, other) = (super::digest(password), super::digest(configured));
    aws_lc_rs::constant_time::verify_slices_are_equal(&one, &other).is_ok()
}

/// Whether the password has this hash. Its parameters were found bearable when the configuration was read.
fn fits(password: &str, hash: &str) -> bool {
    let hash = PasswordHash::new(hash);
    hash.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
#[path = "password_tests.rs"]
mod password_tests;
