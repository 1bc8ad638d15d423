//! Whether a host slows down when it has much: many routes, many links, large bodies.
//! In come small and large folders; out go ratios of turns in the same round.
//! All other things are the same in both: the same module, the same processes beside.

use super::host::{self, Folder, SERVICE, route};
use super::native_servers;
use super::process::{Server, free_port, nginx, own};
use super::report::{Figure, Goal, Report};
use super::side_by_side::{Contender, race, ratios};
use super::tools::Tools;
use super::{JUDGED, Plan};
use serde_json::{Value, json};

/// Bytes of a large body.
const BODY: usize = 1_000_000;
/// Connections with large bodies.
const LARGE: usize = 4;
const FEW_ROUTES: usize = 10;
const MANY_ROUTES: usize = 10_000;
const LINKS: usize = 100;

/// Row 9.
pub(crate) fn scale(tools: &Tools, plan: &Plan, report: &mut Report) {
    routes(tools, plan, report);
    links(tools, plan, report);
    bodies(tools, plan, report);
}

fn routes(tools: &Tools, plan: &Plan, report: &mut Report) {
    let folder = |count: usize| {
        let others = (0..count - 1).map(|number| route("GET", &format!("/api/thing{number}/:id"), "hello", true, None));
        let mut routes: Vec<Value> = others.collect();
        // In the middle, as any other.
        routes.insert(count / 2, route("GET", "/hello/:name", "hello", true, None));
        Folder::measured(tools, &json!(routes), &[], "orchestrator")
    };
    let folders = [folder(MANY_ROUTES), folder(FEW_ROUTES)];
    let [many, few] = [0, 1].map(|number| {
        let folder = &folders[number];
        host::start("qewd", folder, "one", host::command(&tools.qewd, folder, "one", None))
    });
    let turns = race(&[&many, &few].map(|server| Contender::new(server, "/hello/world")), JUDGED, plan);
    report.turns("10 000 routes", JUDGED, &turns[0]);
    report.turns("10 routes", JUDGED, &turns[1]);
    report.figure(
        &Figure { row: 9, what: "10 000 routes", beside: "10 routes", unit: "", goal: Goal::AtLeast(0.95) },
        &ratios(&turns[0], &turns[1]),
    );
}

fn links(tools: &Tools, plan: &Plan, report: &mut Report) {
    let names: Vec<String> = (0..LINKS).map(|number| format!("{SERVICE}{number}")).collect();
    let folder = |names: &[String]| {
        let last = names.last().map(String::as_str);
        let routes = json!([route("GET", "/hello/:name", "hello", true, last)]);
        let folder = Folder::new(&routes, names);
        for name in names {
            folder.add(name, "measured", &std::fs::read(&tools.module).expect("the module was built"));
        }
        folder
    };
    let many = folder(&names);
    // The one link leads to the same process.
    let few = folder(&names[LINKS - 1..]);
    let secret = std::fs::read_to_string(many.path().join("configuration/config.json")).expect("the file is there");
    let secret: Value = serde_json::from_str(&secret).expect("it is JSON");
    let config = json!({
        "qewd_up": true, "orchestrator": {}, "microservices": [{ "name": names[LINKS - 1] }], "jwt": secret["jwt"],
    });
    std::fs::write(few.path().join("configuration/config.json"), config.to_string()).expect("a file can be written");
    let services: Vec<Server> = names
        .iter()
        .map(|name| host::start(name, &many, name, host::command(&tools.qewd, &many, name, Some(name))))
        .collect();
    let front = |folder: &Folder, from: usize| {
        let mut command = host::command(&tools.qewd, folder, "front", None);
        for (name, service) in names.iter().zip(&services).skip(from) {
            command.arg("--service").arg(format!("{name}=http://127.0.0.1:{}", service.port));
        }
        let server = host::start("qewd", folder, "front", command);
        server.wait_for("/hello/world");
        server
    };
    let (all, one) = (front(&many, 0), front(&few, LINKS - 1));
    let turns = race(&[&all, &one].map(|server| Contender::new(server, "/hello/world")), JUDGED, plan);
    report.turns("100 links", JUDGED, &turns[0]);
    report.turns("1 link", JUDGED, &turns[1]);
    report.figure(
        &Figure { row: 9, what: "100 links", beside: "1 link", unit: "", goal: Goal::AtLeast(0.95) },
        &ratios(&turns[0], &turns[1]),
    );
}

fn bodies(tools: &Tools, plan: &Plan, report: &mut Report) {
    let linked = host::linked(tools);
    let folder = tempfile::tempdir().expect("the system has a temporary folder");
    let bare = native_servers::bare(folder.path(), "{}", "{}");
    let (proxy_port, nginx_port) = (free_port(), free_port());
    let proxy =
        Server::start("axum proxy", proxy_port, &mut own("proxy", &[&proxy_port.to_string(), &bare.port.to_string()]));
    let nginx = Server::start("NGINX", nginx_port, &mut nginx(folder.path(), nginx_port, bare.port));
    let body = "x".repeat(BODY);
    for server in [&linked.orchestrator, &proxy, &nginx] {
        let (status, answer) = server.ask("POST", "/size", &[], &body);
        assert_eq!((status, answer.as_str()), (200, "{\"bytes\":1000000}"), "{}", server.name);
    }
    let script = folder.path().join("body.lua");
    let text = format!("wrk.method = \"POST\"\nwrk.body = string.rep(\"x\", {BODY})\n");
    std::fs::write(&script, text).expect("the temporary folder can be written");
    let servers = [&linked.orchestrator, &proxy, &nginx]
        .map(|server| Contender { script: Some(&script), ..Contender::new(server, "/size") });
    let turns = race(&servers, LARGE, plan);
    for (contender, turns) in servers.iter().zip(&turns) {
        report.turns(&format!("{}, 1 MB", contender.server.name), LARGE, turns);
    }
    let what = format!("a body of 1 MB over a link, {LARGE} connections");
    report.figure(
        &Figure { row: 9, what: &what, beside: "axum proxy → bare axum", unit: "", goal: Goal::AtLeast(0.8) },
        &ratios(&turns[0], &turns[1]),
    );
    report.figure(
        &Figure { row: 9, what: &what, beside: "NGINX → bare axum", unit: "", goal: Goal::AtLeast(0.8) },
        &ratios(&turns[0], &turns[2]),
    );
}
