//! How long a host takes to load a folder with many modules, the first time and when they were compiled before.
//! In come versions of one guest; out go the rows of a table.
//! It does what the start of a host does, without serving: the guests all offer the same handler, which no host would serve.

use bench::figures::{Times, time};
use bench::modules::Versioned;
use bench::row;
use qewd::configuration::{Configuration, IfSecretMissing};
use qewd::edition::{Workshop, look};
use qewd::handler::{Engine, EngineSettings};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Modules in the folder.
const MODULES: u32 = 100;
/// How often the folder is loaded when everything was compiled before, and its files are read.
const AGAIN: usize = 10;
/// The cache writes behind the back of whoever compiles; when nothing changes for so long, it is done.
const QUIET: Duration = Duration::from_secs(2);

/// The heading of the rows.
pub(crate) const HEADING: [&str; 4] = ["100 modules", "best", "median", "noise"];

/// Measures in a temporary folder.
pub(crate) async fn rows(versioned: &Versioned) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let modules = folder.path().join("handlers/orchestrator");
    let (configuration, cache) = (folder.path().join("configuration"), folder.path().join("compiled"));
    for folder in [&modules, &configuration, &cache] {
        std::fs::create_dir_all(folder).expect("the temporary folder can be written");
    }
    let write = |file: &Path, bytes: &[u8]| std::fs::write(file, bytes).expect("the temporary folder can be written");
    let config = r#"{"qewd_up": true, "orchestrator": {}, "jwt": {"secret": "a secret for a measurement"}}"#;
    write(&configuration.join("config.json"), config.as_bytes());
    write(&configuration.join("routes.json"), b"[]");
    for number in 1..=MODULES {
        write(&modules.join(format!("module{number}.wasm")), &versioned.version(number));
    }

    let first = load(folder.path(), &cache).await;
    wait_until_quiet(&cache);
    let (mut again, mut reading) = (Vec::new(), Vec::new());
    for _ in 0..AGAIN {
        again.push(load(folder.path(), &cache).await);
        reading.push(read(&modules));
    }
    let all = |loads: &[Loaded]| Times::new(loads.iter().map(|load| load.all).collect());
    let compiling = |loads: &[Loaded]| Times::new(loads.iter().map(|load| load.compiling).collect());
    let row = |what: String, times: &Times| row![what, time(times.best()), time(times.median()), times.noise()];
    let first = [first];
    vec![
        row("loaded the first time".to_owned(), &all(&first)),
        row("of that compiling, on all threads together".to_owned(), &compiling(&first)),
        row("loaded again, compiled before".to_owned(), &all(&again)),
        row("of that reading compiled code, on all threads together".to_owned(), &compiling(&again)),
        row(format!("read only, {:.1} MB", versioned.size() as f64 * f64::from(MODULES) / 1e6), &Times::new(reading)),
        row![format!("the cache then holds {:.1} MB", size(&cache) as f64 / 1e6), "", "", ""],
    ]
}

/// How long loading took.
struct Loaded {
    all: Duration,
    /// What the modules say of it, added up.
    compiling: Duration,
}

/// What the start of a host does until it has its modules, with an engine of its own.
async fn load(folder: &Path, cache: &Path) -> Loaded {
    let began = Instant::now();
    let configuration = Configuration::load(folder, None, IfSecretMissing::LeaveOut);
    let configuration = configuration.unwrap_or_else(|problems| panic!("{problems}"));
    let settings = EngineSettings { instances: super::hosted::ROOM, cache: Some(cache.to_owned()) };
    let (upward, _questions) = mpsc::channel(1);
    let engine = Engine::new(&settings).expect("the machine runs wasm");
    let workshop = Workshop { engine, upward, audience: Arc::default(), documents: super::hosted::in_memory() };
    let seen = look(folder, "orchestrator", &BTreeSet::new()).expect("the folder can be looked at");
    let (modules, problems) = workshop.load_all(&configuration, seen.module_files()).await;
    let all = began.elapsed();
    assert!(problems.is_empty() && modules.len() == MODULES as usize, "{problems:?}");
    Loaded { all, compiling: modules.iter().map(|module| module.compiled().took).sum() }
}

fn read(modules: &Path) -> Duration {
    let began = Instant::now();
    let files = std::fs::read_dir(modules).expect("the temporary folder can be read");
    let mut bytes = 0;
    for file in files.flatten() {
        bytes += std::fs::read(file.path()).expect("the temporary folder can be read").len();
    }
    assert!(bytes > 0, "nothing was read");
    began.elapsed()
}

fn wait_until_quiet(cache: &Path) {
    let (mut before, mut since) = (size(cache), Instant::now());
    while since.elapsed() < QUIET {
        std::thread::sleep(Duration::from_millis(100));
        let now = size(cache);
        if now != before {
            (before, since) = (now, Instant::now());
        }
    }
}

/// Bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}
