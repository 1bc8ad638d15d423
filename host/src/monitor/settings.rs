//! The configuration that a host works with, as the monitor shows it.
//! In comes what is in force, with every default; out go its values under the names that config.json has.
//! Secrets are masked by their type, of the application's own values only the names are told, and of what does not stand in
//! config.json itself only where it stands.

use crate::configuration::{Cors, Durability, HostSettings, Limits, Service};
use crate::edition::Edition;
use crate::names::ServiceName;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// `port` and `management_port`: those that the host listens on, which its start may have said.
pub(super) fn settings(edition: &Edition, port: u16, management_port: Option<u16>) -> Value {
    let configuration = &edition.configuration;
    let mut shown = own(&configuration.settings, port, management_port);
    let user_defined = match configuration.origin("userDefined") {
        Some(origin) => origin.into(),
        None => configuration.user_defined.keys().map(String::as_str).collect(),
    };
    let groups: Map<String, Value> = configuration
        .groups
        .iter()
        .map(|group| (group.name.to_string(), group.members.iter().map(ServiceName::as_str).collect()))
        .collect();
    let durability = match configuration.documents.durability {
        Durability::Durable => "durable",
        Durability::Relaxed => "relaxed",
    };
    let more = [
        ("folder", configuration.folder.to_string_lossy().into()),
        ("microservices", configuration.services.iter().map(|service| place(edition, service)).collect()),
        ("groups", groups.into()),
        ("jwt.secret", configuration.jwt.secret.to_string().into()),
        ("documents.durability", durability.into()),
        ("userDefined", user_defined),
    ];
    shown.extend(more.map(|(name, value): (&str, Value)| (name.to_owned(), value)));
    // Whatever its key, what stands elsewhere may be a secret; but for what is known to all who reach the host.
    for (name, value) in &mut shown {
        let is_open = ["microservices", "port", "managementPort"].contains(&name.as_str());
        if let Some(origin) = configuration.origin(name).filter(|_| !is_open) {
            *value = origin.into();
        }
    }
    shown.into()
}

fn own(settings: &HostSettings, port: u16, management_port: Option<u16>) -> Map<String, Value> {
    let HostSettings { limits, ssl, .. } = settings;
    let cors = match &settings.cors {
        Cors::Off => false.into(),
        Cors::Any => true.into(),
        Cors::Origins(origins) => origins.iter().map(String::as_str).collect(),
    };
    let one = [
        ("serverName", settings.server_name.as_str().into()),
        ("managementPassword", settings.management_password.to_string().into()),
        ("port", port.into()),
        ("managementPort", management_port.into()),
        ("poolSize", settings.pool_size.into()),
        ("max_queue_length", settings.max_queue_length.into()),
        ("idleLimit", milliseconds(settings.idle_limit)),
        ("initialSessionTimeout", settings.initial_session_timeout.into()),
        ("cors", cors),
        ("versionHeader", settings.version_header.into()),
        ("ssl", ssl.served.is_some().into()),
        ("log", settings.log.as_deref().into()),
    ];
    one.into_iter().chain(limited(limits)).map(|(name, value): (&str, Value)| (name.to_owned(), value)).collect()
}

fn limited(limits: &Limits) -> [(&'static str, Value); 14] {
    [
        ("limits.bodyBytes", limits.body.into()),
        ("limits.headerBytes", limits.headers.into()),
        ("limits.headerCount", limits.header_count.into()),
        ("limits.connections", limits.connections.into()),
        ("limits.requestMilliseconds", milliseconds(limits.request_time)),
        ("limits.responseBytes", limits.response.into()),
        ("limits.memoryBytes", limits.memory.into()),
        ("limits.hops", limits.hops.into()),
        ("limits.sockets", limits.sockets.into()),
        ("limits.socketMessageBytes", limits.socket_message.into()),
        ("limits.socketMessagesPerSecond", limits.socket_pace.into()),
        ("limits.socketIdleMilliseconds", milliseconds(limits.socket_idle)),
        ("limits.stopMilliseconds", milliseconds(limits.stop)),
        ("limits.drainMilliseconds", milliseconds(limits.drain)),
    ]
}

/// A service with the addresses that are in force: those of its links, where this host has links to it.
fn place(edition: &Edition, service: &Service) -> Value {
    let linked = edition.links.iter().find(|(name, _)| **name == service.name).map(|(_, instances)| instances.all());
    let addresses: Vec<String> = match &linked {
        Some(instances) => instances.iter().map(|instance| instance.link().target().url()).collect(),
        None => service.addresses.iter().map(ToString::to_string).collect(),
    };
    json!({"name": service.name.as_str(), "addresses": addresses})
}

fn milliseconds(time: Duration) -> Value {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).into()
}
