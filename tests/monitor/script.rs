//! One script in Node.js, and what goes to and fro between it and its test.
//! In come the script's wishes, one line of JSON each; out go their answers, and at its end all that the script said.
//! It never outlives its test, and neither does the browser that it started.

use crate::equipment::{Equipment, folder};
use crate::harness::FLAGS;
use crate::stage::{Stage, hash};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How long a story may take on a busy machine; its own waits are shorter and say more.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long a script may take to close its browser.
const GOODBYE_TIME: Duration = Duration::from_secs(5);

/// A script that runs.
pub(crate) struct Script {
    story: String,
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Script {
    pub(crate) fn start(equipment: &Equipment, story: &str, stage: &Stage) -> Self {
        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("monitor");
        std::fs::create_dir_all(&pictures).unwrap();
        let told = json!({
            "ports": stage.ports(), "hash": hash(), "chromium": equipment.chromium, "flags": FLAGS,
            "picture": pictures.join(story).with_extension("png"),
        });
        let mut command = Command::new("node");
        command.arg(folder().join("stories").join(format!("{story}.mjs")));
        command.env("QEWD_STORY", told.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        follow(child.stdout.take().unwrap(), sender.clone());
        follow(child.stderr.take().unwrap(), sender);
        Self { story: story.to_owned(), child, lines, said: Vec::new() }
    }

    /// Fulfils what the script wishes, until it ends; fails the test if it ends badly.
    pub(crate) fn play(mut self, stage: &mut Stage) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(line) = self.line(deadline) {
            match serde_json::from_str::<Value>(&line) {
                Ok(wish) if wish["wish"].is_string() => {
                    let answer = json!({"number": wish["number"], "answer": stage.fulfil(&wish)});
                    // It may have ended without waiting.
                    let _ = writeln!(self.child.stdin.as_ref().unwrap(), "{answer}");
                }
                _ => self.said.push(line),
            }
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the story {} ended with {status}; what it said follows", self.story);
    }

    /// The next line; none when there can be no more.
    fn line(&self, deadline: Instant) -> Option<String> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => Some(line),
            Err(Disconnected) => None,
            Err(Timeout) => panic!("the story {} does not come to its end; what it said follows", self.story),
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            // Asked first, since it then takes its browser with it.
            let line = format!("kill -TERM {}", self.child.id());
            let _ = Command::new("sh").args(["-c", &line]).status();
            let deadline = Instant::now() + GOODBYE_TIME;
            while Instant::now() < deadline && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            self.said.extend(self.lines.try_iter());
            eprintln!("--- {} ---\n{}", self.story, self.said.join("\n"));
        }
    }
}

fn follow(from: impl Read + Send + 'static, to: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                break;
            }
        }
    });
}
