//! The links of this host: those that it opened, and those that other hosts opened to it.
//! In come both as they are now; out goes the view.
//! It never touches a link.

use super::{Monitor, length, milliseconds};
use crate::link::{Instance, LinkFacts, LinkState};
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
    standing_by(instance, instance.link().facts())
}

fn standing_by(instance: &Instance, facts: LinkFacts) -> Standing {
    let since = Some(milliseconds(facts.since));
    match facts.state {
        LinkState::Down(why) => Standing { state: "down", why: Some(why), since, is_connected: false },
        LinkState::Ready(_) if instance.is_resting() => {
            let why = Some("it did not answer as it should, and is tried again in a moment".to_owned());
            Standing { state: "resting", why, since, is_connected: true }
        }
        LinkState::Ready(_) => Standing { state: "ready", why: None, since, is_connected: true },
    }
}

fn shown(instance: &Instance) -> Value {
    let facts = instance.link().facts();
    let (round_trip, reconnects) = (facts.round_trip.map(length), facts.reconnects);
    let (version, handlers) = match &facts.state {
        LinkState::Ready(welcome) => (Some(welcome.version.clone()), welcome.handlers.clone()),
        LinkState::Down(_) => (None, Vec::new()),
    };
    let Standing { state, why, since, .. } = standing_by(instance, facts);
    json!({
        "url": instance.link().target().url(), "state": state, "why": why, "since": since, "roundTrip": round_trip,
        "inFlight": instance.in_flight(), "reconnects": reconnects, "version": version, "handlers": handlers,
    })
}
