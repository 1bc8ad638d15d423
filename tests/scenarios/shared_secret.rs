//! A missing `jwt.secret` is made by the first host that starts, however many start at once.

use crate::harness::{App, Launch, Source};
use serde_json::{Value, json};

/// As a person may have written it: order and spaces are theirs.
const CONFIG: &str = r#"{
    "qewd_up":   true,
  "userDefined": { "b": 1.50, "a": "ü" }
}
"#;

#[test]
fn ten_hosts_at_once_agree_on_one_secret() {
    let routes = json!([
        {"uri": "/api/login", "method": "POST", "handler": "login", "authenticate": false},
        {"uri": "/api/who", "handler": "who"},
    ]);
    let app = App::with_texts(CONFIG, Some(&routes.to_string())).with("orchestrator", Source::Example, "login_service");
    let starting: Vec<_> = (0..10).map(|_| Launch::orchestrator(&app).port(0)).collect();
    let hosts: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = starting.into_iter().map(|launch| scope.spawn(|| launch.start())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let token = hosts[0].login();
    for host in &hosts {
        let answer = host.get("/api/who").token(&token).send();
        assert_eq!(answer.shown(), r#"200 {"username":"rob","token":"…"}"#);
    }

    let written = app.config();
    let json: Value = serde_json::from_str(&written).unwrap();
    let secret = json["jwt"]["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 36, "{written}");
    let expected = CONFIG
        .replace("\"ü\" }\n}", &format!("\"ü\" }},\n    \"jwt\": {{\n        \"secret\": \"{secret}\"\n    }}\n}}"));
    assert_eq!(written, expected);
    let files: Vec<_> = std::fs::read_dir(app.path().join("configuration")).unwrap().collect();
    assert_eq!(files.len(), 2, "something was left behind: {files:?}");
}

#[test]
fn a_secret_that_is_there_stays() {
    let app = App::new(json!({"qewd_up": true}), &json!([]));
    let before = app.config();
    let _host = Launch::orchestrator(&app).start();
    assert_eq!(app.config(), before);
}
