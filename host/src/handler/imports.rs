//! Everything that a handler may call in its host.
//! In come calls from wasm; out go log lines, settings, and questions to other services.
//! The way up is one channel whose receiving end belongs to `dispatch`: nothing here routes or answers.

use super::bindings::qewd::handler::{log, services, settings, types};
use super::documents::words_of;
use super::instance::State;
use super::output::Loudness;
use crate::logging::LINE_BYTES;
use crate::names::ServiceName;
use crate::request::{Kind, Request, is_method};
use crate::response::Response;
use crate::trace::Trace;
use qewd_documents::EngineFailure;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Questions for one request: far above what one answer needs, and each one is a line in a log.
const QUESTIONS: usize = 1000;

/// A handler's question on its way to `dispatch`.
#[derive(Debug)]
pub struct UpwardRequest {
    /// The question as a request; it carries the caller's token, deadline and id.
    pub request: Request,
    /// Which service is meant; none: the one that the route table names.
    pub service: Option<ServiceName>,
    /// How the request came whose handler asks.
    pub asker: Kind,
    /// The name of the module whose handler asks.
    pub module: Arc<str>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Response>,
}

/// The only way up from a handler.
pub type Upward = mpsc::Sender<UpwardRequest>;

/// What of the caller's request goes along with the questions that its handler asks.
pub(super) struct Asker {
    pub(super) request: Arc<Request>,
    /// The span of the handler.
    pub(super) trace: Trace,
    /// How many messages it has pushed.
    pub(super) pushes: usize,
    /// How many it has asked.
    pub(super) questions: usize,
}

impl types::Host for State {}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String, fields: Vec<(String, String)>) {
        let loudness = match level {
            log::Level::Debug => Loudness::Debug,
            log::Level::Info => Loudness::Info,
            log::Level::Warn => Loudness::Warn,
            log::Level::Error => Loudness::Error,
        };
        let mut line = message;
        for (name, value) in &fields {
            // The log cuts it there; more would only take time, and time in the host has no deadline.
            if line.len() > LINE_BYTES {
                break;
            }
            line.push(' ');
            line.push_str(name);
            line.push('=');
            line.push_str(value);
        }
        self.log.write(loudness, &line);
    }
}

impl settings::Host for State {
    fn get(&mut self, name: String) -> Option<Vec<u8>> {
        self.shared.user_defined.get(&name).map(|value| value.to_string().into_bytes())
    }
}

impl services::Host for State {
    async fn ask(&mut self, question: services::Question) -> services::Answer {
        let answer = match self.ask_upward(question).await {
            Ok(response) => response,
            Err(failure) => Response::from(failure),
        };
        services::Answer { status: answer.status, headers: answer.headers, body: answer.body.into() }
    }
}

impl State {
    async fn ask_upward(&mut self, question: services::Question) -> Result<Response, crate::failure::Failure> {
        use crate::failure::Failure;
        let service = question.service.as_deref().map(ServiceName::new).transpose();
        let service = service.map_err(|bad| Failure::caller(400, bad.to_string()))?;
        // Another service must not hear of what a power cut could undo.
        self.settle().await.map_err(|failure| not_kept(&failure))?;
        let Some(asker) = &mut self.asker else {
            return Err(Failure::caller(500, "Services can be asked only while a request is handled"));
        };
        asker.questions += 1;
        if asker.questions > QUESTIONS {
            if asker.questions == QUESTIONS + 1 {
                self.log.write(Loudness::Warn, "no further question of this request is answered: it asked too many");
            }
            return Err(Failure::caller(508, format!("A handler may ask {QUESTIONS} questions for one request")));
        }
        let request = asker.request(question)?;
        let (reply, answer) = oneshot::channel();
        let sent = self
            .shared
            .upward
            .send(UpwardRequest {
                request,
                service,
                asker: asker.request.kind,
                module: Arc::clone(&self.module),
                reply,
            })
            .await;
        sent.map_err(|_| Failure::caller(503, "The host is stopping"))?;
        answer.await.map_err(|_| Failure::caller(503, "The host is stopping"))
    }
}

/// The words for whoever would have heard of a write that is not on the disk.
fn not_kept(failure: &EngineFailure) -> crate::failure::Failure {
    let (status, words) = words_of(failure);
    crate::failure::Failure::system(status, words, format!("what a handler has written is not on the disk: {failure}"))
}

impl Asker {
    fn request(&self, question: services::Question) -> Result<Request, crate::failure::Failure> {
        let (path, query) = question.path.split_once('?').unwrap_or((&question.path, ""));
        if !is_method(&question.method) {
            return Err(crate::failure::Failure::caller(400, "The method of a question is a word such as GET"));
        }
        if !path.starts_with('/') {
            return Err(crate::failure::Failure::caller(400, "The path of a question begins with /"));
        }
        let mut headers: Vec<(String, String)> =
            question.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let has = |headers: &[(String, String)], name: &str| headers.iter().any(|(header, _)| header == name);
        if let Some(authorization) = self.request.header("authorization").filter(|_| !has(&headers, "authorization")) {
            headers.push(("authorization".to_owned(), authorization.to_owned()));
        }
        // A handler that passes its caller's headers on names its own span. Another trace is its own will, if it is one at all.
        let mut trace = Trace::take(&mut headers).unwrap_or_else(|| self.trace.child());
        trace.goes_on = trace.goes_on && (trace.id != self.trace.id || self.trace.goes_on);
        Ok(Request {
            id: self.request.id.clone(),
            kind: Kind::Service,
            method: question.method.to_ascii_uppercase(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: question.body.into(),
            client_address: self.request.client_address.clone(),
            deadline: self.request.deadline,
            hops: self.request.hops.saturating_add(1),
            parts: None,
            // `dispatch` adds this host, whose name no handler knows for sure.
            way: self.request.way.clone(),
            token_in_header: false,
            as_member: false,
            trace,
        })
    }
}
