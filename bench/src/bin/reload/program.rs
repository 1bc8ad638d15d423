//! The real program as a child process.
//! In come arguments; out go its port, its id, and the lines of its log that tell a new version or a trouble.
//! It ends with this process at the latest: the program stops when its standard input ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long a start may take: the first version is compiled.
const START: Duration = Duration::from_secs(60);
/// A line for each request would keep this process busy reading; all others are wanted.
const LOG: &str = "info,qewd::dispatch=warn";

/// A running host.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) port: u16,
    child: Child,
    lines: Receiver<Line>,
    /// What was said of troubles that the run did not ask for.
    pub(crate) troubles: Vec<String>,
}

/// A line of the log, and when it came.
struct Line {
    text: String,
    came: Instant,
}

/// A line that says that a version serves.
pub(crate) struct Serves {
    /// When the host said so, give or take what a line needs to come here.
    pub(crate) said: Instant,
    /// How long compiling took, as the host says.
    pub(crate) compiled: Duration,
}

impl Program {
    /// Starts a host for this folder on a free port, and waits until it listens.
    pub(crate) fn start(program: &Path, folder: &Path, name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(["run", "--until-stdin-ends", "--port", "0", "--app"]).arg(folder).args(arguments);
        // Compiled modules of this run are of no use to anybody else.
        command.arg("--data").arg(folder.join(format!("data-{name}")));
        command.env_remove("microservice").env("QEWD_LOG_FORMAT", "text").env("QEWD_LOG", LOG);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let output = child.stdout.take().expect("its output is piped");
        let (tell, lines) = channel();
        std::thread::spawn(move || follow(BufReader::new(output), &tell));
        let mut host = Self { name: name.to_owned(), port: 0, child, lines, troubles: Vec::new() };
        let line = host.wait_for("qewd is listening on port ", START);
        let line = line.unwrap_or_else(|| panic!("{name} did not start"));
        host.port = line.text.rsplit(' ').next().and_then(|port| port.parse().ok()).expect("the line names the port");
        host
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the links that it opened are ready.
    pub(crate) fn wait_for_link(&mut self) {
        self.wait_for("micro-service ready", START).unwrap_or_else(|| panic!("{} has no link", self.name));
    }

    /// Waits for the line that says that this version serves.
    pub(crate) fn wait_for_version(&mut self, hash: &str, patience: Duration) -> Option<Serves> {
        let line = self.wait_for(&format!("version {hash} serves"), patience)?;
        let (_, took) = line.text.rsplit_once("compiled in ")?;
        let compiled = Duration::from_millis(took.trim_end_matches(" ms").parse().ok()?);
        Some(Serves { said: line.came, compiled })
    }

    /// The first line with this text that has not been looked at.
    fn wait_for(&mut self, text: &str, patience: Duration) -> Option<Line> {
        let deadline = Instant::now() + patience;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.text.contains(text) => return Some(line),
                Ok(line) => self.note(&line.text),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Takes in what was not waited for.
    pub(crate) fn catch_up(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.note(&line.text);
        }
    }

    fn note(&mut self, line: &str) {
        let is_trouble = line.contains(" WARN ") || line.contains("ERROR ");
        // That a broken file is told is as it should be.
        if is_trouble && !line.contains("stays in service") {
            self.troubles.push(format!("{}: {line}", self.name));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(output: impl BufRead, tell: &Sender<Line>) {
    for text in output.lines().map_while(Result::ok) {
        if tell.send(Line { text, came: Instant::now() }).is_err() {
            return;
        }
    }
}
