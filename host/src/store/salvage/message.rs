//! The messages of sled's log, as version 0.34 writes them.
//! In come bytes, out go messages and pages; none, where a checksum or a length is wrong.
//! It never reads a file.
//!
//! A message is a checksum of four bytes, a kind, the length of its body, the number of its segment, the number of its page, and the
//! body. Numbers have one to nine bytes, the first of which says how many.

use std::collections::BTreeMap;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole page, instead of what it was before.
    Page,
    /// A change of a page.
    Change,
    /// The page is no more.
    End,
    /// Nothing that entries come from.
    Other,
}

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'b> {
    pub(super) kind: Kind,
    pub(super) segment: u64,
    pub(super) page: u64,
    pub(super) body: &'b [u8],
}

/// Bytes of a checksum.
const CHECKSUM: usize = 4;

impl<'b> Message<'b> {
    /// The message that these bytes begin with, and the length of what stands before its body.
    pub(super) fn read(bytes: &'b [u8]) -> Option<(Self, usize)> {
        let (checksum, mut rest) = bytes.split_first_chunk::<CHECKSUM>()?;
        let kind = match byte(&mut rest)? {
            8 => Kind::Page,
            10 => Kind::Change,
            4 => Kind::End,
            1..=11 => Kind::Other,
            _ => return None,
        };
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let (segment, page) = (number(&mut rest)?, number(&mut rest)?);
        let header = bytes.len() - rest.len();
        let body = rest.get(..length)?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(body);
        hasher.update(bytes.get(CHECKSUM..header)?);
        if !hasher.finalize() != u32::from_le_bytes(*checksum) {
            return None;
        }
        Some((Self { kind, segment, page, body }, header))
    }
}

/// A page that holds entries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// What all keys of it begin with; they are written without it.
    prefix: Vec<u8>,
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Page {
    /// None: it holds other pages, or is none.
    pub(super) fn read(mut body: &[u8]) -> Option<Self> {
        let body = &mut body;
        // The pages beside it and below it, and whether it is about to go.
        number(body)?;
        number(body)?;
        byte(body)?;
        let prefix = usize::from(byte(body)?);
        let (first, _end) = (text(body)?, text(body)?);
        let prefix = first.get(..prefix)?.to_vec();
        if byte(body)? != 0 {
            return None;
        }
        let count = number(body)?;
        let keys = (0..count).map(|_| text(body)).collect::<Option<Vec<_>>>()?;
        let values = (0..count).map(|_| text(body)).collect::<Option<Vec<_>>>()?;
        let entries = keys.into_iter().zip(values).map(|(key, value)| (key.to_vec(), value.to_vec()));
        Some(Self { prefix, entries: entries.collect() })
    }

    /// Whether a change is one of a key that the page holds.
    pub(super) fn knows(&self, mut body: &[u8]) -> bool {
        let body = &mut body;
        matches!(byte(body), Some(0 | 1)) && text(body).is_some_and(|key| self.entries.contains_key(key))
    }

    pub(super) fn change(&mut self, mut body: &[u8]) {
        let body = &mut body;
        match byte(body) {
            Some(0) => {
                if let (Some(key), Some(value)) = (text(body), text(body)) {
                    self.entries.insert(key.to_vec(), value.to_vec());
                }
            }
            Some(1) => {
                if let Some(key) = text(body) {
                    self.entries.remove(key);
                }
            }
            // That pages are joined changes no entry.
            _ => {}
        }
    }

    pub(super) fn into_entries(self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let prefix = self.prefix;
        self.entries.into_iter().map(|(key, value)| ([prefix.as_slice(), &key].concat(), value)).collect()
    }
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*byte)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let first = byte(bytes)?;
    match first {
        0..=240 => Some(u64::from(first)),
        241..=248 => Some(240 + 256 * (u64::from(first) - 241) + u64::from(byte(bytes)?)),
        249 => Some(2288 + 256 * u64::from(byte(bytes)?) + u64::from(byte(bytes)?)),
        _ => {
            let (written, rest) = bytes.split_at_checked(usize::from(first) - 247)?;
            *bytes = rest;
            Some(written.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        }
    }
}

fn text<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(number(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}
