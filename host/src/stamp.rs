//! What tells one state of a file from another.
//! In comes a file's path, what the system says of it, or a text; out goes a stamp or a tag that differs when the file does.
//! It opens no file.

use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file, following links; nothing: there is no file.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().filter(Metadata::is_file).map(|found| Self::from(&found))
    }
}

impl From<&Metadata> for Stamp {
    fn from(found: &Metadata) -> Self {
        Self {
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

/// The entity tag of a text that the program itself brings (RFC 9110, 8.8.3): by it a browser knows whether it has it.
#[must_use]
pub fn tag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether a tag is among those of an `If-None-Match` header.
#[must_use]
pub fn has_tag(known: &str, tag: &str) -> bool {
    known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
impl Stamp {
    /// A stamp that differs for each number.
    pub(crate) fn for_tests(number: u64) -> Self {
        Self { inode: 1, size: number, modified: (0, 0), changed: (0, 0) }
    }
}
