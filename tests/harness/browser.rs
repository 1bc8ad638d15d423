//! A real browser: headless Chromium, driven over its DevTools protocol.
//! In come addresses and JavaScript; out goes what the scripts return.
//! One Chromium serves all tests that run at one time and ends with the last of them; each page has storage of its own.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// How long the browser may take for one thing.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long it may take to end.
const GOODBYE_TIME: Duration = Duration::from_secs(3);
/// Names that Chromium has on different systems.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const HOW_TO_INSTALL: &str = "no Chromium was found on the PATH: the tests of qewd-client.js drive one.\n\
                              On Debian or Ubuntu, type: apt-get install -y --no-install-recommends chromium";
/// What every Chromium of a test is told; how it is driven comes with it.
pub(crate) const FLAGS: [&str; 9] = [
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-popup-blocking",
];

/// Where a Chromium lies, if there is one on the PATH.
pub(crate) fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

struct Chromium {
    child: Child,
    address: String,
    /// Removed with it.
    _profile: TempDir,
}

impl Chromium {
    /// The one that runs, or a new one.
    fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Chromium>> = Mutex::new(Weak::new());
        // A test that failed while it started one says so itself.
        let mut running = RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *running = Arc::downgrade(&started);
            started
        })
    }

    fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let spawn = |name: &&str| {
            let mut command = Command::new(name);
            command
                .args(["--headless=new", "--remote-debugging-port=0"])
                .args(FLAGS)
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .arg("about:blank");
            // A group of its own, so that all of its processes can be ended.
            command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().ok()
        };
        let mut child = NAMES.iter().find_map(spawn).expect(HOW_TO_INSTALL);
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut started = Self { child, address: String::new(), _profile: profile };
        let mut lines = Vec::new();
        started.address = loop {
            let mut line = String::new();
            let read = said.read_line(&mut line).unwrap_or_default();
            assert!(read > 0, "Chromium ended at its start; it said:\n{}", lines.concat());
            match line.trim().strip_prefix("DevTools listening on ") {
                Some(address) => break address.to_owned(),
                None => lines.push(line),
            }
        };
        // It goes on talking; a full pipe would stop it.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        started
    }

    /// To the process, or with `-` to all of its group.
    fn signal(&self, signal: &str, group: &str) {
        let line = format!("kill -{signal} {group}{}", self.child.id());
        let _ = Command::new("sh").args(["-c", &line]).stderr(Stdio::null()).status();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Asked first, since it then ends its children in good order. All of them may have ended by themselves.
        self.signal("TERM", "");
        let deadline = Instant::now() + GOODBYE_TIME;
        while Instant::now() < deadline && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.signal("KILL", "-");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A tab with storage of its own.
pub(crate) struct Page {
    socket: WebSocket<TcpStream>,
    session: String,
    last: u64,
    _browser: Arc<Chromium>,
}

impl Page {
    /// Opens a page and waits until its scripts have run.
    pub(crate) fn open(address: &str) -> Self {
        let browser = Chromium::shared();
        let (_, place) = browser.address.split_once("://").unwrap();
        let stream = TcpStream::connect(place.split('/').next().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = client(browser.address.as_str(), stream).unwrap();
        let mut page = Self { socket, session: String::new(), last: 0, _browser: browser };
        let context = page.ask("Target.createBrowserContext", &json!({"disposeOnDetach": true}));
        let wanted = json!({"url": "about:blank", "browserContextId": context["browserContextId"]});
        let target = page.ask("Target.createTarget", &wanted);
        let attached = page.ask("Target.attachToTarget", &json!({"targetId": target["targetId"], "flatten": true}));
        attached["sessionId"].as_str().unwrap().clone_into(&mut page.session);
        page.go(address);
        page
    }

    /// Goes to another address in the same tab, or to the same again.
    pub(crate) fn go(&mut self, address: &str) {
        let went = self.ask("Page.navigate", &json!({"url": address}));
        assert_eq!(went["errorText"], Value::Null, "{address} cannot be opened");
        self.loaded(address);
    }

    /// Goes back to the address from which it came.
    pub(crate) fn back(&mut self, address: &str) {
        self.evaluate("history.back()");
        self.loaded(address);
    }

    fn loaded(&mut self, address: &str) {
        let loaded = format!("document.readyState === 'complete' && location.href === {}", json!(address));
        super::wait_until("the page is loaded", || self.evaluate(&loaded) == json!(true));
    }

    /// The value of an expression; a promise is awaited, and one that fails fails the test.
    pub(crate) fn run(&mut self, script: &str) -> Value {
        let outcome = self.look(script);
        assert_eq!(outcome["exceptionDetails"], Value::Null, "{script}");
        outcome["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_for(&mut self, script: &str) {
        super::wait_until(script, || self.run(script) == json!(true));
    }

    /// The same as `run`, but while the page changes there may be nobody to answer.
    fn evaluate(&mut self, script: &str) -> Value {
        self.look(script)["result"]["value"].clone()
    }

    fn look(&mut self, script: &str) -> Value {
        let wanted = json!({"expression": script, "awaitPromise": true, "returnByValue": true});
        self.ask("Runtime.evaluate", &wanted)
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = self.session.as_str().into();
        }
        self.socket.send(Message::text(message.to_string())).unwrap();
        loop {
            let Message::Text(text) = self.socket.read().unwrap_or_else(|error| panic!("{method}: {error}")) else {
                continue;
            };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == json!(self.last) {
                return answer["result"].clone();
            }
        }
    }
}
