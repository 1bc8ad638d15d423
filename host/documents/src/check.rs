//! Looks at every node of a store: whether it can be read, and whether indexes agree with it.
//! In comes a store, out goes a report; nothing is changed.
//! It sees the store as it was at one moment, so it may run beside requests.

use crate::cursor::Cursor;
use crate::indexes::Index;
use crate::json::scalar;
use crate::key::{self, Node};
use crate::record::Record;
use crate::span::Span;
use crate::store::Store;
use crate::transaction::Transaction;
use crate::trouble::Trouble;

/// Findings that a report has at most; more are only counted.
const MOST: usize = 100;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Nodes that can be read.
    pub nodes: u64,
    /// Documents.
    pub documents: u64,
    /// The first hundred things that are wrong.
    pub findings: Vec<Finding>,
    /// How many are wrong in all.
    pub wrong: u64,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub at: String,
    /// What.
    pub what: String,
}

impl Report {
    fn add(&mut self, at: String, what: impl Into<String>) {
        self.wrong += 1;
        if self.findings.len() < MOST {
            self.findings.push(Finding { at, what: what.into() });
        }
    }
}

/// Looks at every node. `progress` hears how many it has seen.
pub fn check(store: &Store, progress: &mut dyn FnMut(u64)) -> Report {
    let mut report = Report::default();
    let mut transaction = store.begin();
    if let Err(trouble) = nodes(&mut transaction, &mut report, progress) {
        report.add("the store".to_owned(), format!("it cannot be read on: {trouble}"));
    }
    report
}

fn nodes(transaction: &mut Transaction, report: &mut Report, progress: &mut dyn FnMut(u64)) -> Result<(), Trouble> {
    let store = transaction.store().clone();
    let entries: Vec<&Index> = store.indexes().all().collect();
    let mut last_document = String::new();
    let mut cursor = Cursor::new(transaction, Span::below(&key::root()));
    while let Some((key, bytes)) = cursor.next()? {
        let Some(node) = Node::of(&key) else {
            report.add(format!("{key:02x?}"), "this is no node");
            continue;
        };
        let Some(record) = Record::decode(bytes) else {
            report.add(node.to_string(), "what is kept there is damaged");
            continue;
        };
        report.nodes += 1;
        progress(report.nodes);
        if node.document != last_document {
            last_document.clone_from(&node.document);
            report.documents += 1;
        }
        if record.value.as_ref().is_some_and(|value| scalar(value).as_ref() != Ok(value)) {
            report.add(node.to_string(), "its value is no JSON value");
        }
        check_source(transaction, &key, &node, &record, report)?;
        for index in entries.iter().filter(|index| index.target == node.document) {
            check_entry(transaction, index, &node, &record, report)?;
        }
    }
    Ok(())
}

/// Whether a node has its index entries.
fn check_source(
    transaction: &Transaction,
    key: &[u8],
    node: &Node,
    record: &Record,
    report: &mut Report,
) -> Result<(), Trouble> {
    let store = transaction.store().clone();
    let Some(indexed) = store.indexes().of(key) else { return Ok(()) };
    for entry in indexed.entries(record.value.as_deref()) {
        let found = transaction.record_unnoted(&entry.key)?.and_then(|record| record.value);
        // Where several nodes may have made an entry, it is looked at by itself.
        if found.is_none() || !entry.is_shared && found.as_ref() != Some(&entry.value) {
            let place = Node::of(&entry.key).map(|place| place.to_string()).unwrap_or_default();
            report.add(node.to_string(), format!("its index entry {place} is missing or another"));
        }
    }
    Ok(())
}

/// Whether an index entry has its node.
fn check_entry(
    transaction: &Transaction,
    index: &Index,
    entry: &Node,
    record: &Record,
    report: &mut Report,
) -> Result<(), Trouble> {
    let Some((source, told)) = index.source_of(entry, record.value.as_deref()) else { return Ok(()) };
    let Ok(key) = source.key() else { return Ok(()) };
    let value = transaction.record_unnoted(&key)?.and_then(|record| record.value);
    if !value.is_some_and(|value| index.tells(&value, told.as_deref())) {
        report.add(entry.to_string(), format!("this index entry follows {source}, which has another value or none"));
    }
    Ok(())
}
