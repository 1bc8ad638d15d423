//! How long one request takes: what the way through the orchestrator adds, and what the slowest take under load.
//! In come hosts and a plan; out go microseconds, and how many times another's they are.
//! Times of all are measured by the same tool in the same round.

use super::host::{self, Folder, route};
use super::load::{Turn, steady};
use super::native_servers;
use super::report::{Figure, Goal, Report, median};
use super::side_by_side::{Contender, race};
use super::tools::Tools;
use super::{JUDGED, Plan};
use serde_json::json;

/// Row 5: the microservice asked directly, and through the orchestrator, one request after the other.
pub(crate) fn added(tools: &Tools, plan: &Plan, report: &mut Report) {
    let linked = host::linked(tools);
    linked.service.wait_for("/hello/world");
    let servers = [&linked.orchestrator, &linked.service].map(|server| Contender::new(server, "/hello/world"));
    let turns = race(&servers, 1, plan);
    let [through, direct] = &turns[..] else { unreachable!() };
    report.turns("through the orchestrator", 1, through);
    report.turns("directly", 1, direct);
    let added = |of: fn(&Turn) -> f64| -> Vec<f64> {
        through.iter().zip(direct).map(|(through, direct)| of(through) - of(direct)).collect()
    };
    let what = "added by the orchestrator and the link, 1 connection";
    report.figure(
        &Figure { row: 5, what, beside: "the direct call, median", unit: "µs", goal: Goal::AtMost(100.0) },
        &added(|turn| turn.median),
    );
    report.figure(
        &Figure { row: 5, what, beside: "the direct call, p99", unit: "µs", goal: Goal::None },
        &added(|turn| turn.p99),
    );
}

/// Row 6: the slowest of a hundred, at half of the rate at which the host is saturated.
pub(crate) fn under_load(tools: &Tools, plan: &Plan, report: &mut Report) {
    let routes = json!([route("GET", "/hello/:name", "hello", true, None)]);
    let folder = Folder::measured(tools, &routes, &[], "orchestrator");
    let qewd = host::start("qewd", &folder, "one", host::command(&tools.qewd, &folder, "one", None));
    let hello = qewd.wait_for("/hello/world");
    let bare = native_servers::bare(folder.path(), &hello, &hello);
    let saturated = race(&[Contender::new(&qewd, "/hello/world")], JUDGED, plan);
    let rates: Vec<f64> = saturated.iter().flatten().map(|turn| turn.rate).collect();
    let rate = median(&rates) / 2.0;
    let oha = Tools::oha();
    let turn = |port: u16| {
        let url = format!("http://127.0.0.1:{port}/hello/world");
        // A longer turn: one in a hundred has to be many.
        steady(&oha, &url, JUDGED, rate, 2 * plan.turn)
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        theirs.push(turn(bare.port));
        ours.push(turn(qewd.port));
    }
    report.turns(&format!("qewd at {rate:.0} requests/s"), JUDGED, &ours);
    report.turns(&format!("bare axum at {rate:.0} requests/s"), JUDGED, &theirs);
    let times = |of: fn(&Turn) -> f64| -> Vec<f64> {
        ours.iter().zip(&theirs).map(|(ours, theirs)| of(ours) / of(theirs)).collect()
    };
    let what = format!("open route at {rate:.0} requests/s, {JUDGED} connections");
    report.figure(
        &Figure { row: 6, what: &what, beside: "bare axum, p99", unit: "times", goal: Goal::AtMost(3.0) },
        &times(|turn| turn.p99),
    );
    report.figure(
        &Figure { row: 6, what: &what, beside: "bare axum, median", unit: "times", goal: Goal::None },
        &times(|turn| turn.median),
    );
    let p99: Vec<f64> = ours.iter().map(|turn| turn.p99).collect();
    report.figure(&Figure { row: 6, what: &what, beside: "itself, p99", unit: "µs", goal: Goal::None }, &p99);
}
