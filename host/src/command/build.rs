//! Building handler crates: the one place that runs Cargo.
//! In comes the folder `handlers/` of an application; out go its crates, and for each its module in its host's folder.
//! It never starts a host.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// The target that handlers are compiled for.
pub(super) const TARGET: &str = "wasm32-wasip2";
/// How deep below `handlers/` a crate may lie.
const DEPTH: usize = 4;

/// What building a crate brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Built {
    /// The module is the one that was there.
    Unchanged,
    /// A new module lies in its place.
    Changed,
}

/// The folders of the handler crates below `handlers/`, sorted.
pub(super) fn crates(application: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    find(&application.join("handlers"), 0, &mut found);
    found.sort();
    found
}

fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for folder in folders(folder) {
        if folder.join("Cargo.toml").is_file() {
            found.push(folder);
        } else if depth < DEPTH {
            find(&folder, depth + 1, found);
        }
    }
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let hidden = |path: &Path| {
        path.file_name().is_some_and(|name| name == "target" || name.as_encoded_bytes().starts_with(b"."))
    };
    paths.filter(|path| path.is_dir() && !hidden(path)).collect()
}

/// Makes sure that the compiler can build for the target.
///
/// # Errors
/// What to type, where this program cannot do it.
pub(super) async fn ensure_target(application: &Path) -> Result<(), String> {
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(application)
        .stdin(Stdio::null())
        .output()
        .await;
    match added {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "the compiler's target {TARGET} is missing and could not be added ({}); type: rustup target add {TARGET}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        // Without rustup the target came with the compiler, or Cargo will say that it did not.
        Err(_) => Ok(()),
    }
}

/// Builds one crate and puts its module into the crate's own folder, in one step.
///
/// # Errors
/// What Cargo said, or what keeps the module from its place.
pub(super) async fn build(application: &Path, krate: &Path) -> Result<Built, String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
            "--color",
            if std::io::IsTerminal::is_terminal(&std::io::stdout()) { "always" } else { "never" },
        ])
        .arg("--target-dir")
        .arg(absolute(application).join("target").join("handlers"))
        .current_dir(krate)
        // Cargo's own variables of an outer `cargo run` are not meant for this build.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_MANIFEST_DIR")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("cargo cannot be run: {error}; install Rust from https://rustup.rs"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned());
    }
    let module = module_in(&output.stdout, krate).ok_or_else(|| {
        format!("{} builds no module; add to its Cargo.toml: [lib] crate-type = [\"cdylib\"]", krate.display())
    })?;
    put(&module, krate)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The module among the files that Cargo says it made for the crate in this folder.
fn module_in(messages: &[u8], folder: &Path) -> Option<PathBuf> {
    let manifest = folder.join("Cargo.toml").canonicalize().ok()?;
    let artifacts = messages.split(|byte| *byte == b'\n').filter_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let ours = message.get("manifest_path")?.as_str().is_some_and(|path| Path::new(path) == manifest);
        let files = message.get("filenames")?.as_array()?.clone();
        ours.then_some(files)
    });
    let mut files = artifacts.flatten().filter_map(|file| file.as_str().map(PathBuf::from));
    files.find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

/// Copies under another name first: a host never sees half a module.
fn put(module: &Path, folder: &Path) -> Result<Built, String> {
    let name = module.file_name().unwrap_or_default();
    let place = folder.join(name);
    let bytes = std::fs::read(module).map_err(|error| format!("{}: {error}", module.display()))?;
    if std::fs::read(&place).is_ok_and(|old| old == bytes) {
        return Ok(Built::Unchanged);
    }
    let written = tempfile::NamedTempFile::new_in(folder)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes).map(|()| file))
        .and_then(|file| {
            use std::os::unix::fs::PermissionsExt as _;
            // A temporary file is its owner's alone; a module may be read by the host's user.
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
            file.persist(&place).map_err(|error| error.error)
        });
    written.map(|_| Built::Changed).map_err(|error| format!("{}: {error}", place.display()))
}
