//! Hosts: an application folder in the system's temporary one, and the real program on it, with the settings that it ships with.
//! In come routes and services; out go servers that answer.
//! Their logs are on, in the form that containers get, and go to files.

use super::process::{Server, output};
use super::tools::Tools;
use bench::modules::Versioned;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The microservice's name where there is one.
pub(crate) const SERVICE: &str = "far";
/// How long a start may take: modules may be compiled.
const START: Duration = Duration::from_secs(300);

/// An application folder, which ends with its value.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new(routes: &Value, services: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let services: Vec<Value> = services.iter().map(|name| json!({ "name": name })).collect();
        let secret = format!("{:032x}", rand::random::<u128>());
        let config = json!({
            "qewd_up": true, "orchestrator": {}, "microservices": services, "jwt": { "secret": secret },
        });
        let configuration = folder.path().join("configuration");
        std::fs::create_dir_all(&configuration).expect("the temporary folder can be written");
        std::fs::write(configuration.join("config.json"), config.to_string()).expect("a file can be written");
        std::fs::write(configuration.join("routes.json"), routes.to_string()).expect("a file can be written");
        Self(folder)
    }

    /// Puts a module into the folder of a host.
    pub(crate) fn add(&self, host: &str, name: &str, module: &[u8]) {
        let modules = self.0.path().join("handlers").join(host);
        std::fs::create_dir_all(&modules).expect("the temporary folder can be written");
        std::fs::write(modules.join(format!("{name}.wasm")), module).expect("a file can be written");
    }

    /// A folder whose module is that of all measured handlers.
    pub(crate) fn measured(tools: &Tools, routes: &Value, services: &[String], host: &str) -> Self {
        let folder = Self::new(routes, services);
        folder.add(host, "measured", &std::fs::read(&tools.module).expect("the module was built"));
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A route of the measured handlers.
pub(crate) fn route(method: &str, uri: &str, handler: &str, is_open: bool, service: Option<&str>) -> Value {
    let mut route = json!({ "method": method, "uri": uri, "handler": handler, "authenticate": !is_open });
    if let Some(service) = service {
        route["on_microservice"] = service.into();
    }
    route
}

/// A folder with so many modules, each with a handler and a route of its own: `/module000` and so on.
pub(crate) fn of_modules(tools: &Tools, count: u32) -> Folder {
    let versions = Versioned::read(&tools.modules);
    let modules: Vec<(String, Vec<u8>)> = (0..count).map(|number| versions.named(number)).collect();
    let routes: Vec<_> = modules.iter().map(|(name, _)| route("GET", &format!("/{name}"), name, true, None)).collect();
    let folder = Folder::new(&json!(routes), &[]);
    for (name, module) in &modules {
        folder.add("orchestrator", name, module);
    }
    folder
}

/// The command that starts a host on a free port.
pub(crate) fn command(program: &Path, folder: &Folder, data: &str, microservice: Option<&str>) -> Command {
    command_at(0, program, folder, data, microservice)
}

/// The same, on this port.
pub(crate) fn command_at(
    port: u16,
    program: &Path,
    folder: &Folder,
    data: &str,
    microservice: Option<&str>,
) -> Command {
    let mut command = Command::new(program);
    command.args(["run", "--until-stdin-ends", "--port", &port.to_string(), "--app"]).arg(folder.path());
    command.arg("--data").arg(folder.path().join(format!("data-{data}")));
    command.env_remove("QEWD_LOG").env_remove("QEWD_LOG_FORMAT").env_remove("microservice");
    if let Some(microservice) = microservice {
        command.args(["--microservice", microservice]);
    }
    command.stdin(Stdio::piped());
    command
}

/// Starts a host and waits until it listens.
pub(crate) fn start(name: &str, folder: &Folder, data: &str, mut command: Command) -> Server {
    let log = folder.path().join(format!("log-{data}"));
    let child = command.stdout(output(&log)).spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
    // Its port is not known yet, but from now on it ends with its value.
    let mut server = Server::of(name, 0, child);
    let until = Instant::now() + START;
    loop {
        if let Some(port) = port(&log) {
            server.port = port;
            return server;
        }
        assert!(Instant::now() < until, "{name} does not start; its log is {}", log.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn port(log: &PathBuf) -> Option<u16> {
    let lines = BufReader::new(std::fs::File::open(log).ok()?).lines().map_while(Result::ok);
    let line = lines
        .into_iter()
        .find_map(|line| line.split_once("qewd is listening on port ").map(|(_, rest)| rest.to_owned()))?;
    line.split('"').next()?.trim().parse().ok()
}

/// An orchestrator in front of a microservice that has the handlers.
pub(crate) struct Linked {
    pub(crate) orchestrator: Server,
    pub(crate) service: Server,
    _folder: Folder,
}

/// Both hosts, and the link between them.
pub(crate) fn linked(tools: &Tools) -> Linked {
    let routes = json!([
        route("GET", "/hello/:name", "hello", true, Some(SERVICE)),
        route("POST", "/size", "size", true, Some(SERVICE)),
    ]);
    let folder = Folder::measured(tools, &routes, &[SERVICE.to_owned()], SERVICE);
    let service = start("qewd microservice", &folder, "far", command(&tools.qewd, &folder, "far", Some(SERVICE)));
    let mut front = command(&tools.qewd, &folder, "front", None);
    front.arg("--service").arg(format!("{SERVICE}=http://127.0.0.1:{}", service.port));
    let orchestrator = start("qewd orchestrator → link", &folder, "front", front);
    orchestrator.wait_for("/hello/world");
    Linked { orchestrator, service, _folder: folder }
}
