//! Makes the entries of indexes that are new for nodes that are there already.
//! In comes a store whose definitions have changed; out goes how many nodes were looked at.
//! Entries of definitions that are gone stay: they may be somebody's own.

use crate::cursor::Cursor;
use crate::key;
use crate::limits::IMPORT_BATCH;
use crate::span::Span;
use crate::store::Store;
use crate::trouble::Trouble;
use std::ops::Bound;

/// Makes the index entries of all nodes anew, in transactions of [`IMPORT_BATCH`] nodes.
///
/// # Errors
/// [`Trouble`]; what was done stays, and doing it again does no harm.
pub fn reindex(store: &Store) -> Result<u64, Trouble> {
    let documents: std::collections::BTreeSet<String> =
        store.indexes().all().map(|index| index.source.clone()).collect();
    let mut count = 0;
    for document in documents {
        let top = key::child(&key::root(), &document);
        let mut from = Bound::Included(top.clone());
        loop {
            let span = Span { from: from.clone(), ..Span::below(&top) };
            let (last, nodes) = batch(store, &span)?;
            count += nodes;
            match last {
                Some(last) => from = Bound::Excluded(last),
                None => break,
            }
        }
    }
    Ok(count)
}

/// Puts some nodes again as they are, and their entries with them; the last of them, if there may be more.
fn batch(store: &Store, span: &Span) -> Result<(Option<Vec<u8>>, u64), Trouble> {
    let work = |transaction: &mut crate::transaction::Transaction| {
        let mut keys = Vec::new();
        let mut cursor = Cursor::new(transaction, span.clone());
        while keys.len() < IMPORT_BATCH {
            let Some((key, _)) = cursor.next()? else { break };
            keys.push(key);
        }
        for key in &keys {
            if let Some(record) = transaction.record(key)? {
                transaction.put(key, &record)?;
            }
        }
        let last = if keys.len() < IMPORT_BATCH { None } else { keys.last().cloned() };
        Ok((last, keys.len() as u64))
    };
    store.change(work).map(|(done, _)| done)
}
