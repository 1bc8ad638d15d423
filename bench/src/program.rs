//! The real program as a child process.
//! In come its file and an application folder; out go the process, its port, and the lines that it still says.
//! The program stops when its standard input ends, so it ends with this process at the latest.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program to start: the one that was given, or the one beside this program.
///
/// # Errors
/// Words that say how to build it.
pub fn find(given: Option<PathBuf>) -> Result<PathBuf, String> {
    let beside = || std::env::current_exe().ok().map(|own| own.with_file_name("qewd"));
    let file = given.or_else(beside).ok_or("this program does not know where it is; use --program")?;
    if file.is_file() {
        return Ok(file);
    }
    Err(format!("there is no program {}; type: cargo build --release", file.display()))
}

/// A host that listens.
pub struct Started {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub port: u16,
    /// What it says from now on. Somebody has to read it.
    pub lines: Box<dyn Iterator<Item = String> + Send>,
}

/// Starts a host for this folder on a free port, with `data` in it as data folder, and waits until it listens. `log` says which
/// lines it writes.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn start(program: &Path, folder: &Path, log: &str) -> Started {
    let mut command = Command::new(program);
    command.args(["run", "--until-stdin-ends", "--port", "0", "--app"]).arg(folder);
    command.arg("--data").arg(folder.join("data"));
    command.env_remove("microservice").env("QEWD_LOG_FORMAT", "text").env("QEWD_LOG", log);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines().map_while(Result::ok);
    let listens = lines.find(|line| line.contains("qewd is listening on port ")).expect("the host starts");
    let port = listens.rsplit(' ').next().and_then(|port| port.parse().ok()).expect("the line names the port");
    Started { child, port, lines: Box::new(lines) }
}
