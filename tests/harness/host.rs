//! The program as a child process: started, watched by its log, stopped or killed.
//! In come an application folder and arguments; out goes a host that listens, or how the program ended.
//! A process never outlives its test, and the log of a failed one is printed.

use super::app::App;
use super::client::Request;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a condition may take to come true on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// How long a start may take: modules are compiled the first time.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// How long one look at a condition that cannot wake us lasts.
const LOOK: Duration = Duration::from_millis(20);

/// The program, with an environment of its own.
pub(crate) fn command() -> Command {
    command_through(Command::new(env!("CARGO_BIN_EXE_qewd")))
}

/// The same, for another program that runs it.
pub(crate) fn command_through(mut command: Command) -> Command {
    // Compiled modules are kept here for all tests and all runs.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    for variable in
        ["microservice", "QEWD_PORT", "QEWD_MANAGEMENT_PORT", "QEWD_DATA", "QEWD_LOG", "OTEL_EXPORTER_OTLP_ENDPOINT"]
    {
        command.env_remove(variable);
    }
    // Tests read the log as people do.
    command.env("XDG_CACHE_HOME", cache).env("QEWD_LOG_FORMAT", "text");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits until a condition holds; fails the test with these words if it does not.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(LOOK);
    }
}

/// A host that is to be started.
pub(crate) struct Launch {
    name: String,
    command: Command,
    port: u16,
    folder: Option<Arc<TempDir>>,
}

impl Launch {
    pub(crate) fn orchestrator(app: &App) -> Self {
        let mut command = command();
        command.args(["run", "--app"]).arg(app.path());
        Self { name: "orchestrator".to_owned(), command, port: 0, folder: Some(app.folder()) }
    }

    pub(crate) fn microservice(app: &App, name: &str) -> Self {
        let mut launch = Self::orchestrator(app);
        launch.command.args(["--microservice", name]);
        name.clone_into(&mut launch.name);
        launch
    }

    /// Any other way to start the program: as it is, without arguments of ours.
    pub(crate) fn plain(name: &str, command: Command) -> Self {
        let name = name.to_owned();
        Self { name, command, port: 0, folder: None }
    }

    pub(crate) fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Where it finds a microservice.
    pub(crate) fn reaching(mut self, service: &str, port: u16) -> Self {
        let address = format!("{service}=http://127.0.0.1:{port}");
        self.command.args(["--service", &address]);
        self
    }

    /// Where it finds a microservice, as a whole URL.
    pub(crate) fn reaching_at(mut self, service: &str, url: &str) -> Self {
        self.command.args(["--service", &format!("{service}={url}")]);
        self
    }

    /// Gives it a variable of the environment.
    pub(crate) fn environment(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Keeps compiled modules here, not in the place that all tests share.
    pub(crate) fn data(mut self, folder: &Path) -> Self {
        self.command.arg("--data").arg(folder);
        self
    }

    /// What its log tells: levels, and parts of the program with levels of their own.
    pub(crate) fn logging(mut self, filter: &str) -> Self {
        self.command.env("QEWD_LOG", filter);
        self
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(mut self) -> Host {
        self.command.args(["--port", &self.port.to_string()]);
        self.start_as_it_is()
    }

    /// Starts it without a `--port` and waits until it listens.
    pub(crate) fn start_as_it_is(self) -> Host {
        let mut host = self.spawn();
        let line = host.wait_for_within("qewd is listening on port ", START_PATIENCE);
        host.port = line.trim_end_matches("\"}").rsplit(' ').next().unwrap().parse().unwrap();
        host
    }

    /// Starts it and waits for nothing.
    pub(crate) fn spawn(mut self) -> Host {
        let mut child = self.command.spawn().unwrap();
        let log = Arc::new(Log::default());
        log.follow(child.stdout.take().unwrap());
        log.follow(child.stderr.take().unwrap());
        Host { name: self.name, child, log, port: 0, _folder: self.folder }
    }

    /// Runs it to its end, with a `--port` of 0.
    pub(crate) fn fails(mut self) -> Ended {
        self.command.args(["--port", &self.port.to_string()]);
        Ended::of(&mut self.command)
    }
}

/// How the program ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What `qewd check` said, but for warnings: most folders of the tests have the password that everybody knows.
    pub(crate) fn problems(&self) -> String {
        self.out.split_inclusive('\n').filter(|line| !line.starts_with("warning: ")).collect()
    }
}

/// A running host.
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: u16,
    child: Child,
    log: Arc<Log>,
    /// A running host looks at its folder: it may not end before the host.
    _folder: Option<Arc<TempDir>>,
}

impl Host {
    pub(crate) fn get(&self, path: impl Into<String>) -> Request {
        Request::new(self.port, "GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Request {
        Request::new(self.port, "POST", path).header("Content-Type", "application/json").body(body)
    }

    /// Signs the example's user in, and returns the token.
    pub(crate) fn login(&self) -> String {
        let body = r#"{"username":"rob","password":"secret"}"#;
        self.post("/api/login", body).send().token()
    }

    /// Waits for a line with this text and returns it; lines that are there already count.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_for_within(text, PATIENCE)
    }

    pub(crate) fn wait_for_within(&self, text: &str, patience: Duration) -> String {
        self.log.wait(0, text, patience).unwrap_or_else(|| self.missed(text))
    }

    /// Waits for a line with this text that came after the first `seen` lines.
    pub(crate) fn wait_for_after(&self, seen: usize, text: &str) -> String {
        self.log.wait(seen, text, PATIENCE).unwrap_or_else(|| self.missed(text))
    }

    /// Waits until every link that it opened at its start is ready.
    pub(crate) fn wait_for_links(&self) {
        for line in self.lines() {
            if let Some((_, link)) = line.split_once("Adding MicroService Client connection: url = ") {
                let (url, _) = link.split_once(';').unwrap();
                self.wait_for(&format!("{url} micro-service ready"));
            }
        }
    }

    fn missed(&self, text: &str) -> ! {
        panic!("{} did not say {text:?}; its lines follow", self.name)
    }

    /// Kibibytes of memory that the process holds now.
    pub(crate) fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// How many files and sockets the process holds open now.
    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// How many lines the log has.
    pub(crate) fn seen(&self) -> usize {
        self.log.lines().len()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lines()
    }

    pub(crate) fn signal(&self, signal: &str) {
        // The shell's own `kill`: not every machine has the program.
        let line = format!("kill -{signal} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &line]).status().unwrap();
        assert!(sent.success(), "{} could not be sent {signal}", self.name);
    }

    /// Stops it in its tracks until it is sent CONT. A thread that runs at that moment goes on for a little while.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
        let tasks = format!("/proc/{}/task", self.child.id());
        let is_stopped = |status: String| status.lines().any(|line| line.starts_with("State:\tT"));
        wait_until("all threads stand still", || {
            let mut statuses = std::fs::read_dir(&tasks).unwrap().map(|task| task.unwrap().path().join("status"));
            statuses.all(|status| std::fs::read_to_string(status).is_ok_and(is_stopped))
        });
    }

    /// Waits for the end, and for the last line of its log.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        let child = &mut self.child;
        wait_until("the program ends", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        wait_until("its outputs end with it", || self.log.has_ended());
        status.unwrap()
    }

    /// SIGKILL: no goodbye to anybody.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- {} ---\n{}", self.name, self.log.lines().join("\n"));
        }
    }
}

/// What a process has said.
#[derive(Default)]
struct Log {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    /// Outputs that can still bring lines.
    open: usize,
}

impl Log {
    fn follow(self: &Arc<Self>, from: impl Read + Send + 'static) {
        let log = Arc::clone(self);
        log.said.lock().unwrap().open += 1;
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                log.said.lock().unwrap().lines.push(line);
                log.more.notify_all();
            }
            log.said.lock().unwrap().open -= 1;
            log.more.notify_all();
        });
    }

    fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap().lines.clone()
    }

    /// Whether no line can come any more.
    fn has_ended(&self) -> bool {
        self.said.lock().unwrap().open == 0
    }

    /// The first line after `seen` with this text; nothing if it does not come in time, or cannot come any more.
    fn wait(&self, seen: usize, text: &str, patience: Duration) -> Option<String> {
        let find = |said: &Said| said.lines.iter().skip(seen).find(|line| line.contains(text)).cloned();
        let said = self.said.lock().unwrap();
        let missing = |said: &mut Said| said.open > 0 && find(said).is_none();
        let (said, _) = self.more.wait_timeout_while(said, patience, missing).unwrap();
        find(&said)
    }
}

/// An orchestrator and its microservices, all linked.
pub(crate) struct Fleet {
    pub(crate) app: App,
    pub(crate) orchestrator: Host,
    services: Vec<Host>,
}

impl Fleet {
    /// The microservices of the example application.
    pub(crate) const EXAMPLE: [&str; 3] = ["login_service", "info_service", "db_service"];

    /// The example application: its microservices and the orchestrator.
    pub(crate) fn example() -> Self {
        Self::start(App::example(), &Self::EXAMPLE)
    }

    /// Starts the services, each with the way to those before it, then the orchestrator.
    pub(crate) fn start(app: App, names: &[&str]) -> Self {
        Self::start_as(app, names, |launch| launch)
    }

    /// The same with something about each launch.
    pub(crate) fn start_as(app: App, names: &[&str], how: impl Fn(Launch) -> Launch) -> Self {
        let mut services: Vec<Host> = Vec::new();
        let knowing = |launch: Launch, services: &[Host]| {
            services.iter().fold(how(launch), |launch, host| launch.reaching(&host.name, host.port))
        };
        for name in names {
            services.push(knowing(Launch::microservice(&app, name), &services).start());
        }
        let orchestrator = knowing(Launch::orchestrator(&app), &services).start();
        let fleet = Self { app, orchestrator, services };
        fleet.hosts().for_each(Host::wait_for_links);
        fleet
    }

    pub(crate) fn service(&mut self, name: &str) -> &mut Host {
        self.services.iter_mut().find(|host| host.name == name).unwrap()
    }

    /// All hosts, the orchestrator first.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &Host> {
        std::iter::once(&self.orchestrator).chain(&self.services)
    }
}
