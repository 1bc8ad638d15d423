//! What can be saved of a log of sled that sled itself refuses to read: one wrong bit is enough for that.
//! In comes the file; out go all entries whose bytes are whole, each as it was last written, and the sum that was kept of them.
//! It only reads, and believes nothing whose checksum is wrong.
//!
//! The log is a row of segments. Each begins with 20 bytes, and then come messages: a page, a change of a page, or the end of one.
//! A page holds entries whose keys lie beside each other. Which message is the last on a page is what sled keeps in its
//! snapshot, and what is found out here: first where the messages are, in their order, then page by page what they say.
//!
//! A change names its key without what all keys of its page begin with, and that changes when a page is split. So where messages
//! are lost, a page's whole state may be among them, and what comes then may mean other keys than it says of an older state.
//! It is believed only of keys that this state has, which a change that means other keys hardly ever names: what is saved rather
//! lacks something than to be wrong.

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
/// Bytes at the end of a segment that hold no message, at most: a header has no room there.
const SEGMENT_END: usize = 32;
/// Bytes that are read one by one where more of them cannot be read, 4 KiB: the blocks in which disks fail.
const BLOCK: usize = 4096;

/// Where a message's body lies in the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    length: usize,
}

/// A message that makes a page.
#[derive(Debug, Clone, Copy)]
struct Link {
    kind: Kind,
    place: Place,
    /// Whether the page's whole state may be lost between this change and the one that is there.
    is_doubtful: bool,
}

/// The messages that make a page, the whole page first.
type Chain = Vec<Link>;

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
    let (mut segments, mut all_read) = (BTreeMap::new(), true);
    for at in (0..bytes).step_by(SEGMENT_BYTES) {
        let segment = read(file, at, SEGMENT_BYTES.min(usize::try_from(bytes - at).unwrap_or(SEGMENT_BYTES)));
        // What is left of an older use of this segment has a smaller number.
        match messages(&segment).map(|(_, message)| message.segment).max() {
            Some(number) => {
                segments.insert(number, at);
            }
            None => all_read = false,
        }
    }
    let mut chains: HashMap<u64, (u64, Chain)> = HashMap::new();
    // `lost`: after which message others are lost, the last time that this was so.
    let (mut order, mut lost, mut before) = (0, 0, None);
    for (number, at) in segments {
        let segment = read(file, at, SEGMENT_BYTES.min(usize::try_from(bytes - at).unwrap_or(SEGMENT_BYTES)));
        let mut end = SEGMENT_HEADER;
        // A number may be gone because its segment is used anew; then nothing is missing.
        if !all_read && before.is_some_and(|before| before + 1 != number) {
            lost = order;
        }
        for (begin, offset, message) in located(&segment).filter(|(.., message)| message.segment == number) {
            if begin != end {
                lost = order;
            }
            order += 1;
            end = offset + message.body.len();
            let place = Place { at: at + offset as u64, length: message.body.len() };
            match message.kind {
                Kind::Page => {
                    let whole = Link { kind: Kind::Page, place, is_doubtful: false };
                    chains.insert(message.page, (order, vec![whole]));
                }
                Kind::Change => {
                    if let Some((written, chain)) = chains.get_mut(&message.page) {
                        chain.push(Link { kind: Kind::Change, place, is_doubtful: lost >= *written });
                    }
                }
                Kind::End => {
                    chains.remove(&message.page);
                }
                Kind::Other => {}
            }
        }
        before = Some(number);
        if segment.len().saturating_sub(end) > SEGMENT_END {
            lost = order;
        }
    }
    chains.into_values().collect()
}

/// The messages of a segment with the offsets of their bodies. Behind what is no message, the next one is looked for.
fn messages(segment: &[u8]) -> impl Iterator<Item = (usize, Message<'_>)> {
    located(segment).map(|(_, offset, message)| (offset, message))
}

/// The same, with the offsets of the messages themselves before those of their bodies.
fn located(segment: &[u8]) -> impl Iterator<Item = (usize, usize, Message<'_>)> {
    let mut at = SEGMENT_HEADER;
    std::iter::from_fn(move || {
        while at < segment.len() {
            match segment.get(at..).and_then(Message::read) {
                Some((message, header)) => {
                    let (begin, offset) = (at, at + header);
                    at = offset + message.body.len();
                    return Some((begin, offset, message));
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
    for Link { kind, place, is_doubtful } in chain {
        let body = read(file, place.at, place.length);
        match (kind, &mut page) {
            (Kind::Page, _) => page = Page::read(&body),
            (_, Some(page)) if !is_doubtful || page.knows(&body) => page.change(&body),
            (_, Some(_)) => {}
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
