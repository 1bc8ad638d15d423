//! What a client may send, how much of it, and how many at once: the bounds at the door and in the line.

use crate::harness::{Answer, App, Fleet, Host, Launch, Request, raw, read_answer};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// One host with echoes and sleepers, and these settings.
fn host(qewd: &Value) -> Host {
    let routes = json!([
        {"uri": "/api/echo/:id", "method": "ANY", "handler": "echo", "authenticate": false},
        {"uri": "/api/sleep", "handler": "sleeper", "authenticate": false},
        {"uri": "/api/ask", "handler": "asker", "authenticate": false},
    ]);
    let app = App::new(json!({"qewd_up": true, "orchestrator": {"qewd": qewd}}), &routes)
        .guest("orchestrator", "echo")
        .guest("orchestrator", "sleeper")
        .guest("orchestrator", "asker");
    Launch::orchestrator(&app).start()
}

/// Sends raw text and reads the answer.
fn exchange(host: &Host, text: &str) -> Answer {
    read_answer(&mut raw(host.port, text.as_bytes()), true)
}

fn is_json_with_an_id(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{answer:?}");
    assert!(answer.header("x-request-id").is_some(), "{answer:?}");
}

#[test]
fn a_body_over_the_limit_is_refused_however_it_is_announced() {
    let host = host(&json!({"limits": {"bodyBytes": 1000}}));
    let words = r#"413 {"error":"The body is too large: at most 1000 bytes are allowed"}"#;
    assert_eq!(host.post("/api/echo/1", &"x".repeat(1000)).send().status, 200);
    let announced = host.post("/api/echo/1", &"x".repeat(1001)).send();
    assert_eq!(announced.shown(), words);
    is_json_with_an_id(&announced);

    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    let head = "POST /api/echo/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(&host, &format!("{head}{}0\r\n\r\n", chunk.repeat(2))).status, 200);
    assert_eq!(exchange(&host, &format!("{head}{}0\r\n\r\n", chunk.repeat(3))).shown(), words);
    // A client that goes on sending reads the answer all the same.
    let flood = host.post("/api/echo/1", &"x".repeat(4 << 20)).send();
    assert_eq!(flood.shown(), words);
}

#[test]
fn a_flood_of_headers_is_refused_in_json() {
    let host = host(&json!({}));
    let words = r#"431 {"error":"The headers are too large: at most 100 headers and 65536 bytes of them"}"#;
    let huge = host.get("/api/echo/1").header("X-Huge", &"x".repeat(100_000)).send();
    assert_eq!(huge.shown(), words);
    is_json_with_an_id(&huge);
    let many = (0..1000).fold(host.get("/api/echo/1"), |request, number| request.header(&format!("X-{number}"), "1"));
    assert_eq!(many.send().shown(), words);
    let fitting = host.get("/api/echo/1").header("X-Large", &"x".repeat(50_000)).send();
    assert_eq!(fitting.status, 200);
}

#[test]
fn what_is_not_http_is_answered_in_json() {
    let host = host(&json!({}));
    for text in ["nonsense\r\n\r\n", "GET /api/echo/1 HTTP/9.9\r\n\r\n", "GET /x HTTP/1.1\r\nbad header\r\n\r\n"] {
        let answer = exchange(&host, text);
        assert_eq!(answer.shown(), r#"400 {"error":"This is not an HTTP/1.1 request"}"#, "{text:?}");
        is_json_with_an_id(&answer);
    }
    // The connection is closed; the host is not.
    assert_eq!(host.get("/api/echo/1").send().status, 200);
}

#[test]
fn a_bad_body_is_named_with_its_place() {
    let fleet = Fleet::example();
    let token = fleet.orchestrator.login();
    let order = |body: &str| fleet.orchestrator.post("/api/info/order", body).token(&token).send().shown();
    assert_eq!(
        order("{\"item\":\"tea\"\n \"quantity\":2}"),
        r#"400 {"error":"The body is not valid JSON at line 2, column 2: expected `,` or `}`"}"#
    );
    assert_eq!(
        order(r#"{"item":"tea","amount":2}"#),
        concat!(
            r#"400 {"error":"The body is JSON, but not what is wanted here, at line 1, column 22: "#,
            r#"unknown field `amount`, expected `item` or `quantity`"}"#
        )
    );
    assert_eq!(
        order(r#"{"item":"tea""#),
        r#"400 {"error":"The body is not valid JSON at line 1, column 13: it ends too early"}"#
    );
    assert_eq!(order(""), r#"400 {"error":"The body is empty; this request wants JSON"}"#);
}

#[test]
fn a_full_line_says_when_to_come_back() {
    let host = host(&json!({"poolSize": 1, "max_queue_length": 1}));
    let mut first = host.get("/api/sleep?milliseconds=1500").begin();
    host.wait_for("falling asleep");
    // One of these has the place in the line, whichever comes first.
    let others = [host.get("/api/sleep"), host.get("/api/sleep")].map(Request::begin);
    let mut answers = others.map(|mut stream| read_answer(&mut stream, true));
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers[0].shown(), r#"200 {"slept":0,"for":null}"#);
    assert_eq!(answers[1].shown(), r#"503 {"error":"The service is busy; try again"}"#);
    assert_eq!(answers[1].header("retry-after"), Some("1"));
    host.wait_for("1 requests wait already; raise max_queue_length or poolSize");
    assert_eq!(read_answer(&mut first, true).status, 200);
}

#[test]
fn waiting_in_the_line_ends_with_the_requests_time() {
    let host = host(&json!({"poolSize": 1, "limits": {"requestMilliseconds": 700}}));
    let mut first = host.get("/api/sleep?milliseconds=100000").begin();
    host.wait_for("falling asleep");
    let second = host.get("/api/sleep").send();
    // The first one's time is over a moment before that of the second, which may then just find the worker free.
    assert!([200, 503, 504].contains(&second.status), "{}", second.shown());
    assert_eq!(read_answer(&mut first, true).status, 504);
    assert_eq!(host.get("/api/sleep").send().status, 200);
}

#[test]
fn a_handler_may_ask_another_one_however_small_the_pool() {
    // The one who asks holds the only worker, so its question must not have to wait for it.
    let host = host(&json!({"poolSize": 1, "limits": {"requestMilliseconds": 3000}}));
    let answer = host.get("/api/ask?path=/api/sleep").send();
    assert_eq!(answer.shown(), r#"200 {"slept":0,"for":null}"#);
}

#[test]
fn a_client_that_goes_away_frees_its_worker() {
    let host = host(&json!({"poolSize": 1}));
    let stream = host.get("/api/sleep?milliseconds=25000").begin();
    host.wait_for("falling asleep");
    drop(stream);
    let started = Instant::now();
    assert_eq!(host.get("/api/sleep").send().status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "the worker was held for {:?}", started.elapsed());
}

#[test]
fn a_kept_connection_serves_one_request_after_another() {
    let host = host(&json!({}));
    let mut text = String::new();
    for number in 1..=3 {
        write!(text, "GET /api/echo/{number} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    }
    let mut stream = raw(host.port, text.as_bytes());
    // They come back to back; each is as long as it says.
    let mut bytes = Vec::new();
    while bytes.windows(9).filter(|window| window == b"\"body\":\"\"").count() < 3 {
        let mut buffer = [0; 4096];
        let count = std::io::Read::read(&mut stream, &mut buffer).unwrap();
        assert!(count > 0, "the connection was closed");
        bytes.extend(&buffer[..count]);
    }
    let text = String::from_utf8(bytes).unwrap();
    let places: Vec<_> = ["\"id\":\"1\"", "\"id\":\"2\"", "\"id\":\"3\""].iter().map(|id| text.find(id)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
}

#[test]
fn a_request_names_its_host_once() {
    let host = host(&json!({}));
    for headers in ["", "Host: one\r\nHost: two\r\n"] {
        let answer = exchange(&host, &format!("GET /api/echo/1 HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"));
        assert_eq!(answer.shown(), r#"400 {"error":"A request needs one Host header"}"#);
        is_json_with_an_id(&answer);
    }
    let old = exchange(&host, "GET /api/echo/1 HTTP/1.0\r\n\r\n");
    assert_eq!(old.status, 200, "{}", old.shown());
}
