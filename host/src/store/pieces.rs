//! Large values in pieces: how an entry of an engine is kept where a long one would hurt the engine.
//! In come keys and bytes; out go the entries to keep, and the bytes again.
//! It knows no engine. Nobody but the engine's file sees a piece.
//!
//! A long value is kept as a head under its own key, which tells its length, and as pieces under keys that no document has.

/// Bytes that one entry has at most, 16 KiB.
pub(super) const PIECE_BYTES: usize = 16 * 1024;
/// The first byte of a head. No node and no entry of the store's own begins so.
const HEAD: u8 = 0xFF;
/// The first byte of a piece's key, behind all nodes.
const PIECES: u8 = 0xFF;

/// The first byte of every key of a node.
const NODES: u8 = 0x02;

/// The head in place of these bytes, if they are to be kept in pieces.
pub(super) fn head(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() <= PIECE_BYTES && bytes.first() != Some(&HEAD) {
        return None;
    }
    let mut head = vec![HEAD];
    head.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    Some(head)
}

/// The length of the value that these bytes are the head of; none: they are no head.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let (first, length) = bytes.split_first()?;
    let length = length.try_into().ok().filter(|_| *first == HEAD)?;
    usize::try_from(u64::from_be_bytes(length)).ok()
}

/// The keys of the pieces of a value of this length.
pub(super) fn keys(of: &[u8], length: usize) -> impl Iterator<Item = Vec<u8>> {
    let count = length.div_ceil(PIECE_BYTES) as u64;
    (0..count).map(move |number| {
        let mut key = Vec::with_capacity(of.len() + 9);
        key.push(PIECES);
        key.extend_from_slice(of);
        key.extend_from_slice(&number.to_be_bytes());
        key
    })
}

/// The key that a piece belongs to; none: this is the key of no piece.
pub(super) fn owner(key: &[u8]) -> Option<&[u8]> {
    let (of, _) = key.strip_prefix(&[PIECES])?.split_last_chunk::<8>()?;
    Some(of)
}

/// Whether an entry is a node: the others are the store's own, and pieces.
pub(super) fn is_node(key: &[u8]) -> bool {
    key.first() == Some(&NODES)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn only_long_values_have_a_head() {
        for (bytes, expected) in [
            (vec![1; PIECE_BYTES], None),
            (vec![1; PIECE_BYTES + 1], Some(PIECE_BYTES + 1)),
            (vec![HEAD], Some(1)),
            (Vec::new(), None),
        ] {
            assert_eq!(head(&bytes).map(|head| length(&head).unwrap()), expected);
        }
        assert_eq!((length(&[]), length(&[HEAD]), length(&[1; 9])), (None, None, None));
    }

    #[test]
    fn pieces_have_keys_of_their_own() {
        let keys = |of: &[u8], length| keys(of, length).collect::<Vec<_>>();
        assert_eq!(keys(b"k", PIECE_BYTES).len(), 1);
        let all =
            [keys(b"k", 3 * PIECE_BYTES), keys(b"k\0", 2 * PIECE_BYTES + 1), keys(b"k\0\0\0\0\0\0\0\0", 1)].concat();
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 7);
        assert!(all.iter().all(|key| key.first() == Some(&PIECES)));
    }
}
