//! Every host of a fleet is stopped and started anew, one after the other, under load: no request is lost, and none runs twice.
//!
//! Two orchestrators stand behind NGINX, with the configuration that is published; two instances of each service behind both.

use crate::harness::{App, Host, Launch, Nginx, Request, free_port, raw, read_answer, tell, try_answer, wait_until};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// What the handler that posts go to writes each time that it runs.
const RUN: &str = "falling asleep";
/// How long the slow requests take that run while a host is stopped.
const SLOW: Duration = Duration::from_millis(1500);
/// Of them, before each stop: enough that some are on the host that is stopped.
const SLOW_ONES: usize = 4;
/// How long one client may wait for an answer, also over a restart.
const ANSWER_TIME: Duration = Duration::from_secs(15);
/// How long a WebSocket client tries to come back.
const COMEBACK_TIME: Duration = Duration::from_secs(5);
/// Between two requests of a client, so that the machine is busy but not swamped.
const PAUSE: Duration = Duration::from_millis(5);

/// One kind of request, and its one right answer.
#[derive(Clone, Copy)]
struct Kind {
    method: &'static str,
    path: &'static str,
    answer: &'static str,
}

const READ: Kind =
    Kind { method: "GET", path: "/api/sleep?milliseconds=1&for=me", answer: r#"200 {"slept":1,"for":"me"}"# };
const POST: Kind = Kind { method: "POST", ..READ };
/// Over two services: `near` asks `far`.
const CHAIN: Kind = Kind {
    method: "GET",
    path: "/api/ask?on=far&path=/api/sleep%3Fmilliseconds=1",
    answer: r#"200 {"slept":1,"for":null}"#,
};
const POSTED_CHAIN: Kind = Kind { method: "POST", ..CHAIN };

fn app() -> App {
    let route = |uri: &str, method: &str, handler: &str, service: &str| json!({"uri": uri, "method": method, "handler": handler, "on_microservice": service, "authenticate": false});
    let routes = json!([
        route("/api/sleep", "GET", "sleeper", "far"),
        route("/api/sleep", "POST", "sleeper", "far"),
        route("/api/ask", "GET", "asker", "near"),
        route("/api/ask", "POST", "asker", "near"),
        {"application": "demo", "type": "hello", "handler": "hello", "on_microservice": "near", "authenticate": false},
    ]);
    // The sockets say more in a second than a person would.
    let pool = json!({"poolSize": 16, "limits": {"socketMessagesPerSecond": 100_000}});
    let config = json!({
        "qewd_up": true, "orchestrator": {"qewd": pool},
        "microservices": [{"name": "near", "connections": ["far"], "qewd": pool}, {"name": "far", "qewd": pool}],
    });
    App::new(config, &routes).guest("near", "asker").guest("near", "chatty").guest("far", "sleeper")
}

/// All hosts; each keeps its place and its port when it is started anew.
struct Fleet {
    app: App,
    ports: Vec<(&'static str, u16)>,
    hosts: Vec<Host>,
    /// Those that have ended.
    old: Vec<Host>,
}

impl Fleet {
    /// Two of each; those that others ask come first.
    fn start() -> Self {
        let names = ["far", "far", "near", "near", "orchestrator", "orchestrator"];
        let ports = names.map(|name| (name, free_port())).to_vec();
        let mut fleet = Self { app: app(), ports, hosts: Vec::new(), old: Vec::new() };
        fleet.hosts = (0..names.len()).map(|number| fleet.launch(number)).collect();
        fleet.hosts.iter().for_each(Host::wait_for_links);
        fleet
    }

    fn launch(&self, number: usize) -> Host {
        let (name, port) = self.ports[number];
        let launch = match name {
            "orchestrator" => Launch::orchestrator(&self.app),
            name => Launch::microservice(&self.app, name),
        };
        let asks = |service: &str| service != name && (name == "orchestrator" || service == "far");
        let others = self.ports.iter().filter(|(service, _)| *service != "orchestrator" && asks(service));
        others.fold(launch.port(port), |launch, (service, port)| launch.reaching(service, *port)).start()
    }

    fn orchestrators(&self) -> [u16; 2] {
        [self.ports[4].1, self.ports[5].1]
    }

    /// SIGTERM, and the start as soon as it has ended: on the same port, and waited for as an operator would.
    fn restart(&mut self, number: usize) {
        self.hosts[number].signal("TERM");
        let ended = self.hosts[number].ended();
        assert_eq!(ended.code(), Some(0), "{} at {:?}", self.ports[number].0, self.ports[number].1);
        let new = self.launch(number);
        wait_until("it is ready", || new.get("/qewd/health/ready").send().status == 200);
        self.old.push(std::mem::replace(&mut self.hosts[number], new));
    }

    /// How often each request ran, by its id.
    fn runs(&self) -> HashMap<String, usize> {
        let mut runs = HashMap::new();
        for line in self.hosts.iter().chain(&self.old).flat_map(Host::lines) {
            if let Some((_, id)) = line.split_once(RUN).and_then(|(_, rest)| rest.split_once("request=\"")) {
                *runs.entry(id.split('"').next().unwrap().to_owned()).or_default() += 1;
            }
        }
        runs
    }
}

/// What all clients have seen.
#[derive(Default)]
struct Seen {
    enough: AtomicBool,
    answers: AtomicUsize,
    /// The ids of posts, each of which has to run once.
    posts: Mutex<Vec<String>>,
    wrong: Mutex<Vec<String>>,
    slowest: Mutex<Duration>,
}

impl Seen {
    /// Asks on kept connections or on fresh ones, until it is enough.
    fn client(&self, port: u16, kind: Kind, keeps: bool) {
        let mut kept = None;
        while !self.enough.load(Ordering::Relaxed) {
            let mut stream = kept.take().unwrap_or_else(|| connect(port));
            let began = Instant::now();
            if self.ask(&mut stream, kind, keeps) && keeps {
                kept = Some(stream);
            }
            let mut slowest = self.slowest.lock().unwrap();
            *slowest = began.elapsed().max(*slowest);
            drop(slowest);
            std::thread::sleep(PAUSE);
        }
    }

    /// One request. Returns whether another may follow on its connection.
    fn ask(&self, stream: &mut TcpStream, kind: Kind, keeps: bool) -> bool {
        let id = format!("rolling-{:016x}", rand::random::<u64>());
        let Kind { method, path, answer } = kind;
        let connection = if keeps { "keep-alive" } else { "close" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\nX-Request-Id: {id}\r\nContent-Length: 0\r\n\r\n"
        );
        let answered = stream.write_all(request.as_bytes()).and_then(|()| try_answer(stream, true));
        let (shown, goes_on) = match answered {
            Ok(answer) => (answer.shown(), answer.header("connection") != Some("close")),
            Err(error) => (format!("no answer: {error}"), false),
        };
        if shown == answer {
            self.answers.fetch_add(1, Ordering::Relaxed);
        } else {
            self.wrong.lock().unwrap().push(format!("{method} {path} {id}: {shown}"));
        }
        if method == "POST" {
            self.posts.lock().unwrap().push(id);
        }
        goes_on
    }

    /// A WebSocket client. It is told when its host goes, and comes back; what was not answered by then it says again.
    fn socket(&self, port: u16) -> usize {
        let (mut comebacks, mut socket) = (0, register(port));
        while !self.enough.load(Ordering::Relaxed) {
            let began = Instant::now();
            match say(&mut socket.0, &json!({"type": "hello", "token": socket.1})) {
                Said::Answer(answer) if answer["message"]["kind"] == "message" => {
                    self.answers.fetch_add(1, Ordering::Relaxed);
                }
                Said::Closed(1001) => {
                    comebacks += 1;
                    socket = register(port);
                }
                other => {
                    self.wrong.lock().unwrap().push(format!("a socket after {:?}: {other:?}", began.elapsed()));
                    socket = register(port);
                }
            }
            std::thread::sleep(PAUSE);
        }
        comebacks
    }
}

/// Has the clients end, also where the test fails: else it would wait for them for ever.
struct Ending<'a>(&'a Seen);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.enough.store(true, Ordering::Relaxed);
    }
}

fn connect(port: u16) -> TcpStream {
    let stream = raw(port, b"");
    stream.set_read_timeout(Some(ANSWER_TIME)).unwrap();
    stream
}

#[derive(Debug)]
enum Said {
    Answer(Value),
    /// With this code.
    Closed(u16),
    #[allow(dead_code, reason = "it is shown where a test fails")]
    Lost(String),
}

type Socket = WebSocket<TcpStream>;

/// Comes back as a page does: until it is taken in.
fn register(port: u16) -> (Socket, String) {
    let deadline = Instant::now() + COMEBACK_TIME;
    loop {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(ANSWER_TIME)).unwrap();
        if let Ok((mut socket, _)) = client(format!("ws://localhost:{port}/ws"), stream)
            && let Said::Answer(answer) =
                say(&mut socket, &json!({"type": "ewd-register", "application": "demo", "jwt": true}))
        {
            let token = answer["message"]["token"].as_str().unwrap().to_owned();
            return (socket, token);
        }
        assert!(Instant::now() < deadline, "a WebSocket client could not come back");
        std::thread::sleep(PAUSE);
    }
}

fn say(socket: &mut Socket, message: &Value) -> Said {
    // Where that fails, what comes next says why.
    let _ = socket.send(Message::text(message.to_string()));
    next(socket)
}

/// What comes next.
fn next(socket: &mut Socket) -> Said {
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => return Said::Answer(serde_json::from_str(&text).unwrap()),
            Ok(Message::Close(frame)) => {
                let code = frame.map_or(CloseCode::Status, |frame| frame.code);
                // The answer to it.
                let _ = socket.flush();
                return Said::Closed(code.into());
            }
            Ok(_) => {}
            Err(error) => return Said::Lost(error.to_string()),
        }
    }
}

/// Requests that are in flight when a host is told to stop.
fn slow_ones(port: u16) -> Vec<TcpStream> {
    let request = |number: usize| {
        let method = if number.is_multiple_of(2) { "GET" } else { "POST" };
        let (path, length) = (format!("/api/sleep?milliseconds={}", SLOW.as_millis()), "Content-Length: 0");
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{length}\r\n\r\n")
    };
    (0..SLOW_ONES).map(|number| raw(port, request(number).as_bytes())).collect()
}

#[test]
fn every_host_is_restarted_under_load_and_no_request_is_lost() {
    let mut fleet = Fleet::start();
    let Some(nginx) = Nginx::before(fleet.orchestrators()) else { return };
    let (port, seen) = (nginx.port, Seen::default());
    let clients = [(READ, true), (READ, false), (POST, true), (POST, true), (POST, false), (CHAIN, true)];
    let clients = clients.into_iter().chain([(CHAIN, false), (POSTED_CHAIN, true), (POSTED_CHAIN, false)]);
    let comebacks: usize = std::thread::scope(|scope| {
        for (kind, keeps) in clients {
            let seen = &seen;
            scope.spawn(move || seen.client(port, kind, keeps));
        }
        let ending = Ending(&seen);
        let sockets: Vec<_> = (0..2).map(|_| scope.spawn(|| seen.socket(port))).collect();
        wait_until("the load is there", || seen.answers.load(Ordering::Relaxed) > 100);
        // The orchestrators first, so that each kind of host is the newest and the oldest once.
        for number in [4, 5, 2, 3, 0, 1] {
            let before = seen.answers.load(Ordering::Relaxed);
            let slow = slow_ones(port);
            fleet.restart(number);
            for mut stream in slow {
                let answer = read_answer(&mut stream, true);
                assert_eq!(answer.shown(), format!(r#"200 {{"slept":{},"for":null}}"#, SLOW.as_millis()));
            }
            wait_until("the load goes on", || seen.answers.load(Ordering::Relaxed) > before + 100);
        }
        drop(ending);
        sockets.into_iter().map(|socket| socket.join().unwrap()).sum()
    });
    let wrong = seen.wrong.into_inner().unwrap();
    let (posts, runs) = (seen.posts.into_inner().unwrap(), fleet.runs());
    let (answers, slowest) = (seen.answers.into_inner(), seen.slowest.into_inner().unwrap());
    tell(&format!("{answers} answers, {} posts, {comebacks} comebacks, slowest {slowest:?}", posts.len()));
    assert!(wrong.is_empty(), "{} wrong answers: {:#?}", wrong.len(), wrong.iter().take(20).collect::<Vec<_>>());
    for id in posts {
        assert_eq!(runs.get(&id), Some(&1), "{id} ran so often");
    }
    assert!(comebacks >= 2, "each WebSocket client met a host that stopped");
}

#[test]
fn what_is_not_for_the_world_does_not_pass_the_proxy() {
    let app = App::new(json!({"qewd_up": true, "orchestrator": {}}), &json!([]));
    let host = Launch::orchestrator(&app).start();
    let Some(nginx) = Nginx::before([host.port, host.port]) else { return };
    for path in ["/qewd-monitor", "/qewd-monitor/api/overview", "/qewd/health/live", "/qewd/health/ready", "/metrics"] {
        assert_ne!(host.get(path).send().status, 404, "{path} is there");
        let through = Request::new(nginx.port, "GET", path).send();
        assert!(through.status == 404 && !through.text().contains("qewd_"), "{path}: {}", through.shown());
    }
}
