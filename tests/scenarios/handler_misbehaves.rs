//! Handlers that do each wrong thing: the caller gets a clear answer, the log says what to do, and nobody else suffers.
//! Each file of tests/guests/misbehaving has the test of its name here.

use crate::harness::{App, Ended, Host, Launch, SECRET, command, guest_names, read_answer, signed, wait_until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FAILED: &str = r#"500 {"error":"The handler failed; tell the operator this request id: …"}"#;
const TOO_LATE: &str = r#"504 {"error":"The request took too long and was given up"}"#;

/// A folder with one guest on the orchestrator, its route, and a good handler beside it.
fn app(guest: &str, qewd: &Value) -> App {
    let routes = json!([
        {"uri": format!("/api/{guest}"), "handler": guest, "authenticate": false},
        {"uri": "/api/list", "handler": "list", "authenticate": false},
    ]);
    App::new(json!({"qewd_up": true, "orchestrator": {"qewd": qewd}}), &routes)
        .guest("orchestrator", guest)
        .guest("orchestrator", "echo")
}

fn host(guest: &str, qewd: &Value) -> Host {
    Launch::orchestrator(&app(guest, qewd)).start()
}

/// The good handler answers, and quickly.
fn others_go_on(host: &Host) {
    let started = Instant::now();
    assert_eq!(host.get("/api/list").send().shown(), r#"200 [{"id":1},{"id":2}]"#);
    assert!(started.elapsed() < Duration::from_secs(2), "it took {:?}", started.elapsed());
}

/// Asks the guest several times, more often than there are workers, and returns the line that says what happened.
fn fails(guest: &str, qewd: &Value, words: &str) -> String {
    let host = host(guest, qewd);
    for _ in 0..3 {
        assert_eq!(host.get(format!("/api/{guest}")).send().shown_without_id(), words);
        others_go_on(&host);
    }
    let id = format!("{guest}-once");
    host.get(format!("/api/{guest}")).header("X-Request-Id", &id).send();
    let about = || -> Vec<String> {
        let lines = host.lines().into_iter();
        lines.filter(|line| line.contains(&id) && line.contains(" -> ")).collect()
    };
    wait_until("the failure is logged", || !about().is_empty());
    let [line] = about().try_into().expect("a failure is logged once");
    assert!(line.contains("WARN"), "{line}");
    line
}

/// What `qewd check` says about a folder with this guest.
fn refused(guest: &str) -> String {
    let app = app(guest, &json!({}));
    let ended = Ended::of(command().arg("check").arg("--app").arg(app.path()));
    assert_eq!(ended.code, Some(1));
    let run = Launch::orchestrator(&app).fails();
    assert_eq!(run.code, Some(1));
    let (first, _) = ended.out.split_once('\n').unwrap();
    assert!(run.err.contains(first), "{}", run.err);
    ended.out
}

#[test]
fn every_misbehaving_guest_has_its_test() {
    let names = guest_names("misbehaving");
    assert!(names.len() >= 16, "{names:?}");
    for name in names {
        let test = format!("#[test]\nfn {name}() {{");
        assert!(include_str!("handler_misbehaves.rs").contains(&test), "no test is called {name}");
    }
}

#[test]
fn answers_too_much() {
    let line = fails("answers_too_much", &json!({}), FAILED);
    assert!(line.contains("where 8388608 are allowed; raise limits.responseBytes or answer in parts"), "{line}");
}

#[test]
fn answers_with_a_bad_status() {
    let host = host("answers_with_a_bad_status", &json!({}));
    let answer = host.get("/api/answers_with_a_bad_status").send();
    assert_eq!(answer.status, 500);
    assert_eq!(answer.shown(), r#"500 {"error":"The handler answered with status 99; a response has 200 to 599"}"#);
    others_go_on(&host);
}

#[test]
fn asks_itself() {
    let host = host("asks_itself", &json!({"poolSize": 16}));
    let answer = host.get("/api/asks_itself").send();
    assert_eq!(
        answer.shown(),
        r#"508 {"error":"The request was sent on too often; its routes or handlers lead in a circle"}"#
    );
    others_go_on(&host);
}

#[test]
fn a_handler_that_asks_itself_holds_the_workers_no_longer_than_its_time() {
    let host = host("asks_itself", &json!({"poolSize": 2, "limits": {"requestMilliseconds": 1000}}));
    let started = Instant::now();
    let answer = host.get("/api/asks_itself").send();
    assert_eq!(answer.shown(), r#"503 {"error":"The service is busy; try again"}"#);
    host.wait_for("every worker that answers a question of a handler waits for another answer; raise poolSize");
    assert!(started.elapsed() < Duration::from_secs(4), "it took {:?}", started.elapsed());
    others_go_on(&host);
}

#[test]
fn eats_memory() {
    let line = fails("eats_memory", &json!({"limits": {"memoryBytes": 8_388_608}}), FAILED);
    assert!(
        line.contains("bytes of memory and may use 8388608; raise limits.memoryBytes or mend the handler"),
        "{line}"
    );
}

#[test]
fn exits() {
    let line = fails("exits", &json!({}), FAILED);
    assert!(line.contains("it ended itself with exit code"), "{line}");
}

#[test]
fn forges_log_lines() {
    let host = host("forges_log_lines", &json!({}));
    assert_eq!(host.get("/api/forges_log_lines").send().shown(), "200 done");
    let line = host.wait_for("forged line");
    assert!(line.contains(r"first\n2026") && line.contains(r"\u{1b}[2J"), "{line}");
    assert!(line.contains("handler=\"forges_log_lines\""), "{line}");
}

#[test]
fn loops_for_ever() {
    // More of them than threads: each has to give way.
    let host = host("loops_for_ever", &json!({"poolSize": 8, "limits": {"requestMilliseconds": 1500}}));
    let mut looping: Vec<_> = (0..4).map(|_| host.get("/api/loops_for_ever").begin()).collect();
    others_go_on(&host);
    for stream in &mut looping {
        assert_eq!(read_answer(stream, true).shown(), TOO_LATE);
    }
    host.wait_for("the handler did not return in time; raise limits.requestMilliseconds or mend the handler");
    others_go_on(&host);
}

#[test]
fn never_describes() {
    let words = refused("never_describes");
    assert_eq!(
        words,
        "handlers/orchestrator/never_describes.wasm: the module did not say in time what it offers; \
         mend the module's `describe`, or its start-up code\n1 problem\n"
    );
}

#[test]
fn offers_a_bad_name() {
    assert_eq!(
        refused("offers_a_bad_name"),
        "handlers/orchestrator/offers_a_bad_name.wasm: \"two words\" is not a name: \
         use at most 128 letters, digits, '_', '-', '.' and '/'; rename it in the module\n1 problem\n"
    );
}

#[test]
fn overflows_its_stack() {
    let line = fails("overflows_its_stack", &json!({}), FAILED);
    assert!(line.contains("call stack exhausted") && line.contains("deeper"), "{line}");
    assert!(line.len() < 4096, "the line has {} bytes", line.len());
}

#[test]
fn panics() {
    let line = fails("panics", &json!({}), FAILED);
    assert!(line.contains("it panicked or aborted"), "{line}");
    assert!(line.contains("look_up_the_price"), "the log names the guest's function: {line}");
    let host = host("panics", &json!({}));
    host.get("/api/panics").header("X-Request-Id", "with-words").send();
    let words = host.wait_for("no price list for /api/panics");
    assert!(words.contains("handler=\"panics\" request=\"with-words\""), "{words}");
}

#[test]
fn prints_without_end() {
    let host = host("prints_without_end", &json!({}));
    assert_eq!(host.get("/api/prints_without_end").send().shown(), "200 printed");
    host.wait_for("further lines of this request are dropped");
    let bytes: usize = host.lines().iter().map(String::len).sum();
    assert!(bytes < 100_000, "the log has {bytes} bytes");
}

#[test]
fn refuses() {
    let host = host("refuses", &json!({}));
    let token = signed(jsonwebtoken::Algorithm::HS256, SECRET, &json!({}));
    for (how, words) in [
        ("", r#"400 {"error":"No tea today"}"#),
        ("status", r#"404 {"error":"There is no tea left"}"#),
        ("body", r#"400 {"why":["no tea","no milk"]}"#),
        ("error", r#"400 {"error":"invalid digit found in string"}"#),
    ] {
        let answer = host.get(format!("/api/refuses?how={how}")).token(&token).send();
        assert_eq!(answer.shown(), words);
        assert_eq!(answer.header("qewd-token"), None);
    }
    // That is a handler's right: nobody has to be warned.
    assert!(!host.lines().iter().any(|line| line.contains("WARN")), "{:#?}", host.lines());
}

#[test]
fn a_refusal_forges_no_line_and_is_no_way_around_the_limits() {
    let host = host("refuses", &json!({}));
    let answer = host.get("/api/refuses?how=forged").send();
    assert_eq!(answer.json()["error"], "no\n2026-01-01T00:00:00Z  ERROR forged line");
    let line = host.wait_for("forged line");
    assert!(line.contains(r"no\n2026-01-01"), "{line}");
    let answer = host.get("/api/refuses?how=endless").send();
    assert_eq!(answer.shown_without_id(), FAILED);
    host.wait_for("raise limits.responseBytes");
}

#[test]
fn sleeps_too_long() {
    let host = host("sleeps_too_long", &json!({"limits": {"requestMilliseconds": 800}}));
    let mut sleeping = host.get("/api/sleeps_too_long").begin();
    others_go_on(&host);
    assert_eq!(read_answer(&mut sleeping, true).shown(), TOO_LATE);
    host.wait_for("the handler did not return in time");
}

#[test]
fn spoils_the_session() {
    let line = fails(
        "spoils_the_session",
        &json!({}),
        r#"500 {"error":"The handler left a session that no token can carry"}"#,
    );
    assert!(line.contains("timeout must be a positive whole number of seconds"), "{line}");
}

#[test]
fn traps_in_describe() {
    let words = refused("traps_in_describe");
    assert!(
        words.starts_with("handlers/orchestrator/traps_in_describe.wasm: the module does not say what it offers: "),
        "{words}"
    );
    assert!(words.contains("mend the module's `describe`, or its start-up code\n1 problem\n"), "{words}");
}
