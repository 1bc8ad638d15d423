//! One program, several roles: which host a start runs, on which port, and what its log says.

use crate::harness::{App, Ended, Fleet, Launch, SECRET, command, free_port};
use serde_json::json;
use std::net::TcpListener;
use std::path::Path;

/// Two services and nothing else.
fn app() -> App {
    let config = json!({
        "qewd_up": true,
        "orchestrator": {"qewd": {"port": 0}},
        "microservices": [
            {"name": "login_service", "qewd": {"port": 0}},
            {"name": "info_service", "qewd": {"port": 0}},
        ],
    });
    App::new(config, &json!([]))
}

#[test]
fn the_bare_program_runs_the_orchestrator_of_the_current_folder() {
    assert!(!Path::new("/opt/qewd/mapped").exists(), "on this machine the bare program would run the mounted folder");
    let app = app();
    let mut bare = command();
    bare.current_dir(app.path());
    let host = Launch::plain("bare", bare).start_as_it_is();
    // Only the orchestrator opens links here.
    host.wait_for("Setting up micro-service connections");
    assert_eq!(host.get("/api/x").send().shown(), r#"404 {"error":"url could not be matched"}"#);
}

#[test]
fn the_environment_names_the_microservice_and_the_command_line_wins() {
    let app = app();
    let service = |variable: &str, arguments: &[&str]| {
        let mut command = command();
        command.env("microservice", variable).arg("run").arg("--app").arg(app.path()).args(arguments);
        Launch::plain(variable, command).start_as_it_is()
    };
    // Whom a host registers is its own name, so a link tells the role.
    let role_of = |port: u16| {
        let orchestrator =
            Launch::orchestrator(&app).reaching("login_service", port).reaching("info_service", port).start();
        orchestrator.wait_for(" registered").rsplit(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(role_of(service("login_service", &[]).port), "login_service");
    assert_eq!(role_of(service("login_service", &["--microservice", "info_service"]).port), "info_service");
    let nobody = service("", &[]);
    nobody.wait_for("Setting up micro-service connections");
}

#[test]
fn an_unknown_name_is_refused_with_the_names_there_are() {
    let ended = Launch::microservice(&app(), "login_servise").fails();
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.err,
        "qewd: configuration/config.json: no host is called \"login_servise\"; did you mean \"login_service\"? \
         start one of: orchestrator, login_service, info_service\n"
    );
    let ended = Launch::microservice(&app(), "billing").fails();
    assert_eq!(
        ended.err,
        "qewd: configuration/config.json: no host is called \"billing\"; \
         start one of: orchestrator, login_service, info_service\n"
    );
}

#[test]
fn the_port_is_the_flags_then_the_configurations_then_8080() {
    let configured = free_port();
    let app = app().setting("orchestrator", "port", configured).setting("login_service", "port", configured);
    let run = |arguments: &[&str]| {
        let mut command = command();
        command.arg("run").arg("--app").arg(app.path()).args(arguments);
        Launch::plain("host", command).start_as_it_is().port
    };
    assert_eq!(run(&[]), configured);
    assert_eq!(run(&["--microservice", "login_service"]), configured);
    let flag = free_port();
    assert_eq!(run(&["--port", &flag.to_string()]), flag);
    assert_ne!(run(&["--port", "0"]), 0);
}

#[test]
fn a_taken_port_is_said_and_8080_is_the_default() {
    // Whoever has it, it is taken now.
    let _held = TcpListener::bind("[::]:8080");
    let app = App::new(json!({"qewd_up": true}), &json!([]));
    let mut bare = command();
    let ended = Ended::of(bare.arg("run").arg("--app").arg(app.path()));
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.err,
        "qewd: port 8080 cannot be used: Address already in use (os error 98); \
         choose another with --port, or 0 for a free one\n"
    );
}

#[test]
fn the_log_tells_the_start_in_the_order_that_operators_know() {
    let fleet = Fleet::example();
    let url = |host: &str| format!("http://127.0.0.1:{}", fleet.hosts().find(|other| other.name == host).unwrap().port);
    let services = Fleet::EXAMPLE.map(|name| (name, url(name)));
    let rule = "========================================================";
    let lines = fleet.orchestrator.lines();
    // Behind the time and the level.
    let told: Vec<&str> =
        lines.iter().map(|line| line.split_once(" INFO ").map_or(line.as_str(), |(_, text)| text)).collect();
    let mut before = vec!["Starting QEWD".to_owned(), "Setting up micro-service connections".to_owned()];
    let adding = |(name, url): &(&str, String)| {
        format!("Adding MicroService Client connection: url = {url}; application = {name}")
    };
    before.extend(services.iter().map(adding));
    before.extend(services.iter().map(|(_, url)| format!("starting microService connection to {url}")));
    before.extend([
        rule.to_owned(),
        format!(
            "qewd is up and running. Max worker pool size: {}",
            2 * std::thread::available_parallelism().unwrap().get()
        ),
        rule.to_owned(),
        rule.to_owned(),
        format!("qewd is listening on port {}", fleet.orchestrator.port),
        rule.to_owned(),
    ]);
    // A service that is up may have answered before the host says that it is up itself.
    let link = |line: &&str| line.ends_with(" registered") || line.ends_with(" micro-service ready");
    let known_password = |line: &&str| line.contains("opens with the password that everybody knows");
    let place = |wanted: &str| told.iter().position(|line| line.contains(wanted)).unwrap();
    assert!(
        place("Starting QEWD") < place("everybody knows") && place("everybody knows") < place("documents are kept")
    );
    let others = |line: &&str| {
        !line.starts_with("handler ")
            && !line.starts_with("documents are kept ")
            && !link(line)
            && !known_password(line)
    };
    let start: Vec<&str> = told.iter().copied().filter(others).take(before.len()).collect();
    assert_eq!(start, before);
    for (name, url) in services {
        let place = |text: &str| told.iter().position(|line| *line == text).unwrap_or_else(|| panic!("no {text:?}"));
        let (registered, ready) = (place(&format!("{name} registered")), place(&format!("{url} micro-service ready")));
        let starting = place(&format!("starting microService connection to {url}"));
        assert!(starting < registered && registered < ready, "{told:#?}");
    }
    let service = fleet.hosts().find(|host| host.name == "login_service").unwrap();
    let line = service.wait_for("orchestrator received message: ");
    assert!(line.contains(r#"{"type":"ewd-register","application":"login_service","jwt":true,"socketId":""#), "{line}");
    service.wait_for(r#"sent response to orchestrator: {"type":"ewd-register","finished":true}"#);
}

#[test]
fn no_log_ever_shows_the_secret_a_token_or_a_password() {
    let fleet = Fleet::example();
    let host = &fleet.orchestrator;
    let token = host.login();
    let wrong = r#"{"username":"rob","password":"a-password-of-mine"}"#;
    assert_eq!(host.post("/api/login", wrong).send().status, 400);
    assert_eq!(host.get("/api/info/greeting").token(&token).send().status, 200);
    assert_eq!(host.get("/api/info/greeting").token(&format!("{token}x")).send().status, 401);
    host.wait_for("GET \"/api/info/greeting\" -> 401 in ");
    for host in fleet.hosts() {
        for line in host.lines() {
            for secret in [SECRET, "eyJ", "a-password-of-mine"] {
                assert!(!line.contains(secret), "{} says {line:?}", host.name);
            }
        }
    }
}

#[test]
fn the_samples_of_the_original_start_as_they_are() {
    for name in ["co_hosted", "separately_hosted", "with_passwords"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/configurations/accepted/{name}.json"));
        let app = App::with_texts(&std::fs::read_to_string(file).unwrap(), None);
        let service = Launch::microservice(&app, "login_service").start();
        let orchestrator = Launch::orchestrator(&app).reaching("login_service", service.port).start();
        orchestrator.wait_for("login_service registered");
        for host in [&service, &orchestrator] {
            let answer = host.get("/api/login").send();
            assert_eq!(answer.shown(), r#"404 {"error":"url could not be matched"}"#, "{name}");
            host.wait_for("configuration/routes.json: the file does not exist, so this host has no routes");
        }
    }
}

#[test]
fn an_orchestrator_without_microservices_says_so() {
    let host = Launch::orchestrator(&App::new(json!({"qewd_up": true}), &json!([]))).start();
    let lines = host.lines().join("\n");
    assert!(lines.contains("*** orchestrator without any microservices ***"), "{lines}");
    assert!(!lines.contains("Setting up micro-service connections"), "{lines}");
}

#[test]
fn a_microservice_that_is_not_named_as_it_should_be_is_told() {
    let app = app();
    let start = |variable: &str, value: &str, arguments: &[&str]| {
        let mut command = command();
        command.env(variable, value).arg("run").arg("--app").arg(app.path()).args(arguments);
        Launch::plain(variable, command).start_as_it_is()
    };
    start("microservice", "", &[])
        .wait_for("WARN the microservice's name is empty (--microservice, or the environment variable");
    for value in ["login_service", ""] {
        let capital = start("MICROSERVICE", value, &[]);
        capital.wait_for("WARN the environment variable MICROSERVICE is not looked at; write its name in small letters: microservice");
    }
    let named = start("MICROSERVICE", "login_service", &["--microservice", "login_service"]);
    assert!(named.lines().iter().all(|line| !line.contains("MICROSERVICE")));
}
