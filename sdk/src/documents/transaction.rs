//! Several calls in one step: all of them or none, as if nobody else were there.
//! In comes a function, out goes what it returned when its changes were written; where others were faster it runs again.
//! It never lets a change through that belongs to an attempt which others overtook.

use crate::Failure;
use crate::bindings::qewd::handler::documents::Trouble;
use crate::imports::documents as host;
use std::cell::Cell;

/// How often a function runs before others count as too fast for it.
const ATTEMPTS: usize = 50;

/// Where this request is. A module answers one request at a time, and natively each thread is a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Each call is a step of its own.
    Alone,
    /// In a transaction.
    Running,
    /// In a transaction that others overtook. It is over for the host, so no further call may reach it.
    Overtaken,
}

thread_local! {
    static PHASE: Cell<Phase> = const { Cell::new(Phase::Alone) };
}

/// Runs a function whose reads and changes are one step, in all documents. Everything that it reads is as it was at one moment,
/// with its own changes. If it returns `Ok`, all changes are written; if `Err`, none.
///
/// If somebody else has changed meanwhile what it read, nothing is written and **it runs again**, so it should do nothing else
/// that cannot be done twice, such as sending messages. A transaction cannot begin within another one.
///
/// ```
/// use qewd_sdk::{Failure, documents};
///
/// fn transfer(from: &str, to: &str, amount: i64) -> Result<(), Failure> {
///     let accounts = documents::open("accounts");
///     documents::transaction(|| {
///         if accounts.at(from).increment(-amount)? < 0 {
///             return Err(Failure::new("There is not enough in this account"));
///         }
///         accounts.at(to).increment(amount)?;
///         Ok(())
///     })
/// }
/// ```
///
/// # Errors
/// What the function returns; status 503 if others were faster 50 times, or if the store cannot write now; status 500 within
/// another transaction.
pub fn transaction<T>(mut work: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    if PHASE.get() != Phase::Alone {
        let words = "a transaction cannot begin within another one; do all of it in one";
        return Err(Failure::new(words).status(500));
    }
    for _ in 0..ATTEMPTS {
        if let Some(done) = attempt(&mut work)? {
            return Ok(done);
        }
    }
    Err(overtaken())
}

/// Runs the function once. None: others were faster.
fn attempt<T>(work: &mut impl FnMut() -> Result<T, Failure>) -> Result<Option<T>, Failure> {
    let running = Running::begin()?;
    let done = work();
    // What it made of the failure does not matter: what it saw is not so any more.
    if PHASE.get() == Phase::Overtaken {
        return Ok(None);
    }
    let done = done?;
    Ok(running.commit()?.then_some(done))
}

/// A transaction that is open. It is rolled back where it is dropped.
struct Running;

impl Running {
    fn begin() -> Result<Self, Failure> {
        host::begin().map_err(failure)?;
        PHASE.set(Phase::Running);
        Ok(Self)
    }

    /// False: others were faster.
    fn commit(self) -> Result<bool, Failure> {
        // However it ends, the host forgets it, so there is nothing to roll back.
        std::mem::forget(self);
        PHASE.set(Phase::Alone);
        match host::commit() {
            Ok(()) => Ok(true),
            Err(Trouble::Conflict) => Ok(false),
            Err(trouble) => Err(failure(trouble)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        PHASE.set(Phase::Alone);
        // The host may have ended it already; then there is nothing to do.
        let _ = host::roll_back();
    }
}

/// Every call to the host's store goes through here, but those that begin and end something.
pub(super) fn ask<T>(call: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Failure> {
    if PHASE.get() == Phase::Overtaken {
        return Err(overtaken());
    }
    call().map_err(|trouble| {
        if matches!(trouble, Trouble::Conflict) && PHASE.get() == Phase::Running {
            PHASE.set(Phase::Overtaken);
        }
        failure(trouble)
    })
}

fn failure(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Conflict => overtaken(),
        // Most often it is the caller's data that cannot be stored: too long, too deep, an empty name.
        Trouble::Refused(words) => Failure::new(words),
        Trouble::Unavailable((status, words)) => Failure::new(words).status(status),
    }
}

fn overtaken() -> Failure {
    Failure::new("Others are changing the same documents; try again").status(503)
}

/// Does something as another request, which is in no transaction.
#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
pub(crate) fn apart<T>(work: impl FnOnce() -> T) -> T {
    let phase = PHASE.replace(Phase::Alone);
    let done = work();
    PHASE.set(phase);
    done
}
