//! The real program as a child process, on a data folder that holds so many nodes.
//! In come the number of nodes and the program; out go its port, its id and its data folder.
//! It ends with this process at the latest: the program stops when its standard input ends.

use bench::program::Started;
use serde_json::json;
use std::io::{BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Lines for single requests would keep this process busy reading.
const LOG: &str = "info,qewd::dispatch=warn";
/// Children of each node of the first level, as in the guest `measured`.
pub(crate) const WIDTH: u64 = 1000;

/// A running host.
pub(crate) struct Host {
    pub(crate) port: u16,
    child: Child,
    folder: TempDir,
}

impl Host {
    /// Makes a folder with so many nodes, and starts a host on it.
    pub(crate) fn start(program: &Path, guests: &Path, nodes: u64) -> Self {
        let folder = folder(guests);
        import(program, &folder.path().join("data"), nodes);
        let Started { child, port, lines } = bench::program::start(program, folder.path(), LOG);
        std::thread::spawn(move || lines.for_each(|line| println!("the host says: {line}")));
        Self { port, child, folder }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops it in good order, and gives its folder.
    pub(crate) fn stop(mut self) -> TempDir {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends");
        let empty = tempfile::tempdir().expect("the system has a temporary folder");
        std::mem::replace(&mut self.folder, empty)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder(guests: &Path) -> TempDir {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let route = |name: &str| json!({"uri": format!("/{name}"), "handler": name, "authenticate": false});
    let config = json!({
        "qewd_up": true,
        "orchestrator": {"qewd": {"poolSize": 64, "limits": {"requestMilliseconds": 600_000}}},
        "jwt": {"secret": format!("{:032x}", rand::random::<u128>())},
    });
    let routes = json!(["read", "page", "count", "put", "nothing"].map(route));
    let (modules, configuration) = (folder.path().join("handlers/orchestrator"), folder.path().join("configuration"));
    for folder in [&modules, &configuration] {
        std::fs::create_dir_all(folder).expect("the temporary folder can be written");
    }
    for (file, value) in [("config.json", config), ("routes.json", routes)] {
        std::fs::write(configuration.join(file), value.to_string()).expect("the temporary folder can be written");
    }
    let module = guests.join("examples/measured.wasm");
    std::fs::copy(&module, modules.join("measured.wasm"))
        .unwrap_or_else(|error| panic!("{}: {error}", module.display()));
    folder
}

fn import(program: &Path, data: &Path, nodes: u64) {
    std::fs::create_dir_all(data).expect("the temporary folder can be written");
    let mut command = Command::new(program);
    command.args(["documents", "import", "--data"]).arg(data).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let mut lines = BufWriter::new(child.stdin.take().expect("its input is piped"));
    writeln!(lines, "{}", json!({"qewd_documents": 1, "nodes": nodes})).expect("it reads");
    for at in 0..nodes {
        let (parent, child) = (at / WIDTH, at % WIDTH);
        writeln!(lines, r#"{{"document":"D","subscripts":["{parent}","{child}"],"value":{at}}}"#).expect("it reads");
    }
    drop(lines);
    assert!(child.wait().expect("it ends").success(), "the nodes are imported");
}

/// A kept connection to a host.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the host listens");
        stream.set_nodelay(true).expect("the socket takes options");
        Self { stream: BufReader::new(stream) }
    }

    /// Asks, and gives the time until the whole answer was there. Anything but 200 ends the program.
    pub(crate) fn get(&mut self, path: &str) -> Duration {
        let started = Instant::now();
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes()).expect("the host reads");
        let (mut line, mut length, mut is_good) = (String::new(), 0, false);
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("the host answers");
            is_good |= line.starts_with("HTTP/1.1 200");
            if let Some(bytes) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = bytes.trim().parse().expect("a length is a number");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("the host answers");
        assert!(is_good, "{path}: {}", String::from_utf8_lossy(&body));
        started.elapsed()
    }
}
