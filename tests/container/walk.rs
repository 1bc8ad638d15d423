//! The walk through docs/containers.md: its commands in their order, as they stand there.
//! In comes the page; out goes the first command that does not do what the page says.
//! Only what no two machines share is changed in a command: its ports.

use super::engine::{Engine, wait_patiently};
use super::page::Page;
use super::terminal::Terminal;
use crate::harness::{API, Answer, DEFAULT_PASSWORD, Request, free_port, wait_until};
use serde_json::{Value, json};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What Docker gives a container to end by itself.
const STOP: Duration = Duration::from_secs(10);

struct Walk {
    engine: Engine,
    page: Page,
    /// In place of the page's ports 3000 and 3001.
    ports: [u16; 2],
    token: String,
}

impl Walk {
    /// The next command, with ports of this machine.
    #[track_caller]
    fn command(&mut self, beginning: &str) -> String {
        let command = self.page.command(beginning);
        let [orchestrator, login_service] = self.ports;
        let command = command.replace("localhost:3000", &format!("localhost:{orchestrator}"));
        let command = command.replace("-p 3000:", &format!("-p {orchestrator}:"));
        command.replace("-p 3001:", &format!("-p {login_service}:"))
    }

    /// Types the next command.
    #[track_caller]
    fn type_next(&mut self, beginning: &str) -> String {
        let command = self.command(beginning);
        self.engine.ok(&format!("TOKEN='{}'; {command}", self.token))
    }

    /// Types the next request until it is answered as the page says: links need a moment.
    #[track_caller]
    fn ask(&mut self) {
        let command = self.command("curl");
        let wanted = self.page.block("json");
        let line = format!("TOKEN='{}'; {command}", self.token);
        wait_patiently(&format!("{command} answers {wanted}"), || without_token(&self.engine.ok(&line)) == wanted);
    }

    /// Starts a daemon with the next command.
    #[track_caller]
    fn start(&mut self, name: &str) {
        self.type_next(&format!("docker run -d --name {name} "));
        self.engine.wait_for(name, "qewd is listening on port 8080");
    }

    /// Stops a container with the next command: in time, and by its own will.
    #[track_caller]
    fn stop(&mut self, name: &str) {
        let mut wait = self.engine.shell(&format!("docker wait {name}"));
        let waiting = wait.stdout(Stdio::piped()).spawn().unwrap();
        let began = Instant::now();
        self.type_next(&format!("docker stop {name}"));
        assert!(began.elapsed() < STOP, "{name} took {:?}", began.elapsed());
        let code = waiting.wait_with_output().unwrap().stdout;
        assert_eq!(String::from_utf8_lossy(&code).trim(), "0", "the exit code of {name}");
        self.engine.wait_until_gone(name);
    }
}

/// The token of an answer as the page writes it.
fn without_token(answer: &str) -> String {
    match answer.split_once("\"token\":\"") {
        Some((before, rest)) => format!("{before}\"token\":\"…{}", &rest[rest.find('"').unwrap()..]),
        None => answer.to_owned(),
    }
}

/// Signs in at a monitor.
fn sign_in(port: u16, password: &str) -> Answer {
    let request = Request::new(port, "POST", format!("{API}/session")).header("Content-Type", "application/json");
    request.body(json!({"password": password}).to_string()).send()
}

#[test]
fn every_command_of_the_page_does_what_it_says() {
    let Some(engine) = Engine::start() else { return };
    let ports = [free_port(), free_port()];
    let walk = &mut Walk { engine, page: Page::read(), ports, token: String::new() };
    // The image is there, and so is the application: both need a network.
    walk.page.command("docker build -t qewd .");
    walk.page.command("docker build --target example ");
    network(walk);
    orchestrator(walk);
    microservice(walk);
    stopping(walk);
    documents(walk);
    monitor(walk);
    health(walk);
    machines(walk);
    locked_up(walk);
    // Those are typed where the image is made.
    walk.page.command("RUSTFLAGS=");
    walk.page.command("mkdir -p target/image");
    walk.page.command("docker build -f deploy/Dockerfile.prebuilt");
    // Both want what no test has: a compiler for ARM, and Docker's own `compose`.
    walk.page.command("docker buildx build --platform linux/arm64");
    walk.page.command("APPLICATION=~/ms-db docker compose");
}

fn network(walk: &mut Walk) {
    walk.type_next("docker network create qewd-net");
    let networks = walk.type_next("docker network ls");
    assert!(networks.lines().any(|line| line.contains("qewd-net") && line.contains("bridge")), "{networks}");
}

fn orchestrator(walk: &mut Walk) {
    let line = walk.command("docker run -it --name orchestrator ");
    let terminal = Terminal::open(&walk.engine, &line);
    let promised = walk.page.block("text");
    for line in promised.lines() {
        terminal.wait_for(line.trim_end_matches('…'));
    }
    let secret = || fs::read_to_string(walk.engine.config()).unwrap().contains("\"secret\"");
    assert!(secret(), "the first host writes the secret");
    assert_eq!(terminal.interrupt().code(), Some(0));
    walk.engine.wait_until_gone("orchestrator");
    walk.start("orchestrator");
    assert_ne!(walk.engine.status("orchestrator", "Uid")[0], "0", "it serves as root");
    walk.ask();
    walk.ask();
}

fn microservice(walk: &mut Walk) {
    let line = walk.command("docker run -it --name login_service ");
    let terminal = Terminal::open(&walk.engine, &line);
    terminal.wait_for("ewd-register");
    assert_eq!(terminal.interrupt().code(), Some(0));
    walk.engine.wait_until_gone("login_service");
    walk.start("login_service");
    let line = walk.command("docker logs -f orchestrator");
    let logs = Terminal::open(&walk.engine, &line);
    for line in walk.page.block("text").lines() {
        logs.wait_for(line);
    }
    logs.interrupt();
    walk.ask();
    walk.start("info_service");
    walk.start("db_service");
}

fn stopping(walk: &mut Walk) {
    let seen = walk.engine.log("orchestrator").len();
    walk.stop("login_service");
    let gone = "*** server has disconnected socket, probably because it shut down";
    walk.engine.wait_for_after(seen, "orchestrator", gone);
    walk.start("login_service");
    walk.engine.wait_for_after(seen, "orchestrator", "Re-registered");
    walk.stop("orchestrator");
    walk.engine.wait_for("login_service", " disconnected");
    walk.start("orchestrator");
    walk.engine.wait_for("orchestrator", "login_service registered");
}

fn documents(walk: &mut Walk) {
    walk.stop("db_service");
    walk.type_next("mkdir -p ~/qewd-data/db_service");
    walk.start("db_service");
    let command = walk.command("TOKEN=$(");
    walk.token = walk.engine.ok(&format!("{command}; printf %s \"$TOKEN\""));
    walk.ask();
    walk.stop("db_service");
    walk.start("db_service");
    walk.ask();
    let listed = walk.type_next("docker exec db_service qewd documents list");
    assert!(listed.contains("DocumentsIndex"), "{listed}");
}

fn monitor(walk: &mut Walk) {
    for port in walk.ports {
        assert!(Request::new(port, "GET", "/qewd-monitor").send().status < 400, "port {port}");
        assert_eq!(sign_in(port, DEFAULT_PASSWORD).status, 200);
    }
    let line = walk.command("docker run -it --rm qewd hash-password");
    let mut terminal = Terminal::open(&walk.engine, &line);
    for question in ["assword", "gain"] {
        terminal.wait_for(question);
        terminal.keys("another one\r");
    }
    terminal.wait_for("$argon2");
    assert_eq!(terminal.ended().code(), Some(0));
    let shown = terminal.shown();
    let hash = shown.lines().find(|line| line.contains("$argon2")).unwrap().trim();
    let mut config: Value = serde_json::from_str(&fs::read_to_string(walk.engine.config()).unwrap()).unwrap();
    config["microservices"][0]["qewd"]["managementPassword"] = hash[hash.find("$argon2").unwrap()..].into();
    fs::write(walk.engine.config(), config.to_string()).unwrap();
    let port = walk.ports[1];
    wait_until("the new password opens", || sign_in(port, "another one").status == 200);
    let answer = sign_in(port, "another one");
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let stop = Request::new(port, "POST", format!("{API}/host/stop")).header("Cookie", &cookie).send();
    assert_eq!(stop.status, 200, "{stop:?}");
    walk.engine.wait_until_gone("login_service");
}

fn health(walk: &mut Walk) {
    // Where no systemd asks in its place, Podman asks once when it is told to.
    wait_until("the host is well", || walk.engine.run("docker healthcheck run orchestrator").status.success());
    assert_eq!(walk.type_next("docker inspect "), "healthy");
}

/// Both machines are this one: the containers reach each other by its address and its ports.
fn machines(walk: &mut Walk) {
    for name in ["orchestrator", "info_service", "db_service"] {
        walk.engine.ok(&format!("docker stop {name}"));
        walk.engine.wait_until_gone(name);
    }
    let gateway = walk.engine.ok("docker network inspect podman --format '{{range .Subnets}}{{.Gateway}}{{end}}'");
    let mut config: Value = serde_json::from_str(&walk.page.block("json")).unwrap();
    config["microservices"][0]["host"] = gateway.into();
    config["microservices"][0]["port"] = walk.ports[1].into();
    fs::write(walk.engine.config(), config.to_string()).unwrap();
    let routes = walk.engine.home().join("ms-db/configuration/routes.json");
    let mut all: Vec<Value> = serde_json::from_str(&fs::read_to_string(&routes).unwrap()).unwrap();
    all.retain(|route| !["info_service", "db_service"].iter().any(|gone| route["on_microservice"] == *gone));
    fs::write(&routes, Value::from(all).to_string()).unwrap();
    let line = walk.command("docker run -it --name orchestrator ");
    let orchestrator = Terminal::open(&walk.engine, &line);
    orchestrator.wait_for("listening on port 8080");
    let line = walk.page.command("docker run -it --name login_service ");
    let line = line.replace("-p 3000:", &format!("-p {}:", walk.ports[1]));
    let login_service = Terminal::open(&walk.engine, &line);
    orchestrator.wait_for("login_service registered");
    login_service.wait_for("ewd-register");
    let login = Request::new(walk.ports[0], "POST", "/api/login").header("Content-Type", "application/json");
    assert_eq!(login.body(r#"{"username":"rob","password":"secret"}"#).send().status, 200);
    for terminal in [login_service, orchestrator] {
        assert_eq!(terminal.interrupt().code(), Some(0));
    }
}

/// With all rights taken away.
fn locked_up(walk: &mut Walk) {
    walk.engine.wait_until_gone("orchestrator");
    walk.start("orchestrator");
    walk.engine.wait_for("orchestrator", "documents are kept in memory");
    assert_eq!(walk.engine.status("orchestrator", "Uid"), ["65532"; 4]);
    assert_eq!(walk.engine.status("orchestrator", "CapEff"), ["0000000000000000"]);
    assert_eq!(Request::new(walk.ports[0], "GET", "/api/version").send().status, 200);
}
