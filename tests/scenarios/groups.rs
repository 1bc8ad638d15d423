//! Routes to a group: all members are asked at once, and their answers come as one, to the letter.

use crate::harness::{App, Fleet, Host, Launch, SECRET, signed};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const DOWN: &str = r#"503 {"error":"MicroService connection is down"}"#;
const LIST: &str = r#"[{"id":1},{"id":2}]"#;

fn open(uri: &str, handler: &str, group: &str) -> Value {
    json!({"uri": uri, "handler": handler, "on_microservice": group, "authenticate": false, "method": "ANY"})
}

/// Services a, b and c with the same handlers; the group `pair` holds a and b, the group `most` c and `pair`.
fn app() -> App {
    let config = json!({
        "qewd_up": true, "orchestrator": {},
        "microservices": [
            {"name": "a"}, {"name": "b"}, {"name": "c"},
            {"name": "pair", "members": ["a", "b"]}, {"name": "most", "members": ["c", "pair", "a"]},
        ],
    });
    let routes = json!([
        open("/api/list", "list", "pair"), open("/api/text", "text", "pair"), open("/api/nothing", "nothing", "pair"),
        open("/api/number", "number", "most"), open("/api/echo/:id", "echo", "most"),
        open("/api/sleep", "sleeper", "pair"), open("/api/refuse", "refuses", "pair"),
        {"uri": "/api/protected", "handler": "list", "on_microservice": "pair"},
        {"uri": "/api/ask", "handler": "asker", "on_microservice": "a", "authenticate": false},
        {"uri": "/api/all_of_us", "handler": "number", "on_microservice": "pair", "from_microservices": ["a"],
         "authenticate": false},
    ]);
    let mut app = App::new(config, &routes).guest("a", "asker");
    for host in ["a", "b", "c"] {
        app = app.guest(host, "echo").guest(host, "sleeper").guest(host, "refuses");
    }
    app
}

fn fleet(app: App) -> Fleet {
    // a reaches b.
    Fleet::start(app, &["b", "a", "c"])
}

fn token() -> String {
    signed(Algorithm::HS256, SECRET, &json!({}))
}

#[test]
fn the_answers_of_all_members_come_as_one() {
    let fleet = fleet(app());
    let get = |path: &str| fleet.orchestrator.get(path).send();
    for (path, expected) in [
        ("/api/list", format!(r#"200 {{"results":{{"a":{LIST},"b":{LIST}}}}}"#)),
        ("/api/text", r#"200 {"results":{"a":"plain words","b":"plain words"}}"#.to_owned()),
        ("/api/nothing", r#"200 {"results":{"a":null,"b":null}}"#.to_owned()),
        // Members of a group within a group stand in its place, and each is asked once.
        ("/api/number", r#"200 {"results":{"c":42,"a":42,"b":42}}"#.to_owned()),
    ] {
        let answer = get(path);
        assert_eq!(answer.shown(), expected);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    }
    let answer = fleet.orchestrator.post("/api/echo/7?tag=x", "{\"y\":1}").send().json();
    for member in ["a", "b", "c"] {
        let own = &answer["results"][member];
        let seen = (&own["application"], &own["method"], &own["id"], &own["tags"], &own["body"], &own["client"]);
        let (tags, client) = (json!(["x"]), json!("127.0.0.1"));
        assert_eq!(seen, (&json!(member), &json!("POST"), &json!("7"), &tags, &json!("{\"y\":1}"), &client));
    }
    // One line for the request, and one for each member.
    let id = get("/api/list").header("x-request-id").unwrap().to_owned();
    fleet.orchestrator.wait_for(&format!("request=\"{id}\""));
    fleet.orchestrator.wait_for("asked a: GET \"/api/list\" -> 200 in");
    fleet.orchestrator.wait_for("asked b: GET \"/api/list\" -> 200 in");
}

#[test]
fn the_callers_token_is_checked_once_and_renewed_once() {
    let fleet = fleet(app());
    let protected = || fleet.orchestrator.get("/api/protected");
    let answer = protected().token(&token()).send();
    assert_eq!(answer.shown(), format!(r#"200 {{"results":{{"a":{LIST},"b":{LIST}}},"token":"…"}}"#));
    assert_eq!(answer.header("qewd-token"), None);
    assert_eq!(protected().token(&answer.token()).send().status, 200);
    let refused = protected().send();
    assert_eq!(refused.status, 401);
    assert!(refused.text().starts_with(r#"{"error":"Authorization Header missing"#), "{refused:?}");
    assert_eq!(protected().token("a.b.c").send().status, 401);
    let asked = fleet.hosts().skip(1).flat_map(Host::lines).filter(|line| line.contains("-> 401")).count();
    assert_eq!(asked, 0, "a refused request costs no hop");
}

#[test]
fn a_member_that_fails_stands_among_the_results() {
    let mut fleet = fleet(app().setting("b", "limits", json!({"bodyBytes": 4})));
    let large = fleet.orchestrator.post("/api/number", "12345").send();
    let words = "The body is too large for the service: at most 4 bytes are allowed";
    assert_eq!(
        large.shown(),
        format!(r#"200 {{"results":{{"c":42,"a":42,"b":{{"error":"{words}","status":{{"code":413}}}}}}}}"#)
    );
    fleet.service("a").kill();
    fleet.orchestrator.wait_for("*** server has disconnected socket");
    let down = r#"{"error":"MicroService connection is down","status":{"code":503}}"#;
    let answer = fleet.orchestrator.get("/api/list").token(&token()).send();
    assert_eq!(answer.shown(), format!(r#"200 {{"results":{{"a":{down},"b":{LIST}}},"token":"…"}}"#));
    // All fail, each in its own way.
    let both = fleet.orchestrator.post("/api/list", "12345").send();
    assert_eq!(
        both.shown(),
        format!(
            r#"400 {{"error":{{"destinations":{{"a":{down},"b":{{"error":"{words}","status":{{"code":413}}}}}}}}}}"#
        )
    );
}

#[test]
fn where_all_members_fail_alike_the_group_fails_alike() {
    let mut fleet = fleet(app());
    let refused = fleet.orchestrator.get("/api/refuse").send();
    assert!(refused.status >= 400 && refused.text().starts_with(r#"{"error":""#), "{refused:?}");
    for member in ["a", "b"] {
        let seen = fleet.orchestrator.seen();
        fleet.service(member).kill();
        fleet.orchestrator.wait_for_after(seen, "*** server has disconnected socket");
    }
    // Any request shows an operator that the services are down, also one without a token.
    assert_eq!(fleet.orchestrator.get("/api/protected").send().shown(), DOWN);
    assert_eq!(fleet.orchestrator.get("/api/protected").token(&token()).send().shown(), DOWN);
    assert_eq!(fleet.orchestrator.get("/api/list").send().shown(), DOWN);
}

#[test]
fn a_slow_member_is_answered_for_in_time() {
    let limits = json!({"requestMilliseconds": 1500});
    let mut fleet = fleet(app().setting("orchestrator", "limits", limits));
    let late = r#"{"error":"The request took too long and was given up","status":{"code":504}}"#;
    // It holds its link, but does nothing.
    fleet.service("b").freeze();
    let asked = || {
        let started = Instant::now();
        (fleet.orchestrator.get("/api/list").send().shown(), started.elapsed())
    };
    let (answer, took) = asked();
    // The deadline is the request's, and what the other member said is not lost with it.
    assert!((Duration::from_millis(1350)..Duration::from_secs(5)).contains(&took), "it took {took:?}");
    assert_eq!(answer, format!(r#"200 {{"results":{{"a":{LIST},"b":{late}}}}}"#));
    fleet.service("b").signal("CONT");
    // Where all are late, the caller gets one answer of the usual kind.
    let all_late = fleet.orchestrator.get("/api/sleep?milliseconds=5000").send();
    assert_eq!(all_late.shown(), r#"504 {"error":"The request took too long and was given up"}"#);
}

#[test]
fn members_are_asked_at_the_same_time() {
    let fleet = fleet(app());
    let started = Instant::now();
    let answer = fleet.orchestrator.get("/api/sleep?milliseconds=1500").send();
    assert_eq!(answer.json()["results"]["b"]["slept"], 1500);
    assert!(started.elapsed() < Duration::from_millis(2900), "one after the other: {:?}", started.elapsed());
}

#[test]
fn a_member_asks_its_own_group_and_answers_its_own_part() {
    let fleet = fleet(app());
    let answer = fleet.orchestrator.get("/api/ask?path=/api/all_of_us").send();
    assert_eq!(answer.shown(), r#"200 {"results":{"a":42,"b":42}}"#);
    // Without `from_microservices` a member is asked for its own part only.
    let own = fleet.orchestrator.get("/api/ask?path=/api/list").send();
    assert_eq!(own.shown(), format!("200 {LIST}"));
    // The orchestrator has no such route.
    assert_eq!(fleet.orchestrator.get("/api/all_of_us").send().status, 404);
}

#[test]
fn a_caller_that_goes_away_frees_the_workers_of_all_members() {
    let fleet = fleet(app().setting("a", "poolSize", 1).setting("b", "poolSize", 1));
    let asking = fleet.orchestrator.get("/api/sleep?milliseconds=25000").begin();
    fleet.hosts().skip(1).take(2).for_each(|host| {
        host.wait_for("falling asleep");
    });
    drop(asking);
    let started = Instant::now();
    assert_eq!(fleet.orchestrator.get("/api/list").send().status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "the workers were held for {:?}", started.elapsed());
}

#[test]
fn a_group_cannot_be_started() {
    let ended = Launch::microservice(&app(), "pair").fails();
    assert!(ended.err.contains("\"pair\" is a group and cannot be started; start its members"), "{ended:?}");
}
