//! How often passwords from one address were wrong, and what that means for the next attempt.
//! In come addresses and moments, out goes how long an attempt is held back, or that it is not looked at.
//! It has no clock, and knows no password.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;
use tokio::time::Instant;

/// How long the next attempt is held back for each one that failed, 500 ms: nothing to a person who mistypes, and much to a
/// program that guesses.
const SLOWING: Duration = Duration::from_millis(500);
/// Attempts that may fail before the next ones are refused, 5: a person tries the other passwords that they know.
const FREE_FAILURES: u32 = 5;
/// How long attempts are refused after [`FREE_FAILURES`], one minute; each further failure doubles it.
const FIRST_REFUSAL: Duration = Duration::from_secs(60);
/// How long attempts are refused at most, 15 minutes: some hundred guesses in a day, and an operator can wait for it.
const LONGEST_REFUSAL: Duration = Duration::from_secs(15 * 60);
/// Without an attempt for so long an address is forgotten, one hour: longer than any refusal.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Addresses that are remembered, 4096: some hundred KiB, and a scan of them takes microseconds.
const ADDRESSES: usize = 4096;
/// Failures that a newcomer has inherited at most, one less than are free: its next attempt is looked at, if slowly, so that nobody
/// is locked out by what others do.
const INHERITED: u32 = FREE_FAILURES - 1;

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// Its password is looked at after this time.
    Looked {
        /// How long it is held back.
        after: Duration,
    },
    /// Its password is not looked at, not even the right one.
    Refused {
        /// For how long.
        left: Duration,
        /// Whether it is the first one that is: the log has this one and not the thousand that may follow.
        is_first: bool,
    },
}

/// What is remembered of an address.
#[derive(Debug, Clone, Copy)]
struct Record {
    /// Attempts that failed, and those that are still looked at.
    failures: u32,
    /// When the last of them began.
    last: Instant,
    refused_until: Option<Instant>,
    /// Whether an attempt was refused since.
    has_refused: bool,
}

/// The attempts that failed.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    known: HashMap<IpAddr, Record>,
}

impl Attempts {
    /// An attempt begins. It counts as failed until it is known better.
    pub(super) fn begin(&mut self, address: IpAddr, now: Instant) -> Begun {
        let source = source(address);
        let failures = match self.known.get_mut(&source) {
            Some(record) if is_forgotten(record, now) => 0,
            Some(Record { refused_until: Some(until), has_refused, .. }) if *until > now => {
                let is_first = !std::mem::replace(has_refused, true);
                return Begun::Refused { left: *until - now, is_first };
            }
            Some(record) => record.failures,
            None => self.make_room(now),
        };
        let after = SLOWING * failures.min(FREE_FAILURES);
        let failures = failures.saturating_add(1);
        let refused_until = refusal(failures).map(|length| now + after + length);
        self.known.insert(source, Record { failures, last: now, refused_until, has_refused: false });
        Begun::Looked { after }
    }

    /// An attempt had the right password: what failed before it was its owner's mistyping.
    pub(super) fn succeeded(&mut self, address: IpAddr) {
        self.known.remove(&source(address));
    }

    /// Nobody had the time to look at an attempt, so it does not count.
    pub(super) fn not_looked_at(&mut self, address: IpAddr) {
        if let Some(record) = self.known.get_mut(&source(address)) {
            record.failures = record.failures.saturating_sub(1);
            // A refusal is in force from the attempt on that brought it, so there is no other one since.
            record.refused_until = None;
        }
    }

    /// How many attempts from there have failed, and for how long the next ones are refused.
    pub(super) fn failures(&self, address: IpAddr, now: Instant) -> (u32, Duration) {
        let record = self.known.get(&source(address));
        let left = record.and_then(|record| record.refused_until).map(|until| until.saturating_duration_since(now));
        (record.map_or(0, |record| record.failures), left.unwrap_or_default())
    }

    /// Makes room for one more address, and gives the failures that it begins with.
    ///
    /// Where all places are taken, the address with the fewest failures goes, of several the one that was longest silent, and the newcomer
    /// inherits its count. So who comes with thousands of addresses pushes out those that hardly count, and none of them is
    /// looked at sooner for having been pushed out.
    fn make_room(&mut self, now: Instant) -> u32 {
        if self.known.len() < ADDRESSES {
            return 0;
        }
        self.known.retain(|_, record| !is_forgotten(record, now));
        if self.known.len() < ADDRESSES {
            return 0;
        }
        let least = self.known.iter().min_by_key(|(_, record)| (record.failures, record.last));
        let Some((source, failures)) = least.map(|(source, record)| (*source, record.failures)) else { return 0 };
        self.known.remove(&source);
        failures.min(INHERITED)
    }
}

fn is_forgotten(record: &Record, now: Instant) -> bool {
    now.saturating_duration_since(record.last) >= MEMORY
}

/// How long attempts are refused after so many failures.
fn refusal(failures: u32) -> Option<Duration> {
    let doublings = failures.checked_sub(FREE_FAILURES)?;
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    Some(FIRST_REFUSAL.saturating_mul(factor).min(LONGEST_REFUSAL))
}

/// Whom an address stands for. Of IPv6 a single customer has at least a whole /64.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        plain @ IpAddr::V4(_) => plain,
    }
}

#[cfg(test)]
#[path = "attempts_tests.rs"]
mod attempts_tests;
