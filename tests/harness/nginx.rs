//! NGINX before hosts, with the configuration that is published: `deploy/nginx.conf`.
//! In come the hosts' ports; out goes a server on a free port, which ends with its test.
//! Where NGINX is missing the tests are skipped, and say so; they fail where the environment requires them.

use super::host::wait_until;
use super::ports::free_port;
use super::{tell, workspace};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Set to `required`, it makes a failure of what would be skipped.
const VARIABLE: &str = "QEWD_NGINX_TESTS";
const INSTALL: &str = "on Debian or Ubuntu, type: apt-get install -y --no-install-recommends nginx-light";
/// Programs for administrators are not on everybody's PATH.
const PLACES: [&str; 4] = ["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"];

/// A running NGINX.
pub(crate) struct Nginx {
    pub(crate) port: u16,
    process: Child,
    folder: TempDir,
}

impl Nginx {
    /// Starts it before two orchestrators; none: it is not installed.
    pub(crate) fn before(orchestrators: [u16; 2]) -> Option<Self> {
        let Some(program) = program() else {
            let required = std::env::var_os(VARIABLE).is_some_and(|value| value == "required");
            assert!(!required, "{VARIABLE}=required, but there is no nginx; {INSTALL}");
            tell(&format!("skipped: this test needs nginx; {INSTALL}"));
            return None;
        };
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        std::fs::write(folder.path().join("qewd.conf"), published(orchestrators, port)).unwrap();
        std::fs::write(folder.path().join("nginx.conf"), around(folder.path())).unwrap();
        let mut command = Command::new(program);
        command.arg("-p").arg(folder.path()).arg("-c").arg(folder.path().join("nginx.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let nginx = Self { port, process: command.spawn().unwrap(), folder };
        wait_until("nginx listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default();
            eprintln!("--- nginx ---\n{log}");
        }
    }
}

fn program() -> Option<PathBuf> {
    let runs = |place: &&&str| Command::new(place).arg("-v").stderr(Stdio::null()).status().is_ok();
    PLACES.iter().find(runs).map(PathBuf::from)
}

/// The published file, with the ports of this test.
fn published(orchestrators: [u16; 2], port: u16) -> String {
    let mut text = std::fs::read_to_string(workspace().join("deploy/nginx.conf")).unwrap();
    let mut put = |published: &str, here: String| {
        assert!(text.contains(published), "deploy/nginx.conf has no {published:?} any more");
        text = text.replace(published, &here);
    };
    put("listen 8080;", format!("listen 127.0.0.1:{port};"));
    put("orchestrator_1:8080", format!("127.0.0.1:{}", orchestrators[0]));
    put("orchestrator_2:8080", format!("127.0.0.1:{}", orchestrators[1]));
    text
}

/// What stands around it: one process that ends with the test, and all files in this folder.
fn around(folder: &Path) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|what| format!("{what}_temp_path {folder}/{what};\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log info;\n\
         events {{}}\nhttp {{\naccess_log off;\n{temporary}include {folder}/qewd.conf;\n}}\n"
    )
}
