//! Documents whose files are damaged: every loss is told, what is left is saved, and there is a way out.

use super::documents::{app, keep, stop};
use super::documents_operators::operate;
use crate::harness::{App, Ended, Launch};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Nodes of a store that is to be damaged.
const NODES: usize = 12_000;
/// Places at which a block of its log is lost, one after the other.
const PLACES: u64 = 8;
/// Places at most, until one was hit that matters: most of a log is older than what is there.
const MORE_PLACES: u64 = 64;
/// Bytes of such a block.
const BLOCK: usize = 4096;
/// Nodes that a lost block may take with it: those of a page that is as large, and of one more.
const MOST: usize = 400;

/// A data folder with documents, and what an export of it says.
struct Filled {
    data: TempDir,
    lines: BTreeSet<String>,
}

fn filled() -> Filled {
    let data = tempfile::tempdir().unwrap();
    let node = |number: usize| {
        let value = if number.is_multiple_of(1000) { "long ".repeat(20_000) } else { format!("value {number}") };
        json!({"document": "d", "subscripts": [number.to_string()], "value": value}).to_string() + "\n"
    };
    let file = data.path().join("lines");
    let header = json!({"qewd_documents": 1, "nodes": NODES}).to_string() + "\n";
    fs::write(&file, header + &(0..NODES).map(node).collect::<String>()).unwrap();
    let imported = operate(data.path(), &["import", file.to_str().unwrap()]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    fs::remove_file(file).unwrap();
    let lines = (0..NODES).map(|number| node(number).trim_end().to_owned()).collect();
    Filled { data, lines }
}

impl Filled {
    /// The same folder once more, to be damaged.
    fn copy(&self) -> Damaged {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(&self.data.path().join("documents"), &copy.path().join("documents"));
        Damaged(copy)
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy_folder(&entry.path(), &to);
        } else if kind.is_file() {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

struct Damaged(TempDir);

/// What happens to a folder.
type Damage<'d> = &'d dyn Fn(&Damaged);

impl Damaged {
    fn data(&self) -> &Path {
        self.0.path()
    }

    fn log(&self) -> PathBuf {
        self.data().join("documents/sled/db")
    }

    /// What can be exported, and how the command ended.
    fn export(&self) -> (Ended, BTreeSet<String>) {
        let file = self.data().join("export");
        let ended = operate(self.data(), &["export", "--to", file.to_str().unwrap()]);
        let part = self.data().join("export.part");
        let text = fs::read_to_string(if ended.code == Some(0) { file } else { part }).unwrap();
        (ended, text.lines().skip(1).map(str::to_owned).collect())
    }

    fn host_fails(&self, app: &App) -> Ended {
        Launch::orchestrator(app).data(self.data()).fails()
    }
}

#[test]
fn wherever_the_log_is_damaged_the_loss_is_told_and_the_rest_is_saved() {
    let filled = filled();
    let length = fs::metadata(filled.copy().log()).unwrap().len();
    let mut losses = 0;
    for place in 0..PLACES + MORE_PLACES {
        if place >= PLACES && losses > 0 {
            break;
        }
        let damaged = filled.copy();
        let log = OpenOptions::new().write(true).open(damaged.log()).unwrap();
        let at = if place < PLACES {
            length / PLACES * place + 100_000
        } else {
            length / MORE_PLACES * (place - PLACES) + 50_000
        };
        log.write_all_at(&[0; BLOCK], at).unwrap();
        let check = operate(damaged.data(), &["check"]);
        assert!(!check.err.contains("panicked"), "{check:?}");
        let (export, lines) = damaged.export();
        let invented: Vec<_> = lines.difference(&filled.lines).take(3).collect();
        assert!(invented.is_empty(), "at {place}: values that were never there: {invented:?}");
        let missing = filled.lines.len() - lines.len();
        assert!(missing <= MOST, "at {place}: {missing} are missing");
        assert_eq!(export.code, Some(i32::from(missing > 0)), "at {place}: {export:?}");
        // Where nothing is missing, it may be that a host has to be helped all the same.
        assert!(check.code == Some(1) || missing == 0, "at {place}: {check:?}");
        losses += u32::from(missing > 0);
    }
    assert!(losses > 0, "no damage hit anything");
}

#[test]
fn a_host_does_not_serve_what_is_left_until_somebody_accepts_the_loss() {
    let (filled, app) = (filled(), app(&json!({})));
    let damaged = filled.copy();
    let length = fs::metadata(damaged.log()).unwrap().len();
    OpenOptions::new().write(true).open(damaged.log()).unwrap().set_len(length / 2).unwrap();
    let refused = damaged.host_fails(&app);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("damaged") && refused.err.contains("qewd documents check"), "{refused:?}");
    let (export, lines) = damaged.export();
    assert!(export.code == Some(1) && export.err.contains("documents are lost: "), "{export:?}");
    let list = operate(damaged.data(), &["list"]);
    assert!(list.code == Some(1) && list.err.contains("documents are lost: "), "{list:?}");
    // Looking changes nothing: the next one who looks finds the same.
    assert_eq!(damaged.export().1, lines);
    let import = operate(damaged.data(), &["import", "/dev/null"]);
    assert!(import.code == Some(1) && import.err.contains("nothing is imported"), "{import:?}");
    let accepted = operate(damaged.data(), &["check", "--accept-loss"]);
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    let host = Launch::orchestrator(&app).data(damaged.data()).start();
    keep(&host, &json!([["set", ["after", "all"], true]]));
    stop(host);
    let (export, after) = damaged.export();
    assert_eq!(export.code, Some(0), "{export:?}");
    assert_eq!(after.len(), lines.len() + 1);
}

#[test]
fn where_only_the_files_beside_the_log_are_damaged_nothing_is_lost() {
    let (filled, app) = (filled(), app(&json!({})));
    // A second start writes a snapshot.
    assert_eq!(operate(filled.data.path(), &["check"]).code, Some(0));
    let files = |damaged: &Damaged| {
        let folder = fs::read_dir(damaged.data().join("documents/sled")).unwrap();
        let files = folder.map(|file| file.unwrap().path());
        files.filter(|file| file.is_file() && !file.ends_with("db")).collect::<Vec<_>>()
    };
    let names = files(&filled.copy());
    assert_eq!(names.len(), 2, "{names:?}");
    for number in 0..names.len() {
        let damaged = filled.copy();
        let file = files(&damaged).swap_remove(number);
        let mut bytes = fs::read(&file).unwrap();
        bytes[20] ^= 4;
        fs::write(&file, bytes).unwrap();
        assert_eq!(damaged.host_fails(&app).code, Some(1), "{}", file.display());
        let (export, lines) = damaged.export();
        assert_eq!((export.code, &lines), (Some(0), &filled.lines), "{export:?}");
        let check = operate(damaged.data(), &["check"]);
        assert!(check.code == Some(1) && check.err.contains("all documents are there"), "{check:?}");
        let mended = operate(damaged.data(), &["check", "--accept-loss"]);
        assert!(mended.code == Some(0) && mended.err.contains("documents/damaged-1"), "{mended:?}");
        assert!(damaged.data().join("documents/damaged-1/db").exists());
        stop(Launch::orchestrator(&app).data(damaged.data()).start());
        assert_eq!(damaged.export().1, filled.lines);
    }
}

#[test]
fn files_that_are_gone_or_older_are_never_taken_for_an_empty_store() {
    let (filled, app) = (filled(), app(&json!({})));
    let before = filled.copy();
    let host = Launch::orchestrator(&app).data(filled.data.path()).start();
    keep(&host, &json!([["set", ["later", 1], 1]]));
    stop(host);
    let damages: [(&str, Damage<'_>); 4] = [
        ("the log is gone", &|damaged| fs::remove_file(damaged.log()).unwrap()),
        ("the log is empty", &|damaged| fs::write(damaged.log(), "").unwrap()),
        ("the folder is gone", &|damaged| fs::remove_dir_all(damaged.data().join("documents/sled")).unwrap()),
        ("the folder is an older one", &|damaged| {
            fs::remove_dir_all(damaged.data().join("documents/sled")).unwrap();
            copy_folder(&before.data().join("documents/sled"), &damaged.data().join("documents/sled"));
        }),
    ];
    for (what, damage) in damages {
        let damaged = filled.copy();
        damage(&damaged);
        let refused = damaged.host_fails(&app);
        assert!(refused.code == Some(1) && refused.err.contains("damaged"), "{what}: {refused:?}");
        let check = operate(damaged.data(), &["check"]);
        assert!(check.code == Some(1) && check.err.contains("documents are lost"), "{what}: {check:?}");
        assert_eq!(operate(damaged.data(), &["export"]).code, Some(1), "{what}");
        let accepted = operate(damaged.data(), &["check", "--accept-loss"]);
        assert_eq!(accepted.code, Some(0), "{what}: {accepted:?}");
        stop(Launch::orchestrator(&app).data(damaged.data()).start());
    }
}
