//! Files that are no modules for this host: whoever put them there is told what is wrong, in the same words everywhere.

use crate::harness::{App, Ended, Launch, Source, command, module};
use serde_json::json;

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
    ended.out.strip_suffix("\n1 problem\n").unwrap_or_else(|| panic!("{}", ended.out)).to_owned()
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
    renamed("asker", "qewd:handler/services@0.1.0", "qewd:handler/teleport@0.1.0")
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
    renamed("echo", "qewd:handler/handlers@0.1.0", "qewd:handler/handlers@0.2.0")
}

#[test]
fn a_component_without_handlers_is_refused() {
    assert_eq!(
        refused(&without_handlers()),
        "the module offers no handlers: it exports nothing; build it with an SDK for version 0.1.0 of the contract"
    );
}

#[test]
fn an_import_that_no_host_has_is_refused() {
    assert_eq!(
        refused(&with_a_strange_import()),
        "component imports instance `qewd:handler/teleport@0.1.0`, but a matching implementation was not found in the \
         linker: instance export `ask` has the wrong type: function implementation is missing; \
         grant nothing more than the interfaces in sdk/wit and plain WASI 0.2; build the module with this host's SDK"
    );
}

#[test]
fn a_file_that_is_not_wasm_is_refused() {
    let words = "the file is not WebAssembly; build it with `cargo build --release --target wasm32-wasip2`";
    assert_eq!(refused(&not_wasm()), words);
    assert_eq!(refused(b""), words);
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
        "the module speaks version 0.2.0 of the contract, this host speaks 0.1.0; \
         build it with an SDK for version 0.1.0 of the contract"
    );
}
