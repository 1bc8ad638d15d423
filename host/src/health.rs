//! Whether the host wants requests, and why not.
//! In come what other parts know of themselves, and once a second what the disk says; out go yes or no, and the reasons.
//! Answering never waits: it touches no handler, no link and no disk.

mod disk;
mod report;

pub use disk::Disk;
pub use report::{LinkState, LinksUp, Report, StoreState};

use crate::dispatch::Dispatch;
use crate::edition::{Edition, relative};
use crate::link::Instances;
use crate::names::ServiceName;
use crate::store::Documents;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;
use tokio_util::sync::CancellationToken;

/// Reasons that are told, 20: whoever has to mend more than that begins with these.
const MOST_REASONS: usize = 20;

/// The health of one host.
pub struct Health {
    dispatch: Arc<Dispatch>,
    documents: Arc<Documents>,
    disk: Disk,
    stop: CancellationToken,
    started: SystemTime,
}

impl Health {
    /// The health of a host that has just started.
    #[must_use]
    pub fn new(dispatch: Arc<Dispatch>, documents: Arc<Documents>, stop: CancellationToken) -> Self {
        let disk = Disk::of(&documents);
        Self { dispatch, documents, disk, stop, started: SystemTime::now() }
    }

    /// Asks the disk now and then, until the host stops.
    pub async fn keep_looking(self: Arc<Self>) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.disk.keep_looking(&self.documents) => {}
        }
    }

    /// The requests, workers, routes and links of the host.
    #[must_use]
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// The documents of the host.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// What the disk said last.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// When the host started.
    #[must_use]
    pub fn started(&self) -> SystemTime {
        self.started
    }

    /// How it stands with the documents.
    #[must_use]
    pub fn store(&self) -> StoreState {
        if self.documents.are_lost() {
            return StoreState::Lost;
        }
        if self.documents.have_failed() {
            return StoreState::Failed;
        }
        if self.documents.are_on_disk() { self.disk.state() } else { StoreState::Memory }
    }

    /// Whether the host wants requests, and how it stands with everything that this depends on.
    #[must_use]
    pub fn report(&self) -> Report {
        let edition = self.dispatch.edition();
        let (store, links) = (self.store(), links(&edition));
        let stopping = self.stop.is_cancelled().then(|| "this host is stopping".to_owned());
        let down = links.iter().filter(|(_, link)| link.required && link.state == LinkState::Down);
        let down = down.map(|(service, _)| format!("{service} is required, and no link to it is up"));
        let mut reasons: Vec<String> =
            stopping.into_iter().chain(store.trouble().map(str::to_owned)).chain(down).collect();
        reasons.extend(missing_handlers(&edition));
        let more = reasons.len().saturating_sub(MOST_REASONS);
        if more > 0 {
            reasons.truncate(MOST_REASONS);
            reasons.push(format!("and {more} more"));
        }
        let found = self.dispatch.findings.found();
        let folder = &edition.configuration.folder;
        let files = found.modules.iter().map(|(file, _)| relative(folder, file).to_string_lossy().into_owned());
        Report {
            reasons,
            store,
            modules: edition.catalog.modules().count(),
            module_problems: files.collect(),
            configuration_problems: found.configuration.len() + edition.problems.len(),
            links,
        }
    }
}

/// How it stands with each service that the host has a link to.
fn links(edition: &Edition) -> BTreeMap<ServiceName, LinksUp> {
    let services = &edition.configuration.services;
    let is_required = |name: &ServiceName| services.iter().any(|service| service.name == *name && service.required);
    edition.links.iter().map(|(name, links)| (name.clone(), links_up(links, is_required(name)))).collect()
}

fn links_up(links: &Instances, required: bool) -> LinksUp {
    let (mut ready, mut resting, mut down) = (0, 0, 0);
    for instance in links.all().iter() {
        let count = match (instance.link().is_ready(), instance.is_resting()) {
            (false, _) => &mut down,
            (true, true) => &mut resting,
            (true, false) => &mut ready,
        };
        *count += 1;
    }
    // Where all rest, all are asked.
    let state = if ready + resting > 0 { LinkState::Up } else { LinkState::Down };
    LinksUp { state, required, ready, resting, down }
}

/// Handlers that routes of this host name and that no module offers any more.
fn missing_handlers(edition: &Edition) -> impl Iterator<Item = String> {
    let missing: BTreeSet<&str> = edition
        .table
        .entries()
        .iter()
        .filter_map(|entry| {
            let handler = entry.handler_here(&edition.application)?;
            edition.catalog.module(entry.source.as_ref(), handler).is_none().then_some(handler.as_str())
        })
        .collect();
    let words = |handler: &str| format!("a route needs the handler {handler}, which no module of this host offers");
    missing.into_iter().map(words).collect::<Vec<_>>().into_iter()
}
