//! config.json and routes.json that change while the host runs: all of a file or nothing.

use crate::harness::{App, Crowd, Fleet, Host, Launch, Request, signed, wait_until};
use serde_json::{Value, json};

fn route(uri: &str, handler: &str) -> Value {
    json!({"uri": uri, "handler": handler, "authenticate": false})
}

fn app(qewd: &Value) -> App {
    let routes = json!([route("/api/list", "list"), route("/api/sleep", "sleeper")]);
    App::new(json!({"qewd_up": true, "orchestrator": {"qewd": qewd}}), &routes)
        .guest("orchestrator", "echo")
        .guest("orchestrator", "sleeper")
}

fn routes(app: &App, routes: &Value) {
    app.write("configuration/routes.json", routes.to_string());
}

/// Writes a changed config.json and waits until it is in force.
fn change(app: &App, host: &Host, change: impl FnOnce(&mut Value)) {
    let mut config: Value = serde_json::from_str(&app.config()).unwrap();
    change(&mut config);
    let seen = host.seen();
    app.write("configuration/config.json", config.to_string());
    host.wait_for_after(seen, "the configuration as it is now in config.json and routes.json is in force");
}

#[test]
fn new_routes_are_in_force_without_a_lost_request() {
    let app = app(&json!({}));
    let host = Launch::orchestrator(&app).start();
    let crowd = Crowd::start(4, host.port, "/api/list", |answer| answer.status == 200);
    for number in 0..5 {
        let uri = format!("/api/new{number}");
        routes(&app, &json!([route("/api/list", "list"), route(&uri, "text")]));
        wait_until("the new route answers", || host.get(&*uri).send().shown() == "200 plain words");
    }
    assert_eq!(host.get("/api/sleep").send().status, 404);
    assert!(crowd.end() > 0);
}

#[test]
fn broken_files_change_nothing_and_are_told_once() {
    let app = app(&json!({}));
    let host = Launch::orchestrator(&app).start();
    let seen = host.seen();
    app.write("configuration/routes.json", "[ {\"uri\": \"/api/list\" ");
    let line = host.wait_for_after(seen, "configuration/routes.json:1:");
    assert!(line.contains("ERROR") && line.ends_with("; the configuration before it stays in force"), "{line}");
    assert_eq!(host.get("/api/list").send().status, 200);
    app.write("configuration/config.json", "{\"qewd_up\": true, \"prot\": 1}");
    host.wait_for_after(seen, "unknown key \"prot\"");
    // Both are told, each once, however often anything else changes.
    app.write("configuration/unimportant.json", "{}");
    app.write("handlers/orchestrator/other.wasm", "no wasm");
    host.wait_for_after(seen, "other.wasm: the file is not WebAssembly");
    let count = |text: &str| host.lines()[seen..].iter().filter(|line| line.contains(text)).count();
    assert_eq!((count("configuration/routes.json:1:"), count("unknown key")), (1, 1), "{:#?}", host.lines());
    assert_eq!(host.get("/api/list").send().status, 200);
    // Mended, they are in force.
    routes(&app, &json!([route("/api/words", "text")]));
    app.write("configuration/config.json", "{\"qewd_up\": true}");
    wait_until("the mended files are in force", || host.get("/api/words").send().status == 200);
    assert_eq!(host.get("/api/list").send().status, 404);
}

#[test]
fn limits_and_origins_are_in_force_on_open_connections() {
    let app = app(&json!({}));
    let host = Launch::orchestrator(&app).start();
    let post = |size: usize| host.post("/api/list", &"x".repeat(size)).send().status;
    assert_eq!(post(2000), 405);
    let origin = |host: &Host| {
        let answer = host.get("/api/list").header("Origin", "https://a.example").send();
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(origin(&host).as_deref(), Some("*"));
    let crowd = Crowd::start(2, host.port, "/api/list", |answer| answer.status == 200);
    change(&app, &host, |config| {
        config["orchestrator"]["qewd"] = json!({
            "cors": ["https://b.example"], "limits": {"bodyBytes": 1000, "responseBytes": 1000, "connections": 50},
        });
    });
    assert_eq!(post(2000), 413);
    assert_eq!(origin(&host), None);
    assert_eq!(host.get("/api/sleep").send().status, 200);
    change(&app, &host, |config| config["orchestrator"]["qewd"] = json!({"limits": {"requestMilliseconds": 300}}));
    assert_eq!(host.get("/api/sleep?milliseconds=2000").send().status, 504);
    assert!(crowd.end() > 0);
}

#[test]
fn more_workers_and_their_own_limits_are_in_force() {
    let app = app(&json!({"poolSize": 1, "max_queue_length": 0}));
    let host = Launch::orchestrator(&app).start();
    let busy = host.get("/api/sleep?milliseconds=4000").begin();
    host.wait_for("falling asleep");
    assert_eq!(host.get("/api/list").send().status, 503);
    change(&app, &host, |config| config["orchestrator"]["qewd"]["poolSize"] = 2.into());
    assert_eq!(host.get("/api/list").send().status, 200);
    change(&app, &host, |config| config["handlers"] = json!({"sleeper": {"deadlineMilliseconds": 200}}));
    let late = host.get("/api/sleep?milliseconds=3000").header("X-Request-Id", "too-late").send();
    assert!([503, 504].contains(&late.status), "{}", late.shown());
    drop(busy);
    wait_until("the module's own deadline holds", || host.get("/api/sleep?milliseconds=3000").send().status == 504);
    host.wait_for("raise deadlineMilliseconds of its module or mend the handler");
    change(&app, &host, |config| config["orchestrator"]["qewd"]["poolSize"] = 1000.into());
    host.wait_for("poolSize 1000 is more than this start made room for; it is 32 until the next");
    change(&app, &host, |config| config["orchestrator"]["qewd"]["port"] = 1.into());
    host.wait_for("port 1 is taken at the next start; until then it is the one of this start");
    assert_eq!(host.get("/api/list").send().status, 200);
}

#[test]
fn values_of_the_user_reach_the_handlers() {
    let app = App::example();
    let host = Launch::orchestrator(&app).start();
    let greeting = || host.get("/api/version").send().json()["greeting"].clone();
    assert_eq!(greeting(), "Welcome to the qewd example");
    change(&app, &host, |config| config["userDefined"] = json!({"greeting": "Good evening"}));
    assert_eq!(greeting(), "Good evening");
}

#[test]
fn a_new_microservice_is_linked_and_a_moved_one_is_found() {
    let config = json!({"qewd_up": true, "microservices": [{"name": "far", "host": "127.0.0.1", "port": 1}]});
    let list = |service: &str| json!({"uri": format!("/api/{service}/list"), "handler": "list", "authenticate": false, "on_microservice": service});
    let app = App::new(config, &json!([list("far")])).guest("far", "echo").guest("further", "echo");
    let far = Launch::microservice(&app, "far").start();
    let near = Launch::orchestrator(&app).start();
    assert_eq!(near.get("/api/far/list").send().status, 503);
    let at = |name: &str, port: u16| json!({"name": name, "host": "127.0.0.1", "port": port});
    change(&app, &near, |config| config["microservices"] = json!([at("far", far.port)]));
    wait_until("the moved service is found", || near.get("/api/far/list").send().status == 200);
    // The other one begins when config.json names it.
    let crowd = Crowd::start(4, near.port, "/api/far/list", |answer| answer.status == 200);
    app.write("configuration/config.json", app.config().replace("}]", "},{\"name\":\"further\"}]"));
    let further = Launch::microservice(&app, "further").start();
    change(&app, &near, |config| config["microservices"] = json!([at("far", far.port), at("further", further.port)]));
    app.write("configuration/routes.json", json!([list("far"), list("further")]).to_string());
    wait_until("the new service answers", || near.get("/api/further/list").send().status == 200);
    assert!(crowd.end() > 0, "the link to the other one was kept");
    near.wait_for(&format!(":{} micro-service ready", far.port));
    let opened =
        near.lines().iter().filter(|line| line.contains(&format!(":{} micro-service ready", far.port))).count();
    assert_eq!(opened, 1, "{:#?}", near.lines());
}

#[test]
fn a_new_secret_is_in_force_everywhere() {
    let fleet = Fleet::example();
    let token = |secret: &str| signed(jsonwebtoken::Algorithm::HS256, secret, &json!({}));
    let ask =
        |token: &str| Request::new(fleet.orchestrator.port, "GET", "/api/info/greeting").token(token).send().status;
    assert_eq!(ask(&token(crate::harness::SECRET)), 200);
    let other = "another-secret-for-acceptance-tests";
    let config = fleet.app.config();
    fleet.app.write("configuration/config.json", config.replace(crate::harness::SECRET, other));
    wait_until("the new secret opens", || ask(&token(other)) == 200);
    assert_eq!(ask(&token(crate::harness::SECRET)), 401);
}

#[test]
fn a_service_tells_of_its_new_handlers() {
    let app = App::new(json!({"qewd_up": true, "microservices": [{"name": "far"}]}), &json!([])).guest("far", "echo");
    let far = Launch::microservice(&app, "far").start();
    let near = Launch::orchestrator(&app).reaching("far", far.port).start();
    near.wait_for("micro-service ready");
    let versioned = json!({"uri": "/api/v", "handler": "versioned", "authenticate": false, "on_microservice": "far"});
    // Its module first: then nobody has anything to say against the route.
    let app = app.guest("far", "versioned");
    far.wait_for("versioned.wasm: version ");
    routes(&app, &json!([versioned]));
    wait_until("the new route answers", || near.get("/api/v").send().status == 200);
    assert!(!near.lines().iter().any(|line| line.contains("has no handler")), "{:#?}", near.lines());
    // Without it, the orchestrator says so.
    std::fs::remove_file(app.path().join("handlers/far/versioned.wasm")).unwrap();
    near.wait_for("far has no handler versioned; put its module into handlers/far/ on that host");
}
