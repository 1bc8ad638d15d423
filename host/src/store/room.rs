//! Whether a change has room on the disk, so that sled never meets a full one: it could go on only after a new start.
//! In come the bytes that are free, those of the log and those that are kept in it; out goes yes or no.
//! It asks a disk only how much is free.
//!
//! The log grows by segments, and sled writes into those again of which little is needed any more. So there is room on the disk,
//! and there is room in the log: a log has grown to two times what is kept and five segments before sled finds such segments
//! as fast as it needs them.

use super::disk::SEGMENT_BYTES;
use qewd_documents::EngineFailure;
use std::path::Path;

const SEGMENT: u64 = SEGMENT_BYTES as u64;
/// Bytes that stay free, 16 segments or 32 MiB: while sled tidies up, it writes anew what is still needed of several segments
/// before it gives them free. Where large values were replaced and deleted at the limit, that took 15 MiB.
const RESERVE: u64 = 16 * SEGMENT;
/// How much of the reserve is left to changes that only delete: half.
const RESERVE_OF_DELETES: u64 = 8 * SEGMENT;
/// What is left to changes that have room in the log, four segments: sled may begin some before it finds others.
const RESERVE_OF_THE_LOG: u64 = 4 * SEGMENT;
/// What has to be free before sled opens what is there, four segments: it writes a snapshot, and goes on in a new segment. Where it
/// cannot, it leaves half of that behind, and takes it for damage later.
const OPENING: u64 = 4 * SEGMENT;
/// How much larger a change may become on the disk than its keys and values are.
const OVERHEAD: u64 = 4;
/// How much larger the log is than what is kept in it, when sled has tidied up.
const LOG_OVERHEAD: u64 = 2;
/// The segments that are in use beside that.
const BUSY: u64 = 5 * SEGMENT;

/// What room there is, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// On the disk.
    pub(super) free: u64,
    /// The log's length.
    pub(super) log: u64,
    /// All keys and values.
    pub(super) kept: u64,
}

impl Room {
    /// Whether a change with so many bytes of keys and values may be done.
    pub(super) fn is_enough(self, wanted: u64, only_deletes: bool) -> bool {
        let wanted = wanted.saturating_mul(OVERHEAD);
        let reserve = if only_deletes { RESERVE_OF_DELETES } else { RESERVE };
        let in_use = self.kept.saturating_mul(LOG_OVERHEAD).saturating_add(BUSY);
        let has_room_in_log = self.log >= in_use.saturating_add(wanted);
        self.free >= reserve.saturating_add(wanted) || (has_room_in_log && self.free >= RESERVE_OF_THE_LOG)
    }
}

/// Whether there is room to open what is there.
pub(super) fn check_to_open(log: &Path) -> Result<(), EngineFailure> {
    let (true, Ok(system)) = (log.exists(), rustix::fs::statvfs(log)) else { return Ok(()) };
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    if free >= OPENING {
        return Ok(());
    }
    let words = format!(
        "the disk of the documents is full: {free} bytes are free, and to open them takes {OPENING}; make room on it"
    );
    Err(EngineFailure { words, full: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn a_change_leaves_the_reserve_and_a_delete_half_of_it() {
        let room = |free| Room { free, log: 0, kept: 0 };
        assert!(room(36 * MIB).is_enough(MIB, false));
        assert!(!room(36 * MIB - 1).is_enough(MIB, false));
        assert!(room(17 * MIB).is_enough(100, true));
        assert!(!room(16 * MIB).is_enough(100, true));
    }

    #[test]
    fn what_is_deleted_makes_room_in_the_log() {
        let room = |kept| Room { free: 8 * MIB, log: 100 * MIB, kept };
        assert!(!room(46 * MIB).is_enough(1, false));
        assert!(room(30 * MIB).is_enough(MIB, false));
        assert!(!Room { free: 8 * MIB - 1, ..room(0) }.is_enough(1, true));
        assert!(!Room { free: 0, log: u64::MAX, kept: u64::MAX }.is_enough(u64::MAX, false));
    }
}
