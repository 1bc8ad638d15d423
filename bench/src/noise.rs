//! How much else went on on the machine while something was measured.
//! In come the process ids that belong to the measurement; out goes how much of the machine others took, in words.
//! It never corrects a measured time by that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the watching thread sleeps each time. What it sleeps longer, a thread that wants to run waits, too.
const NAP: Duration = Duration::from_millis(5);

/// Watches the machine.
pub struct Noise {
    pids: Vec<u32>,
    before: Ticks,
    stop: Arc<AtomicBool>,
    longest: Arc<AtomicU64>,
    napping: JoinHandle<()>,
}

/// Processor time, in the unit of the system.
#[derive(Clone, Copy)]
struct Ticks {
    /// Of all processors, also when they did nothing.
    all: u64,
    /// Of all processors, when they did something for anybody.
    busy: u64,
    /// Taken by other virtual machines.
    stolen: u64,
    /// Of the processes of the measurement.
    own: u64,
}

impl Noise {
    /// Begins to watch; this process always belongs to the measurement.
    #[must_use]
    pub fn watch(mut pids: Vec<u32>) -> Self {
        pids.push(std::process::id());
        let (stop, longest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, seen) = (Arc::clone(&stop), Arc::clone(&longest));
        let napping = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let began = Instant::now();
                std::thread::sleep(NAP);
                let late = began.elapsed().saturating_sub(NAP).as_millis();
                seen.fetch_max(u64::try_from(late).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        });
        Self { before: Ticks::now(&pids), pids, stop, longest, napping }
    }

    /// Ends watching. The processes must still be there.
    ///
    /// # Panics
    /// When the watching thread has ended badly.
    #[must_use]
    pub fn end(self) -> String {
        self.stop.store(true, Ordering::Relaxed);
        self.napping.join().expect("a thread that naps ends well");
        let now = Ticks::now(&self.pids);
        let of_all = |part: u64| part as f64 / (now.all - self.before.all).max(1) as f64 * 100.0;
        let busy = now.busy.saturating_sub(self.before.busy);
        let own = now.own.saturating_sub(self.before.own);
        format!(
            "Noise: of the processors' time the measurement took {:.0} %, other processes {:.0} %, other virtual machines \
             {:.1} %; a thread that wanted to run waited up to {} ms.",
            of_all(own),
            of_all(busy.saturating_sub(own)),
            of_all(now.stolen.saturating_sub(self.before.stolen)),
            self.longest.load(Ordering::Relaxed),
        )
    }
}

impl Ticks {
    fn now(pids: &[u32]) -> Self {
        let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        // cpu user nice system idle iowait irq softirq steal: what follows is counted in user already.
        let first = text.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
        let times: Vec<u64> = first.filter_map(|time| time.parse().ok()).collect();
        let time = |place: usize| times.get(place).copied().unwrap_or_default();
        let (all, stolen) = (times.iter().sum(), time(7));
        let own = pids.iter().map(|pid| ticks_of(*pid)).sum();
        Self { all, busy: all - time(3) - time(4) - stolen, stolen, own }
    }
}

fn ticks_of(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The program's name stands in brackets and may have spaces in it. After it: state is the first, user time the 12th.
    let rest = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    rest.split_whitespace().skip(11).take(2).filter_map(|time| time.parse::<u64>().ok()).sum()
}
