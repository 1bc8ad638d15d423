//! Pushes through any fabric: random hosts, links and clients, and links that deliver in any order.
//! In come graphs and pushes; each client that is meant hears each push exactly once, and nobody else hears it.
//! No socket and no clock are needed for that.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// The most hosts of a fabric here.
const HOSTS: usize = 8;
const APPLICATIONS: [&str; 2] = ["shop", "news"];

#[derive(Debug, Clone)]
struct Fabric {
    hosts: usize,
    /// The two ends of each link; two hosts may have several.
    links: Vec<(Index, Index)>,
    /// Of each client: its host and its application.
    clients: Vec<(Index, usize)>,
}

#[derive(Debug, Clone)]
enum Step {
    ToApplication(Index, usize),
    ToClient(Index, Index),
    /// The next push on one end of one link arrives.
    Deliver(Index),
}

fn fabric() -> impl Strategy<Value = Fabric> {
    let links = vec(any::<(Index, Index)>(), 0..16);
    let clients = vec((any::<Index>(), 0..APPLICATIONS.len()), 1..12);
    (1..=HOSTS, links, clients).prop_map(|(hosts, links, clients)| Fabric { hosts, links, clients })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (any::<Index>(), 0..APPLICATIONS.len()).prop_map(|(host, name)| Step::ToApplication(host, name)),
        1 => any::<(Index, Index)>().prop_map(|(host, client)| Step::ToClient(host, client)),
        8 => any::<Index>().prop_map(Step::Deliver),
    ]
}

/// One end of a link: where what is sent here arrives is the end of the same link at the other host.
struct End {
    host: usize,
    place: Neighbour,
}

struct Guest {
    host: usize,
    application: usize,
    /// Held for its place in the audience.
    _seat: Seat,
    inbox: mpsc::Receiver<Weighed<Bytes>>,
    /// What it has to hear, in any order.
    due: Vec<String>,
}

struct Running {
    hosts: Vec<Arc<Audience>>,
    links: Vec<[End; 2]>,
    clients: Vec<Guest>,
    pushed: usize,
    delivered: usize,
}

impl Running {
    fn start(fabric: &Fabric) -> Self {
        let hosts: Vec<Arc<Audience>> = (0..fabric.hosts).map(|_| Arc::default()).collect();
        let pair = |(from, to): &(Index, Index)| [from, to].map(|end| end.index(fabric.hosts));
        let end = |host: usize| End { host, place: hosts[host].neighbour() };
        // No host has a link to itself.
        let links: Vec<[usize; 2]> = fabric.links.iter().map(pair).filter(|[from, to]| from != to).collect();
        let links = links.into_iter().map(|ends| ends.map(end)).collect();
        let clients = fabric.clients.iter().enumerate();
        let clients = clients
            .map(|(number, (host, application))| {
                let host = host.index(fabric.hosts);
                let (seat, inbox) = hosts[host].seat(&number.to_string());
                seat.join(APPLICATIONS[*application]);
                Guest { host, application: *application, _seat: seat, inbox, due: Vec::new() }
            })
            .collect();
        Self { hosts, links, clients, pushed: 0, delivered: 0 }
    }

    /// The hosts to which links lead from here, over others too.
    fn reached_from(&self, host: usize) -> HashSet<usize> {
        let mut reached = HashSet::from([host]);
        loop {
            let before = reached.len();
            for [one, other] in &self.links {
                if reached.contains(&one.host) || reached.contains(&other.host) {
                    reached.extend([one.host, other.host]);
                }
            }
            if reached.len() == before {
                return reached;
            }
        }
    }

    fn push(&mut self, host: usize, to: Hearer) {
        let kind = format!("push {}", self.pushed);
        self.pushed += 1;
        let reached = self.reached_from(host);
        for (number, client) in self.clients.iter_mut().enumerate().filter(|(_, client)| reached.contains(&client.host))
        {
            let is_meant = match &to {
                Hearer::Client(id) => *id == number.to_string(),
                Hearer::Application(name) => name == APPLICATIONS[client.application],
            };
            client.due.extend(is_meant.then(|| kind.clone()));
        }
        self.hosts[host].push(to, kind, Bytes::from_static(b"{}"));
    }

    fn step(&mut self, step: &Step) {
        let host = |index: &Index| index.index(self.hosts.len());
        match step {
            Step::ToApplication(from, name) => {
                self.push(host(from), Hearer::Application(APPLICATIONS[*name].to_owned()));
            }
            Step::ToClient(from, client) => {
                let client = client.index(self.clients.len()).to_string();
                self.push(host(from), Hearer::Client(client));
            }
            Step::Deliver(_) if self.links.is_empty() => {}
            Step::Deliver(way) => {
                let way = way.index(2 * self.links.len());
                self.deliver(way / 2, way % 2 == 1);
            }
        }
    }

    /// Brings the next push over a link. Returns whether there was one.
    fn deliver(&mut self, link: usize, back: bool) -> bool {
        let [one, other] = &mut self.links[link];
        let (from, to) = if back { (other, one) } else { (one, other) };
        let next = from.place.inbox.try_recv().ok();
        let came = next.is_some();
        if let Some(push) = next {
            to.place.heard(push.item.clone());
            self.delivered += 1;
        }
        came
    }

    /// Sends that are enough: each push goes over each link in each direction.
    fn most(&self) -> usize {
        self.pushed * self.links.len() * 2
    }

    fn deliver_all(&mut self) {
        // A push that goes round for ever fails the test by its number, and not by its time.
        while self.delivered <= self.most()
            && (0..self.links.len()).any(|link| self.deliver(link, false) || self.deliver(link, true))
        {}
    }
}

proptest! {
    #[test]
    fn each_client_that_is_meant_hears_each_push_once(fabric in fabric(), steps in vec(step(), 0..120)) {
        let mut running = Running::start(&fabric);
        for step in &steps {
            running.step(step);
        }
        running.deliver_all();
        let most = running.most();
        prop_assert!(running.delivered <= most, "{} sends, where {most} are enough", running.delivered);
        for client in &mut running.clients {
            let heard = std::iter::from_fn(|| client.inbox.try_recv().ok());
            let mut heard: Vec<String> = heard.map(|heard| kind_of(&heard.item)).collect();
            heard.sort();
            client.due.sort();
            prop_assert_eq!(&heard, &client.due);
        }
    }

    /// A host that was told of a push once sends it on to nobody again, also if it comes back after thousands of others.
    #[test]
    fn a_push_that_comes_again_goes_nowhere(others in 0..REMEMBERED - 1) {
        let host = Arc::new(Audience::default());
        let (from, mut to) = (host.neighbour(), host.neighbour());
        let told = |id: String| {
            let to = Hearer::Application("shop".to_owned());
            Push { head: PushHead { id, to, kind: "x".to_owned(), hops: 0 }, body: Bytes::new() }
        };
        from.heard(told("first".to_owned()));
        prop_assert!(to.inbox.try_recv().is_ok());
        for other in 0..others {
            from.heard(told(other.to_string()));
            prop_assert!(to.inbox.try_recv().is_ok());
        }
        from.heard(told("first".to_owned()));
        prop_assert!(to.inbox.try_recv().is_err());
        prop_assert!(host.lock().heard.len() <= REMEMBERED && host.lock().heard_order.len() <= REMEMBERED);
    }
}
