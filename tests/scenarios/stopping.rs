//! A host that is stopped under load: it says so, goes on for a moment, finishes what it has, and says goodbye to everybody.

use crate::harness::{App, Fleet, Host, Launch, Source, command, module, raw, read_answer, try_answer, wait_until};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const DOWN: &str = r#"503 {"error":"MicroService connection is down"}"#;
/// Clients that keep asking, and clients that wait for a long answer when the host is told to stop.
const CLIENTS: usize = 8;
const SLEEPERS: usize = 4;
/// Clients that take a connection for each request: so many that some are always about to connect.
const RUSH: usize = 32;
/// How long those wait.
const SLEEP: Duration = Duration::from_millis(1500);

fn app() -> App {
    let route = |uri: &str, handler: &str| json!({"uri": uri, "handler": handler, "on_microservice": "far", "authenticate": false});
    let routes = json!([route("/api/sleep", "sleeper"), route("/api/list", "list")]);
    let config = json!({
        "qewd_up": true, "orchestrator": {}, "microservices": [{"name": "far", "qewd": {"poolSize": 8}}],
    });
    App::new(config, &routes).guest("far", "sleeper").guest("far", "echo")
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    /// Status and body of each answer, without those that were as usual.
    unusual: Vec<String>,
    usual: usize,
    /// Whether the host said that it would close the connection, and then did.
    announced: bool,
    /// The id of the request on which the connection ended without an answer.
    unanswered: Option<String>,
}

/// All of them are open before anything else is done.
fn connections(port: u16) -> impl Iterator<Item = TcpStream> {
    (0..CLIENTS).map(|_| raw(port, b"")).collect::<Vec<_>>().into_iter()
}

/// Asks on one connection until the host closes it, or until there is nothing more to see.
fn ask_until_closed(mut stream: TcpStream, enough: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    while !enough.load(Ordering::Relaxed) {
        let id = format!("under-load-{}", rand::random::<u64>());
        let request = format!("GET /api/list HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {id}\r\n\r\n");
        let written = stream.write_all(request.as_bytes());
        let Ok(answer) = written.and_then(|()| try_answer(&mut stream, true)) else {
            seen.unanswered = Some(id);
            return seen;
        };
        match answer.shown().as_str() {
            r#"200 [{"id":1},{"id":2}]"# => seen.usual += 1,
            other => seen.unusual.push(other.to_owned()),
        }
        if answer.header("connection") == Some("close") {
            seen.announced = true;
            assert_eq!(stream.peek(&mut [0]).unwrap(), 0, "a connection that was to be closed is open");
            return seen;
        }
    }
    seen
}

/// Requests on kept connections that sleep, all of them in a worker.
fn sleeping(asked: &Host, far: &Host) -> Vec<TcpStream> {
    let request = format!("GET /api/sleep?milliseconds={} HTTP/1.1\r\nHost: localhost\r\n\r\n", SLEEP.as_millis());
    let sleeping = (0..SLEEPERS).map(|_| raw(asked.port, request.as_bytes())).collect();
    wait_until("all of them sleep", || {
        far.lines().iter().filter(|line| line.contains("falling asleep")).count() == SLEEPERS
    });
    sleeping
}

#[test]
fn an_orchestrator_under_load_stops_without_a_lost_answer() {
    let mut fleet = Fleet::start(app(), &["far"]);
    let (port, enough) = (fleet.orchestrator.port, AtomicBool::new(false));
    for what in ["live", "ready"] {
        let answer = fleet.orchestrator.get(format!("/qewd/health/{what}")).send();
        assert_eq!((answer.status, answer.json()[what].clone()), (200, json!(true)));
    }
    let mut sleepers = sleeping(&fleet.orchestrator, fleet.hosts().nth(1).unwrap());
    std::thread::scope(|scope| {
        let clients: Vec<_> =
            connections(port).map(|stream| scope.spawn(|| ask_until_closed(stream, &enough))).collect();
        let idle = raw(port, b"");
        fleet.orchestrator.signal("TERM");
        fleet.orchestrator.wait_for("stopping: requests in flight get their answers");
        wait_until("nobody is let in any more", || TcpStream::connect(("127.0.0.1", port)).is_err());
        assert_eq!(idle.peek(&mut [0]).unwrap_or(0), 0, "a connection without a request is closed");
        for client in clients {
            let seen = client.join().unwrap();
            assert!(seen.unusual.is_empty(), "{:?}", seen.unusual);
            // No connection ends between two requests without a word: a proxy may have sent the next one.
            assert!(seen.announced && seen.unanswered.is_none(), "{:?} has no answer", seen.unanswered);
        }
    });
    for stream in &mut sleepers {
        let answer = read_answer(stream, true);
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{}", answer.shown());
    }
    assert_eq!(fleet.orchestrator.ended().code(), Some(0));
    fleet.orchestrator.wait_for("closed the link to far at http://127.0.0.1:");
    fleet
        .service("far")
        .wait_for(" disconnected: orchestrator at 127.0.0.1: it closed the connection: this host stops");
}

#[test]
fn a_service_under_load_stops_without_a_lost_answer() {
    let mut fleet = Fleet::start(app(), &["far"]);
    let (port, enough) = (fleet.orchestrator.port, AtomicBool::new(false));
    let mut sleepers = sleeping(&fleet.orchestrator, fleet.hosts().nth(1).unwrap());
    std::thread::scope(|scope| {
        let clients: Vec<_> =
            connections(port).map(|stream| scope.spawn(|| ask_until_closed(stream, &enough))).collect();
        fleet.service("far").signal("TERM");
        fleet.orchestrator.wait_for("*** server has disconnected socket, probably because it shut down");
        enough.store(true, Ordering::Relaxed);
        let (mut usual, mut down) = (0, 0);
        for client in clients {
            let seen = client.join().unwrap();
            assert!(!seen.announced && seen.unanswered.is_none(), "the orchestrator goes on");
            assert!(seen.unusual.iter().all(|answer| answer == DOWN), "{:?}", seen.unusual);
            usual += seen.usual;
            down += seen.unusual.len();
        }
        assert!(usual > 0 && down > 0, "{usual} were answered and {down} were not");
    });
    for stream in &mut sleepers {
        assert_eq!(read_answer(stream, true).status, 200);
    }
    assert_eq!(fleet.service("far").ended().code(), Some(0));
    let goodbye = fleet.orchestrator.wait_for("*** server has disconnected socket");
    assert!(goodbye.contains(r#"why="it is stopping""#), "{goodbye}");
    fleet.service("far").wait_for(" disconnected: orchestrator at 127.0.0.1: ");
}

#[test]
fn a_question_in_flight_is_answered_before_its_asker_goes() {
    let config = json!({
        "qewd_up": true, "orchestrator": {},
        "microservices": [{"name": "near", "connections": ["far"]}, {"name": "far"}],
    });
    let routes = json!([
        {"uri": "/api/ask", "handler": "asker", "on_microservice": "near", "authenticate": false},
        {"uri": "/api/sleep", "handler": "sleeper", "on_microservice": "far", "authenticate": false},
    ]);
    let app = App::new(config, &routes).guest("near", "asker").guest("far", "sleeper");
    let mut fleet = Fleet::start(app, &["far", "near"]);
    let mut asking = fleet.orchestrator.get("/api/ask?on=far&path=/api/sleep%3Fmilliseconds=1500").begin();
    fleet.service("far").wait_for("falling asleep");
    fleet.service("near").signal("TERM");
    assert_eq!(read_answer(&mut asking, true).shown(), r#"200 {"slept":1500,"for":null}"#);
    assert_eq!(fleet.service("near").ended().code(), Some(0));
    let goodbye = fleet.service("near").wait_for("closed the link to far at http://127.0.0.1:");
    assert!(goodbye.contains("this host stops"), "{goodbye}");
    fleet.service("far").wait_for(" disconnected: near at 127.0.0.1: it closed the connection: this host stops");
}

/// A host of its own, with these limits.
fn alone(limits: &serde_json::Value) -> (App, Host) {
    let routes = json!([
        {"uri": "/api/sleep", "method": "GET", "handler": "sleeper", "authenticate": false},
        {"uri": "/api/list", "method": "ANY", "handler": "list", "authenticate": false},
    ]);
    let config = json!({"qewd_up": true, "orchestrator": {"qewd": {"limits": limits}}});
    let app = App::new(config, &routes).guest("orchestrator", "sleeper").guest("orchestrator", "echo");
    let host = Launch::orchestrator(&app).start();
    (app, host)
}

/// One request on a connection that is to be kept, and what came: the answer, and what is said of the connection.
fn ask_on(stream: &mut TcpStream, line: &str) -> (String, Option<String>) {
    let request = format!("{line}\r\nHost: localhost\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let answer = read_answer(stream, true);
    (answer.shown(), answer.header("connection").map(str::to_owned))
}

const LIST: &str = r#"200 [{"id":1},{"id":2}]"#;

#[test]
fn a_host_that_is_told_to_stop_says_so_and_goes_on_for_a_while() {
    let (_app, mut host) = alone(&json!({"drainMilliseconds": 3000}));
    let mut kept: Vec<_> = (0..3).map(|_| raw(host.port, b"")).collect();
    let old = "GET /api/list HTTP/1.0";
    assert_eq!(ask_on(&mut kept[0], "POST /api/list HTTP/1.1"), (LIST.to_owned(), None));
    assert_eq!(ask_on(&mut kept[1], old), (LIST.to_owned(), Some("keep-alive".to_owned())));
    assert_eq!(ask_on(&mut kept[2], "GET /api/list HTTP/1.1").0, LIST);
    host.signal("TERM");
    host.wait_for("stopping: requests in flight get their answers");
    let close = Some("close".to_owned());
    let mut health = raw(host.port, b"");
    let stopping = r#"503 {"ready":false,"reasons":["this host is stopping"]"#;
    let (told, last) = ask_on(&mut health, "GET /qewd/health/ready HTTP/1.1");
    assert!(told.starts_with(stopping) && last == close, "{told} {last:?}");
    assert_eq!(host.get("/qewd/health/live").send().status, 200);
    // The connections that are open have one more request each, and new ones are taken.
    let answered = (LIST.to_owned(), close);
    assert_eq!(ask_on(&mut kept[0], "POST /api/list HTTP/1.1"), answered);
    assert_eq!(ask_on(&mut kept[1], old), answered);
    assert_eq!(ask_on(&mut raw(host.port, b""), "POST /api/list HTTP/1.1"), answered);
    for closed in &kept[..2] {
        assert_eq!(closed.peek(&mut [0]).unwrap(), 0, "a connection that was to be closed is open");
    }
    kept[2].set_nonblocking(true).unwrap();
    let is_open = kept[2].peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(is_open, "a connection without a request stays for the while");
    assert_eq!(host.ended().code(), Some(0));
    assert_eq!(kept[2].peek(&mut [0]).unwrap(), 0, "and is closed in good order after it");
}

#[test]
fn no_connection_is_reset_while_the_port_closes() {
    let (_app, mut host) = alone(&json!({"drainMilliseconds": 0}));
    let (port, answers) = (host.port, AtomicUsize::new(0));
    // Each request has a connection of its own, so that some are on their way whenever the port closes.
    let ask_until_refused = || {
        while let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            let answer = ask_on(&mut stream, "POST /api/list HTTP/1.1");
            assert_eq!(answer.0, LIST);
            answers.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..RUSH).map(|_| scope.spawn(ask_until_refused)).collect();
        wait_until("there is a rush", || answers.load(Ordering::Relaxed) > 200);
        host.signal("TERM");
        for client in clients {
            client.join().expect("a request on an open connection had no answer");
        }
    });
    assert_eq!(host.ended().code(), Some(0));
}

#[test]
fn who_types_ctrl_c_does_not_wait() {
    let (_app, mut host) = alone(&json!({"drainMilliseconds": 7000}));
    let started = Instant::now();
    host.signal("INT");
    assert_eq!(host.ended().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
}

#[test]
fn a_stop_takes_no_longer_than_it_may() {
    let (_app, mut host) = alone(&json!({"stopMilliseconds": 1200, "drainMilliseconds": 200}));
    let _asking = host.get("/api/sleep?milliseconds=25000").begin();
    host.wait_for("falling asleep");
    let started = Instant::now();
    host.signal("TERM");
    assert_eq!(host.ended().code(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
    host.wait_for("qewd: some requests were still in flight after 1200 ms; raise limits.stopMilliseconds");
}

#[test]
fn a_request_that_was_only_begun_does_not_hold_a_stop() {
    let app = app();
    let mut host = Launch::orchestrator(&app).start();
    let _begun =
        [raw(host.port, b""), raw(host.port, b"GET /api/sl"), raw(host.port, b"GET / HTTP/1.1\r\nHost: a\r\n")];
    host.signal("TERM");
    assert_eq!(host.ended().code(), Some(0));
}

#[test]
fn a_host_that_still_compiles_is_stopped_at_once() {
    let app = app();
    let bytes = std::fs::read(module(Source::Guest, "echo")).unwrap();
    for number in 0..50_u8 {
        // A section without a meaning makes each of them another module.
        let other = [bytes.as_slice(), &[0, 3, 1, b'n', number]].concat();
        app.write(&format!("handlers/orchestrator/{number}.wasm"), other);
    }
    let cache = tempfile::tempdir().unwrap();
    let mut command = command();
    command.args(["run", "--port", "0", "--app"]).arg(app.path()).env("XDG_CACHE_HOME", cache.path());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.ends_with("documents are kept in memory and end with this host; --data DIR keeps them"));
    let sent = Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap();
    assert!(sent.success());
    let rest: Vec<String> = lines.collect();
    assert!(rest.last().is_some_and(|line| line.ends_with("stopped before it was up")), "{rest:#?}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
