//! How it stands with the documents of a host, for whoever looks at its health.
//! In come what the disk says of itself and what failed; out go a few numbers and whether anything can be written.
//! It never writes, and says only by [`Documents::measure`] what has to be asked of the disk.

use super::Documents;

/// Bytes of a small change, 1 KiB: where not even this has room, the disk is full.
const SMALL_CHANGE: u64 = 1024;

/// What the disk says; asking it may take its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Bytes that are free on the disk.
    pub free: u64,
    /// Bytes of the file with the documents.
    pub size: u64,
    /// Nodes of documents.
    pub nodes: u64,
    /// Whether a small change has room.
    pub has_room: bool,
}

impl Documents {
    /// Whether they are on a disk, and not in memory only.
    #[must_use]
    pub fn are_on_disk(&self) -> bool {
        self.disk.is_some()
    }

    /// Whether writing has failed for good: only a new start can help.
    #[must_use]
    pub fn have_failed(&self) -> bool {
        self.failed().is_some() || self.disk.as_ref().is_some_and(super::disk::Disk::is_broken)
    }

    /// Whether they were removed or replaced under the host, as far as [`Documents::measure`] has found out.
    #[must_use]
    pub fn are_lost(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.log().is_lost())
    }

    /// Asks the disk. Nothing: they are in memory only, or the system does not tell.
    #[must_use]
    pub fn measure(&self) -> Option<Measured> {
        let disk = self.disk.as_ref()?;
        disk.log().look();
        let room = disk.room()?;
        let has_room = room.is_enough(SMALL_CHANGE, false);
        Some(Measured { free: room.free, size: room.log, nodes: disk.sum().map_or(0, |sum| sum.nodes), has_room })
    }
}
