//! The process in which the clients live, as the measurement sees it.
//! In come steps, one a line; out goes what the clients tell of each.
//! It never opens a socket itself.

use bench::figures::{Times, time};
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The process of the clients.
pub(crate) struct Crowd {
    child: Child,
    steps: ChildStdin,
    told: BufReader<ChildStdout>,
}

/// What the clients tell of a step.
pub(crate) struct Told {
    /// Until the last client was done.
    pub(crate) all: String,
    /// Of one client.
    pub(crate) median: String,
    /// Of one client.
    pub(crate) longest: String,
}

impl Crowd {
    /// Starts the process; it has no client yet.
    pub(crate) fn start(port: u16) -> Self {
        let own = std::env::current_exe().expect("this program knows where it is");
        let mut command = Command::new(own);
        command.args(["--port", &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this program can be started once more");
        let steps = child.stdin.take().expect("its input is piped");
        let told = BufReader::new(child.stdout.take().expect("its output is piped"));
        Self { child, steps, told }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has all clients take a step, and waits until they have.
    pub(crate) fn take(&mut self, step: &str) -> Told {
        writeln!(self.steps, "{step}").expect("the clients listen");
        let mut line = String::new();
        self.told.read_line(&mut line).expect("the clients tell");
        let mut times = line.split_whitespace().filter_map(|micros| micros.parse().ok()).map(Duration::from_micros);
        let all = times.next().unwrap_or_else(|| panic!("the clients did not take the step: {step}"));
        let each = Times::new(times.collect());
        Told { all: time(all), median: time(each.median()), longest: time(each.worst()) }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
