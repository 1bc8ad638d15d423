//! What a host holds of the machine's memory: alone, for each idle instance, and for each module.
//! In come folders; out go bytes, as the system counts them.
//! Idle means: for a second nothing was asked.

use super::host::{self, Folder, route};
use super::process::ask;
use super::report::{Figure, Goal, Report};
use super::tools::Tools;
use bench::memory::Memory;
use serde_json::json;
use std::time::Duration;

/// How long a host rests before its memory is looked at.
const REST: Duration = Duration::from_secs(1);
/// Numbers of modules at which it is looked at.
const MODULES: [u32; 3] = [100, 500, 1000];
/// Instances that live at one time.
const INSTANCES: usize = 60;

/// Row 8.
pub(crate) fn footprint(tools: &Tools, report: &mut Report) {
    alone(tools, report);
    instances(tools, report);
    modules(tools, report);
}

fn memory_of(pid: u32) -> Memory {
    std::thread::sleep(REST);
    Memory::of(pid)
}

/// An orchestrator whose link is up, and that has answered.
fn alone(tools: &Tools, report: &mut Report) {
    let linked = host::linked(tools);
    let memory = memory_of(linked.orchestrator.id());
    let megabytes = |kibibytes: i64| kibibytes as f64 * 1024.0 / 1e6;
    let what = "idle orchestrator with a link, after a request";
    report.figure(
        &Figure { row: 8, what, beside: "", unit: "MB", goal: Goal::AtMost(25.0) },
        &[megabytes(memory.resident)],
    );
    report.figure(
        &Figure {
            row: 8,
            what: &format!("{what}, what it alone has written"),
            beside: "",
            unit: "MB",
            goal: Goal::None,
        },
        &[megabytes(memory.private_dirty)],
    );
}

/// Each instance by what a host of many holds more than one of one.
fn instances(tools: &Tools, report: &mut Report) {
    let routes = json!([route("GET", "/sleep", "sleeper", true, None)]);
    let folder = Folder::new(&routes, &[]);
    let module = std::fs::read(tools.modules.join("examples/sleeper.wasm")).expect("the guests were built");
    folder.add("orchestrator", "sleeper", &module);
    let config = json!({
        "qewd_up": true, "microservices": [],
        "orchestrator": { "qewd": { "poolSize": INSTANCES } }, "jwt": { "secret": "of a measurement" },
    });
    std::fs::write(folder.path().join("configuration/config.json"), config.to_string()).expect("a file can be written");
    let qewd = host::start("qewd", &folder, "one", host::command(&tools.qewd, &folder, "one", None));
    qewd.wait_for("/sleep?milliseconds=0");
    let one = memory_of(qewd.id());
    let port = qewd.port;
    let asking: Vec<_> = (0..INSTANCES)
        .map(|_| std::thread::spawn(move || ask(port, "GET", "/sleep?milliseconds=1500", &[], "")))
        .collect();
    for asked in asking {
        let (status, body) = asked.join().expect("a thread that asks ends well").expect("the host answers");
        assert_eq!(status, 200, "{body}");
    }
    let all = memory_of(qewd.id());
    let each = (all - one).private_dirty as f64 * 1.024 / (INSTANCES - 1) as f64;
    report.figure(
        &Figure {
            row: 8,
            what: "each idle instance of a small handler",
            beside: "",
            unit: "KB",
            goal: Goal::AtMost(100.0),
        },
        &[each],
    );
}

/// Each module by what a host of many holds more than one of few, and whether it grows evenly.
fn modules(tools: &Tools, report: &mut Report) {
    let mut sizes = Vec::new();
    for count in MODULES {
        let folder = host::of_modules(tools, count);
        // The first start compiles, which takes memory of its own.
        drop(host::start("qewd", &folder, "one", host::command(&tools.qewd, &folder, "one", None)));
        let qewd = host::start("qewd", &folder, "one", host::command(&tools.qewd, &folder, "one", None));
        qewd.wait_for(&format!("/module{:03}", count - 1));
        sizes.push((f64::from(count), memory_of(qewd.id()).resident as f64 * 1024.0 / 1e6));
    }
    for pair in sizes.windows(2) {
        let [(few, less), (many, more)] = pair else { continue };
        let each = (more - less) / (many - few);
        report.figure(
            &Figure {
                row: 8,
                what: &format!("each module, from {few} to {many}"),
                beside: "",
                unit: "MB",
                goal: Goal::AtMost(1.0),
            },
            &[each],
        );
    }
}
