//! Documents where there is little room: on the disk, in the path of a socket, and where an export is to go.

use super::documents::{app, keep, stop};
use super::documents_on_disk::SmallDisk;
use super::documents_operators::operate;
use crate::harness::{Host, Launch, command, tell, wait_until};
use serde_json::json;
use std::process::Stdio;

/// Bytes of a value where a disk is to be filled, and how many of them are one document.
const VALUE: usize = 3000;
const VALUES: usize = 60;
/// Documents of that kind: more than the disk holds.
const DOCUMENTS: usize = 400;

/// Stores a document of many values, and returns the status.
fn put(host: &Host, document: usize) -> u16 {
    let value = "v".repeat(VALUE);
    let steps: Vec<_> = (0..VALUES).map(|number| json!(["set", ["full", document, number], value])).collect();
    host.post("/api/keep", &json!({"together": true, "steps": steps}).to_string()).send().status
}

#[test]
fn what_is_deleted_on_a_full_disk_makes_room() {
    let Some(disk) = SmallDisk::mount() else {
        tell("SKIPPED: a full disk needs the right to mount a small one");
        return;
    };
    let app = app(&json!({}));
    let mut host = Launch::orchestrator(&app).data(&disk.path()).start();
    let full = (0..DOCUMENTS).find(|document| put(&host, *document) != 200).expect("the disk fills");
    assert_eq!(put(&host, full), 507);
    for document in 0..full * 2 / 3 {
        assert_eq!(keep(&host, &json!([["delete", ["full", document]]])), json!([true]), "{document} of {full}");
    }
    // sled looks twice a second for what it can write again.
    wait_until("writing goes on", || put(&host, full) == 200);
    host.kill();
    let host = Launch::orchestrator(&app).data(&disk.path()).start();
    let there: Vec<usize> = (full * 2 / 3..=full).collect();
    let left = keep(&host, &json!([["children", ["full"]]]));
    assert_eq!(left, json!([there.iter().map(ToString::to_string).collect::<Vec<_>>()]));
    stop(host);
    assert_eq!(operate(&disk.path(), &["check"]).code, Some(0));
}

#[test]
fn who_takes_the_last_room_on_the_disk_takes_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::mount() else {
        tell("SKIPPED: a full disk needs the right to mount a small one");
        return;
    };
    let app = app(&json!({}));
    let mut host = Launch::orchestrator(&app).data(&disk.path()).start();
    assert_eq!(put(&host, 0), 200);
    let hog = disk.path().join("hog");
    // The system writes as much of it as there is room for.
    assert!(std::fs::write(&hog, vec![1; 96 << 20]).is_err());
    assert!([503, 507].contains(&put(&host, 1)));
    host.kill();
    let refused = Launch::orchestrator(&app).data(&disk.path()).fails();
    assert!(refused.code == Some(1) && refused.err.contains("full"), "{refused:?}");
    std::fs::remove_file(hog).unwrap();
    let host = Launch::orchestrator(&app).data(&disk.path()).start();
    assert_eq!(keep(&host, &json!([["children", ["full"]]])), json!([["0"]]));
    assert_eq!(put(&host, 1), 200);
    stop(host);
    assert_eq!(operate(&disk.path(), &["check"]).code, Some(0));
}

#[test]
fn an_export_that_has_no_room_leaves_the_one_before_it() {
    let Some(disk) = SmallDisk::mount() else {
        tell("SKIPPED: a full disk needs the right to mount a small one");
        return;
    };
    let (app, data) = (app(&json!({})), tempfile::tempdir().unwrap());
    let host = Launch::orchestrator(&app).data(data.path()).start();
    assert_eq!(put(&host, 0), 200);
    std::fs::create_dir_all(disk.path()).unwrap();
    let backup = disk.path().join("backup");
    std::fs::write(&backup, "the one before").unwrap();
    let hog = disk.path().join("hog");
    assert!(std::fs::write(&hog, vec![1; 96 << 20]).is_err());
    let ended = operate(data.path(), &["export", "--to", backup.to_str().unwrap()]);
    assert!(ended.code == Some(1) && ended.err.contains("backup: ") && ended.err.contains("space"), "{ended:?}");
    assert_eq!(std::fs::read_to_string(&backup).unwrap(), "the one before");
    assert_eq!(std::fs::read_dir(disk.path()).unwrap().count(), 2, "something is left");
    assert_eq!(put(&host, 1), 200);
}

#[test]
fn a_data_folder_may_have_a_path_that_no_socket_may_have() {
    let (app, folder) = (app(&json!({})), tempfile::tempdir().unwrap());
    let data = folder.path().join("long ".repeat(30));
    for _ in 0..2 {
        let mut host = Launch::orchestrator(&app).data(&data).start();
        keep(&host, &json!([["set", ["d", 1], 1]]));
        let list = operate(&data, &["list"]);
        assert_eq!((list.code, list.out.as_str()), (Some(0), "           1  d\n"), "{list:?}");
        // The next one finds what is left of the socket.
        host.kill();
    }
}

#[test]
fn a_host_goes_on_when_callers_are_killed() {
    let (app, data) = (app(&json!({})), tempfile::tempdir().unwrap());
    let host = Launch::orchestrator(&app).data(data.path()).start();
    assert_eq!(put(&host, 0), 200);
    // More than may call at one time; an import waits for lines, an export for somebody who reads.
    for number in 0..10 {
        let mut caller = command();
        caller.args(["documents", ["import", "export"][number % 2], "--data"]).arg(data.path());
        let mut caller = caller.stdin(Stdio::piped()).spawn().unwrap();
        host.wait_for("an operator's call");
        caller.kill().unwrap();
        caller.wait().unwrap();
    }
    let list = operate(data.path(), &["list"]);
    assert_eq!((list.code, list.err.as_str()), (Some(0), "1 document\n"), "{list:?}");
    assert_eq!(put(&host, 1), 200);
}
