//! Reads config.json: the hosts of an application and what they share.
//! In comes the file as a located tree; out goes the application with every value checked.
//! It does not decide which of the hosts this program is.

use super::address::Address;
use super::block::Block;
use super::keys::{Keys, Kind, NAME, SOME_TEXT, TEXT, Usual, key};
use super::modules::ENTRY_KEYS;
use super::outside::SCHEMA;
use super::problem::{Needed, Report};
use super::secret::{ClaimsForm, Secret};
use super::services::{Entries, GROUP_KEYS, SERVICE_KEYS, entries, resolve, service_name};
use super::settings::{self, HostSettings, MONITOR_KEY, QEWD_KEYS};
use super::tree::{Node, Value, members_to_json};
use super::{DocumentSettings, Group, Service, documents, modules};
use crate::names::{HostName, ServiceName};

/// The name that no microservice may have.
pub(crate) const ORCHESTRATOR: &str = "orchestrator";

/// The way to the settings of a folder's only host.
const OWN_BLOCK: &str = "qewd";

/// What config.json says.
pub(crate) struct Application {
    /// The settings of the orchestrator, or of the only microservice of this folder.
    pub own: HostSettings,
    /// The way to them through the file.
    pub own_block: &'static str,
    /// The only microservice of this folder, if `ms_name` says that there is just one.
    pub standalone: Option<ServiceName>,
    pub services: Vec<Service>,
    pub groups: Vec<Group>,
    /// For each service the services to which it opens links itself.
    pub connections: Vec<(ServiceName, Vec<ServiceName>)>,
    /// Missing if it has to be generated.
    pub secret: Option<Secret>,
    pub claims: ClaimsForm,
    pub user_defined: serde_json::Map<String, serde_json::Value>,
    /// What single modules may use.
    pub handlers: Vec<modules::Entry>,
    /// How documents are kept.
    pub documents: DocumentSettings,
}

impl Application {
    /// The names of all services, without the groups.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.services.iter().map(|service| service.name.as_str())
    }

    /// Finds a service by its name.
    pub(crate) fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name.as_str() == name)
    }

    /// The names to which a route may lead: all services, then all groups.
    pub(crate) fn destinations(&self) -> impl Iterator<Item = &str> + Clone {
        self.names().chain(self.groups.iter().map(|group| group.name.as_str()))
    }

    /// The way to a host's `qewd` block.
    pub(crate) fn block_of(&self, host: &HostName) -> String {
        self.service(host.as_str()).map_or(self.own_block, |service| &service.block).to_owned()
    }

    /// Whether the name is a group's.
    pub(crate) fn is_group(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group.name.as_str() == name)
    }
}

/// The top of config.json.
pub(super) const TOP_KEYS: Keys = Keys {
    idle: &[
        ("use_jwt", "tokens are always in use: remove the key"),
        ("permit_application_switch", "routes alone decide which service answers: remove the key"),
        ("imported", "routes are not imported from other hosts: write them into routes.json and remove the key"),
    ],
    apart: &[("ms_name", ORCHESTRATOR)],
    ..Keys::new(
        "application",
        &[
            key("qewd_up", Kind::Yes, "Marks the file as QEWD-Up's.").usually(Usual::Flag(true)),
            key(ORCHESTRATOR, Kind::Object(&ORCHESTRATOR_KEYS), "The orchestrator."),
            key(
                "qewd",
                Kind::Object(&QEWD_KEYS),
                "The settings of the only host of this folder, without \"orchestrator\".",
            ),
            key("microservices", MICROSERVICES, "The microservices, and groups of them.")
                .usually(Usual::Words("none: the orchestrator answers everything itself")),
            key("jwt", Kind::Object(&JWT_KEYS), "How tokens and links are signed."),
            key("userDefined", Kind::AnyObject, "The application's own values, which handlers read."),
            key(
                "handlers",
                Kind::Map(&Kind::Object(&ENTRY_KEYS)),
                "What single modules may use, by \"module\" or \"host/module\".",
            ),
            key("documents", Kind::Object(&documents::KEYS), "How documents are kept."),
            key("ms_name", NAME, "The one microservice to which this folder belongs."),
            MONITOR_KEY,
            key(SCHEMA, TEXT, "The schema by which editors check this file; no host reads it."),
        ],
    )
};

const MICROSERVICES: Kind = Kind::List(
    "a list of objects",
    &Kind::Either("a microservice or a group", &[Kind::Object(&SERVICE_KEYS), Kind::Object(&GROUP_KEYS)]),
    usize::MAX,
);

const ORCHESTRATOR_KEYS: Keys = Keys::new(
    "orchestrator",
    &[key("qewd", Kind::Object(&QEWD_KEYS), "The orchestrator's own settings."), MONITOR_KEY],
);

const JWT_KEYS: Keys = Keys::new(
    "jwt",
    &[
        key("secret", SOME_TEXT, "A long random text with which tokens and links are signed; the same on every host.")
            .usually(Usual::Words("a random one, written into the file by the first host that starts")),
        key(
            "claims",
            Kind::Choice(&["sealed", "qewd"]),
            "The form of the secret claims that this host writes; both are read.",
        )
        .usually(Usual::Text("sealed")),
    ],
);

/// Reads the file. `None` only if it is not an object; all other problems are in the report.
pub(crate) fn read(root: &Node, report: &mut Report) -> Option<Application> {
    let mut top = Block::open(root, "the file", &TOP_KEYS, report)?;
    if top.get("qewd_up").is_some() && top.flag("qewd_up") == Some(false) {
        top.error("qewd_up", "\"qewd_up\" is false", "write true: this program only runs QEWD-Up applications");
    }
    if top.get("ms_name").is_none() {
        top.report.needed = Needed::By(HostName::Orchestrator);
    }
    let own = own_settings(&mut top);
    let own_block = if top.get(ORCHESTRATOR).is_some() { "orchestrator.qewd" } else { OWN_BLOCK };
    top.report.needed = Needed::Everywhere;
    let mut entries = entries(&mut top);
    let standalone = standalone(&mut top, &own, &mut entries);
    let (secret, claims) = jwt(&mut top);
    let user_defined = user_defined(&mut top);
    let handlers = modules::read(&mut top);
    let documents = documents::read(&mut top);
    let mut application = Application {
        own,
        own_block,
        standalone,
        services: entries.services,
        groups: Vec::new(),
        connections: Vec::new(),
        secret,
        claims,
        user_defined,
        handlers,
        documents,
    };
    resolve(&mut application, &entries.groups, entries.connections, top.report);
    Some(application)
}

fn user_defined(top: &mut Block<'_, '_>) -> serde_json::Map<String, serde_json::Value> {
    let Some(node) = top.get("userDefined") else { return serde_json::Map::new() };
    let Value::Object(members) = node.plain() else {
        top.wrong("userDefined", node, "an object", "write { … } here");
        return serde_json::Map::new();
    };
    for lost in members.iter().flat_map(|member| member.node.lost()) {
        top.report.unfit(lost, "there");
    }
    members_to_json(members)
}

fn own_settings(top: &mut Block<'_, '_>) -> HostSettings {
    let Some(mut orchestrator) = top.inner(ORCHESTRATOR, &ORCHESTRATOR_KEYS) else {
        let mut own = settings::read_below(top);
        own.read_monitor(top);
        return own;
    };
    let mut own = settings::read_below(&mut orchestrator);
    own.read_monitor(&mut orchestrator);
    own.read_monitor(top);
    if top.get("qewd").is_some() {
        let spot = top.spot("qewd");
        top.report.warning(
            Some(spot),
            "the key \"qewd\" has no effect beside \"orchestrator\"",
            "move its settings to \"qewd\" in \"orchestrator\"",
        );
    }
    own
}

fn standalone(top: &mut Block<'_, '_>, own: &HostSettings, entries: &mut Entries<'_>) -> Option<ServiceName> {
    let name = top.text("ms_name")?;
    if top.get(ORCHESTRATOR).is_some() {
        let what = format!("\"ms_name\" and {ORCHESTRATOR:?} cannot stand in one file");
        top.error("ms_name", what, "keep \"ms_name\" only in the folder of a single microservice");
        return None;
    }
    let spot = top.spot("ms_name");
    let name = service_name(name, spot, top.report)?;
    if entries.groups.iter().any(|(group, _)| *group == name) {
        top.error("ms_name", format!("{:?} is a group", name.as_str()), "give the group another name");
        return None;
    }
    if let Some(listed) = entries.services.iter_mut().find(|service| service.name == name) {
        let has_monitor = listed.settings.monitor && own.monitor;
        // Listed beside the others it may have its settings there, but those at the top of its own file say more.
        if top.get("qewd").is_some() {
            listed.settings = own.clone();
            OWN_BLOCK.clone_into(&mut listed.block);
        }
        listed.settings.monitor = has_monitor;
        return Some(name);
    }
    let address = Address { secure: false, host: name.as_str().to_owned(), port: own.port };
    entries.services.push(Service {
        name: name.clone(),
        addresses: vec![address],
        settings: own.clone(),
        block: OWN_BLOCK.to_owned(),
        trusted: None,
        required: false,
    });
    Some(name)
}

fn jwt(top: &mut Block<'_, '_>) -> (Option<Secret>, ClaimsForm) {
    // Whatever stands here may be meant as the secret, so the messages must not show it.
    if top.get("jwt").is_some_and(|node| !matches!(node.plain(), Value::Object(_))) {
        top.error("jwt", "\"jwt\" must be an object", "write {\"secret\": \"…\"} here");
    }
    if top.get("jwt").is_none() && top.at.is_outside() {
        top.error("jwt", "\"jwt.secret\" is missing", "add \"jwt\": {\"secret\": \"…\"} there");
    }
    let object = top.get("jwt").filter(|node| matches!(node.plain(), Value::Object(_)));
    let Some(mut jwt) = object.and_then(|node| Block::open(node, "\"jwt\"", &JWT_KEYS, top.report)) else {
        return (None, ClaimsForm::default());
    };
    let secret = match jwt.get("secret").map(Node::text) {
        Some(Some(text)) if !text.trim().is_empty() => Some(Secret::new(text)),
        Some(_) => {
            let mend = "write a long random text, or remove the key and let the first host generate one";
            jwt.error("secret", "\"jwt.secret\" must be a text that is not empty", mend);
            None
        }
        None => {
            // It can be written into config.json only.
            if jwt.at.is_outside() {
                jwt.error("secret", "\"jwt.secret\" is missing", "add \"secret\": \"…\" there");
            }
            None
        }
    };
    let claims = match jwt.choice("claims", "jwt.claims", "write \"sealed\", or \"qewd\" to share a fleet with QEWD-Up")
    {
        Some("qewd") => ClaimsForm::Qewd,
        _ => ClaimsForm::Sealed,
    };
    (secret, claims)
}
