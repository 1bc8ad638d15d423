//! A Docker of its own for one test: Podman, with a store in a folder that ends with the test.
//! In comes a command line with `docker` in it, as people type it; out goes what it printed.
//! Where Podman, or the right to use it, is missing the tests are skipped, and say so; they fail where the environment requires them.

use super::image;
use crate::harness::{App, tell, wait_until};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Set to `required`, it makes a failure of what would be skipped.
const VARIABLE: &str = "QEWD_CONTAINER_TESTS";
const INSTALL: &str =
    "On Debian or Ubuntu, type: apt-get install -y --no-install-recommends podman runc netavark aardvark-dns iptables";
/// What the tests use beside the engine.
const PROGRAMS: [&str; 7] = ["podman", "runc", "iptables", "curl", "script", "nsenter", "umount"];
/// How long a container may take to be heard of. The address of Podman's bridge changes as containers come and go, and for
/// up to ten seconds after that the others ask for names at the old one.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one look lasts.
const LOOK: Duration = Duration::from_millis(100);
/// The network's two programs, which are no commands.
const NETWORK: [&str; 2] = ["netavark", "aardvark-dns"];

/// A store of containers, images and networks, and a home folder.
pub(crate) struct Engine {
    folder: TempDir,
    /// Ports and networks are the machine's, so only one engine runs at a time.
    _turn: File,
}

impl Engine {
    /// An engine that has the image, and the example application in `~/ms-db`; nothing where the tests are skipped.
    pub(crate) fn start() -> Option<Self> {
        if let Err(missing) = look() {
            let required = std::env::var_os(VARIABLE).is_some_and(|value| value == "required");
            assert!(!required, "{VARIABLE}=required, but {missing}");
            tell(&format!("SKIPPED: {missing}"));
            return None;
        }
        let image = image::archive();
        let turn = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("containers")).unwrap();
        turn.lock().unwrap();
        let engine = Self { folder: tempfile::Builder::new().prefix("qewd-").tempdir().unwrap(), _turn: turn };
        // Containers run as other users, and have to reach what is mapped.
        fs::set_permissions(engine.folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(engine.path("bin")).unwrap();
        engine.provide_docker();
        copy(App::example().path(), &engine.home().join("ms-db"));
        // The first host makes the secret.
        fs::copy(crate::harness::workspace().join("configuration/config.json"), engine.config()).unwrap();
        engine.ok(&format!("docker load --quiet --input {}", image.display()));
        Some(engine)
    }

    fn path(&self, part: &str) -> PathBuf {
        self.folder.path().join(part)
    }

    /// What `~` is.
    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// The config.json of the application.
    pub(crate) fn config(&self) -> PathBuf {
        self.home().join("ms-db/configuration/config.json")
    }

    /// A `docker` that is Podman with this store. Where a system lets nobody raise limits, the engine's own defaults are too high.
    fn provide_docker(&self) {
        let folder = self.folder.path().display();
        let script = format!(
            "#!/bin/sh\nverb=$1; shift\ncase $verb in\n\
             run|create) set -- --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 \"$@\";;\n\
             build) set -- --format docker \"$@\";;\nesac\n\
             exec podman --log-level error --root {folder}/root --runroot {folder}/run --tmpdir {folder}/tmp \
             --network-config-dir {folder}/networks --runtime runc --cgroup-manager cgroupfs --events-backend file \
             --storage-driver {} \"$verb\" \"$@\"\n",
            storage(self.folder.path())
        );
        let file = self.path("bin/docker");
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    }

    /// A shell that is about to run this line.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]);
        self.prepare(&mut shell);
        shell
    }

    /// Gives a program the home folder and the `docker` of this engine.
    pub(crate) fn prepare(&self, command: &mut Command) {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("HOME", self.home()).env("PATH", format!("{}:{path}", self.path("bin").display()));
        command.stdin(Stdio::null());
    }

    /// Runs a line to its end.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.shell(line).output().unwrap()
    }

    /// Runs a line that has to succeed, and gives what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line}\n{out}{err}");
        out.trim().to_owned()
    }

    /// What a container has logged.
    pub(crate) fn log(&self, name: &str) -> String {
        let output = self.run(&format!("docker logs {name}"));
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    /// Waits for a text in the log of a container.
    #[track_caller]
    pub(crate) fn wait_for(&self, name: &str, text: &str) {
        self.wait_for_after(0, name, text);
    }

    /// Waits for a text in what a container logs after its first `seen` bytes.
    #[track_caller]
    pub(crate) fn wait_for_after(&self, seen: usize, name: &str, text: &str) {
        let said = || self.log(name).get(seen..).is_some_and(|said| said.contains(text));
        wait_patiently(&format!("{name} says {text:?}"), said);
    }

    /// The process of a container, as this machine counts.
    pub(crate) fn process(&self, name: &str) -> u32 {
        self.ok(&format!("docker inspect --format '{{{{.State.Pid}}}}' {name}")).parse().unwrap()
    }

    /// A line of `/proc/PID/status`, without its name: `Uid`.
    pub(crate) fn status(&self, name: &str, line: &str) -> Vec<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process(name))).unwrap();
        let found = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':')).unwrap();
        found.split_whitespace().map(str::to_owned).collect()
    }

    /// Prints what all containers have logged.
    fn tell_logs(&self) {
        let names = self.run("docker ps --all --format '{{.Names}}'");
        for name in String::from_utf8_lossy(&names.stdout).split_whitespace() {
            eprintln!("--- {name} ---\n{}", self.log(name));
        }
    }

    /// Waits until a container is gone, as one with `--rm` is after its end.
    pub(crate) fn wait_until_gone(&self, name: &str) {
        let list = format!("docker ps --all --quiet --filter name=^{name}$");
        wait_until(&format!("{name} is gone"), || self.ok(&list).is_empty());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell_logs();
        }
        // What is left of a test that failed; each line may have nothing to do.
        self.run("docker rm --all --force --time 0");
        self.run("docker network prune --force");
        let store = self.path("root/overlay");
        self.run(&format!("umount -l {}", store.display()));
    }
}

/// Waits until a condition holds that depends on the engine's network.
#[track_caller]
pub(crate) fn wait_patiently(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(LOOK);
    }
}

/// Overlays are fast, and not possible everywhere.
fn storage(folder: &Path) -> &'static str {
    let [below, above, work, at] = ["below", "above", "work", "at"].map(|part| folder.join("try").join(part));
    for part in [&below, &above, &work, &at] {
        fs::create_dir_all(part).unwrap();
    }
    let options = format!("lowerdir={},upperdir={},workdir={}", below.display(), above.display(), work.display());
    let mounted = Command::new("mount").args(["-t", "overlay", "overlay", "-o", &options]).arg(&at).output();
    if mounted.is_ok_and(|mounted| mounted.status.success()) {
        Command::new("umount").arg(&at).status().unwrap();
        return "overlay";
    }
    "vfs"
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.is_dir() { copy(&entry, &to) } else { drop(fs::copy(&entry, &to).unwrap()) }
    }
}

fn look() -> Result<(), String> {
    let found = |program: &str| {
        let path = std::env::var("PATH").unwrap_or_default();
        path.split(':').any(|folder| Path::new(folder).join(program).is_file())
    };
    let helper = |program: &str| {
        let folders = ["/usr/lib/podman", "/usr/libexec/podman", "/usr/local/libexec/podman", "/usr/local/lib/podman"];
        found(program) || folders.iter().any(|folder| Path::new(folder).join(program).is_file())
    };
    let missing = PROGRAMS.iter().find(|program| !found(program));
    if let Some(missing) = missing.or_else(|| NETWORK.iter().find(|program| !helper(program))) {
        return Err(format!("the tests of the image need {missing}. {INSTALL}"));
    }
    if !rustix::process::geteuid().is_root() {
        return Err("the tests of the image need root, for networks and users".to_owned());
    }
    Ok(())
}
