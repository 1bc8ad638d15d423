//! What an application's folder asks of this host.
//! In come config.json, routes.json and the host's name; out go checked values with every default filled in.
//! It never starts anything, and it never gives up at the first problem.

mod address;
mod addresses;
mod application;
mod block;
mod destinations;
mod documents;
mod files;
mod groups;
mod keys;
mod limits;
mod messages;
mod modules;
mod outside;
mod password;
mod problem;
mod routes;
mod schema;
mod secret;
mod secret_file;
mod services;
mod settings;
mod ssl;
mod tree;
mod uri;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod routes_tests;
#[cfg(test)]
mod hosts_tests;
#[cfg(test)]
mod outside_tests;
#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod fuzz_tests;

use crate::names::{HostName, ServiceName};
use crate::stamp::Stamp;
use application::Application;
use outside::{Elsewhere, Origin, Surroundings};
use problem::{Needed, Report};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use address::{Address, BadAddress};
pub use documents::{DocumentSettings, Durability};
pub use limits::*;
pub use modules::{Import, Mode, ModuleSettings};
pub use password::{hash_password, is_password_hash};
pub use problem::{Place, Problem, Problems, Severity};
pub use routes::{DESTINATION, Example, Method, Otherwise, Route, VERBS};
pub use schema::{Described, schema};
pub use secret::{ClaimsForm, Jwt, Secret};
pub use settings::{Cors, HostSettings, check_ports};
pub use ssl::{PemFile, PemPair, Ssl};
pub use uri::Part;

pub(crate) const FOLDER: &str = "configuration";
pub(crate) const CONFIG: &str = "configuration/config.json";
pub(crate) const ROUTES: &str = "configuration/routes.json";

/// A microservice that runs as a process of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// Where the other hosts reach its instances: one address at least.
    pub addresses: Vec<Address>,
    /// Its own `qewd` block.
    pub settings: HostSettings,
    /// The way to that block through the file.
    block: String,
    /// `caFilePath`: whom links to it trust. Default: what the calling host's `ssl` says, else the system's roots.
    pub trusted: Option<PemFile>,
    /// `required`: a host that has a link to it is ready only while one of its instances can be asked. Default no.
    pub required: bool,
}

/// An entry with `members`: several microservices under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: ServiceName,
    /// Services or groups.
    pub members: Vec<ServiceName>,
}

/// What to do if config.json has no `jwt.secret`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfSecretMissing {
    /// Generate one and write it to the file: for a host that starts.
    Generate,
    /// Write nothing and use a random one that nobody shares: for a check of the files.
    LeaveOut,
}

/// Everything that one host needs to know, checked. It prints no values: each may have come from a secret's place.
#[derive(Clone, PartialEq)]
pub struct Configuration {
    /// The application folder.
    pub folder: PathBuf,
    /// Which host this is.
    pub host: HostName,
    /// Whether the folder belongs to this one microservice alone (`ms_name`).
    pub standalone: bool,
    /// This host's own settings.
    pub settings: HostSettings,
    /// Every microservice that is a process, in the order of config.json.
    pub services: Vec<Service>,
    /// Names that stand for several microservices.
    pub groups: Vec<Group>,
    /// The services to which this host opens links.
    pub links: Vec<ServiceName>,
    /// How tokens are signed.
    pub jwt: Jwt,
    /// Whether config.json had no secret when it was read.
    pub secret_missing: bool,
    /// The application's own values, which handlers may read.
    pub user_defined: Arc<serde_json::Map<String, serde_json::Value>>,
    /// How documents are kept.
    pub documents: DocumentSettings,
    /// What single modules may use.
    handlers: Vec<modules::Entry>,
    /// What of config.json stands elsewhere.
    elsewhere: Elsewhere,
    /// The way to this host's `qewd` block.
    block: String,
    /// All routes, in the order of routes.json.
    pub routes: Vec<Route>,
    /// The answer to unknown paths, if routes.json has one.
    pub otherwise: Option<Otherwise>,
    /// What does not stop the start but deserves a look.
    pub warnings: Vec<Problem>,
}

impl fmt::Debug for Configuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, host, .. } = self;
        formatter.debug_struct("Configuration").field("folder", folder).field("host", host).finish_non_exhaustive()
    }
}

impl Configuration {
    /// Reads the files of the folder for one host. `microservice` is its name. `None` or an empty text mean the
    /// orchestrator, or the only microservice of a folder with `ms_name`.
    ///
    /// # Errors
    /// When anything in the files is wrong: all errors at once. Warnings are left out then.
    pub fn load(folder: &Path, microservice: Option<&str>, missing: IfSecretMissing) -> Result<Self, Problems> {
        let (configuration, problems) = Self::survey(folder, microservice);
        let (errors, warnings): (Vec<Problem>, Vec<Problem>) =
            problems.into_iter().partition(|problem| problem.severity == Severity::Error);
        let (Some(mut configuration), true) = (configuration, errors.is_empty()) else {
            return Err(Problems(errors));
        };
        if configuration.secret_missing && missing == IfSecretMissing::Generate {
            configuration.jwt.secret = secret_file::ensure(folder).map_err(|problem| Problems(vec![problem]))?;
            configuration.secret_missing = false;
        }
        configuration.warnings = warnings;
        Ok(configuration)
    }

    /// Reads as far as it can, for a check of the files: what could be read in spite of errors, and every problem.
    /// Nothing is written; a missing secret is replaced by a random one that nobody shares.
    #[must_use]
    pub fn survey(folder: &Path, microservice: Option<&str>) -> (Option<Self>, Vec<Problem>) {
        Self::survey_with(&Surroundings { folder, variable: &|name| std::env::var_os(name) }, microservice)
    }

    fn survey_with(surroundings: &Surroundings<'_>, microservice: Option<&str>) -> (Option<Self>, Vec<Problem>) {
        let folder = surroundings.folder;
        let mut config_report = Report::new(Path::new(CONFIG));
        let mut routes_report = Report::new(Path::new(ROUTES));
        let (application, elsewhere) = read_application(surroundings, &mut config_report).unzip();
        let routes_tree =
            files::read(folder, ROUTES, &mut routes_report).and_then(|text| tree::parse(&text, &mut routes_report));
        let host = application.as_ref().and_then(|application| host(application, microservice, &mut config_report));
        let (routes, otherwise) = match (&application, &routes_tree) {
            (Some(application), Some(tree)) => routes::read(tree, application, &mut routes_report),
            _ => (Vec::new(), None),
        };
        let mut problems = routes_report.into_problems();
        if application.is_none() {
            // Without a config.json that can be read, a missing routes.json says nothing more.
            problems.retain(|problem| problem.severity == Severity::Error);
        }
        let links =
            application.as_ref().zip(host.as_ref()).map(|(application, host)| links(application, host, &routes));
        let is_needed = |by: &Needed| match by {
            Needed::Everywhere => true,
            Needed::By(name) => host.as_ref() == Some(name),
            Needed::ByCallersOf(service) => links.as_ref().is_some_and(|links| links.contains(service)),
        };
        problems.splice(0..0, config_report.into_needed(is_needed));
        problems.extend(application.iter().flat_map(|application| modules::check_names(&application.handlers, folder)));
        let configuration = application.zip(host).map(|(application, host)| Self {
            folder: folder.to_owned(),
            standalone: application.standalone.is_some(),
            settings: settings(&application, &host),
            block: application.block_of(&host),
            links: links.unwrap_or_default(),
            secret_missing: application.secret.is_none(),
            jwt: Jwt { secret: application.secret.unwrap_or_else(secret_file::random), claims: application.claims },
            user_defined: Arc::new(application.user_defined),
            documents: application.documents,
            handlers: application.handlers,
            elsewhere: elsewhere.unwrap_or_default(),
            host,
            services: application.services,
            groups: application.groups,
            routes,
            otherwise,
            warnings: Vec::new(),
        });
        // Beside an error the password may be the default only because another one could not be read.
        if problems.iter().all(|problem| problem.severity != Severity::Error) {
            problems.extend(configuration.iter().filter_map(known_password));
        }
        (configuration, problems)
    }

    /// What a module may use on this host. `folder` is the name of the host in whose folder it lies, `module` its path
    /// below that folder, without `.wasm`.
    #[must_use]
    pub fn module(&self, folder: &str, module: &str) -> ModuleSettings {
        modules::settings_of(&self.handlers, folder, module, &self.settings.limits)
    }

    /// The services that a name stands for: itself, or the members of a group and of the groups within it, each once.
    #[must_use]
    pub fn leaves(&self, name: &ServiceName) -> Vec<ServiceName> {
        groups::leaves(&self.groups, name)
    }

    /// A name, and all names of services and groups below it.
    #[must_use]
    pub fn names_below(&self, name: &ServiceName) -> Vec<ServiceName> {
        groups::all_names(&self.groups, name)
    }

    /// The microservices from whose folders this host takes handlers, too (`handler_source`).
    #[must_use]
    pub fn sources(&self) -> BTreeSet<ServiceName> {
        let routes = self.routes.iter().filter(|route| self.may_answer(route));
        let sources = routes.filter_map(|route| route.handler_source.clone());
        sources.filter(|source| source.as_str() != self.host.as_str()).collect()
    }

    fn may_answer(&self, route: &Route) -> bool {
        let is_own = |name: &ServiceName| name.as_str() == self.host.as_str();
        let mut destinations = route.destinations().peekable();
        match destinations.peek() {
            Some(_) => destinations.any(|name| self.leaves(name).iter().any(is_own)),
            None => self.host == HostName::Orchestrator || self.standalone,
        }
    }

    /// The files in which values of config.json stand, each as it was when it was read; nothing in place of a stamp: it was
    /// not there.
    #[must_use]
    pub fn files_outside(&self) -> &BTreeMap<PathBuf, Option<Stamp>> {
        &self.elsewhere.files
    }

    /// Where a value stands that is not in config.json itself: `env:NAME` or `file:PATH`. `key` is the way to it from the
    /// top of the file, or from the host's own `qewd` block.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<String> {
        let own = format!("{}.{key}", self.block);
        let holds = |origin: &&Origin| origin.holds(key) || origin.holds(&own);
        self.elsewhere.origins.iter().find(holds).map(|origin| origin.source.written())
    }

    /// The hosts that config.json names, as far as it can be read.
    #[must_use]
    pub fn survey_hosts(folder: &Path) -> Vec<HostName> {
        let surroundings = Surroundings { folder, variable: &|name| std::env::var_os(name) };
        let application = read_application(&surroundings, &mut Report::new(Path::new(CONFIG)));
        application.map(|(application, _)| hosts(&application)).unwrap_or_default()
    }

    /// The names of all hosts in config.json, the orchestrator first.
    ///
    /// # Errors
    /// When config.json has errors: all of them.
    pub fn hosts(folder: &Path) -> Result<Vec<HostName>, Problems> {
        let mut report = Report::new(Path::new(CONFIG));
        let surroundings = Surroundings { folder, variable: &|name| std::env::var_os(name) };
        let application = read_application(&surroundings, &mut report);
        // What single hosts need, they say themselves.
        let mut errors = report.into_needed(|by| *by == Needed::Everywhere);
        errors.retain(|problem| problem.severity == Severity::Error);
        match application {
            Some((application, _)) if errors.is_empty() => Ok(hosts(&application)),
            _ => Err(Problems(errors)),
        }
    }
}

fn read_application(surroundings: &Surroundings<'_>, report: &mut Report) -> Option<(Application, Elsewhere)> {
    let text = files::read(surroundings.folder, CONFIG, report)?;
    let mut tree = tree::parse(&text, report)?;
    let elsewhere = outside::resolve(&mut tree, surroundings, report);
    Some((application::read(&tree, report)?, elsewhere))
}

fn hosts(application: &Application) -> Vec<HostName> {
    if let Some(only) = &application.standalone {
        return vec![HostName::Microservice(only.clone())];
    }
    let services = application.services.iter().map(|service| HostName::Microservice(service.name.clone()));
    std::iter::once(HostName::Orchestrator).chain(services).collect()
}

/// Finds out which host of the application this is.
fn host(application: &Application, microservice: Option<&str>, report: &mut Report) -> Option<HostName> {
    let hosts = hosts(application);
    let wanted = microservice.filter(|name| !name.is_empty());
    let found = match (wanted, &application.standalone) {
        (None, Some(only)) => Some(HostName::Microservice(only.clone())),
        (None, None) => Some(HostName::Orchestrator),
        (Some(name), _) => hosts.iter().find(|host| host.as_str() == name).cloned(),
    };
    if found.is_none() {
        let wanted = wanted.unwrap_or_default();
        if application.is_group(wanted) {
            report.error(
                None,
                format!("{wanted:?} is a group and cannot be started"),
                "start its members, each by its name",
            );
        } else {
            let names: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
            let what = format!("no host is called {wanted:?}");
            let near = block::nearest(wanted, names.iter().copied());
            let guess = near.map(|near| format!("did you mean {near:?}? ")).unwrap_or_default();
            report.error(None, what, format!("{guess}start one of: {}", names.join(", ")));
        }
    }
    found
}

/// What to say of a host that anybody can sign in to.
fn known_password(configuration: &Configuration) -> Option<Problem> {
    let what = format!("the monitor of {} opens with the password that everybody knows", configuration.host);
    let mend = "set \"managementPassword\" in its \"qewd\" block (`qewd hash-password` makes a hash for it)";
    let problem = Problem { severity: Severity::Warning, ..Problem::in_file(Path::new(CONFIG), what, mend) };
    configuration.settings.has_known_password().then_some(problem)
}

fn settings(application: &Application, host: &HostName) -> HostSettings {
    let own = match host {
        HostName::Orchestrator => None,
        HostName::Microservice(name) => application.service(name.as_str()),
    };
    own.map_or_else(|| application.own.clone(), |service| service.settings.clone())
}

/// The services to which a host opens links: the orchestrator, and a microservice with a folder of its own, to all others;
/// a microservice that shares the folder to those it was told of.
fn links(application: &Application, host: &HostName, routes: &[Route]) -> Vec<ServiceName> {
    let own = match host {
        HostName::Microservice(own) if application.standalone.is_none() => own,
        _ => {
            let all = application.services.iter().map(|service| service.name.clone());
            return all.filter(|name| name.as_str() != host.as_str()).collect();
        }
    };
    let connections = application.connections.iter().filter(|(name, _)| name == own).flat_map(|(_, targets)| targets);
    let callers = |route: &&Route| route.from_microservices.as_ref().is_some_and(|names| names.contains(own));
    let on_routes = routes.iter().filter(callers).flat_map(Route::destinations);
    let mut links: Vec<ServiceName> = Vec::new();
    for target in connections.chain(on_routes).flat_map(|name| groups::leaves(&application.groups, name)) {
        if target != *own && !links.contains(&target) {
            links.push(target);
        }
    }
    links
}
