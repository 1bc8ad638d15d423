//! The instances of one service behind its name: a link to each, and the choice among them.
//! In comes a request, out goes its answer or a failure; what can safely be asked twice is asked of a second instance.
//! What it decides by, it has from state machines beside it: `choice`, `rest`, `budget`, `target`.

use super::budget::Budget;
use super::choice::{Candidate, choose};
use super::dial::Dialer;
use super::handle::Link;
use super::rest::{Change, Outcome, Rest, Standing, Ticket};
use super::target::{Target, is_name, resolved};
use super::unanswered::{Again, Cause, Unanswered, again_after};
use crate::configuration::{Address, MOST_INSTANCES};
use crate::failure::{Failure, NotRun};
use crate::names::ServiceName;
use crate::request::{Kind, Request};
use crate::response::Response;
use arc_swap::ArcSwap;
use futures_util::future::{FutureExt as _, pending, select_all};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// How long links that are no longer needed serve on while those that take their place connect.
const CHANGE_TIME: Duration = Duration::from_secs(2);

/// How long a request waits for the first connections of a host that has just started, or of a service that has just been
/// added: where the service is there, they take milliseconds.
const FIRST_TRY_TIME: Duration = Duration::from_secs(1);

/// For how long requests wait for a service that has said goodbye, 5 seconds: a restart takes two or three, and the next try to
/// connect comes up to 1.4 s later. Nobody is to wait longer for what is gone for good.
const COMEBACK_TIME: Duration = Duration::from_secs(5);
/// How often they look whether its instances are others now: in containers it may come back with another address.
const COMEBACK_LOOK: Duration = Duration::from_millis(100);
/// Requests that may wait for it, as many as one link takes: what comes on top is answered at once.
const COMEBACK_WAITING: usize = super::caller::IN_FLIGHT;

/// All instances of one service.
pub struct Instances {
    service: ServiceName,
    /// As configured; a name among them may stand for several instances.
    addresses: Vec<Address>,
    /// Never empty.
    all: ArcSwap<Vec<Arc<Instance>>>,
    budget: Mutex<Budget>,
    /// Places for requests that wait until it is back.
    waiting: Semaphore,
    /// Says that other links lead to the service from now on: these will not come back.
    pub(super) replaced: CancellationToken,
}

impl Instances {
    /// Says which links [`Instances::open`] is going to start: the log tells those of all services first.
    pub(super) fn announce(service: &ServiceName, addresses: &[Address], before: Option<&Self>) {
        let known = before.map(Self::all).unwrap_or_default();
        announce(service, &first_targets(addresses, &known), &known);
    }

    /// Starts a link to each address. What `before` has at one of them is taken over.
    pub(super) fn open(dialer: &Dialer, service: ServiceName, addresses: Vec<Address>, before: Option<&Self>) -> Self {
        let known = before.map(Self::all).unwrap_or_default();
        let all = renewed(dialer, &service, first_targets(&addresses, &known), &known);
        let (all, budget) = (ArcSwap::from_pointee(all), Mutex::new(Budget::new()));
        let (waiting, replaced) = (Semaphore::new(COMEBACK_WAITING), CancellationToken::new());
        Self { service, addresses, all, budget, waiting, replaced }
    }

    /// Where it was configured to be.
    pub(super) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The instances as they are known now.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<Arc<Instance>>> {
        self.all.load_full()
    }

    /// Whether one of them takes requests.
    pub(super) fn is_ready(&self) -> bool {
        self.all().iter().any(|instance| instance.link.is_ready())
    }

    /// Says goodbye to every instance for good, and waits until that is done.
    pub(super) async fn close(&self) {
        futures_util::future::join_all(self.all().iter().map(|instance| instance.link.close())).await;
    }

    /// Waits until one of them takes requests; for ever, if none ever does.
    pub(super) async fn ready(&self) {
        first_ready(&self.all()).await;
    }

    /// Waits until it is known of each instance whether it can be reached, for a host that has just learnt of them. Where
    /// one of them is ready, nobody waits.
    async fn first_tries(&self) {
        let all = self.all();
        if all.iter().any(|one| one.link.is_ready()) || all.iter().all(|one| one.link.is_tried()) {
            return;
        }
        let tried = futures_util::future::join_all(all.iter().map(|one| one.link.tried()));
        // What takes longer is answered for as what is down.
        let _ = timeout(FIRST_TRY_TIME, tried).await;
    }

    /// Waits for a service whose last instance has said goodbye: it is about to be back. One that was lost is not waited for.
    async fn comeback(&self) {
        if self.is_ready() {
            return;
        }
        let Ok(_place) = self.waiting.try_acquire() else { return };
        loop {
            let all = self.all();
            let Some(goodbye) = all.iter().filter_map(|one| one.link.goodbye()).max() else { return };
            let ready = timeout(COMEBACK_LOOK, first_ready(&all));
            let is_over = tokio::select! {
                ready = ready => ready.is_ok(),
                () = self.replaced.cancelled() => true,
            };
            if is_over || goodbye.elapsed() >= COMEBACK_TIME {
                return;
            }
        }
    }

    /// Whether the service can be asked; one that is about to be back is waited for, until the deadline.
    ///
    /// # Errors
    /// 503 when no instance takes requests.
    pub(super) async fn check(&self, deadline: Instant) -> Result<(), Failure> {
        self.first_tries().await;
        let _ = timeout_at(deadline, self.comeback()).await;
        if self.is_ready() { Ok(()) } else { Err(self.down()) }
    }

    /// Sends a request to one instance, and to a second one if the first cannot answer and it is safe.
    ///
    /// # Errors
    /// 503 when no instance takes requests, or the link to the one that was asked is lost; 504 when the deadline passes.
    pub(super) async fn ask(&self, request: &Arc<Request>) -> Result<Response, Failure> {
        self.budget().earn();
        self.first_tries().await;
        // Whoever's time is over by then is told so, as by an instance that does not answer.
        let _ = timeout_at(request.deadline, self.comeback()).await;
        let first = self.choose(None).ok_or_else(|| self.down())?;
        let answered = self.ask_one(&first, request).await;
        let Some(second) = self.second(&first, &answered, request).await else {
            return answered.map_err(to_failure);
        };
        let (url, why) = (second.at().url(), words(&answered));
        tracing::info!(request = request.id.as_str(), "asking {} at {url} in place of another: {why}", self.service);
        self.ask_one(&second, request).await.map_err(to_failure)
    }

    /// Which other instance may be asked, if any.
    async fn second(&self, first: &Arc<Instance>, answered: &Answered, request: &Request) -> Option<Arc<Instance>> {
        let again = match answered {
            Ok(response) => again_after(response),
            Err(unanswered) => unanswered.cause.again(&request.method),
        };
        if again == Again::Never || Instant::now() >= request.deadline {
            return None;
        }
        let never_sent = matches!(answered, Err(Unanswered { cause: Cause::NotSent, .. }));
        if never_sent {
            let _ = timeout_at(request.deadline, self.comeback()).await;
        }
        // What was never sent may go to the same one, if that is back.
        let second = self.choose((!never_sent).then_some(first))?;
        (again == Again::Freely || self.budget().spend()).then_some(second)
    }

    async fn ask_one(&self, instance: &Arc<Instance>, request: &Arc<Request>) -> Answered {
        let mut turn = Turn::begin(&self.service, instance);
        let answered = instance.link.ask(request).await;
        let is_to_blame = match &answered {
            Ok(response) => response.not_run() == Some(NotRun::Unable),
            Err(unanswered) => unanswered.cause.blames_the_instance(),
        };
        if is_to_blame {
            turn.outcome = Outcome::Failed { others: self.has_another_in_use(instance) };
            words(&answered).clone_into(&mut turn.why);
        } else if answered.as_ref().is_ok_and(|response| response.not_run().is_none()) {
            turn.outcome = Outcome::Answered;
        }
        answered
    }

    /// Chooses an instance, for a second try another one than at first.
    fn choose(&self, not: Option<&Arc<Instance>>) -> Option<Arc<Instance>> {
        let (all, now) = (self.all(), Instant::now());
        let candidate = |instance: &Arc<Instance>| Candidate {
            ready: instance.link.is_ready() && !not.is_some_and(|not| Arc::ptr_eq(not, instance)),
            standing: instance.rest().standing(now),
            load: instance.in_flight(),
        };
        let candidates: Vec<Candidate> = all.iter().map(candidate).collect();
        let chosen = choose(&candidates, not.is_none(), |below| rand::random_range(0..below));
        chosen.and_then(|number| all.get(number)).map(Arc::clone)
    }

    /// Whether another instance can take what this one does not.
    fn has_another_in_use(&self, than: &Arc<Instance>) -> bool {
        let now = Instant::now();
        let is_in_use = |one: &Arc<Instance>| one.link.is_ready() && one.rest().standing(now) == Standing::InUse;
        self.all().iter().any(|one| !Arc::ptr_eq(one, than) && is_in_use(one))
    }

    /// Why none can be asked, in the words of each link.
    fn down(&self) -> Failure {
        let all = self.all();
        let mut why: Vec<String> = all.iter().filter_map(|one| one.link.check().err()?.operator).collect();
        if why.is_empty() {
            why.push(format!("{} became ready just after it was to be asked", self.service));
        }
        Failure::connection_down(why.join("; ")).not_run(NotRun::Unable)
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configured names, which have to be resolved again and again.
    pub(super) fn names(&self) -> Vec<Address> {
        self.addresses.iter().filter(|address| is_name(address)).cloned().collect()
    }

    /// Takes up what the names resolve to now: new links first, and when one is ready, those that are left over go.
    pub(super) async fn take_up(&self, dialer: &Dialer, found: &[(Address, Vec<SocketAddr>)]) {
        let known = self.all();
        let targets = |address: &Address| -> Vec<Target> {
            let found = found.iter().find(|(name, _)| name == address).map(|(_, found)| found.as_slice());
            resolved(address, found.unwrap_or_default(), &targets_of(address, &known))
        };
        let targets: Vec<Target> = self.addresses.iter().flat_map(targets).take(MOST_INSTANCES).collect();
        if targets.iter().eq(known.iter().map(|one| one.at())) {
            return;
        }
        announce(&self.service, &targets, &known);
        let all = renewed(dialer, &self.service, targets, &known);
        // A service that does not come in this time is answered for as one that is down.
        let _ = timeout(CHANGE_TIME, first_ready(&all)).await;
        self.all.store(Arc::new(all));
    }
}

/// The targets of addresses before their names are resolved: those that are known, else the address itself.
fn first_targets(addresses: &[Address], known: &[Arc<Instance>]) -> Vec<Target> {
    let targets = |address: &Address| {
        let has: Vec<Target> = targets_of(address, known);
        if has.is_empty() { vec![Target::new(address.clone())] } else { has }
    };
    addresses.iter().flat_map(targets).collect()
}

/// The targets that this address has now.
fn targets_of(address: &Address, known: &[Arc<Instance>]) -> Vec<Target> {
    known.iter().map(|one| one.at()).filter(|at| at.address == *address).cloned().collect()
}

fn at<'a>(target: &Target, known: &'a [Arc<Instance>]) -> Option<&'a Arc<Instance>> {
    known.iter().find(|one| one.at() == target)
}

fn announce(service: &ServiceName, targets: &[Target], known: &[Arc<Instance>]) {
    for target in targets.iter().filter(|target| at(target, known).is_none()) {
        tracing::info!("Adding MicroService Client connection: url = {}; application = {service}", target.url());
    }
}

/// A link to each target: those that are known are kept, the others are started.
fn renewed(
    dialer: &Dialer,
    service: &ServiceName,
    targets: Vec<Target>,
    known: &[Arc<Instance>],
) -> Vec<Arc<Instance>> {
    let several = targets.len() > 1;
    let open = |target: Target| Arc::new(Instance::new(dialer.open(service.clone(), target, several)));
    targets.into_iter().map(|target| at(&target, known).map_or_else(|| open(target.clone()), Arc::clone)).collect()
}

async fn first_ready(all: &[Arc<Instance>]) {
    // The one that never comes is there because the library allows no empty list.
    let never = std::iter::once(pending().boxed());
    select_all(all.iter().map(|one| one.link.ready().boxed()).chain(never)).await;
}

/// What came of asking one instance.
type Answered = Result<Response, Unanswered>;

/// The words for the operator.
fn words(answered: &Answered) -> &str {
    match answered {
        Ok(_) => "it cannot serve the request now, as its own log says",
        Err(Unanswered { failure, .. }) => failure.operator.as_deref().unwrap_or(&failure.caller),
    }
}

/// What the caller is told, and whoever sent the request here.
fn to_failure(unanswered: Unanswered) -> Failure {
    let Unanswered { cause, failure } = unanswered;
    match cause.never_sent() {
        Some(why) => failure.not_run(why),
        None => failure,
    }
}

/// One instance of a service.
pub struct Instance {
    link: Link,
    in_flight: AtomicUsize,
    rest: Mutex<Rest>,
}

impl Instance {
    pub(super) fn new(link: Link) -> Self {
        Self { link, in_flight: AtomicUsize::new(0), rest: Mutex::new(Rest::default()) }
    }

    /// The link to it.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Requests that wait for its answer.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether it rests after failures, or is about to be tried again.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        self.rest().standing(Instant::now()) != Standing::InUse
    }

    /// Asks exactly this instance for a view of itself, for the monitor of this host. The request's kind becomes
    /// [`Kind::Monitor`], whatever it was. It is asked once, and how the service's requests are shared out does not change.
    ///
    /// # Errors
    /// 503 when the link is down, is lost while waiting, or has too much in flight; 504 when the deadline passes.
    pub async fn view(&self, request: Request) -> Result<Response, Failure> {
        let request = Arc::new(Request { kind: Kind::Monitor, ..request });
        self.link.ask(&request).await.map_err(|unanswered| unanswered.failure)
    }

    fn at(&self) -> &Target {
        self.link.target()
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request at one instance, from its beginning to its end, however it ends.
struct Turn<'a> {
    service: &'a ServiceName,
    instance: &'a Arc<Instance>,
    ticket: Ticket,
    outcome: Outcome,
    /// Why it failed, if it did.
    why: String,
}

impl<'a> Turn<'a> {
    fn begin(service: &'a ServiceName, instance: &'a Arc<Instance>) -> Self {
        instance.in_flight.fetch_add(1, Ordering::Relaxed);
        let ticket = instance.rest().begin(Instant::now());
        Self { service, instance, ticket, outcome: Outcome::Nothing, why: String::new() }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.instance.in_flight.fetch_sub(1, Ordering::Relaxed);
        let change = self.instance.rest().end(self.ticket, self.outcome, Instant::now(), rand::random());
        if let Some(change) = change {
            tell(change, self.service, &self.instance.at().url(), &self.why);
        }
    }
}

/// Says a change once.
fn tell(change: Change, service: &ServiceName, url: &str, why: &str) {
    match change {
        Change::Rests(time) => tracing::warn!("resting {service} at {url} for {} ms: {why}", time.as_millis()),
        Change::BackInUse => tracing::info!("{service} at {url} is back in use"),
    }
}
