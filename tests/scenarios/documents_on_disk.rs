//! Documents and what they lie on: disks that fail or are full, what is missing, and stores of other versions.

use super::documents::{app, keep, read, stop};
use super::documents_operators::operate;
use crate::harness::{App, Ended, Host, Launch, command, command_through, tell, wait_until, workspace};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const CANNOT: &str = r#"503 {"error":"The document store cannot serve now; tell the operator"}"#;
const FULL: &str = r#"507 {"error":"The document store has no room; tell the operator"}"#;
/// Bytes of a value where a disk is to be filled.
const LARGE: usize = 200_000;
/// Such values at most: more than any disk here holds.
const MOST: usize = 2000;

fn start(app: &App, data: &Path) -> Host {
    Launch::orchestrator(app).data(data).start()
}

/// Stores this under a number, and returns the answer.
fn put(host: &Host, number: usize) -> String {
    let value = format!("{number} ").repeat(LARGE / (number.to_string().len() + 1));
    host.post("/api/keep", &json!({"steps": [["set", ["d", number], value]]}).to_string()).send().shown()
}

/// Stores values until one is refused: how many were acknowledged, and the refusal.
fn fill(host: &Host) -> (usize, String) {
    let answers = (0..MOST).map(|number| put(host, number));
    let (count, refusal) = answers.enumerate().find(|(_, answer)| !answer.starts_with("200 ")).expect("the disk fills");
    (count, refusal)
}

/// Each of these values is there, whole.
fn assert_there(host: &Host, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        let value = keep(host, &json!([["get", ["d", number]]]))[0].take();
        assert!(value.as_str().is_some_and(|text| text.starts_with(&format!("{number} "))), "{number} is lost");
    }
}

#[test]
fn what_the_disk_did_not_take_is_not_acknowledged() {
    let (app, data) = (app(&json!({})), tempfile::tempdir().unwrap());
    // Modules are compiled without the limit.
    stop(start(&app, data.path()));
    // No file of this process may be longer; it is told so by an error, not by a signal.
    let limited = "trap '' XFSZ; ulimit -f 8192; exec \"$0\" \"$@\"";
    let mut command = command_through(Command::new("sh"));
    command.args(["-c", limited, env!("CARGO_BIN_EXE_qewd"), "run", "--app"]).arg(app.path());
    command.arg("--data").arg(data.path()).args(["--port", "0"]);
    let host = Launch::plain("orchestrator", command).start_as_it_is();
    let (count, refusal) = fill(&host);
    assert_eq!(refusal, CANNOT);
    host.wait_for("documents are not on the disk: ");
    // From now on nothing is written, since nobody knows what the disk has.
    assert_eq!((put(&host, 0), put(&host, MOST)), (CANNOT.to_owned(), CANNOT.to_owned()));
    drop(host);
    let host = start(&app, data.path());
    assert_there(&host, 0..count);
    assert_eq!(keep(&host, &json!([["get", ["d", MOST]]])), json!([null]));
    assert!(put(&host, MOST).starts_with("200 "));
    assert_eq!(operate(data.path(), &["check"]).code, Some(0));
}

#[test]
fn documents_that_are_removed_or_replaced_under_a_host_are_told_and_not_written() {
    let replaced = |data: &Path| {
        let log = data.join("documents/sled/db");
        let copy = std::fs::read(&log).unwrap();
        std::fs::remove_file(&log).unwrap();
        std::fs::write(&log, copy).unwrap();
    };
    let removed = |data: &Path| std::fs::remove_dir_all(data.join("documents")).unwrap();
    let ways: [&dyn Fn(&Path); 2] = [&removed, &replaced];
    for way in ways {
        let (app, data) = (app(&json!({})), tempfile::tempdir().unwrap());
        let mut host = start(&app, data.path());
        assert!(put(&host, 1).starts_with("200 "));
        way(data.path());
        wait_until("writes are refused", || put(&host, 2) == CANNOT);
        let line = host.wait_for("the documents were removed or replaced while the host ran (");
        assert!(
            line.contains("documents/sled/db is not the file that it opened); put them back, and start this host anew"),
            "{line}"
        );
        let report = host.get("/qewd/health/ready").send();
        let reasons = json!([
            "the documents were removed or replaced while the host ran; put them back, and start this host anew"
        ]);
        let told = report.json();
        assert_eq!((report.status, &told["store"], &told["reasons"]), (503, &json!("failed"), &reasons));
        assert!(host.get("/metrics").send().text().contains("\nqewd_store_writable 0\n"));
        assert_there(&host, [1]);
        host.signal("TERM");
        assert!(host.ended().success());
        // The next start takes what it finds, unless that has less than was acknowledged.
        if data.path().join("documents").exists() {
            let refused = Launch::orchestrator(&app).data(data.path()).fails();
            assert!(refused.err.contains("are damaged: they end at commit 1, and commit "), "{refused:?}");
        } else {
            assert!(put(&start(&app, data.path()), 3).starts_with("200 "));
        }
    }
}

/// A small disk in memory, which goes with this value.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    pub(crate) fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=96m", "none"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_and_writing_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        tell("SKIPPED: a full disk needs the right to mount a small one");
        return;
    };
    let app = app(&json!({}));
    let host = start(&app, &disk.path());
    let filler = disk.0.path().join("filler");
    std::fs::write(&filler, vec![1; 24 << 20]).unwrap();
    let (count, refusal) = fill(&host);
    assert_eq!(refusal, FULL);
    assert!(count > 3, "the disk was full before anything was there");
    assert_there(&host, 0..count);
    // Deleting goes on where there is even less, and what it says is so.
    let free = || {
        let system = rustix::fs::statvfs(disk.0.path()).unwrap();
        system.f_bavail * system.f_frsize
    };
    let more = disk.0.path().join("more");
    std::fs::write(&more, vec![1; usize::try_from(free() - (24 << 20)).unwrap()]).unwrap();
    assert_eq!(keep(&host, &json!([["delete", ["d", 1]]])), json!([true]));
    assert_eq!(keep(&host, &json!([["get", ["d", 1]]])), json!([null]));
    // A host starts on a full disk, too: it can be read.
    stop(host);
    let host = start(&app, &disk.path());
    let there = || (0..count).filter(|number| *number != 1);
    assert_there(&host, there());
    assert_eq!(keep(&host, &json!([["get", ["d", 1]]])), json!([null]));
    assert_eq!(put(&host, MOST), FULL);
    for file in [filler, more] {
        std::fs::remove_file(file).unwrap();
    }
    wait_until("writing goes on", || put(&host, MOST).starts_with("200 "));
    drop(host);
    let host = start(&app, &disk.path());
    assert_there(&host, there().chain([MOST]));
    assert_eq!(operate(&disk.path(), &["check"]).code, Some(0));
}

#[test]
fn relaxed_documents_are_on_the_disk_soon_and_at_the_end() {
    let (app, data) = (app(&json!({"durability": "relaxed"})), tempfile::tempdir().unwrap());
    let host = start(&app, data.path());
    let acknowledged = || std::fs::read_to_string(data.path().join("documents/acknowledged")).unwrap();
    let before = acknowledged();
    keep(&host, &json!([["set", ["d"], 1]]));
    // By itself: nobody asks for it.
    wait_until("the disk has it", || acknowledged() != before);
    drop(host);
    let host = start(&app, data.path());
    assert_eq!(read(&host, "d"), 1);
    keep(&host, &json!([["set", ["d"], 2]]));
    let before = acknowledged();
    stop(host);
    assert_ne!(acknowledged(), before, "the last flush is that of the end");
    assert_eq!(read(&start(&app, data.path()), "d"), 2);
}

#[test]
fn acknowledged_commits_that_are_missing_keep_a_host_from_starting() {
    let (app, data) = (app(&json!({})), tempfile::tempdir().unwrap());
    let host = start(&app, data.path());
    keep(&host, &json!([["set", ["d"], 1]]));
    stop(host);
    let file = data.path().join("documents/acknowledged");
    std::fs::write(&file, format!("{:020}", 900)).unwrap();
    let ended = Launch::orchestrator(&app).data(data.path()).fails();
    let words = format!("qewd: the documents in {} are damaged: they end at commit ", data.path().display());
    assert!(ended.code == Some(1) && ended.err.starts_with(&words), "{ended:?}");
    assert!(ended.err.contains("commit 900 was on the disk") && ended.err.contains("--accept-loss"), "{ended:?}");
    let check = operate(data.path(), &["check"]);
    assert!(check.code == Some(1) && check.err.contains("commit 900"), "{check:?}");
    // What is left can be saved, and nothing was emptied.
    let export = operate(data.path(), &["export"]);
    assert!(export.out.contains(r#"{"document":"d","value":1}"#), "{export:?}");
    let accepted = operate(data.path(), &["check", "--accept-loss"]);
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    assert_eq!(read(&start(&app, data.path()), "d"), 1);
}

/// A copy of a data folder that another version wrote. It is kept as small files.
fn stored(name: &str) -> TempDir {
    let (from, data) = (workspace().join("tests/stored").join(name), tempfile::tempdir().unwrap());
    let documents = data.path().join("documents");
    std::fs::create_dir_all(documents.join("sled/blobs")).unwrap();
    std::fs::copy(from.join("acknowledged"), documents.join("acknowledged")).unwrap();
    std::fs::copy(from.join("conf"), documents.join("sled/conf")).unwrap();
    let db = zstd::decode_all(std::fs::File::open(from.join("db.zst")).unwrap()).unwrap();
    std::fs::write(documents.join("sled/db"), db).unwrap();
    data
}

/// Written by the first version that kept documents: an import of the export beside it into a host that ran with this index.
#[test]
fn documents_of_the_first_version_are_read() {
    let data = stored("documents_1");
    let index = json!({"documentName": "AuditIndex", "path": "by_userId/:value/:id", "apply": "toLowerCase"});
    let app = app(&json!({"indexes": {"Audit": {"by_id/:id/userId": index}}}));
    let host = start(&app, data.path());
    let expected = std::fs::read_to_string(workspace().join("tests/stored/documents_1/export.jsonl")).unwrap();
    assert!(expected.lines().count() > 15, "{expected}");
    assert_eq!(operate(data.path(), &["export"]).out, expected);
    assert!(
        !host.lines().iter().any(|line| line.contains("indexes of the documents have changed")),
        "{:#?}",
        host.lines()
    );
    let check = operate(data.path(), &["check"]);
    assert_eq!(check.code, Some(0), "{check:?}");
    // And they are written on.
    keep(&host, &json!([["set", ["Audit", "by_id", 7, "userId"], "Eve"]]));
    stop(host);
    let host = start(&app, data.path());
    assert_eq!(read(&host, "AuditIndex"), json!({"by_userId": {"ann ö": {"8": ""}, "eve": {"7": ""}}}));
}

#[test]
fn documents_of_a_future_version_are_not_touched() {
    let data = stored("documents_2");
    let words = "the documents are of format 2, and this program reads format 1; run the program that wrote them";
    for verb in ["list", "export", "check"] {
        let ended = operate(data.path(), &[verb]);
        assert!(ended.code == Some(1) && ended.err.contains(words), "{ended:?}");
    }
    let host = Launch::orchestrator(&app(&json!({}))).data(data.path()).fails();
    assert!(host.code == Some(1) && host.err.contains(words), "{host:?}");
    let import = Ended::of(command().args(["documents", "import", "--data"]).arg(data.path()));
    assert!(import.code == Some(1) && import.err.contains(words), "{import:?}");
}
