//! As whom the container serves, and what its first process owes to others.
//! In come application folders of several owners; out go the users of the serving process, and what the log says.
//! Every look is at the real process, from outside of the container.

use super::engine::Engine;
use crate::harness::wait_until;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::process::{Command, Stdio};

const RUN: &str = "docker run -d --name orchestrator -v ~/ms-db:/opt/qewd/mapped";
const SOMEBODY: u32 = 12_345;

#[test]
fn a_folder_of_somebody_is_served_by_its_owner() {
    let Some(engine) = Engine::start() else { return };
    let give = |path: &std::path::Path, mode| {
        chown(path, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    // Nobody else may even look into it.
    give(&engine.home().join("ms-db"), 0o700);
    give(&engine.config(), 0o600);
    fs::create_dir(engine.home().join("data")).unwrap();
    engine.ok(&format!("{RUN} -v ~/data:/opt/qewd/data qewd"));
    engine.wait_for("orchestrator", "listening on port 8080");
    for line in ["Uid", "Gid"] {
        assert_eq!(engine.status("orchestrator", line), vec![SOMEBODY.to_string(); 4]);
    }
    assert!(engine.status("orchestrator", "Groups").is_empty());
    let config = fs::metadata(engine.config()).unwrap();
    assert_eq!((config.uid(), config.mode() & 0o777), (SOMEBODY, 0o600));
    assert!(fs::read_to_string(engine.config()).unwrap().contains("\"secret\""));
    assert_eq!(fs::metadata(engine.home().join("data/documents")).unwrap().uid(), SOMEBODY);
    assert!(!engine.log("orchestrator").contains("runs as root"));
}

#[test]
fn root_serves_only_where_nobody_else_could_and_says_so() {
    let Some(engine) = Engine::start() else { return };
    fs::set_permissions(engine.config(), Permissions::from_mode(0o600)).unwrap();
    engine.ok(&format!("{RUN} qewd"));
    engine.wait_for("orchestrator", "listening on port 8080");
    assert_eq!(engine.status("orchestrator", "Uid"), ["0"; 4]);
    engine.wait_for("orchestrator", "user 65532 may not read /opt/qewd/mapped/configuration/config.json");
}

#[test]
fn a_container_that_may_not_change_its_user_serves_and_says_so() {
    let Some(engine) = Engine::start() else { return };
    engine.ok(&format!("{RUN} --cap-drop=ALL --security-opt=no-new-privileges qewd"));
    engine.wait_for("orchestrator", "listening on port 8080");
    engine.wait_for("orchestrator", "the container may not change its user");
}

#[test]
fn a_folder_that_cannot_be_written_asks_for_the_secret() {
    let Some(engine) = Engine::start() else { return };
    let output = engine.run("docker run --rm -v ~/ms-db:/opt/qewd/mapped:ro --read-only qewd");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("\"jwt.secret\" is missing") && said.contains("by hand"), "{said}");
}

#[test]
fn a_mapped_folder_that_cannot_be_written_is_never_passed_over() {
    let Some(engine) = Engine::start() else { return };
    fs::create_dir(engine.home().join("data")).unwrap();
    let data = "-v ~/data:/opt/qewd/data --user 65532";
    engine.ok(&format!("{RUN} --name first qewd").replace("--name orchestrator ", ""));
    engine.wait_for("first", "listening on port 8080");
    let output = engine.run(&format!("docker run --rm -v ~/ms-db:/opt/qewd/mapped {data} qewd"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("/opt/qewd/data") && said.contains("a folder that this user may write to"), "{said}");
}

#[test]
fn orphans_are_buried() {
    let Some(engine) = Engine::start() else { return };
    engine.ok(&format!("{RUN} qewd"));
    engine.wait_for("orchestrator", "listening on port 8080");
    let first = engine.process("orchestrator");
    let children = || fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap();
    // Its parent ends at once; it ends with its input.
    let mut enter = Command::new("nsenter");
    enter.args(["--target", &first.to_string(), "--pid", "sh", "-c", "exec 3<&0; cat <&3 >/dev/null 2>&1 &"]);
    let mut parent = enter.stdin(Stdio::piped()).spawn().unwrap();
    let input = parent.stdin.take().unwrap();
    assert!(parent.wait().unwrap().success());
    wait_until("the orphan is the first process's child", || !children().trim().is_empty());
    drop(input);
    wait_until("the orphan is out of the table of processes", || children().trim().is_empty());
}
