//! What `qewd check` says of an application folder, and that a host does not start on a bad one.
//! Each folder of tests/configurations/refused is a case: its files, and the words in expected.txt.

use crate::harness::{App, Ended, Launch, Source, command, module};
use serde_json::json;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

fn check(folder: &Path) -> Ended {
    Ended::of(command().arg("check").arg("--app").arg(folder))
}

/// What `check` says of a host with the password that everybody knows.
fn known_password(host: &str) -> String {
    format!(
        "warning: configuration/config.json: the monitor of {host} opens with the password that everybody knows; set \
         \"managementPassword\" in its \"qewd\" block (`qewd hash-password` makes a hash for it)\n"
    )
}

/// What `check` says but for warnings, where it must find something.
fn refused(app: &App) -> String {
    let ended = check(app.path());
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""), "{ended:?}");
    ended.problems()
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/configurations/refused");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 10, "the cases are missing: {cases:?}");
    cases
}

/// The case as a folder of its own, with the handlers `list` on the orchestrator, and `login` and `who` on login_service.
fn folder_of(case: &Path) -> App {
    let text = |file: &str| std::fs::read_to_string(case.join(file)).unwrap();
    App::with_texts(&text("config.json"), Some(&text("routes.json"))).guest("orchestrator", "echo").with(
        "login_service",
        Source::Example,
        "login_service",
    )
}

#[test]
fn every_mistake_is_said_with_its_place_and_its_mend() {
    for case in cases() {
        let expected = std::fs::read_to_string(case.join("expected.txt")).unwrap();
        let app = folder_of(&case);
        let before = app.config();
        let ended = check(app.path());
        let case = case.display();
        assert_eq!(ended.out, expected, "{case}");
        assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""), "{case}");
        assert_eq!(app.config(), before, "{case}: a check writes nothing");
    }
}

#[test]
fn a_host_refuses_to_start_with_the_same_words() {
    for case in cases() {
        let app = folder_of(&case);
        let ended = Launch::orchestrator(&app).fails();
        let expected = std::fs::read_to_string(case.join("expected.txt")).unwrap();
        let case = case.display();
        assert_eq!(ended.code, Some(1), "{case}");
        let said: Vec<&str> = ended.err.trim_start_matches("qewd: ").lines().collect();
        assert!(!said.is_empty(), "{case}");
        for line in said {
            assert!(expected.lines().any(|wanted| wanted == line), "{case}: {line}");
        }
    }
}

#[test]
fn a_good_application_has_no_problems() {
    let app = App::example();
    let before = app.config();
    let ended = check(app.path());
    // It is an example, and its hosts have no password of their own.
    let warnings = ["orchestrator", "login_service", "info_service", "db_service"].map(known_password).concat();
    let expected = format!("{warnings}no problems\n");
    assert_eq!((ended.out, ended.err.as_str(), ended.code), (expected, "", Some(0)));
    assert_eq!(app.config(), before);
}

#[test]
fn who_has_a_password_or_no_monitor_is_not_warned() {
    let hash = hashed("correct horse\n");
    assert!(hash.out.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash:?}");
    let config = json!({
        "qewd_up": true, "orchestrator": {"qewd": {"managementPassword": hash.out.trim_end()}},
        "microservices": [
            {"name": "plain", "qewd": {"managementPassword": "correct horse"}},
            {"name": "off", "qewd-monitor": false},
        ],
    });
    let app = App::new(config, &json!([]));
    let ended = check(app.path());
    assert_eq!((ended.out.as_str(), ended.err.as_str(), ended.code), ("no problems\n", "", Some(0)));
}

/// What `qewd hash-password` says to this line.
fn hashed(line: &str) -> Ended {
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(line.as_bytes()).unwrap();
    input.rewind().unwrap();
    Ended::of(command().arg("hash-password").stdin(input))
}

#[test]
fn a_password_that_cannot_be_hashed_is_refused_in_words() {
    assert_eq!(hashed("x").out.lines().count(), 1);
    for (line, words) in [
        ("", "qewd: the password is empty\n"),
        ("\nsecond line\n", "qewd: the password is empty\n"),
        (&"x".repeat(3000), "qewd: the password has more than 1024 bytes\n"),
    ] {
        let ended = hashed(line);
        assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(1), "", words));
    }
}

#[test]
fn a_folder_that_is_none_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let ended = check(folder.path());
    assert_eq!(
        ended.out,
        format!(
            "configuration/config.json: the file does not exist in {}; \
             start in the folder that has configuration/config.json, or name that folder with --app DIR\n1 problem\n",
            folder.path().display()
        )
    );
    assert_eq!(ended.code, Some(1));
}

#[test]
fn a_missing_module_is_said_at_each_route_that_needs_it() {
    let app = App::example();
    std::fs::remove_file(app.path().join("handlers/login_service/login_service.wasm")).unwrap();
    let words = refused(&app);
    let lines: Vec<&str> = words.lines().collect();
    assert_eq!(lines.len(), 3, "{words}");
    for (line, handler) in lines.iter().zip(["login", "who"]) {
        assert!(line.starts_with("configuration/routes.json:1:"), "{line}");
        let rest = format!(
            ": no module of login_service offers the handler {handler}; \
             put the module into handlers/login_service/, or mend the name (it offers none)"
        );
        assert!(line.ends_with(&rest), "{line}");
    }
    assert_eq!(lines[2], "2 problems");
    let run = Launch::microservice(&app, "login_service").fails();
    assert_eq!(run.code, Some(1));
    assert_eq!(run.err, format!("qewd: {}\n{}\n", lines[0], lines[1]));
    // The other hosts do not suffer from it.
    Launch::orchestrator(&app).start();
}

/// A monolith with one route, and this file as its only module.
fn with_file(content: &[u8]) -> String {
    let routes = json!([{"uri": "/api/list", "handler": "list", "authenticate": false}]);
    let app = App::new(json!({"qewd_up": true}), &routes);
    app.write("handlers/orchestrator/module.wasm", content);
    let words = refused(&app);
    let first = words.lines().next().unwrap().to_owned();
    let file = "handlers/orchestrator/module.wasm: ";
    first.strip_prefix(file).unwrap_or_else(|| panic!("{words}")).to_owned()
}

#[test]
fn a_file_that_is_no_module_is_said() {
    let mend = "build it with `cargo build --release --target wasm32-wasip2`";
    assert_eq!(with_file(b"not wasm"), format!("the file is not WebAssembly; {mend}"));
    assert_eq!(with_file(b""), "the file is empty; write it anew, under another name first");
    // A core module with nothing in it.
    assert_eq!(with_file(b"\0asm\x01\0\0\0"), format!("the file is a core module, not a component; {mend}"));
    let whole = std::fs::read(module(Source::Guest, "echo")).unwrap();
    let half = with_file(&whole[..whole.len() / 2]);
    assert!(half.starts_with("the file is not a whole component: "), "{half}");
    assert!(half.ends_with("write it anew, under another name first"), "{half}");
    // A component with nothing in it.
    let empty = with_file(b"\0asm\x0d\0\x01\0");
    assert!(empty.starts_with("the module offers no handlers: it exports nothing; "), "{empty}");
}

#[test]
fn a_module_of_another_version_of_the_contract_is_said() {
    let mut bytes = std::fs::read(module(Source::Guest, "echo")).unwrap();
    let name = b"qewd:handler/packed-handlers@0.1.3";
    let places: Vec<usize> = (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(name)).collect();
    for place in &places {
        bytes[place + name.len() - 3] = b'7';
    }
    assert!(!places.is_empty());
    assert_eq!(
        with_file(&bytes),
        "the module speaks version 0.7.3 of the contract, this host speaks 0.1.3; \
         build it with an SDK for version 0.1.3 of the contract"
    );
}

#[test]
fn two_modules_with_one_handler_are_both_named() {
    let routes = json!([{"uri": "/api/list", "handler": "list", "authenticate": false}]);
    let app = App::new(json!({"qewd_up": true}), &routes).guest("orchestrator", "echo");
    let copy = std::fs::read(module(Source::Guest, "echo")).unwrap();
    app.write("handlers/orchestrator/deeper/again.wasm", copy);
    let words = refused(&app);
    assert!(
        words.contains(
            "handlers/orchestrator/echo.wasm: the handler list is offered by this file and by \
             handlers/orchestrator/deeper/again.wasm; remove one of the files\n"
        ),
        "{words}"
    );
    assert!(words.ends_with("5 problems\n"), "one for each of its handlers: {words}");
}

#[test]
fn a_handler_that_asks_an_unreachable_service_is_said() {
    let app = App::example();
    let config = app.config().replace(r#""connections":["login_service"],"#, "");
    let config = config.replace(r#","connections":["login_service"]"#, "");
    assert_ne!(config, app.config());
    app.write("configuration/config.json", config);
    assert_eq!(
        refused(&app),
        "handlers/info_service/info_service.wasm: the handler greeting asks login_service, to which info_service has \
         no link; add \"connections\": [\"login_service\"] to info_service in config.json\n1 problem\n"
    );
}
