//! Tokens that were found good, so that the same one is not checked again with each request.
//! In come tokens with their sessions; out goes the session of a token that comes again.
//! It never says that a token is good still: its times are the caller's to look at.

use crate::session::{Session, Shown};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Bytes of tokens and sessions that are kept, 8 MiB: some five thousand callers.
const KEPT_BYTES: u64 = 8 << 20;
/// How many entries the cache expects, by which it lays itself out: each takes about 1.6 KB.
const EXPECTED: usize = 5000;
/// What an entry takes beside its texts, in bytes: both maps of a session and the cache's own.
const ENTRY_BYTES: usize = 600;

/// A token that was verified, or written here.
pub(super) struct Known {
    pub(super) session: Session,
    shown: OnceLock<Shown>,
    renewed: Mutex<Option<Renewed>>,
}

/// The token that takes the place of a known one, as long as its times are the same.
#[derive(Clone)]
struct Renewed {
    second: u64,
    is_client: bool,
    token: Arc<str>,
}

impl Known {
    pub(super) fn new(session: Session) -> Self {
        Self { session, shown: OnceLock::new(), renewed: Mutex::default() }
    }

    /// The session as handlers get it.
    pub(super) fn shown(&self) -> &Shown {
        self.shown.get_or_init(|| Shown::of(&self.session))
    }

    /// What it was renewed to in this second.
    pub(super) fn renewed(&self, second: u64, is_client: bool) -> Option<Arc<str>> {
        let renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        renewed
            .as_ref()
            .filter(|last| last.second == second && last.is_client == is_client)
            .map(|last| Arc::clone(&last.token))
    }

    pub(super) fn renew(&self, second: u64, is_client: bool, token: &Arc<str>) {
        let renewed = Renewed { second, is_client, token: Arc::clone(token) };
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(renewed);
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Arc<str>, Arc<Known>> for Bytes {
    fn weight(&self, token: &Arc<str>, _: &Arc<Known>) -> u64 {
        // The claims are in the token; they are kept as a map, and as the text that handlers get.
        u64::try_from(token.len().saturating_mul(3).saturating_add(ENTRY_BYTES)).unwrap_or(u64::MAX)
    }
}

/// The known tokens of one host.
pub(super) struct Tokens(Cache<Arc<str>, Arc<Known>, Bytes>);

impl Default for Tokens {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED, KEPT_BYTES, Bytes))
    }
}

impl Tokens {
    pub(super) fn get(&self, token: &str) -> Option<Arc<Known>> {
        self.0.get(token)
    }

    pub(super) fn keep(&self, token: Arc<str>, session: Session) -> Arc<Known> {
        let known = Arc::new(Known::new(session));
        self.0.insert(token, Arc::clone(&known));
        known
    }
}
