//! How a page in a real browser comes back after its connection, its session, its network or its host was lost.

use super::{app, started};
use crate::harness::{Launch, SECRET, free_port};
use serde_json::json;

#[test]
fn a_host_that_was_killed_is_found_again_and_the_session_goes_on() {
    let app = app();
    let port = free_port();
    let mut host = Launch::orchestrator(&app).port(port).start();
    let mut page = started(&host);
    page.run(r#"QEWD.send({type: "sign_in"})"#);
    page.run(r#"window.flying = refused(QEWD.send({type: "slowly", params: {milliseconds: 20000}})); true"#);
    host.wait_for("falling asleep");
    host.kill();
    let lost = page.run("flying");
    assert_eq!(lost["code"], json!("lost"));
    let words = "The connection was lost before the answer came; the message may or may not have run";
    assert_eq!(lost["message"], json!(words));
    assert_eq!(page.run("[QEWD.connected, heard.at(-1)]"), json!([false, "socketDisconnected"]));
    page.run(r#"window.queued = QEWD.send({type: "private", params: "queued"}); true"#);
    let soon = page.run(r#"refused(QEWD.send({type: "private"}, {timeout: 50}))"#);
    assert_eq!(soon["message"], json!("The message was not sent in time (50 ms)"));
    let host = Launch::orchestrator(&app).port(port).start();
    let queued = page.run("queued");
    assert_eq!((&queued["authenticated"], &queued["params"]), (&json!(true), &json!("queued")));
    assert_eq!(page.run("heard"), json!(["ewd-registered", "socketDisconnected", "ewd-reregistered"]));
    let slept = host.lines().iter().filter(|line| line.contains("falling asleep")).count();
    assert_eq!(slept, 0, "what was under way is not sent again");
}

#[test]
fn a_session_that_is_of_no_use_any_more_is_told_and_replaced() {
    let app = app();
    let port = free_port();
    let mut host = Launch::orchestrator(&app).port(port).start();
    let mut page = started(&host);
    page.run(r#"QEWD.send({type: "sign_in"})"#);
    host.kill();
    page.wait_for("!QEWD.connected");
    page.run(r#"window.queued = refused(QEWD.send({type: "hello"})); true"#);
    let config = app.config().replace(SECRET, "another secret, long enough for everybody");
    app.write("configuration/config.json", config);
    let host = Launch::orchestrator(&app).port(port).start();
    let words = "The session was lost before the message was sent: Invalid JWT: Error: Signature verification failed";
    assert_eq!(page.run("queued"), json!({"message": words, "status": 401, "code": "session-lost", "hasId": false}));
    page.wait_for("QEWD.connected");
    let events = ["ewd-registered", "socketDisconnected", "ewd-session-lost", "ewd-registered"];
    assert_eq!(page.run("heard"), json!(events));
    assert_eq!(page.run(r#"QEWD.send({type: "hello"})"#)["authenticated"], json!(false));
    // The same on a connection that stays: the answer says that the token is no good.
    let bad = page.run(r#"QEWD.token = "a.b.c"; refused(QEWD.send({type: "hello"}))"#);
    assert_eq!((&bad["code"], &bad["status"]), (&json!("refused"), &json!(401)));
    page.wait_for("QEWD.connected");
    assert_eq!(page.run("heard.slice(4)"), json!(["ewd-session-lost", "ewd-registered"]));
    assert_eq!(page.run(r#"QEWD.send({type: "hello"})"#)["type"], json!("hello"));
    drop(host);
}

/// A WebSocket that never opens.
const NO_SOCKETS: &str = r#"{ window.Mine = WebSocket; window.WebSocket = class {
    constructor() { setTimeout(() => this.onclose({code: 1006, reason: ""})) } close() {} };
    sockets.at(-1).close(); new Promise((resolve) => QEWD.once("socketDisconnected", () => resolve(true))) }"#;

#[test]
fn messages_by_http_need_no_socket() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let mut page = started(&host);
    page.run(NO_SOCKETS);
    page.run(r#"window.queued = QEWD.send({type: "private"}); true"#);
    assert_eq!(page.run(r#"QEWD.send({type: "sign_in", ajax: true})"#), json!({"ok": true}));
    assert_eq!(page.run("QEWD.connected"), json!(false));
    page.run("window.WebSocket = Mine; true");
    assert_eq!(page.run("queued")["authenticated"], json!(true));
    // An answer that was asked for before the client came back does not bring the old socket's session back.
    page.run(r#"window.old = QEWD.send({type: "slowly", params: {milliseconds: 1500}, ajax: true}); true"#);
    host.wait_for("falling asleep");
    page.run("sockets.at(-1).close(); new Promise((resolve) => QEWD.once('ewd-reregistered', resolve))");
    let script = r#"(async () => { const id = async () => (await QEWD.send({type: "hello"})).socketId;
        const before = await id(); let isOld = true; old.then(() => isOld = false); await null;
        const wasOld = isOld; await old; return [wasOld, before === await id()] })()"#;
    assert_eq!(page.run(script), json!([true, true]));
    // A session that ends meanwhile is told, and a new one follows on the next connection.
    page.run(NO_SOCKETS);
    let bad = page.run(r#"QEWD.token = "a.b.c"; refused(QEWD.send({type: "hello", ajax: true}))"#);
    assert_eq!(bad["code"], json!("refused"));
    assert_eq!(page.run("[heard.at(-1), QEWD.connected]"), json!(["ewd-session-lost", false]));
    page.run("window.WebSocket = Mine; true");
    assert_eq!(page.run(r#"QEWD.send({type: "hello"})"#)["authenticated"], json!(false));
}

#[test]
fn pages_of_a_host_that_says_goodbye_do_not_come_back_all_at_once() {
    let app = app();
    let port = free_port();
    let mut host = Launch::orchestrator(&app).port(port).start();
    let mut page = started(&host);
    page.run("Math.random = () => 0.9; QEWD.on('socketDisconnected', ({code}) => { window.code = code; window.lost = Date.now() }) && true");
    host.signal("TERM");
    host.ended();
    let _host = Launch::orchestrator(&app).port(port).start();
    page.wait_for("heard.at(-1) === 'ewd-reregistered'");
    assert_eq!(page.run("code"), json!(1001));
    let waited = page.run("made[1] - lost").as_u64().unwrap();
    assert!((1800..4000).contains(&waited), "it came back after {waited} ms");
}

#[test]
fn a_page_without_a_network_waits_for_it() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let mut page = started(&host);
    page.run("window.online = true; Object.defineProperty(navigator, 'onLine', {get: () => online}); true");
    page.run("online = false; sockets.at(-1).close(); new Promise((resolve) => setTimeout(resolve, 500))");
    assert_eq!(page.run("[made.length, heard.at(-1)]"), json!([1, "socketDisconnected"]));
    page.run("online = true; window.since = Date.now(); dispatchEvent(new Event('online'))");
    page.wait_for("heard.at(-1) === 'ewd-reregistered'");
    assert!(page.run("made[1] - since").as_u64().unwrap() < 100);
}

#[test]
fn a_page_that_was_put_aside_comes_back_in_its_session() {
    let app = app();
    app.write("www/other.html", "other");
    let host = Launch::orchestrator(&app).start();
    let mut page = started(&host);
    page.run(r#"QEWD.send({type: "sign_in"})"#);
    // A page that believes to be offline would wait for five seconds, had it not been put aside.
    page.run(
        r#"Object.defineProperty(navigator, "onLine", {value: false});
        QEWD.on("socketDisconnected", ({reason}) => window.reason = reason);
        addEventListener("pageshow", () => window.shown = Date.now())"#,
    );
    page.go(&format!("http://localhost:{}/other.html", host.port));
    page.back(&format!("http://localhost:{}/", host.port));
    page.wait_for("heard.at(-1) === 'ewd-reregistered'");
    assert_eq!(page.run("heard"), json!(["ewd-registered", "socketDisconnected", "ewd-reregistered"]));
    assert_eq!(page.run("reason"), json!("the page was left"));
    assert!(page.run("made[1] - shown").as_i64().unwrap() < 1000);
    assert_eq!(page.run(r#"QEWD.send({type: "private"})"#)["authenticated"], json!(true));
}
