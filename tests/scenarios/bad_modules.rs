//! Files that are no modules for this host: whoever put them there is told what is wrong, in the same words everywhere.
//! A host that runs goes on with what it has.

use crate::harness::{App, Ended, Host, Launch, Siege, Source, command, module};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use std::io::Write as _;

const BAD: &str = "handlers/orchestrator/bad.wasm";

/// A folder with a good module, and this file beside it or in its place.
fn app(file: &str, bytes: &[u8]) -> App {
    let routes = json!([{"uri": "/api/list", "handler": "list", "authenticate": false}]);
    let app = App::new(json!({"qewd_up": true}), &routes).guest("orchestrator", "echo");
    app.write(file, bytes);
    app
}

/// What `qewd check` says about the one problem of a folder.
fn checked(app: &App) -> String {
    let ended = Ended::of(command().arg("check").arg("--app").arg(app.path()));
    assert_eq!(ended.code, Some(1));
    ended.problems().strip_suffix("\n1 problem\n").unwrap_or_else(|| panic!("{}", ended.out)).to_owned()
}

/// What is wrong with a file, as the start and `qewd check` say it alike.
fn refused(bytes: &[u8]) -> String {
    let app = app(BAD, bytes);
    let words = checked(&app);
    let run = Launch::orchestrator(&app).fails();
    assert_eq!((run.code, run.err), (Some(1), format!("qewd: {words}\n")));
    assert!(!run.out.contains("qewd is listening"), "{}", run.out);
    words.strip_prefix(&format!("{BAD}: ")).unwrap_or_else(|| panic!("{words}")).to_owned()
}

fn guest(name: &str) -> Vec<u8> {
    std::fs::read(module(Source::Guest, name)).unwrap()
}

/// A guest in which one name stands in place of another of the same length.
fn renamed(name: &str, from: &str, to: &str) -> Vec<u8> {
    let (mut bytes, mut at) = (guest(name), 0);
    assert_eq!(from.len(), to.len());
    while let Some(found) = bytes[at..].windows(from.len()).position(|part| part == from.as_bytes()) {
        at += found;
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    assert!(at > 0, "{name} does not name {from}");
    bytes
}

/// A component, but not one for hosts like this.
fn without_handlers() -> Vec<u8> {
    wat::parse_str("(component)").unwrap()
}

/// Needs an interface that no host has.
fn with_a_strange_import() -> Vec<u8> {
    renamed("asker", "qewd:handler/services@0.1.3", "qewd:handler/teleport@0.1.3")
}

fn not_wasm() -> Vec<u8> {
    b"#!/bin/sh\necho hello\n".to_vec()
}

/// What a copy leaves that was broken off.
fn half_written() -> Vec<u8> {
    let mut bytes = guest("echo");
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// What a compiler makes that was not told to make a component.
fn core_module() -> Vec<u8> {
    wat::parse_str(r#"(module (memory (export "memory") 1))"#).unwrap()
}

/// Built with an SDK that is newer than the host.
fn of_a_future_version() -> Vec<u8> {
    renamed("echo", "qewd:handler/packed-handlers@0.1.3", "qewd:handler/packed-handlers@0.2.0")
}

#[test]
fn a_component_without_handlers_is_refused() {
    assert_eq!(
        refused(&without_handlers()),
        "the module offers no handlers: it exports nothing; build it with an SDK for version 0.1.3 of the contract"
    );
}

#[test]
fn an_import_that_no_host_has_is_refused() {
    assert_eq!(
        refused(&with_a_strange_import()),
        "the module imports qewd:handler/teleport@0.1.3, which this host does not have; build it with this host's SDK, \
         or run a newer host"
    );
}

#[test]
fn a_file_that_is_not_wasm_is_refused() {
    let words = "the file is not WebAssembly; build it with `cargo build --release --target wasm32-wasip2`";
    assert_eq!(refused(&not_wasm()), words);
    assert_eq!(refused(b""), "the file is empty; write it anew, under another name first");
}

#[test]
fn a_half_written_file_is_refused() {
    let words = refused(&half_written());
    // Where it ends, and what should have been there, is the compiler's business.
    let numbers = |c: char| c.is_ascii_digit();
    let parts: Vec<&str> = words.split(numbers).filter(|part| !part.is_empty()).collect();
    assert_eq!(
        parts.join("N"),
        "the file is not a whole component: failed to parse WebAssembly module: \
         wasm component contains an invalid module section: section range N..N is out of bounds (bound = N); \
         write it anew, under another name first"
    );
}

#[test]
fn a_core_module_is_refused() {
    assert_eq!(
        refused(&core_module()),
        "the file is a core module, not a component; build it with `cargo build --release --target wasm32-wasip2`"
    );
}

#[test]
fn a_module_of_a_future_version_is_refused() {
    assert_eq!(
        refused(&of_a_future_version()),
        "the module speaks version 0.2.0 of the contract, this host speaks 0.1.3; \
         build it with an SDK for version 0.1.3 of the contract"
    );
}

const GOOD: &str = "handlers/orchestrator/echo.wasm";
const LIST: &str = r#"200 [{"id":1},{"id":2}]"#;

/// Bytes that a plain copy writes at once.
const PIECE: usize = 4096;

/// How a file gets its new content.
#[derive(Debug, Clone, Copy)]
enum Put {
    /// Written under another name, then renamed: there is never half of it.
    Renamed,
    /// Written where it stands, piece by piece, as a plain copy does.
    InPlace,
}

impl Put {
    fn put(self, app: &App, file: &str, bytes: &[u8]) {
        match self {
            Self::InPlace => {
                let mut file = std::fs::File::create(app.path().join(file)).unwrap();
                bytes.chunks(PIECE).for_each(|piece| file.write_all(piece).unwrap());
            }
            Self::Renamed => {
                let written = app.write(&format!("{file}.new"), bytes);
                std::fs::rename(&written, written.with_extension("")).unwrap();
            }
        }
    }
}

/// The version of a module, as logs name it.
fn version(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// A host in this folder whose log does not have every request of a siege.
fn start(app: &App) -> Host {
    Launch::orchestrator(app).logging("info,qewd::dispatch=warn").start()
}

fn errors(host: &Host) -> Vec<String> {
    host.lines().into_iter().filter(|line| line.contains(" ERROR ")).collect()
}

/// Puts a bad file in a good one's place while clients ask, and the good one back, in each way.
/// What the host says of a file that came later, it says after it has looked at those that came before.
fn leaves_the_good_one_in_service(bad: &[u8]) {
    const NEXT: &str = "handlers/orchestrator/next.wasm";
    let good = guest("echo");
    let version = version(&good);
    let stays = format!(" ERROR {}; version {version} stays in service", checked(&app(GOOD, bad)));
    let [new, next] = [BAD, NEXT].map(|file| format!(" ERROR {}; it is not served", checked(&app(file, bad))));
    for how in [Put::Renamed, Put::InPlace] {
        let app = app(GOOD, &good);
        let host = start(&app);
        Siege::new(&host, "/api/list", LIST).around(|| {
            how.put(&app, GOOD, bad);
            host.wait_for(&stays);
            how.put(&app, BAD, bad);
            host.wait_for(&new);
            how.put(&app, GOOD, &good);
            how.put(&app, NEXT, bad);
            host.wait_for(&next);
        });
        let errors = errors(&host);
        assert_eq!(errors.len(), 3, "{how:?}: {errors:#?}");
        let said = [&stays, &new, &next].iter().zip(&errors).all(|(words, line)| line.ends_with(*words));
        assert!(said, "{how:?}: {errors:#?}");
        assert_eq!(host.get("/api/list").send().shown(), LIST);
    }
}

#[test]
fn a_component_without_handlers_leaves_the_good_module_in_service() {
    leaves_the_good_one_in_service(&without_handlers());
}

#[test]
fn an_import_that_no_host_has_leaves_the_good_module_in_service() {
    leaves_the_good_one_in_service(&with_a_strange_import());
}

#[test]
fn a_file_that_is_not_wasm_leaves_the_good_module_in_service() {
    leaves_the_good_one_in_service(&not_wasm());
}

#[test]
fn a_half_written_file_leaves_the_good_module_in_service() {
    leaves_the_good_one_in_service(&half_written());
}

#[test]
fn a_core_module_leaves_the_good_module_in_service() {
    leaves_the_good_one_in_service(&core_module());
}

#[test]
fn a_module_of_a_future_version_leaves_the_good_module_in_service() {
    leaves_the_good_one_in_service(&of_a_future_version());
}

#[test]
fn a_bad_file_that_is_new_is_not_served_and_changes_nothing_else() {
    let files: Vec<(String, Vec<u8>)> =
        [without_handlers(), with_a_strange_import(), not_wasm(), half_written(), core_module(), of_a_future_version()]
            .into_iter()
            .enumerate()
            .map(|(number, bytes)| (format!("handlers/orchestrator/new_{number}.wasm"), bytes))
            .collect();
    let app = app(GOOD, &guest("echo"));
    let host = start(&app);
    let mut wanted = Vec::new();
    Siege::new(&host, "/api/list", LIST).around(|| {
        for (file, bytes) in &files {
            Put::Renamed.put(&app, file, bytes);
            wanted.push(format!(" ERROR {}; it is not served", checked(&self::app(file, bytes))));
            host.wait_for(wanted.last().unwrap());
        }
    });
    let errors = errors(&host);
    assert_eq!(errors.len(), wanted.len(), "{errors:#?}");
    for words in wanted {
        assert_eq!(errors.iter().filter(|line| line.ends_with(&words)).count(), 1, "{words}: {errors:#?}");
    }
    assert_eq!(host.get("/api/list").send().shown(), LIST);
}
