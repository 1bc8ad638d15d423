//! Puts the parts of a host together, in the order in which the log tells it.
//! In come the application folder and the host's name; out goes a running host, or every problem that keeps it from running.
//! It never serves a request itself.

mod compiled;
mod sockets;
mod whereabouts;

pub use compiled::compiled_folder;
pub use whereabouts::Whereabouts;

use crate::audience::Audience;
use crate::configuration::{Address, Configuration, IfSecretMissing, Problems};
use crate::counters::Counters;
use crate::dispatch::Dispatch;
use crate::edition::{Draft, Edition, Look, Surroundings, Workshop, draft, look, look_at_configuration, relative};
use crate::handler::{Engine, EngineSettings, UpwardRequest};
use crate::health::Health;
use crate::listener::{Door, Front};
use crate::monitor::{Monitor, Seen};
use crate::names::ServiceName;
use crate::pool::Pool;
use crate::presence::Presence;
use crate::reload::Reloader;
use crate::store::Documents;
use crate::telemetry::Telemetry;
use crate::tls::Tls;
use arc_swap::ArcSwap;
use sockets::{Numbers, Operators, Sockets};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use whereabouts::Sign;

/// How often idle workers are looked at: at most each half minute, and often enough for a short limit.
const IDLE_CHECKS: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(30);
/// Instances for which room is reserved at least, so that `poolSize` can be raised while the host runs. It is address
/// space, not memory: 12 GiB of 128 TiB for each.
const ROOM: usize = 64;
/// Questions of handlers that wait to be taken up: `dispatch` takes them at once.
const QUESTIONS: usize = 1024;
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
    /// In place of the configured one.
    pub management_port: Option<u16>,
    /// Where the host keeps what it writes; none: nothing but compiled modules, in the user's cache folder.
    pub data: Option<PathBuf>,
    /// Addresses in place of the configured ones.
    pub services: BTreeMap<ServiceName, Vec<Address>>,
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

/// How a host is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    /// It goes on for `limits.drainMilliseconds`, so that clients and proxies find another host.
    None,
    /// Somebody waits for its end: it takes nothing new from now on.
    Some,
}

/// A running host.
pub struct Host {
    /// The port that it listens on.
    pub port: u16,
    dispatch: Arc<Dispatch>,
    documents: Arc<Documents>,
    drain: CancellationToken,
    stop: CancellationToken,
    stop_wanted: CancellationToken,
    live: TaskTracker,
    operators: Operators,
    /// Whoever asks for its health finds it by this, until it has ended.
    _sign: Option<Sign>,
}

impl Host {
    /// Starts a host.
    ///
    /// # Errors
    /// Every problem of the application folder at once, or what the machine refuses.
    pub async fn start(options: Options) -> Result<Self, StartFailure> {
        tracing::info!("Starting QEWD");
        allow_open_files();
        let name = options.microservice.as_deref();
        // What changes from now on is seen by its stamp, also while the host starts.
        let files = look_at_configuration(&options.folder).map_err(StartFailure::Machine)?;
        let configuration = Configuration::load(&options.folder, name, IfSecretMissing::Generate)?;
        crate::logging::configure(configuration.settings.log.as_deref());
        for warning in &configuration.warnings {
            tracing::warn!("{warning}");
        }
        let telemetry = Telemetry::start(configuration.host.as_str()).map_err(StartFailure::Machine)?;
        check_services(&options.services, &configuration).map_err(StartFailure::Machine)?;
        let tls = Arc::new(Tls::load(&configuration, &options.services)?);
        let (upward, questions) = mpsc::channel(QUESTIONS);
        let engine = Engine::new(&engine_settings(&configuration, options.data.as_deref()));
        let audience = Arc::<Audience>::default();
        let engine = engine.map_err(StartFailure::Machine)?;
        let documents = documents(&configuration, options.data.as_deref())?;
        let workshop = Workshop { engine, upward, audience: Arc::clone(&audience), documents: Arc::clone(&documents) };
        let seen = look(&configuration.folder, configuration.host.as_str(), &configuration.sources());
        let seen = seen.map_err(StartFailure::Machine)?;
        let seen = Look { configuration: files, ..seen };
        let draft = load_handlers(&workshop, &configuration, &seen).await?;
        let sockets = Sockets::bind(&options, &configuration.settings).await.map_err(StartFailure::Machine)?;
        announce_links(&configuration);
        let routes = Arc::new(ArcSwap::default());
        let (services, tls_here) = (options.services, Arc::clone(&tls));
        let counters = Arc::<Counters>::default();
        let (heard, counted) = (Arc::clone(&audience), Arc::clone(&counters));
        let surroundings = Surroundings { services, routes, audience: heard, counters: counted, tls: tls_here };
        let edition = Edition::first(&surroundings, configuration, draft);
        let dispatch = edition.map_err(StartFailure::Machine)?;
        let dispatch = Arc::new(Dispatch::new(dispatch, audience, counters, telemetry));
        let sign = sign(&sockets, &tls, &options.folder, name).map_err(StartFailure::Machine)?;
        let reloader = Reloader::new(Arc::clone(&dispatch), workshop, surroundings, options.microservice, seen);
        let start = Starting { dispatch, tls, sockets, documents, sign };
        run(start, questions, reloader).map_err(StartFailure::Machine)
    }

    /// Waits until an operator wants the host to stop, by its monitor.
    pub async fn stop_wanted(&self) {
        self.stop_wanted.cancelled().await;
    }

    /// Stops: says so to everybody, goes on for a while unless it is in a hurry, takes nothing new, and waits until requests
    /// in flight have their answers.
    ///
    /// # Errors
    /// The time that all of this may take, if some had none by then.
    pub async fn stop(self, haste: Haste) -> Result<(), Duration> {
        let began = Instant::now();
        let limits = self.dispatch.edition().configuration.settings.limits.clone();
        // The state first: who reads this in the log finds the host so.
        self.drain.cancel();
        tracing::info!("stopping: requests in flight get their answers; a second signal ends at once");
        if haste == Haste::None {
            tokio::time::sleep(limits.drain.min(limits.stop)).await;
        }
        self.stop.cancel();
        self.live.close();
        let in_time = tokio::time::timeout_at(began + limits.stop, self.live.wait()).await;
        // Until now the handlers of requests in flight could ask over them.
        self.dispatch.edition().links.close().await;
        if let Err(failure) = self.documents.close().await {
            tracing::error!("not all documents are on the disk: {failure}");
        }
        if let Some(telemetry) = &self.dispatch.telemetry {
            telemetry.close().await;
        }
        // Until the very end whoever watches can see how it goes.
        self.operators.close().await;
        in_time.map_err(|_| limits.stop)
    }
}

fn documents(configuration: &Configuration, data: Option<&Path>) -> Result<Arc<Documents>, StartFailure> {
    let opened = match data {
        Some(data) => Documents::open(data, configuration.host.as_str(), &configuration.documents),
        None => Documents::in_memory(&configuration.documents),
    };
    let documents = opened.map_err(|failure| StartFailure::Machine(failure.to_string()))?;
    match data {
        Some(data) => tracing::info!("documents are kept in {}", data.display()),
        None => tracing::info!("documents are kept in memory and end with this host; --data DIR keeps them"),
    }
    Ok(Arc::new(documents))
}

/// Each connection is an open file, and many systems allow a program a thousand until it asks for more.
fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        tracing::debug!("the system allows no more open files");
    }
}

/// An address for a service that config.json lacks would silently do nothing.
fn check_services(given: &BTreeMap<ServiceName, Vec<Address>>, configuration: &Configuration) -> Result<(), String> {
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
    EngineSettings { instances: Pool::instances(settings.pool_size).max(ROOM), cache: compiled_folder(data) }
}

async fn load_handlers(workshop: &Workshop, configuration: &Configuration, seen: &Look) -> Result<Draft, Problems> {
    let (modules, not_loaded) = workshop.load_all(configuration, seen.module_files()).await;
    let draft = draft(configuration, modules, not_loaded);
    if !draft.problems.is_empty() {
        return Err(Problems(draft.problems));
    }
    for (offer, module) in draft.catalog.offers() {
        let file = relative(&configuration.folder, &module.file).display();
        tracing::info!("handler {} from {file} (version {})", offer.name, module.version());
    }
    Ok(draft)
}

/// What the port needs.
struct Starting {
    dispatch: Arc<Dispatch>,
    tls: Arc<Tls>,
    sockets: Sockets,
    documents: Arc<Documents>,
    sign: Option<Sign>,
}

/// Tells whoever asks for the health of this host where it listens.
fn sign(sockets: &Sockets, tls: &Tls, folder: &Path, microservice: Option<&str>) -> Result<Option<Sign>, String> {
    let Numbers { own: port, operators: management_port } = sockets.numbers()?;
    let place = Whereabouts { port, management_port, speaks_tls: tls.served().is_some() };
    Ok(place.tell(folder, microservice))
}

/// Starts everything that runs beside requests, and takes them from now on.
fn run(start: Starting, questions: mpsc::Receiver<UpwardRequest>, reloader: Reloader) -> Result<Host, String> {
    let Starting { dispatch, tls, sockets, documents, sign } = start;
    let Numbers { own: port, operators: management_port } = sockets.numbers()?;
    tokio::spawn(Arc::clone(&dispatch).answer_handlers(questions));
    tokio::spawn(end_idle_workers(Arc::clone(&dispatch)));
    if let Some(served) = tls.served() {
        tracing::info!("the port speaks HTTPS with certificate {}", served.fingerprint);
    }
    if let Some(port) = management_port {
        tracing::info!("health, metrics and the monitor: management on port {port}");
    }
    announce(dispatch.edition().configuration.settings.pool_size, port);
    let (drain, stop, live) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
    tokio::spawn(watch_reloader(tokio::spawn(reloader.run(stop.clone()))));
    tokio::spawn(Arc::clone(&tls).follow(stop.clone()));
    let presence = Arc::<Presence>::default();
    let stop_wanted = CancellationToken::new();
    let monitor = Arc::new(Monitor::new(Seen {
        dispatch: Arc::clone(&dispatch),
        documents: Arc::clone(&documents),
        presence: Arc::clone(&presence),
        port,
        management_port,
        drain: drain.clone(),
        stop: stop.clone(),
        stop_wanted: stop_wanted.clone(),
    }));
    tokio::spawn(Arc::clone(&monitor).keep_time());
    let health = Arc::new(Health::new(Arc::clone(&dispatch), Arc::clone(&documents), drain.clone()));
    tokio::spawn(Arc::clone(&health).keep_looking());
    let front = Front {
        dispatch: Arc::clone(&dispatch),
        monitor,
        health,
        door: Door::default(),
        presence,
        tls,
        drain: drain.clone(),
        stop: stop.clone(),
        live: live.clone(),
    };
    let operators = sockets.serve(&Arc::new(front));
    Ok(Host { port, dispatch, documents, drain, stop, stop_wanted, live, operators, _sign: sign })
}

/// A host that no longer takes changes up has to say so.
async fn watch_reloader(running: JoinHandle<()>) {
    if let Err(ended) = running.await {
        tracing::error!("changes of files are taken up no longer: {ended}; start this host anew");
    }
}

fn announce_links(configuration: &Configuration) {
    if configuration.services.is_empty() {
        tracing::info!("*** orchestrator without any microservices ***");
    }
    if !configuration.links.is_empty() {
        tracing::info!("Setting up micro-service connections");
    }
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
        let pause = (dispatch.pool.idle_limit() / 2).clamp(*IDLE_CHECKS.start(), *IDLE_CHECKS.end());
        tokio::time::sleep(pause).await;
        dispatch.pool.end_idle();
    }
}
