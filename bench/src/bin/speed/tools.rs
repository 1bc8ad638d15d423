//! What a run needs: tools of others, and what is built here.
//! In comes nothing; out go files that are there, or words that say what to type.
//! It takes nothing but from Debian's and from Rust's registries, and nothing twice.

use bench::modules::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The load generator for a fixed rate.
const OHA: &str = "1.16.0";
/// The runtime's own server, of the version that the host has inside.
const WASMTIME: &str = "48.0.8";
/// All that its `serve` needs.
const WASMTIME_FEATURES: &str = "run,serve,cranelift,pooling-allocator,parallel-compilation,component-model-async";

/// Files that are there.
pub(crate) struct Tools {
    /// The host's program.
    pub(crate) qewd: PathBuf,
    /// The module that hosts serve.
    pub(crate) module: PathBuf,
    /// The same answer for `wasmtime serve`.
    pub(crate) component: PathBuf,
    /// A module of which there are as many versions as one likes.
    pub(crate) modules: PathBuf,
}

impl Tools {
    /// Installs and builds what is missing.
    pub(crate) fn ready(program: Option<PathBuf>) -> Self {
        debian("wrk", "wrk");
        debian("nginx", "nginx-light");
        let modules = bench::modules::build();
        cargo(&["build", "--release", "--package", "bench-handler", "--package", "bench-component"], |cargo| {
            cargo.args(["--target", "wasm32-wasip2", "--target-dir"]).arg(workspace().join("target/guests"));
        });
        let qewd = program.unwrap_or_else(|| {
            cargo(&["build", "--release", "--package", "qewd", "--bin", "qewd"], |_| {});
            workspace().join("target/release/qewd")
        });
        Self { qewd, module: modules.join("measured.wasm"), component: modules.join("component.wasm"), modules }
    }

    /// The load generator for a fixed rate. Only rows that need it wait for its compiler.
    pub(crate) fn oha() -> PathBuf {
        installed("oha", OHA, &[])
    }

    /// The runtime's own server.
    pub(crate) fn wasmtime() -> PathBuf {
        installed("wasmtime", WASMTIME, &["--no-default-features", "--features", WASMTIME_FEATURES])
    }
}

fn cargo(arguments: &[&str], more: impl FnOnce(&mut Command)) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args(arguments).args(["--locked", "--quiet"]);
    more(&mut cargo);
    assert!(cargo.status().expect("cargo can be run").success(), "cargo {} failed", arguments.join(" "));
}

/// A program of crates.io, compiled once.
fn installed(name: &str, version: &str, features: &[&str]) -> PathBuf {
    let root = workspace().join("target/tools");
    let file = root.join("bin").join(name);
    if says(&file, version) {
        return file;
    }
    println!("compiling {name} {version}, which takes some minutes and is done once");
    let package = if name == "wasmtime" { "wasmtime-cli" } else { name };
    cargo(&["install", package, "--version", version, "--force"], |cargo| {
        cargo.args(features).arg("--root").arg(&root).arg("--target-dir").arg(root.join("build"));
    });
    file
}

fn says(file: &Path, version: &str) -> bool {
    let said = Command::new(file).arg("--version").output();
    said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(version))
}

fn debian(command: &str, package: &str) {
    let is_there = || Command::new("sh").args(["-c", &format!("command -v {command}")]).output();
    if is_there().is_ok_and(|found| found.status.success()) {
        return;
    }
    let install = ["install", "--yes", "--no-install-recommends", package];
    let installed = Command::new("apt-get").args(install).status();
    assert!(
        installed.is_ok_and(|installed| installed.success()),
        "{command} is missing; type as root: apt-get update && apt-get install {package}"
    );
}
