//! Kept WebSockets between hosts.
//! In comes a request for a service, out goes its answer or a failure.
//! It never routes, and what happens on a link is decided by state machines that know neither socket nor clock; the
//! listener drives the answering one.

mod frame;
mod pulse;
mod caller;
mod callee;
mod traffic;
mod socket;
mod connect;
mod handle;
mod dial;

#[cfg(test)]
mod tests;

pub(crate) use callee::{Callee, Event as CalleeEvent};
#[expect(unused_imports, reason = "names what CalleeEvent::Ended holds")]
pub(crate) use caller::Reason;
pub use dial::{Dialer, OnWelcome};
pub(crate) use frame::WINDOW;
pub use frame::{Greeting, Welcome};
pub use handle::{Link, LinkState};
pub(crate) use socket::{Socket, websocket_config};
pub(crate) use traffic::Counted;

use crate::configuration::Address;
use crate::failure::Failure;
use crate::names::ServiceName;
use crate::request::Request;
use crate::response::Response;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The path at which every host accepts links.
pub const PATH: &str = "/qewd/link";
/// The WebSocket subprotocol, with the version of the frames.
pub const SUBPROTOCOL: &str = "qewd-link.2";

/// The links that this host opens, by the service at their other end.
#[derive(Default)]
pub struct Links {
    links: BTreeMap<ServiceName, Arc<Link>>,
}

impl Links {
    /// Starts one link to each service; each connects by itself, now or whenever its service comes.
    pub fn open(dialer: &Dialer, services: impl IntoIterator<Item = (ServiceName, Address)>) -> Self {
        Self::default().renew(dialer, services)
    }

    /// The links to these services: those that lead there already are kept, the others are started.
    #[must_use]
    pub fn renew(&self, dialer: &Dialer, services: impl IntoIterator<Item = (ServiceName, Address)>) -> Self {
        let kept = |name: &ServiceName, address: &Address| {
            self.links.get(name).filter(|link| link.address() == address).map(Arc::clone)
        };
        let services: Vec<(ServiceName, Address)> = services.into_iter().collect();
        for (name, address) in services.iter().filter(|(name, address)| kept(name, address).is_none()) {
            tracing::info!("Adding MicroService Client connection: url = {}; application = {name}", address.url());
        }
        let link = |name: ServiceName, address: Address| {
            kept(&name, &address).unwrap_or_else(|| Arc::new(dialer.open(name, address)))
        };
        Self { links: services.into_iter().map(|(name, address)| (name.clone(), link(name, address))).collect() }
    }

    /// Waits until every link that takes the place of one that is ready is ready itself, but not for longer than this.
    pub async fn settle(&self, before: &Self, longest: Duration) {
        let was_ready =
            |name: &ServiceName| before.links.get(name).is_some_and(|link| matches!(link.state(), LinkState::Ready(_)));
        let ready = async {
            for (_, link) in self.links.iter().filter(|(name, _)| was_ready(name)) {
                link.ready().await;
            }
        };
        // A service that does not come in this time is answered for as one that is down.
        let _ = timeout(longest, ready).await;
    }

    /// Whether a service can be asked now.
    ///
    /// # Errors
    /// 503 when the link is down, or there is none.
    pub fn check(&self, service: &ServiceName) -> Result<(), Failure> {
        self.link(service)?.check()
    }

    /// Sends a request to a service and waits for its answer until the request's deadline.
    ///
    /// # Errors
    /// 503 when the link is down or lost while waiting, 504 when the deadline passes.
    pub async fn ask(&self, service: &ServiceName, request: Request) -> Result<Response, Failure> {
        self.link(service)?.ask(request).await
    }

    /// Says goodbye to every service for good, and waits until that is done, which takes a moment at most.
    pub async fn close(&self) {
        futures_util::future::join_all(self.links.values().map(|link| link.close())).await;
    }

    fn link(&self, service: &ServiceName) -> Result<&Arc<Link>, Failure> {
        self.links.get(service).ok_or_else(|| {
            Failure::connection_down(format!(
                "this host has no link to {service}; add it to this host's connections in config.json"
            ))
        })
    }

    /// Every link with its service.
    pub fn iter(&self) -> impl Iterator<Item = (&ServiceName, &Arc<Link>)> {
        self.links.iter()
    }
}
