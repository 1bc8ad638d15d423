//! Reads routes.json.
//! In comes the file as a located tree; out go the routes in the order of the file, each with its place.
//! Which of them belong to this host, and which hide each other, the router decides.

use super::application::Application;
use super::block::Block;
use super::destinations;
use super::keys::{Form, HOST_NAME, Keys, Kind, NAME, TEXT, Usual, form, key};
use super::limits::{DEFAULT_ELSE_STATUS, DEFAULT_ELSE_TEXT};
use super::messages;
use super::problem::{Place, Report};
use super::tree::{Node, Value};
use super::uri::{self, Part};
use crate::names::{HandlerName, ServiceName};
use crate::request::MESSAGE;
use std::fmt;

/// One route of routes.json.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Where it begins.
    pub place: Place,
    /// The pattern as written, such as `/api/user/:id`; `/<application>/<type>` for messages.
    pub uri: String,
    /// The pattern in parts.
    pub parts: Vec<Part>,
    /// Which requests it takes. Default GET.
    pub method: Method,
    /// Who answers. Missing only where the request is sent on.
    pub handler: Option<HandlerName>,
    /// Where it is answered, if not on the host that reads the route: a microservice, or a group of them.
    pub on_microservice: Option<ServiceName>,
    /// Among which microservices and groups the path variable `destination` chooses.
    pub on_microservices: Vec<ServiceName>,
    /// The microservice from whose folder the handler comes, if not the answering host's own.
    pub handler_source: Option<ServiceName>,
    /// The hosts that may send requests along it (`orchestrator` is one of the names); `None` means all.
    pub from_microservices: Option<Vec<ServiceName>>,
    /// Whether a valid token is needed. Default true.
    pub authenticate: bool,
    /// A request to try, for `qewd dev`.
    pub example: Option<Example>,
}

impl Route {
    /// The names to which it may lead, as written: `on_microservice` first.
    pub fn destinations(&self) -> impl Iterator<Item = &ServiceName> {
        self.on_microservice.iter().chain(&self.on_microservices)
    }

    /// Whether its path says which of them is meant.
    #[must_use]
    pub fn has_choice(&self) -> bool {
        uri::has_variable(&self.parts, DESTINATION)
    }
}

/// The path variable that chooses where a request goes.
pub const DESTINATION: &str = "destination";

/// Which requests a route takes: the HTTP method, or messages in place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `ANY`: every HTTP method.
    Any,
    /// One method, upper case.
    Verb(&'static str),
    /// Messages of WebSocket clients, which no HTTP request can reach.
    Message,
}

/// The methods that a route may name.
pub const VERBS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

impl Method {
    /// The method as routes.json has it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Any => "ANY",
            Self::Verb(verb) => verb,
            Self::Message => MESSAGE,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A request to try a route with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Example {
    /// The path, for routes with variables.
    pub path: Option<String>,
    /// The JSON body.
    pub body: Option<serde_json::Value>,
}

/// The answer to paths that no route has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otherwise {
    /// HTTP status. Default 404.
    pub status: u16,
    /// Words for the caller. Default `Not Found`.
    pub text: String,
}

/// A route, for requests or for messages.
pub(super) const ROUTE_KEYS: Keys = Keys {
    idle: &[
        ("applyBeforeHandler", "handlers check what they need themselves: remove the key"),
        ("imported", "routes are not imported from other hosts: remove the key"),
        ("bypassJWTCheck", "write \"authenticate\": false instead"),
    ],
    refused: &[("router", "write one route for each destination"), ("else", "put it into an object of its own")],
    ..Keys::new(
        "route",
        &[
            key(
                "uri",
                form("^/[^?#]*$"),
                "The path, with :name for a segment, *name for any rest and ( ) around what may be missing.",
            ),
            key("method", Kind::Choice(&METHODS), "The HTTP method; a GET route answers HEAD too.")
                .usually(Usual::Text("GET")),
            key(
                "application",
                form("^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$"),
                "The application of the messages that the route takes.",
            ),
            key(
                "type",
                Kind::Text(Form {
                    pattern: "^[^\\u0000-\\u001f\\u007f]{1,128}$",
                    never: "^(ewd-|qoper8-|(restRequest|error)$)",
                }),
                "The type of the messages that the route takes; * for every type of the application.",
            ),
            key("handler", form("^[A-Za-z0-9_./-]{1,128}$"), "The name of the handler that answers.")
                .usually(Usual::Words("none: the request is sent on")),
            key("on_microservice", NAME, "The microservice that answers, or a group that answers together.")
                .usually(Usual::Words("the orchestrator answers")),
            key("on_microservices", Kind::Texts(&NAME, 1), "Among which the variable :destination of the uri chooses."),
            key("handler_source", NAME, "The microservice from whose folder the handler comes.")
                .usually(Usual::Words("the host that answers")),
            key("from_microservices", Kind::Texts(&HOST_NAME, 0), "The hosts that may send requests along the route.")
                .usually(Usual::Words("all")),
            key("authenticate", Kind::Flag, "Whether the caller needs a valid token.").usually(Usual::Flag(true)),
            key("example", Kind::Object(&EXAMPLE_KEYS), "A request that `qewd dev` shows to try."),
        ],
    )
};

/// The methods that a route may name, and the one that stands for all.
const METHODS: [&str; 8] = {
    let [a, b, c, d, e, f, g] = VERBS;
    [a, b, c, d, e, f, g, "ANY"]
};

/// The entry for paths that no route has.
pub(super) const ELSE_ENTRY_KEYS: Keys =
    Keys::new("otherwise", &[key("else", Kind::Object(&ELSE_KEYS), "The answer to paths that no route has.").must()]);
const ELSE_KEYS: Keys = Keys::new(
    "answer",
    &[
        key("statusCode", Kind::Whole(200, 599), "The HTTP status.").usually(Usual::Number(DEFAULT_ELSE_STATUS as u64)),
        key("text", TEXT, "The words in {\"error\": …}.").usually(Usual::Text(DEFAULT_ELSE_TEXT)),
    ],
);
const EXAMPLE_KEYS: Keys = Keys::new(
    "example",
    &[key("path", TEXT, "The path, for routes with variables."), key("body", Kind::Any, "The JSON body.")],
);

/// Reads the file; all problems are in the report.
pub(crate) fn read(root: &Node, application: &Application, report: &mut Report) -> (Vec<Route>, Option<Otherwise>) {
    let (mut routes, mut otherwise) = (Vec::new(), None);
    let Value::List(items) = &root.value else {
        let what = format!("the file must be a list of routes, but is {}", root.described());
        report.error(Some(root.at), what, "write [ … ] around the routes");
        return (routes, otherwise);
    };
    for item in items {
        let has = |name: &str| match &item.value {
            Value::Object(members) => members.iter().any(|member| member.name == name),
            _ => false,
        };
        if has("else") && !has("uri") {
            if otherwise.is_some() {
                report.error(Some(item.at), "there is more than one \"else\"", "keep one of them");
            }
            otherwise =
                Block::open(item, "a route", &ELSE_ENTRY_KEYS, report).and_then(|mut entry| read_else(&mut entry));
        } else if let Some(mut block) = Block::open(item, "a route", &ROUTE_KEYS, report) {
            routes.extend(route(&mut block, application));
        }
    }
    (routes, otherwise)
}

fn read_else(entry: &mut Block<'_, '_>) -> Option<Otherwise> {
    let mut block = entry.inner("else", &ELSE_KEYS)?;
    let status = block.whole("statusCode");
    Some(Otherwise {
        status: status.unwrap_or(DEFAULT_ELSE_STATUS),
        text: block.text("text").unwrap_or(DEFAULT_ELSE_TEXT).to_owned(),
    })
}

fn route(block: &mut Block<'_, '_>, application: &Application) -> Option<Route> {
    let place = block.report.place(block.at);
    let (path, method) = if messages::is_for_messages(block) {
        (messages::read(block), Method::Message)
    } else {
        (read_uri(block), method(block))
    };
    let handler = handler(block);
    let on_microservice = destinations::on_microservice(block, application);
    let on_microservices = destinations::on_microservices(block, application);
    let handler_source = destinations::handler_source(block, application);
    let from_microservices = destinations::from_microservices(block, application);
    let authenticate = block.flag("authenticate").unwrap_or(true);
    let example = block.inner("example", &EXAMPLE_KEYS).map(|mut example| Example {
        path: example.text("path").map(str::to_owned),
        body: example.get("body").map(Node::to_json),
    });
    let (uri, parts) = path?;
    // What is wrong was said already; taken for a route of the orchestrator it would only add wrong problems.
    destinations::check_choice(block, &parts).ok()?;
    let on_microservice = on_microservice.ok()?;
    let on_microservices = on_microservices.ok()?;
    Some(Route {
        place,
        uri,
        parts,
        method,
        handler,
        on_microservice,
        on_microservices,
        handler_source,
        from_microservices,
        authenticate,
        example,
    })
}

fn read_uri(block: &mut Block<'_, '_>) -> Option<(String, Vec<Part>)> {
    if block.get("uri").is_none() {
        block.error("uri", "this route has no \"uri\"", "add \"uri\": \"/api/…\"");
    }
    let text = block.text("uri")?;
    match uri::parse(text) {
        Ok(parts) => Some((text.to_owned(), parts)),
        Err(failure) => {
            block.error("uri", format!("bad uri {text:?}: {}", failure.what), failure.mend);
            None
        }
    }
}

fn method(block: &mut Block<'_, '_>) -> Method {
    let text = block.text("method").unwrap_or("GET");
    let find = |text: &str| match text {
        "ANY" => Some(Method::Any),
        other => VERBS.into_iter().find(|verb| *verb == other).map(Method::Verb),
    };
    find(text).unwrap_or_else(|| {
        let upper = text.to_uppercase();
        let mend = match find(&upper) {
            Some(_) => format!("write {upper:?}"),
            None => format!("use one of {}, ANY", VERBS.join(", ")),
        };
        block.error("method", format!("\"method\" is {text:?}"), mend);
        Method::Any
    })
}

fn handler(block: &mut Block<'_, '_>) -> Option<HandlerName> {
    if block.get("handler").is_none() {
        // Who only sends such a request on needs no handler: the router knows who has to answer.
        if block.get("on_microservice").is_none() && block.get("on_microservices").is_none() {
            block.error("handler", "this route has no \"handler\"", "add \"handler\": \"…\", the name of who answers");
        }
        return None;
    }
    match HandlerName::new(block.text("handler")?) {
        Ok(name) => Some(name),
        Err(failure) => {
            block.error("handler", failure.to_string(), "give the handler another name");
            None
        }
    }
}
