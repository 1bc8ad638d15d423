//! What operators do with documents, while the host runs and when nobody holds them: list, show, export, import, check.

use super::documents::{app, keep, keep_together, stop};
use crate::harness::{Ended, Host, Launch, command};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

/// `qewd documents` with this data folder.
pub(crate) fn operate(data: &Path, words: &[&str]) -> Ended {
    Ended::of(command().arg("documents").args(words).arg("--data").arg(data))
}

/// The same with lines on standard input.
fn import(data: &Path, lines: &str) -> Ended {
    let mut command = command();
    command.args(["documents", "import", "--data"]).arg(data).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // Who refuses a line does not read those behind it.
    let _ = input.write_all(lines.as_bytes());
    drop(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn shown(ended: &Ended) -> (Option<i32>, &str, &str) {
    (ended.code, &ended.out, &ended.err)
}

/// Some documents with every kind of value.
fn fill(host: &Host) {
    let patient = json!({"name": "Ann \"A\" Ö", "born": 1990, "weight": 61.5, "tags": ["a", null, {}], "none": [], "left": {}, "ok": true});
    keep(
        host,
        &json!([
            ["replace", ["patients", 10], patient],
            ["replace", ["patients", 9], {"name": "Bob"}],
            ["set", ["patients"], "all of them"],
            ["set", ["counters", "patients"], 10],
        ]),
    );
}

const LIST: &str = "           1  counters\n           8  patients\n";

#[test]
fn documents_are_shown_while_the_host_runs_and_when_it_does_not() {
    let data = tempfile::tempdir().unwrap();
    let host = Launch::orchestrator(&app(&json!({}))).data(data.path()).start();
    fill(&host);
    let looks = || {
        let show = operate(data.path(), &["show", "patients", "9"]);
        assert_eq!(shown(&show), (Some(0), "patients(9, \"name\") = \"Bob\"\n", "1 node\n"));
        let json = operate(data.path(), &["show", "patients", "10", "--json"]);
        let expected =
            r#"{"born":1990,"left":{},"name":"Ann \"A\" Ö","none":[],"ok":true,"tags":["a",null,{}],"weight":61.5}"#;
        assert_eq!(shown(&json), (Some(0), format!("{expected}\n").as_str(), ""));
        let nothing = operate(data.path(), &["show", "patients", "8", "--json"]);
        assert_eq!(shown(&nothing), (Some(1), "", "qewd: there is nothing at patients(8)\n"));
        let check = operate(data.path(), &["check"]);
        assert_eq!(shown(&check), (Some(0), "", "13 nodes in 2 documents, no problems\n"));
        operate(data.path(), &["list"]).out
    };
    let while_running = looks();
    stop(host);
    assert_eq!((looks(), while_running.as_str()), (while_running.clone(), LIST));
}

#[test]
fn an_export_restores_everything_into_an_empty_folder() {
    let [data, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let host = Launch::orchestrator(&app(&json!({}))).data(data.path()).start();
    fill(&host);
    let backup = data.path().join("backup.jsonl");
    let exported = operate(data.path(), &["export", "--to", backup.to_str().unwrap()]);
    assert_eq!(shown(&exported), (Some(0), "", "13 nodes exported\n"));
    let imported = operate(other.path(), &["import", backup.to_str().unwrap()]);
    assert_eq!(shown(&imported), (Some(0), "", "13 nodes imported\n"));
    let lines = std::fs::read_to_string(&backup).unwrap();
    assert_eq!(operate(other.path(), &["export"]).out, lines);
    assert!(lines.starts_with("{\"qewd_documents\":1,\"nodes\":13}\n"), "{lines}");
    // One document alone; and into a host that runs.
    let one = operate(data.path(), &["export", "counters"]);
    assert_eq!(one.out.lines().nth(1), Some(r#"{"document":"counters","subscripts":["patients"],"value":10}"#));
    keep(&host, &json!([["delete", ["counters"]], ["set", ["patients", 9, "name"], "Rob"]]));
    assert_eq!(shown(&import(data.path(), &lines)), (Some(0), "", "13 nodes imported\n"));
    assert_eq!(operate(data.path(), &["export"]).out, lines);
}

#[test]
fn a_wrong_line_is_named_and_those_before_it_are_there() {
    let data = tempfile::tempdir().unwrap();
    let host = Launch::orchestrator(&app(&json!({}))).data(data.path()).start();
    let line = |number: usize| format!("{{\"document\":\"d\",\"subscripts\":[\"{number}\"],\"value\":{number}}}\n");
    let lines =
        "{\"qewd_documents\":1,\"nodes\":2500}\n".to_owned() + &(0..2300).map(line).collect::<String>() + "nonsense\n";
    let ended = import(data.path(), &lines);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    assert!(ended.err.starts_with("qewd: line 2302: "), "{}", ended.err);
    assert!(
        ended.err.ends_with("; the lines before line 2002 are imported, and importing again does no harm\n"),
        "{}",
        ended.err
    );
    assert_eq!(keep(&host, &json!([["children", ["d"]]]))[0].as_array().unwrap().len(), 2000);
    let nothing = "line 1: this is no export of documents: it begins with {\"qewd_documents\":1,…}";
    let future = "line 1: this export has form 2, and this program reads form 1";
    let short = "the first line promises 2500 nodes, and 1 came and are imported: the rest of the export is missing";
    let cut = "{\"qewd_documents\":1,\"nodes\":2500}\n".to_owned() + &line(1);
    for (lines, words) in [("", nothing), ("{\"qewd_documents\":2,\"nodes\":0}\n", future), (&cut, short)] {
        let ended = import(data.path(), lines);
        assert!(ended.code == Some(1) && ended.err.starts_with(&format!("qewd: {words}")), "{ended:?}");
    }
}

#[test]
fn an_export_shows_one_moment_while_others_write() {
    let data = tempfile::tempdir().unwrap();
    let host = Launch::orchestrator(&app(&json!({}))).data(data.path()).start();
    keep(&host, &json!([["set", ["first", "balance"], 0], ["set", ["second", "balance"], 0]]));
    let over = AtomicBool::new(false);
    let steps = json!([["increment", ["first", "balance"], -1], ["increment", ["second", "balance"], 1]]);
    let exports: Vec<(i64, i64)> = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    keep_together(&host, &steps);
                }
            });
        }
        let export = |_| {
            let ended = operate(data.path(), &["export"]);
            let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            (lines[1]["value"].as_i64().unwrap(), lines[2]["value"].as_i64().unwrap())
        };
        let exports = (0..10).map(export).collect();
        over.store(true, Ordering::Relaxed);
        exports
    });
    assert!(exports.iter().all(|(first, second)| first + second == 0), "{exports:?}");
    assert!(exports.first() < exports.last() || exports.first() > exports.last(), "nobody wrote: {exports:?}");
}

#[test]
fn an_operator_is_told_what_is_missing() {
    let data = tempfile::tempdir().unwrap();
    let ended = operate(data.path(), &["list"]);
    assert_eq!(
        shown(&ended),
        (Some(1), "", format!("qewd: there are no documents in {}\n", data.path().display()).as_str())
    );
    let ended = Ended::of(command().args(["documents", "import", "/nowhere/at-all", "--data"]).arg(data.path()));
    assert!(ended.code == Some(1) && ended.err.starts_with("qewd: /nowhere/at-all: "), "{ended:?}");
}

/// Some lines of nodes, with the first line of an export.
fn lines(nodes: &[(&str, &str, Value)]) -> String {
    let node = |(document, name, value): &(&str, &str, Value)| {
        json!({"document": document, "subscripts": ["by_id", name, "userId"], "value": value}).to_string()
    };
    let head = json!({"qewd_documents": 1, "nodes": nodes.len()}).to_string();
    std::iter::once(head).chain(nodes.iter().map(node)).map(|line| line + "\n").collect()
}

#[test]
fn an_export_replaces_files_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    assert_eq!(import(data, &lines(&[("D", "1", json!(7))])).code, Some(0));
    let (file, link, pipe) = (data.join("file"), data.join("link"), data.join("pipe"));
    std::fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let export = |to: &Path| operate(data, &["export", "--to", to.to_str().unwrap()]);
    assert_eq!(export(&link).code, Some(0));
    assert!(link.is_symlink());
    assert!(std::fs::read_to_string(&file).unwrap().starts_with(r#"{"qewd_documents":1,"nodes":1}"#));
    let refused = export(&pipe);
    let words = format!("qewd: {} is no file; write to standard output, and lead that there\n", pipe.display());
    assert_eq!(shown(&refused), (Some(1), "", words.as_str()));
    assert!(!pipe.is_file());
    let plain = operate(data, &["export", "--to", "-"]);
    assert_eq!((plain.code, plain.out.lines().count()), (Some(0), 2));
    let missing = operate(data, &["export", "nothere"]);
    assert_eq!((missing.code, missing.err.as_str()), (Some(1), "qewd: there is no document nothere\n"));
}

#[test]
fn who_has_seen_enough_of_an_export_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let nodes: Vec<_> = (0..20_000).map(|at| ("D", "same", json!(at))).collect();
    let names: Vec<String> = (0..nodes.len()).map(|at| at.to_string()).collect();
    let nodes: Vec<_> =
        nodes.iter().zip(&names).map(|((d, _, value), name)| (*d, name.as_str(), value.clone())).collect();
    assert_eq!(import(folder.path(), &lines(&nodes)).code, Some(0));
    let mut command = command();
    command.args(["documents", "export", "--data"]).arg(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap().as_str()), (Some(0), ""));
}

#[test]
fn what_was_imported_before_the_first_start_is_indexed() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(
        import(data.path(), &lines(&[("Audit", "1", json!("Rob")), ("Audit", "2", json!("Eve"))])).code,
        Some(0)
    );
    let index = json!({"documentName": "AuditIndex", "path": "by_userId/:value/:id"});
    let host = Launch::orchestrator(&app(&json!({"indexes": {"Audit": {"by_id/:id/userId": index}}})));
    let host = host.data(data.path()).start();
    let shows = operate(data.path(), &["show", "AuditIndex", "--json"]);
    assert_eq!(shows.out, "{\"by_userId\":{\"Eve\":{\"2\":\"\"},\"Rob\":{\"1\":\"\"}}}\n");
    // Handlers may write there, too; what they spoil can be mended.
    keep(&host, &json!([["delete", ["AuditIndex"]]]));
    assert_eq!(operate(data.path(), &["check"]).code, Some(1));
    assert_eq!(operate(data.path(), &["reindex"]).err, "2 nodes looked at, and their index entries made\n");
    assert_eq!(operate(data.path(), &["check"]).code, Some(0));
    stop(host);
}
