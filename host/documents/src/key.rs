//! From a node to the bytes under which it is kept, which sort as nodes do, and back.
//! In comes a document's name with subscripts; out goes a key: a parent's comes right before those of everything below it.
//! It never asks what is stored there.
//!
//! A key is [`NODES`], then one part for each name. A text's part is [`TEXT`], its bytes, and `00`, where the bytes 0 and 1 are
//! written as `01 01` and `01 02`; a number's part is described in `decimal`. No part is the beginning of another one, so what
//! begins with a key lies below it; and none begins with `FF`, so `key FF` is behind all that does.

use crate::decimal::Decimal;
use crate::limits::{KEY_BYTES, SUBSCRIPTS};
use crate::trouble::Trouble;
use std::fmt;

/// The first byte of every node's key.
pub(crate) const NODES: u8 = 0x02;
/// The first byte of the store's own entries.
pub(crate) const OWN: u8 = 0x01;
/// The first byte of a text; it stands behind all numbers.
pub(crate) const TEXT: u8 = 0x30;
/// In a text it stands before the byte 0 or 1, plus 1.
const ESCAPE: u8 = 0x01;
/// Behind everything below a key.
pub(crate) const BEHIND: u8 = 0xFF;

/// A node: a document's name, and subscripts; none of them: the document itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// The document's name.
    pub document: String,
    /// The subscripts, from the document down.
    pub subscripts: Vec<String>,
}

impl Node {
    /// A node of a document.
    pub fn new<S: Into<String>>(document: impl Into<String>, subscripts: impl IntoIterator<Item = S>) -> Self {
        Self { document: document.into(), subscripts: subscripts.into_iter().map(Into::into).collect() }
    }

    /// Its key.
    ///
    /// # Errors
    /// [`Trouble::Refused`] if a name is empty, or there are too many or too long ones.
    pub(crate) fn key(&self) -> Result<Vec<u8>, Trouble> {
        let mut key = root();
        if self.document.is_empty() {
            return Err(Trouble::refused("a document has a name of at least one character"));
        }
        if self.subscripts.len() > SUBSCRIPTS {
            let count = self.subscripts.len();
            return Err(Trouble::refused(format!("a node may have {SUBSCRIPTS} subscripts, and this one has {count}")));
        }
        push(&mut key, &self.document);
        for subscript in &self.subscripts {
            if subscript.is_empty() {
                return Err(Trouble::refused(format!("a subscript of {self} is empty; use any other text")));
            }
            push(&mut key, subscript);
        }
        check(&key)?;
        Ok(key)
    }

    /// The nodes above it, from its document down.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> {
        let above = |depth| Self::new(self.document.clone(), self.subscripts.iter().take(depth).cloned());
        (0..self.subscripts.len()).map(above)
    }

    /// How many levels it may have below it.
    pub(crate) fn levels(&self) -> usize {
        SUBSCRIPTS.saturating_sub(self.subscripts.len())
    }

    /// The node of a key; none if no node has such a key.
    pub(crate) fn of(key: &[u8]) -> Option<Self> {
        let mut names = names(key)?.into_iter();
        let node = Self { document: names.next()?, subscripts: names.collect() };
        // Bytes of nonsense may be another way to write a node.
        Some(node).filter(|node| node.key().is_ok_and(|own| own == key))
    }
}

/// As people write it: `patients(7, "address")`.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.document)?;
        let written = |name: &String| if Decimal::parse(name).is_some() { name.clone() } else { format!("{name:?}") };
        let subscripts: Vec<String> = self.subscripts.iter().map(written).collect();
        if subscripts.is_empty() { Ok(()) } else { write!(f, "({})", subscripts.join(", ")) }
    }
}

/// What all documents lie below.
pub(crate) fn root() -> Vec<u8> {
    vec![NODES]
}

/// Adds one name.
pub(crate) fn push(key: &mut Vec<u8>, name: &str) {
    if let Some(number) = Decimal::parse(name) {
        return number.encode(key);
    }
    push_text(key, name);
}

/// Adds one name that is known to be no number, or the beginning of one.
pub(crate) fn push_text(key: &mut Vec<u8>, name: &str) {
    push_open_text(key, name);
    key.push(0);
}

/// As [`push_text`] without its end: what all texts begin with that begin with this one.
pub(crate) fn push_open_text(key: &mut Vec<u8>, name: &str) {
    key.push(TEXT);
    for byte in name.bytes() {
        match byte {
            0 | ESCAPE => key.extend([ESCAPE, byte + 1]),
            _ => key.push(byte),
        }
    }
}

/// The key of a child.
pub(crate) fn child(parent: &[u8], name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(parent.len() + name.len() + 2);
    key.extend_from_slice(parent);
    push(&mut key, name);
    key
}

/// What stands behind everything below a key.
pub(crate) fn behind(key: &[u8]) -> Vec<u8> {
    let mut behind = Vec::with_capacity(key.len() + 1);
    behind.extend_from_slice(key);
    behind.push(BEHIND);
    behind
}

/// Takes one name from the front of these bytes, with the number of bytes that it had.
pub(crate) fn first_name(bytes: &[u8]) -> Option<(String, usize)> {
    if bytes.first() != Some(&TEXT) {
        return Decimal::decode(bytes);
    }
    let length = 1 + bytes.iter().position(|byte| *byte == 0)?;
    let mut written = bytes.get(1..length - 1)?.iter();
    let mut text = Vec::with_capacity(length);
    while let Some(byte) = written.next() {
        text.push(if *byte == ESCAPE { written.next()?.checked_sub(1).filter(|byte| *byte <= 1)? } else { *byte });
    }
    Some((String::from_utf8(text).ok()?, length))
}

/// All names of a key, the document's first.
pub(crate) fn names(key: &[u8]) -> Option<Vec<String>> {
    let mut rest = key.strip_prefix(&[NODES])?;
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (name, length) = first_name(rest)?;
        names.push(name);
        rest = rest.get(length..)?;
    }
    Some(names)
}

pub(crate) fn check(key: &[u8]) -> Result<(), Trouble> {
    if key.len() <= KEY_BYTES {
        return Ok(());
    }
    let length = key.len();
    Err(Trouble::refused(format!(
        "a document's name and subscripts may have {KEY_BYTES} bytes together, and these have {length}; shorten them"
    )))
}
