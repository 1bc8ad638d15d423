//! The example's db_service as its clients see it: through the orchestrator and a link, with a token, over REST.

use crate::harness::{Answer, App, Fleet, Host, Launch, Request, SECRET, signed, workspace};
use serde_json::{Value, json};
use std::process::Command;

/// The rows of handlers/README.md: what is typed, the status, and the answer.
fn rows(readme: &str) -> Vec<[String; 3]> {
    let plain = |cell: &str| cell.trim_matches(|letter| "`| ".contains(letter)).to_owned();
    let rows = readme.lines().filter(|line| line.starts_with("| `curl "));
    rows.map(|row| row.splitn(3, " | ").map(plain).collect::<Vec<_>>().try_into().unwrap()).collect()
}

#[test]
fn every_row_of_the_table_of_requests_brings_its_answer() {
    let readme = std::fs::read_to_string(workspace().join("handlers/README.md")).unwrap();
    let rows = rows(&readme);
    assert!(rows.iter().filter(|[typed, ..]| typed.contains("/api/db/")).count() >= 10, "{rows:#?}");
    let fleet = Fleet::example();
    let (here, token) = (format!("http://localhost:{}", fleet.orchestrator.port), fleet.orchestrator.login());
    for [typed, status, expected] in rows {
        let line = typed.replace("http://localhost:8080", &here).replacen("curl ", "curl -s -w '\\n%{http_code}' ", 1);
        let output = Command::new("sh").args(["-c", &line]).env("TOKEN", &token).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (mut body, code) = text.rsplit_once('\n').unwrap().to_owned();
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        let shown = json["token"].as_str().map(|token| body.replace(token, "eyJ…"));
        body = shown.as_deref().unwrap_or(body);
        assert_eq!((code, body), (status.as_str(), expected.as_str()), "{typed}");
    }
}

/// The db_service with its documents in a folder, and an orchestrator before it.
struct Pair {
    app: App,
    data: tempfile::TempDir,
    service: Option<Host>,
    orchestrator: Host,
    token: String,
}

impl Pair {
    fn start() -> Self {
        let (app, data) = (App::example(), tempfile::tempdir().unwrap());
        let service = Launch::microservice(&app, "db_service").data(data.path()).start();
        let orchestrator = Launch::orchestrator(&app).reaching("db_service", service.port).start();
        orchestrator.wait_for(&format!(":{} micro-service ready", service.port));
        let token = signed(jsonwebtoken::Algorithm::HS256, SECRET, &json!({}));
        Self { app, data, service: Some(service), orchestrator, token }
    }

    fn ask(&self, method: &'static str, path: &str, body: &str) -> Answer {
        let request = Request::new(self.orchestrator.port, method, format!("/api/db/{path}")).token(&self.token);
        request.header("Content-Type", "application/json").body(body).send()
    }

    /// Status and body without the token.
    fn shown(&self, method: &'static str, path: &str, body: &str) -> String {
        self.ask(method, path, body).shown().replace(r#","token":"…""#, "").replace(r#""token":"…""#, "")
    }

    fn post(&self, record: &Value) -> String {
        self.shown("POST", "people", &record.to_string())
    }

    /// The ids that a search finds.
    fn found(&self, query: &str) -> Value {
        self.ask("GET", &format!("people/search?{query}"), "").json()["results"].take()
    }

    fn record(&self, id: u32) -> Value {
        let mut record = self.ask("GET", &format!("people/{id}"), "").json();
        record.as_object_mut().unwrap().remove("token");
        record
    }

    /// The service ends and comes again, on the same port.
    fn restart(&mut self, kill: bool) {
        let mut service = self.service.take().unwrap();
        let (port, seen) = (service.port, self.orchestrator.seen());
        if kill {
            service.kill();
        } else {
            super::documents::stop(service);
        }
        self.service = Some(Launch::microservice(&self.app, "db_service").data(self.data.path()).port(port).start());
        self.orchestrator.wait_for_after(seen, &format!(":{port} micro-service ready"));
    }
}

#[test]
fn every_route_wants_a_token() {
    let pair = Pair::start();
    for (method, path) in [
        ("POST", "people"),
        ("GET", "people/list"),
        ("GET", "people/search?name=Ann"),
        ("GET", "people/1"),
        ("PUT", "people/1"),
        ("DELETE", "people/1"),
    ] {
        let ask = || Request::new(pair.orchestrator.port, method, format!("/api/db/{path}")).body("{}");
        let refused = ask().send();
        assert_eq!(
            (refused.status, refused.header("www-authenticate").is_some()),
            (401, true),
            "{method} {path}: {}",
            refused.shown()
        );
        let forged = signed(jsonwebtoken::Algorithm::HS256, "another-secret-of-thirty-two-bytes", &json!({}));
        assert_eq!(ask().token(&forged).send().status, 401, "{method} {path}");
    }
    assert_eq!(pair.shown("GET", "people/list", ""), r#"200 {"results":[]}"#);
}

#[test]
fn records_of_any_shape_come_back_and_are_found() {
    let mut pair = Pair::start();
    let long = "ü".repeat(150);
    let records = [
        json!({"name": "", "nested": [[1, [2, "three"]], [], {}], "member": true}),
        json!({"name": long.clone() + "x", "age": 7, "weight": -1.5, "member": false}),
        json!({"name": long.clone() + "y", "age": "7", "left": null}),
        json!({"name": "Ann 한글 💊", "address": {"city": "Ulm"}, "tags": ["red", "blue", "red"], "age": 70}),
        json!({"name": "Anna", "address": {"city": "Ulm", "street": "a.b=c&d*"}, "big": 12_345_678_901_234_567_u64}),
        json!({}),
    ];
    for (id, record) in (1..).zip(&records) {
        assert_eq!(pair.post(record), format!(r#"200 {{"ok":true,"id":{id}}}"#));
        assert_eq!(pair.record(id), *record);
    }
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let queries = [
        ("name=".to_owned(), json!([1])),
        ("name=*".to_owned(), json!([1, 2, 3, 4, 5])),
        (format!("name={}", encoded(&(long.clone() + "x"))), json!([2])),
        (format!("name={}*", encoded(&long)), json!([2, 3])),
        (format!("name={}", encoded(&long)), json!([])),
        (format!("name={}", encoded("Ann 한글 💊")), json!([4])),
        ("name=Ann*".to_owned(), json!([4, 5])),
        ("name=ann*".to_owned(), json!([])),
        ("age=7".to_owned(), json!([2, 3])),
        ("age=7*".to_owned(), json!([2, 3, 4])),
        ("age=7*&name=Ann*".to_owned(), json!([4])),
        ("weight=-1.5".to_owned(), json!([2])),
        ("member=true".to_owned(), json!([1])),
        ("left=null".to_owned(), json!([3])),
        ("tags=red&tags=blue".to_owned(), json!([4])),
        ("tags=red&tags=green".to_owned(), json!([])),
        ("nested=three".to_owned(), json!([1])),
        ("big=12345678901234567".to_owned(), json!([5])),
        (format!("address.street={}", encoded("a.b=c&d*")), json!([5])),
        ("address.city=Ulm&name=Anna".to_owned(), json!([5])),
    ];
    let all = |pair: &Pair| {
        for (query, expected) in &queries {
            assert_eq!(pair.found(query), *expected, "{query}");
        }
    };
    all(&pair);
    let detail = pair.found("address.city=Ulm&showDetail=true");
    assert_eq!(detail, json!([{"id": 4, "record": records[3]}, {"id": 5, "record": records[4]}]));
    pair.restart(true);
    all(&pair);
    pair.restart(false);
    all(&pair);
}

#[test]
fn an_id_never_comes_back() {
    let mut pair = Pair::start();
    let created = |pair: &Pair| pair.ask("POST", "people", "{}").json()["id"].as_i64().unwrap();
    assert_eq!([created(&pair), created(&pair), created(&pair)], [1, 2, 3]);
    for id in [2, 3] {
        assert_eq!(pair.shown("DELETE", &format!("people/{id}"), ""), r#"200 {"ok":true}"#);
        assert_eq!(
            pair.shown("GET", &format!("people/{id}"), ""),
            format!(r#"404 {{"error":"There is no record {id}"}}"#)
        );
    }
    assert_eq!(created(&pair), 4);
    pair.ask("DELETE", "people/4", "");
    pair.restart(true);
    assert_eq!(created(&pair), 5);
    assert_eq!(pair.shown("GET", "people/list", ""), r#"200 {"results":[1,5]}"#);
    // Each name counts for itself.
    assert_eq!(pair.shown("POST", "cities", "{}"), r#"200 {"ok":true,"id":1}"#);
}

#[test]
fn clients_at_one_time_get_ids_of_their_own_and_the_index_agrees() {
    let pair = Pair::start();
    let ids: Vec<i64> = std::thread::scope(|scope| {
        let client = |number: i64| {
            let pair = &pair;
            move || {
                let create = |turn: i64| {
                    let body = json!({"client": number, "turn": turn}).to_string();
                    let id = pair.ask("POST", "people", &body).json()["id"].as_i64().unwrap();
                    if turn % 2 == 1 {
                        assert_eq!(
                            pair.ask(
                                "PUT",
                                &format!("people/{id}"),
                                &json!({"client": number, "turn": -1}).to_string()
                            )
                            .status,
                            200
                        );
                    }
                    id
                };
                (0..10).map(create).collect::<Vec<_>>()
            }
        };
        let clients: Vec<_> = (0..8).map(|number| scope.spawn(client(number))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=80).collect::<Vec<_>>());
    for client in 0..8 {
        let own = &ids[client * 10..][..10];
        let of = |turns: std::iter::StepBy<std::slice::Iter<'_, i64>>| {
            json!(turns.copied().collect::<std::collections::BTreeSet<_>>())
        };
        assert_eq!(
            pair.found(&format!("client={client}")),
            json!(own.iter().collect::<std::collections::BTreeSet<_>>())
        );
        assert_eq!(pair.found(&format!("client={client}&turn=-1")), of(own[1..].iter().step_by(2)));
    }
    assert_eq!(pair.found("turn=1"), json!([]), "replaced");
}
