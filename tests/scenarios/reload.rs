//! Modules that change, come, are renamed and go while the host runs.
//! Each of these was seen by a client: what it was answered before, meanwhile and after.

use crate::harness::{App, Crowd, Host, Launch, Source, module, versions, wait_until};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const NOT_THERE: &str = r#"503 {"error":"The handler of this route is not there"}"#;

fn route(uri: &str, handler: &str) -> Value {
    json!({"uri": uri, "handler": handler, "authenticate": false})
}

fn app(routes: &Value) -> App {
    App::new(json!({"qewd_up": true}), routes).guest("orchestrator", "versioned")
}

fn host(app: &App) -> Host {
    Launch::orchestrator(app).start()
}

fn place(app: &App, name: &str) -> PathBuf {
    app.path().join("handlers/orchestrator").join(format!("{name}.wasm"))
}

/// The version that answers now; none if it is not of one version from end to end.
fn version(host: &Host) -> Option<usize> {
    versions::number(&host.get("/api/versioned").send().body)
}

fn wait_for_version(host: &Host, number: usize) {
    wait_until(&format!("version {number} answers"), || version(host) == Some(number));
}

#[test]
fn a_changed_module_serves_soon_and_the_log_says_so() {
    let app = app(&json!([route("/api/versioned", "versioned")]));
    let host = host(&app);
    assert_eq!(version(&host), Some(0));
    versions::rename_into(&place(&app, "versioned"), &versions::bytes(1));
    wait_for_version(&host, 1);
    let line = host.wait_for("handlers/orchestrator/versioned.wasm: version ");
    let (_, words) = line.split_once(": version ").unwrap();
    let (new, rest) = words.split_once(" serves in place of ").unwrap();
    let (old, rest) = rest.split_once(", compiled in ").unwrap();
    assert!(new.len() == 12 && old.len() == 12 && new != old && rest.ends_with(" ms"), "{line}");
    // The same content again is no news. When a file that came later serves, it was looked at.
    let seen = host.seen();
    versions::rename_into(&place(&app, "versioned"), &versions::bytes(1));
    fs::copy(module(Source::Guest, "echo"), place(&app, "echo")).unwrap();
    host.wait_for("handlers/orchestrator/echo.wasm: version ");
    versions::rename_into(&place(&app, "versioned"), &versions::bytes(2));
    wait_for_version(&host, 2);
    // It serves before it is told.
    host.wait_for_after(seen, "serves in place of");
    let lines = host.lines();
    let news: Vec<&String> = lines[seen..].iter().filter(|line| line.contains("serves in place of")).collect();
    assert_eq!(news.len(), 1, "{news:#?}");
}

#[test]
fn a_request_that_runs_ends_on_the_version_with_which_it_began() {
    let routes = json!([route("/api/sleep", "sleeper"), route("/api/versioned", "versioned")]);
    let app = app(&routes).guest("orchestrator", "sleeper");
    let host = Launch::orchestrator(&app).logging("info,qewd=debug").start();
    let mut sleeping = host.get("/api/sleep?milliseconds=3000&for=old").begin();
    host.wait_for("falling asleep");
    // Another program under the same name, which offers the handler, too.
    let mut bytes = fs::read(module(Source::Guest, "sleeper")).unwrap();
    bytes.extend(custom_section(b"another version"));
    versions::rename_into(&place(&app, "sleeper"), &bytes);
    host.wait_for("sleeper.wasm: version ");
    // New requests have the new version while the old one still runs.
    assert_eq!(host.get("/api/sleep?for=new").send().shown(), r#"200 {"slept":0,"for":"new"}"#);
    assert!(!host.lines().iter().any(|line| line.contains("ends after")), "the old worker still runs");
    assert_eq!(crate::harness::read_answer(&mut sleeping, true).shown(), r#"200 {"slept":3000,"for":"old"}"#);
    host.wait_for("ends after 1 requests: another version took its place");
}

/// A section that means nothing to anybody, by the WebAssembly specification: id 0, its size, a name and bytes.
fn custom_section(content: &[u8]) -> Vec<u8> {
    let name = b"note";
    let size = 1 + name.len() + content.len();
    [&[0, u8::try_from(size).unwrap(), u8::try_from(name.len()).unwrap()], name.as_slice(), content].concat()
}

#[test]
fn a_file_is_not_read_while_it_is_written() {
    let app = app(&json!([route("/api/versioned", "versioned")]));
    let host = host(&app);
    let crowd = Crowd::start(2, host.port, "/api/versioned", |answer| {
        answer.status == 200 && versions::number(&answer.body).is_some()
    });
    versions::rewrite(&place(&app, "versioned"), &versions::bytes(1), 20);
    wait_for_version(&host, 1);
    // Written over without being emptied, the file is a sound module of two halves for a while.
    versions::write_over(&place(&app, "versioned"), &versions::bytes(2), 20);
    wait_for_version(&host, 2);
    // Copied the slow way: deleted, made anew, written in pieces.
    fs::remove_file(place(&app, "versioned")).unwrap();
    versions::rewrite(&place(&app, "versioned"), &versions::bytes(3), 20);
    wait_for_version(&host, 3);
    assert!(crowd.end() > 0);
    assert!(!host.lines().iter().any(|line| line.contains("ERROR")), "nothing was broken: {:#?}", host.lines());
}

#[test]
fn a_new_module_serves_the_route_that_waited_for_it() {
    let app = App::new(json!({"qewd_up": true}), &json!([]));
    let host = host(&app);
    assert_eq!(host.get("/api/versioned").send().status, 404);
    // First the route, for which there is no handler yet: nothing changes, and the log says what is missing.
    app.write("configuration/routes.json", json!([route("/api/versioned", "versioned")]).to_string());
    host.wait_for("no module of orchestrator offers the handler versioned");
    assert_eq!(host.get("/api/versioned").send().status, 404);
    // Then its module, in a folder that was not there before.
    let app = app.guest("orchestrator", "versioned");
    wait_for_version(&host, 0);
    host.wait_for("handlers/orchestrator/versioned.wasm: version ");
    host.wait_for("serves versioned, compiled in ");
    // Deeper below, too.
    fs::create_dir_all(app.path().join("handlers/orchestrator/deep/er")).unwrap();
    fs::copy(module(Source::Guest, "echo"), place(&app, "deep/er/echo")).unwrap();
    host.wait_for("handlers/orchestrator/deep/er/echo.wasm: version ");
}

#[test]
fn a_renamed_module_serves_on_under_its_new_name() {
    let app = app(&json!([route("/api/versioned", "versioned")]));
    let host = host(&app);
    let crowd = Crowd::start(4, host.port, "/api/versioned", |answer| versions::number(&answer.body) == Some(0));
    fs::rename(place(&app, "versioned"), place(&app, "another_name")).unwrap();
    host.wait_for("handlers/orchestrator/another_name.wasm: version ");
    host.wait_for("handlers/orchestrator/versioned.wasm: the file is gone, and version ");
    assert!(crowd.end() > 0);
    assert!(!host.lines().iter().any(|line| line.contains("ERROR")), "{:#?}", host.lines());
    versions::rename_into(&place(&app, "another_name"), &versions::bytes(1));
    wait_for_version(&host, 1);
}

#[test]
fn a_deleted_module_serves_no_longer_and_a_replaced_one_always() {
    let routes = json!([route("/api/versioned", "versioned"), route("/api/list", "list")]);
    let app = app(&routes).guest("orchestrator", "echo");
    let host = host(&app);
    // Gone for a moment is how some tools replace a file: nobody may notice.
    let crowd = Crowd::start(4, host.port, "/api/versioned", |answer| versions::number(&answer.body).is_some());
    fs::remove_file(place(&app, "versioned")).unwrap();
    std::thread::sleep(Duration::from_millis(800));
    versions::rename_into(&place(&app, "versioned"), &versions::bytes(1));
    wait_for_version(&host, 1);
    assert!(crowd.end() > 0);

    fs::remove_file(place(&app, "versioned")).unwrap();
    wait_until("the handler is gone", || host.get("/api/versioned").send().shown() == NOT_THERE);
    host.wait_for("handlers/orchestrator/versioned.wasm: the file is gone, and version ");
    let line = host.wait_for("no module of orchestrator offers the handler versioned");
    assert!(line.contains("WARN") && line.contains("it offers echo, list, nothing, number, text"), "{line}");
    assert_eq!(host.get("/api/list").send().shown(), r#"200 [{"id":1},{"id":2}]"#);
    // Other modules change as before, and the file may come back.
    versions::rename_into(&place(&app, "versioned"), &versions::bytes(2));
    wait_for_version(&host, 2);
}

#[test]
fn a_folder_that_is_gone_as_a_whole_takes_nothing_away() {
    let app = app(&json!([route("/api/versioned", "versioned")]));
    let host = host(&app);
    fs::rename(app.path().join("handlers"), app.path().join("elsewhere")).unwrap();
    host.wait_for("the folder of this host's modules is not there; what was loaded from it stays in service");
    // Longer than a deleted file is waited for.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(version(&host), Some(0));
    fs::rename(app.path().join("elsewhere"), app.path().join("handlers")).unwrap();
    versions::rename_into(&place(&app, "versioned"), &versions::bytes(1));
    wait_for_version(&host, 1);
}

#[test]
fn a_handler_that_another_module_has_stays_with_it() {
    let app = app(&json!([route("/api/versioned", "versioned")]));
    let host = host(&app);
    versions::rename_into(&place(&app, "a_thief"), &versions::bytes(1));
    let line = host.wait_for("handlers/orchestrator/a_thief.wasm: the handler versioned is offered by this file");
    assert!(
        line.ends_with("and by handlers/orchestrator/versioned.wasm; remove one of the files; it is not served"),
        "{line}"
    );
    assert_eq!(version(&host), Some(0));
    fs::remove_file(place(&app, "versioned")).unwrap();
    wait_for_version(&host, 1);
}

#[test]
fn a_version_without_a_handler_that_a_route_names_is_refused() {
    let app = app(&json!([route("/api/versioned", "versioned")]));
    let host = host(&app);
    fs::copy(module(Source::Guest, "echo"), place(&app, "new")).unwrap();
    fs::rename(place(&app, "new"), place(&app, "versioned")).unwrap();
    let line = host.wait_for("no module of orchestrator offers the handler versioned");
    assert!(line.contains("ERROR") && line.ends_with(" stays in service"), "{line}");
    assert_eq!(version(&host), Some(0));
    // With a route that it has, it may come.
    app.write("configuration/routes.json", json!([route("/api/list", "list")]).to_string());
    wait_until("the new handler answers", || host.get("/api/list").send().status == 200);
    assert_eq!(host.get("/api/versioned").send().status, 404);
}

#[test]
fn after_a_deletion_others_come_and_go_as_before() {
    let app = app(&json!([route("/api/versioned", "versioned"), route("/api/list", "list")]));
    let app = app.guest("orchestrator", "echo");
    let host = host(&app);
    fs::remove_file(place(&app, "versioned")).unwrap();
    host.wait_for("handlers/orchestrator/versioned.wasm: the file is gone");
    // A module with other handlers changes the list of what there is; a moved route stands on another line.
    fs::copy(module(Source::Guest, "sleeper"), place(&app, "sleeper")).unwrap();
    host.wait_for("handlers/orchestrator/sleeper.wasm: version ");
    let routes =
        json!([route("/api/sleep", "sleeper"), route("/api/list", "list"), route("/api/versioned", "versioned")]);
    app.write("configuration/routes.json", serde_json::to_string_pretty(&routes).unwrap());
    wait_until("the new route answers", || host.get("/api/sleep").send().status == 200);
    let told = host.lines().iter().filter(|line| line.contains("offers the handler versioned")).count();
    assert_eq!(told, 1, "it is told once: {:#?}", host.lines());
    assert!(!host.lines().iter().any(|line| line.contains("ERROR")), "{:#?}", host.lines());
}

#[test]
fn what_fits_only_together_comes_together_and_a_bad_file_beside_it_does_not_matter() {
    let config = json!({"qewd_up": true, "handlers": {"asker": {"imports": ["log", "services"]}}});
    let app = App::new(config, &json!([route("/api/versioned", "versioned")]));
    let app = app.guest("orchestrator", "versioned").guest("orchestrator", "asker");
    let host = host(&app);
    versions::rename_into(&place(&app, "thief"), &versions::bytes(9));
    host.wait_for("thief.wasm: the handler versioned is offered by this file");
    // A grant is taken away, and the module that needed it becomes another one, which offers what a new route names.
    let config = app.config().replace(",\"services\"", "");
    fs::copy(module(Source::Guest, "echo"), place(&app, "new")).unwrap();
    fs::rename(place(&app, "new"), place(&app, "asker")).unwrap();
    app.write("configuration/config.json", config);
    let routes = json!([route("/api/versioned", "versioned"), route("/api/list", "list")]);
    app.write("configuration/routes.json", routes.to_string());
    wait_until("the new route answers", || host.get("/api/list").send().status == 200);
    assert_eq!(version(&host), Some(0));
    let errors: Vec<String> = host.lines().into_iter().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors.len(), 1, "only the thief: {errors:#?}");
}

#[test]
fn a_bad_file_does_not_hold_up_others() {
    let app = app(&json!([route("/api/versioned", "versioned")]));
    let host = host(&app);
    fs::copy(module(Source::Guest, "never_describes"), place(&app, "never_describes")).unwrap();
    host.wait_for("never_describes.wasm: the module did not say in time what it offers");
    for number in 1..4 {
        let started = Instant::now();
        versions::rename_into(&place(&app, "versioned"), &versions::bytes(number));
        wait_for_version(&host, number);
        assert!(started.elapsed() < Duration::from_secs(4), "it took {:?}", started.elapsed());
    }
}

#[test]
fn a_link_that_is_turned_to_another_file_counts_as_a_change() {
    // How mounted volumes of some orchestrators change all files in one step.
    let app = App::new(json!({"qewd_up": true}), &json!([route("/api/versioned", "versioned")]));
    for number in 0..2 {
        app.write(&format!("handlers/orchestrator/.data{number}/versioned.wasm"), versions::bytes(number));
    }
    let folder = app.path().join("handlers/orchestrator");
    std::os::unix::fs::symlink(".data0", folder.join(".data")).unwrap();
    std::os::unix::fs::symlink(".data/versioned.wasm", folder.join("versioned.wasm")).unwrap();
    let host = host(&app);
    assert_eq!(version(&host), Some(0));
    std::os::unix::fs::symlink(".data1", folder.join(".next")).unwrap();
    fs::rename(folder.join(".next"), folder.join(".data")).unwrap();
    wait_for_version(&host, 1);
}

#[test]
fn a_change_of_which_no_event_tells_is_seen_all_the_same() {
    let app = app(&json!([route("/api/versioned", "versioned")]));
    // Events are told for the name through which a file was written: this one is not watched.
    let outside = app.path().join("outside.wasm");
    fs::hard_link(place(&app, "versioned"), &outside).unwrap();
    let host = host(&app);
    assert_eq!(version(&host), Some(0));
    versions::write_over(&outside, &versions::bytes(1), 1);
    wait_for_version(&host, 1);
}

#[test]
fn an_answer_says_on_demand_which_version_gave_it() {
    let app = app(&json!([route("/api/versioned", "versioned")])).setting("orchestrator", "versionHeader", true);
    let host = host(&app);
    let answer = host.get("/api/versioned").header("X-Request-Id", "who-was-it").send();
    let version = answer.header("qewd-version").unwrap().to_owned();
    assert_eq!(version.len(), 12);
    host.wait_for(&format!("handler versioned from handlers/orchestrator/versioned.wasm (version {version})"));
    host.wait_for(&format!("request=\"who-was-it\" version=\"{version}\""));
    assert_eq!(host.get("/api/nothing").send().header("qewd-version"), None);

    let quiet = App::new(json!({"qewd_up": true}), &json!([route("/api/versioned", "versioned")]));
    let quiet = Launch::orchestrator(&quiet.guest("orchestrator", "versioned")).start();
    assert_eq!(quiet.get("/api/versioned").send().header("qewd-version"), None);
}

#[test]
fn a_burst_of_changes_ends_with_the_last_one() {
    let app = app(&json!([route("/api/versioned", "versioned")]));
    let host = host(&app);
    let started = Instant::now();
    for number in 1..=30 {
        versions::rename_into(&place(&app, "versioned"), &versions::bytes(number));
    }
    wait_for_version(&host, 30);
    assert!(started.elapsed() < Duration::from_secs(12), "it took {:?}", started.elapsed());
}
