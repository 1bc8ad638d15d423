//! The whole journey of a request, on one screen.
//! In comes a request of any kind: of a REST client, of another host, of a handler; out goes exactly one response.
//! It holds no socket and no wasm; each step is a call into the part that does it.

use crate::access::{Access, attach_token};
use crate::configuration::Otherwise;
use crate::failure::{Failure, Fault};
use crate::handler::{Call, UpwardRequest};
use crate::link::Links;
use crate::names::{HandlerName, ServiceName};
use crate::pool::Pool;
use crate::request::{Kind, Request};
use crate::response::Response;
use crate::router::{Decision, Destination, NoRoute, Table};
use std::fmt;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Everything that a request passes on this host.
pub struct Dispatch {
    /// The host's name, which is the `application` of the tokens that it writes.
    pub application: Arc<str>,
    /// Which route answers.
    pub table: Table,
    /// What is answered where no route does.
    pub otherwise: Option<Otherwise>,
    /// Who may ask.
    pub access: Arc<Access>,
    /// Where handlers of this host run.
    pub pool: Pool,
    /// The way to other hosts.
    pub links: Links,
    /// How often a request may be sent on.
    pub hops: u8,
}

impl Dispatch {
    /// Answers a request: one response, one log line.
    pub async fn answer(&self, request: Request) -> Response {
        let mut line = LogLine::new(&request, None);
        let outcome = self.journey(&request).await;
        line.write(&outcome);
        let mut response = outcome.unwrap_or_else(Response::from);
        response.headers.retain(|(name, _)| name != "x-request-id");
        response.headers.push(("x-request-id".to_owned(), request.id.to_string()));
        response
    }

    async fn journey(&self, request: &Request) -> Result<Response, Failure> {
        if request.hops > self.hops {
            return Err(in_a_circle(request));
        }
        let decision =
            self.table.decide(&request.method, &request.path).map_err(|none| self.no_route(request, &none))?;
        match &decision.entry.destination {
            Destination::Here(handler) => self.here(request, handler, &decision).await,
            Destination::There(service) => {
                // Refused here what the service would refuse: a forged token never costs a hop. Who shows no token at all
                // is first told that the service is down: any request is to show an operator whether it is there.
                let admitted = self.access.admit(request, decision.entry.authenticate);
                if request.bearer().is_none() {
                    self.links.check(service)?;
                }
                admitted?;
                self.there(request, service).await
            }
        }
    }

    async fn here(
        &self,
        request: &Request,
        handler: &HandlerName,
        decision: &Decision<'_>,
    ) -> Result<Response, Failure> {
        let caller = self.access.admit(request, decision.entry.authenticate)?;
        let call = Call {
            request: request.clone(),
            handler: handler.clone(),
            application: Arc::clone(&self.application),
            route: Arc::clone(&decision.entry.uri),
            variables: decision.variables.clone(),
            session: caller.session.clone(),
        };
        let outcome = self.pool.run(call).await?;
        // A handler that asks another service has a session of its own: the answer to it carries no token.
        if outcome.response.status >= 400 || request.kind == Kind::Service {
            return Ok(outcome.response);
        }
        match self.access.renew(caller, outcome.session)? {
            Some(token) => Ok(attach_token(outcome.response, &token)),
            None => Ok(outcome.response),
        }
    }

    async fn there(&self, request: &Request, service: &ServiceName) -> Result<Response, Failure> {
        if request.hops >= self.hops {
            return Err(in_a_circle(request));
        }
        self.links.ask(service, request.forwarded()).await
    }

    fn no_route(&self, request: &Request, none: &NoRoute) -> Failure {
        match none {
            NoRoute::WrongMethod { allowed } => {
                let allowed = allowed.join(", ");
                let words = format!("{} is not allowed here; allowed: {allowed}", request.method);
                Failure::caller(405, words).with_header("allow", allowed)
            }
            NoRoute::UnknownPath => match &self.otherwise {
                Some(otherwise) => Failure::caller(otherwise.status, otherwise.text.clone()),
                None => Failure::caller(404, "url could not be matched"),
            },
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
        let UpwardRequest { request, service, asker, mut reply } = question;
        let _asking = (asker == Kind::Service).then(|| self.pool.asking());
        let elsewhere = service.filter(|service| service.as_str() != &*self.application);
        let answering = async {
            match elsewhere {
                Some(service) => self.answer_there(request, &service).await,
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

    async fn answer_there(&self, request: Request, service: &ServiceName) -> Response {
        let mut line = LogLine::new(&request, Some(service));
        let outcome = self.there(&request, service).await;
        line.write(&outcome);
        outcome.unwrap_or_else(Response::from)
    }
}

fn in_a_circle(request: &Request) -> Failure {
    let words = "The request was sent on too often; its routes or handlers lead in a circle";
    Failure::system(508, words, format!("{words}: {} hops; mend routes.json or the handlers' questions", request.hops))
}

/// One line for each request, also for one whose caller went away before the answer.
struct LogLine<'a> {
    request: &'a Request,
    /// The service that a handler asked by name.
    asked: Option<&'a ServiceName>,
    started: Instant,
    written: bool,
}

impl<'a> LogLine<'a> {
    fn new(request: &'a Request, asked: Option<&'a ServiceName>) -> Self {
        Self { request, asked, started: Instant::now(), written: false }
    }

    /// Who is to look at it decides how loud it is.
    fn write(&mut self, outcome: &Result<Response, Failure>) {
        self.written = true;
        let (what, id) = (self.what(), self.request.id.as_str());
        let milliseconds = self.started.elapsed().as_secs_f64() * 1000.0;
        match outcome {
            Ok(response) => {
                tracing::info!(request = id, "{what} -> {} in {milliseconds:.1} ms", response.status);
            }
            Err(failure) => {
                let words = crate::logging::one_line(failure.operator.as_deref().unwrap_or(&failure.caller));
                let status = failure.status;
                match failure.fault {
                    Fault::Caller => {
                        tracing::info!(request = id, "{what} -> {status} in {milliseconds:.1} ms: {words}");
                    }
                    Fault::System => {
                        tracing::warn!(request = id, "{what} -> {status} in {milliseconds:.1} ms: {words}");
                    }
                }
            }
        }
    }

    /// The request in the words of the log; a question of a handler says whom it was asked.
    fn what(&self) -> What<'_> {
        What(self)
    }
}

/// Formatted only if the line is wanted.
struct What<'a>(&'a LogLine<'a>);

impl fmt::Display for What<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { method, path, .. } = self.0.request;
        match self.0.asked {
            Some(service) => write!(formatter, "asked {service}: {method} {path:?}"),
            None => write!(formatter, "{method} {path:?}"),
        }
    }
}

impl Drop for LogLine<'_> {
    fn drop(&mut self) {
        if !self.written {
            tracing::info!(request = self.request.id.as_str(), "{} was given up by its caller", self.what());
        }
    }
}
