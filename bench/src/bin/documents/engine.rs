//! The same work as the handlers do, on the bare engine.
//! In comes the data folder of a host that has stopped; out go times.
//! It knows how keys begin, and nothing else of documents.

use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// The first byte of the keys of nodes.
const NODES: u8 = 2;

/// The engine with all keys of its nodes in memory, in order.
pub(crate) struct Bare {
    db: sled::Db,
    keys: Vec<sled::IVec>,
}

/// Numbers that look random and are the same each time (xorshift64), as in the guest.
struct Drawn(u64);

impl Drawn {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

impl Bare {
    pub(crate) fn open(data: &Path) -> Self {
        // The settings that the host gives it.
        let config = sled::Config::new().path(data.join("documents/sled"));
        let config = config.cache_capacity(64 << 20).segment_size(2 << 20);
        let db = config.open().expect("the host has stopped");
        let keys = db.scan_prefix([NODES]).keys().map(|key| key.expect("the engine reads")).collect();
        Self { db, keys }
    }

    fn key(&self, drawn: &mut Drawn) -> &sled::IVec {
        let at = drawn.next(self.keys.len() as u64);
        self.keys.get(usize::try_from(at).unwrap_or(0)).expect("it is one of them")
    }

    /// One read of a drawn key.
    pub(crate) fn read(&self, times: u32, seed: u64) -> Duration {
        let (started, mut drawn) = (Instant::now(), Drawn(seed));
        for _ in 0..times {
            black_box(self.db.get(self.key(&mut drawn)).expect("the engine reads"));
        }
        started.elapsed() / times
    }

    /// A hundred entries from a drawn key on.
    pub(crate) fn page(&self, times: u32, seed: u64) -> Duration {
        self.walk(times, seed, 100)
    }

    /// A thousand entries from a drawn key on.
    pub(crate) fn count(&self, times: u32, seed: u64) -> Duration {
        self.walk(times, seed, 1000)
    }

    fn walk(&self, times: u32, seed: u64, entries: usize) -> Duration {
        let (started, mut drawn) = (Instant::now(), Drawn(seed));
        for _ in 0..times {
            for entry in self.db.range::<&[u8], _>(self.key(&mut drawn).as_ref()..).take(entries) {
                black_box(entry.expect("the engine reads"));
            }
        }
        started.elapsed() / times
    }

    /// One write that is on the disk.
    pub(crate) fn put(&self, times: u32, data: &Path) -> Duration {
        let log = std::fs::File::open(data.join("documents/sled/db")).expect("it is there");
        let started = Instant::now();
        for at in 0..times {
            self.db.insert([&b"bench"[..], &at.to_be_bytes()].concat(), b"1").expect("the engine writes");
            self.db.flush().expect("the engine writes");
            log.sync_data().expect("the disk keeps it");
        }
        started.elapsed() / times
    }
}

/// One flush of a file to this disk: what no store can be faster than.
pub(crate) fn disk(data: &Path, times: u32) -> Duration {
    let mut file = std::fs::File::create(data.join("flushed")).expect("the folder can be written");
    let started = Instant::now();
    for _ in 0..times {
        file.write_all(&[1; 512]).expect("the disk takes it");
        file.sync_data().expect("the disk keeps it");
    }
    started.elapsed() / times
}
