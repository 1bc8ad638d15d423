//! What is seen of one host.

use super::*;

#[test]
fn the_overview_tells_what_the_host_is_and_does() {
    let app = app().setting("orchestrator", "serverName", json!("The front"));
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    for path in ["/api/echo/a", "/api/echo/b", "/api/nope"] {
        host.get(path).send();
    }
    let mut events = operator.stream("overview");
    let seen =
        events.until(|view| view["history"]["requests"].as_array().unwrap().iter().any(|count| *count != json!(0)));
    assert_eq!(
        (&seen["host"], &seen["role"], &seen["serverName"], &seen["port"]),
        (&json!("orchestrator"), &json!("orchestrator"), &json!("The front"), &json!(host.port))
    );
    assert_eq!(seen["version"], json!(env!("CARGO_PKG_VERSION")));
    assert_eq!(seen["pid"], json!(host.process()));
    assert_eq!(seen["totals"], json!({"requests": 3, "errors": 0, "callerErrors": 1}));
    assert_eq!(seen["pool"]["size"], json!(2));
    assert!(seen["uptime"].as_f64().unwrap() > 0.0 && seen["memory"].as_u64().unwrap() > 1 << 20, "{seen}");
    let worker = &seen["workers"][0];
    assert_eq!((&worker["module"], &worker["state"], &worker["requests"]), (&json!("echo"), &json!("idle"), &json!(2)));
    assert!(worker["memory"].as_u64() > Some(0) && worker["memoryLimit"] == json!(64 << 20), "{worker}");
    let history = &seen["history"];
    let columns =
        ["requests", "errors", "callerErrors", "p50", "p99"].map(|name| history[name].as_array().unwrap().len());
    assert!(columns.iter().all(|length| *length == columns[0] && *length <= 180), "{columns:?}");
    let configuration = &seen["configuration"];
    assert_eq!(configuration["poolSize"], json!(2));
    let ends = (&configuration["limits.stopMilliseconds"], &configuration["limits.drainMilliseconds"]);
    assert_eq!((ends, configuration.get("log")), ((&json!(8000), &json!(1000)), Some(&Value::Null)));
    assert_eq!(
        (&configuration["managementPassword"], &configuration["jwt.secret"]),
        (&json!("(masked)"), &json!("(masked)"))
    );
    assert!(!seen.to_string().contains(crate::harness::SECRET));
    let running = events.until(|view| view["cpu"].is_number());
    assert!(running["cpu"].as_f64().unwrap() >= 0.0);
}

#[test]
fn a_request_is_seen_with_where_its_time_went_and_its_log_lines() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    host.post("/api/sleep?milliseconds=50&secret=query", r#"{"secret": "body"}"#)
        .header("x-request-id", "seen-1")
        .header("x-secret", "header")
        .send();
    host.get("/api/nope").header("x-request-id", "seen-2").send();
    let view = operator.view("activity");
    let find =
        |id: &str| view["requests"].as_array().unwrap().iter().find(|one| one["id"] == json!(id)).unwrap().clone();
    let (one, two) = (find("seen-1"), find("seen-2"));
    assert_eq!(
        (&one["kind"], &one["method"], &one["path"], &one["route"], &one["handler"], &one["status"]),
        (&json!("rest"), &json!("POST"), &json!("/api/sleep"), &json!("/api/sleep"), &json!("sleeper"), &json!(200))
    );
    let handlers = operator.view("handlers");
    let sleeper =
        handlers["modules"].as_array().unwrap().iter().find(|module| module["name"] == json!("sleeper")).unwrap();
    assert_eq!(one["version"], sleeper["version"]);
    let (took, running) = (one["took"].as_f64().unwrap(), one["running"].as_f64().unwrap());
    assert!(running >= 50.0 && took >= running && one["line"].is_number() && one["link"].is_null(), "{one}");
    assert_eq!(
        (&two["status"], &two["route"], &two["words"]),
        (&json!(404), &Value::Null, &json!("url could not be matched"))
    );
    let lines = view["lines"].as_array().unwrap();
    let of_it: Vec<&Value> = lines.iter().filter(|line| line["request"] == json!("seen-2")).collect();
    assert_eq!(of_it.len(), 1, "{lines:?}");
    assert!(of_it[0]["text"].as_str().unwrap().starts_with(r#"GET "/api/nope" -> 404 in "#), "{of_it:?}");
    for secret in ["query", "\"body\"", "header"] {
        assert!(!view.to_string().contains(secret), "{secret}");
    }
    // Only what is new.
    let last = &view["last"];
    let after = operator.view(&format!("activity?requests={}&lines={}", last["request"], last["line"]));
    assert_eq!(after["requests"], json!([]));
    assert_eq!(after["last"]["request"], last["request"]);
    let mut events = operator.stream(&format!("activity?requests={}&lines={}", last["request"], last["line"]));
    events.next();
    host.get("/api/echo/x").header("x-request-id", "seen-3").send();
    let new = events.until(|view| !view["requests"].as_array().unwrap().is_empty());
    assert_eq!((new["requests"].as_array().unwrap().len(), &new["requests"][0]["id"]), (1, &json!("seen-3")));
}

#[test]
fn a_request_that_is_refused_at_the_door_is_seen() {
    let app = app().setting("orchestrator", "limits", json!({"bodyBytes": 10}));
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    let refused = host.post("/api/sleep", "more than ten bytes").header("x-request-id", "large-1").send();
    assert_eq!(refused.status, 413);
    assert_eq!(operator.view("overview")["totals"], json!({"requests": 1, "errors": 0, "callerErrors": 1}));
    let seen = operator.view("activity")["requests"][0].clone();
    assert_eq!((&seen["id"], &seen["status"], &seen["route"]), (&json!("large-1"), &json!(413), &json!("/api/sleep")));
    assert!(seen["words"].as_str().unwrap().contains("10 bytes"), "{seen}");
}

#[test]
fn a_method_and_a_path_show_which_route_would_answer() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    let decide = |method: &str, path: &str| operator.view(&format!("routes/decide?method={method}&path={path}"));
    let echo = decide("get", "/api/echo/a%2520b?x=1");
    assert_eq!(
        (&echo["handler"], &echo["module"], &echo["variables"]),
        (&json!("echo"), &json!("echo"), &json!({"word": "a b"}))
    );
    assert_eq!((&echo["route"]["path"], &echo["route"]["method"]), (&json!("/api/echo/:word"), &json!("GET")));
    assert!(echo["why"].as_array().unwrap().iter().any(|why| why == "it needs no token"), "{echo}");
    let wrong = decide("DELETE", "/api/sleep");
    assert_eq!(wrong["route"], Value::Null);
    let why: Vec<&str> = wrong["why"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(
        why[0].ends_with("fits the path, but not the method") && why[1] == "the answer is 405, with Allow: POST",
        "{why:?}"
    );
    assert!(decide("GET", "/nope")["why"].to_string().contains("the answer is 404"));
    assert!(decide("GET", "/qewd-monitor/x")["why"].to_string().contains("belongs to the monitor"));
    let message = decide("MESSAGE", "/demo/hello");
    assert_eq!((&message["handler"], &message["route"]["method"]), (&json!("echo"), &json!("MESSAGE")));
    assert!(decide("MESSAGE", "/demo/nope")["why"].to_string().contains("no route for messages"));
    let not_rest = decide("GET", "/demo/hello")["why"].to_string();
    assert!(!not_rest.contains("fits the path") && not_rest.contains("the answer is 404"), "{not_rest}");
    assert_eq!(operator.request("GET", "routes/decide?method=GET").send().status, 400);
    let routes = operator.view("routes");
    assert_eq!(routes["routes"].as_array().unwrap().len(), 3);
    assert_eq!(routes["routes"][1]["handler"], json!("sleeper"));
}

#[test]
fn wrong_paths_and_methods_are_told() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    assert_eq!(
        operator.request("GET", "nope").send().shown(),
        r#"404 {"error":"The monitor has nothing at api/nope"}"#
    );
    assert_eq!(operator.request("PUT", "host/stop").send().status, 405);
    assert_eq!(operator.act("host/nope").status, 404);
    for (method, path) in [("GET", "host/stop"), ("GET", "workers/3/stop"), ("POST", "overview"), ("PUT", "live/links")]
    {
        assert_eq!(operator.request(method, path).send().status, 405, "{path}");
    }
    let there = r#"400 {"error":"Sign in at login_service itself: over links there are only views"}"#;
    assert_eq!(operator.act("workers/stop?host=login_service").shown(), there);
    let bad = operator.send_text("POST", "handlers/stop", "{}");
    assert_eq!(bad.shown(), r#"400 {"error":"Send {\"module\": \"name\"}"}"#);
}

#[test]
fn what_waits_for_the_next_start_and_what_is_wrong_are_among_the_problems() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    let mut events = operator.stream("overview");
    let app = app.setting("orchestrator", "port", 1);
    let waits = "port 1 is taken at the next start; until then it is the one of this start";
    events.until(|view| view["problems"] == json!([waits]));
    // Another change leaves it waiting.
    let app = app.setting("orchestrator", "serverName", json!("renamed"));
    events.until(|view| view["serverName"] == json!("renamed") && view["problems"] == json!([waits]));
    let good = app.config();
    app.write("configuration/config.json", "{");
    events.until(|view| view["problems"].to_string().contains("the configuration before it stays in force"));
    app.write("configuration/config.json", good.replace(r#""port":1"#, r#""port":8080"#));
    events.until(|view| view["problems"] == json!([]));
}
