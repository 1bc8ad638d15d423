//! How much memory a process holds, and in which mappings.
//! In comes a process id; out go sizes as the system counts them.
//! It never looks into the memory itself.

use std::collections::BTreeMap;
use std::ops::Sub;

/// The C library takes memory for threads in pieces of this size, which begin at multiples of it.
const ARENA: u64 = 64 << 20;

/// The memory of a process at a moment, in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// All that is present, what it shares with other processes too (`VmRSS`).
    pub resident: i64,
    /// The same, where what is shared counts in part.
    pub proportional: i64,
    /// What this process alone has written: it is gone only when the process gives it back.
    pub private_dirty: i64,
}

impl Memory {
    /// The memory of a process, from `/proc/<pid>/smaps_rollup`.
    ///
    /// # Panics
    /// When the process is gone.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut memory = Self::default();
        for line in text.lines() {
            memory.count(line);
        }
        memory
    }

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            resident: self.resident.max(other.resident),
            proportional: self.proportional.max(other.proportional),
            private_dirty: self.private_dirty.max(other.private_dirty),
        }
    }

    /// Adds what a line such as `Rss:   1234 kB` says.
    fn count(&mut self, line: &str) {
        let Some((name, value)) = line.split_once(':') else { return };
        let size = || value.trim().trim_end_matches(" kB").parse().unwrap_or(0);
        match name {
            "Rss" => self.resident += size(),
            "Pss" => self.proportional += size(),
            "Private_Dirty" => self.private_dirty += size(),
            _ => {}
        }
    }
}

impl Sub for Memory {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            resident: self.resident - other.resident,
            proportional: self.proportional - other.proportional,
            private_dirty: self.private_dirty - other.private_dirty,
        }
    }
}

/// The memory of a process by kinds of mappings: what may be done with it, and its name.
///
/// # Panics
/// When the process is gone.
#[must_use]
pub fn mappings(pid: u32) -> BTreeMap<String, Memory> {
    let path = format!("/proc/{pid}/smaps");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut mappings: BTreeMap<String, Memory> = BTreeMap::new();
    let mut kind = String::new();
    for line in text.lines() {
        match heading(line) {
            Some(found) => kind = found,
            None => mappings.entry(kind.clone()).or_default().count(line),
        }
    }
    mappings
}

/// The kind of a mapping, if this line begins one: `7f00-7f10 rw-p 00000000 00:00 0   [heap]`.
fn heading(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (from, to) = words.next()?.split_once('-')?;
    let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
    let rights = words.next()?;
    let name: Vec<&str> = words.skip(3).collect();
    // Which of many libraries or files it is says nothing here.
    let name = match name.join(" ").rsplit('/').next() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ if from % ARENA == 0 && to - from <= ARENA => "without a name, of the form of malloc's arenas".to_owned(),
        _ => "without a name".to_owned(),
    };
    Some(format!("{rights} {name}"))
}
