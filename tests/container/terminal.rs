//! A terminal in which a command runs in the foreground, and somebody who types.
//! In come a command line and keys; out go the lines that the terminal shows, and how the command ended.
//! A command never outlives its test.

use super::engine::{Engine, wait_patiently};
use crate::harness::wait_until;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

/// What Ctrl-C sends.
const CTRL_C: &str = "\u{3}";

pub(crate) struct Terminal {
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Types a command.
    pub(crate) fn open(engine: &Engine, line: &str) -> Self {
        let mut script = Command::new("script");
        engine.prepare(&mut script);
        // `script` gives the command a terminal of its own, and ends as the command does.
        script.args(["--quiet", "--return", "--command", line, "/dev/null"]);
        script.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script.spawn().unwrap();
        let shown = Arc::<Mutex<Vec<u8>>>::default();
        let (mut from, to) = (child.stdout.take().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                to.lock().unwrap().extend(&bytes[..count]);
            }
        });
        Self { child, shown }
    }

    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until a text stands there.
    pub(crate) fn wait_for(&self, text: &str) {
        wait_patiently(&format!("the terminal shows {text:?}"), || self.shown().contains(text));
    }

    pub(crate) fn keys(&mut self, keys: &str) {
        self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Presses Ctrl-C and waits for the end.
    pub(crate) fn interrupt(mut self) -> ExitStatus {
        self.keys(CTRL_C);
        self.ended()
    }

    /// Waits until the command has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the command ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- terminal ---\n{}", self.shown());
        }
    }
}
