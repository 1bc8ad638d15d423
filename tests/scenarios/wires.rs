//! A link on a bad wire: what only takes longer is waited for, and what is lost is said at once.

use crate::harness::{App, Cut, Host, Launch, Manner, Relay, Request, Ways, read_answer, wait_until};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const DOWN: &str = r#"503 {"error":"MicroService connection is down"}"#;
/// At once, on a busy machine.
const MOMENT: Duration = Duration::from_secs(1);
/// Five seconds of silence, and what a busy machine may add.
const FOUND_OUT: Duration = Duration::from_secs(7);
const HEALED: Duration = Duration::from_secs(2);

/// An orchestrator, a relay, and a service behind it.
struct Wired {
    orchestrator: Host,
    relay: Relay,
    far: Host,
}

fn wired() -> Wired {
    let route = |uri: &str, handler: &str| json!({"uri": uri, "method": "ANY", "handler": handler, "on_microservice": "far", "authenticate": false});
    let routes = json!([route("/api/echo/:id", "echo"), route("/api/sleep", "sleeper")]);
    let app = App::new(json!({"qewd_up": true, "microservices": [{"name": "far"}]}), &routes);
    let app = app.guest("far", "echo").guest("far", "sleeper");
    let far = Launch::microservice(&app, "far").start();
    // Chance only decides how long a delay is, and how small a crumb.
    let relay = Relay::to(far.port, StdRng::seed_from_u64(0));
    let orchestrator = Launch::orchestrator(&app).reaching("far", relay.port).start();
    orchestrator.wait_for("far registered");
    Wired { orchestrator, relay, far }
}

impl Wired {
    fn post(&self, body: &str) -> Request {
        self.orchestrator.post("/api/echo/1", body)
    }

    fn assert_heals(&self) {
        let started = Instant::now();
        wait_until("it is linked again", || self.post("x").send().status == 200);
        assert!(started.elapsed() < HEALED, "it took {:?}", started.elapsed());
    }

    fn assert_never_lost(&self) {
        let lines = self.orchestrator.lines();
        assert!(!lines.iter().any(|line| line.contains("disconnected")), "{lines:#?}");
    }
}

#[test]
fn a_wire_that_moves_byte_by_byte_or_slowly_brings_everything() {
    let wired = wired();
    let body = "0123456789abcdef".repeat(2000);
    for manner in [Manner::Split(1), Manner::Split(50), Manner::Delay(Duration::from_millis(80))] {
        wired.relay.set(manner);
        let answer = wired.post(&body).send();
        assert_eq!((answer.status, &answer.json()["body"]), (200, &Value::from(body.as_str())), "{manner:?}");
    }
    wired.assert_never_lost();
}

#[test]
fn a_short_silence_costs_nothing_but_its_time() {
    let wired = wired();
    wired.relay.set(Manner::Stall(Ways::Both));
    let mut asking = wired.post("through the silence").begin();
    // Longer than hosts wait before they ask for a sign.
    std::thread::sleep(Duration::from_secs(3));
    let ended = Instant::now();
    wired.relay.heal();
    assert_eq!(read_answer(&mut asking, true).json()["body"], "through the silence");
    assert!(ended.elapsed() < MOMENT, "it took {:?}", ended.elapsed());
    wired.assert_never_lost();
}

#[test]
fn silence_on_one_way_is_found_out_by_the_one_who_hears_nothing() {
    for ways in [Ways::Back, Ways::There] {
        let wired = wired();
        let mut asking = wired.orchestrator.get("/api/sleep?milliseconds=25000").begin();
        wired.far.wait_for("falling asleep");
        wired.relay.set(Manner::Stall(ways));
        let started = Instant::now();
        assert_eq!(read_answer(&mut asking, true).shown(), DOWN, "{ways:?}");
        assert!(started.elapsed() < FOUND_OUT, "{ways:?}: it took {:?}", started.elapsed());
        let deaf = if ways == Ways::Back { &wired.orchestrator } else { &wired.far };
        deaf.wait_for("nothing was heard of it for 5 seconds");
        wired.relay.heal();
        wired.assert_heals();
    }
}

#[test]
fn bytes_that_vanish_are_found_out_by_both() {
    let wired = wired();
    wired.relay.set(Manner::Swallow);
    let started = Instant::now();
    assert_eq!(wired.post("into nothing").send().shown(), DOWN);
    assert!(started.elapsed() < FOUND_OUT, "it took {:?}", started.elapsed());
    for host in [&wired.orchestrator, &wired.far] {
        host.wait_for("nothing was heard of it for 5 seconds");
    }
    wired.relay.heal();
    wired.assert_heals();
}

#[test]
fn a_wire_that_is_cut_within_a_message_is_said_at_once() {
    let wired = wired();
    let body = "0123456789abcdef".repeat(20_000);
    for how in [Cut::Reset, Cut::Finish] {
        wired.relay.cut_after(100_000, how);
        let started = Instant::now();
        assert_eq!(wired.post(&body).send().shown(), DOWN, "{how:?}");
        assert!(started.elapsed() < MOMENT, "{how:?}: it took {:?}", started.elapsed());
        wired.assert_heals();
    }
}

#[test]
fn a_port_that_is_closed_for_a_while_is_found_open_again() {
    let wired = wired();
    wired.relay.refuse(true);
    wired.relay.cut(Cut::Reset);
    wait_until("the loss is seen", || wired.post("x").send().shown() == DOWN);
    // Until the waits between two tries are as long as they get.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(wired.post("x").send().shown(), DOWN);
    wired.relay.heal();
    wired.assert_heals();
}
