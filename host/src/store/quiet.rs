//! Panics in a library that the host must survive: they become failures, and say nothing by themselves.
//! In comes work and the beginnings of the names of the library's own threads; out goes what the work gave, or that it panicked.
//! It changes nothing for any other panic.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// Whether this thread is within the library.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}
/// A thread of the library's own has died, and with it what it had to do.
static DIED: AtomicBool = AtomicBool::new(false);

/// From now on what Rust would print of such a panic goes to the log, for who looks for it. `threads`: how the names of the
/// library's own threads begin, which is all that tells whose they are.
pub(super) fn keep_quiet(threads: &'static [&'static str]) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            let own = thread.name().is_some_and(|name| threads.iter().any(|prefix| name.starts_with(prefix)));
            if own {
                DIED.store(true, Ordering::Release);
            }
            if own || WITHIN.get() {
                tracing::debug!("the engine of the documents: {panic}");
            } else {
                others(panic);
            }
        }));
    });
}

/// Whether a thread of the library's own has died.
pub(super) fn has_died() -> bool {
    DIED.load(Ordering::Acquire)
}

/// Calls the library; none: it panicked.
pub(super) fn within<T>(work: impl FnOnce() -> T) -> Option<T> {
    let outer = WITHIN.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    WITHIN.set(outer);
    done.ok()
}
