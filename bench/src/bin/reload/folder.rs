//! An application folder in which a module is replaced again and again, in all the ways in which tools write files.
//! In comes a version and a way; out goes a file in the folder, and when its last byte was written.
//! It never waits for the host.

use bench::modules::Versioned;
use rand::RngExt as _;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The microservice's name where there is one.
pub(crate) const SERVICE: &str = "far";
/// The longest pause between two parts of a file: more than a host waits for a file of whose writer it knows nothing.
const LONGEST_PAUSE: u64 = 400;

/// How a file gets into the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// Written beside, then renamed.
    Renamed,
    /// Written in its place at once.
    InPlace,
    /// Written in its place in several parts with pauses, while it stays open.
    InParts,
    /// The same, but closed after each part.
    ClosedBetween,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Renamed, Self::InPlace, Self::InParts, Self::ClosedBetween];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Renamed => "renamed into its place",
            Self::InPlace => "rewritten in place",
            Self::InParts => "rewritten in parts, kept open",
            Self::ClosedBetween => "rewritten in parts, closed between",
        }
    }

    /// Any of them.
    pub(crate) fn any() -> Self {
        *one_of(&Self::ALL)
    }
}

/// The folder, which ends with the run.
pub(crate) struct Folder {
    folder: TempDir,
    module: PathBuf,
}

impl Folder {
    /// A folder for the orchestrator alone, or with a microservice that has the module; with this first version.
    pub(crate) fn new(through_link: bool, first: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let host = if through_link { SERVICE } else { "orchestrator" };
        let services = if through_link { json!([{ "name": SERVICE }]) } else { json!([]) };
        let mut route = json!({ "uri": super::clients::PATH, "handler": "versioned", "authenticate": false });
        if through_link {
            route["on_microservice"] = SERVICE.into();
        }
        let secret = format!("{:032x}", rand::random::<u128>());
        let config = json!({
            "qewd_up": true, "orchestrator": {}, "microservices": services, "jwt": { "secret": secret },
        });
        let modules = folder.path().join("handlers").join(host);
        let configuration = folder.path().join("configuration");
        for folder in [&modules, &configuration] {
            std::fs::create_dir_all(folder).expect("the temporary folder can be written");
        }
        write(&configuration.join("config.json"), config.to_string().as_bytes());
        write(&configuration.join("routes.json"), json!([route]).to_string().as_bytes());
        let module = modules.join("versioned.wasm");
        write(&module, first);
        Self { folder, module }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a version into the place of the one before. Returns the moment before its last write, or before its renaming.
    pub(crate) fn drop_in(&self, bytes: &[u8], way: Way) -> Instant {
        match way {
            Way::Renamed => {
                let beside = self.module.with_extension("wasm.new");
                write(&beside, bytes);
                let last = Instant::now();
                std::fs::rename(&beside, &self.module).expect("a file can be renamed");
                last
            }
            Way::InPlace => {
                let mut file = File::create(&self.module).expect("the module can be written");
                append(&mut file, bytes)
            }
            Way::InParts => {
                let mut file = File::create(&self.module).expect("the module can be written");
                in_parts(bytes, |part| append(&mut file, part))
            }
            Way::ClosedBetween => {
                drop(File::create(&self.module).expect("the module can be written"));
                in_parts(bytes, |part| {
                    let file = OpenOptions::new().append(true).open(&self.module);
                    append(&mut file.expect("the module can be written"), part)
                })
            }
        }
    }
}

fn write(file: &Path, bytes: &[u8]) {
    std::fs::write(file, bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

fn append(file: &mut File, bytes: &[u8]) -> Instant {
    let last = Instant::now();
    file.write_all(bytes).expect("the module can be written");
    last
}

/// Writes two to five parts with pauses between them.
fn in_parts(bytes: &[u8], mut append: impl FnMut(&[u8]) -> Instant) -> Instant {
    let parts = rand::random_range(2..=5);
    let mut last = Instant::now();
    for (number, part) in bytes.chunks(bytes.len().div_ceil(parts).max(1)).enumerate() {
        if number > 0 {
            pause(LONGEST_PAUSE);
        }
        last = append(part);
    }
    last
}

/// Waits a random time, up to so many milliseconds.
pub(crate) fn pause(longest: u64) {
    std::thread::sleep(Duration::from_millis(rand::random_range(0..=longest)));
}

/// What is no module: half of one, its head without a body, bytes without sense, or nothing at all.
pub(crate) fn broken(versioned: &Versioned, number: u32) -> Vec<u8> {
    let mut bytes = versioned.version(number);
    match rand::random_range(0..4) {
        0 => bytes.truncate(bytes.len() / 2),
        1 => bytes.truncate(bytes.len() - 1),
        2 => rand::rng().fill(&mut bytes[..]),
        _ => bytes.clear(),
    }
    bytes
}

fn one_of<T>(all: &[T]) -> &T {
    &all[rand::random_range(0..all.len())]
}
