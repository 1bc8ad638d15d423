//! How entries lie in the engine: short ones as they are, long ones in pieces.
//! In come keys and bytes of the store, out go those of the engine, and back.
//! It never meets a disk.
//!
//! An entry of the store has the same key in the engine; its bytes there begin with [`WHOLE`], or are [`PIECES`] and the number of
//! the pieces. A piece's key is [`PIECE`], the entry's key, `FF`, which is never within the key of a node below, and its number.

/// Bytes of a piece, 16 KiB. A page of the engine holds twenty entries at most, so no page outgrows a quarter of a segment:
/// a larger one would get a file of its own, which the engine does not flush.
pub(super) const PIECE_BYTES: usize = 16 * 1024;

/// The first byte of every key of a node.
const NODE: u8 = 0x02;
/// The first byte of every key of the store's own.
const OWN: u8 = 0x01;
/// The first byte of a piece's key, behind all keys of the store.
const PIECE: u8 = 0x03;
/// Behind everything that a key could go on with.
const END: u8 = 0xFF;
/// Before the bytes of a short entry.
const WHOLE: u8 = 0;
/// Before the number of pieces of a long one.
const PIECES: u8 = 1;

/// Whether an entry is a node: the others are the store's own, and pieces.
pub(super) fn is_node(key: &[u8]) -> bool {
    key.first() == Some(&NODE)
}

/// Whether an entry is one of the few short ones in which the store keeps what it has to know of itself.
pub(super) fn is_own(key: &[u8]) -> bool {
    key.first() == Some(&OWN)
}

/// An entry as entries of the engine.
pub(super) fn split(key: &[u8], bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    if bytes.len() <= PIECE_BYTES {
        return vec![(key.to_vec(), [&[WHOLE], bytes].concat())];
    }
    let pieces = bytes.chunks(PIECE_BYTES);
    // At most 4 GiB of pieces; the store's values end at a megabyte.
    let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    let head = (key.to_vec(), [&[PIECES][..], &count.to_be_bytes()].concat());
    let pieces = (0..count).zip(pieces).map(|(number, piece)| (piece_key(key, number), piece.to_vec()));
    std::iter::once(head).chain(pieces).collect()
}

/// What the bytes of an entry in the engine say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head<'b> {
    Whole(&'b [u8]),
    /// So many pieces.
    Pieces(u32),
}

/// None: no entry has such bytes.
pub(super) fn head(bytes: &[u8]) -> Option<Head<'_>> {
    match bytes.split_first()? {
        (&WHOLE, bytes) => Some(Head::Whole(bytes)),
        (&PIECES, count) => Some(Head::Pieces(u32::from_be_bytes(count.try_into().ok()?))),
        _ => None,
    }
}

pub(super) fn piece_key(key: &[u8], number: u32) -> Vec<u8> {
    [&[PIECE], key, &[END], &number.to_be_bytes()].concat()
}

/// The entry that a piece belongs to, and the piece's number; none: this is no piece.
pub(super) fn owner(key: &[u8]) -> Option<(&[u8], u32)> {
    let (rest, number) = key.strip_prefix(&[PIECE])?.split_last_chunk()?;
    Some((rest.strip_suffix(&[END])?, u32::from_be_bytes(*number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_entry_is_one_and_a_long_one_has_pieces_in_order() {
        assert_eq!(split(b"\x02k", b"v"), [(b"\x02k".to_vec(), b"\0v".to_vec())]);
        let long: Vec<u8> = (0..=PIECE_BYTES * 3).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let entries = split(b"\x02k", &long);
        assert_eq!(head(&entries[0].1), Some(Head::Pieces(4)));
        assert!(entries.is_sorted());
        assert_eq!(owner(&entries[3].0), Some((&b"\x02k"[..], 2)));
        assert_eq!(owner(&entries[0].0), None);
        let back: Vec<u8> = entries[1..].iter().flat_map(|(_, piece)| piece.clone()).collect();
        assert_eq!(back, long);
        assert!(entries.iter().all(|(_, bytes)| bytes.len() <= PIECE_BYTES + 1));
    }

    #[test]
    fn other_bytes_are_no_entry() {
        assert_eq!(head(b""), None);
        assert_eq!(head(b"\x02"), None);
        assert_eq!(head(b"\x01\0"), None);
        assert_eq!(head(b"\0"), Some(Head::Whole(b"")));
    }
}
