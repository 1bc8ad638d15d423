//! The health of a host at one moment, as it is told.
//! In come what was found; out goes JSON that begins with the one word that matters.
//! It names services and handlers, and never an address, a path of the machine or a secret: everybody may ask for it.

use crate::names::ServiceName;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How it stands with the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreState {
    /// They are in memory only.
    Memory,
    /// They are on the disk, and can be written.
    Open,
    /// The disk has no room, not even for a small change.
    Full,
    /// The disk does not answer.
    Silent,
    /// Writing failed, and only a new start can help.
    Failed,
    /// They were removed or replaced while the host ran: it has failed as well.
    Lost,
}

impl StoreState {
    /// Whether documents can be written.
    #[must_use]
    pub fn is_writable(self) -> bool {
        self.trouble().is_none()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Open => "open",
            Self::Full => "full",
            Self::Silent => "silent",
            Self::Failed | Self::Lost => "failed",
        }
    }

    /// Why nothing can be written, in words that say what to do.
    pub(super) fn trouble(self) -> Option<&'static str> {
        match self {
            Self::Memory | Self::Open => None,
            Self::Full => Some("the disk of the documents is full; make room on it"),
            Self::Silent => Some("the disk of the documents does not answer; look at the disk"),
            Self::Lost => Some(
                "the documents were removed or replaced while the host ran; put them back, and start this host anew",
            ),
            Self::Failed => {
                Some("writing documents has failed; look at the log and the disk, and start this host anew")
            }
        }
    }
}

/// Whether a service can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// One of its instances can.
    Up,
    /// None can.
    Down,
}

/// The links to the instances of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinksUp {
    /// All of them together.
    pub state: LinkState,
    /// Whether the host is ready only while the service can be asked.
    pub required: bool,
    /// Links that take requests.
    pub ready: usize,
    /// Links that are up, and rest after failures of their instance.
    pub resting: usize,
    /// Links that are not up.
    pub down: usize,
}

/// The health of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Why it wants no requests; none: it does.
    pub reasons: Vec<String>,
    /// Its documents.
    pub store: StoreState,
    /// How many modules serve.
    pub modules: usize,
    /// Files that cannot serve, from the application folder on.
    pub module_problems: Vec<String>,
    /// How many problems of config.json and routes.json keep what they say from being in force.
    pub configuration_problems: usize,
    /// Its links, by service.
    pub links: BTreeMap<ServiceName, LinksUp>,
}

impl Report {
    /// Whether it wants requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }

    /// As it is told. Its members and their order are a promise: see docs/observability.md.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let links: Map<String, Value> =
            self.links.iter().map(|(service, links)| (service.to_string(), links.to_json())).collect();
        json!({
            "ready": self.is_ready(), "reasons": self.reasons, "store": self.store.name(),
            "modules": {"loaded": self.modules, "problems": self.module_problems},
            "configuration": {"problems": self.configuration_problems}, "links": links,
        })
    }
}

impl LinksUp {
    fn to_json(self) -> Value {
        let state = match self.state {
            LinkState::Up => "up",
            LinkState::Down => "down",
        };
        let instances = json!({"ready": self.ready, "resting": self.resting, "down": self.down});
        json!({"state": state, "required": self.required, "instances": instances})
    }
}
