//! `qewd dev`: the whole example in one terminal, built, tried, changed and ended.
//! One test, because each step needs what the one before it built.

use crate::harness::{Ended, Fake, Host, Launch, Request, SECRET, command, free_ports_in_a_row, is_free, wait_until};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long the first build of all handler crates may take.
const BUILD: Duration = Duration::from_secs(300);

/// A copy of the example application as a workspace of its own.
///
/// It lies in one place, so that what Cargo built there for the last run is still of use; whoever has the lock has it alone.
struct Copy {
    folder: PathBuf,
    _lock: fs::File,
}

impl Copy {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dev");
        fs::create_dir_all(&folder).unwrap();
        let lock = fs::File::create(folder.join(".lock")).unwrap();
        lock.lock().unwrap();
        for name in ["configuration", "handlers"] {
            // The first time there is nothing to remove.
            let _ = fs::remove_dir_all(folder.join(name));
            copy(&root.join(name), &folder.join(name));
        }
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        let manifest: Vec<&str> = manifest.lines().filter(|line| !line.starts_with("default-members")).collect();
        let manifest =
            manifest.iter().map(|line| if line.starts_with("members") { "members = [\"handlers/*\"]" } else { line });
        let manifest: Vec<&str> = manifest.collect();
        fs::write(folder.join("Cargo.toml"), manifest.join("\n")).unwrap();
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        fs::copy(root.join("rust-toolchain.toml"), folder.join("rust-toolchain.toml")).unwrap();
        let copy = Self { folder, _lock: lock };
        let sdk = root.join("sdk").display().to_string();
        for name in ["orchestrator", "login_service", "info_service", "db_service"] {
            copy.edit(&format!("handlers/{name}/Cargo.toml"), "../../sdk", &sdk);
        }
        copy.edit(
            "configuration/config.json",
            "\"qewd_up\": true,",
            &format!("\"qewd_up\": true, \"jwt\": {{\"secret\": \"{SECRET}\"}},"),
        );
        copy
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    fn dev(&self, port: u16) -> Host {
        let mut dev = command();
        dev.arg("dev").arg("--app").arg(&self.folder).args(["--port", &port.to_string()]);
        // What it needs was built, and so fetched, before.
        dev.env("CARGO_NET_OFFLINE", "true");
        let host = Launch::plain("dev", dev).spawn();
        host.wait_for_within("To try, in another terminal:", BUILD);
        host
    }
}

/// Sources and configuration; what is built is not of them.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if entry.is_dir() {
            copy(&entry, &to.join(name));
        } else if entry.extension().is_none_or(|extension| extension != "wasm") {
            fs::copy(&entry, to.join(name)).unwrap();
        }
    }
}

/// What a line of the terminal answers, without its token.
fn typed(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    let mut json: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{line}: {error} in {output:?}"));
    assert!(json["token"].is_string(), "{line}: {json}");
    json.as_object_mut().unwrap().shift_remove("token");
    json.to_string()
}

fn version(port: u16) -> String {
    Request::new(port, "GET", "/api/version").send().shown()
}

/// The ports of the four hosts, as the terminal shows them.
fn ports(dev: &Host) -> [u16; 4] {
    let lines = dev.lines();
    ["orchestrator ", "login_service ", "info_service ", "db_service "].map(|name| {
        let shown = lines.iter().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix("http://localhost:"));
        shown.unwrap_or_else(|| panic!("no address of {name}in {lines:#?}")).parse().unwrap()
    })
}

#[test]
fn the_example_is_built_tried_changed_and_ended() {
    let copy = Copy::new();
    let port = free_ports_in_a_row(4);
    let mut dev = copy.dev(port);
    let shown = ports(&dev);
    assert_eq!(shown[0], port, "the orchestrator has the port that was asked for");
    requests_to_try(&dev, port);

    // A change of a source is served without a word from us.
    assert!(version(port).contains(r#""name":"qewd example""#));
    let seen = dev.seen();
    copy.edit("handlers/orchestrator/src/lib.rs", "\"qewd example\"", "\"changed example\"");
    dev.wait_for_after(seen, "building handlers/orchestrator");
    wait_until("the new answer is served", || answers(port, "changed example"));
    dev.wait_for_after(seen, "handlers/orchestrator/orchestrator.wasm: version ");
    let starts = dev.lines().iter().filter(|line| line.contains("Starting QEWD")).count();
    assert_eq!(starts, 4, "no host was started anew");
    // What does not compile is said, and changes nothing.
    let seen = dev.seen();
    copy.edit("handlers/orchestrator/src/lib.rs", "\"changed example\"", "\"broken example\" \"\"");
    dev.wait_for_after(seen, "the module before this change still runs");
    assert!(dev.lines().iter().skip(seen).any(|line| line.contains("src/lib.rs")), "the compiler's words are shown");
    assert!(answers(port, "changed example"));

    dev.signal("INT");
    assert_eq!(dev.ended().code(), Some(0));
    assert!(shown.iter().all(|port| is_free(*port)), "a host outlived `qewd dev`");

    copy.edit("handlers/orchestrator/src/lib.rs", "\"broken example\" \"\"", "\"last example\"");
    let mut again = copy.dev(port);
    let shown = ports(&again);
    assert!(answers(port, "last example"));
    again.kill();
    wait_until("the hosts end with the program that started them", || shown.iter().all(|port| is_free(*port)));

    let taken = Fake::start(drop);
    let mut refused = command();
    refused.arg("dev").arg("--app").arg(&copy.folder).args(["--port", &taken.port.to_string()]);
    let ended = Ended::of(&mut refused);
    assert_eq!(ended.code, Some(1));
    let words = format!("qewd: port {} is taken; stop what uses it, or choose another with --port\n", taken.port);
    assert_eq!(ended.err, words);
}

fn answers(port: u16, name: &str) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() && version(port).contains(name)
}

/// Each of the three lines works alone, as it stands there.
fn requests_to_try(dev: &Host, port: u16) {
    // The last line is printed right after the first.
    let last = dev.wait_for("/api/info/order");
    let login = format!(
        "curl -s -X POST http://localhost:{port}/api/login -H 'Content-Type: application/json' \
         -d '{{\"username\":\"rob\",\"password\":\"secret\"}}'"
    );
    let token = format!("-H \"Authorization: Bearer $({login} | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')\"");
    let order = format!(
        "curl -s -X POST http://localhost:{port}/api/info/order -H 'Content-Type: application/json' \
         -d '{{\"item\":\"tea\",\"quantity\":2}}' {token}"
    );
    let greeting = format!("curl -s http://localhost:{port}/api/info/greeting {token}");
    let lines = dev.lines();
    let shown: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(shown, [&login, &greeting, &order]);
    assert_eq!(last.trim(), order);
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    assert!(has_curl, "install curl: the lines that `qewd dev` shows are for it");
    assert_eq!(typed(&login), r#"{"ok":true}"#);
    assert_eq!(typed(&greeting), r#"{"greeting":"Hello rob"}"#);
    assert_eq!(typed(&order), r#"{"item":"tea","quantity":2}"#);
}
