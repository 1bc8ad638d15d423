//! The whole journey of a request, on one screen.
//! In comes a request of any kind: of a REST client, of another host, of a handler; out goes exactly one response.
//! It holds no socket and no wasm; each step is a call into the part that does it.

mod group;
mod line;
mod merge;
mod record;

pub use record::Refused;

use crate::access::{TOKEN_HEADER, attach_token};
use crate::activity::Activity;
use crate::audience::Audience;
use crate::counters::Counters;
use crate::edition::{Edition, Findings};
use crate::failure::{Failure, NOT_RUN, NotRun};
use crate::handler::{Call, UpwardRequest};
use crate::message::{PARTS, Part};
use crate::names::{HandlerName, ServiceName};
use crate::pool::Pool;
use crate::request::{Kind, Request, asked_by, message_of};
use crate::response::Response;
use crate::router::{Decision, Destination, NoRoute};
use crate::telemetry::Telemetry;
use crate::trace::Trace;
use arc_swap::{ArcSwap, Guard};
use futures_util::future::{Fuse, FusedFuture as _, FutureExt as _};
use record::{Record, Waits};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

/// The header that names the version of the module that answered.
const VERSION_HEADER: &str = "qewd-version";

/// Everything that a request passes on this host.
pub struct Dispatch {
    edition: ArcSwap<Edition>,
    /// Counts the editions that have entered.
    entered: watch::Sender<u64>,
    /// Where handlers of this host run.
    pub pool: Pool,
    /// Who hears what handlers push to clients.
    pub audience: Arc<Audience>,
    /// How many requests there were, and how long they took.
    pub counters: Arc<Counters>,
    /// The latest requests.
    pub activity: Activity,
    /// What cannot serve.
    pub findings: Findings,
    /// Who gathers traces, if somebody does.
    pub telemetry: Option<Telemetry>,
}

impl Dispatch {
    /// Serves this edition.
    #[must_use]
    pub fn new(
        edition: Edition,
        audience: Arc<Audience>,
        counters: Arc<Counters>,
        telemetry: Option<Telemetry>,
    ) -> Self {
        let pool = Pool::new(edition.pool_settings());
        let (activity, findings) = (Activity::default(), Findings::default());
        let (edition, entered) = (ArcSwap::from_pointee(edition), watch::Sender::new(0));
        Self { edition, entered, pool, audience, counters, activity, findings, telemetry }
    }

    /// What serves now. Whoever holds it keeps it whole, also when the next one has taken its place.
    #[must_use]
    pub fn edition(&self) -> Arc<Edition> {
        self.edition.load_full()
    }

    /// What serves now, for a glance: whoever goes on with it takes [`Dispatch::edition`]. Requests on all cores come here,
    /// and counting who holds it would have the cores wait for one another.
    pub fn glance(&self) -> Guard<Arc<Edition>> {
        self.edition.load()
    }

    /// From now on this edition serves. Requests that run end on the one with which they began.
    pub fn enter(&self, edition: &Arc<Edition>) {
        let before = self.edition.swap(Arc::clone(edition));
        for module in before.catalog.modules() {
            if !edition.catalog.modules().any(|kept| Arc::ptr_eq(kept, module)) {
                module.replace();
            }
        }
        edition.links.replace(&before.links);
        self.pool.set(edition.pool_settings(), edition.catalog.modules());
        self.pool.end_replaced();
        self.entered.send_modify(|count| *count += 1);
    }

    /// Tells of each edition that enters from now on.
    pub fn entered(&self) -> watch::Receiver<u64> {
        self.entered.subscribe()
    }

    /// Answers a request: one response, one log line.
    pub async fn answer(&self, mut request: Request) -> Response {
        let edition = self.edition();
        self.judge(&mut request.trace);
        let request = Arc::new(request);
        let mut record = Record::new(self, &request, None);
        let outcome = self.journey(&edition, &mut record).await;
        record.write(&outcome);
        let version = record.version().filter(|_| edition.configuration.settings.version_header);
        let mut response = outcome.unwrap_or_else(Response::from);
        response.headers.retain(|(name, _)| name != "x-request-id" && (version.is_none() || name != VERSION_HEADER));
        response.headers.extend(version.map(|version| (VERSION_HEADER.to_owned(), version.as_ref().to_owned())));
        response.headers.push(("x-request-id".to_owned(), request.id.to_string()));
        response
    }

    /// Answers a request whose caller takes intermediate messages, too: each is given to `each`, in order and before the
    /// answer. A caller that does not take them holds the handler up, but not beyond the request's deadline.
    pub async fn answer_in_parts<F: Future<Output = ()>>(
        &self,
        mut request: Request,
        each: impl Fn(Part) -> F,
    ) -> Response {
        let deadline = request.deadline;
        let (parts, mut coming) = mpsc::channel(PARTS);
        request.parts = Some(parts);
        let answering = self.answer(request);
        tokio::pin!(answering);
        let mut passing = std::pin::pin!(Fuse::terminated());
        let response = loop {
            let is_free = passing.is_terminated();
            // The handler goes on while a part waits for its caller, so that its time can run out meanwhile.
            tokio::select! {
                biased;
                () = passing.as_mut(), if !is_free => {}
                Some(part) = coming.recv(), if is_free => passing.set(each(part).fuse()),
                response = &mut answering => break response,
            }
        };
        let rest = async {
            if !passing.is_terminated() {
                passing.await;
            }
            while let Ok(part) = coming.try_recv() {
                each(part).await;
            }
        };
        let _ = timeout_at(deadline, rest).await;
        response
    }

    async fn journey(&self, edition: &Edition, record: &mut Record<'_>) -> Result<Response, Failure> {
        let request = record.request;
        if request.hops > hops(edition) || request.came_back(&edition.application) {
            return Err(in_a_circle(edition, request));
        }
        let decision = edition.table.decide(request.kind, &request.method, &request.path);
        let decision = decision.map_err(|none| record.misses(&edition.table, none));
        let decision = decision.map_err(|none| no_route(edition, request, &none))?;
        record.found(&decision);
        match decision.destination {
            Destination::Here(handler) => self.here(edition, handler, &decision, record).await,
            // Boxed: else every request would have the room that the answers of a group need.
            Destination::Members(members) => Box::pin(self.group(edition, members, &decision, record)).await,
            Destination::There(service) => {
                // Refused here what the service would refuse: a forged token never costs a hop. Who shows no token at all
                // is first told that the service is down: any request is to show an operator whether it is there.
                let admitted = edition.access.admit(request, decision.entry.authenticate);
                if request.bearer().is_none() {
                    self.check_link(edition, service, patience(request, &admitted)).await?;
                }
                admitted?;
                record.asks(service);
                let trace = record.begin(Waits::Link);
                let _watch = record.watch(Waits::Link);
                self.there(edition, request, service, trace).await
            }
        }
    }

    async fn here(
        &self,
        edition: &Edition,
        handler: &HandlerName,
        decision: &Decision<'_>,
        record: &mut Record<'_>,
    ) -> Result<Response, Failure> {
        let request = record.request;
        let caller = edition.access.admit(request, decision.entry.authenticate)?;
        let source = decision.entry.source.as_ref();
        let module = edition.catalog.module(source, handler).ok_or_else(|| not_there(handler))?;
        record.begin(Waits::Line);
        let waiting = record.watch(Waits::Line);
        let place = self.pool.place(request, module).await?;
        drop(waiting);
        // What waited begins on the version that is newest now, unless its route and its caller might be judged anew as well.
        let newest = self.glance();
        let same_rules = Arc::ptr_eq(&newest.configuration, &edition.configuration);
        let module = newest.catalog.module(source, handler).filter(|_| same_rules).unwrap_or(module).clone();
        drop(newest);
        record.runs(&module);
        let call = Call {
            request: Arc::clone(request),
            trace: record.begin(Waits::Handler),
            handler: handler.clone(),
            application: application(edition, request),
            route: Arc::clone(&decision.entry.uri),
            variables: &decision.variables,
            session: &caller.session,
        };
        let running = record.watch(Waits::Handler);
        let mut outcome = self.pool.run(place, &module, &call).await?;
        drop(running);
        // These are the host's own to say.
        outcome.response.headers.retain(|(name, _)| name != NOT_RUN && name != TOKEN_HEADER);
        // A handler that asks another service has a session of its own: the answer to it carries no token.
        if outcome.response.status >= 400 || request.kind == Kind::Service {
            return Ok(outcome.response);
        }
        match edition.access.renew(&caller, outcome.session, request.kind)? {
            Some(token) => Ok(attach_token(outcome.response, &token, request.token_in_header)),
            None => Ok(outcome.response),
        }
    }

    async fn there(
        &self,
        edition: &Edition,
        request: &Request,
        service: &ServiceName,
        trace: Trace,
    ) -> Result<Response, Failure> {
        self.ask(edition, service, onward(edition, request, trace)?).await
    }

    /// Asks a service. A request that finds the links of its edition down asks by those that took their place: after a change
    /// of the secret the old ones do not come back.
    async fn ask(&self, edition: &Edition, service: &ServiceName, request: Request) -> Result<Response, Failure> {
        let (links, request) = (&edition.links, Arc::new(request));
        match links.ask(service, Arc::clone(&request)).await {
            Err(failure) if failure.is_not_run() && links.is_replaced(service) => {
                self.edition().links.ask(service, request).await
            }
            asked => asked,
        }
    }

    /// Whether a service can be asked, in the same way.
    async fn check_link(&self, edition: &Edition, service: &ServiceName, deadline: Instant) -> Result<(), Failure> {
        match edition.links.check(service, deadline).await {
            Err(_) if edition.links.is_replaced(service) => self.edition().links.check(service, deadline).await,
            checked => checked,
        }
    }

    /// Answers the questions that handlers ask, as long as the host runs.
    pub async fn answer_handlers(self: Arc<Self>, mut questions: mpsc::Receiver<UpwardRequest>) {
        while let Some(question) = questions.recv().await {
            let dispatch = Arc::clone(&self);
            tokio::spawn(async move { dispatch.answer_handler(question).await });
        }
    }

    async fn answer_handler(&self, question: UpwardRequest) {
        let UpwardRequest { mut request, service, asker, module, mut reply } = question;
        let _asking = (asker == Kind::Service).then(|| self.pool.asking(&module));
        let edition = self.edition();
        request.way.push(asked_by(&edition.application));
        let elsewhere = service.filter(|service| service.as_str() != &*edition.application);
        let answering = async {
            match elsewhere {
                Some(service) => self.answer_there(&edition, request, &service).await,
                None => self.answer(request).await,
            }
        };
        tokio::select! {
            response = answering => {
                // A handler that was ended meanwhile needs no answer.
                let _ = reply.send(response);
            }
            () = reply.closed() => {}
        }
    }

    async fn answer_there(&self, edition: &Edition, mut request: Request, service: &ServiceName) -> Response {
        self.judge(&mut request.trace);
        let request = Arc::new(request);
        let mut record = Record::new(self, &request, Some(service));
        let is_group = edition.configuration.groups.iter().any(|group| group.name == *service);
        let outcome = if is_group {
            Err(asked_group(service))
        } else {
            let _watch = record.watch(Waits::Link);
            self.there(edition, &request, service, request.trace.clone()).await
        };
        record.write(&outcome);
        outcome.unwrap_or_else(Response::from)
    }
}

/// Until when it is worth waiting for a service that is about to be back: whoever is refused anyway is told so now.
fn patience<T>(request: &Request, admitted: &Result<T, Failure>) -> Instant {
    if admitted.is_ok() { request.deadline } else { Instant::now() }
}

fn asked_group(group: &ServiceName) -> Failure {
    let words = format!("{group} is a group: a handler asks one of its members, or by a route that leads to the group");
    Failure::system(400, words.clone(), format!("{words}; mend the handler"))
}

/// The request as it goes on to another host.
fn onward(edition: &Edition, request: &Request, trace: Trace) -> Result<Request, Failure> {
    if request.hops >= hops(edition) {
        return Err(in_a_circle(edition, request));
    }
    Ok(request.forwarded(&edition.application, trace))
}

/// The host's, or that for which the client of a message registered.
fn application(edition: &Edition, request: &Request) -> Arc<str> {
    let message = (request.kind == Kind::Message).then(|| message_of(&request.path)).flatten();
    message.map_or_else(|| Arc::clone(&edition.application), |(application, _)| application.into())
}

/// How often a request may be sent on.
fn hops(edition: &Edition) -> u8 {
    edition.configuration.settings.limits.hops
}

fn not_there(handler: &HandlerName) -> Failure {
    let operator = format!("no module offers the handler {handler}; put its .wasm file into the host's folder");
    Failure::system(503, "The handler of this route is not there", operator).not_run(NotRun::Unable)
}

fn no_route(edition: &Edition, request: &Request, none: &NoRoute) -> Failure {
    match none {
        NoRoute::WrongMethod { allowed } => {
            let allowed = allowed.join(", ");
            let words = format!("{} is not allowed here; allowed: {allowed}", request.method);
            Failure::caller(405, words).with_header("allow", allowed)
        }
        NoRoute::NoSuchDestination(name) => Failure::caller(404, format!("No such destination: {name}")),
        NoRoute::UnknownPath if request.kind == Kind::Message => {
            let (application, kind) = message_of(&request.path).unwrap_or_default();
            Failure::caller(404, format!("Handler not defined for {application} messages of type {kind}"))
        }
        NoRoute::UnknownPath => match &edition.configuration.otherwise {
            Some(otherwise) => Failure::caller(otherwise.status, otherwise.text.clone()),
            None => Failure::caller(404, "url could not be matched"),
        },
    }
}

fn in_a_circle(edition: &Edition, request: &Request) -> Failure {
    let way = request.way_to(&edition.application);
    let words = format!("The request was sent on too often; its routes or handlers lead in a circle: {way}");
    let operator = format!("{words}: {} hops; mend routes.json or the handlers' questions", request.hops);
    Failure::system(508, words, operator)
}
