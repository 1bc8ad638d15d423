//! `qewd dev`: the whole application on this machine, in one terminal.
//! In comes the application folder; out go running hosts, their lines under their names, and requests to try.
//! It builds what changes, which running hosts take up by themselves; when it ends, however it ends, its hosts end too.

mod child;
mod try_lines;

use super::build::{self, Built};
use super::run::Signals;
use crate::configuration::{Configuration, HostSettings, IfSecretMissing};
use crate::names::HostName;
use crate::request::MONITOR_PATH;
use child::{Child, Place};
use notify::Watcher as _;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a burst of changes may go on before what has changed is built: editors write a file in several steps.
const BURST: Duration = Duration::from_millis(150);
/// Ports that are tried for each host.
const PORTS_TRIED: u16 = 100;
/// Changes that may wait: more of them say nothing new.
const CHANGES: usize = 256;

/// Runs an application for its developer.
///
/// # Errors
/// The words that say why it cannot run.
pub(super) async fn dev(folder: PathBuf, port: Option<u16>, data: Option<PathBuf>) -> Result<ExitCode, String> {
    let mut signals = Signals::new().map_err(|error| format!("the system gives no signals: {error}"))?;
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    let session = tokio::select! {
        session = Session::start(folder, port, data) => session?,
        _ = signals.next() => return Ok(ExitCode::SUCCESS),
    };
    let (changed, mut changes) = mpsc::channel(CHANGES);
    let _watcher = watch(&session.folder, changed)?;
    loop {
        tokio::select! {
            _ = signals.next() => break,
            Some(path) = changes.recv() => {
                let mut paths = vec![path];
                tokio::time::sleep(BURST).await;
                while let Ok(path) = changes.try_recv() {
                    paths.push(path);
                }
                tokio::select! {
                    () = session.rebuild(&paths) => {}
                    _ = signals.next() => break,
                }
            }
        }
    }
    session.stop().await;
    Ok(ExitCode::SUCCESS)
}

struct Session {
    folder: PathBuf,
    hosts: Vec<Child>,
}

impl Session {
    async fn start(folder: PathBuf, port: Option<u16>, data: Option<PathBuf>) -> Result<Self, String> {
        // The first host that loads it writes a missing secret; so it is here, before several start at once.
        let configuration =
            Configuration::load(&folder, None, IfSecretMissing::Generate).map_err(|all| all.to_string())?;
        let hosts = Configuration::hosts(&folder).map_err(|all| all.to_string())?;
        let crates = build::crates(&folder);
        if !crates.is_empty() {
            build::ensure_target(&folder).await?;
        }
        for krate in &crates {
            say(&format!("building {}", relative(&folder, krate)));
            build::build(&folder, krate).await?;
        }
        let mut places = places(&hosts, port.unwrap_or(configuration.settings.port))?;
        let mut second = SecondPorts { taken: places.iter().map(|place| place.port).collect() };
        for place in &mut places {
            place.secure = is_secure(&configuration, &place.host);
            place.management = second.next_for(&configuration, &place.host)?;
            place.data = data.as_ref().map(|data| data.join(place.host.as_str()));
        }
        let width = places.iter().map(|place| place.host.as_str().len()).max().unwrap_or_default();
        let mut running = Vec::new();
        for place in &places {
            running.push(Child::start(&folder, place.clone(), &places, width)?);
        }
        for host in &mut running {
            host.up().await?;
        }
        for place in &places {
            say(&format!("{:width$}  {}", place.host.as_str(), place.url()));
        }
        let orchestrator = places.first().map(Place::url).unwrap_or_default();
        if configuration.settings.monitor {
            let monitor = places.first().map(Place::management_url).unwrap_or_default();
            say(&format!("\nThe monitor: {monitor}{MONITOR_PATH}"));
        }
        say(&try_lines::lines(&configuration, &orchestrator));
        Ok(Self { folder, hosts: running })
    }

    async fn rebuild(&self, paths: &[PathBuf]) {
        let mut touched = build::crates(&self.folder);
        touched.retain(|krate| paths.iter().any(|path| path.starts_with(krate)));
        for krate in touched {
            say(&format!("building {}", relative(&self.folder, &krate)));
            match build::build(&self.folder, &krate).await {
                // Its host sees the new file by itself, as it does everywhere.
                Ok(Built::Changed) => {}
                Ok(Built::Unchanged) => say("the module is the same as before"),
                Err(words) => say(&format!("{words}\nthe module before this change still runs")),
            }
        }
    }

    async fn stop(self) {
        let ending: Vec<_> = self.hosts.into_iter().map(|host| tokio::spawn(host.stop())).collect();
        for host in ending {
            // A task that failed has nothing left to stop.
            let _ = host.await;
        }
    }
}

/// A free port for each host: the wanted one for the orchestrator, the next free ones for the others.
fn places(hosts: &[HostName], first: u16) -> Result<Vec<Place>, String> {
    let mut port = first;
    let mut places: Vec<Place> = Vec::new();
    for host in hosts {
        let free = (port..port.saturating_add(PORTS_TRIED)).find(|port| is_free(*port));
        let found = free.ok_or_else(|| format!("no free port from {port} on; choose another with --port"))?;
        if places.is_empty() && found != first {
            return Err(format!("port {first} is taken; stop what uses it, or choose another with --port"));
        }
        places.push(Place { host: host.clone(), port: found, management: None, secure: false, data: None });
        port = found.saturating_add(1);
    }
    Ok(places)
}

/// Second ports for hosts that have one: on this machine no two of them can have the same.
struct SecondPorts {
    taken: Vec<u16>,
}

impl SecondPorts {
    /// The configured one, or the next that is free.
    fn next_for(&mut self, configuration: &Configuration, host: &HostName) -> Result<Option<u16>, String> {
        let configured = settings(configuration, host).and_then(|settings| settings.management_port);
        let Some(configured) = configured else { return Ok(None) };
        // None in particular: behind those of the hosts themselves.
        let after = self.taken.iter().max().map_or(1, |last| last.saturating_add(1));
        let first = if configured == 0 { after } else { configured };
        let mut tried = first..first.saturating_add(PORTS_TRIED);
        let found = tried.find(|port| !self.taken.contains(port) && is_free(*port));
        let found = found.ok_or_else(|| {
            format!("no free port for the management of {host} from {first} on; choose another \"managementPort\"")
        })?;
        self.taken.push(found);
        Ok(Some(found))
    }
}

fn settings<'c>(configuration: &'c Configuration, host: &HostName) -> Option<&'c HostSettings> {
    match host {
        HostName::Orchestrator => Some(&configuration.settings),
        HostName::Microservice(name) => {
            configuration.services.iter().find(|service| service.name == *name).map(|service| &service.settings)
        }
    }
}

fn is_secure(configuration: &Configuration, host: &HostName) -> bool {
    settings(configuration, host).is_some_and(|settings| settings.ssl.served.is_some())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
        .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))
        .is_ok()
}

/// Tells of every source file that changes below `handlers/`.
fn watch(folder: &Path, changed: mpsc::Sender<PathBuf>) -> Result<Option<notify::RecommendedWatcher>, String> {
    let handlers = folder.join("handlers");
    if !handlers.is_dir() {
        return Ok(None);
    }
    let below = handlers.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        // Reading a file is an event, too: building would wake itself for ever.
        if event.kind.is_access() {
            return;
        }
        for path in event.paths.into_iter().filter(|path| is_source(path.strip_prefix(&below).unwrap_or(path))) {
            // A full channel already says that there is something to build.
            let _ = changed.try_send(path);
        }
    })
    .map_err(|error| format!("changes cannot be watched: {error}"))?;
    watcher
        .watch(&handlers, notify::RecursiveMode::Recursive)
        .map_err(|error| format!("{} cannot be watched: {error}", handlers.display()))?;
    Ok(Some(watcher))
}

/// `path` is relative to the folder that is watched: what lies above it may well be called `target`.
fn is_source(path: &Path) -> bool {
    let built = path.components().any(|part| part.as_os_str() == "target");
    !built && path.extension().is_some_and(|extension| extension == "rs" || extension == "toml" || extension == "wit")
}

fn relative(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// Writes to the terminal; if there is none any more, nobody misses it.
fn say(words: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{words}");
}
