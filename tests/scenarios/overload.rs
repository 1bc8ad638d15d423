//! Far more is asked than can be done: refusals are quick, what was accepted is not slowed, and nobody works for nobody.

use crate::harness::{App, Fleet, Host, Launch, Request, free_port, raw, try_answer, wait_until};
use serde_json::json;
use std::io::Write as _;
use std::time::{Duration, Instant};

const BUSY: &str = r#"503 {"error":"The service is busy; try again"}"#;
const WORKERS: usize = 2;
const LINE: usize = 4;
/// How long the handler takes.
const HANDLER: Duration = Duration::from_millis(400);
/// Six times what can be in the host at once.
const CLIENTS: usize = 36;
const LOAD: Duration = Duration::from_millis(3000);
/// Between two requests of one client.
const PAUSE: Duration = Duration::from_millis(25);
/// What a busy machine may add.
const MARGIN: Duration = Duration::from_millis(700);

/// The latencies of many clients' requests, sorted.
#[derive(Default)]
struct Latencies {
    served: Vec<Duration>,
    refused: Vec<Duration>,
}

/// A latency below which so many of a hundred are.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// One client: it asks for `LOAD` on one connection.
fn client(port: u16) -> Latencies {
    let (mut stream, mut latencies, begun) = (raw(port, b""), Latencies::default(), Instant::now());
    while begun.elapsed() < LOAD {
        let path = format!("/api/sleep?milliseconds={}", HANDLER.as_millis());
        let started = Instant::now();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap();
        let answer = try_answer(&mut stream, true).unwrap();
        if answer.status == 200 {
            latencies.served.push(started.elapsed());
        } else {
            assert_eq!((answer.shown().as_str(), answer.header("retry-after")), (BUSY, Some("1")));
            latencies.refused.push(started.elapsed());
            std::thread::sleep(PAUSE);
        }
    }
    latencies
}

fn load(host: &Host) -> Latencies {
    let mut all = Latencies::default();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| client(host.port))).collect();
        for client in clients {
            let Latencies { served, refused } = client.join().unwrap();
            all.served.extend(served);
            all.refused.extend(refused);
        }
    });
    all.served.sort();
    all.refused.sort();
    all
}

fn assert_bounded(latencies: &Latencies) {
    let Latencies { served, refused } = latencies;
    // All workers were busy all the time.
    let possible = WORKERS * usize::try_from(LOAD.as_millis() / HANDLER.as_millis()).unwrap();
    assert!(served.len() * 10 > possible * 7, "{} were served of the {possible} that are possible", served.len());
    assert!(refused.len() > 2 * served.len(), "{} were served and {} refused", served.len(), refused.len());
    // Before each one are those in the line and those who run.
    let longest = HANDLER * u32::try_from(LINE.div_ceil(WORKERS) + 1).unwrap();
    let slowest = *served.last().unwrap();
    assert!(slowest < longest + MARGIN, "the slowest took {slowest:?}");
    let refusal = percentile(refused, 99);
    assert!(refusal < HANDLER / 2, "a refusal takes {refusal:?}");
}

/// A host, or one with a service that does it, of which `name` has to work.
fn app(name: &str) -> App {
    let mut route = json!({"uri": "/api/sleep", "handler": "sleeper", "authenticate": false});
    let mut config = json!({"qewd_up": true, "orchestrator": {"qewd": {}}});
    if name != "orchestrator" {
        route["on_microservice"] = name.into();
        config["microservices"] = json!([{"name": name, "qewd": {}}]);
    }
    let app = App::new(config, &json!([route])).guest(name, "sleeper");
    app.setting(name, "poolSize", WORKERS).setting(name, "max_queue_length", LINE)
}

#[test]
fn refusals_are_quick_and_what_was_accepted_is_not_slowed() {
    let app = app("orchestrator");
    let host = Launch::orchestrator(&app).start();
    assert_bounded(&load(&host));
}

#[test]
fn a_refusal_of_a_service_is_passed_on_with_its_retry_after() {
    let fleet = Fleet::start(app("far"), &["far"]);
    assert_bounded(&load(&fleet.orchestrator));
}

/// Two services of which one asks the other.
fn asking() -> App {
    let config = json!({
        "qewd_up": true, "orchestrator": {},
        "microservices": [
            {"name": "near", "connections": ["far"]},
            {"name": "far", "qewd": {"poolSize": 1}},
        ],
    });
    let routes = json!([
        {"uri": "/api/ask", "handler": "asker", "on_microservice": "near", "authenticate": false},
        {"uri": "/api/sleep", "handler": "sleeper", "on_microservice": "far", "authenticate": false},
    ]);
    App::new(config, &routes).guest("near", "asker").guest("far", "sleeper")
}

/// A client of the first host goes away while the last one works for it: all three say so, and the worker is free.
fn assert_is_given_up(request: Request, [first, middle, last]: [&Host; 3]) {
    let id = "goes-away";
    let asking = request.header("X-Request-Id", id).begin();
    last.wait_for("falling asleep");
    drop(asking);
    let gone = Instant::now();
    assert_eq!(Request::new(last.port, "GET", "/api/sleep").send().status, 200);
    assert!(gone.elapsed() < Duration::from_secs(3), "the worker was held for {:?}", gone.elapsed());
    for host in [first, middle, last] {
        let said = |line: &String| line.contains("was given up by its caller") && line.contains(id);
        wait_until("the host says that nobody waits any more", || host.lines().iter().any(said));
    }
}

#[test]
fn a_client_that_goes_away_ends_the_question_that_is_asked_for_it() {
    let fleet = Fleet::start(asking(), &["far", "near"]);
    let hosts: Vec<&Host> = fleet.hosts().collect();
    let request = hosts[0].get("/api/ask?on=far&path=/api/sleep%3Fmilliseconds=25000");
    assert_is_given_up(request, [hosts[0], hosts[2], hosts[1]]);
}

#[test]
fn a_client_that_goes_away_ends_the_request_at_the_end_of_a_chain() {
    // The first host sends it to near, and near to far.
    let folder = |next: &str| {
        let services = json!([{"name": "near", "connections": ["far"]}, {"name": "far", "qewd": {"poolSize": 1}}]);
        let route = json!({"uri": "/api/sleep", "handler": "sleeper", "on_microservice": next, "authenticate": false});
        App::new(json!({"qewd_up": true, "orchestrator": {}, "microservices": services}), &json!([route]))
    };
    let [first, middle, last] = [folder("near"), folder("far"), folder("far").guest("far", "sleeper")];
    let (near_port, far_port) = (free_port(), free_port());
    let last = Launch::microservice(&last, "far").port(far_port).start();
    let middle = Launch::microservice(&middle, "near").port(near_port).reaching("far", far_port).start();
    let first = Launch::orchestrator(&first).reaching("near", near_port).reaching("far", far_port).start();
    first.wait_for("near registered");
    middle.wait_for("far registered");
    assert_is_given_up(first.get("/api/sleep?milliseconds=25000"), [&first, &middle, &last]);
}
