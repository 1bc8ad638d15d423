//! The WebSocket clients of this host.
//! In come those that are connected; out goes the view.
//! It never sees what they say.

use super::{Monitor, milliseconds};
use crate::presence::PresentClient;
use serde_json::{Value, json};

pub(super) fn clients(monitor: &Monitor) -> Value {
    let clients = monitor.seen.presence.clients();
    let limit = monitor.edition().configuration.settings.limits.sockets;
    let newest: Vec<Value> = clients.newest.iter().map(shown).collect();
    json!({"clients": newest, "count": clients.count, "limit": limit})
}

fn shown(client: &PresentClient) -> Value {
    json!({
        "id": client.id, "address": client.address, "application": client.application,
        "since": milliseconds(client.since), "received": client.received, "sent": client.sent,
    })
}
