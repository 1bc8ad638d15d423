//! The routes of this host, in the order of routes.json.
//! In comes the configuration; out goes a table that decides, or every route that could never be reached.
//! A request is never sent anywhere here.

use super::path;
use super::pattern::Pattern;
use crate::configuration::{Configuration, Example, Method, Part, Place, Problem, Problems, Route};
use crate::names::{HandlerName, HostName, ServiceName, is_control_type};
use crate::request::{Kind, message_of};
use std::sync::Arc;

/// A route of this host.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The pattern as written.
    pub uri: Arc<str>,
    /// Which requests it takes.
    pub method: Method,
    /// Whether a valid token is needed.
    pub authenticate: bool,
    /// Where its requests go.
    pub destination: Destination,
    /// The handler that the route names, also where another host answers.
    pub handler: Option<HandlerName>,
    /// Where it stands in routes.json.
    pub place: Place,
    /// A request to try.
    pub example: Option<Example>,
}

/// Where a route's requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To a handler of this host.
    Here(HandlerName),
    /// To another host, over a link.
    There(ServiceName),
}

/// The route of a request.
#[derive(Debug)]
pub struct Decision<'t> {
    /// The route.
    pub entry: &'t Entry,
    /// The decoded variables in the order of the pattern; those of optional parts that the path lacks are missing.
    pub variables: Vec<(String, String)>,
}

/// Why a request has no route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// No pattern fits the path.
    UnknownPath,
    /// Patterns fit the path, but none takes the method.
    WrongMethod {
        /// The methods that the path takes, in the order of the file.
        allowed: Vec<String>,
    },
}

/// The routes of this host.
#[derive(Debug, Default)]
pub struct Table {
    entries: Vec<Entry>,
    /// One for each entry.
    patterns: Vec<Pattern>,
}

impl Table {
    /// Prepares the routes that belong to this host.
    ///
    /// # Errors
    /// When a route is written twice, is hidden by an earlier one, or has nobody to answer it: all of them at once.
    pub fn new(configuration: &Configuration) -> Result<Self, Problems> {
        let (table, problems) = Self::survey(configuration);
        if problems.is_empty() { Ok(table) } else { Err(Problems(problems)) }
    }

    /// Prepares the routes as far as they are sound, for a check of the files: the table, and every problem.
    #[must_use]
    pub fn survey(configuration: &Configuration) -> (Self, Vec<Problem>) {
        let (mut table, mut problems) = (Self { entries: Vec::new(), patterns: Vec::new() }, Vec::new());
        for route in &configuration.routes {
            let Some(target) = target(route, configuration) else {
                continue;
            };
            let destination = match (target, &route.handler) {
                (Target::There(service), _) => Destination::There(service),
                (Target::Here, Some(handler)) => Destination::Here(handler.clone()),
                (Target::Here, None) => {
                    let what = "this route has no \"handler\"";
                    problems.push(Problem::at(&route.place, what, "add \"handler\": \"…\", the name of who answers"));
                    continue;
                }
            };
            if route.uri == crate::link::PATH {
                let what = format!("the path {} belongs to the links between hosts", route.uri);
                problems.push(Problem::at(&route.place, what, "choose another path"));
            }
            let pattern = Pattern::new(&route.parts);
            problems.extend(table.unreachable(route, &route.parts, &pattern));
            table.patterns.push(pattern);
            table.entries.push(Entry {
                uri: route.uri.as_str().into(),
                method: route.method,
                authenticate: route.authenticate,
                destination,
                handler: route.handler.clone(),
                place: route.place.clone(),
                example: route.example.clone(),
            });
        }
        (table, problems)
    }

    /// Finds the route of a request: the first whose pattern and method fit. The path comes percent-encoded and
    /// without the query, the method in upper case. Messages meet routes for messages, all else meets the others.
    ///
    /// # Errors
    /// When no route fits; a path with a broken escape fits none.
    pub fn decide(&self, kind: Kind, method: &str, path: &str) -> Result<Decision<'_>, NoRoute> {
        if kind == Kind::Message {
            return self.decide_message(path);
        }
        let decoded = path::decoded(path).ok_or(NoRoute::UnknownPath)?;
        let mut allowed: Vec<String> = Vec::new();
        for (entry, pattern) in self.prepared().filter(|(entry, _)| entry.method != Method::Message) {
            let Some(variables) = pattern.variables(&decoded) else {
                continue;
            };
            let methods = methods(entry.method);
            if entry.method == Method::Any || methods.contains(&method) {
                return Ok(Decision { entry, variables });
            }
            for method in methods {
                if !allowed.iter().any(|known| known == method) {
                    allowed.push((*method).to_owned());
                }
            }
        }
        Err(if allowed.is_empty() { NoRoute::UnknownPath } else { NoRoute::WrongMethod { allowed } })
    }

    fn decide_message(&self, path: &str) -> Result<Decision<'_>, NoRoute> {
        // A route for every type of an application does not take those of the connection itself.
        let is_control = message_of(path).is_none_or(|(_, kind)| is_control_type(&kind));
        let decoded = path::decoded(path).filter(|_| !is_control).ok_or(NoRoute::UnknownPath)?;
        let mut messages = self.prepared().filter(|(entry, _)| entry.method == Method::Message);
        let found =
            messages.find_map(|(entry, pattern)| Some(Decision { entry, variables: pattern.variables(&decoded)? }));
        found.ok_or(NoRoute::UnknownPath)
    }

    fn prepared(&self) -> impl Iterator<Item = (&Entry, &Pattern)> {
        self.entries.iter().zip(&self.patterns)
    }

    /// The routes of this host in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The problem of a route whose requests would all go to an earlier one.
    fn unreachable(&self, route: &Route, parts: &[Part], pattern: &Pattern) -> Option<Problem> {
        let name = format!("{} {}", route.method, route.uri);
        let twice = self.prepared().find(|(entry, other)| entry.method == route.method && other.has_shape_of(pattern));
        if let Some((earlier, _)) = twice {
            let what = format!("{name} stands already on line {}, as {}", earlier.place.line, earlier.uri);
            return Some(Problem::at(&route.place, what, "remove one of the two"));
        }
        let hiding = |entry: &Entry| match (entry.method, route.method) {
            (Method::Message, Method::Message) => true,
            (Method::Message, _) | (_, Method::Message) | (Method::Verb(_), Method::Any) => false,
            (Method::Any, _) => true,
            (Method::Verb(earlier), Method::Verb(later)) => methods_of(earlier).contains(&later),
        };
        let (earlier, _) = self.prepared().find(|(entry, other)| hiding(entry) && other.hides(parts))?;
        let line = earlier.place.line;
        let what =
            format!("{name} is never reached: {} {} on line {line} takes its requests", earlier.method, earlier.uri);
        Some(Problem::at(&route.place, what, format!("move it above line {line}")))
    }
}

/// Where a route of this host leads.
enum Target {
    Here,
    There(ServiceName),
}

/// Where a route leads; `None` if it does not belong to this host.
fn target(route: &Route, configuration: &Configuration) -> Option<Target> {
    let host = &configuration.host;
    let service = route.on_microservice.as_ref();
    let may_send = route
        .from_microservices
        .as_ref()
        .is_none_or(|callers| callers.iter().any(|caller| caller.as_str() == host.as_str()));
    match (host, service) {
        (HostName::Orchestrator, None) => may_send.then_some(Target::Here),
        (HostName::Orchestrator, Some(service)) => may_send.then(|| Target::There(service.clone())),
        (HostName::Microservice(own), Some(service)) if service == own => Some(Target::Here),
        (HostName::Microservice(_), Some(service)) => {
            (may_send && configuration.links.contains(service)).then(|| Target::There(service.clone()))
        }
        (HostName::Microservice(_), None) => configuration.standalone.then_some(Target::Here),
    }
}

/// The methods that a route takes; for `ANY` there is no list.
fn methods(method: Method) -> &'static [&'static str] {
    match method {
        Method::Any | Method::Message => &[],
        Method::Verb(verb) => methods_of(verb),
    }
}

/// The methods that a route with this verb takes: a GET route also answers HEAD.
fn methods_of(verb: &'static str) -> &'static [&'static str] {
    const ALONE: [&[&str]; 6] = [&["POST"], &["PUT"], &["PATCH"], &["DELETE"], &["HEAD"], &["OPTIONS"]];
    match verb {
        "GET" => &["GET", "HEAD"],
        other => ALONE.into_iter().find(|list| list.contains(&other)).unwrap_or(&[]),
    }
}
