//! The wasm modules that are measured: the example's handlers, and many versions of one guest.
//! In comes a module's name or a version's number; out goes a file that Cargo built, or the bytes of a version.
//! It never builds the host.

use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";
const PACKAGES: [&str; 5] =
    ["guests", "example-orchestrator", "example-login-service", "example-info-service", "example-db-service"];
/// What tests/guests/helpful/versioned.rs says of itself until another number is written over it.
const UNWRITTEN: &[u8] = b"version=00000000";
/// The name of its handler.
const HANDLER: &[u8] = b"versioned";

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Builds the modules, or finds out that they are built. Returns the folder in which the example's handlers lie; the
/// guests are in `examples` below it.
///
/// # Panics
/// When they cannot be built.
#[must_use]
pub fn build() -> PathBuf {
    // The same folder as that of the tests: what they built is not built again.
    let folder = workspace().join("target/guests");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace());
    cargo.args(["build", "--quiet", "--locked", "--release", "--lib", "--examples", "--target", TARGET]);
    cargo.arg("--target-dir").arg(&folder);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    let status = cargo.status().expect("cargo can be run");
    assert!(
        status.success(),
        "the modules cannot be built; if the target is missing, type: rustup target add {TARGET}"
    );
    folder.join(TARGET).join("release")
}

/// A module of which there are as many versions as one likes.
pub struct Versioned {
    bytes: Vec<u8>,
    /// Where its version stands: at both ends of a page.
    places: Vec<usize>,
}

impl Versioned {
    /// Reads the guest `versioned` from the folder that [`build`] returned.
    ///
    /// # Panics
    /// When it is not there, or does not say its version at both ends of a page.
    #[must_use]
    pub fn read(built: &Path) -> Self {
        let file = built.join("examples/versioned.wasm");
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let windows = bytes.windows(UNWRITTEN.len()).enumerate();
        let places: Vec<usize> = windows.filter(|(_, window)| *window == UNWRITTEN).map(|(place, _)| place).collect();
        assert_eq!(places.len(), 2, "the module says its version at both ends of a page");
        Self { bytes, places }
    }

    /// The module as it says this number.
    ///
    /// # Panics
    /// Never: the places are in the module.
    #[must_use]
    pub fn version(&self, number: u32) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for place in &self.places {
            let text = bytes.get_mut(*place..place + UNWRITTEN.len()).expect("the place is in the module");
            text.copy_from_slice(version_text(number).as_bytes());
        }
        bytes
    }

    /// A version whose handler has a name of its own, and that name.
    ///
    /// # Panics
    /// Above 999: the name has as many letters as the one that it takes the place of.
    #[must_use]
    pub fn named(&self, number: u32) -> (String, Vec<u8>) {
        let name = format!("module{number:03}");
        assert_eq!(name.len(), HANDLER.len(), "{number} is too large");
        let mut bytes = self.version(number);
        let mut from = 0;
        while let Some(found) =
            bytes.get(from..).and_then(|rest| rest.windows(HANDLER.len()).position(|it| it == HANDLER))
        {
            let place = from + found;
            bytes.get_mut(place..place + HANDLER.len()).expect("it was found there").copy_from_slice(name.as_bytes());
            from = place + HANDLER.len();
        }
        (name, bytes)
    }

    /// The size of each version, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// What a version says of itself.
#[must_use]
pub fn version_text(number: u32) -> String {
    format!("version={number:08}")
}

/// The version as the host's log names it: the first twelve hexadecimal digits of the content's SHA-256.
#[must_use]
pub fn content_hash(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
