//! A host that is stopped under load: it finishes what it has, takes nothing new, and says goodbye to everybody.

use crate::harness::{App, Fleet, Host, Launch, raw, read_answer, try_answer, wait_until};
use serde_json::json;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const DOWN: &str = r#"503 {"error":"MicroService connection is down"}"#;
/// Clients that keep asking, and clients that wait for a long answer when the host is told to stop.
const CLIENTS: usize = 8;
const SLEEPERS: usize = 4;
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
            // It was never taken: the connection ended between two requests.
            let taken = |line: &String| seen.unanswered.as_ref().is_some_and(|id| line.contains(id));
            assert!(!fleet.orchestrator.lines().iter().any(taken), "{:?} has no answer", seen.unanswered);
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

#[test]
fn a_request_that_was_only_begun_does_not_hold_a_stop() {
    let app = app();
    let mut host = Launch::orchestrator(&app).start();
    let _begun =
        [raw(host.port, b""), raw(host.port, b"GET /api/sl"), raw(host.port, b"GET / HTTP/1.1\r\nHost: a\r\n")];
    host.signal("TERM");
    assert_eq!(host.ended().code(), Some(0));
}
