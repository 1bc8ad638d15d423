//! The routes of this host as they were decided, and which of them would answer a request.
//! In come the table, and a method and a path; out go the view, and the answer with its reasons.
//! It sends no request anywhere.

use super::{Monitor, query};
use crate::configuration::Method;
use crate::edition::Edition;
use crate::failure::Failure;
use crate::names::{HandlerName, ServiceName};
use crate::request::{Kind, MESSAGE};
use crate::router::{Decision, Destination, Destinations, Entry, NoRoute, owner};
use serde_json::{Map, Value, json};

pub(super) fn routes(monitor: &Monitor) -> Value {
    let edition = monitor.edition();
    let routes: Vec<Value> = edition.table.entries().iter().map(|entry| route(&edition, entry)).collect();
    json!({"routes": routes})
}

fn route(edition: &Edition, entry: &Entry) -> Value {
    let own = &*edition.application;
    let (kind, to, destinations) = match &entry.destinations {
        Destinations::One(Destination::Here(_)) => ("here", "this host".to_owned(), vec![own]),
        Destinations::One(Destination::There(service)) => {
            ("service", format!("the service {service}"), vec![service.as_str()])
        }
        Destinations::One(Destination::Members(members)) => ("group", members_in_words(members), names(members)),
        Destinations::Chosen(choices) => {
            let names: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
            ("chosen", format!("the one that the path names: {}", names.join(", ")), names)
        }
    };
    json!({
        "method": entry.method.to_string(), "path": &*entry.uri, "kind": kind, "to": to, "destinations": destinations,
        "handler": entry.handler.as_ref().map(HandlerName::as_str),
        "source": entry.source.as_ref().map(ServiceName::as_str), "authenticate": entry.authenticate,
        "line": entry.place.line,
    })
}

fn names(members: &[ServiceName]) -> Vec<&str> {
    members.iter().map(ServiceName::as_str).collect()
}

fn members_in_words(members: &[ServiceName]) -> String {
    format!("all of {}", names(members).join(", "))
}

impl Monitor {
    /// Which route would answer, and why.
    pub(super) fn decide(&self, query: &str) -> Result<Value, Failure> {
        let words = || Failure::caller(400, "Name a method and a path: ?method=GET&path=/api/info");
        let method = query::value(query, "method").filter(|method| !method.is_empty()).ok_or_else(words)?;
        let path = query::value(query, "path").filter(|path| !path.is_empty()).ok_or_else(words)?;
        let (method, path) = (method.to_ascii_uppercase(), path.split(['?', '#']).next().unwrap_or_default());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let kind = if method == MESSAGE { Kind::Message } else { Kind::Rest };
        let edition = self.edition();
        if let Some(owner) = owner(&path, method == "POST").filter(|_| kind != Kind::Message) {
            return Ok(unanswered(&[format!("the path belongs to {owner}: no route takes it")]));
        }
        Ok(match edition.table.decide(kind, &method, &path) {
            Ok(decision) => decided(&edition, &decision, &earlier(&edition, kind, &path, decision.entry)),
            Err(none) => unanswered(&no_route(&edition, kind, &path, &none)),
        })
    }
}

/// Routes above this one whose pattern fits the path as well.
fn earlier<'e>(edition: &'e Edition, kind: Kind, path: &str, than: &Entry) -> Vec<&'e Entry> {
    let fitting = edition.table.fitting(kind, path);
    fitting.into_iter().filter(|entry| entry.place.line < than.place.line).collect()
}

fn decided(edition: &Edition, decision: &Decision<'_>, earlier: &[&Entry]) -> Value {
    let Decision { entry, destination, variables } = decision;
    let mut why: Vec<String> = earlier.iter().map(|entry| passed_over(entry)).collect();
    why.push(format!("{} on line {} is the first route whose path and method fit", in_words(entry), entry.place.line));
    let needs = if entry.authenticate { "it needs a valid token, or the answer is 401" } else { "it needs no token" };
    why.push(needs.to_owned());
    let (to, module) = match destination {
        Destination::Here(handler) => here(edition, entry, handler, &mut why),
        Destination::There(service) => {
            why.push(link(edition, service));
            (format!("the service {service}"), None)
        }
        Destination::Members(members) => {
            why.extend(
                members.iter().filter(|name| name.as_str() != &*edition.application).map(|name| link(edition, name)),
            );
            (members_in_words(members), None)
        }
    };
    let variables: Map<String, Value> =
        variables.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let (module, version) = module.unzip();
    json!({
        "route": route(edition, entry), "to": to, "handler": entry.handler.as_ref().map(HandlerName::as_str),
        "variables": variables, "module": module, "version": version, "why": why,
    })
}

fn unanswered(why: &[String]) -> Value {
    json!({
        "route": null, "to": null, "handler": null, "variables": {}, "module": null, "version": null, "why": why,
    })
}

fn here(
    edition: &Edition,
    entry: &Entry,
    handler: &HandlerName,
    why: &mut Vec<String>,
) -> (String, Option<(String, String)>) {
    let module = edition.catalog.module(entry.source.as_ref(), handler);
    match module {
        Some(module) => why.push(format!(
            "the module {} (version {}) of this host offers its handler {handler}",
            module.name,
            module.version()
        )),
        None => why.push(format!("no module offers its handler {handler}: the answer is 503")),
    }
    ("this host".to_owned(), module.map(|module| (module.name.to_string(), module.version().to_string())))
}

fn link(edition: &Edition, service: &ServiceName) -> String {
    let known = edition.links.iter().find(|(name, _)| *name == service).map(|(_, instances)| instances.all());
    let Some(all) = known else { return format!("this host has no link to {service}: the answer is 503") };
    let ready = all.iter().filter(|one| one.link().check().is_ok()).count();
    match ready {
        0 => format!("no link to {service} is ready: the answer is 503"),
        ready => format!("{ready} of {} links to {service} are ready", all.len()),
    }
}

fn in_words(entry: &Entry) -> String {
    format!("{} {}", entry.method, entry.uri)
}

fn passed_over(entry: &Entry) -> String {
    format!("{} on line {} fits the path, but not the method", in_words(entry), entry.place.line)
}

/// What a client gets, and why.
fn no_route(edition: &Edition, kind: Kind, path: &str, none: &NoRoute) -> Vec<String> {
    let mut why: Vec<String> = edition.table.fitting(kind, path).into_iter().map(passed_over).collect();
    match none {
        NoRoute::WrongMethod { allowed } => {
            why.push(format!("the answer is 405, with Allow: {}", allowed.join(", ")));
        }
        NoRoute::NoSuchDestination(name) => {
            why = vec![format!("a route fits, but it does not lead to {name:?}: the answer is 404")];
        }
        NoRoute::UnknownPath if kind == Kind::Message => {
            why.push("no route for messages has this application and type: the answer is 404".to_owned());
        }
        NoRoute::UnknownPath => {
            let status = edition.configuration.otherwise.as_ref().map_or(404, |otherwise| otherwise.status);
            why.push(format!("the path of none of {} routes fits", edition.table.entries().len()));
            why.push(format!(
                "GET may find a file of www/ there, or a page of the host itself; else the answer is {status}"
            ));
        }
    }
    if kind == Kind::Message && !edition.table.entries().iter().any(|entry| entry.method == Method::Message) {
        why.push("this host has no routes for messages".to_owned());
    }
    why
}
