//! What each module of a host has counted, whichever version of it served.
//! In come the names of modules; out go their numbers, and one sum for all whose names are forgotten.
//! A name that no file has any more is forgotten when it was not used for a while: whoever names modules by dates must not make these lists grow for ever.

use super::{Counted, Named, Tally};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// For how long a module without a file keeps its name, an hour: its last numbers have been read by then.
const KEPT: Duration = Duration::from_secs(3600);

/// The numbers of all modules that this host ever had.
#[derive(Default)]
pub struct Modules {
    named: Named<Tally>,
    past: Mutex<Past>,
}

#[derive(Default)]
struct Past {
    /// Modules without a file, their requests until now, and since when there were no more.
    fading: BTreeMap<Arc<str>, (u64, Instant)>,
    /// What those had counted whose names are forgotten.
    forgotten: Option<Counted>,
}

impl Modules {
    /// The numbers of this module.
    #[must_use]
    pub fn of(&self, name: &str) -> Arc<Tally> {
        self.named.of(name)
    }

    /// What was counted until now, by name; and of all modules that are forgotten, if there are any. Each request is in one of them.
    #[must_use]
    pub fn now(&self) -> (Vec<(Arc<str>, Counted)>, Option<Counted>) {
        let past = self.past();
        let all = self.named.all();
        (all.iter().map(|(name, tally)| (Arc::clone(name), tally.now())).collect(), past.forgotten.clone())
    }

    /// Forgets modules that have no file and were not used for an hour; to be called now and then.
    pub fn forget(&self, has_file: impl Fn(&str) -> bool, now: Instant) {
        let mut past = self.past();
        let all = self.named.all();
        past.fading.retain(|name, _| !has_file(name) && all.contains_key(name));
        for (name, tally) in all.iter().filter(|(name, _)| !has_file(name)) {
            let counted = tally.now();
            let (requests, since) = past.fading.entry(Arc::clone(name)).or_insert((counted.requests(), now));
            if *requests != counted.requests() {
                (*requests, *since) = (counted.requests(), now);
            } else if now.saturating_duration_since(*since) >= KEPT {
                past.fading.remove(name);
                self.named.forget(name);
                past.forgotten = Some(past.forgotten.take().map_or(counted.clone(), |before| before.and(&counted)));
            }
        }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        // Nothing below the lock can leave it half changed.
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_file_are_forgotten_and_their_numbers_are_not() {
        let (modules, start) = (Modules::default(), Instant::now());
        let count = |name: &str| modules.of(name).count(Some(200), Duration::from_millis(1));
        let names = || modules.now().0.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
        let all = || {
            let (named, forgotten) = modules.now();
            let sum: u64 = named.iter().map(|(_, counted)| counted.requests()).sum();
            (sum + forgotten.as_ref().map_or(0, Counted::requests), forgotten.is_some())
        };
        ["kept", "old", "older", "used"].into_iter().for_each(count);
        let is_kept = |name: &str| name == "kept";
        modules.forget(is_kept, start);
        modules.forget(is_kept, start + KEPT / 2);
        count("used");
        assert_eq!((names().len(), all()), (4, (5, false)));
        modules.forget(is_kept, start + KEPT);
        assert_eq!((names(), all()), (vec!["kept".to_owned(), "used".to_owned()], (5, true)));
        // One that comes back begins anew, and one that is used is not forgotten before its hour is over.
        count("old");
        modules.forget(|name| name != "used", start + KEPT + KEPT / 2);
        assert_eq!((names().len(), all()), (3, (6, true)));
        modules.forget(|name| name != "used", start + 3 * KEPT);
        assert_eq!((names(), all()), (vec!["kept".to_owned(), "old".to_owned()], (6, true)));
    }
}
