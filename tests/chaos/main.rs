//! Links survive anything: under load, wires are slowed, cut and silenced and hosts killed, and every request is answered.
//! In come real processes with a relay on each of their wires; out goes every answer, checked, and one line of summary.
//! A program of its own, because it takes its time and all of the machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "all of this is test code, also what stands outside of test functions"
)]

#[path = "../harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the scenarios use the rest of it")]
mod harness;

mod clients;
mod disturbers;
mod ledger;

use clients::Client;
use disturbers::{Process, disturb_processes, disturb_wire};
use harness::{App, Cut, Host, Launch, Relay, Request, Seed, free_port, tell, wait_until};
use ledger::{Ledger, Part};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long everything is disturbed.
const DISTURBED: Duration = Duration::from_secs(120);
/// Holds seconds in place of [`DISTURBED`].
const VARIABLE: &str = "QEWD_CHAOS_SECONDS";
/// Clients of the orchestrator that lives on, and of the one that is killed now and then.
const CLIENTS: (u64, u64) = (16, 6);
/// The time that a request has.
const REQUEST_MILLISECONDS: u64 = 3000;
/// From the end of the last disturbance.
const HEALED: Duration = Duration::from_secs(2);
/// Requests that have to succeed afterwards, every one.
const AFTERWARDS: usize = 2000;
/// How long every wire is gone at the end: until the waits between two tries to connect are as long as they get.
const GONE: Duration = Duration::from_secs(5);
/// Kibibytes by which the memory of a host may grow: a kibibyte that each request left behind would be more.
const MEMORY_SLACK: usize = 24 << 10;

/// Two services, of which one asks the other.
fn app() -> App {
    let route = |uri: &str, handler: &str, service: &str| json!({"uri": uri, "method": "ANY", "handler": handler, "on_microservice": service, "authenticate": false});
    let routes = json!([
        route("/api/near/:id", "echo", "near"),
        route("/api/far/:id", "echo", "far"),
        route("/api/ask", "asker", "near"),
        route("/api/sleep", "sleeper", "far"),
    ]);
    let block = json!({"poolSize": 8, "limits": {"requestMilliseconds": REQUEST_MILLISECONDS}});
    let config = json!({
        "qewd_up": true, "orchestrator": {"qewd": block},
        "microservices": [
            {"name": "near", "qewd": block, "connections": ["far"]},
            {"name": "far", "qewd": block},
        ],
    });
    let app = App::new(config, &routes);
    app.guest("near", "echo").guest("near", "asker").guest("far", "echo").guest("far", "sleeper")
}

fn disturbed() -> Duration {
    std::env::var(VARIABLE).map_or(DISTURBED, |given| Duration::from_secs(given.parse().unwrap()))
}

/// What a host holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    files: usize,
    memory: usize,
}

fn held(host: &Host) -> Held {
    Held { files: host.open_files(), memory: host.memory() }
}

/// Asks along every way until all of them work, and returns how long that took.
fn heals(ports: &[u16]) -> Duration {
    let started = Instant::now();
    let ways = ["/api/near/1", "/api/far/1", "/api/ask?path=/api/far/1"];
    let works = |port: u16, path: &str| Request::new(port, "GET", path).send().status == 200;
    for port in ports {
        for path in ways {
            wait_until("every way works again", || works(*port, path));
        }
    }
    started.elapsed()
}

/// A request is never sent again by itself: on a service each has one line at most.
fn assert_nothing_ran_twice(lines: &[String]) {
    let mut seen = BTreeSet::new();
    for line in lines {
        let Some((_, rest)) = line.split_once("request=\"client-") else { continue };
        if line.contains(" -> ") || line.contains("was given up") {
            // A handler's question has the id of its caller, but another path.
            let (id, path) = (rest.split('"').next().unwrap(), line.split('"').nth(1).unwrap());
            assert!(seen.insert((id, path)), "it ran twice: {line}");
        }
    }
    assert!(seen.len() > 100, "only {} requests reached the service", seen.len());
}

/// What the trouble showed.
struct Shown<'a> {
    killed: [Process<'a>; 2],
    /// What the hosts that live on held after a quarter of the time.
    early: [Held; 2],
    healed: Duration,
}

/// Two hosts that live on, two that are killed now and then, and every wire between them.
struct Scene<'a> {
    living: [&'a Host; 2],
    killed: [Process<'a>; 2],
    wires: &'a [Relay; 5],
}

impl<'a> Scene<'a> {
    /// Clients ask while everything is disturbed, while it heals, and until the last requests have their answers.
    fn play(self, seed: Seed, ledger: &'a Ledger) -> Shown<'a> {
        let Self { living, killed, wires } = self;
        let asked = [living[0].port, killed[1].port()];
        std::thread::scope(|scope| {
            let _over = ledger::Over(ledger);
            for number in 0..CLIENTS.0 + CLIENTS.1 {
                let (chance, is_first) = (seed.part(number), number < CLIENTS.0);
                let client = Client::new(number, asked[usize::from(!is_first)], chance, ledger);
                scope.spawn(move || if is_first { client.ask() } else { client.breaking().ask() });
            }
            let disturbers: Vec<_> = (1000..)
                .zip(wires)
                .map(|(part, wire)| scope.spawn(disturb_wire(wire, ledger, seed.part(part))))
                .collect();
            let killer = scope.spawn(disturb_processes(killed, ledger, seed.part(2000)));
            let quarter = disturbed() / 4;
            std::thread::sleep(quarter);
            let early = living.map(held);
            std::thread::sleep(3 * quarter);
            ledger.set(Part::Healing);
            let killed = killer.join().unwrap();
            for (disturber, wire) in disturbers.into_iter().zip(wires) {
                disturber.join().unwrap();
                wire.refuse(true);
                wire.cut(Cut::Reset);
            }
            std::thread::sleep(GONE);
            for wire in wires {
                wire.heal();
            }
            let healed = heals(&asked);
            ledger.set(Part::Afterwards);
            ledger.wait_for_the_rest();
            Shown { killed, early, healed }
        })
    }
}

#[test]
fn links_survive_anything() {
    let (seed, app) = (Seed::of_this_run("chaos"), app());
    let (far_port, other_port) = (free_port(), free_port());
    let wire = |number: u64, port: u16| Relay::to(port, seed.part(100 + number));
    let far = Process::start("far", || Launch::microservice(&app, "far").port(far_port));
    let between = wire(0, far_port);
    let near = Launch::microservice(&app, "near").reaching("far", between.port).start();
    let wires = [between, wire(1, near.port), wire(2, far_port), wire(3, near.port), wire(4, far_port)];
    let orchestrator =
        |near: &Relay, far: &Relay| Launch::orchestrator(&app).reaching("near", near.port).reaching("far", far.port);
    let first = orchestrator(&wires[1], &wires[2]).start();
    let other = Process::start("other", || orchestrator(&wires[3], &wires[4]).port(other_port));
    heals(&[first.port, other_port]);
    let living = [&first, &near];
    let base = living.map(held);
    let ledger = Ledger::new(AFTERWARDS);
    let Shown { killed: [far, other], early, healed } =
        Scene { living, killed: [far, other], wires: &wires }.play(seed, &ledger);

    let late = living.map(held);
    tell(&format!("chaos: {}; healed in {healed:?}", ledger.summary()));
    tell(&format!("chaos: the hosts that live on held {base:?} at first, {early:?} early, {late:?} late"));
    ledger.assert_good();
    assert!(healed < HEALED, "it took {healed:?} to heal");
    wait_until("sockets are closed again", || {
        living.iter().zip(base).all(|(host, base)| host.open_files() <= base.files)
    });
    for (early, late) in early.iter().zip(late) {
        assert!(late.memory < early.memory + MEMORY_SLACK, "memory grew from {} to {} KiB", early.memory, late.memory);
    }
    assert_nothing_ran_twice(&near.lines());
    assert_nothing_ran_twice(&far.end());
    other.end();
}
