//! Who is connected to this host: other hosts by their links, and clients by their sockets.
//! In come both as they connect, and what is counted of each; out goes who is there now, and the word that ends a client.
//! It never holds a message up: a lock is taken when somebody comes, goes, registers or is looked at, and else it counts.

use crate::names::random_id;
use futures_util::future::{AbortHandle, AbortRegistration, Abortable, Aborted};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Clients that are told of at most, the newest.
pub const TOLD: usize = 1000;

/// Everybody who is connected to one host.
#[derive(Default)]
pub struct Presence {
    hosts: Mutex<Register<Visiting>>,
    clients: Mutex<Register<Client>>,
    connections: Arc<AtomicUsize>,
}

/// Who is there, in the order in which they came.
struct Register<T> {
    last: u64,
    present: BTreeMap<u64, Arc<T>>,
}

impl<T> Default for Register<T> {
    fn default() -> Self {
        Self { last: 0, present: BTreeMap::new() }
    }
}

impl<T> Register<T> {
    fn enter(&mut self, one: &Arc<T>) -> u64 {
        self.last += 1;
        self.present.insert(self.last, Arc::clone(one));
        self.last
    }
}

struct Visiting {
    id: String,
    name: String,
    address: IpAddr,
    since: SystemTime,
    in_flight: AtomicUsize,
    requests: AtomicU64,
}

struct Client {
    id: String,
    address: IpAddr,
    since: SystemTime,
    application: Mutex<Option<String>>,
    received: AtomicU64,
    sent: AtomicU64,
    serving: AbortHandle,
}

/// A host that has a link to this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentHost {
    /// The id of its socket, as the log has it.
    pub id: String,
    /// Its name: `orchestrator`, or a microservice's.
    pub name: String,
    /// From where it came.
    pub address: IpAddr,
    /// When it had registered.
    pub since: SystemTime,
    /// Its requests that run or wait here now.
    pub in_flight: usize,
    /// Requests that it has sent over this link, those in flight among them.
    pub requests: u64,
}

/// A WebSocket client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentClient {
    /// The id of its socket, as the log and its handlers have it.
    pub id: String,
    /// From where it came.
    pub address: IpAddr,
    /// The application for which it has registered; none: it has not yet.
    pub application: Option<String>,
    /// When it connected.
    pub since: SystemTime,
    /// Messages that came from it, those among them that were refused.
    pub received: u64,
    /// Messages that it was sent: answers, intermediate messages and pushes.
    pub sent: u64,
}

/// The clients of a host at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentClients {
    /// The newest, [`TOLD`] at most; the newest comes first.
    pub newest: Vec<PresentClient>,
    /// How many there are in all.
    pub count: usize,
}

/// A host's place; dropping it gives the place up.
pub struct HostPlace {
    presence: Arc<Presence>,
    number: u64,
    host: Arc<Visiting>,
}

/// A request of a host, from its beginning to its end; dropping it is the end.
pub struct InFlight(Arc<Visiting>);

/// A client's place; dropping it gives the place up.
pub struct ClientPlace {
    presence: Arc<Presence>,
    number: u64,
    client: Arc<Client>,
}

/// A connection of any kind, from its beginning to its end; dropping it is the end.
pub struct Connected(Arc<AtomicUsize>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The end of the string by which an operator can pull a client out: see [`Leash::hold`].
pub struct Leash(AbortRegistration);

impl Presence {
    /// Takes in a host that has registered, under the id of its socket.
    #[must_use]
    pub fn host(self: &Arc<Self>, id: &str, name: &str, address: IpAddr) -> HostPlace {
        let host = Arc::new(Visiting {
            id: id.to_owned(),
            name: name.to_owned(),
            address,
            since: SystemTime::now(),
            in_flight: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
        });
        let number = lock(&self.hosts).enter(&host);
        HostPlace { presence: Arc::clone(self), number, host }
    }

    /// Takes in a client under a new id, unless there are `most` already: never more, however many come at once.
    #[must_use]
    pub fn client(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<(ClientPlace, Leash)> {
        let (serving, leash) = AbortHandle::new_pair();
        let client = Arc::new(Client {
            id: random_id(),
            address,
            since: SystemTime::now(),
            application: Mutex::new(None),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            serving,
        });
        let mut clients = lock(&self.clients);
        let number = (clients.present.len() < most).then(|| clients.enter(&client))?;
        drop(clients);
        Some((ClientPlace { presence: Arc::clone(self), number, client }, Leash(leash)))
    }

    /// Counts a connection, whoever it is: it is open until what is returned is dropped.
    #[must_use]
    pub fn connected(&self) -> Connected {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connected(Arc::clone(&self.connections))
    }

    /// How many connections are open that have not become a socket.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// How many hosts have a link to this one, and how many clients have a socket.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (lock(&self.hosts).present.len(), lock(&self.clients).present.len())
    }

    /// The hosts that have a link to this one, the oldest first.
    #[must_use]
    pub fn hosts(&self) -> Vec<PresentHost> {
        let hosts: Vec<Arc<Visiting>> = lock(&self.hosts).present.values().map(Arc::clone).collect();
        let told = |host: &Arc<Visiting>| PresentHost {
            id: host.id.clone(),
            name: host.name.clone(),
            address: host.address,
            since: host.since,
            in_flight: host.in_flight.load(Ordering::Relaxed),
            requests: host.requests.load(Ordering::Relaxed),
        };
        hosts.iter().map(told).collect()
    }

    /// The clients that are connected.
    #[must_use]
    pub fn clients(&self) -> PresentClients {
        let (newest, count) = {
            let clients = lock(&self.clients);
            let newest: Vec<Arc<Client>> = clients.present.values().rev().take(TOLD).map(Arc::clone).collect();
            (newest, clients.present.len())
        };
        let told = |client: &Arc<Client>| PresentClient {
            id: client.id.clone(),
            address: client.address,
            application: lock(&client.application).clone(),
            since: client.since,
            received: client.received.load(Ordering::Relaxed),
            sent: client.sent.load(Ordering::Relaxed),
        };
        PresentClients { newest: newest.iter().map(told).collect(), count }
    }

    /// Has the socket of this client closed, for the operator. Returns whether there is such a client. It keeps its place
    /// until the socket is closed, which takes a moment.
    #[must_use]
    pub fn disconnect(&self, id: &str) -> bool {
        let found = lock(&self.clients).present.values().find(|client| client.id == id).map(Arc::clone);
        if let Some(client) = &found {
            client.serving.abort();
        }
        found.is_some()
    }
}

impl HostPlace {
    /// Counts a request of this host; it is in flight until what is returned is dropped.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.host.requests.fetch_add(1, Ordering::Relaxed);
        self.host.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(&self.host))
    }
}

impl Drop for HostPlace {
    fn drop(&mut self) {
        lock(&self.presence.hosts).present.remove(&self.number);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ClientPlace {
    /// The id of the socket: nobody can guess it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.client.id
    }

    /// From where it came.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.client.address
    }

    /// From now on it belongs to this application.
    pub fn join(&self, application: &str) {
        *lock(&self.client.application) = Some(application.to_owned());
    }

    /// Counts a message that came from it.
    pub fn received(&self) {
        self.client.received.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message that it was sent.
    pub fn sent(&self) {
        self.client.sent.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for ClientPlace {
    fn drop(&mut self) {
        lock(&self.presence.clients).present.remove(&self.number);
    }
}

impl Leash {
    /// Runs what serves the client until that ends, or is given up because the operator had the client disconnected: at
    /// once, also in the middle of a message.
    ///
    /// # Errors
    /// When the operator had the client disconnected.
    pub fn hold<F: Future>(self, serving: F) -> impl Future<Output = Result<F::Output, Aborted>> {
        // No `async` here: it would keep room for the same future twice, for each client.
        Abortable::new(serving, self.0)
    }
}

/// Nothing below a lock can leave what it guards half changed.
fn lock<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
