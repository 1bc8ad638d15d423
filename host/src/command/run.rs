//! `qewd run`: start a host and wait until it is told to stop.
//! In come the arguments, out goes the exit code: 0 when every request in flight had its answer.
//! A second signal ends the wait.

use super::RunArguments;
use crate::configuration::Address;
use crate::names::ServiceName;
use crate::startup::{Haste, Host, Options};
use std::collections::BTreeMap;
use std::process::ExitCode;
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The environment variable that names a microservice, as for QEWD-Up.
const NAMED_BY: &str = "microservice";

/// Runs a host. `stays` says why it runs as root.
///
/// # Errors
/// The words that say why it did not start.
pub(super) async fn run(arguments: RunArguments, stays: Option<String>) -> Result<ExitCode, String> {
    crate::logging::start()?;
    let mut signals = Signals::new().map_err(|error| format!("the system gives no signals: {error}"))?;
    super::orphans::bury().map_err(|error| format!("the system gives no signals: {error}"))?;
    let (data, unusable) = arguments.data();
    let unnamed = unnamed(arguments.microservice.as_deref());
    for words in stays.iter().chain(&unusable).chain(&unnamed) {
        tracing::warn!("{words}");
    }
    let options = Options {
        folder: arguments.app.folder(),
        microservice: arguments.microservice,
        port: arguments.port.and_then(|given| given.0),
        management_port: arguments.management_port.and_then(|given| given.0),
        data,
        services: by_name(arguments.service),
    };
    let host = tokio::select! {
        started = Host::start(options) => started.map_err(|failure| failure.to_string())?,
        // Compiling may take its time, and nothing was taken yet that needs an answer.
        _ = signals.next() => {
            tracing::info!("stopped before it was up");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let haste = tokio::select! {
        haste = signals.next() => haste,
        () = stdin_end(), if arguments.until_stdin_ends => Haste::Some,
        () = host.stop_wanted() => Haste::None,
    };
    tokio::select! {
        stopped = host.stop(haste) => match stopped {
            Ok(()) => {
                tracing::info!("stopped");
                Ok(ExitCode::SUCCESS)
            }
            Err(time) => Err(format!(
                "some requests were still in flight after {} ms; raise limits.stopMilliseconds to give them longer",
                time.as_millis()
            )),
        },
        _ = signals.next() => Err("ended by a second signal while requests were in flight".to_owned()),
    }
}

/// What to say where somebody seems to have named a microservice, and a second orchestrator starts instead.
fn unnamed(microservice: Option<&str>) -> Option<String> {
    match microservice {
        Some("") => Some(
            "the microservice's name is empty (--microservice, or the environment variable microservice), so this is the \
             orchestrator, or the only microservice of a folder with ms_name; write the name, or take the variable away"
                .to_owned(),
        ),
        Some(_) => None,
        None => std::env::vars_os().find_map(|(name, _)| {
            let name = name.to_str().filter(|name| name.eq_ignore_ascii_case(NAMED_BY))?;
            Some(format!("the environment variable {name} is not looked at; write its name in small letters: {NAMED_BY}"))
        }),
    }
}

/// The addresses of each service: several with one name are its instances.
fn by_name(given: Vec<(ServiceName, Address)>) -> BTreeMap<ServiceName, Vec<Address>> {
    let mut services: BTreeMap<ServiceName, Vec<Address>> = BTreeMap::new();
    for (name, address) in given {
        let addresses = services.entry(name).or_default();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    services
}

/// The two signals that stop a host: a terminal's Ctrl-C, and what containers send.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one of them. Whoever types Ctrl-C waits for the end.
    pub(super) async fn next(&mut self) -> Haste {
        tokio::select! {
            _ = self.interrupt.recv() => Haste::Some,
            _ = self.terminate.recv() => Haste::None,
        }
    }
}

async fn stdin_end() {
    let mut byte = [0; 64];
    let mut stdin = tokio::io::stdin();
    while matches!(stdin.read(&mut byte).await, Ok(count) if count > 0) {}
}
