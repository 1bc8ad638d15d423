//! How much memory an idle instance holds that has served a call.
//! In comes a case; out goes a row with the memory of one instance, in the host and with wasmtime alone.
//! Each is measured in a process of its own: what another measurement left behind would hide what an instance takes.

use super::calls::{CASES, Case};
use super::hosted::Hosted;
use super::plain::Plain;
use bench::memory::Memory;
use bench::row;
use qewd::configuration::Mode;
use std::path::Path;
use std::process::Command;

/// Instances that live at once.
const INSTANCES: u32 = 60;

/// The heading of the rows.
pub(crate) const HEADING: [&str; 5] =
    ["an idle instance after one call", "host, private dirty", "RSS", "plain, private dirty", "RSS"];

/// Measures one module in two processes.
pub(crate) fn row(case: &Case) -> Vec<String> {
    let (host, plain) = (in_a_process(case, "host"), in_a_process(case, "plain"));
    let shown = |size: i64| format!("{size} KiB");
    row![
        case.name(),
        shown(host.private_dirty),
        shown(host.resident),
        shown(plain.private_dirty),
        shown(plain.resident),
    ]
}

fn in_a_process(case: &Case, way: &str) -> Memory {
    let own = std::env::current_exe().expect("this program knows where it is");
    let output = Command::new(own).args(["--idle-memory", way, "--module", case.module]).output();
    let output = output.expect("this program can be started once more");
    let text = String::from_utf8_lossy(&output.stdout);
    let sizes: Vec<i64> = text.split_whitespace().filter_map(|size| size.parse().ok()).collect();
    match sizes[..] {
        [private_dirty, resident] if output.status.success() => Memory { private_dirty, resident, proportional: 0 },
        _ => panic!("measuring memory failed: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// The part that runs in a process of its own: prints the two sizes.
pub(crate) async fn measure(way: &str, module: &str, folder: &Path) {
    let case = CASES.iter().find(|case| case.module == module).expect("a module of the example");
    let one = if way == "host" {
        let host = Hosted::load(case, folder, Mode::Reuse).await;
        grown(async || {
            let mut instance = host.make().await;
            host.ask(&mut instance, case).await;
            instance
        })
        .await
    } else {
        let plain = Plain::load(case, folder);
        grown(async || {
            let mut instance = plain.make().await;
            plain.ask(&mut instance, case).await;
            instance
        })
        .await
    };
    println!("{} {}", one.private_dirty, one.resident);
}

/// By how much one instance makes this process larger.
async fn grown<T>(make: impl AsyncFn() -> T) -> Memory {
    // The first one brings in what all of them share.
    let first = make().await;
    let before = Memory::of(std::process::id());
    let mut made = vec![first];
    for _ in 0..INSTANCES {
        made.push(make().await);
    }
    let grown = Memory::of(std::process::id()) - before;
    drop(made);
    let each = |size: i64| size / i64::from(INSTANCES);
    Memory {
        private_dirty: each(grown.private_dirty),
        resident: each(grown.resident),
        proportional: each(grown.proportional),
    }
}
