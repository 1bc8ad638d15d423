//! Links to other hosts, and whoever is connected to this one.
//! In come the health of the links and who is there; out go families with the service's name as the only label.
//! No address is in it: of those there may be ever more.

use super::family::{Families, flag, float, size};
use crate::health::{Health, LinkState};
use crate::link::Instances;
use crate::presence::Presence;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(super) fn add(families: &mut Families, health: &Health, presence: &Presence) {
    states(families, health);
    traffic(families, health);
    let (hosts, clients) = presence.counts();
    families.gauge("qewd_hosts_connected", "Links that other hosts have to this one.").set(&[], size(hosts)).end();
    families.gauge("qewd_websocket_clients", "WebSocket clients that are connected.").set(&[], size(clients)).end();
    families
        .gauge("qewd_connections", "Open connections that are neither a link nor a WebSocket client.")
        .set(&[], size(presence.connections()))
        .end();
}

fn states(families: &mut Families, health: &Health) {
    let report = health.report();
    families
        .gauge("qewd_ready", "Whether the host wants requests, as /qewd/health/ready tells with its reasons.")
        .set(&[], flag(report.is_ready()))
        .end();
    let mut up = families.gauge("qewd_link_up", "Whether one instance of the service at least can be asked.");
    for (service, links) in &report.links {
        up = up.set(&[("service", service.as_str())], flag(links.state == LinkState::Up));
    }
    up.end();
    let mut required =
        families.gauge("qewd_link_required", "Whether this host is ready only while the service can be asked.");
    for (service, links) in &report.links {
        required = required.set(&[("service", service.as_str())], flag(links.required));
    }
    required.end();
    let mut instances = families.gauge("qewd_link_instances", "Links to instances of the service, by state.");
    for (service, links) in &report.links {
        for (state, count) in [("ready", links.ready), ("resting", links.resting), ("down", links.down)] {
            instances = instances.set(&[("service", service.as_str()), ("state", state)], size(count));
        }
    }
    instances.end();
}

fn traffic(families: &mut Families, health: &Health) {
    let edition = health.dispatch().edition();
    let mut family = families.gauge("qewd_link_requests_in_flight", "Requests that wait for an answer of the service.");
    for (service, links) in edition.links.iter() {
        let in_flight = links.all().iter().map(|instance| instance.in_flight()).fold(0, usize::saturating_add);
        family = family.set(&[("service", service.as_str())], size(in_flight));
    }
    family.end();
    let mut family = families.gauge(
        "qewd_link_round_trip_seconds",
        "How long a question takes to the slowest instance of the service and back, as measured last.",
    );
    for (service, links) in edition.links.iter() {
        if let Some(slowest) = slowest(links) {
            family = family.set(&[("service", service.as_str())], slowest.as_secs_f64());
        }
    }
    family.end();
    let reconnects = &health.dispatch().counters.reconnects;
    let mut family = families.counter(
        "qewd_link_reconnects_total",
        "How often a link to an instance of the service was ready again after it had been down.",
    );
    for (service, _) in edition.links.iter() {
        let count = reconnects.of(service.as_str()).load(Ordering::Relaxed);
        family = family.count(&[("service", service.as_str())], float(count));
    }
    family.end();
}

fn slowest(links: &Instances) -> Option<Duration> {
    links.all().iter().filter_map(|instance| instance.link().facts().round_trip).max()
}
