//! What this process takes of the machine.
//! In comes the word that a step is over, or a question; out go memory, processor time and open files.
//! Where the system does not tell, it says so and never guesses.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Milliseconds of the unit in which Linux tells processor time: 100 of them are a second for every program, on every machine
/// that this one is built for (`USER_HZ`).
const TICK_MILLISECONDS: u64 = 10;

/// Measures from step to step.
#[derive(Default)]
pub struct Meter {
    reading: Mutex<Reading>,
}

#[derive(Default)]
struct Reading {
    last: Option<(Instant, Duration)>,
    taken: Taken,
}

/// What the process takes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Taken {
    /// Cores that were busy with it in the last step, in the mean: 1 is one core all the time.
    pub cores: Option<f64>,
    /// Bytes of memory that it holds.
    pub memory: Option<u64>,
}

impl Meter {
    /// A step is over.
    pub fn step(&self) {
        let (now, used) = (Instant::now(), processor_time());
        let memory = memory();
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let cores = reading.last.and_then(|(before, used_before)| {
            let passed = now.saturating_duration_since(before).as_secs_f64();
            (passed > 0.0).then(|| used.saturating_sub(used_before).as_secs_f64() / passed)
        });
        *reading = Reading { last: Some((now, used)), taken: Taken { cores, memory } };
    }

    /// What it took in the last step.
    #[must_use]
    pub fn taken(&self) -> Taken {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).taken
    }
}

/// Time for which a processor was busy with it, since it began, to a hundredth of a second: its own part and that of the system,
/// as Linux says (proc_pid_stat(5)).
#[must_use]
pub fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name stands in brackets and may have spaces in it. After it, the state is the first.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks.saturating_mul(TICK_MILLISECONDS))
}

/// Bytes of memory that it holds, as Linux says (proc_pid_status(5)); other systems have no such file.
#[must_use]
pub fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Files and sockets that it holds open (proc_pid_fd(5)).
#[must_use]
pub fn open_files() -> Option<u64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is this look.
    u64::try_from(open).ok()?.checked_sub(1)
}

/// Files and sockets that it may hold open; nothing: there is no limit.
#[must_use]
pub fn most_open_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_thread_is_measured() {
        let meter = Meter::default();
        meter.step();
        assert_eq!(meter.taken().cores, None);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        meter.step();
        let Taken { cores, memory } = meter.taken();
        assert!(cores.unwrap() > 0.1, "{cores:?}");
        assert!(memory.unwrap() > 1 << 20, "{memory:?}");
    }
}
