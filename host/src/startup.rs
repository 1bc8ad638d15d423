//! Puts the parts of a host together, in the order in which the log tells it.
//! In come the application folder and the host's name; out goes a running host, or every problem that keeps it from running.
//! It never serves a request itself.

mod checks;

pub use checks::{check_handlers, check_welcome};

use crate::access::{Access, LinkKey, TokenKey};
use crate::configuration::{Address, Configuration, IfSecretMissing, Problems};
use crate::dispatch::Dispatch;
use crate::handler::{Catalog, Engine, EngineSettings, InstanceSettings, UpwardRequest};
use crate::link::{Dialer, Links};
use crate::listener::{Door, Front};
use crate::names::ServiceName;
use crate::pool::{Pool, PoolSettings};
use crate::router::Table;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long requests in flight may take to end when the host stops.
pub const GRACE: Duration = Duration::from_secs(10);
/// How often idle workers are looked at.
const IDLE_CHECK: Duration = Duration::from_secs(30);
/// Questions of handlers that wait to be taken up: `dispatch` takes them at once.
const QUESTIONS: usize = 1024;
/// Bytes that a token adds to an answer: what one fits into, in a header of common size.
const TOKEN_BYTES: usize = 64 << 10;
/// The rule above and below the lines that say that a host is up.
const RULE: &str = "========================================================";

/// What the command line says about a host.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The application folder.
    pub folder: PathBuf,
    /// The microservice's name; none: the orchestrator.
    pub microservice: Option<String>,
    /// In place of the configured port.
    pub port: Option<u16>,
    /// Where the host keeps what it writes; none: nothing but compiled modules, in the user's cache folder.
    pub data: Option<PathBuf>,
    /// Addresses in place of the configured ones.
    pub services: BTreeMap<ServiceName, Address>,
}

/// Why a host did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// Problems in the application folder.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// A problem of the machine.
    #[error("{0}")]
    Machine(String),
}

/// A running host.
pub struct Host {
    /// The port that it listens on.
    pub port: u16,
    stop: CancellationToken,
    live: TaskTracker,
}

impl Host {
    /// Starts a host.
    ///
    /// # Errors
    /// Every problem of the application folder at once, or what the machine refuses.
    pub async fn start(options: Options) -> Result<Self, StartFailure> {
        tracing::info!("Starting QEWD");
        let name = options.microservice.as_deref();
        let configuration = Configuration::load(&options.folder, name, IfSecretMissing::Generate)?;
        for warning in &configuration.warnings {
            tracing::warn!("{warning}");
        }
        check_services(&options.services, &configuration).map_err(StartFailure::Machine)?;
        let table = Table::new(&configuration)?;
        let (upward, questions) = mpsc::channel(QUESTIONS);
        let engine = Engine::new(&engine_settings(&configuration, options.data.as_deref()));
        let engine = engine.map_err(StartFailure::Machine)?;
        let catalog = load_handlers(&engine, &configuration, &table, upward).await?;
        let socket = crate::listener::bind(options.port.unwrap_or(configuration.settings.port)).await;
        let socket = socket.map_err(StartFailure::Machine)?;
        let parts = Parts { configuration, table, catalog, questions, services: options.services };
        parts.run(socket).map_err(StartFailure::Machine)
    }

    /// Stops taking requests, waits until those in flight have their answers, and says whether all had them in time.
    pub async fn stop(self) -> bool {
        self.stop.cancel();
        self.live.close();
        tokio::time::timeout(GRACE, self.live.wait()).await.is_ok()
    }
}

/// An address for a service that config.json lacks would silently do nothing.
fn check_services(given: &BTreeMap<ServiceName, Address>, configuration: &Configuration) -> Result<(), String> {
    let known = || configuration.services.iter().map(|service| &service.name);
    match given.keys().find(|name| !known().any(|known| known == *name)) {
        None => Ok(()),
        Some(name) => {
            let names: Vec<&str> = known().map(ServiceName::as_str).collect();
            Err(format!("--service {name}: config.json has no such microservice; it has {}", names.join(", ")))
        }
    }
}

fn engine_settings(configuration: &Configuration, data: Option<&Path>) -> EngineSettings {
    let settings = &configuration.settings;
    EngineSettings {
        instances: Pool::instances(settings.pool_size),
        memory: settings.limits.memory,
        cache: compiled_folder(data),
    }
}

/// Where compiled modules are kept. It holds machine code that the host will run, so only its owner may write there.
#[must_use]
pub fn compiled_folder(data: Option<&Path>) -> Option<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let home = || {
        let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
    };
    let folder = match data {
        Some(data) => data.join("compiled"),
        None => home()?.join("qewd").join("compiled"),
    };
    match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder) {
        Ok(()) => folder.canonicalize().ok(),
        Err(error) => {
            tracing::warn!("modules are compiled at each start: {} cannot be made: {error}", folder.display());
            None
        }
    }
}

async fn load_handlers(
    engine: &Engine,
    configuration: &Configuration,
    table: &Table,
    upward: mpsc::Sender<UpwardRequest>,
) -> Result<Arc<Catalog>, Problems> {
    let host = configuration.host.as_str();
    let settings = InstanceSettings {
        memory: configuration.settings.limits.memory,
        response: configuration.settings.limits.response,
        user_defined: Arc::new(configuration.user_defined.clone()),
        upward,
    };
    let (catalog, found) = Catalog::survey(engine, &configuration.folder, host, &settings).await;
    let problems = check_handlers(configuration, table, &catalog, found);
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    for (offer, module) in catalog.offers() {
        let file = module.file.strip_prefix(&configuration.folder).unwrap_or(&module.file);
        tracing::info!("handler {} from {} (version {})", offer.name, file.display(), module.version);
    }
    Ok(Arc::new(catalog))
}

/// What has been loaded and checked, before anything runs.
struct Parts {
    configuration: Configuration,
    table: Table,
    catalog: Arc<Catalog>,
    questions: mpsc::Receiver<UpwardRequest>,
    services: BTreeMap<ServiceName, Address>,
}

impl Parts {
    fn run(self, socket: TcpListener) -> Result<Host, String> {
        let port = socket.local_addr().map_err(|error| error.to_string())?.port();
        let access = Arc::new(self.access()?);
        let links = self.links(&access)?;
        let settings = &self.configuration.settings;
        let pool =
            PoolSettings { size: settings.pool_size, line: settings.max_queue_length, idle: settings.idle_limit };
        let dispatch = Arc::new(Dispatch {
            application: self.configuration.host.as_str().into(),
            otherwise: self.configuration.otherwise.clone(),
            access: Arc::clone(&access),
            pool: Pool::new(&pool, self.catalog),
            links,
            hops: settings.limits.hops,
            table: self.table,
        });
        tokio::spawn(Arc::clone(&dispatch).answer_handlers(self.questions));
        tokio::spawn(end_idle_workers(Arc::clone(&dispatch)));
        announce(settings.pool_size, port);
        let (stop, live) = (CancellationToken::new(), TaskTracker::new());
        let front = Front {
            dispatch,
            access,
            door: Door::new(link_key(&self.configuration)?),
            limits: settings.limits.clone(),
            cors: settings.cors.clone(),
            stop: stop.clone(),
            live: live.clone(),
        };
        live.spawn(crate::listener::serve(socket, Arc::new(front)));
        Ok(Host { port, stop, live })
    }

    fn access(&self) -> Result<Access, String> {
        let Configuration { jwt, settings, host, .. } = &self.configuration;
        let key = TokenKey::new(&jwt.secret, jwt.claims).map_err(|error| error.to_string())?;
        Ok(Access::new(key, host.as_str(), settings.initial_session_timeout))
    }

    fn links(&self, access: &Arc<Access>) -> Result<Links, String> {
        let configuration = &self.configuration;
        if configuration.services.is_empty() {
            tracing::info!("*** orchestrator without any microservices ***");
        }
        if configuration.links.is_empty() {
            return Ok(Links::default());
        }
        tracing::info!("Setting up micro-service connections");
        let mut services = Vec::new();
        for service in configuration.services.iter().filter(|service| configuration.links.contains(&service.name)) {
            let address = self.services.get(&service.name).unwrap_or(&service.address).clone();
            tracing::info!(
                "Adding MicroService Client connection: url = {}; application = {}",
                address.url(),
                service.name
            );
            services.push((service.name.clone(), address));
        }
        let entries = self.table.entries().to_vec();
        let dialer = Dialer {
            from: configuration.host.to_string(),
            key: Arc::new(link_key(configuration)?),
            access: Arc::clone(access),
            // The token is added to an answer after its handler's part was measured.
            answer_limit: configuration.settings.limits.response.saturating_add(TOKEN_BYTES),
            on_welcome: Arc::new(move |service, welcome| check_welcome(&entries, service, welcome)),
        };
        Ok(Links::open(&dialer, services))
    }
}

fn link_key(configuration: &Configuration) -> Result<LinkKey, String> {
    LinkKey::new(&configuration.jwt.secret).map_err(|error| error.to_string())
}

fn announce(pool_size: usize, port: u16) {
    tracing::info!("{RULE}");
    tracing::info!("qewd is up and running. Max worker pool size: {pool_size}");
    tracing::info!("{RULE}");
    tracing::info!("{RULE}");
    tracing::info!("qewd is listening on port {port}");
    tracing::info!("{RULE}");
}

async fn end_idle_workers(dispatch: Arc<Dispatch>) {
    loop {
        tokio::time::sleep(IDLE_CHECK).await;
        dispatch.pool.end_idle();
    }
}
