//! All hosts that this one can see: itself, and every instance of every service that it has a link to.
//! In comes nothing; out goes an overview of each, or why it cannot be asked.
//! It asks all of them at once, so that it takes as long as the slowest one.

use super::views::View;
use super::{Monitor, afar, links, overview};
use crate::failure::Failure;
use crate::link::Instance;
use crate::names::ServiceName;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;

/// The state of a host whose link is there, and which does not tell its overview.
const SILENT: &str = "silent";

#[derive(Serialize)]
struct Fleet {
    hosts: Vec<Member>,
}

#[derive(Serialize)]
struct Member {
    name: String,
    url: Option<String>,
    state: &'static str,
    why: Option<String>,
    since: Option<u64>,
    /// As that host tells it.
    overview: Option<Box<RawValue>>,
}

pub(super) async fn fleet(monitor: &Monitor) -> Result<Vec<u8>, Failure> {
    let edition = monitor.edition();
    let own = Member {
        name: edition.application.to_string(),
        url: None,
        state: "here",
        why: None,
        since: None,
        overview: to_raw_value(&overview::overview(monitor, true)).ok(),
    };
    let mut asked = FuturesOrdered::new();
    for (service, instances) in edition.links.iter() {
        for instance in instances.all().iter().map(Arc::clone) {
            asked.push_back(member(service, instance));
        }
    }
    let mut hosts = vec![own];
    while let Some(member) = asked.next().await {
        hosts.push(member);
    }
    serde_json::to_vec(&Fleet { hosts })
        .map_err(|error| Failure::system(500, "The fleet cannot be told", error.to_string()))
}

async fn member(service: &ServiceName, instance: Arc<Instance>) -> Member {
    let standing = links::standing(&instance);
    let mut member = Member {
        name: service.to_string(),
        url: Some(instance.link().target().url()),
        state: standing.state,
        why: standing.why,
        since: standing.since,
        overview: None,
    };
    if standing.is_connected {
        let asked = afar::ask(&instance, View::Overview, "short=1").await;
        match asked.map(|body| serde_json::from_slice(&body)) {
            Ok(Ok(overview)) => member.overview = Some(overview),
            Ok(Err(_)) => {
                member.state = SILENT;
                member.why = Some("it does not tell an overview; run the same version of qewd on both".to_owned());
            }
            Err(failure) => {
                member.state = SILENT;
                member.why = Some(failure.caller.into_owned());
            }
        }
    }
    member
}
