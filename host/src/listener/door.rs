//! Who knocks for a link, and what the log is told of those who are refused.
//! In come tokens and addresses; out go visitors, and one line for each address that is refused.
//! It opens nothing, and never says the same thing again and again: a host that is refused tries anew every second.

use crate::access::{LinkKey, LinkTokenRefusal, Visitor};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Addresses that are remembered at most.
const REFUSED_MOST: usize = 256;

/// What remembers hosts that were refused a link.
#[derive(Default)]
pub struct Door {
    /// Addresses whose refusal the log already has: the other host tries again every second.
    refused: Mutex<Vec<IpAddr>>,
}

impl Door {
    /// Who knocks. A refusal is logged here, once for each address until a host from there is let in.
    pub(super) fn check(
        &self,
        key: &LinkKey,
        token: &str,
        service: &str,
        address: IpAddr,
    ) -> Result<Visitor, LinkTokenRefusal> {
        let checked = key.check_knock(token, service);
        if let Err(why) = checked.as_ref() {
            self.refuse(address, &why.to_string());
        } else {
            self.refused().retain(|known| *known != address);
        }
        checked
    }

    /// Says once for each address why a host was refused.
    pub(super) fn refuse(&self, address: IpAddr, why: &str) {
        self.tell(address, &format!("refused a link from {address}: {why}"));
    }

    /// Logs this, unless something was said of this address already.
    pub(super) fn tell(&self, address: IpAddr, words: &str) {
        if self.is_news(address) {
            tracing::error!("{words}");
        }
    }

    fn is_news(&self, address: IpAddr) -> bool {
        let mut refused = self.refused();
        if refused.contains(&address) {
            return false;
        }
        if refused.len() >= REFUSED_MOST {
            refused.clear();
        }
        refused.push(address);
        true
    }

    fn refused(&self) -> MutexGuard<'_, Vec<IpAddr>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
