//! What the scripts need beside the program: Node.js with npm, the packages of package-lock.json, and Chromium.
//! In comes nothing; out go their places, or words about what is missing and how to get it.
//! Where something is missing the tests are skipped, and say so; they fail where the environment requires them.

use crate::harness::{chromium, tell, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Set to `required`, it makes a failure of what would be skipped.
const VARIABLE: &str = "QEWD_MONITOR_TESTS";
const INSTALL: &str = "On Debian or Ubuntu, type: apt-get install -y --no-install-recommends nodejs npm chromium";
/// The oldest that Playwright runs on.
const NODE_VERSION: u32 = 18;
/// Lies in `node_modules` and says from which package-lock.json it was made.
const MADE_FROM: &str = ".made-from-package-lock.json";

/// What was found.
#[derive(Debug, Clone)]
pub(crate) struct Equipment {
    pub(crate) chromium: PathBuf,
}

impl Equipment {
    /// All of it, or nothing: then the tests are skipped.
    pub(crate) fn found() -> Option<Self> {
        static FOUND: OnceLock<Option<Equipment>> = OnceLock::new();
        FOUND.get_or_init(|| Self::look().map_err(|missing| tell(&format!("skipped: {missing}"))).ok()).clone()
    }

    /// Looks for it, and installs the packages. What is missing is a failure where it is required.
    fn look() -> Result<Self, String> {
        let looked = programs().and_then(|equipment| packages().map(|()| equipment));
        let required = std::env::var_os(VARIABLE).is_some_and(|value| value == "required");
        assert!(looked.is_ok() || !required, "{VARIABLE}=required, but {}", looked.unwrap_err());
        looked
    }
}

/// The folder of these tests.
pub(crate) fn folder() -> PathBuf {
    workspace().join("tests/monitor")
}

/// The names of all scripts that tell a story, sorted.
pub(crate) fn stories() -> Vec<String> {
    let files = fs::read_dir(folder().join("stories")).unwrap();
    let name = |file: fs::DirEntry| file.path().file_stem().unwrap().to_string_lossy().into_owned();
    let mut names: Vec<String> = files.map(|file| name(file.unwrap())).collect();
    names.sort();
    names
}

fn programs() -> Result<Equipment, String> {
    let missing = |what: &str| format!("the stories of the monitor need {what}. {INSTALL}");
    let node = version("node").ok_or_else(|| missing("Node.js"))?;
    let major = node.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE_VERSION) {
        return Err(missing(&format!("Node.js {NODE_VERSION} or newer, and this is {node}")));
    }
    version("npm").ok_or_else(|| missing("npm"))?;
    Ok(Equipment { chromium: chromium().ok_or_else(|| missing("Chromium"))? })
}

/// What a program says of its version, if it is there.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Sees to it that `node_modules` holds what package-lock.json names.
fn packages() -> Result<(), String> {
    let folder = folder();
    let (lock, made) = (folder.join("package-lock.json"), folder.join("node_modules").join(MADE_FROM));
    // Another run of the tests may be about the same.
    let turn = Path::new(env!("CARGO_TARGET_TMPDIR")).join("monitor-packages");
    let turn = fs::File::create(turn).unwrap();
    turn.lock().unwrap();
    let wanted = fs::read(&lock).unwrap();
    if fs::read(&made).is_ok_and(|made| made == wanted) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    let output = npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder).output();
    let output = output.map_err(|error| format!("npm cannot be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "the packages of the stories cannot be installed; `npm ci` in tests/monitor says:\n{said}"
        ));
    }
    fs::write(made, wanted).map_err(|error| error.to_string())
}
