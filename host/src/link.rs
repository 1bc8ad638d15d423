//! Kept WebSockets between hosts.
//! In comes a request for a service, out goes its answer or a failure.
//! It never routes, and what happens on a link is decided by state machines that know neither socket nor clock; the
//! listener drives the answering one.

mod frame;
mod pulse;
mod trip;
mod caller;
mod callee;
mod traffic;
mod socket;
mod connect;
mod facts;
mod handle;
mod waits;
mod conversation;
mod dial;
mod target;
mod unanswered;
mod rest;
mod choice;
mod budget;
mod instances;
mod follow;

#[cfg(test)]
mod tests;

pub(crate) use callee::{Callee, Event as CalleeEvent};
#[expect(unused_imports, reason = "names what CalleeEvent::Ended holds")]
pub(crate) use caller::Reason;
pub(crate) use dial::wake_by;
pub use dial::{Dialer, OnWelcome};
pub use facts::{LinkFacts, LinkState};
pub(crate) use frame::WINDOW;
pub use frame::{Greeting, Welcome};
pub use handle::Link;
pub use instances::{Instance, Instances};
pub(crate) use socket::{AT_ONCE, Socket, Wire, websocket_config};
pub use target::Target;
pub(crate) use traffic::{Counted, Traffic};

use crate::configuration::Address;
use crate::failure::{Failure, NotRun};
use crate::names::ServiceName;
use crate::request::Request;
use crate::response::Response;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The path at which every host accepts links.
pub const PATH: &str = "/qewd/link";
/// The WebSocket subprotocol, with the version of the frames.
pub const SUBPROTOCOL: &str = "qewd-link.3";

/// The links that this host opens, by the service at their other end.
#[derive(Default)]
pub struct Links {
    services: BTreeMap<ServiceName, Arc<Instances>>,
}

impl Links {
    /// Starts one link to each address of each service; each connects by itself, now or whenever its service comes.
    pub fn open(dialer: &Dialer, services: impl IntoIterator<Item = (ServiceName, Vec<Address>)>) -> Self {
        Self::default().renew(dialer, services)
    }

    /// The links to these services: those that lead there already are kept, the others are started.
    #[must_use]
    pub fn renew(&self, dialer: &Dialer, services: impl IntoIterator<Item = (ServiceName, Vec<Address>)>) -> Self {
        let before = |name: &ServiceName| self.services.get(name).map(AsRef::as_ref);
        let kept = |name: &ServiceName, addresses: &[Address]| {
            self.services.get(name).filter(|before| before.addresses() == addresses).map(Arc::clone)
        };
        let services: Vec<(ServiceName, Vec<Address>)> = services.into_iter().collect();
        for (name, addresses) in services.iter().filter(|(name, addresses)| kept(name, addresses).is_none()) {
            Instances::announce(name, addresses, before(name));
        }
        let instances = |(name, addresses): (ServiceName, Vec<Address>)| {
            if let Some(kept) = kept(&name, &addresses) {
                return (name, kept);
            }
            let instances = Instances::open(dialer, name.clone(), addresses, before(&name));
            let instances = Arc::new(instances);
            follow::follow(&instances, dialer);
            (name, instances)
        };
        Self { services: services.into_iter().map(instances).collect() }
    }

    /// Waits until every service that takes the place of one that is ready is ready itself, but not for longer than this.
    pub async fn settle(&self, before: &Self, longest: Duration) {
        let was_ready = |name: &ServiceName| before.services.get(name).is_some_and(|instances| instances.is_ready());
        let ready = async {
            for (_, instances) in self.services.iter().filter(|(name, _)| was_ready(name)) {
                instances.ready().await;
            }
        };
        // A service that does not come in this time is answered for as one that is down.
        let _ = timeout(longest, ready).await;
    }

    /// Says that these links take the place of `before`: whoever waits there for a service is to look here.
    pub fn replace(&self, before: &Self) {
        for (name, instances) in &before.services {
            if !self.services.get(name).is_some_and(|kept| Arc::ptr_eq(kept, instances)) {
                instances.replaced.cancel();
            }
        }
    }

    /// Whether other links lead to a service by now.
    #[must_use]
    pub fn is_replaced(&self, service: &ServiceName) -> bool {
        self.instances(service).is_ok_and(|instances| instances.replaced.is_cancelled())
    }

    /// Whether a service can be asked at this moment.
    #[must_use]
    pub fn is_ready(&self, service: &ServiceName) -> bool {
        self.instances(service).is_ok_and(|instances| instances.is_ready())
    }

    /// Whether a service can be asked; one that is about to be back is waited for, until the deadline.
    ///
    /// # Errors
    /// 503 when its links are down, or there is none.
    pub async fn check(&self, service: &ServiceName, deadline: Instant) -> Result<(), Failure> {
        self.instances(service)?.check(deadline).await
    }

    /// Sends a request to a service and waits for its answer until the request's deadline.
    ///
    /// # Errors
    /// 503 when its links are down, or one is lost while waiting and no other instance may be asked; 504 when the
    /// deadline passes.
    pub async fn ask(&self, service: &ServiceName, request: Arc<Request>) -> Result<Response, Failure> {
        self.instances(service)?.ask(&request).await
    }

    /// Says goodbye to every service for good, and waits until that is done, which takes a moment at most.
    pub async fn close(&self) {
        futures_util::future::join_all(self.services.values().map(|instances| instances.close())).await;
    }

    fn instances(&self, service: &ServiceName) -> Result<&Arc<Instances>, Failure> {
        self.services.get(service).ok_or_else(|| {
            Failure::connection_down(format!(
                "this host has no link to {service}; add it to this host's connections in config.json"
            ))
            .not_run(NotRun::Unable)
        })
    }

    /// Every service with its instances.
    pub fn iter(&self) -> impl Iterator<Item = (&ServiceName, &Arc<Instances>)> {
        self.services.iter()
    }
}
