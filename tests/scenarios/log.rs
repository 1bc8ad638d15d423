//! The log: its two forms, and which lines it has, now and after a change.

use crate::harness::{App, Ended, Fleet, Host, Launch, Operator, Socket, command, wait_until};
use serde_json::{Value, json};

fn app() -> App {
    let config = json!({"qewd_up": true, "orchestrator": {}, "microservices": [{"name": "far"}]});
    let routes = json!([
        {"uri": "/api/here/:id", "handler": "traced", "authenticate": false},
        {"uri": "/api/far/:id", "handler": "traced", "on_microservice": "far", "authenticate": false},
        {"uri": "/api/closed", "handler": "traced"},
    ]);
    App::new(config, &routes).guest("orchestrator", "traced").guest("far", "traced")
}

fn in_json(launch: Launch) -> Launch {
    launch.environment("QEWD_LOG_FORMAT", "json")
}

/// The lines of a host, each of which has to be one flat JSON object.
fn lines(host: &Host) -> Vec<Value> {
    let lines: Vec<Value> = host.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        let line = line.as_object().unwrap();
        for name in ["timestamp", "level", "message"] {
            assert!(line[name].is_string(), "{line:?}");
        }
        assert!(line.values().all(|value| !value.is_object() && !value.is_array()), "{line:?}");
    }
    lines
}

/// The line of a request.
fn line_of(host: &Host, id: &str) -> Value {
    let find = || lines(host).into_iter().find(|line| line["request"] == id && !line["kind"].is_null());
    wait_until(&format!("{} has a line of {id}", host.name), || find().is_some());
    find().unwrap()
}

#[test]
fn a_line_in_json_has_what_is_known_of_its_request() {
    let fleet = Fleet::start_as(app(), &["far"], in_json);
    let [host, far] = fleet.hosts().collect::<Vec<_>>()[..] else { panic!("two hosts") };
    let ask = |path: &str, id: &str| host.get(path).header("X-Request-Id", id).send().status;
    assert_eq!(ask("/api/here/1?secret=5", "here-1"), 200);
    let here = line_of(host, "here-1");
    for (name, value) in [
        ("level", json!("INFO")),
        ("method", json!("GET")),
        ("path", json!("/api/here/1")),
        ("route", json!("/api/here/:id")),
        ("status", json!(200)),
        ("kind", json!("rest")),
        ("handler", json!("traced")),
    ] {
        assert_eq!(here[name], value, "{name} in {here}");
    }
    assert!(here["milliseconds"].as_f64().is_some_and(|time| time > 0.0), "{here}");
    assert_eq!(here["version"].as_str().map(str::len), Some(12), "{here}");
    assert_eq!(here["trace"].as_str().map(str::len), Some(32), "{here}");
    assert!(here.get("error").is_none() && here.get("service").is_none(), "{here}");
    let said = lines(host).into_iter().find(|line| line["message"] == "was here").unwrap();
    assert_eq!((&said["request"], &said["handler"]), (&json!("here-1"), &json!("traced")));

    assert_eq!(ask("/api/far/2", "far-2"), 200);
    let (sent, done) = (line_of(host, "far-2"), line_of(far, "far-2"));
    assert_eq!((&sent["service"], sent.get("version")), (&json!("far"), None));
    assert!(done["version"].is_string() && sent["trace"] != done["trace"], "nobody gathers this trace: {sent} {done}");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let traced = host.get("/api/far/2").header("X-Request-Id", "far-3").header("traceparent", parent);
    assert_eq!(traced.send().status, 200);
    for host in [host, far] {
        assert_eq!(line_of(host, "far-3")["trace"], "0af7651916cd43dd8448eb211c80319c");
    }

    assert_eq!(ask("/none", "none-3"), 404);
    let none = line_of(host, "none-3");
    assert_eq!((&none["status"], none.get("route")), (&json!(404), None));
    assert!(none["error"].as_str().unwrap().contains("could not be matched"), "{none}");
    assert_eq!(ask("/api/closed", "closed-4"), 401);
    assert!(line_of(host, "closed-4")["error"].is_string());
    let refused = host.get("/api/here/5").header("X-Request-Id", "large-5").header("X-Big", &"x".repeat(70_000));
    assert_eq!(refused.send().status, 431);
    assert_eq!(line_of(host, "large-5")["route"], "/api/here/:id");
    let refused = host.get("/api/here/6").header("X-Request-Id", "large-6").header("Content-Length", "999999999");
    assert_eq!(refused.send().status, 413);
    assert_eq!(line_of(host, "large-6")["route"], "/api/here/:id");
    assert_eq!(host.post("/api/here/7", "{}").header("X-Request-Id", "method-7").send().status, 405);
    let wrong = line_of(host, "method-7");
    assert_eq!((&wrong["route"], &wrong["status"]), (&json!("/api/here/:id"), &json!(405)));
    assert!(host.lines().iter().all(|line| !line.contains("secret=5")), "a query is in the log");
}

#[test]
fn the_form_is_chosen_by_a_word_or_by_who_reads() {
    let app = app();
    let refused = Launch::orchestrator(&app).environment("QEWD_LOG_FORMAT", "yaml").fails();
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("QEWD_LOG_FORMAT=\"yaml\" is not understood; use text or json"), "{refused:?}");
    assert_eq!(refused.out, "");
    // Without a word, a pipe gets JSON.
    let mut piped = command();
    piped.env_remove("QEWD_LOG_FORMAT").args(["run", "--port", "0", "--app"]).arg(app.path());
    let piped = Launch::plain("piped", piped).spawn();
    piped.wait_for("qewd is listening on port");
    assert!(lines(&piped).len() > 3);
    let text = Launch::orchestrator(&app).environment("QEWD_LOG_FORMAT", "text").start();
    assert!(text.lines().iter().all(|line| !line.starts_with('{')));
}

/// Asks, with this id.
fn ask(host: &Host, id: &str) {
    assert_eq!(host.get("/api/here/1").header("X-Request-Id", id).send().status, 200);
}

/// The request has a line.
fn assert_told(host: &Host, id: &str) {
    host.wait_for(&format!("request=\"{id}\" version="));
}

/// The request has no line, though a later one is there.
fn assert_silent(host: &Host, id: &str) {
    assert!(host.lines().iter().all(|line| !line.contains(&format!("request=\"{id}\""))), "{id}");
}

fn lines_in(lines: &str) -> App {
    app().setting("orchestrator", "log", lines)
}

#[test]
fn config_json_says_which_lines_there_are_and_changes_it_while_the_host_runs() {
    let app = lines_in("warn,qewd::startup=info");
    let host = Launch::orchestrator(&app).start();
    ask(&host, "silent");
    let app = app.setting("orchestrator", "log", "info");
    host.wait_for("the log shows info from now on, as config.json says; before it was warn,qewd::startup=info");
    ask(&host, "told");
    assert_told(&host, "told");
    assert_silent(&host, "silent");
    let app = app.setting("orchestrator", "log", "off");
    host.wait_for("the log shows off from now on");
    ask(&host, "off");
    let app = app.setting("orchestrator", "log", "error");
    host.wait_for("the log shows error from now on");
    assert_silent(&host, "off");
    app.setting("orchestrator", "log", "loud");
    let problem = "\"log\": \"loud\" is not understood; use error, warn, info, debug or trace";
    host.wait_for(problem);
}

#[test]
fn what_chooses_no_lines_is_a_problem_in_the_same_words_everywhere() {
    let app = lines_in("loud");
    let problem = "\"loud\" is not understood; use error, warn, info, debug or trace";
    let refused = Launch::orchestrator(&app).fails();
    assert!(refused.code == Some(1) && refused.err.contains(&format!("\"log\": {problem}")), "{refused:?}");
    let refused = Launch::orchestrator(&app).logging("loud").fails();
    assert!(refused.code == Some(1) && refused.err.contains(&format!("QEWD_LOG={problem}")), "{refused:?}");
    let mut check = command();
    check.args(["check", "--app"]).arg(app.path());
    assert!(Ended::of(&mut check).problems().contains(problem));
}

#[test]
fn the_environment_goes_before_config_json_and_says_so() {
    let host = Launch::orchestrator(&lines_in("off")).logging("info").start();
    ask(&host, "told");
    assert_told(&host, "told");
    let words = "the log shows info, as QEWD_LOG says; \"log\": \"off\" of config.json is not looked at";
    assert_eq!(host.lines().iter().filter(|line| line.contains(words)).count(), 1);
}

#[test]
fn what_config_json_wishes_is_told_where_the_monitor_hides_it() {
    let app = app();
    let host = Launch::orchestrator(&app).start();
    let operator = Operator::of(&host);
    assert_eq!(operator.send("POST", "log", &json!({"lines": "debug"})).status, 200);
    let app = app.setting("orchestrator", "log", "warn");
    let words = "the log shows debug, as the monitor says; \"log\": \"warn\" of config.json is not looked at";
    host.wait_for(words);
    let _app = app.setting("orchestrator", "serverName", "other");
    wait_until("the change is taken", || operator.view("overview")["serverName"] == "other");
    assert_eq!(host.lines().iter().filter(|line| line.contains(words)).count(), 1);
    assert_eq!(operator.send("POST", "log", &json!({"lines": null})).status, 200);
    host.wait_for("the log shows warn from now on, as config.json says; before it was debug");
}

#[test]
fn an_operator_changes_the_lines_until_it_is_taken_back() {
    let first = "error,qewd::startup=info";
    let host = Launch::orchestrator(&app()).logging(first).start();
    let operator = Operator::of(&host);
    let log = json!({"lines": first, "from": "QEWD_LOG", "otherwise": first});
    assert_eq!(operator.view("log"), log);
    ask(&host, "before");
    let answer = operator.send("POST", "log", &json!({"lines": "info"}));
    assert_eq!((answer.status, answer.json()), (200, json!({"lines": "info", "from": "monitor", "otherwise": first})));
    host.wait_for("the log shows info from now on, until the monitor takes it back or the host ends");
    ask(&host, "while");
    assert_told(&host, "while");
    assert_silent(&host, "before");
    for (body, words) in [
        (json!({"lines": "loud"}), "\"loud\" is not understood; use error, warn, info, debug or trace"),
        (json!({"lines": 5}), "Send {\"lines\": \"debug\"}"),
        (json!({}), "Send {\"lines\": \"debug\"}"),
    ] {
        let refused = operator.send("POST", "log", &body);
        assert!(refused.status == 400 && refused.json()["error"].as_str().unwrap().contains(words), "{refused:?}");
    }
    for lines in ["3", "hyper=trace", "info,[request]=debug"] {
        assert_eq!(operator.send("POST", "log", &json!({"lines": lines})).status, 400, "{lines}");
    }
    assert_eq!(operator.send("PUT", "log", &json!({"lines": "info"})).status, 405);
    assert_eq!(operator.send("POST", "log", &json!({"lines": null})).json(), log);
    host.wait_for(&format!("the log shows {first} from now on"));
    ask(&host, "after");
    operator.send("POST", "log", &json!({"lines": "warn"}));
    host.wait_for("the log shows warn from now on");
    assert_silent(&host, "after");
    assert_eq!(host.post("/qewd-monitor/api/log", r#"{"lines":"info"}"#).send().status, 401);
}

#[test]
fn refused_messages_of_clients_have_lines_and_numbers_and_a_flood_has_few() {
    let app = app().setting("orchestrator", "limits", json!({"socketMessagesPerSecond": 5}));
    let host = in_json(Launch::orchestrator(&app)).start();
    let mut socket = Socket::open(&host);
    let refused = |path: &'static str, words: &'static str| {
        let find = || {
            let is_it =
                |line: &&Value| line["path"] == path && line["error"].as_str().unwrap_or_default().contains(words);
            lines(&host).iter().find(is_it).cloned()
        };
        wait_until(&format!("{words:?} has a line"), || find().is_some());
        let line = find().unwrap();
        assert_eq!(
            (&line["kind"], &line["method"], &line["level"]),
            (&json!("message"), &json!("MESSAGE"), &json!("INFO"))
        );
        line
    };
    let answer = socket.ask(json!({"type": "hello"}));
    let line = refused("/ws", "Missing authorization header");
    assert_eq!((&line["request"], &line["status"]), (&answer["requestId"], &json!(401)));
    assert!(line["error"].as_str().unwrap().contains("(message of type \"hello\" of socket "), "{line}");
    socket.send_text("nonsense");
    assert_eq!(socket.next()["requestId"], refused("/ws", "A message is a JSON object")["request"]);
    assert_eq!(host.post("/ajax", r#"{"type":"hello"}"#).send().status, 400);
    assert_eq!(refused("/ajax", "of the client at 127.0.0.1")["status"], json!(401));
    assert_eq!(host.post("/ajax", "[]").send().status, 400);
    refused("/ajax", "message that was not understood, of the client");
    assert_eq!(host.post("/ajax", r#"{"type":"ewd-register","application":"demo"}"#).send().status, 200);
    host.wait_for("registered for demo, over HTTP");
    socket.register("demo");
    let mut flood = 0;
    for _ in 0..40 {
        flood += u64::from(socket.ask(json!({"type": "hello"}))["status"] == json!(429));
    }
    assert!(flood >= 20, "{flood}");
    socket.vanish();
    host.wait_for("disconnected: client at");
    let (mut told, mut left) = (0, 0);
    for line in lines(&host) {
        let words = line["message"].as_str().unwrap();
        let number = |before: &str| {
            words.split_once(before).map_or(0, |(_, rest)| rest.split(' ').next().unwrap().parse().unwrap())
        };
        told += u64::from(line["status"] == json!(429)) + number("client at 127.0.0.1; ");
        left += u64::from(line["status"] == json!(429));
        if words.contains("disconnected: ") {
            told += number("was lost; ");
        }
    }
    assert_eq!(told, flood, "each is in some line");
    assert!(left <= 5, "{left} lines of {flood} messages");
    let text = host.get("/metrics").send().text();
    let all = text.lines().find_map(|line| line.strip_prefix("qewd_requests_total{kind=\"message\",status=\"4xx\"} "));
    // Those that were not too fast have no handler.
    assert_eq!(all.unwrap().parse::<u64>().unwrap(), 4 + 40);
}
