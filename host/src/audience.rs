//! Who hears what handlers push to clients.
//! In come the sockets of clients and the links to other hosts, and a push; out goes the push to each that is meant, and to
//! every neighbour once.
//! It never waits: who does not take what it is sent loses its place, and a neighbour that is behind misses a push.

mod queue;

pub use queue::Weighed;

use crate::message::{Hearer, Push, PushHead};
use crate::names::random_id;
use bytes::Bytes;
use queue::Queue;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// Pushes that may wait for one client; with more it counts as one that does not read. One request may push a thousand,
/// faster than any client can read them.
pub const OUTBOX: usize = 2048;
/// Bytes of pushes that may wait for one client, 16 MiB: twice the largest.
const OUTBOX_BYTES: usize = 16 << 20;
/// Pushes that may wait for one neighbour.
const NEIGHBOUR: usize = 8192;
/// Bytes of pushes that may wait for one neighbour, 64 MiB.
const NEIGHBOUR_BYTES: usize = 64 << 20;
/// Pushes that are remembered, so that each is heard once whatever ways lead here.
const REMEMBERED: usize = 8192;
/// Hosts that may send one push on: more than any fabric is wide.
const HOPS: u8 = 16;

/// The clients and neighbours of one host.
#[derive(Default)]
pub struct Audience {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    clients: HashMap<Arc<str>, Client>,
    /// The sockets of each application.
    applications: HashMap<Arc<str>, HashSet<Arc<str>>>,
    neighbours: BTreeMap<u64, Queue<Push>>,
    last_neighbour: u64,
    heard: HashSet<String>,
    heard_order: VecDeque<String>,
}

struct Client {
    application: Option<Arc<str>>,
    outbox: Queue<Bytes>,
}

/// A client's place in the audience; dropping it gives the place up.
pub struct Seat {
    audience: Arc<Audience>,
    id: Arc<str>,
}

/// A link's place in the audience; dropping it gives the place up.
pub struct Neighbour {
    audience: Arc<Audience>,
    id: u64,
    /// The pushes that are to go over the link.
    pub inbox: mpsc::Receiver<Weighed<Push>>,
}

impl Audience {
    /// Takes a client in under the id of its socket. Out go its place and the texts that are pushed to it.
    ///
    /// When it does not read, the audience lets its end of the texts go: they end.
    #[must_use]
    pub fn seat(self: &Arc<Self>, id: &str) -> (Seat, mpsc::Receiver<Weighed<Bytes>>) {
        let id: Arc<str> = id.into();
        let (outbox, texts) = Queue::new(OUTBOX, OUTBOX_BYTES);
        self.lock().clients.insert(Arc::clone(&id), Client { application: None, outbox });
        (Seat { audience: Arc::clone(self), id }, texts)
    }

    /// Takes a link to another host in.
    #[must_use]
    pub fn neighbour(self: &Arc<Self>) -> Neighbour {
        let (sender, inbox) = Queue::new(NEIGHBOUR, NEIGHBOUR_BYTES);
        let mut known = self.lock();
        known.last_neighbour += 1;
        let id = known.last_neighbour;
        known.neighbours.insert(id, sender);
        Neighbour { audience: Arc::clone(self), id, inbox }
    }

    /// Sends a handler's push to all who are meant, here and on other hosts.
    pub fn push(&self, to: Hearer, kind: String, body: Bytes) {
        let head = PushHead { id: random_id(), to, kind, hops: 0 };
        self.lock().spread(Push { head, body }, None);
    }

    /// How many clients there are.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.lock().clients.len()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Nothing below the lock can leave the lists half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn spread(&mut self, mut push: Push, from: Option<u64>) {
        if !self.is_news(&push.head.id) {
            return;
        }
        let found = self.deliver(&push);
        if found || push.head.hops >= HOPS {
            return;
        }
        push.head.hops += 1;
        for (_, neighbour) in self.neighbours.iter().filter(|(id, _)| Some(**id) != from) {
            if !neighbour.put(push.clone(), push.body.len()) {
                tracing::warn!("a push to clients of another host was left out: its link has too much to send");
            }
        }
    }

    fn is_news(&mut self, id: &str) -> bool {
        if !self.heard.insert(id.to_owned()) {
            return false;
        }
        self.heard_order.push_back(id.to_owned());
        if self.heard_order.len() > REMEMBERED
            && let Some(oldest) = self.heard_order.pop_front()
        {
            self.heard.remove(&oldest);
        }
        true
    }

    /// Gives the push to the clients of this host that are meant. Returns whether nobody else can be meant.
    fn deliver(&mut self, push: &Push) -> bool {
        let text = push.text();
        match &push.head.to {
            Hearer::Client(id) => {
                let is_here = self.clients.contains_key(id.as_str());
                self.send(id, text);
                is_here
            }
            Hearer::Application(name) => {
                let ids: Vec<Arc<str>> = self.applications.get(name.as_str()).into_iter().flatten().cloned().collect();
                for id in ids {
                    self.send(&id, text.clone());
                }
                false
            }
        }
    }

    fn send(&mut self, id: &str, text: Bytes) {
        let bytes = text.len();
        if self.clients.get(id).is_some_and(|client| !client.outbox.put(text, bytes)) {
            self.leave(id);
        }
    }

    fn leave(&mut self, id: &str) {
        let Some(client) = self.clients.remove(id) else { return };
        if let Some(application) = client.application {
            self.leave_application(&application, id);
        }
    }

    fn leave_application(&mut self, application: &Arc<str>, id: &str) {
        if let Some(members) = self.applications.get_mut(application) {
            members.remove(id);
            if members.is_empty() {
                self.applications.remove(application);
            }
        }
    }
}

impl Seat {
    /// From now on it hears what is pushed to this application, and to no other.
    pub fn join(&self, application: &str) {
        let mut known = self.audience.lock();
        let joined: Arc<str> = application.into();
        let Some(client) = known.clients.get_mut(&self.id) else { return };
        let before = client.application.replace(Arc::clone(&joined));
        if let Some(before) = before {
            known.leave_application(&before, &self.id);
        }
        known.applications.entry(joined).or_default().insert(Arc::clone(&self.id));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.audience.lock().leave(&self.id);
    }
}

impl Neighbour {
    /// Takes a push that came over this link.
    pub fn heard(&self, push: Push) {
        self.audience.lock().spread(push, Some(self.id));
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.audience.lock().neighbours.remove(&self.id);
    }
}

#[cfg(test)]
mod graph_tests;

/// The type in the text of a push.
#[cfg(test)]
fn kind_of(text: &[u8]) -> String {
    let text: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
    text.get("type").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(audience: &Arc<Audience>, id: &str, application: &str) -> (Seat, mpsc::Receiver<Weighed<Bytes>>) {
        let (seat, inbox) = audience.seat(id);
        seat.join(application);
        (seat, inbox)
    }

    fn kinds(inbox: &mut mpsc::Receiver<Weighed<Bytes>>) -> Vec<String> {
        std::iter::from_fn(|| inbox.try_recv().ok()).map(|heard| kind_of(&heard.item)).collect()
    }

    fn push(audience: &Audience, to: Hearer, kind: &str) {
        audience.push(to, kind.to_owned(), Bytes::from_static(b"{}"));
    }

    #[test]
    fn those_who_are_meant_hear_it_and_nobody_else() {
        let audience = Arc::new(Audience::default());
        let (_one, mut first) = client(&audience, "1", "shop");
        let (two, mut second) = client(&audience, "2", "shop");
        let (_three, mut third) = client(&audience, "3", "news");
        push(&audience, Hearer::Application("shop".to_owned()), "all");
        push(&audience, Hearer::Client("2".to_owned()), "one");
        two.join("news");
        push(&audience, Hearer::Application("shop".to_owned()), "later");
        assert_eq!(kinds(&mut first), ["all", "later"]);
        assert_eq!(kinds(&mut second), ["all", "one"]);
        assert!(kinds(&mut third).is_empty());
        drop(two);
        assert_eq!(audience.clients(), 2);
    }

    #[test]
    fn a_client_that_does_not_read_loses_its_place() {
        let audience = Arc::new(Audience::default());
        let (_seat, mut inbox) = client(&audience, "1", "shop");
        for _ in 0..=OUTBOX {
            push(&audience, Hearer::Client("1".to_owned()), "x");
        }
        assert_eq!(kinds(&mut inbox).len(), OUTBOX);
        assert!(inbox.is_closed());
        assert_eq!(audience.clients(), 0);
    }

    /// Three hosts in a ring: whatever way a push takes, each hears it once.
    #[test]
    fn between_hosts_a_push_goes_everywhere_once() {
        let hosts: Vec<Arc<Audience>> = (0..3).map(|_| Arc::default()).collect();
        let mut links = Vec::new();
        for (from, to) in [(0, 1), (1, 2), (2, 0)] {
            links.push((hosts[from].neighbour(), hosts[to].neighbour()));
        }
        let mut clients: Vec<_> = hosts.iter().map(|host| client(host, "1", "shop")).collect();
        push(&hosts[0], Hearer::Application("shop".to_owned()), "x");
        let mut sent = 0;
        loop {
            let before = sent;
            for (one, other) in &mut links {
                while let Ok(push) = one.inbox.try_recv() {
                    other.heard(push.item.clone());
                    sent += 1;
                }
                while let Ok(push) = other.inbox.try_recv() {
                    one.heard(push.item.clone());
                    sent += 1;
                }
            }
            if sent == before {
                break;
            }
        }
        assert!(sent <= 6, "{sent}");
        for (_, inbox) in &mut clients {
            assert_eq!(kinds(inbox), ["x"]);
        }
    }
}
