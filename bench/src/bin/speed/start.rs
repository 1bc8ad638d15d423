//! How long a host takes from its start to its first answer.
//! In comes a folder with ten modules that were compiled before; out go milliseconds.
//! The clock runs from before the process is made until a handler's answer is read.

use super::Plan;
use super::host::{self, Folder};
use super::process::{ask, free_port};
use super::report::{Figure, Goal, Report};
use super::tools::Tools;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Modules in the folder.
const MODULES: u32 = 10;
/// Starts that are measured.
const STARTS: usize = 11;
/// How often it is looked whether the host answers.
const LOOK: Duration = Duration::from_micros(500);

/// Row 7.
pub(crate) fn start(tools: &Tools, _: &Plan, report: &mut Report) {
    let folder = host::of_modules(tools, MODULES);
    let times: Vec<f64> = (0..=STARTS).map(|_| first_answer(tools, &folder)).skip(1).collect();
    report.figure(
        &Figure {
            row: 7,
            what: "start to first answer, 10 modules, compiled before",
            beside: "",
            unit: "ms",
            goal: Goal::AtMost(50.0),
        },
        &times,
    );
}

/// Milliseconds.
fn first_answer(tools: &Tools, folder: &Folder) -> f64 {
    let port = free_port();
    let mut command = host::command_at(port, &tools.qewd, folder, "start", None);
    command.stdout(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().expect("the program can be started");
    let until = began + Duration::from_secs(60);
    while !matches!(ask(port, "GET", "/module003", &[], ""), Ok((200, _))) {
        assert!(Instant::now() < until, "the host does not answer");
        std::thread::sleep(LOOK);
    }
    let took = began.elapsed().as_secs_f64() * 1e3;
    // A stop that lets it write what it has.
    drop(child.stdin.take());
    child.wait().expect("a child can be waited for");
    took
}
