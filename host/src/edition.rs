//! Everything that the application folder decides about a request: routes, handlers, links, keys and limits.
//! In come the files of the folder; out goes an edition that is whole, or every problem at once.
//! An edition never changes: when files change, the next one is made beside it and takes its place in one step.

mod checks;
mod findings;
mod folder;
mod modules;

pub use findings::{Findings, Found, Wish};
pub use folder::{FolderId, Look, look, look_at_configuration};
pub use modules::{Draft, Workshop, draft, relative};

use crate::access::{Access, LinkKey, TokenKey};
use crate::audience::Audience;
use crate::configuration::{Address, Configuration, Problem, Service};
use crate::counters::Counters;
use crate::handler::Catalog;
use crate::link::{Dialer, LinkState, Links};
use crate::names::ServiceName;
use crate::pool::PoolSettings;
use crate::router::Table;
use crate::tls::Tls;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Bytes that a token adds to an answer: what one fits into, in a header of common size.
const TOKEN_BYTES: usize = 64 << 10;
/// How long the links of a new edition to services that are ready now may take before it serves, 5 seconds. Where the secret is
/// new, the other host has it some two seconds later, and the next try to connect comes up to 1.4 s after that.
const LINKS_TIME: Duration = Duration::from_secs(5);

/// Everything that a request meets on this host.
pub struct Edition {
    /// What the files say; the same as in the edition before, if nothing in them has changed.
    pub configuration: Arc<Configuration>,
    /// What is known not to fit: a deleted module's routes have nobody who answers them.
    pub problems: Vec<Problem>,
    /// The host's name, which is the `application` of the tokens that it writes.
    pub application: Arc<str>,
    /// Which route answers.
    pub table: Arc<Table>,
    /// Which module offers which handler.
    pub catalog: Catalog,
    /// Who may ask.
    pub access: Arc<Access>,
    /// Shows other hosts that this one has the secret, and checks that they have it.
    pub link_key: Arc<LinkKey>,
    /// The way to other hosts.
    pub links: Links,
}

/// What the editions of one host have in common.
pub struct Surroundings {
    /// Addresses in place of the configured ones.
    pub services: BTreeMap<ServiceName, Vec<Address>>,
    /// The routes in force, with which links compare what a service says of itself.
    pub routes: Arc<ArcSwap<Table>>,
    /// Who hears what handlers push to clients.
    pub audience: Arc<Audience>,
    /// Counts links that are ready again.
    pub counters: Arc<Counters>,
    /// The certificates of this host, and whom its links trust.
    pub tls: Arc<Tls>,
}

impl Edition {
    /// Makes the first edition of a host; its links connect by themselves.
    ///
    /// # Errors
    /// When the secret cannot be a key.
    pub fn first(surroundings: &Surroundings, configuration: Configuration, draft: Draft) -> Result<Self, String> {
        let Draft { table, catalog, problems } = draft;
        let access = Arc::new(access(&configuration)?);
        let link_key = Arc::new(link_key(&configuration)?);
        let table = Arc::new(table);
        surroundings.routes.store(Arc::clone(&table));
        let dialer = dialer(surroundings, &configuration, &access, &link_key);
        let links = Links::open(&dialer, addresses(surroundings, &configuration));
        let application = configuration.host.as_str().into();
        let configuration = Arc::new(configuration);
        Ok(Self { configuration, problems, application, table, catalog, access, link_key, links })
    }

    /// Makes the edition that follows this one. What did not change is taken over, links above all; new links are given a
    /// moment to become ready.
    ///
    /// # Errors
    /// When the secret cannot be a key.
    pub async fn next(
        &self,
        surroundings: &Surroundings,
        configuration: Arc<Configuration>,
        draft: Draft,
    ) -> Result<Self, String> {
        let Draft { table, catalog, problems } = draft;
        surroundings.tls.adopt(&configuration);
        let before = &self.configuration;
        let same_keys = before.jwt == configuration.jwt;
        let same_sessions = before.settings.initial_session_timeout == configuration.settings.initial_session_timeout;
        let access =
            if same_keys && same_sessions { Arc::clone(&self.access) } else { Arc::new(access(&configuration)?) };
        let link_key = if same_keys { Arc::clone(&self.link_key) } else { Arc::new(link_key(&configuration)?) };
        let dialer = dialer(surroundings, &configuration, &access, &link_key);
        let same_terms = same_keys && before.settings.limits.response == configuration.settings.limits.response;
        let none = Links::default();
        let kept = if same_terms { &self.links } else { &none };
        let links = kept.renew(&dialer, addresses(surroundings, &configuration));
        links.settle(&self.links, LINKS_TIME).await;
        let (application, table) = (Arc::clone(&self.application), Arc::new(table));
        Ok(Self { configuration, problems, application, table, catalog, access, link_key, links })
    }

    /// Says that this edition serves from now on, to those who look at it from outside of requests.
    pub fn enter(&self, surroundings: &Surroundings, has_new_routes: bool) {
        surroundings.routes.store(Arc::clone(&self.table));
        if !has_new_routes {
            return;
        }
        for (service, instances) in self.links.iter() {
            for instance in instances.all().iter() {
                if let LinkState::Ready(welcome) = instance.link().state() {
                    checks::check_welcome(self.table.entries(), service, &welcome);
                }
            }
        }
    }

    /// What the pool has to know.
    #[must_use]
    pub fn pool_settings(&self) -> PoolSettings {
        let settings = &self.configuration.settings;
        PoolSettings {
            size: settings.pool_size,
            line: settings.max_queue_length,
            idle: settings.idle_limit,
            modules: self.catalog.modules().count(),
        }
    }
}

fn access(configuration: &Configuration) -> Result<Access, String> {
    let Configuration { jwt, settings, host, .. } = configuration;
    let key = TokenKey::new(&jwt.secret, jwt.claims).map_err(|error| error.to_string())?;
    Ok(Access::new(key, host.as_str(), settings.initial_session_timeout))
}

fn link_key(configuration: &Configuration) -> Result<LinkKey, String> {
    LinkKey::new(&configuration.jwt.secret).map_err(|error| error.to_string())
}

fn dialer(
    surroundings: &Surroundings,
    configuration: &Configuration,
    access: &Arc<Access>,
    key: &Arc<LinkKey>,
) -> Dialer {
    let routes = Arc::clone(&surroundings.routes);
    Dialer {
        from: configuration.host.to_string(),
        key: Arc::clone(key),
        access: Arc::clone(access),
        audience: Arc::clone(&surroundings.audience),
        tls: Arc::clone(&surroundings.tls),
        counters: Arc::clone(&surroundings.counters),
        // The token is added to an answer after its handler's part was measured.
        answer_limit: configuration.settings.limits.response.saturating_add(TOKEN_BYTES),
        on_welcome: Arc::new(move |service, welcome| {
            checks::check_welcome(routes.load().entries(), service, welcome);
        }),
    }
}

/// The services to which this host has links, and where they are.
fn addresses(surroundings: &Surroundings, configuration: &Configuration) -> Vec<(ServiceName, Vec<Address>)> {
    let linked = configuration.services.iter().filter(|service| configuration.links.contains(&service.name));
    let given = |name: &ServiceName| surroundings.services.get(name);
    let addresses = |service: &Service| given(&service.name).unwrap_or(&service.addresses).clone();
    linked.map(|service| (service.name.clone(), addresses(service))).collect()
}
