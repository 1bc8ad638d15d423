//! Which passwords fit: plain ones, hashed ones, and those that are not looked at.
//! In come passwords and what config.json has, out goes what a look gave.
//! Hashes here are cheap ones.

use super::*;
use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// `correct horse`, hashed by the reference program of Argon2 with 64 KiB and one pass.
const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY3OA$3QpGImd1I7qBeXxWsfTrAbXB1VL32BwfYDx8xYmZ+Jo";

#[tokio::test]
async fn a_plain_password_fits_itself_only() {
    let passwords = Passwords::default();
    let configured = Secret::new("keepThisSecret!");
    assert_eq!(passwords.look("keepThisSecret!", &configured).await, Looked::Right);
    for wrong in ["", "keepThisSecret", "keepThisSecret!!", "KeepThisSecret!", "keepThisSecret!\n"] {
        assert_eq!(passwords.look(wrong, &configured).await, Looked::Wrong, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_hashed_password_fits_what_was_hashed() {
    let (passwords, configured) = (Passwords::default(), Secret::new(HASH));
    assert_eq!(passwords.look("correct horse", &configured).await, Looked::Right);
    for wrong in ["", "correct hors", "Correct horse", HASH] {
        assert_eq!(passwords.look(wrong, &configured).await, Looked::Wrong, "{wrong:?}");
    }
    // A configuration never has it, and if it had, nobody came in.
    assert_eq!(passwords.look("x", &Secret::new("$argon2id$nonsense")).await, Looked::Wrong);
    assert_eq!(passwords.look("$argon2id$nonsense", &Secret::new("$argon2id$nonsense")).await, Looked::Wrong);
}

#[tokio::test]
async fn a_long_password_is_not_looked_at() {
    let passwords = Passwords::default();
    let longest = "ä".repeat(PASSWORD_BYTES / 2);
    assert_eq!(passwords.look(&longest, &Secret::new(longest.clone())).await, Looked::Right);
    let longer = format!("{longest}x");
    assert_eq!(passwords.look(&longer, &Secret::new(longer.clone())).await, Looked::Wrong);
}

#[tokio::test(start_paused = true)]
async fn one_hash_is_computed_at_a_time() {
    let (passwords, configured) = (Passwords::default(), Secret::new(HASH));
    let turn = Arc::clone(&passwords.turns).acquire_owned().await.unwrap();
    {
        let mut look = pin!(passwords.look("correct horse", &configured));
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(look.as_mut().poll(&mut context), Poll::Pending));
        assert_eq!(look.await, Looked::Busy);
    }
    // Who compares plain texts needs no turn.
    assert_eq!(passwords.look("plain", &Secret::new("plain")).await, Looked::Right);
    drop(turn);
    assert_eq!(passwords.look("correct horse", &configured).await, Looked::Right);
}
