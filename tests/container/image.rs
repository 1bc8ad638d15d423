//! The image that the tests run, as an archive that each engine loads.
//! In comes this checkout, or an archive that was made before; out goes the archive's path.
//! It is built once for all tests of a run, by the commands that docs/containers.md gives for a program from outside.

use super::engine::Engine;
use super::page::Page;
use crate::harness::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Names an archive of the image `qewd`, as `docker save` writes it: for a pipeline that tests the image which it publishes.
const VARIABLE: &str = "QEWD_CONTAINER_IMAGE";
/// Where the page's own section begins.
const SECTION: &str = "## A program that was built outside";
/// What an image may weigh.
const MOST_BYTES: u64 = 40_000_000;

/// The archive.
pub(crate) fn archive() -> &'static Path {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| std::env::var_os(VARIABLE).map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let folder = tempfile::tempdir().unwrap();
    let archive = Path::new(env!("CARGO_TARGET_TMPDIR")).join("qewd-image.tar");
    let mut page = Page::read().from(SECTION);
    let compile = page.command("RUSTFLAGS=");
    let gather = page.command("mkdir -p target/image");
    let build = page.command("docker build -f deploy/Dockerfile.prebuilt");
    let options =
        format!("--root {0}/root --runroot {0}/run --tmpdir {0}/tmp --storage-driver vfs", folder.path().display());
    let build = build.replace("docker build", &format!("podman {options} build --format docker"));
    let save = format!("rm -f {0} && podman {options} save --output {0} qewd", archive.display());
    for line in [compile, gather, build, save] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(workspace());
        // Those are about the program that is being tested.
        for variable in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET"] {
            shell.env_remove(variable);
        }
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    archive
}

#[test]
fn the_image_is_small_and_says_what_it_is() {
    let Some(engine) = Engine::start() else { return };
    let look = |what: &str| engine.ok(&format!("docker image inspect --format '{{{{{what}}}}}' qewd"));
    let bytes: u64 = look(".Size").parse().unwrap();
    assert!(bytes < MOST_BYTES, "{bytes} bytes");
    assert_eq!(look("json .Config.ExposedPorts"), r#"{"8080/tcp":{}}"#);
    assert_eq!(look("json .Config.Entrypoint"), r#"["/usr/local/bin/qewd"]"#);
    assert!(look("json .Config.Healthcheck").contains(r#""CMD","/usr/local/bin/qewd","healthcheck""#));
    assert!(look("json .Config.Labels").contains("org.opencontainers.image.title"));
    assert!(engine.ok("docker run --rm qewd --version").starts_with("qewd "));
}
