//! Calls handlers in plain tests, without a host.
//! In come a request, services and settings that the test makes; out go the answer, the session and the log lines.
//! It is no part of a module: only `[dev-dependencies]` ask for the feature `testing`.
//!
//! ```
//! use qewd_sdk::{Failure, Request, log, services, testing};
//! use serde_json::{Value, json};
//!
//! fn greeting(request: &mut Request) -> Result<Value, Failure> {
//!     let user: Value = services::get("/api/user").ask().ok()?.json()?;
//!     log::info("greeted", &[("id", &request.variable("id")?)]);
//!     request.session.set("greeted", true)?;
//!     Ok(json!({"greeting": format!("Hello {}", user["username"].as_str().unwrap_or("you"))}))
//! }
//!
//! testing::answer_services(|question| match question.path.as_str() {
//!     "/api/user" => testing::answer(200, &json!({"username": "rob"})),
//!     _ => testing::answer(404, &json!({"error": "no such route"})),
//! });
//! let mut request = testing::get("/api/greeting/7").variable("id", "7").request();
//! let response = testing::call(greeting, &mut request).unwrap();
//!
//! assert_eq!(response.body_json::<Value>().unwrap(), json!({"greeting": "Hello rob"}));
//! assert_eq!(request.session.get("greeted"), Some(true));
//! assert_eq!(testing::log_lines()[0].to_string(), "info greeted id=7");
//! ```

use crate::bindings::qewd::handler::{log, messages as wire_messages, services as wire, types};
use crate::packed::Packed;
use crate::services::{Answer, Question};
use crate::stand_in::{self, State};
use crate::{Failure, Kind, Reply, Request, Response, Session, export};
use serde_json::Value;
use std::fmt;
use std::rc::Rc;

/// Calls a handler as a host does, but leaves the request here, so that a test can look at its session.
///
/// # Errors
/// The failure that the handler returned.
pub fn call<R: Reply>(handler: fn(&mut Request) -> R, request: &mut Request) -> Result<Response, Failure> {
    export::answer(handler, request)
}

/// A request with the method GET. The path is without a query: see [`Builder::query`].
pub fn get(path: &str) -> Builder {
    request("GET", path)
}

/// A request with the method POST.
pub fn post(path: &str) -> Builder {
    request("POST", path)
}

/// A request with the method PUT.
pub fn put(path: &str) -> Builder {
    request("PUT", path)
}

/// A request with the method DELETE.
pub fn delete(path: &str) -> Builder {
    request("DELETE", path)
}

/// A request with any method.
pub fn request(method: &str, path: &str) -> Builder {
    let wire = types::Request {
        id: "test".to_owned(),
        handler: "handler".to_owned(),
        application: "test".to_owned(),
        kind: Kind::Rest,
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        route: path.to_owned(),
        variables: Vec::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        client_address: "127.0.0.1".to_owned(),
        session: types::Session { claims: Vec::new(), secret: Vec::new() },
    };
    Builder { wire, session: Session::empty() }
}

/// A request that a test is making.
#[must_use]
pub struct Builder {
    wire: types::Request,
    session: Session,
}

impl Builder {
    /// The request's id; else `test`.
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.wire.id);
        self
    }

    /// The handler's name; else `handler`.
    pub fn handler(mut self, name: &str) -> Self {
        name.clone_into(&mut self.wire.handler);
        self
    }

    /// The application; else `test`.
    pub fn application(mut self, name: &str) -> Self {
        name.clone_into(&mut self.wire.application);
        self
    }

    /// How the request came; else from a REST client.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.wire.kind = kind;
        self
    }

    /// The route's `uri`; else the path.
    pub fn route(mut self, uri: &str) -> Self {
        uri.clone_into(&mut self.wire.route);
        self
    }

    /// The client's address; else `127.0.0.1`.
    pub fn client_address(mut self, address: &str) -> Self {
        address.clone_into(&mut self.wire.client_address);
        self
    }

    /// One more path variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.wire.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One more parameter of the query, in plain text.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.wire.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.wire.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// Any body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.wire.body = body.into();
        self
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// A value of the session with which the request comes: any name, such as `exp` too.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.session.begin_with(name, value.into());
        self
    }

    /// Prepares the session with which the request comes: `.session(|session| session.set_authenticated(true))`.
    pub fn session(mut self, prepare: impl FnOnce(&mut Session)) -> Self {
        prepare(&mut self.session);
        self
    }

    /// The request.
    #[must_use]
    pub fn request(mut self) -> Request {
        self.session.begin();
        Request::with_session(Packed::new(self.wire.into()), self.session)
    }
}

/// From now on, `answer` answers what handlers of this thread ask through [`services`](crate::services). Without it
/// every service is down.
pub fn answer_services(answer: impl Fn(&Question) -> Answer + 'static) {
    let services = move |question: &wire::Question| {
        let wire::Question { service, method, path, headers, body } = question.clone();
        let Answer { status, headers, body } = answer(&Question { service, method, path, headers, body });
        wire::Answer { status, headers, body }
    };
    stand_in::with(|state| state.services = Some(Rc::new(services)));
}

/// An answer with a JSON body, for [`answer_services`].
#[must_use]
pub fn answer(status: u16, body: &Value) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Answer { status, headers, body: body.to_string().into_bytes() }
}

/// From now on, handlers of this thread find this setting.
pub fn set_setting(name: &str, value: impl Into<Value>) {
    let value = value.into().to_string().into_bytes();
    stand_in::with(|state| state.settings.insert(name.to_owned(), value));
}

/// The lines that handlers of this thread wrote since it was last asked.
#[must_use]
pub fn log_lines() -> Vec<LogLine> {
    let lines = stand_in::with(|state| std::mem::take(&mut state.lines));
    lines.into_iter().map(|(level, message, fields)| LogLine { level: name_of(level), message, fields }).collect()
}

/// A request that a WebSocket client sent as a message of this type, with these `params`.
pub fn message(application: &str, kind: &str, params: &Value) -> Builder {
    let path = format!("/{}/{}", crate::services::encode(application), crate::services::encode(kind));
    let body = serde_json::json!({ "type": kind, "params": params });
    request("MESSAGE", &path).kind(Kind::Message).application(application).json(&body)
}

/// The messages to WebSocket clients that handlers of this thread sent since it was last asked.
#[must_use]
pub fn messages() -> Vec<Message> {
    let messages = stand_in::with(|state| std::mem::take(&mut state.messages));
    let read = |(to, kind, message): (Option<wire_messages::Hearer>, Option<String>, Vec<u8>)| Message {
        to: match to {
            None => Hearer::Waiting,
            Some(wire_messages::Hearer::Client(id)) => Hearer::Client(id),
            Some(wire_messages::Hearer::Application(name)) => Hearer::Application(name),
        },
        kind,
        message: serde_json::from_slice(&message).unwrap_or_default(),
    };
    messages.into_iter().map(read).collect()
}

/// A message to WebSocket clients.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who was to hear it.
    pub to: Hearer,
    /// Its type; none: that of the client's own message.
    pub kind: Option<String>,
    /// What it said.
    pub message: Value,
}

/// Who was to hear a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearer {
    /// The client that waits for the answer.
    Waiting,
    /// The client with this socket.
    Client(String),
    /// Every client of this application.
    Application(String),
}

/// Forgets all documents of this thread.
pub fn forget_documents() {
    stand_in::with(|state| state.documents = None);
}

/// From now on, the documents of this thread have these indexes, written as in config.json; what was in them is forgotten.
///
/// ```
/// use qewd_sdk::{documents, testing};
/// use serde_json::json;
///
/// let index = json!({"documentName": "ordersIndex", "path": "by_user/:value/:id"});
/// testing::set_indexes(&json!({"orders": {":id/user": index}})).unwrap();
/// documents::open("orders").at((7, "user")).set("rob").unwrap();
/// assert!(documents::open("ordersIndex").at(("by_user", "rob", 7)).exists().unwrap());
/// ```
///
/// # Errors
/// What is wrong with the definitions.
pub fn set_indexes(definitions: &Value) -> Result<(), Failure> {
    let indexes = qewd_documents::Indexes::from_json(definitions.to_string().as_bytes())?;
    let documents = stand_in::documents::Documents::with(indexes)
        .map_err(|_| Failure::new("The store in memory cannot be opened").status(500))?;
    stand_in::with(|state| state.documents = Some(documents));
    Ok(())
}

/// What another request does with the documents, in the midst of the one that runs: for tests of transactions and locks.
///
/// ```
/// use qewd_sdk::{documents, testing};
///
/// let stock = documents::open("stock").at("tea");
/// stock.set(&5).unwrap();
/// let mut attempts = 0;
/// documents::transaction(|| {
///     attempts += 1;
///     let pieces: i64 = stock.get()?.unwrap_or(0);
///     if attempts == 1 {
///         testing::meanwhile(|| stock.set(&100))?;
///     }
///     stock.set(&(pieces - 1))
/// })
/// .unwrap();
/// assert_eq!((attempts, stock.get().unwrap()), (2, Some(99)));
/// ```
pub fn meanwhile<T>(work: impl FnOnce() -> T) -> T {
    crate::documents::apart(|| stand_in::documents::apart(work))
}

/// Forgets messages, services, settings, documents and log lines. Only needed where one thread runs several tests.
pub fn reset() {
    stand_in::with(|state| *state = State::default());
}

/// A line that a handler wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// The words.
    pub message: String,
    /// Names and values.
    pub fields: Vec<(String, String)>,
}

impl fmt::Display for LogLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.level, self.message)?;
        self.fields.iter().try_for_each(|(name, value)| write!(formatter, " {name}={value}"))
    }
}

fn name_of(level: log::Level) -> &'static str {
    match level {
        log::Level::Debug => "debug",
        log::Level::Info => "info",
        log::Level::Warn => "warn",
        log::Level::Error => "error",
    }
}
