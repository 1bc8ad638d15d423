//! Documents as lines of JSON, one for each node: for copies that people keep, and read.
//! In comes a transaction or lines, out go lines or changes; types, order and empty arrays survive.
//! It works node by node, so its memory does not grow with the store.

use crate::cursor::Cursor;
use crate::engine::Entry;
use crate::json::scalar;
use crate::key::{self, Node};
use crate::limits::{IMPORT_BATCH, IMPORT_BYTES};
use crate::record::{Record, Shape};
use crate::span::Span;
use crate::store::Store;
use crate::transaction::{Transaction, decoded};
use crate::trouble::Trouble;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io::{BufRead, Read as _, Write};
use std::ops::Bound;

/// What the first line of an export says it is.
pub const HEADER: u32 = 1;
/// Bytes of one line: a value and a key, each with every character escaped.
const LINE_BYTES: u64 = 8 * 1024 * 1024;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of this form: [`HEADER`].
    pub qewd_documents: u32,
    /// How many lines follow.
    pub nodes: u64,
}

/// One node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The document's name.
    pub document: String,
    /// The subscripts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscripts: Vec<String>,
    /// `array` or `object`, where the node was stored as one and its children do not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// The node's value; `null` is one.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<RawValue>>,
}

/// Serde takes `null` for nothing.
fn some<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(value).map(Some)
}

/// Why an import stopped, or is not whole.
#[derive(Debug, thiserror::Error)]
pub enum BadLine {
    /// The lines could not be read.
    #[error("the lines cannot be read: {0}")]
    Input(#[from] std::io::Error),
    /// A line is wrong; those before it were imported, up to a certain one.
    #[error("line {line}: {what}; {}", imported(*kept))]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        what: String,
        /// The first line that was not imported.
        kept: u64,
    },
    /// Lines cannot be stored together.
    #[error("lines {kept} to {line}: {what}; {}", imported(*kept))]
    Lines {
        /// The last one of them.
        line: u64,
        /// Why.
        what: String,
        /// The first one of them.
        kept: u64,
    },
    /// All lines are imported, but there are too few.
    #[error(
        "the first line promises {promised} nodes, and {count} came and are imported: the rest of the export is missing"
    )]
    Short {
        /// Nodes that came.
        count: u64,
        /// Nodes that the header promises.
        promised: u64,
    },
}

fn imported(kept: u64) -> String {
    if kept <= 2 {
        return "nothing is imported".to_owned();
    }
    format!("the lines before line {kept} are imported, and importing again does no harm")
}

/// Writes all nodes, or those of one document, as lines. `damaged` hears of what cannot be read, and the export goes on behind
/// it if it says so. Gives the number of nodes.
///
/// # Errors
/// What cannot be written or read.
pub fn export(
    store: &Store,
    document: Option<&str>,
    out: &mut dyn Write,
    damaged: &mut dyn FnMut(&Trouble) -> bool,
    progress: &mut dyn FnMut(u64, u64),
) -> std::io::Result<u64> {
    let transaction = store.begin();
    let top = document.map_or_else(key::root, |name| key::child(&key::root(), name));
    let nodes = walk(&transaction, &top, &mut |_, _| Ok(()), &mut |_| true)?;
    serde_json::to_writer(&mut *out, &Header { qewd_documents: HEADER, nodes })?;
    out.write_all(b"\n")?;
    let mut done = 0;
    let written = walk(
        &transaction,
        &top,
        &mut |node, record| {
            serde_json::to_writer(&mut *out, &line(node, record))?;
            done += 1;
            progress(done, nodes);
            out.write_all(b"\n")
        },
        damaged,
    )?;
    out.flush()?;
    Ok(written)
}

/// Who is shown nodes with their values.
pub type Visit<'v> = dyn FnMut(&Node, Option<&[u8]>) -> std::io::Result<()> + 'v;

/// Gives every node of a subtree with its value, in order.
///
/// # Errors
/// What `visit` gives, or what cannot be read.
pub fn each(store: &Store, at: &Node, visit: &mut Visit<'_>) -> std::io::Result<()> {
    let top = at.key().map_err(std::io::Error::other)?;
    let mut shown = |node: Node, record: Record| visit(&node, record.value.as_deref());
    walk(&store.begin(), &top, &mut shown, &mut |_| false).map(|_| ())
}

fn line(node: Node, record: Record) -> Line {
    let shape = match record.shape {
        Shape::Plain => None,
        Shape::Array => Some("array".to_owned()),
        Shape::Object => Some("object".to_owned()),
    };
    let value = record.value.and_then(|value| RawValue::from_string(String::from_utf8(value).ok()?).ok());
    Line { document: node.document, subscripts: node.subscripts, shape, value }
}

/// Gives every node to `visit`. Behind what cannot be read it goes on where the next level up goes on.
fn walk(
    transaction: &Transaction,
    top: &[u8],
    visit: &mut dyn FnMut(Node, Record) -> std::io::Result<()>,
    damaged: &mut dyn FnMut(&Trouble) -> bool,
) -> std::io::Result<u64> {
    let span = Span { from: Bound::Included(top.to_vec()), ..Span::below(top) };
    let mut cursor = Cursor::new(transaction, span.clone());
    let (mut count, mut last, mut failures) = (0, top.to_vec(), 0);
    loop {
        match cursor.next().map_err(|trouble| (None, trouble)).and_then(read) {
            Ok(None) => return Ok(count),
            Ok(Some((key, node, record))) => {
                visit(node, record)?;
                count += 1;
                last = key;
                failures = 0;
            }
            Err((at, trouble)) => {
                if !damaged(&trouble) {
                    return Err(std::io::Error::other(trouble.to_string()));
                }
                // One bad node is left out; where the engine cannot read on, a leap is tried, each time a longer one.
                let from = at.map_or_else(|| leap(&last, &mut failures, top.len()), Some);
                let Some(from) = from else { return Ok(count) };
                cursor = Cursor::new(transaction, Span { from: Bound::Excluded(from), ..span.clone() });
            }
        }
    }
}

/// A node with its key.
type Kept = (Vec<u8>, Node, Record);

/// The node of an entry; where it is none, also its key.
fn read(entry: Option<Entry>) -> Result<Option<Kept>, (Option<Vec<u8>>, Trouble)> {
    let Some((key, bytes)) = entry else { return Ok(None) };
    let record = decoded(&key, bytes).map_err(|trouble| (Some(key.clone()), trouble))?;
    let is_value = |value: &Vec<u8>| scalar(value).is_ok();
    match Node::of(&key).filter(|_| record.value.as_ref().is_none_or(is_value)) {
        Some(node) => Ok(Some((key, node, record))),
        None => Err((Some(key.clone()), crate::transaction::damaged(&key))),
    }
}

/// Where to go on after a key behind which nothing can be read; none: there is nowhere left.
fn leap(last: &[u8], failures: &mut usize, top: usize) -> Option<Vec<u8>> {
    *failures += 1;
    let mut ends = vec![];
    let mut at = 1;
    while let Some((_, length)) = last.get(at..).and_then(key::first_name) {
        at += length;
        ends.push(at);
    }
    let end = ends.into_iter().rev().filter(|end| *end > top || *failures == 1).nth(*failures - 1)?;
    last.get(..end).map(key::behind)
}

/// Stores the nodes of lines, in transactions of [`IMPORT_BATCH`]. What lines do not name stays. `committed` is called after
/// each of them with the number of nodes so far and the number that the header promises; it may wait for the disk. Gives the
/// number of nodes.
///
/// # Errors
/// [`BadLine`]
pub fn import(
    store: &Store,
    lines: &mut dyn BufRead,
    committed: &mut dyn FnMut(u64, u64) -> Result<(), String>,
) -> Result<u64, BadLine> {
    let (_, text) = next_line(lines)?;
    let promised = header(&text).map_err(|what| BadLine::Line { line: 1, what, kept: 1 })?.nodes;
    let (mut line, mut kept, mut count) = (1, 2, 0);
    loop {
        let (mut batch, mut bytes, mut ended) = (Vec::with_capacity(IMPORT_BATCH), 0, false);
        while batch.len() < IMPORT_BATCH && bytes < IMPORT_BYTES && !ended {
            let (length, text) = next_line(lines)?;
            ended = length == 0;
            line += u64::from(!ended);
            bytes += length;
            if !text.trim_ascii().is_empty() {
                batch.push(node(&text).map_err(|what| BadLine::Line { line, what, kept })?);
            }
        }
        count += batch.len() as u64;
        let stored = store_all(store, &batch).map_err(|trouble| trouble.to_string());
        stored.and_then(|()| committed(count, promised)).map_err(|what| BadLine::Lines { line, what, kept })?;
        kept = line + 1;
        if ended {
            return if count < promised { Err(BadLine::Short { count, promised }) } else { Ok(count) };
        }
    }
}

/// A line, and how many bytes it had; none: there is no more.
fn next_line(lines: &mut dyn BufRead) -> std::io::Result<(usize, Vec<u8>)> {
    let mut text = Vec::new();
    let length = lines.take(LINE_BYTES).read_until(b'\n', &mut text)?;
    Ok((length, text))
}

fn store_all(store: &Store, nodes: &[(Vec<u8>, Record)]) -> Result<(), Trouble> {
    let work = |transaction: &mut Transaction| nodes.iter().try_for_each(|(key, record)| transaction.put(key, record));
    store.change(work).map(|_| ())
}

fn header(text: &[u8]) -> Result<Header, String> {
    let header: Header = serde_json::from_slice(text)
        .map_err(|_| "this is no export of documents: it begins with {\"qewd_documents\":1,…}".to_owned())?;
    if header.qewd_documents == HEADER {
        return Ok(header);
    }
    Err(format!("this export has form {}, and this program reads form {HEADER}", header.qewd_documents))
}

fn node(text: &[u8]) -> Result<(Vec<u8>, Record), String> {
    let line: Line = serde_json::from_slice(text).map_err(|error| format!("this is no node: {error}"))?;
    let shape = match line.shape.as_deref() {
        None => Shape::Plain,
        Some("array") => Shape::Array,
        Some("object") => Shape::Object,
        Some(other) => return Err(format!("\"shape\" is {other:?}, and may be \"array\" or \"object\"")),
    };
    let key =
        Node { document: line.document, subscripts: line.subscripts }.key().map_err(|trouble| trouble.to_string())?;
    let value = line.value.map(|value| scalar(value.get().as_bytes())).transpose();
    let record = Record { shape, value: value.map_err(|trouble| trouble.to_string())? };
    if record == Record::default() {
        return Err("this node has neither a value nor a shape".to_owned());
    }
    Ok((key, record))
}
