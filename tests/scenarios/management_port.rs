//! A second port for operators: what is there, what is nowhere else then, and that a full first port does not lock them out.

use crate::harness::{
    API, App, Authority, Fleet, Host, Launch, Operator, Request, TlsClient, free_port, free_ports_in_a_row, raw,
    wait_until,
};
use serde_json::{Value, json};

const OURS: [&str; 4] = ["/qewd/health/live", "/qewd/health/ready", "/metrics", "/qewd-monitor"];

fn app(qewd: &Value) -> App {
    let routes = json!([{"uri": "/api/echo/:word", "handler": "echo", "authenticate": false}]);
    App::new(json!({"qewd_up": true, "orchestrator": {"qewd": qewd}}), &routes).guest("orchestrator", "echo")
}

fn management(host: &Host) -> u16 {
    host.wait_for("management on port ").rsplit(' ').next().unwrap().parse().unwrap()
}

fn status(port: u16, path: &str) -> u16 {
    Request::new(port, "GET", path).send().status
}

#[test]
fn what_operators_need_is_there_and_nowhere_else() {
    let app = app(&json!({"managementPort": 0}));
    let host = Launch::orchestrator(&app).start();
    let management = management(&host);
    for path in OURS {
        let status = status(management, path);
        assert!([200, 308].contains(&status), "{path}: {status}");
        let elsewhere = host.get(path).send();
        assert_eq!(elsewhere.shown(), r#"404 {"error":"url could not be matched"}"#, "{path}");
    }
    assert_eq!(host.get("/api/echo/a").send().status, 200);
    for path in ["/", "/api/echo/a", "/qewd/link", "/qewd/health", "/qewd-monitors", "/ajax"] {
        let answer = Request::new(management, "GET", path).send();
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.json()["error"].as_str().unwrap().starts_with("This port has "), "{path}: {answer:?}");
    }
    assert_eq!(host.get(format!("{API}/live/overview")).send().status, 404);
    assert_eq!(Request::new(management, "POST", "/metrics").body("x").send().status, 405);
}

#[test]
fn the_monitor_works_there() {
    let app = app(&json!({"managementPort": 0}));
    let mut host = Launch::orchestrator(&app).start();
    let (own, management) = (host.port, management(&host));
    host.port = management;
    let operator = Operator::of(&host);
    let shown = operator.view("overview")["configuration"].clone();
    assert_eq!((&shown["port"], &shown["managementPort"]), (&json!(own), &json!(management)));
    let mut events = operator.stream("overview");
    assert_eq!(events.next().1["stopping"], json!(false));
    let _app = app.setting("orchestrator", "qewd-monitor", false);
    wait_until("the monitor is off", || status(management, "/qewd-monitor") == 404);
    assert_eq!(status(management, "/qewd/health/live"), 200);
}

#[test]
fn a_full_port_does_not_lock_operators_out() {
    let app = app(&json!({"managementPort": 0, "limits": {"connections": 2}}));
    let host = Launch::orchestrator(&app).start();
    let management = management(&host);
    let ask = b"GET /api/echo/a HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut kept: Vec<_> = (0..2).map(|_| raw(host.port, ask)).collect();
    for stream in &mut kept {
        assert_eq!(crate::harness::read_answer(stream, true).status, 200);
    }
    for path in ["/qewd/health/live", "/qewd/health/ready", "/metrics"] {
        assert_eq!(status(management, path), 200, "{path}");
    }
    // Those that are kept, and the one that asks.
    wait_until("the others have ended", || {
        let text = Request::new(management, "GET", "/metrics").send().text();
        text.lines().any(|line| line == "qewd_connections 3")
    });
}

#[test]
fn connections_that_say_nothing_lock_operators_out_for_seconds_only() {
    let app = app(&json!({"managementPort": 0}));
    let host = Launch::orchestrator(&app).start();
    let management = management(&host);
    // Nothing, half a head, and a connection that is kept after its answer.
    let ask = &b"GET /qewd/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"[..];
    let silent: Vec<_> = (0..150).map(|number| raw(management, [b"", &ask[..20], ask][number % 3])).collect();
    let asked = std::time::Instant::now();
    assert_eq!(status(management, "/qewd/health/live"), 200);
    assert!(asked.elapsed() > std::time::Duration::from_secs(5), "the port was never full: {:?}", asked.elapsed());
    drop(silent);
}

#[test]
fn one_port_cannot_be_both() {
    let port = free_port();
    let app = app(&json!({}));
    for (flag, variable) in [(true, false), (false, true)] {
        let number = port.to_string();
        let mut command = crate::harness::command();
        command.args(["run", "--app"]).arg(app.path()).args(["--port", &number]);
        if flag {
            command.args(["--management-port", &number]);
        }
        if variable {
            command.env("QEWD_MANAGEMENT_PORT", &number);
        }
        let ended = crate::harness::Ended::of(&mut command);
        assert_eq!(ended.code, Some(1));
        let words = format!("\"managementPort\" is {port}, which is the host's own port; choose another");
        assert!(ended.err.contains(&words), "{ended:?}");
    }
    let taken = std::net::TcpListener::bind(("::", port)).unwrap();
    let mut command = crate::harness::command();
    command.args(["run", "--port", "0", "--app"]).arg(app.path()).args(["--management-port", &port.to_string()]);
    let ended = crate::harness::Ended::of(&mut command);
    assert!(ended.err.contains("choose another with --management-port, or 0 for a free one"), "{ended:?}");
    drop(taken);
}

#[test]
fn the_environment_names_both_ports() {
    let app = app(&json!({"port": 1, "managementPort": 2}));
    let (own, management) = (free_port(), free_port());
    let launch = Launch::orchestrator(&app).environment("QEWD_PORT", own.to_string());
    let host = launch.environment("QEWD_MANAGEMENT_PORT", management.to_string()).start_as_it_is();
    assert_eq!((host.port, status(management, "/qewd/health/live")), (own, 200));
    let mut check = crate::harness::command();
    check.args(["healthcheck", "--app"]).arg(app.path()).env("QEWD_PORT", own.to_string());
    let ended = crate::harness::Ended::of(check.env("QEWD_MANAGEMENT_PORT", management.to_string()));
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "{\"live\":true}\n"), "{ended:?}");
}

#[test]
fn a_change_of_the_second_port_waits_for_the_next_start() {
    let app = app(&json!({"managementPort": 0}));
    let host = Launch::orchestrator(&app).start();
    let management = management(&host);
    let _app = app.setting("orchestrator", "managementPort", free_port());
    host.wait_for("\"managementPort\" is taken up at the next start");
    assert_eq!(status(management, "/qewd/health/live"), 200);
}

#[test]
fn it_speaks_tls_where_the_host_does_and_wants_no_certificate() {
    let authority = Authority::new();
    let app = app(&json!({"managementPort": 0}));
    authority.issue(&["localhost"]).write(&app, "own");
    authority.write(&app, "authority.pem");
    let ssl = json!({"certFilePath": "own.pem", "keyFilePath": "own.key", "clientCaFilePath": "authority.pem"});
    let app = app.setting("orchestrator", "ssl", ssl);
    let host = Launch::orchestrator(&app).start();
    let mut client = TlsClient::connect(management(&host), &authority);
    assert_eq!(client.get("/qewd/health/live").shown(), r#"200 {"live":true}"#);
    assert!(client.get("/metrics").text().contains("qewd_build_info"));
}

#[test]
fn the_fleet_is_seen_though_its_hosts_have_second_ports() {
    let services = json!([{"name": "far", "qewd": {"managementPort": 0}}]);
    let config = json!({"qewd_up": true, "orchestrator": {"qewd": {"managementPort": 0}}, "microservices": services});
    let mut fleet = Fleet::start(App::new(config, &json!([])), &["far"]);
    fleet.orchestrator.port = management(&fleet.orchestrator);
    let operator = Operator::of(&fleet.orchestrator);
    let seen = operator.view("fleet");
    let hosts: Vec<(&Value, &Value)> =
        seen["hosts"].as_array().unwrap().iter().map(|host| (&host["name"], &host["state"])).collect();
    assert_eq!(hosts, [(&json!("orchestrator"), &json!("here")), (&json!("far"), &json!("ready"))]);
}

#[test]
fn dev_gives_each_host_a_second_port_of_its_own() {
    let services = json!([{"name": "far", "qewd": {"managementPort": 0}}]);
    let first = free_port();
    let config =
        json!({"qewd_up": true, "orchestrator": {"qewd": {"managementPort": first}}, "microservices": services});
    let app = App::new(config, &json!([])).guest("orchestrator", "echo").guest("far", "echo");
    let mut dev = crate::harness::command();
    dev.arg("dev").arg("--app").arg(app.path()).args(["--port", &free_ports_in_a_row(3).to_string()]);
    // Two hosts that took these for themselves could not start.
    dev.env("QEWD_PORT", "1").env("QEWD_MANAGEMENT_PORT", "1");
    let mut host = Launch::plain("dev", dev).spawn();
    host.wait_for_within("The monitor: ", std::time::Duration::from_secs(60));
    let lines = host.lines();
    let told = |name: &str| {
        let line = lines.iter().find(|line| line.starts_with(name) && line.contains("management on port ")).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u16>().unwrap()
    };
    let (orchestrator, far) = (told("orchestrator"), told("far"));
    assert!(orchestrator == first && far != first, "{orchestrator} {far}");
    assert!(lines.contains(&format!("The monitor: http://localhost:{first}/qewd-monitor")), "{lines:#?}");
    for port in [orchestrator, far] {
        assert_eq!(status(port, "/qewd/health/live"), 200);
    }
    host.signal("TERM");
    assert_eq!(host.ended().code(), Some(0));
}
