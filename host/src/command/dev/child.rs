//! One host of `qewd dev`: a process of its own, whose lines stand under its name.
//! In comes where it listens and where the others do; out goes a host that is up, or why it is not.
//! Its standard input is a pipe from here: when this program is gone, however it went, the host stops.

use super::say;
use crate::logging::FORM_VARIABLE;
use crate::names::HostName;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child as Process, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long a host may take to start: its modules are compiled the first time.
const START_TIME: Duration = Duration::from_secs(120);
/// How long a host may take to stop: its own grace, and a little.
const STOP_TIME: Duration = Duration::from_secs(12);

/// A host and its port.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) host: HostName,
    pub(super) port: u16,
    /// Its second port, if it has one.
    pub(super) management: Option<u16>,
    /// Whether its port speaks TLS.
    pub(super) secure: bool,
    /// Where it keeps its documents; none: in memory.
    pub(super) data: Option<PathBuf>,
}

impl Place {
    /// Where it is reached from this machine. Certificates for a developer's machine are made for this name.
    pub(super) fn url(&self) -> String {
        self.url_of(self.port)
    }

    /// Where its monitor is reached.
    pub(super) fn management_url(&self) -> String {
        self.url_of(self.management.unwrap_or(self.port))
    }

    fn url_of(&self, port: u16) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://localhost:{port}")
    }
}

pub(super) struct Child {
    place: Place,
    process: Process,
    up: mpsc::Receiver<()>,
    /// Whether it is to end.
    ending: Arc<AtomicBool>,
}

impl Child {
    /// Starts a host; [`Child::up`] waits until it is up.
    pub(super) fn start(folder: &Path, place: Place, all: &[Place], width: usize) -> Result<Self, String> {
        let ending = Arc::<AtomicBool>::default();
        let (process, up) = spawn(folder, &place, all, (width, &ending))?;
        Ok(Self { place, process, up, ending })
    }

    /// Waits until the host listens and its links are ready.
    pub(super) async fn up(&mut self) -> Result<(), String> {
        let name = self.place.host.as_str();
        match timeout(START_TIME, self.up.recv()).await {
            Ok(Some(())) => Ok(()),
            Ok(None) => Err(format!("{name} did not start; its lines say why")),
            Err(_) => Err(format!("{name} was not up within {} s", START_TIME.as_secs())),
        }
    }

    pub(super) async fn stop(mut self) {
        self.ending.store(true, Ordering::Relaxed);
        end(&mut self.process).await;
    }
}

fn spawn(
    folder: &Path,
    place: &Place,
    all: &[Place],
    (width, ending): (usize, &Arc<AtomicBool>),
) -> Result<(Process, mpsc::Receiver<()>), String> {
    let program = std::env::current_exe().map_err(|error| format!("this program does not know its file: {error}"))?;
    let mut command = Command::new(program);
    command.arg("run").arg("--app").arg(folder).arg("--port").arg(place.port.to_string()).arg("--until-stdin-ends");
    // What is meant for one host, each of them would take for itself.
    for variable in ["microservice", "QEWD_PORT", "QEWD_MANAGEMENT_PORT", "QEWD_DATA"] {
        command.env_remove(variable);
    }
    // Its lines come to a person, though by way of a pipe. Who wants something else has said so.
    if std::env::var_os(FORM_VARIABLE).is_none_or(|form| form.is_empty()) {
        command.env(FORM_VARIABLE, "text");
    }
    if let Some(port) = place.management {
        command.arg("--management-port").arg(port.to_string());
    }
    if let Some(data) = &place.data {
        command.arg("--data").arg(data);
    }
    if let HostName::Microservice(name) = &place.host {
        command.arg("--microservice").arg(name.as_str());
    }
    for other in all {
        if let HostName::Microservice(name) = &other.host {
            let url = if other.secure { other.url() } else { format!("http://127.0.0.1:{}", other.port) };
            command.arg("--service").arg(format!("{name}={url}"));
        }
    }
    // A group of its own: Ctrl-C reaches this program alone, which then stops its hosts in good order.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
    let mut process = command.spawn().map_err(|error| format!("{} cannot be started: {error}", place.host))?;
    let (tell, is_up) = mpsc::channel(1);
    let prefix = format!("{:width$} |", place.host.as_str());
    if let Some(out) = process.stdout.take() {
        let (prefix, ending) = (prefix.clone(), Arc::clone(ending));
        tokio::spawn(async move {
            relay(out, prefix.clone(), Some(tell)).await;
            if !ending.load(Ordering::Relaxed) {
                say(&format!("{prefix} this host has ended; type `qewd dev` anew to have it back"));
            }
        });
    }
    if let Some(out) = process.stderr.take() {
        tokio::spawn(relay(out, prefix, None));
    }
    Ok((process, is_up))
}

/// Prints a host's lines under its name, and tells when it is up: it listens, and all the links that it opened are ready.
async fn relay(out: impl AsyncRead + Unpin, prefix: String, up: Option<mpsc::Sender<()>>) {
    let mut lines = BufReader::new(out).lines();
    let (mut listens, mut opened, mut ready) = (false, 0, 0);
    while let Ok(Some(line)) = lines.next_line().await {
        say(&format!("{prefix} {line}"));
        listens |= line.contains("qewd is listening on port");
        opened += usize::from(line.contains("starting microService connection to"));
        ready += usize::from(line.contains("micro-service ready"));
        if let Some(up) = up.as_ref().filter(|_| listens && ready >= opened) {
            // It is told once; later lines find the channel full or closed.
            let _ = up.try_send(());
        }
    }
}

async fn end(process: &mut Process) {
    drop(process.stdin.take());
    if timeout(STOP_TIME, process.wait()).await.is_err() {
        // It had its time.
        let _ = process.kill().await;
    }
}
