//! Reads the entries of `microservices` in config.json.
//! In comes the list as written; out go services, groups, and the names that they mention, looked up.
//! It does not decide who links to whom.

use super::addresses::{HOST, HOSTS, PORT, addresses};
use super::application::{Application, ORCHESTRATOR};
use super::block::{Block, advice};
use super::keys::{Keys, Kind, NAME, Usual, key};
use super::limits::DEFAULT_PORT;
use super::problem::{Needed, Report, Spot};
use super::settings::{self, MONITOR, MONITOR_KEY, QEWD_KEYS};
use super::ssl::{self, CA, PATH};
use super::tree::{Node, Value};
use super::{Group, Service, groups};
use crate::names::{HostName, ServiceName};

/// Whether other hosts need the service.
const REQUIRED: &str = "required";

/// An entry of `microservices` that is a process.
pub(super) const SERVICE_KEYS: Keys = Keys {
    idle: &[("apis", "routes are not imported from other hosts: write them into routes.json and remove the key")],
    apart: &[("host", "hosts")],
    ..Keys::new(
        "microservice",
        &[
            key("name", NAME, "The microservice's name: letters, digits, _ and -, beginning with a letter.").must(),
            key("host", HOST, "Where the other hosts reach it: host name or IP address.")
                .usually(Usual::Words("the name")),
            key("hosts", HOSTS, "In place of \"host\": where each of its instances is reached."),
            key("port", PORT, "The TCP port at that address.").usually(Usual::Number(DEFAULT_PORT as u64)),
            key("qewd", Kind::Object(&QEWD_KEYS), "The microservice's own settings."),
            key(MEMBERS, NAMES, "Makes the entry a group of these microservices or groups."),
            key("connections", NAMES, "The microservices that its handlers ask; it opens a link to each."),
            key(
                REQUIRED,
                Kind::Flag,
                "Whether a host that has a link to it is ready only while one of its instances is.",
            )
            .usually(Usual::Flag(false)),
            MONITOR_KEY,
            key(CA, PATH, "With https://: the authorities that links to this microservice trust.")
                .usually(Usual::Words("what the calling host's \"ssl\" says")),
        ],
    )
};

const NAMES: Kind = Kind::Texts(&NAME, 0);

/// What makes an entry a group.
pub(super) const MEMBERS: &str = "members";

const ON_GROUP: &str = "an entry with \"members\" is a group and not a process: remove the key";

/// An entry of `microservices` that stands for several.
pub(super) const GROUP_KEYS: Keys = Keys {
    idle: &[
        ("host", ON_GROUP),
        ("hosts", ON_GROUP),
        ("port", ON_GROUP),
        ("qewd", ON_GROUP),
        ("connections", ON_GROUP),
        (REQUIRED, ON_GROUP),
        (MONITOR, ON_GROUP),
        ("apis", ON_GROUP),
    ],
    ..Keys::new(
        "group",
        &[
            key("name", NAME, "The group's name.").must(),
            key(MEMBERS, Kind::Texts(&NAME, 1), "The microservices or groups for which the name stands.").must(),
        ],
    )
};

/// A name that some place of the file mentions, to be looked up when all names are known.
pub(crate) type Mention<'n> = (&'n str, Spot);

/// What the entries of `microservices` gave, before the names in them were looked up.
#[derive(Default)]
pub(crate) struct Entries<'n> {
    pub services: Vec<Service>,
    pub groups: Vec<(ServiceName, Vec<Mention<'n>>)>,
    pub connections: Vec<(ServiceName, Vec<Mention<'n>>)>,
    seen: Vec<Mention<'n>>,
}

/// Reads the entries of `microservices`.
pub(crate) fn entries<'n>(top: &mut Block<'n, '_>) -> Entries<'n> {
    let mut entries = Entries::default();
    let Some(node) = top.get("microservices") else {
        return entries;
    };
    let Value::List(items) = node.plain() else {
        top.wrong("microservices", node, "a list of objects", "write it as [ {\"name\": \"…\"} ]");
        return entries;
    };
    for (index, item) in items.iter().enumerate() {
        let is_group = match item.plain() {
            Value::Object(members) => members.iter().any(|member| member.name == MEMBERS),
            _ => false,
        };
        let keys = if is_group { &GROUP_KEYS } else { &SERVICE_KEYS };
        if let Some(mut block) = Block::open(item, "an entry of \"microservices\"", keys, top.report) {
            entry(&mut block, index, is_group, &mut entries);
        }
    }
    entries
}

fn entry<'n>(block: &mut Block<'n, '_>, index: usize, is_group: bool, entries: &mut Entries<'n>) {
    if block.get("name").is_none() {
        block.error("name", "this microservice has no \"name\"", "add \"name\": \"…\"");
    }
    let spot = block.spot("name");
    let name = block.text("name").and_then(|name| service_name(name, spot, block.report));
    if let Some(text) = block.text("name").filter(|_| name.is_some()) {
        if let Some((_, first)) = entries.seen.iter().find(|(other, _)| *other == text) {
            let what = format!("the name {text:?} is already taken on line {}", first.line);
            block.error("name", what, "give each entry of \"microservices\" its own name");
            return;
        }
        entries.seen.push((text, spot));
    }
    // Without a name the rest is still read, so that its problems are found as well.
    if is_group {
        let members = block.texts("members");
        if members.as_ref().is_some_and(Vec::is_empty) {
            block.error("members", "this group has no members", "name at least one microservice");
        }
        let members = members.unwrap_or_default();
        entries.groups.extend(name.map(|name| (name, members)));
        return;
    }
    let connections = block.texts("connections").unwrap_or_default();
    let needed = |by: fn(ServiceName) -> Needed| name.clone().map_or(Needed::Everywhere, by);
    block.report.needed = needed(Needed::ByCallersOf);
    let addresses = addresses(block, name.as_ref());
    let trusted = ssl::file(block, CA);
    let required = block.flag(REQUIRED).unwrap_or(false);
    block.report.needed = needed(|name| Needed::By(HostName::Microservice(name)));
    let mut settings = settings::read_below(block);
    settings.read_monitor(block);
    block.report.needed = Needed::Everywhere;
    if settings.ssl.served.is_some() {
        for address in addresses.iter().flatten().filter(|address| !address.secure) {
            let what = "this microservice serves TLS, but other hosts reach it without";
            let key = if block.get("hosts").is_some() { "hosts" } else { "host" };
            let spot = block.get(key).and_then(Node::outside).unwrap_or(block.spot(key));
            block.report.warning(Some(spot), what, format!("write \"{key}\": \"https://{}\"", address.host));
        }
    }
    if let (Some(name), Some(addresses)) = (name, addresses) {
        entries.connections.push((name.clone(), connections));
        entries.services.push(Service {
            name,
            addresses,
            settings,
            block: format!("microservices[{index}].qewd"),
            trusted,
            required,
        });
    }
}

/// Checks a microservice's name.
pub(crate) fn service_name(text: &str, spot: Spot, report: &mut Report) -> Option<ServiceName> {
    if text == ORCHESTRATOR {
        let mend = "give the microservice another name";
        report.error(Some(spot), "no microservice may be called \"orchestrator\"", mend);
        return None;
    }
    match ServiceName::new(text) {
        Ok(name) => Some(name),
        Err(failure) => {
            report.error(Some(spot), failure.to_string(), "give the microservice another name");
            None
        }
    }
}

/// Looks up the names in groups and connections now that all of them are known.
pub(crate) fn resolve(
    application: &mut Application,
    groups: &[(ServiceName, Vec<Mention<'_>>)],
    connections: Vec<(ServiceName, Vec<Mention<'_>>)>,
    report: &mut Report,
) {
    let group_names: Vec<ServiceName> = groups.iter().map(|(name, _)| name.clone()).collect();
    let is_group = |text: &str| group_names.iter().any(|name| name.as_str() == text);
    for (name, mentions) in groups {
        let mut members = Vec::new();
        for (text, spot) in mentions {
            if application.service(text).is_some() || is_group(text) {
                members.extend(ServiceName::new(text));
            } else {
                report.error(
                    Some(*spot),
                    format!("the member {text:?} is no microservice"),
                    advice(text, application.names()),
                );
            }
        }
        application.groups.push(Group { name: name.clone(), members });
    }
    groups::check(&mut application.groups, groups, report);
    for (name, mentions) in connections {
        let mut targets: Vec<ServiceName> = Vec::new();
        for (text, spot) in mentions {
            if is_group(text) {
                let mend = "name the members of the group instead";
                report.error(Some(spot), format!("a connection cannot lead to the group {text:?}"), mend);
            } else if let Some(service) = application.service(text) {
                targets.push(service.name.clone());
            } else {
                report.error(Some(spot), format!("unknown microservice {text:?}"), advice(text, application.names()));
            }
        }
        application.connections.push((name, targets));
    }
}
