//! The end of sled's log as it is before sled opens it: sled overwrites what lies behind the first torn place there.
//! In comes the log; out go its last segments, in memory, and back to their places when it turns out that something is missing.
//! It never writes a byte that was not read from that very place.
//!
//! After a crash a torn end is as it should be: nobody was told of what lies there. After damage it may be all there is of what
//! people were told of, so [`super::salvage`] has to find it.

use super::disk::SEGMENT_BYTES;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Segments that are kept, 16 or 32 MiB. sled takes for its end what is not known to be on the disk: a few of them.
const SEGMENTS: usize = 16;
/// Bytes of a segment's header: a checksum, its number in the log, and how far the log is on the disk.
const HEADER: usize = 20;
/// What sled's numbers are combined with, so that zeroes are none.
const MASK: u64 = 0x7FFF_FFFF_FFFF_FFFF;

/// The last segments of a log.
pub(super) struct Tail {
    log: PathBuf,
    segments: Vec<(u64, Vec<u8>)>,
}

impl Tail {
    /// Reads them. Where that does not work, there are none: sled itself will say what is wrong.
    pub(super) fn of(log: &Path) -> Self {
        let segments = File::open(log).and_then(|file| segments(&file)).unwrap_or_default();
        Self { log: log.to_owned(), segments }
    }

    /// Makes the log what it was. Nobody may have it open.
    pub(super) fn put_back(&self) -> std::io::Result<()> {
        if self.segments.is_empty() {
            return Ok(());
        }
        let file = OpenOptions::new().write(true).open(&self.log)?;
        self.segments.iter().try_for_each(|(at, bytes)| file.write_all_at(bytes, *at))?;
        file.sync_all()
    }
}

fn segments(file: &File) -> std::io::Result<Vec<(u64, Vec<u8>)>> {
    let bytes = file.metadata()?.len();
    let mut order = Vec::new();
    for at in (0..bytes).step_by(SEGMENT_BYTES) {
        let mut header = [0; HEADER];
        // The last segment may be shorter than its header.
        let read = file.read_at(&mut header, at)?;
        order.push((if read == HEADER { number(&header) } else { u64::MAX }, at));
    }
    order.sort_unstable();
    let last = order.into_iter().rev().take(SEGMENTS);
    let segment = |(_, at): (u64, u64)| {
        let length = SEGMENT_BYTES.min(usize::try_from(bytes - at).unwrap_or(SEGMENT_BYTES));
        let mut segment = vec![0; length];
        file.read_exact_at(&mut segment, at).map(|()| (at, segment))
    };
    last.map(segment).collect()
}

/// Where a segment stands in the log; at its end, if that cannot be told.
fn number(header: &[u8; HEADER]) -> u64 {
    let Some((checksum, rest)) = header.split_first_chunk() else { return u64::MAX };
    let is_sound = !crc32fast::hash(rest) == u32::from_le_bytes(*checksum);
    let number = rest.first_chunk().map_or(0, |number| u64::from_le_bytes(*number) ^ MASK);
    if is_sound { number } else { u64::MAX }
}
