//! The memory of a host while versions come and go.
//! In comes a host's process id; out go its sizes from before to rest, and which mappings grew.
//! It only looks now and then, so it never sees a peak between two looks.

use bench::figures::mebibytes;
use bench::memory::{Memory, mappings};
use bench::row;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two looks. Each walks through the page tables of the process, which holds the process up for a moment.
const LOOK: Duration = Duration::from_millis(500);
/// Mappings that are told.
const TOLD: usize = 6;

/// Looks at one host's memory while it lives.
pub(crate) struct Growth {
    name: String,
    pid: u32,
    before: Memory,
    mappings_before: BTreeMap<String, Memory>,
    looks: Arc<Mutex<Vec<Memory>>>,
    stop: Arc<AtomicBool>,
    looking: JoinHandle<()>,
}

/// What was seen of one host.
pub(crate) struct Grown {
    name: String,
    /// In the order of time, from before to rest.
    moments: Vec<(&'static str, Memory)>,
    most: Memory,
    /// By how much each kind of mapping grew from before to rest, the largest first.
    mappings: Vec<(String, Memory)>,
}

impl Growth {
    /// Begins to look.
    pub(crate) fn watch(name: &str, pid: u32) -> Self {
        let before = Memory::of(pid);
        let (looks, stop) = (Arc::new(Mutex::new(vec![before])), Arc::new(AtomicBool::new(false)));
        let (seen, stopped) = (Arc::clone(&looks), Arc::clone(&stop));
        let looking = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                seen.lock().expect("nobody panics while holding it").push(Memory::of(pid));
                std::thread::sleep(LOOK);
            }
        });
        Self { name: name.to_owned(), pid, before, mappings_before: mappings(pid), looks, stop, looking }
    }

    /// Ends looking. `rest` ends the load and waits.
    pub(crate) fn end(watched: Vec<Self>, rest: impl FnOnce()) -> Vec<Grown> {
        for host in &watched {
            host.stop.store(true, Ordering::Relaxed);
        }
        let after: Vec<Memory> = watched.iter().map(|host| Memory::of(host.pid)).collect();
        rest();
        let grown = watched.into_iter().zip(after).map(|(host, after)| {
            host.looking.join().expect("the host lives as long as it is looked at");
            let looks = host.looks.lock().expect("nobody panics while holding it");
            let quarter = |number: usize| looks[(looks.len() - 1) * number / 4];
            let moments = vec![
                ("before", host.before),
                ("at 1/4", quarter(1)),
                ("at 1/2", quarter(2)),
                ("at 3/4", quarter(3)),
                ("after", after),
                ("at rest", Memory::of(host.pid)),
            ];
            let most = looks.iter().fold(after, |most, look| most.max(*look));
            let mut mappings: Vec<(String, Memory)> = mappings(host.pid)
                .into_iter()
                .map(|(kind, now)| (kind.clone(), now - host.mappings_before.get(&kind).copied().unwrap_or_default()))
                .collect();
            mappings.sort_by_key(|(_, growth)| -growth.private_dirty);
            mappings.truncate(TOLD);
            Grown { name: host.name.clone(), moments, most, mappings }
        });
        grown.collect()
    }
}

impl Grown {
    /// Prints both tables.
    pub(crate) fn print(&self) {
        println!("Memory of {}, from before (after the first versions) to rest (without load):", self.name);
        let row = |what: &str, size: fn(&Memory) -> i64| {
            let moments = self.moments.iter().map(|(_, memory)| memory).chain([&self.most]);
            [what.to_owned()].into_iter().chain(moments.map(|memory| mebibytes(size(memory)))).collect()
        };
        let rows = [
            row("VmRSS", |memory| memory.resident),
            row("PSS", |memory| memory.proportional),
            row("private dirty", |memory| memory.private_dirty),
        ];
        let heading: Vec<&str> =
            ["memory"].into_iter().chain(self.moments.iter().map(|(when, _)| *when)).chain(["at most"]).collect();
        bench::table::print(&heading, &rows);
        println!("Mappings of {} that grew from before to rest:", self.name);
        let rows: Vec<Vec<String>> = self
            .mappings
            .iter()
            .filter(|(_, growth)| growth.private_dirty > 0)
            .map(|(kind, growth)| row![kind, mebibytes(growth.private_dirty), mebibytes(growth.resident)])
            .collect();
        bench::table::print(&["mapping", "private dirty", "VmRSS"], &rows);
    }
}
