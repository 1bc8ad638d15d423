//! Versions of one module: the same program with another text in it, so that each says which one it is.
//! In comes a number; out go the bytes of that version, and files put in place as tools do it.
//! Compiling is the host's part: every version is another content.

use super::guests::{Source, module};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

/// The text that the module has, twice.
const TEXT: &[u8] = b"version=00000000";

/// The text of a version, of the same length.
pub(crate) fn text(number: usize) -> String {
    format!("version={number:08}")
}

/// The module whose text says this number.
pub(crate) fn bytes(number: usize) -> Vec<u8> {
    let mut bytes = fs::read(module(Source::Guest, "versioned")).unwrap();
    let places: Vec<usize> = (0..bytes.len() - TEXT.len()).filter(|place| bytes[*place..].starts_with(TEXT)).collect();
    assert_eq!(places.len(), 2, "the text stands at both ends of a page");
    for place in places {
        bytes[place..place + TEXT.len()].copy_from_slice(text(number).as_bytes());
    }
    bytes
}

/// The number of the version that gave an answer; none if it is not of one version from end to end.
pub(crate) fn number(answer: &[u8]) -> Option<usize> {
    let first = answer.get(..TEXT.len())?;
    let whole = answer.len() > 2000 && answer.chunks(TEXT.len()).all(|part| part == first);
    std::str::from_utf8(first).ok()?.strip_prefix("version=").filter(|_| whole)?.parse().ok()
}

/// Writes the whole file under another name and moves it into place.
pub(crate) fn rename_into(place: &Path, bytes: &[u8]) {
    let other = place.with_extension("new");
    fs::write(&other, bytes).unwrap();
    fs::rename(other, place).unwrap();
}

/// Empties the file and writes it anew, in so many parts with pauses between them.
pub(crate) fn rewrite(place: &Path, bytes: &[u8], parts: usize) {
    let mut file = fs::File::create(place).unwrap();
    for part in bytes.chunks(bytes.len().div_ceil(parts)) {
        file.write_all(part).unwrap();
        pause(parts);
    }
}

/// Writes over the bytes that are there, in so many parts: meanwhile the file is a mixture of two versions.
pub(crate) fn write_over(place: &Path, bytes: &[u8], parts: usize) {
    let file = OpenOptions::new().write(true).open(place).unwrap();
    let size = bytes.len().div_ceil(parts);
    for (number, part) in bytes.chunks(size).enumerate() {
        file.write_all_at(part, (number * size) as u64).unwrap();
        pause(parts);
    }
}

/// The writer is slow: that is what is tested.
fn pause(parts: usize) {
    if parts > 1 {
        std::thread::sleep(Duration::from_millis(40));
    }
}
