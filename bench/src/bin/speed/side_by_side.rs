//! Throughput of servers side by side: all have their turn in each round, so that what happens on the machine happens to all.
//! In come servers and a plan; out go ratios of turns in the same round.
//! Each server's answer is read before it is measured.

use super::host::{self, Folder, route};
use super::load::{Turn, most};
use super::process::{Server, free_port, nginx, own};
use super::report::{Figure, Goal, Report};
use super::tools::Tools;
use super::{JUDGED, Plan, native_servers};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a server runs before its first turn.
const WARM_UP: Duration = Duration::from_secs(1);

/// A server, and what it is asked.
pub(crate) struct Contender<'s> {
    pub(crate) server: &'s Server,
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<String>,
    pub(crate) script: Option<&'s Path>,
}

impl<'s> Contender<'s> {
    pub(crate) fn new(server: &'s Server, path: &'static str) -> Self {
        Self { server, path, headers: Vec::new(), script: None }
    }

    pub(crate) fn turn(&self, connections: usize, time: Duration) -> Turn {
        most(&self.server.url(self.path), connections, time, &self.headers, self.script)
    }
}

/// The turns of each server, in the order of the servers.
pub(crate) fn race(servers: &[Contender<'_>], connections: usize, plan: &Plan) -> Vec<Vec<Turn>> {
    for contender in servers {
        contender.turn(connections, WARM_UP);
    }
    let mut turns = vec![Vec::new(); servers.len()];
    for _ in 0..plan.rounds {
        for (contender, turns) in servers.iter().zip(&mut turns) {
            turns.push(contender.turn(connections, plan.turn));
        }
    }
    turns
}

/// Ours as a part of theirs, round by round.
pub(crate) fn ratios(ours: &[Turn], theirs: &[Turn]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours.rate / theirs.rate).collect()
}

/// Rows 1 and 2: handlers of the host that is asked.
pub(crate) fn here(tools: &Tools, plan: &Plan, report: &mut Report) {
    let routes = json!([
        route("GET", "/hello/:name", "hello", true, None),
        route("GET", "/safe/:name", "hello", false, None),
        route("POST", "/login", "login", true, None),
    ]);
    let folder = Folder::measured(tools, &routes, &[], "orchestrator");
    let qewd = host::start("qewd", &folder, "one", host::command(&tools.qewd, &folder, "one", None));
    let (status, login) = qewd.ask("POST", "/login", &[], "{}");
    assert_eq!(status, 200, "the login answered {login}");
    let token = login.rsplit("\"token\":\"").next().and_then(|rest| rest.split('"').next()).expect("a token");
    let bearer = vec![format!("Authorization: Bearer {token}")];
    let hello = qewd.wait_for("/hello/world");
    let (status, safe) = qewd.ask("GET", "/safe/world", &bearer, "");
    assert!(status == 200 && safe.contains("\"token\""), "the protected route answered {safe}");
    let bare = native_servers::bare(folder.path(), &hello, &safe);
    assert_eq!(bare.wait_for("/hello/world"), hello);
    let wasmtime = Tools::wasmtime();
    let serve = |name: &str, more: &[&str]| {
        let port = free_port();
        let mut command = Command::new(&wasmtime);
        command.args(["serve", "-Scli", "--addr", &format!("127.0.0.1:{port}")]).args(more).arg(&tools.component);
        Server::start(name, port, command.stdout(Stdio::null()).stderr(Stdio::null()))
    };
    let fresh = serve("wasmtime serve", &[]);
    let reused = serve("wasmtime serve, reused", &["--max-instance-reuse-count", "1000"]);
    for server in [&fresh, &reused] {
        assert_eq!(server.wait_for("/hello/world"), hello, "{}", server.name);
    }
    let servers = [
        Contender::new(&bare, "/hello/world"),
        Contender::new(&bare, "/safe/world"),
        Contender::new(&qewd, "/hello/world"),
        Contender { headers: bearer, ..Contender::new(&qewd, "/safe/world") },
        Contender::new(&fresh, "/hello/world"),
        Contender::new(&reused, "/hello/world"),
    ];
    for &connections in &plan.connections {
        let turns = race(&servers, connections, plan);
        let goal = |least| if connections == JUDGED { Goal::AtLeast(least) } else { Goal::None };
        for (contender, turns) in servers.iter().zip(&turns) {
            report.turns(&format!("{} {}", contender.server.name, contender.path), connections, turns);
        }
        let [bare, bare_safe, open, safe, fresh, reused] = &turns[..] else { unreachable!() };
        let at = |what: &str| format!("{what}, {connections} connections");
        let mut row = |row, what: &str, beside: &str, ours, theirs, least| {
            report.figure(&Figure { row, what: &at(what), beside, unit: "", goal: goal(least) }, &ratios(ours, theirs));
        };
        row(1, "protected route", "bare axum", safe, bare_safe, 0.6);
        row(2, "open route", "bare axum", open, bare, 0.8);
        row(2, "open route", "wasmtime serve", open, fresh, 4.0);
        row(2, "open route", "wasmtime serve, reused", open, reused, 1.5);
    }
}

/// Rows 3 and 4: a handler of another host.
pub(crate) fn over_a_link(tools: &Tools, plan: &Plan, report: &mut Report) {
    let linked = host::linked(tools);
    let hello = linked.orchestrator.wait_for("/hello/world");
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let bare = native_servers::bare(folder.path(), &hello, &hello);
    let (proxy_port, nginx_port) = (free_port(), free_port());
    let proxy =
        Server::start("axum proxy", proxy_port, &mut own("proxy", &[&proxy_port.to_string(), &bare.port.to_string()]));
    let nginx = Server::start("NGINX", nginx_port, &mut nginx(folder.path(), nginx_port, bare.port));
    for server in [&proxy, &nginx] {
        assert_eq!(server.wait_for("/hello/world"), hello, "{}", server.name);
    }
    let servers = [&linked.orchestrator, &proxy, &nginx].map(|server| Contender::new(server, "/hello/world"));
    for &connections in &plan.connections {
        let turns = race(&servers, connections, plan);
        for (contender, turns) in servers.iter().zip(&turns) {
            report.turns(&contender.server.name, connections, turns);
        }
        let [ours, proxy, nginx] = &turns[..] else { unreachable!() };
        let goal = |least| if connections == JUDGED { Goal::AtLeast(least) } else { Goal::None };
        let what = format!("over a link, {connections} connections");
        report.figure(
            &Figure { row: 3, what: &what, beside: "axum proxy → bare axum", unit: "", goal: goal(1.0) },
            &ratios(ours, proxy),
        );
        report.figure(
            &Figure { row: 4, what: &what, beside: "NGINX → bare axum", unit: "", goal: goal(0.8) },
            &ratios(ours, nginx),
        );
    }
}
