//! A host, its data folder and its writers, from one crash to the next.
//! In comes how a life ends; out go documents that were judged, and counts.
//! Every crash hits the same folder, so what one of them breaks a later one would find.

use crate::harness::{App, Ended, Host, Launch, Seed, Source, command, wait_until};
use crate::judge::Shared;
use crate::power::Drive;
use crate::writer::{ACCOUNTS, Writer, keep};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Connections that write.
const WRITERS: usize = 6;
/// Nodes of an import: some of its transactions.
pub(crate) const IMPORTED: usize = 10_000;
/// Starts in a row that are killed, and how long each of them has at most: as long as a start may take.
const STARTS: usize = 3;
const START_MILLISECONDS: u64 = 400;

/// How a life ends.
#[derive(Clone, Copy)]
pub(crate) enum End<'a> {
    Kill { after: Duration },
    KillWhileImporting { after: Duration },
    KillWhileStopping { after: Duration, then: Duration },
    CutPower { after: Duration, drive: &'a Drive },
}

pub(crate) struct Scene {
    app: App,
    data: PathBuf,
    lines: PathBuf,
    host: Host,
    writers: Vec<Writer>,
    shared: Shared,
    imports: (usize, usize),
}

fn app() -> App {
    let route = |uri: &str, method: &str, handler: &str| json!({"uri": uri, "method": method, "handler": handler, "authenticate": false});
    let routes = json!([
        route("/api/keep", "POST", "keeper"),
        route("/api/db/:documentName", "POST", "create"),
        route("/api/db/:documentName/:id", "PUT", "replace"),
        route("/api/db/:documentName/:id", "DELETE", "remove"),
    ]);
    let index = json!({"documentName": "RecordsIndex", "path": "by_name/:value/:node", "apply": "toLowerCase"});
    let config = json!({
        "qewd_up": true,
        "orchestrator": {"qewd": {"poolSize": WRITERS + 2}},
        "documents": {"indexes": {"Records": {"record/:node/name": index}}},
    });
    App::new(config, &routes).guest("orchestrator", "keeper").with("orchestrator", Source::Example, "db_service")
}

impl Scene {
    pub(crate) fn new(data: &Path, seed: Seed) -> Self {
        let app = app();
        let host = launch(&app, data).start();
        let account = |number: u32| {
            [
                json!(["set", ["Accounts", format!("a{number}")], 1000]),
                json!(["set", ["Reserve", format!("r{number}")], 0]),
            ]
        };
        let accounts: Vec<Value> = (0..ACCOUNTS).flat_map(account).collect();
        keep(host.port, &json!(accounts));
        let lines = app.write("import.jsonl", lines());
        let writers = (0..WRITERS).map(|number| Writer::new(number, seed.part(number as u64))).collect();
        let shared = Shared::new(host.port);
        Self { app, data: data.to_owned(), lines, host, writers, shared, imports: (0, 0) }
    }

    /// Writers write until the host ends in this way. Returns how many ends that were.
    pub(crate) fn life(&mut self, end: End<'_>) -> usize {
        let (port, host, lines, data) = (self.host.port, &mut self.host, &self.lines, &self.data);
        let writes = AtomicUsize::new(0);
        let mut imported = None;
        std::thread::scope(|scope| {
            for writer in &mut self.writers {
                scope.spawn(|| writer.write(port, &writes));
            }
            wait_until("there is something to lose", || writes.load(Ordering::Relaxed) > WRITERS);
            // The moments themselves are what is tested: any of them has to do.
            match end {
                End::Kill { after } => std::thread::sleep(after),
                End::KillWhileImporting { after } => {
                    let import = scope.spawn(|| Ended::of(documents(data).arg("import").arg(lines)));
                    std::thread::sleep(after);
                    host.kill();
                    imported = Some(import.join().unwrap().code == Some(0));
                }
                End::KillWhileStopping { after, then } => {
                    std::thread::sleep(after);
                    host.signal("TERM");
                    std::thread::sleep(then);
                }
                End::CutPower { after, drive } => {
                    std::thread::sleep(after);
                    drive.cut();
                }
            }
            host.kill();
            if let End::CutPower { drive, .. } = end {
                drive.return_power();
            }
        });
        self.shared.imported = imported;
        if let Some(whole) = imported {
            self.imports.0 += 1;
            self.imports.1 += usize::from(whole);
        }
        1
    }

    /// A life, and then starts that are killed before, while and after the host listens. Returns how many ends that were.
    pub(crate) fn is_killed_at_its_start(&mut self, after: Duration, chance: &mut StdRng) -> usize {
        self.life(End::Kill { after: after / 2 });
        for _ in 0..STARTS {
            let mut host = launch(&self.app, &self.data).spawn();
            std::thread::sleep(Duration::from_millis(chance.random_range(0..START_MILLISECONDS)));
            host.kill();
        }
        1 + STARTS
    }

    /// `qewd documents check` finds nothing wrong, before or after the next start. Afterwards the host runs.
    pub(crate) fn check_documents(&mut self, before: bool) {
        if before {
            assert_whole(&self.data);
        }
        self.host = launch(&self.app, &self.data).start();
        if !before {
            assert_whole(&self.data);
        }
    }

    /// Compares what is there with all that was promised.
    pub(crate) fn judge(&mut self) {
        self.shared.judge(self.host.port, &mut self.writers);
    }

    pub(crate) fn summary(&self) -> String {
        let sum = |count: fn(&Writer) -> usize| self.writers.iter().map(count).sum::<usize>();
        format!(
            "{} writes acknowledged, {} answered with an error; {} imports, of which {} came to their end",
            sum(|writer| writer.promised.acknowledged),
            sum(|writer| writer.promised.refused),
            self.imports.0,
            self.imports.1,
        )
    }

    /// A test without writes would show nothing.
    pub(crate) fn assert_busy(&self, crashes: usize) {
        let writes: usize = self.writers.iter().map(|writer| writer.promised.acknowledged).sum();
        assert!(writes > crashes * WRITERS, "only {writes} writes were acknowledged");
    }
}

fn launch(app: &App, data: &Path) -> Launch {
    // A line for each request would only be kept in memory.
    Launch::orchestrator(app).data(data).logging("info,qewd::dispatch=warn")
}

fn documents(data: &Path) -> Command {
    let mut command = command();
    command.arg("documents").arg("--data").arg(data);
    command
}

fn assert_whole(data: &Path) {
    let ended = Ended::of(documents(data).arg("check"));
    assert!(ended.code == Some(0) && ended.err.contains("no problems"), "{ended:?}");
}

/// What is imported: nodes in order, so that one can see how far an import came.
fn lines() -> String {
    let line = |number: usize| {
        json!({"document": "Imported", "subscripts": [number.to_string()], "value": number}).to_string() + "\n"
    };
    let header = json!({"qewd_documents": 1, "nodes": IMPORTED}).to_string() + "\n";
    header + &(0..IMPORTED).map(line).collect::<String>()
}
