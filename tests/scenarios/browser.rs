//! qewd-client.js in a real browser, on pages that the host itself serves.

mod returning;

use crate::harness::{App, Fleet, Host, Launch, PATIENCE, Page, workspace};
use serde_json::{Value, json};
use std::time::Instant;

/// A page that has the client, tells of its events, and waits for what the test does.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>test</title><p id="here">old</p><script type="module">
import QEWD, { Client, QewdError } from "/qewd-client.js";
const heard = [];
/** All sockets that the page made, when, and how often each type was sent. */
const sockets = [], made = [], sent = {};
window.WebSocket = class extends WebSocket {
  constructor(url) { super(url); sockets.push(this); made.push(Date.now()); }
  send(text) { const { type } = JSON.parse(text); sent[type] = (sent[type] ?? 0) + 1; super.send(text); }
};
const tell = (client) => {
  for (const type of ["ewd-registered", "ewd-reregistered", "ewd-session-lost", "socketDisconnected"])
    client.on(type, () => heard.push(type));
  return client;
};
tell(QEWD);
/** What a promise was rejected with. */
const refused = (promise) => promise.then(() => "not refused", ({ message, status, code, requestId }) =>
  ({ message, status, code, hasId: typeof requestId === "string" }));
Object.assign(window, { QEWD, Client, QewdError, heard, tell, refused, sockets, made, sent });
</script>"#;

fn app() -> App {
    let mut routes = Vec::new();
    for handler in ["hello", "sign_in", "count", "shout", "whisper", "slowly"] {
        routes.push(json!({"application": "demo", "type": handler, "handler": handler, "authenticate": false}));
    }
    routes.push(json!({"application": "demo", "type": "private", "handler": "hello"}));
    let config = json!({"qewd_up": true, "orchestrator": {"qewd": {"poolSize": 4}}});
    let app = App::new(config, &Value::from(routes)).guest("orchestrator", "chatty");
    app.write("www/index.html", PAGE);
    app
}

fn page(host: &Host) -> Page {
    Page::open(&format!("http://localhost:{}/", host.port))
}

fn started(host: &Host) -> Page {
    let mut page = page(host);
    assert_eq!(page.run(r#"QEWD.start({application: "demo"})"#), json!({"resumed": false}));
    page
}

#[test]
fn a_page_registers_sends_and_hears() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let mut one = started(&host);
    let hello = one.run(r#"QEWD.send({type: "hello", params: {a: [1, "ö"]}})"#);
    assert_eq!((&hello["type"], &hello["params"]), (&json!("hello"), &json!({"a": [1, "ö"]})));
    assert_eq!((&hello["kind"], &hello["token"]), (&json!("message"), &Value::Null), "the client keeps the token");
    // The forms that people know: a callback, a reply, an event.
    let script = r#"new Promise((resolve) => QEWD.send({type: "hello", params: 1}, resolve))"#;
    assert_eq!(one.run(script)["message"]["params"], json!(1));
    assert_eq!(one.run(r#"QEWD.reply({type: "hello", params: 2})"#)["message"]["params"], json!(2));
    let script = r#"new Promise((resolve) => { QEWD.once("hello", resolve); QEWD.send({type: "hello", params: 3}) })"#;
    assert_eq!(one.run(script)["message"]["params"], json!(3));
    // Answers find their messages, whichever comes first; and more than a host takes at one time.
    let script = r#"Promise.all([[400, 1], [1, 2]].map(([milliseconds, n]) =>
        QEWD.send({type: "slowly", params: {milliseconds, n}}))).then((all) => all.map(({n}) => n))"#;
    assert_eq!(one.run(script), json!([1, 2]));
    let script = r#"Promise.all(Array.from({length: 90}, (_, n) => QEWD.send({type: "hello", params: n})))
        .then((all) => all.every(({params}, n) => params === n))"#;
    assert_eq!(one.run(script), json!(true));
    // Intermediate messages.
    let script = r#"{ window.parts = []; const events = []; QEWD.on("progress", ({message}) => events.push(message.number));
        QEWD.send({type: "count", params: {to: 3, as: "progress"}}, {onPart: ({number}) => parts.push(number)})
            .then(({counted}) => ({counted, parts, events})) }"#;
    assert_eq!(one.run(script), json!({"counted": 3, "parts": [1, 2, 3], "events": [1, 2, 3]}));
    // Pushes, in another tab.
    let mut two = started(&host);
    two.run(r#"QEWD.on("shouted", (push) => window.push = push) && true"#);
    one.run(r#"QEWD.send({type: "shout", params: {to: "demo", words: "dear all"}})"#);
    two.wait_for("window.push !== undefined");
    assert_eq!(two.run("push"), json!({"type": "shouted", "message": {"words": "dear all"}}));
}

#[test]
fn errors_reject_with_their_status() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let mut page = page(&host);
    let refused =
        |message: &str, status: u16| json!({"message": message, "status": status, "code": "refused", "hasId": true});
    let mine = |message: &str, code: &str| json!({"message": message, "code": code, "hasId": false});
    assert_eq!(page.run(r#"refused(QEWD.send({type: "hello"}))"#), mine("The client is not started", "stopped"));
    let words = "Registering needs an \"application\": use 1 to 64 letters, digits, '_', '-' and '.', and do not begin with '.'";
    let bad = page.run(r#"refused(QEWD.start({application: "a b"}))"#);
    assert_eq!((&bad["message"], &bad["status"]), (&json!(words), &json!(400)));
    page.run(r#"QEWD.start({application: "demo"})"#);
    let unknown = "Handler not defined for demo messages of type nosuch";
    assert_eq!(page.run(r#"refused(QEWD.send({type: "nosuch"}))"#), refused(unknown, 404));
    assert_eq!(page.run(r#"refused(QEWD.send({type: "private"}))"#), refused("User is not authenticated", 401));
    let answer = page.run(r#"QEWD.reply({type: "nosuch"})"#);
    assert_eq!((&answer["message"]["error"], &answer["status"]), (&json!(unknown), &json!(404)));
    let event = r#"new Promise((resolve) => { QEWD.once("error", ({type, status}) => resolve({type, status}));
        QEWD.send({type: "nosuch"}, () => {}) })"#;
    assert_eq!(page.run(event), json!({"type": "nosuch", "status": 404}));
    let late = r#"refused(QEWD.send({type: "slowly", params: {milliseconds: 5000}}, {timeout: 100}))"#;
    let words = "No answer came in time; the message may or may not have run (100 ms)";
    assert_eq!(page.run(late), mine(words, "timeout"));
    assert_eq!(page.run("refused(QEWD.send({}))")["message"], json!("A message is an object with a \"type\""));
    page.run(r#"window.last = refused(QEWD.send({type: "slowly", params: {milliseconds: 5000}})); QEWD.disconnect()"#);
    assert_eq!(page.run("last"), mine("The client was disconnected", "stopped"));
    assert_eq!(page.run("QEWD.connected"), json!(false));
    assert_eq!(
        page.run(r#"QEWD.start({application: "demo"}).then(() => QEWD.send({type: "hello"}))"#)["type"],
        json!("hello")
    );
}

#[test]
fn ajax_and_fragments_belong_to_the_same_session() {
    let app = app();
    app.write("www/demo/part.html", "<b>new ö</b>");
    let host = Launch::orchestrator(&app).start();
    let mut page = started(&host);
    assert_eq!(page.run(r#"QEWD.send({type: "sign_in", ajax: true})"#), json!({"ok": true}));
    assert_eq!(page.run(r#"QEWD.send({type: "private"})"#)["authenticated"], json!(true));
    assert_eq!(page.run(r#"QEWD.send({type: "private", ajax: true})"#)["authenticated"], json!(true));
    let unknown = page.run(r#"refused(QEWD.send({type: "nosuch", ajax: true}))"#);
    assert_eq!(unknown["message"], json!("Handler not defined for demo messages of type nosuch"));
    assert_eq!((&unknown["status"], &unknown["hasId"]), (&json!(400), &json!(true)));
    assert_eq!(page.run(r#"QEWD.getFragment({name: "part.html", targetId: "here"})"#), json!("<b>new ö</b>"));
    assert_eq!(page.run(r#"document.getElementById("here").innerHTML"#), json!("<b>new ö</b>"));
    page.run(r#"QEWD.getFragment({name: "part.html", targetId: "here", append: true})"#);
    assert_eq!(page.run(r#"document.getElementById("here").children.length"#), json!(2));
    let missing = page.run(r#"refused(QEWD.getFragment({name: "none.html"}))"#);
    assert_eq!(missing["message"], json!("Fragment file none.html does not exist"));
    // The token is there for REST requests of the same session.
    assert_eq!(page.run("QEWD.token.split('.').length"), json!(3));
}

#[test]
fn an_idle_page_keeps_its_session() {
    let app = app().setting("orchestrator", "initialSessionTimeout", 3);
    let host = Launch::orchestrator(&app).start();
    let mut page = started(&host);
    page.run(r#"window.other = tell(new Client({application: "demo", renew: false})); other.start()"#);
    page.run(r#"Promise.all([QEWD.send({type: "sign_in"}), other.send({type: "sign_in"})])"#);
    let since = Instant::now();
    // Until the other one's has ended, which nobody renews, and one more time.
    let ended = r#"other.send({type: "private"}).then(() => false, ({message}) => message)"#;
    page.run("new Promise((resolve) => setTimeout(resolve, 6500))");
    assert!(since.elapsed() < PATIENCE);
    assert_eq!(page.run(ended), json!("Invalid JWT: Error: Token expired"));
    assert_eq!(page.run(r#"QEWD.send({type: "private"})"#)["authenticated"], json!(true));
    page.wait_for("other.connected");
    assert_eq!(page.run("heard"), json!(["ewd-registered", "ewd-registered", "ewd-session-lost", "ewd-registered"]));
}

#[test]
fn a_kept_session_outlives_a_reload() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let mut page = page(&host);
    let start = r#"QEWD.start({application: "demo", keep: true})"#;
    let here = format!("http://localhost:{}/", host.port);
    assert_eq!(page.run(start), json!({"resumed": false}));
    page.run(r#"QEWD.send({type: "sign_in"})"#);
    page.go(&format!("{here}?again"));
    assert_eq!(page.run(start), json!({"resumed": true}));
    assert_eq!(page.run(r#"QEWD.send({type: "private"})"#)["authenticated"], json!(true));
    // A tab that this one opens begins with the same session, on a socket of its own.
    page.run(r#"window.tab = open("/?tab"); true"#);
    page.wait_for("tab.QEWD !== undefined");
    assert_eq!(page.run(&format!("tab.{start}")), json!({"resumed": true}));
    let script = r#"Promise.all([QEWD, tab.QEWD].map((client) => client.send({type: "private"})))
        .then(([mine, other]) => [mine.authenticated, other.authenticated, mine.socketId === other.socketId])"#;
    assert_eq!(page.run(script), json!([true, true, false]));
    page.run("tab.QEWD.disconnect(); tab.close()");
    assert_eq!(page.run(r#"QEWD.send({type: "private"})"#)["authenticated"], json!(true));
    assert_eq!(page.run("QEWD.disconnect(); sessionStorage.length"), json!(0));
    page.go(&here);
    assert_eq!(page.run(start), json!({"resumed": false}));
    // Storage that holds something else is no reason to stay away.
    page.run(r#"sessionStorage.setItem(Object.keys(sessionStorage)[0], "nonsense")"#);
    page.go(&format!("{here}?third"));
    assert_eq!(
        page.run(&format!("{start}.then(({{resumed}}) => [resumed, heard])")),
        json!([false, ["ewd-session-lost", "ewd-registered"]])
    );
}

#[test]
fn a_message_ends_once_and_what_the_page_breaks_stays_its_own() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let mut page = started(&host);
    page.run("window.errors = []; QEWD.on('error', ({code}) => errors.push(code)) && true");
    page.run(r#"refused(QEWD.send({type: "slowly", params: {milliseconds: 900}, ajax: true}, {timeout: 50}))"#);
    page.run(r#"QEWD.send({type: "hello", ajax: true})"#);
    assert_eq!(page.run("errors"), json!(["timeout"]));
    // A handler that fails is reported, and the others get what they wait for.
    let script = r#"{ window.reported = []; const events = [];
        addEventListener("error", (event) => { reported.push(event.error.message); event.preventDefault() });
        QEWD.on("count", ({finished}) => events.push(finished));
        QEWD.send({type: "count", params: {to: 2}}, {onPart() { throw new Error("mine") }})
            .then(() => new Promise((resolve) => setTimeout(resolve))).then(() => [events, reported]) }"#;
    assert_eq!(page.run(script), json!([[false, false, true], ["mine", "mine"]]));
    // A handler's words are not the client's own, whatever their name.
    let script = r#"{ const parts = []; QEWD.send({type: "count", params: {to: 1, as: "socketDisconnected"}},
        {onPart: (part, {type}) => parts.push(type)}).then(() => [parts, heard]) }"#;
    assert_eq!(page.run(script), json!([["socketDisconnected"], ["ewd-registered"]]));
    // Who disconnects at the first error hears of each message once.
    let script = r#"{ errors.length = 0; QEWD.once("error", () => QEWD.disconnect());
        const slow = (ajax) => refused(QEWD.send({type: "slowly", params: {milliseconds: 5000}, ajax}));
        Promise.all([slow(false), slow(true), slow(false), refused(QEWD.send({type: "nosuch"}))])
            .then((all) => new Promise((resolve) => setTimeout(() => resolve([all.map(({code}) => code), errors.sort()])))) }"#;
    let (stopped, codes) = ("stopped", ["refused", "stopped", "stopped", "stopped"]);
    assert_eq!(page.run(script), json!([[stopped, stopped, stopped, "refused"], codes]));
}

#[test]
fn a_start_that_cannot_be_says_so() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let mut page = page(&host);
    page.run(r#"refused(QEWD.start({application: "demo", url: "ftp://here"}))"#);
    assert_eq!(page.run(r#"refused(QEWD.send({type: "hello"}))"#)["code"], json!("stopped"));
    let start = r#"QEWD.start({application: "demo"})"#;
    assert_eq!(page.run(start), json!({"resumed": false}));
    assert_eq!(page.run(start), json!({"resumed": false}), "the same again changes nothing");
    let other = page.run(r#"refused(QEWD.start({application: "other"}))"#);
    assert_eq!(other["message"], json!("The client was started with other options; disconnect it first"));
    assert_eq!(page.run(r#"QEWD.send({type: "hello"})"#)["application"], json!("demo"));
}

#[test]
fn messages_that_come_too_late_are_followed_by_one_question() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let mut page = started(&host);
    // More than the host takes at one time, so that it also refuses to renew the session for a while.
    page.run(
        r#"Promise.all(Array.from({length: 200}, () =>
            refused(QEWD.send({type: "slowly", params: {milliseconds: 300}}, {timeout: 200}))))"#,
    );
    let script = r#"(async () => { while ((await refused(QEWD.send({type: "hello"}))) !== "not refused")
        await new Promise((resolve) => setTimeout(resolve, 50)); return sent["ewd-reregister"] })()"#;
    let asked = page.run(script).as_u64().unwrap();
    assert!((1..=10).contains(&asked), "the client asked {asked} times whether the host lives");
    assert_eq!(page.run("heard"), json!(["ewd-registered"]));
}

#[test]
fn a_page_of_another_origin_comes_in_only_where_cors_allows_it() {
    let app = app();
    let home = Launch::orchestrator(&app).start();
    let origin = format!("http://localhost:{}", home.port);
    let allowing = self::app().setting("orchestrator", "cors", json!([origin]));
    let refusing = self::app().setting("orchestrator", "cors", json!(["https://shop.example.com"]));
    let (allowing, refusing) = (Launch::orchestrator(&allowing).start(), Launch::orchestrator(&refusing).start());
    let mut page = page(&home);
    let client = |port: u16| format!(r#"new Client({{application: "demo", url: "http://localhost:{port}"}})"#);
    page.run(&format!("window.far = {}; far.start()", client(allowing.port)));
    assert_eq!(page.run(r#"far.send({type: "sign_in"})"#), json!({"ok": true}));
    assert_eq!(page.run(r#"far.send({type: "private", ajax: true})"#)["authenticated"], json!(true));
    let script = format!(
        r#"new Promise((resolve) => {{ const none = {}; none.on("error", ({{code, message}}) => {{ none.disconnect(); resolve([code, message]) }}); none.start() }})"#,
        client(refusing.port)
    );
    let words =
        format!("ws://localhost:{}/ws cannot be reached, or does not allow this page; trying again", refusing.port);
    assert_eq!(page.run(&script), json!(["unreachable", words]));
    refusing.wait_for("\"cors\" in config.json does not allow its page's origin");
}

#[test]
fn the_page_of_the_example_shows_its_greeting() {
    let app = App::example();
    app.write("www/index.html", std::fs::read(workspace().join("www/index.html")).unwrap());
    let fleet = Fleet::start(app, &Fleet::EXAMPLE);
    let mut page = page(&fleet.orchestrator);
    page.wait_for(r#"document.getElementById("greeting").textContent === "Welcome to the qewd example""#);
    assert_eq!(page.run(r#"document.getElementById("state").textContent"#), json!("qewd example 0.1.0"));
}

/// The client comes from the program, so every host has it, also one without any page.
#[test]
fn every_host_serves_the_client() {
    let fleet = Fleet::example();
    for host in fleet.hosts() {
        let answer = host.get("/qewd-client.js").send();
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/javascript; charset=utf-8")));
        assert!(answer.text().contains("export class Client"));
    }
}
