//! Handlers that do each wrong thing: the caller gets a clear answer, the log says what to do, and nobody else suffers.
//! Each file of tests/guests/misbehaving has the test of its name here.

use crate::harness::{
    App, Ended, Host, Launch, SECRET, Siege, clients, command, free_port, guest_names, signed, wait_until,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FAILED: &str = r#"500 {"error":"The handler failed; tell the operator this request id: …"}"#;
const TOO_LATE: &str = r#"504 {"error":"The request took too long and was given up"}"#;
const BUSY: &str = r#"503 {"error":"The service is busy; try again"}"#;
const NOT_IN_TIME: &str = "the handler did not return in time; raise limits.requestMilliseconds or mend the handler";

/// How long a good handler's answer may take on a machine that is busy with hostile ones: it takes a few milliseconds.
const QUICK: Duration = Duration::from_secs(2);

/// The answer to a request whose handlers asked on in a circle, along this way.
fn circle(way: &[&str]) -> String {
    let way = way.join(" > ");
    format!(r#"508 {{"error":"The request was sent on too often; its routes or handlers lead in a circle: {way}"}}"#)
}

/// A folder with one guest on the orchestrator, its route, and a good handler beside it.
fn app(guest: &str, qewd: &Value) -> App {
    let mut qewd = qewd.clone();
    if qewd["poolSize"].is_null() {
        // One more than a siege can take.
        qewd["poolSize"] = (clients() + 1).into();
    }
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

/// Time for a request that is longer than [`QUICK`]: who had to wait for its end was not served quickly.
fn longer_than_quick() -> Value {
    json!({"limits": {"requestMilliseconds": 2500}})
}

/// The good handler answers, and quickly.
fn others_go_on(host: &Host) {
    is_served(host, "/api/list");
}

fn is_served(host: &Host, path: &str) {
    let started = Instant::now();
    assert_eq!(host.get(path).send().shown(), r#"200 [{"id":1},{"id":2}]"#);
    assert!(started.elapsed() < QUICK, "it took {:?}", started.elapsed());
}

/// Lets several clients at once ask the guest again and again; others are served meanwhile and afterwards.
/// Returns the ids of the clients' requests.
fn besieged(host: &Host, guest: &str, words: &str) -> Vec<String> {
    let ids = Siege::new(host, &format!("/api/{guest}"), words).during(|| others_go_on(host));
    others_go_on(host);
    ids
}

/// The warnings about each of these requests, as many as each has to leave.
fn warnings<const N: usize>(host: &Host, ids: &[String]) -> Vec<[String; N]> {
    let mut found: Vec<Vec<String>> = Vec::new();
    wait_until("each failure is logged", || {
        let lines: Vec<String> = host.lines().into_iter().filter(|line| line.contains(" WARN ")).collect();
        let about = |id: &String| {
            let id = format!("request={id:?}");
            lines.iter().filter(|line| line.contains(&id)).cloned().collect()
        };
        found = ids.iter().map(about).collect();
        found.iter().all(|lines| lines.len() >= N)
    });
    found.into_iter().map(|lines| lines.try_into().expect("no more warnings than this")).collect()
}

/// A siege in which each request fails with an answer, and leaves one warning that says why. Returns one of them.
fn fails(guest: &str, qewd: &Value, answer: &str, why: &str) -> String {
    let host = host(guest, qewd);
    let ids = besieged(&host, guest, answer);
    let status = &answer[..3];
    let end = format!("\"/api/{guest}\" -> {status} in ");
    let mut lines: Vec<String> = warnings(&host, &ids).into_iter().map(|[line]| line).collect();
    assert!(lines.iter().all(|line| line.contains(&end) && line.contains(why)), "{why}: {lines:#?}");
    lines.remove(0)
}

/// What `qewd check` says about a folder with this guest, but for warnings.
fn refused(guest: &str) -> String {
    let app = app(guest, &json!({}));
    let ended = Ended::of(command().arg("check").arg("--app").arg(app.path()));
    assert_eq!(ended.code, Some(1));
    let run = Launch::orchestrator(&app).fails();
    assert_eq!(run.code, Some(1));
    let said = ended.problems();
    let (first, _) = said.split_once('\n').unwrap();
    assert!(run.err.contains(first), "{}", run.err);
    said
}

#[test]
fn every_misbehaving_guest_has_its_test() {
    let names = guest_names("misbehaving");
    assert!(names.len() >= 22, "{names:?}");
    for name in names {
        let test = format!("#[test]\nfn {name}() {{");
        let files = [include_str!("handler_misbehaves.rs"), include_str!("documents_misbehaving.rs")];
        assert!(files.iter().any(|file| file.contains(&test)), "no test is called {name}");
    }
}

#[test]
fn answers_too_much() {
    let why = "bytes where 8388608 are allowed; raise limits.responseBytes or answer in parts";
    fails("answers_too_much", &json!({}), FAILED, why);
}

#[test]
fn answers_with_a_bad_status() {
    let host = host("answers_with_a_bad_status", &json!({}));
    let answer = host.get("/api/answers_with_a_bad_status").send();
    assert_eq!(answer.status, 500);
    assert_eq!(answer.shown(), r#"500 {"error":"The handler answered with status 99; a response has 200 to 599"}"#);
    others_go_on(&host);
}

/// Two hosts, near and far, each with a handler that asks the other host's, and with a good one.
fn ring(pool: usize) -> [Host; 2] {
    let service = |name: &str, other: &str| json!({"name": name, "connections": [other], "qewd": {"poolSize": pool, "limits": {"hops": 8}}});
    let services = json!([service("near", "far"), service("far", "near")]);
    let route = |host: &str, path: &str, handler: &str| json!({"uri": format!("/api/{host}/{path}"), "handler": handler, "on_microservice": host, "authenticate": false});
    let both = |host| [route(host, "ring", "asks_in_a_ring"), route(host, "list", "list")];
    let mut app = App::new(
        json!({"qewd_up": true, "orchestrator": {}, "microservices": services}),
        &["near", "far"].map(both).concat().into(),
    );
    for host in ["near", "far"] {
        app = app.guest(host, "asks_in_a_ring").guest(host, "echo");
    }
    let (near_port, far_port) = (free_port(), free_port());
    let near = Launch::microservice(&app, "near").reaching("far", far_port).port(near_port).start();
    let far = Launch::microservice(&app, "far").reaching("near", near_port).port(far_port).start();
    near.wait_for("far registered");
    far.wait_for("near registered");
    [near, far]
}

#[test]
fn asks_in_a_ring() {
    // A question and its way over the link are two hops, so that each client has two questions answered on each host.
    let [near, far] = ring(2 * clients() + 1);
    let others = || {
        is_served(&near, "/api/near/list");
        is_served(&far, "/api/far/list");
    };
    let way = circle(&["near's handler", "far's handler"].repeat(3)[..5]);
    let ids = Siege::new(&near, "/api/near/ring", &way).during(others);
    others();
    let lines = warnings(&near, &ids);
    let words = "9 hops; mend routes.json or the handlers' questions";
    assert!(lines.iter().all(|[line]| line.contains(words)), "{lines:#?}");
}

#[test]
fn a_ring_that_needs_more_workers_than_there_are_ends_at_once() {
    let [near, far] = ring(1);
    let started = Instant::now();
    assert_eq!(near.get("/api/near/ring").send().shown(), BUSY);
    assert!(started.elapsed() < QUICK, "it took {:?}", started.elapsed());
    far.wait_for("every worker that answers a question of a handler waits for another answer; raise poolSize");
    // The clients of the siege wait for one another at near's only worker; far's is there for others.
    Siege::new(&near, "/api/near/ring", BUSY).during(|| is_served(&far, "/api/far/list"));
    is_served(&near, "/api/near/list");
}

#[test]
fn asks_itself() {
    let host = host("asks_itself", &json!({"poolSize": 16}));
    let way = ["orchestrator's handler"; 13];
    assert_eq!(host.get("/api/asks_itself").send().shown(), circle(&way));
    others_go_on(&host);
}

#[test]
fn a_handler_that_asks_itself_holds_the_workers_no_longer_than_its_time() {
    let host = host("asks_itself", &json!({"poolSize": 2, "limits": {"requestMilliseconds": 1000}}));
    let started = Instant::now();
    assert_eq!(host.get("/api/asks_itself").send().shown(), BUSY);
    host.wait_for("every worker that answers a question of a handler waits for another answer; raise poolSize");
    assert!(started.elapsed() < Duration::from_secs(4), "it took {:?}", started.elapsed());
    others_go_on(&host);
}

#[test]
fn eats_memory() {
    let why = "bytes of memory and may use 8388608; raise limits.memoryBytes or mend the handler";
    fails("eats_memory", &json!({"limits": {"memoryBytes": 8_388_608}}), FAILED, why);
}

#[test]
fn exits() {
    fails("exits", &json!({}), FAILED, "it ended itself with exit code");
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
fn leaks_resources() {
    let why = "the handler holds more than 10000 resources of the host; mend it to drop what it no longer needs";
    fails("leaks_resources", &json!({}), FAILED, why);
    // A timer is two of the host's resources.
    let host = host("leaks_resources", &json!({}));
    assert_eq!(host.get("/api/leaks_resources?count=4900").send().shown(), "200 leaked 4900 timers");
    assert_eq!(host.get("/api/leaks_resources?count=5001").send().shown_without_id(), FAILED);
}

#[test]
fn workers_that_hold_what_they_leaked_serve_no_further_request() {
    let host = host("leaks_resources", &json!({"poolSize": 1}));
    for number in 0..20 {
        let answer = host.get("/api/leaks_resources?count=3000").send();
        assert_eq!(answer.shown(), "200 leaked 3000 timers", "request {number}");
        others_go_on(&host);
    }
}

#[test]
fn logs_for_ever() {
    let host = host("logs_for_ever", &longer_than_quick());
    let ids = besieged(&host, "logs_for_ever", TOO_LATE);
    for [dropped, end] in warnings(&host, &ids) {
        assert!(dropped.contains("further lines of this request are dropped handler=\"logs_for_ever\""), "{dropped}");
        assert!(end.contains(NOT_IN_TIME), "{end}");
    }
    let lines = host.lines();
    for id in &ids {
        let end = format!(" handler=\"logs_for_ever\" request={id:?}");
        // Whole lines: what the log adds to a short one is most of it, and counts too.
        let bytes: usize = lines.iter().filter(|line| line.ends_with(&end)).map(String::len).sum();
        assert!((32_768..=65_536).contains(&bytes), "{id} wrote {bytes} bytes");
    }
}

#[test]
fn loops_for_ever() {
    fails("loops_for_ever", &longer_than_quick(), TOO_LATE, NOT_IN_TIME);
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
    let line = fails("overflows_its_stack", &json!({}), FAILED, "call stack exhausted");
    assert!(line.contains("deeper"), "the log names the guest's function: {line}");
    assert!(line.len() < 4096, "the line has {} bytes", line.len());
}

#[test]
fn panics() {
    let line = fails("panics", &json!({}), FAILED, "it panicked or aborted");
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
    // That is a handler's right: nobody has to be warned, but of the password that the host begins with.
    let warns = |line: &String| line.contains("WARN") && !line.contains("that everybody knows");
    assert!(!host.lines().iter().any(warns), "{:#?}", host.lines());
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
    fails("sleeps_too_long", &longer_than_quick(), TOO_LATE, NOT_IN_TIME);
}

#[test]
fn spoils_the_session() {
    let answer = r#"500 {"error":"The handler left a session that no token can carry"}"#;
    fails("spoils_the_session", &json!({}), answer, "timeout must be a positive whole number of seconds");
}

#[test]
fn table_bomb() {
    // From one element on, a thousand at a time.
    let why = "the handler asked for a table of 100001 elements and may use 100000; mend the handler";
    fails("table_bomb", &json!({}), FAILED, why);
}

#[test]
fn traps_after_work() {
    let host = host("traps_after_work", &json!({}));
    let ids = besieged(&host, "traps_after_work", FAILED);
    for [line] in warnings(&host, &ids) {
        assert!(line.contains("it panicked or aborted"), "{line}");
    }
    // What was done before stays said: the handler's own line, and the answer that it got.
    for id in ids {
        let lines: Vec<String> = host.lines().into_iter().filter(|line| line.contains(&format!("{id:?}"))).collect();
        let all = lines.join("\n");
        assert!(
            all.contains(r#"the list is there status=200 body=[{"id":1},{"id":2}] handler="traps_after_work""#),
            "{all}"
        );
        assert!(all.contains(r#"GET "/api/list" -> 200 in "#), "{all}");
        assert_eq!(lines.len(), 3, "{all}");
    }
}

#[test]
fn traps_before_work() {
    fails("traps_before_work", &json!({}), FAILED, "it panicked or aborted");
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
