//! A hundred versions of a module come and go while 64 connections keep asking: nobody gets a wrong answer.
//! In come the real program and a module that says its version; out goes every answer, checked.
//! A program of its own, because it takes all of the machine: beside it other tests would run out of time.

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

use harness::{App, Crowd, Host, Launch, versions};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Connections that keep asking.
const CLIENTS: usize = 64;
/// Good versions that have to be seen.
const VERSIONS: usize = 100;
/// How long a version may take until it is seen: it is compiled beside requests, by a machine that has other things to do.
const SEEN_TIME: Duration = Duration::from_secs(30);
/// Versions until the memory of the host has reached its usual size.
const WARM: usize = 15;
/// Kibibytes by which the memory may differ afterwards: a version that stayed would hold a megabyte, 100 of them 100.
const MEMORY_SLACK: usize = 24 << 10;

/// What the host says meanwhile: a line for each request would only be kept in memory.
const LOG: &str = "warn,qewd::reload=info,qewd::startup=info,qewd::link=info";

/// One at a time: both take all of the machine.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn routes(service: Option<&str>) -> Value {
    let mut versioned = json!({"uri": "/api/versioned", "handler": "versioned", "authenticate": false});
    if let Some(service) = service {
        versioned["on_microservice"] = service.into();
    }
    json!([versioned])
}

/// Puts one version after the other in place, each in another way and some of them broken, and waits for each good one.
struct Author {
    place: PathBuf,
    seen: Arc<Mutex<BTreeSet<usize>>>,
}

impl Author {
    fn write(&self, number: usize) {
        let bytes = versions::bytes(number);
        let half = &bytes[..bytes.len() / 2];
        match number % 7 {
            0 => versions::rewrite(&self.place, &bytes, 1),
            1 => versions::rewrite(&self.place, &bytes, 4),
            2 => versions::write_over(&self.place, &bytes, 16),
            3 => {
                versions::rename_into(&self.place, half);
                breathe();
                versions::rename_into(&self.place, &bytes);
            }
            4 => {
                versions::rewrite(&self.place, b"this is not wasm", 1);
                breathe();
                versions::rewrite(&self.place, &bytes, 1);
            }
            5 => {
                std::fs::remove_file(&self.place).unwrap();
                breathe();
                versions::rename_into(&self.place, &bytes);
            }
            _ => versions::rename_into(&self.place, &bytes),
        }
    }

    fn wait_until_seen(&self, number: usize) {
        let deadline = Instant::now() + SEEN_TIME;
        while !self.seen.lock().unwrap().contains(&number) {
            assert!(Instant::now() < deadline, "version {number} was never seen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A random moment: what is tested must not depend on it.
fn breathe() {
    std::thread::sleep(Duration::from_millis(rand::random_range(0..80)));
}

/// `serving` runs the module, `asked` is where the clients ask.
fn a_hundred_versions(app: &App, host_name: &str, serving: &Host, asked: &Host) {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let author =
        Author { place: app.path().join(format!("handlers/{host_name}/versioned.wasm")), seen: Arc::clone(&seen) };
    let crowd = Crowd::start(CLIENTS, asked.port, "/api/versioned", move |answer| {
        let number = versions::number(&answer.body).filter(|_| answer.status == 200);
        number.map(|number| seen.lock().unwrap().insert(number)).is_some()
    });
    author.wait_until_seen(0);
    let mut before = 0;
    for number in 1..=VERSIONS {
        breathe();
        author.write(number);
        author.wait_until_seen(number);
        if number == WARM {
            before = serving.memory();
        }
    }
    let after = serving.memory();
    eprintln!("memory: {before} KiB before, {after} KiB after");
    let answers = crowd.end();
    assert!(answers > VERSIONS * CLIENTS, "only {answers} answers");
    assert_eq!(author.seen.lock().unwrap().len(), VERSIONS + 1);
    assert!(after < before + MEMORY_SLACK, "{before} KiB before, {after} KiB after {VERSIONS} versions");
    let errors: Vec<String> = serving.lines().into_iter().filter(|line| line.contains("ERROR")).collect();
    assert!(errors.is_empty(), "what was mended at once is not told: {errors:#?}");
}

#[test]
fn a_hundred_versions_and_not_one_wrong_answer() {
    let _alone = alone();
    let app = App::new(json!({"qewd_up": true}), &routes(None)).guest("orchestrator", "versioned");
    let host = Launch::orchestrator(&app).data(&app.path().join("data")).logging(LOG).start();
    a_hundred_versions(&app, "orchestrator", &host, &host);
}

#[test]
fn a_hundred_versions_behind_a_link_and_not_one_wrong_answer() {
    let _alone = alone();
    let config = json!({"qewd_up": true, "microservices": [{"name": "far"}]});
    let app = App::new(config, &routes(Some("far"))).guest("far", "versioned");
    let far = Launch::microservice(&app, "far").data(&app.path().join("data")).logging(LOG).start();
    let near = Launch::orchestrator(&app).reaching("far", far.port).logging(LOG).start();
    near.wait_for("micro-service ready");
    a_hundred_versions(&app, "far", &far, &near);
}
