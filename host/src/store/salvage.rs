//! What can be saved of a log of sled that sled itself refuses to read: one wrong bit is enough for that.
//! In comes the file; out go all entries whose bytes are whole, each as it was last written, and the sum that was kept of them.
//! It only reads, and believes nothing whose checksum is wrong.
//!
//! The log is a row of segments. Each begins with 20 bytes, and then come messages: a page, a change of a page, or the end of one.
//! A page holds entries whose keys lie beside each other. Which message is the last on a page is what sled keeps in its
//! snapshot, and what is found out here: first where the messages are, in their order, then page by page what they say.

mod message;

use super::disk::{SEGMENT_BYTES, SUM_KEY};
use super::sum::Sum;
use message::{Kind, Message, Page};
use qewd_documents::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Bytes in front of the first message of a segment.
const SEGMENT_HEADER: usize = 20;
/// Bytes that are read one by one where more of them cannot be read, 4 KiB: the blocks in which disks fail.
const BLOCK: usize = 4096;

/// Where a message's body lies in the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    length: usize,
}

/// The messages that make a page, the whole page first.
type Chain = Vec<(Kind, Place)>;

/// Gives all entries that are whole, page by page, and the sum that was kept; none: it is lost.
///
/// # Errors
/// When the file cannot be opened, or `found` gives one.
pub(super) fn salvage(
    log: &Path,
    found: &mut dyn FnMut(Vec<Entry>) -> Result<(), String>,
) -> Result<Option<Sum>, String> {
    let file = File::open(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let bytes = file.metadata().map_err(|error| error.to_string())?.len();
    let mut sum = None;
    for chain in chains(&file, bytes).into_values() {
        let Some(page) = page(&file, &chain) else { continue };
        let (own, entries): (Vec<Entry>, Vec<Entry>) = page.into_iter().partition(|(key, _)| *key == SUM_KEY);
        if let Some((_, bytes)) = own.first() {
            sum = Sum::of(bytes);
        }
        found(entries)?;
    }
    Ok(sum)
}

/// The messages of each page, by the place in the log where the page was last written whole.
///
/// So what is told later is newer, where an old page is still there because the message is lost that shortened it.
fn chains(file: &File, bytes: u64) -> BTreeMap<u64, Chain> {
    let mut segments = BTreeMap::new();
    for at in (0..bytes).step_by(SEGMENT_BYTES) {
        let segment = read(file, at, SEGMENT_BYTES.min(usize::try_from(bytes - at).unwrap_or(SEGMENT_BYTES)));
        // What is left of an older use of this segment has a smaller number.
        if let Some(number) = messages(&segment).map(|(_, message)| message.segment).max() {
            segments.insert(number, at);
        }
    }
    let mut chains: HashMap<u64, (u64, Chain)> = HashMap::new();
    let mut order = 0;
    for (number, at) in segments {
        let segment = read(file, at, SEGMENT_BYTES.min(usize::try_from(bytes - at).unwrap_or(SEGMENT_BYTES)));
        for (offset, message) in messages(&segment).filter(|(_, message)| message.segment == number) {
            order += 1;
            let place = Place { at: at + offset as u64, length: message.body.len() };
            match message.kind {
                Kind::Page => {
                    chains.insert(message.page, (order, vec![(Kind::Page, place)]));
                }
                Kind::Change => {
                    if let Some((_, chain)) = chains.get_mut(&message.page) {
                        chain.push((Kind::Change, place));
                    }
                }
                Kind::End => {
                    chains.remove(&message.page);
                }
                Kind::Other => {}
            }
        }
    }
    chains.into_values().collect()
}

/// The messages of a segment with the offsets of their bodies. Behind what is no message, the next one is looked for.
fn messages(segment: &[u8]) -> impl Iterator<Item = (usize, Message<'_>)> {
    let mut at = SEGMENT_HEADER;
    std::iter::from_fn(move || {
        while at < segment.len() {
            match segment.get(at..).and_then(Message::read) {
                Some((message, header)) => {
                    let offset = at + header;
                    at = offset + message.body.len();
                    return Some((offset, message));
                }
                None => at += 1,
            }
        }
        None
    })
}

/// What a page holds; none: it holds no entries.
fn page(file: &File, chain: &Chain) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut page: Option<Page> = None;
    for (kind, place) in chain {
        let body = read(file, place.at, place.length);
        match (kind, &mut page) {
            (Kind::Page, _) => page = Page::read(&body),
            (_, Some(page)) => page.change(&body),
            (_, None) => return None,
        }
    }
    page.map(Page::into_entries)
}

/// Bytes of the file; what the disk does not give is zero.
fn read(file: &File, at: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    if file.read_exact_at(&mut bytes, at).is_err() {
        for (number, block) in (0..).zip(bytes.chunks_mut(BLOCK)) {
            if file.read_exact_at(block, at + number * BLOCK as u64).is_err() {
                block.fill(0);
            }
        }
    }
    bytes
}
