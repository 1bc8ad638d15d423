//! What of a changed configuration cannot change while a host runs.
//! In come what serves and what is wanted; out go what is wanted with that left as it was, and the words that say so.
//! It changes nothing that serves.

use crate::configuration::{Configuration, Ssl};
use crate::edition::Edition;

/// What cannot change while a host runs, stays. Gives the words that say so. `room` is how many workers this start made room for.
pub(super) fn bound(serving: &Edition, configuration: &mut Configuration, room: usize) -> Vec<String> {
    let (before, mut waiting) = (&serving.configuration.settings, Vec::new());
    let settings = &mut configuration.settings;
    if before.port != settings.port {
        let port = settings.port;
        waiting.push(format!("port {port} is taken at the next start; until then it is the one of this start"));
        settings.port = before.port;
    }
    if before.management_port != settings.management_port {
        waiting.push("\"managementPort\" is taken up at the next start; until then it is as at this start".to_owned());
        settings.management_port = before.management_port;
    }
    let wanted = settings.pool_size;
    if wanted > room {
        waiting.push(format!("poolSize {wanted} is more than this start made room for; it is {room} until the next"));
        settings.pool_size = room;
    }
    if serving.configuration.documents != configuration.documents {
        waiting.push("what config.json says of documents holds from the next start".to_owned());
        configuration.documents.clone_from(&serving.configuration.documents);
    }
    let body = configuration.settings.limits.body;
    if before.limits.body != body {
        tracing::warn!("bodyBytes {body} holds for clients now, and for other hosts when their links are opened anew");
    }
    waiting
}

/// Whether the port speaks TLS is decided at the start: clients and other hosts would have to change at the same moment.
pub(super) fn keep_speaking(before: &Ssl, wanted: &mut Ssl) -> Option<String> {
    if before.served.is_some() == wanted.served.is_some() {
        return None;
    }
    let (turned, now) = if wanted.served.is_some() { ("on", "plain HTTP") } else { ("off", "HTTPS") };
    wanted.served.clone_from(&before.served);
    wanted.demanded.clone_from(&before.demanded);
    Some(format!("TLS is turned {turned} at the next start; until then the port speaks {now}"))
}
