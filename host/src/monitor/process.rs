//! What this process takes of the machine.
//! In comes the word that a step is over; out go memory and processor time.
//! Where the system does not tell, it says so and never guesses.

use rustix::time::{ClockId, clock_gettime};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Measures from step to step.
#[derive(Default)]
pub(super) struct Meter {
    reading: Mutex<Reading>,
}

#[derive(Default)]
struct Reading {
    last: Option<(Instant, Duration)>,
    taken: Taken,
}

/// What the process takes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Taken {
    /// Cores that were busy with it in the last step, in the mean: 1 is one core all the time.
    pub(super) cores: Option<f64>,
    /// Bytes of memory that it holds.
    pub(super) memory: Option<u64>,
}

impl Meter {
    /// A step is over.
    pub(super) fn step(&self) {
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
    pub(super) fn taken(&self) -> Taken {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).taken
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0))
}

/// What Linux says of this process (proc_pid_status(5)); other systems have no such file.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
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
