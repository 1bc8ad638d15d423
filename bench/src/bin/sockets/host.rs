//! The real program as a child process, with a folder of its own.
//! In comes how many clients there will be; out go its port and its id.
//! It ends with this process at the latest: the program stops when its standard input ends.

use bench::modules;
use bench::program::Started;
use serde_json::json;
use std::path::Path;
use std::process::Child;
use tempfile::TempDir;

/// Lines for single requests and sockets would keep this process busy reading.
const LOG: &str = "info,qewd::dispatch=warn,qewd::listener=warn";
/// Sockets beside those of the clients.
const SPARE: usize = 1000;

/// A running host.
pub(crate) struct Host {
    pub(crate) port: u16,
    child: Child,
    _folder: TempDir,
}

impl Host {
    /// Starts a host on a free port, and waits until it listens.
    pub(crate) fn start(program: &Path, clients: usize) -> Self {
        let folder = folder(clients);
        let Started { child, port, lines } = bench::program::start(program, folder.path(), LOG);
        std::thread::spawn(move || {
            for line in lines.filter(|line| line.contains(" WARN ") || line.contains("ERROR ")) {
                println!("the host says: {line}");
            }
        });
        Self { port, child, _folder: folder }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder(clients: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let message = |kind: &str| json!({"application": "demo", "type": kind, "handler": kind, "authenticate": false});
    let secret = format!("{:032x}", rand::random::<u128>());
    let limits = json!({"sockets": clients + SPARE, "connections": clients + SPARE});
    let config = json!({
        "qewd_up": true, "orchestrator": {"qewd": {"limits": limits}}, "microservices": [], "jwt": {"secret": secret},
    });
    let routes = json!([message("hello"), message("shout")]);
    let (modules, configuration) = (folder.path().join("handlers/orchestrator"), folder.path().join("configuration"));
    for folder in [&modules, &configuration] {
        std::fs::create_dir_all(folder).expect("the temporary folder can be written");
    }
    for (file, value) in [("config.json", config), ("routes.json", routes)] {
        std::fs::write(configuration.join(file), value.to_string()).expect("the temporary folder can be written");
    }
    let chatty = modules::build().join("examples/chatty.wasm");
    std::fs::copy(&chatty, modules.join("chatty.wasm")).unwrap_or_else(|error| panic!("{}: {error}", chatty.display()));
    folder
}
