//! Do the routes, the handlers and the services fit together?
//! In come what was loaded and what services say of themselves; out go problems with their place and mend.
//! It changes nothing.

use super::modules::relative;
use crate::configuration::{Configuration, Place, Problem};
use crate::handler::Catalog;
use crate::link::Welcome;
use crate::names::ServiceName;
use crate::router::{Entry, Table};
use std::path::Path;

/// What is wrong with a host's handlers: files that could not be loaded, as the catalog found them, routes whose handler
/// no module offers, and handlers that ask services which this host cannot reach.
#[must_use]
pub(super) fn check_handlers(
    configuration: &Configuration,
    table: &Table,
    catalog: &Catalog,
    not_loaded: Vec<Problem>,
) -> Vec<Problem> {
    // A handler that seems to be missing may stand in a file that could not be loaded.
    let all_loaded = not_loaded.is_empty();
    let mut problems = not_loaded;
    if all_loaded {
        let host = configuration.host.as_str();
        problems.extend(table.entries().iter().filter_map(|entry| {
            let (handler, source) = (entry.handler_here(host)?, entry.source.as_ref());
            let is_there = catalog.module(source, handler).is_some();
            let folder = source.map_or(host, ServiceName::as_str);
            (!is_there).then(|| missing(&entry.place, handler.as_str(), folder, &catalog.offered_by(source)))
        }));
    }
    for (offer, module) in catalog.offers() {
        let file = relative(&configuration.folder, &module.file);
        let unknown = offer.needs.iter().filter(|need| !configuration.links.contains(need));
        problems.extend(unknown.map(|need| unreachable(file, offer.name.as_str(), need, configuration)));
    }
    problems
}

fn missing(place: &Place, handler: &str, host: &str, offered: &[&str]) -> Problem {
    let what = format!("no module of {host} offers the handler {handler}");
    let has =
        if offered.is_empty() { "it offers none".to_owned() } else { format!("it offers {}", offered.join(", ")) };
    Problem::at(place, what, format!("put the module into handlers/{host}/, or mend the name ({has})"))
}

fn unreachable(file: &Path, handler: &str, need: &ServiceName, configuration: &Configuration) -> Problem {
    let what = format!("the handler {handler} asks {need}, to which {} has no link", configuration.host);
    let known = configuration.services.iter().any(|service| service.name == *need);
    let mend = if known {
        format!("add \"connections\": [\"{need}\"] to {} in config.json", configuration.host)
    } else {
        format!("add {need} to microservices in config.json")
    };
    Problem::in_file(file, what, mend)
}

/// Says in the log which routes lead to a handler that the service does not offer.
pub(super) fn check_welcome(entries: &[Entry], service: &ServiceName, welcome: &Welcome) {
    for entry in entries.iter().filter(|entry| entry.leads_to(service)) {
        let lacking =
            entry.handler.as_ref().filter(|handler| !welcome.handlers.iter().any(|name| name == handler.as_str()));
        if let Some(handler) = lacking {
            let has = welcome.handlers.join(", ");
            let what = format!("{service} has no handler {handler}");
            let folder = entry.source.as_ref().unwrap_or(service);
            let mend =
                format!("put its module into handlers/{folder}/ on that host, or mend the name (it offers {has})");
            tracing::error!("{}", Problem::at(&entry.place, what, mend));
        }
    }
}
