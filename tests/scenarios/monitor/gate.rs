//! Who comes in, and who does not.

use super::*;
use crate::harness::{DEFAULT_PASSWORD, sign_in};
use std::time::{Duration, Instant};

#[test]
fn nothing_is_told_without_a_session() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let words = r#"{"error":"Sign in first: POST {\"password\": \"…\"} to /qewd-monitor/api/session"}"#;
    for path in ["overview", "links", "handlers", "routes", "clients", "activity", "fleet", "live/overview", "nope"] {
        let answer = host.get(format!("{API}/{path}")).send();
        assert_eq!((answer.status, answer.text().as_str()), (401, words), "{path}");
    }
    for path in ["documents", "documents/json?path=%5B%22a%22%5D", "routes/decide?method=GET&path=/"] {
        assert_eq!(host.get(format!("{API}/{path}")).send().status, 401, "{path}");
    }
    for path in
        ["workers/1/stop", "workers/stop", "handlers/reload", "handlers/stop", "clients/1/disconnect", "host/stop"]
    {
        let answer = host.post(&format!("{API}/{path}"), r#"{"module": "echo"}"#).send();
        assert_eq!((answer.status, answer.text().as_str()), (401, words), "{path}");
    }
    let session = host.get(format!("{API}/session")).send().json();
    assert_eq!(session, json!({"host": "orchestrator", "serverName": "QEWD Server", "signedIn": false}));
    let forged = host.get(format!("{API}/overview")).header("Cookie", "qewd-monitor=AAAA; qewd-monitor=").send();
    assert_eq!(forged.status, 401);
}

#[test]
fn a_session_begins_with_the_password_and_ends_when_wanted() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let wrong = sign_in(&host, "wrong");
    assert_eq!(wrong.shown(), r#"401 {"error":"Invalid login attempt"}"#);
    assert_eq!(wrong.header("set-cookie"), None);
    host.wait_for("monitor: a wrong password from 127.0.0.1");
    let right = sign_in(&host, DEFAULT_PASSWORD);
    let cookie = right.header("set-cookie").unwrap();
    let (pair, attributes) = cookie.split_once(';').unwrap();
    let (before, after) = attributes.split_once("Max-Age=").unwrap();
    let (seconds, after) = after.split_once(';').unwrap();
    assert_eq!((before, after), (" Path=/qewd-monitor; ", " HttpOnly; SameSite=Strict"));
    // Twelve hours, less what has passed since.
    let seconds: u32 = seconds.parse().unwrap();
    assert!((43_100..=43_200).contains(&seconds), "{seconds}");
    assert!(pair.starts_with("qewd-monitor=") && pair.len() > 40, "{pair}");
    host.wait_for("monitor: signed in from 127.0.0.1");
    let operator = Operator::of(&host);
    let session = operator.view("session");
    assert_eq!((&session["signedIn"], &session["defaultPassword"]), (&json!(true), &json!(true)));
    let mut events = operator.stream("links");
    assert_eq!(events.next().0, "message");
    let out = operator.request("DELETE", "session").send();
    assert!(out.header("set-cookie").unwrap().starts_with("qewd-monitor=; Path=/qewd-monitor; Max-Age=0"), "{out:?}");
    assert_eq!(events.next(), ("bye".to_owned(), json!({"why": "signed out"})));
    assert_eq!(operator.request("GET", "overview").send().status, 401);
    let log = host.lines().join("\n");
    assert!(!log.contains(DEFAULT_PASSWORD) && !log.contains(&pair[13..]), "{log}");
}

#[test]
fn a_page_of_another_origin_changes_nothing() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    let foreign: [&[(&str, &str)]; 4] = [
        &[("Origin", "http://evil.example")],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Origin", "http://localhost"), ("Sec-Fetch-Site", "same-site")],
    ];
    let words = r#"403 {"error":"Only the monitor's own page may do this"}"#;
    let with = |request: Request, headers: &[(&str, &str)]| {
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    for headers in foreign {
        assert_eq!(with(operator.request("POST", "host/stop"), headers).shown(), words, "{headers:?}");
        assert_eq!(with(operator.request("DELETE", "documents?path=%5B%22a%22%5D"), headers).shown(), words);
        assert_eq!(with(host.post(&format!("{API}/session"), "{}"), headers).shown(), words);
    }
    // Its own page may; and a form of another site cannot send JSON.
    assert_eq!(with(operator.request("POST", "workers/stop"), &[("Origin", "http://localhost")]).status, 200);
    let form =
        operator.request("POST", "handlers/stop").header("Content-Type", "text/plain").body(r#"{"module":"echo"}"#);
    assert_eq!(form.send().status, 415);
}

#[test]
fn wrong_passwords_make_the_next_ones_wait_and_then_are_refused() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    // At once, so that none waits for the others' answers.
    let begun = Instant::now();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..12).map(|_| scope.spawn(|| sign_in(&host, "wrong").status)).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    let wrong = statuses.iter().filter(|status| **status == 401).count();
    assert!(wrong <= 6 && statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    let refused = sign_in(&host, DEFAULT_PASSWORD);
    assert_eq!(refused.status, 429);
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
    assert!(refused.json()["error"].as_str().unwrap().starts_with("Too many attempts"), "{refused:?}");
    host.wait_for("attempts from there are refused");
    host.wait_for("monitor: no attempt from 127.0.0.1 is looked at for ");
    sign_in(&host, DEFAULT_PASSWORD);
    let told = host.lines().iter().filter(|line| line.contains("is looked at for")).count();
    assert_eq!(told, 1, "the log has the first of them");
}

#[test]
fn a_new_password_ends_all_sessions() {
    let app = app().setting("orchestrator", "managementPassword", json!("first"));
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::with(&host, "first");
    assert_eq!(operator.view("session")["defaultPassword"], json!(false));
    let _app = app.setting("orchestrator", "managementPassword", json!("second"));
    wait_until("the session is over", || operator.request("GET", "overview").send().status == 401);
    assert_eq!(Operator::with(&host, "second").view("session")["signedIn"], json!(true));
}

#[test]
fn two_hosts_of_one_machine_do_not_sign_each_other_out() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let body = json!({"password": DEFAULT_PASSWORD}).to_string();
    let cookie = |port: &str| {
        // A browser sends the port that it uses; the harness's own header has none.
        let text = format!(
            "POST {API}/session HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = crate::harness::read_answer(&mut crate::harness::raw(host.port, text.as_bytes()), true);
        answer.header("set-cookie").unwrap().split('=').next().unwrap().to_owned()
    };
    assert_eq!((cookie("3000"), cookie("3001")), ("qewd-monitor-3000".to_owned(), "qewd-monitor-3001".to_owned()));
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let page = host.get("/qewd-monitor").send();
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    for path in ["/qewd-monitor", "/qewd-monitor/", "/qewd-monitor/app.js", "/qewd-monitor/style.css"] {
        let file = host.get(path).send();
        assert_eq!((file.status, file.header("content-security-policy")), (200, Some(policy)), "{path}");
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        let again = host.get(path).header("If-None-Match", file.header("etag").unwrap()).send();
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    assert_eq!(host.get("/qewd-monitor/nope.js").send().status, 404);
    assert_eq!(host.get("/qewd-monitor/../config.json").send().status, 404);
    assert_eq!(host.post("/qewd-monitor", "").send().status, 405);
    assert!(!page.text().contains("http://") && !page.text().contains("https://"), "{}", page.text());
}
