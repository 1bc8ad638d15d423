//! Every bound of the store, with its reason.
//! In comes nothing; out go constants with unit and value.
//! Nothing else in this crate holds a number of this kind.

/// Bytes of a node's key, the document's name and all subscripts together, 1019: what QEWD's database takes, and short beside
/// a page of any engine.
pub const KEY_BYTES: usize = 1019;

/// Subscripts of a node, 100: three times what QEWD's database takes, and far below what recursion over them could hurt.
pub const SUBSCRIPTS: usize = 100;

/// Bytes of one value as JSON, 1 MiB: what QEWD's database takes.
pub const VALUE_BYTES: usize = 1024 * 1024;

/// Bytes of everything that one transaction changes and has read, 32 MiB: some hundred thousand nodes, and four times as much
/// of the host's memory while they are committed.
pub const TRANSACTION_BYTES: usize = 32 * 1024 * 1024;

/// Bytes of JSON that a subtree may have to be read in one piece, 8 MiB: what an answer may have by default.
pub const SUBTREE_BYTES: usize = 8 * 1024 * 1024;

/// Children of one page at most, 1000: some ten thousand bytes, and a millisecond.
pub const PAGE: usize = 1000;

/// Bytes of the values of one page, 4 MiB; a page has fewer children where theirs are larger.
pub const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes kept so that transactions see the store as it was when they began, 64 MiB. Where more is written meanwhile, those
/// that began before have to begin again.
pub const HISTORY_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of an index entry's value as a subscript, 256; longer ones are cut there.
pub const INDEX_VALUE_BYTES: usize = 256;

/// Nodes of one transaction of an import, 1000: few enough to stay small, many enough to share a flush.
pub const IMPORT_BATCH: usize = 1000;

/// Bytes of the lines of one transaction of an import, 4 MiB: large values make it shorter.
pub const IMPORT_BYTES: usize = 4 * 1024 * 1024;

/// Bytes that an entry takes in memory beside its key and its value, 64: what maps and lists need for it.
pub(crate) const ENTRY_BYTES: usize = 64;

/// Digits of a number as a subscript, 60; a longer one is a text.
pub(crate) const DIGITS: usize = 60;
