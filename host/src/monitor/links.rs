//! The links of this host: those that it opened, and those that other hosts opened to it.
//! In come both as they are now; out goes the view.
//! It never touches a link.

use super::{Monitor, length, milliseconds};
use crate::link::{Instance, LinkState};
use serde_json::{Value, json};

pub(super) fn links(monitor: &Monitor) -> Value {
    let edition = monitor.edition();
    let services = edition.links.iter().map(|(name, instances)| {
        let instances: Vec<Value> = instances.all().iter().map(|instance| shown(instance)).collect();
        json!({"name": name.as_str(), "instances": instances})
    });
    let callers = monitor.seen.presence.hosts().into_iter().map(|host| {
        json!({
            "id": host.id, "host": host.name, "address": host.address, "since": milliseconds(host.since),
            "inFlight": host.in_flight, "requests": host.requests,
        })
    });
    json!({"services": services.collect::<Vec<_>>(), "callers": callers.collect::<Vec<_>>()})
}

/// How it stands with an instance.
pub(super) struct Standing {
    pub(super) state: &'static str,
    pub(super) why: Option<String>,
    pub(super) since: Option<u64>,
    pub(super) is_connected: bool,
}

pub(super) fn standing(instance: &Instance) -> Standing {
    let since = Some(milliseconds(instance.link().since()));
    match instance.link().state() {
        LinkState::Down(why) => Standing { state: "down", why: Some(why), since, is_connected: false },
        LinkState::Ready(_) if instance.is_resting() => {
            let why = Some("it did not answer as it should, and is tried again in a moment".to_owned());
            Standing { state: "resting", why, since, is_connected: true }
        }
        LinkState::Ready(_) => Standing { state: "ready", why: None, since, is_connected: true },
    }
}

fn shown(instance: &Instance) -> Value {
    let Standing { state, why, since, .. } = standing(instance);
    let link = instance.link();
    let welcome = match link.state() {
        LinkState::Ready(welcome) => Some(welcome),
        LinkState::Down(_) => None,
    };
    json!({
        "url": link.target().url(), "state": state, "why": why, "since": since,
        "roundTrip": link.round_trip().map(length), "inFlight": instance.in_flight(), "reconnects": link.reconnects(),
        "version": welcome.as_ref().map(|welcome| &welcome.version),
        "handlers": welcome.as_ref().map_or(&[][..], |welcome| &welcome.handlers),
    })
}
