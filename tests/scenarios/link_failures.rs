//! What keeps two hosts apart, and what each of them says about it.

use crate::harness::{
    App, Fake, Fleet, Launch, PATIENCE, Request, SECRET, free_port, raw, read_answer, signed, wait_until,
};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const DOWN: &str = r#"503 {"error":"MicroService connection is down"}"#;

/// An orchestrator and `far`, with this `jwt`.
fn app(jwt: &Value) -> App {
    let routes = json!([{"uri": "/api/sleep", "handler": "sleeper", "on_microservice": "far", "authenticate": false}]);
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": [{"name": "far"}], "jwt": jwt});
    App::new(config, &routes).guest("far", "sleeper")
}

#[test]
fn a_service_killed_in_mid_request_is_answered_for_at_once() {
    let mut fleet = Fleet::start(app(&json!({})), &["far"]);
    let mut asking: Vec<_> = (0..3).map(|_| fleet.orchestrator.get("/api/sleep?milliseconds=25000").begin()).collect();
    let service = fleet.service("far");
    wait_until("all of them sleep", || {
        service.lines().iter().filter(|line| line.contains("falling asleep")).count() == 3
    });
    service.kill();
    let started = Instant::now();
    for stream in &mut asking {
        assert_eq!(read_answer(stream, true).shown(), DOWN);
    }
    assert!(started.elapsed() < Duration::from_secs(1), "it took {:?}", started.elapsed());
    fleet.orchestrator.wait_for("in_flight=3");
}

#[test]
fn a_service_that_falls_silent_is_found_out_in_seconds() {
    let mut fleet = Fleet::start(app(&json!({})), &["far"]);
    let mut asking = fleet.orchestrator.get("/api/sleep?milliseconds=25000").begin();
    fleet.service("far").wait_for("falling asleep");
    fleet.service("far").signal("STOP");
    let started = Instant::now();
    assert_eq!(read_answer(&mut asking, true).shown(), DOWN);
    assert!(started.elapsed() < Duration::from_secs(8), "it took {:?}", started.elapsed());
    fleet.orchestrator.wait_for("nothing was heard of it for 5 seconds");
    // And when it goes on, the link does too.
    fleet.service("far").signal("CONT");
    wait_until("it is linked again", || fleet.orchestrator.get("/api/sleep").send().status == 200);
}

#[test]
fn different_secrets_are_said_on_both_sides() {
    let service = Launch::microservice(&app(&json!({"secret": "one"})), "far").start();
    let orchestrator = Launch::orchestrator(&app(&json!({"secret": "two"}))).reaching("far", service.port).start();
    let mend = "it was not signed with this host's jwt.secret; \
                put the same jwt.secret into config.json on both hosts and restart";
    service.wait_for(&format!("refused a link from 127.0.0.1: {mend}"));
    let line = orchestrator.wait_for(&format!("far at http://127.0.0.1:{} cannot be used: ", service.port));
    assert!(line.contains("ERROR") && line.contains(mend), "{line}");
    assert_eq!(orchestrator.get("/api/sleep").send().shown(), DOWN);
}

#[test]
fn another_service_at_the_address_is_named() {
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": [{"name": "far"}, {"name": "other"}]});
    let app = App::new(config, &json!([]));
    let other = Launch::microservice(&app, "other").start();
    let orchestrator = Launch::orchestrator(&app).reaching("far", other.port).reaching("other", other.port).start();
    let line = orchestrator.wait_for("it was made for far; mend host and port of both in config.json");
    assert!(line.contains(&format!("far at http://127.0.0.1:{}", other.port)), "{line}");
    orchestrator.wait_for("other registered");
}

#[test]
fn a_web_server_at_the_address_is_named_once() {
    let (told, tries) = mpsc::channel();
    let fake = Fake::start(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        // The test may be over.
        let _ = told.send(());
    });
    let orchestrator = Launch::orchestrator(&app(&json!({}))).reaching("far", fake.port).start();
    let words = "what answers there is no qewd host";
    let line = orchestrator.wait_for(words);
    assert!(line.contains("ERROR") && line.contains("mend host and port in config.json"), "{line}");
    // It goes on trying without a word.
    for _ in 0..4 {
        tries.recv_timeout(PATIENCE).unwrap();
    }
    assert_eq!(orchestrator.lines().iter().filter(|line| line.contains(words)).count(), 1);
    assert_eq!(orchestrator.get("/api/sleep").send().shown(), DOWN);
}

#[test]
fn something_that_does_not_even_speak_http_is_named() {
    let fake = Fake::start(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n");
        let _ = stream.read(&mut [0; 4096]);
    });
    let orchestrator = Launch::orchestrator(&app(&json!({}))).reaching("far", fake.port).start();
    let line = orchestrator.wait_for(&format!("far at http://127.0.0.1:{}", fake.port));
    assert!(line.contains("is no qewd host") && line.contains("mend host and port in config.json"), "{line}");
}

#[test]
fn something_that_never_answers_is_said() {
    let fake = Fake::start(|stream| {
        std::thread::spawn(move || {
            // Read to the end: the host's, when it gives up.
            let _ = std::io::copy(&mut &stream, &mut std::io::sink());
        });
    });
    let orchestrator = Launch::orchestrator(&app(&json!({}))).reaching("far", fake.port).start();
    orchestrator.wait_for(&format!("waiting for far at http://127.0.0.1:{}: it does not answer", fake.port));
    let started = Instant::now();
    assert_eq!(orchestrator.get("/api/sleep").send().shown(), DOWN);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn no_client_gets_a_link() {
    let host = Launch::microservice(&app(&json!({})), "far").start();
    let knock = |headers: &str| {
        let text = format!("GET /qewd/link HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        read_answer(&mut raw(host.port, text.as_bytes()), true)
    };
    assert_eq!(knock("").shown(), r#"426 {"error":"Only qewd hosts connect here, by WebSocket"}"#);
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let other = knock(upgrade);
    assert_eq!(
        other.shown(),
        r#"400 {"error":"This host speaks qewd-link.3; run the same version of qewd on both hosts"}"#
    );
    let link = format!("{upgrade}Sec-WebSocket-Protocol: qewd-link.3\r\n");
    // A user's token is as little a key as none, or as one that somebody made up.
    let claims = json!({"iss": "qewd.link", "from": "orchestrator"});
    let user = signed(jsonwebtoken::Algorithm::HS256, SECRET, &claims);
    for authorization in
        [String::new(), "Authorization: Bearer a.b.c\r\n".to_owned(), format!("Authorization: Bearer {user}\r\n")]
    {
        let answer = knock(&format!("{link}{authorization}"));
        assert_eq!(answer.status, 401, "{}", answer.shown());
        assert!(answer.text().starts_with(r#"{"error":"the link's token is refused: "#), "{}", answer.shown());
    }
    assert!(!host.lines().iter().any(|line| line.contains("received message")));
}

#[test]
fn a_route_to_a_handler_that_the_service_lacks_is_said_when_they_meet() {
    let route =
        |handler: &str| json!([{"uri": "/api/x", "handler": handler, "on_microservice": "far", "authenticate": false}]);
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": [{"name": "far"}]});
    let far = App::new(config.clone(), &route("list")).guest("far", "echo");
    let port = free_port();
    let orchestrator = Launch::orchestrator(&App::new(config, &route("lists"))).reaching("far", port).start();
    let _service = Launch::microservice(&far, "far").port(port).start();
    let line = orchestrator.wait_for("far has no handler lists");
    assert!(line.contains("configuration/routes.json:1:2") && line.contains("it offers echo, list"), "{line}");
}

#[test]
fn a_service_that_is_down_is_said_to_whoever_shows_no_token() {
    let orchestrator = Launch::orchestrator(&App::example()).reaching("login_service", free_port()).start();
    for (method, path) in [("POST", "/api/login"), ("GET", "/api/login/user"), ("GET", "/api/login/user/")] {
        assert_eq!(Request::new(orchestrator.port, method, path).send().shown(), DOWN, "{method} {path}");
    }
    // A token that is shown is looked at first.
    let forged = orchestrator.get("/api/login/user").token("a.b.c").send();
    assert_eq!(forged.status, 401, "{}", forged.shown());
    let good = signed(jsonwebtoken::Algorithm::HS256, SECRET, &json!({}));
    assert_eq!(orchestrator.get("/api/login/user").token(&good).send().shown(), DOWN);
}

#[test]
fn a_request_whose_time_passes_in_the_line_is_never_run() {
    let app = app(&json!({})).setting("far", "poolSize", 1).setting(
        "orchestrator",
        "limits",
        json!({"requestMilliseconds": 700}),
    );
    let mut fleet = Fleet::start(app, &["far"]);
    let far = fleet.service("far").port;
    // Asked directly, the one worker is held for longer than the orchestrator's callers wait.
    let mut holding = Request::new(far, "GET", "/api/sleep?milliseconds=3000").begin();
    fleet.service("far").wait_for("falling asleep");
    let waiting = fleet.orchestrator.get("/api/sleep").send();
    assert_eq!(waiting.shown(), r#"503 {"error":"The service is busy; try again"}"#);
    assert_eq!(waiting.header("retry-after"), Some("1"));
    assert_eq!(read_answer(&mut holding, true).status, 200);
    let slept = fleet.service("far").lines().iter().filter(|line| line.contains("falling asleep")).count();
    assert_eq!(slept, 1, "the request that waited too long ran all the same");
}
