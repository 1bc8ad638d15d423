//! The wasm modules of the tests: those of tests/guests and those of the example application.
//! In comes a module's name, out goes its file, which is built at the first question.
//! It never builds the host.

use super::app::workspace;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const TARGET: &str = "wasm32-wasip2";
const PACKAGES: [&str; 6] = [
    "guests",
    "by-hand",
    "example-orchestrator",
    "example-login-service",
    "example-info-service",
    "example-db-service",
];

/// Where a module comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file of tests/guests, in Rust or in WebAssembly's text format.
    Guest,
    /// The crate that does without the SDK.
    ByHand,
    /// A crate of handlers/.
    Example,
}

/// The file of a module.
pub(crate) fn module(source: Source, name: &str) -> PathBuf {
    let folder = match source {
        Source::Guest if as_text(name).is_file() => return assembled(name),
        Source::Guest => built().join("examples"),
        Source::ByHand | Source::Example => built().to_owned(),
    };
    let file = folder.join(format!("{name}.wasm"));
    assert!(file.is_file(), "there is no module {}", file.display());
    file
}

/// The text of a guest that Rust cannot write, if there is one of this name.
fn as_text(name: &str) -> PathBuf {
    workspace().join("tests/guests/misbehaving").join(name).with_extension("wat")
}

/// The module of such a text.
fn assembled(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wat");
    let module = wat::parse_file(as_text(name)).unwrap_or_else(|error| panic!("{error}"));
    std::fs::create_dir_all(&folder).unwrap();
    // Another test may want the same module: it must never see half of it.
    let mut file = tempfile::NamedTempFile::new_in(&folder).unwrap();
    file.write_all(&module).unwrap();
    let path = folder.join(name).with_extension("wasm");
    file.persist(&path).unwrap();
    path
}

/// The names of the guests in a folder of tests/guests, sorted.
pub(crate) fn guest_names(folder: &str) -> Vec<String> {
    let folder = workspace().join("tests/guests").join(folder);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The folder with what Cargo built, once for all tests of a run.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        add_target();
        // A target folder of its own, so that these builds never wait for, or undo, those of the host.
        let folder = workspace().join("target/guests");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(workspace());
        cargo.args(["build", "--locked", "--release", "--lib", "--examples", "--target", TARGET]);
        cargo.arg("--target-dir").arg(&folder);
        for package in PACKAGES {
            cargo.args(["--package", package]);
        }
        let output = cargo.output().unwrap_or_else(|error| panic!("cargo cannot be run: {error}"));
        assert!(
            output.status.success(),
            "the modules of the tests cannot be built. If the target is missing, type: rustup target add {TARGET}\n\
             To see the build alone, type: cargo build --release --target {TARGET} --package guests --examples\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        folder.join(TARGET).join("release")
    })
}

/// rustup installs what rust-toolchain.toml names only where it may do so by itself.
fn add_target() {
    let added = Command::new("rustup").args(["target", "add", TARGET]).current_dir(workspace()).output();
    // Without rustup the target came with the compiler, or the build will say that it did not.
    if let Ok(output) = added {
        assert!(
            output.status.success(),
            "the target {TARGET} is missing; type: rustup target add {TARGET}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
