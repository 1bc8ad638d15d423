//! The views of other hosts, asked over their links.
//! In come a service, one of its instances and a view; out goes the view as that host tells it.
//! It only looks: what changes something needs the password of the host itself.

use super::Monitor;
use super::query;
use super::views::View;
use crate::failure::Failure;
use crate::link::Instance;
use crate::names::RequestId;
use crate::request::{Kind, Request};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a host may take to tell a view, 3 s: it takes milliseconds, and who looks at a fleet should not wait for one
/// host that hangs.
const PATIENCE: Duration = Duration::from_secs(3);

/// A view of another host.
pub(super) async fn look(monitor: &Monitor, host: &str, view: View, query: &str) -> Result<Vec<u8>, Failure> {
    if !view.is_told_to_hosts() {
        return Err(Failure::caller(400, "A fleet is seen from the host that has its links"));
    }
    let instance = instance(monitor, host, query::value(query, "at").as_deref())?;
    let cursor = format!("requests={}&lines={}", query::number(query, "requests"), query::number(query, "lines"));
    ask(&instance, view, &cursor).await.map(Vec::from)
}

/// The one at this URL, or else one that can be asked.
fn instance(monitor: &Monitor, host: &str, at: Option<&str>) -> Result<Arc<Instance>, Failure> {
    let edition = monitor.edition();
    let known = edition.links.iter().find(|(name, _)| name.as_str() == host);
    let words = || Failure::caller(404, format!("This host has no link to {host}"));
    let all = known.map(|(_, instances)| instances.all()).ok_or_else(words)?;
    let is_meant = |one: &&Arc<Instance>| match at {
        Some(url) => one.link().target().url() == url,
        None => one.link().check().is_ok(),
    };
    let found = all.iter().find(is_meant).or_else(|| all.first().filter(|_| at.is_none()));
    let words = || Failure::caller(404, format!("{host} has no instance at {}", at.unwrap_or_default()));
    found.map(Arc::clone).ok_or_else(words)
}

/// Asks one instance.
pub(super) async fn ask(instance: &Instance, view: View, query: &str) -> Result<Bytes, Failure> {
    let request = Request {
        id: RequestId::random(),
        kind: Kind::Monitor,
        method: "GET".to_owned(),
        path: format!("/{}", view.name()),
        query: query.to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
        client_address: String::new(),
        deadline: Instant::now() + PATIENCE,
        hops: 0,
        parts: None,
        way: Vec::new(),
        token_in_header: false,
        as_member: false,
        trace: crate::trace::Trace::begin(),
    };
    let response = instance.view(request).await.map_err(|failure| {
        let why = failure.operator.unwrap_or_else(|| failure.caller.into_owned());
        unasked(&why)
    })?;
    match response.status {
        200 => Ok(response.body),
        404 => Err(Failure::caller(404, words_of(&response.body))),
        _ => Err(unasked(&words_of(&response.body))),
    }
}

/// Whatever kept it from answering: for who looks it is one thing.
fn unasked(why: &str) -> Failure {
    Failure::caller(503, format!("It cannot be asked: {why}"))
}

/// What a host says in place of a view.
fn words_of(body: &[u8]) -> String {
    let body: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let words = body.as_ref().and_then(|body| body.get("error")?.as_str());
    words.unwrap_or("the host does not say why").to_owned()
}
