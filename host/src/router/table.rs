//! The routes of this host, in the order of routes.json.
//! In comes the configuration; out goes a table that decides, or every route that could never be reached.
//! A request is never sent anywhere here.

use super::belonging::{Belonging, belonging};
use super::index::Index;
use super::path;
use super::pattern::Pattern;
use crate::configuration::{Configuration, DESTINATION, Example, Method, Place, Problem, Problems, Route};
use crate::message::{AJAX_PATH, SOCKET_PATH};
use crate::names::{HandlerName, ServiceName, is_control_type};
use crate::request::{Kind, MONITOR_PATH, message_of};
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
    pub destinations: Destinations,
    /// The handler that the route names, also where another host answers.
    pub handler: Option<HandlerName>,
    /// The microservice from whose folder the handler comes, if not this host's own.
    pub source: Option<ServiceName>,
    /// Where it stands in routes.json.
    pub place: Place,
    /// A request to try.
    pub example: Option<Example>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To a handler of this host.
    Here(HandlerName),
    /// To another host, over a link.
    There(ServiceName),
    /// To all members of a group at once; this host may be one of them.
    Members(Vec<ServiceName>),
}

/// Where a route's requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destinations {
    /// All of them to the same place.
    One(Destination),
    /// Each to the one that the path variable `destination` names.
    Chosen(Vec<Choice>),
}

/// One of the places among which a path chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the path says.
    pub name: ServiceName,
    /// Where it leads.
    pub destination: Destination,
}

impl Entry {
    /// Whether some request goes over the link to this service.
    #[must_use]
    pub fn leads_to(&self, service: &ServiceName) -> bool {
        self.some_destination(|destination| match destination {
            Destination::Here(_) => false,
            Destination::There(there) => there == service,
            Destination::Members(members) => members.contains(service),
        })
    }

    /// The handler that has to be on this host, named `host`.
    #[must_use]
    pub fn handler_here(&self, host: &str) -> Option<&HandlerName> {
        let answers = self.some_destination(|destination| match destination {
            Destination::Here(_) => true,
            Destination::There(_) => false,
            Destination::Members(members) => members.iter().any(|member| member.as_str() == host),
        });
        self.handler.as_ref().filter(|_| answers)
    }

    fn some_destination(&self, holds: impl Fn(&Destination) -> bool) -> bool {
        match &self.destinations {
            Destinations::One(destination) => holds(destination),
            Destinations::Chosen(choices) => choices.iter().any(|choice| holds(&choice.destination)),
        }
    }
}

/// The route of a request.
#[derive(Debug)]
pub struct Decision<'t> {
    /// The route.
    pub entry: &'t Entry,
    /// Where the request goes.
    pub destination: &'t Destination,
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
    /// The path names a destination to which its route does not lead.
    NoSuchDestination(String),
}

/// The routes of this host.
#[derive(Debug, Default)]
pub struct Table {
    entries: Vec<Entry>,
    /// One for each entry.
    patterns: Vec<Pattern>,
    index: Index,
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
        let (belonging, mut problems) = belonging(configuration);
        let mut table = Self::default();
        for Belonging { route, pattern, destinations } in belonging {
            if let Some(whose) = reserved(route) {
                let what = format!("the path {} belongs to {whose}", route.uri);
                problems.push(Problem::at(&route.place, what, "choose another path"));
            }
            problems.extend(table.unreachable(route, &pattern));
            table.index.add(&pattern);
            table.patterns.push(pattern);
            table.entries.push(entry(route, destinations, configuration.host.as_str()));
        }
        (table, problems)
    }

    /// Finds the route of a request: the first whose pattern and method fit. The path comes percent-encoded and
    /// without the query, the method in upper case. Messages meet routes for messages, requests of clients and handlers meet
    /// the others; what a monitor asks meets none.
    ///
    /// # Errors
    /// When no route fits; a path with a broken escape fits none.
    pub fn decide(&self, kind: Kind, method: &str, path: &str) -> Result<Decision<'_>, NoRoute> {
        match kind {
            Kind::Rest | Kind::Service => {}
            Kind::Message => return self.decide_message(path),
            Kind::Monitor => return Err(NoRoute::UnknownPath),
        }
        let decoded = path::decoded(path).ok_or(NoRoute::UnknownPath)?;
        let mut allowed: Vec<String> = Vec::new();
        for (entry, pattern) in self.candidates(&decoded).filter(|(entry, _)| entry.method != Method::Message) {
            let Some(variables) = pattern.variables(&decoded) else {
                continue;
            };
            let methods = methods(entry.method);
            if entry.method == Method::Any || methods.contains(&method) {
                return decision(entry, variables);
            }
            for method in methods {
                if !allowed.iter().any(|known| known == method) {
                    allowed.push((*method).to_owned());
                }
            }
        }
        Err(if allowed.is_empty() { NoRoute::UnknownPath } else { NoRoute::WrongMethod { allowed } })
    }

    /// The routes whose pattern fits a path, whatever their method, in the order of the file.
    #[must_use]
    pub fn fitting(&self, kind: Kind, path: &str) -> Vec<&Entry> {
        let Some(decoded) = path::decoded(path) else { return Vec::new() };
        let is_of_kind = |entry: &Entry| (entry.method == Method::Message) == (kind == Kind::Message);
        let fitting = self
            .candidates(&decoded)
            .filter(|(entry, pattern)| is_of_kind(entry) && pattern.variables(&decoded).is_some());
        fitting.map(|(entry, _)| entry).collect()
    }

    /// The route that a request was meant for which has none, as far as its path says that: one that takes its method first.
    #[must_use]
    pub fn nearest(&self, kind: Kind, method: &str, path: &str) -> Option<&Entry> {
        let fitting = self.fitting(kind, path);
        let takes = |entry: &&&Entry| entry.method == Method::Any || methods(entry.method).contains(&method);
        fitting.iter().find(takes).or(fitting.first()).copied()
    }

    /// Whether some pattern fits a path, whatever its method.
    #[must_use]
    pub fn knows(&self, kind: Kind, path: &str) -> bool {
        let Some(decoded) = path::decoded(path) else { return false };
        let is_of_kind = |entry: &Entry| (entry.method == Method::Message) == (kind == Kind::Message);
        self.candidates(&decoded).any(|(entry, pattern)| is_of_kind(entry) && pattern.variables(&decoded).is_some())
    }

    fn decide_message(&self, path: &str) -> Result<Decision<'_>, NoRoute> {
        // A route for every type of an application does not take those of the connection itself.
        let is_control = message_of(path).is_none_or(|(_, kind)| is_control_type(&kind));
        let decoded = path::decoded(path).filter(|_| !is_control).ok_or(NoRoute::UnknownPath)?;
        let mut messages = self.candidates(&decoded).filter(|(entry, _)| entry.method == Method::Message);
        let found = messages.find_map(|(entry, pattern)| Some((entry, pattern.variables(&decoded)?)));
        let (entry, variables) = found.ok_or(NoRoute::UnknownPath)?;
        decision(entry, variables)
    }

    /// The routes that may take a path, in the order of the file.
    fn candidates(&self, decoded: &[u8]) -> impl Iterator<Item = (&Entry, &Pattern)> {
        self.numbered(self.index.candidates(decoded))
    }

    fn numbered(&self, numbers: Vec<usize>) -> impl Iterator<Item = (&Entry, &Pattern)> {
        numbers.into_iter().filter_map(|number| self.entries.get(number).zip(self.patterns.get(number)))
    }

    /// The routes of this host in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The problem of a route whose requests would all go to an earlier one.
    fn unreachable(&self, route: &Route, pattern: &Pattern) -> Option<Problem> {
        let name = format!("{} {}", route.method, route.uri);
        let twice = self
            .numbered(self.like(pattern))
            .find(|(entry, other)| entry.method == route.method && other.has_shape_of(pattern));
        if let Some((earlier, _)) = twice {
            let what = format!("{name} stands already on line {}, as {}", earlier.place.line, earlier.uri);
            return Some(Problem::at(&route.place, what, "remove one of the two"));
        }
        let hiding = |entry: &Entry| takes_all_of(entry.method, route.method);
        let mut before = self.numbered(self.like(pattern));
        let (earlier, _) = before.find(|(entry, other)| hiding(entry) && other.hides(pattern))?;
        let line = earlier.place.line;
        let what =
            format!("{name} is never reached: {} {} on line {line} takes its requests", earlier.method, earlier.uri);
        Some(Problem::at(&route.place, what, format!("move it above line {line}")))
    }
}

impl Table {
    /// The routes whose paths may be those of a pattern: all, if it has too many forms to look each up.
    fn like(&self, pattern: &Pattern) -> Vec<usize> {
        let Some(forms) = pattern.forms() else { return (0..self.entries.len()).collect() };
        let mut like: Vec<usize> = forms.iter().flat_map(|form| self.index.candidates(form)).collect();
        like.sort_unstable();
        like.dedup();
        like
    }
}

fn entry(route: &Route, destinations: Destinations, host: &str) -> Entry {
    Entry {
        uri: route.uri.as_str().into(),
        method: route.method,
        authenticate: route.authenticate,
        destinations,
        handler: route.handler.clone(),
        source: route.handler_source.clone().filter(|source| source.as_str() != host),
        place: route.place.clone(),
        example: route.example.clone(),
    }
}

/// The decision for a route that fits.
fn decision(entry: &Entry, variables: Vec<(String, String)>) -> Result<Decision<'_>, NoRoute> {
    let destination = match &entry.destinations {
        Destinations::One(destination) => destination,
        Destinations::Chosen(choices) => {
            let wanted = variables.iter().find(|(name, _)| name == DESTINATION).map_or("", |(_, value)| value);
            let choice = choices.iter().find(|choice| choice.name.as_str() == wanted);
            &choice.ok_or_else(|| NoRoute::NoSuchDestination(wanted.to_owned()))?.destination
        }
    };
    Ok(Decision { entry, destination, variables })
}

/// Whether a route of one method takes every request that one of another method could take.
pub(super) fn takes_all_of(method: Method, other: Method) -> bool {
    match (method, other) {
        (Method::Message, Method::Message) => true,
        (Method::Message, _) | (_, Method::Message) | (Method::Verb(_), Method::Any) => false,
        (Method::Any, _) => true,
        (Method::Verb(verb), Method::Verb(other)) => methods_of(verb).contains(&other),
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

/// To whom the path of a route belongs, if no request for it ever reaches a route.
fn reserved(route: &Route) -> Option<&'static str> {
    let posts = matches!(route.method, Method::Any | Method::Verb("POST"));
    if route.method == Method::Message { None } else { owner(&route.uri, posts) }
}

/// To whom a path belongs that no route takes, in words: the host has paths of its own. `posts`: whether a POST is meant.
#[must_use]
pub fn owner(path: &str, posts: bool) -> Option<&'static str> {
    let is_below = |above: &str| path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match path {
        crate::link::PATH => Some("the links between hosts"),
        SOCKET_PATH => Some("the sockets of clients"),
        AJAX_PATH if posts => Some("the messages of clients"),
        path if path.starts_with("/qewd/health/") => Some("the health of the host"),
        _ if is_below(MONITOR_PATH) => Some("the monitor"),
        _ => None,
    }
}
