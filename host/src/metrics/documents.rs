//! The document store of the host.
//! In come what the store knows and what its disk said last; out go families without labels.
//! It never asks the disk: a broken one must not hold up whoever reads the numbers.

use super::family::{Families, flag, float};
use crate::health::Health;

pub(super) fn add(families: &mut Families, health: &Health) {
    families
        .gauge("qewd_store_writable", "Whether documents can be written.")
        .set(&[], flag(health.store().is_writable()))
        .end();
    families
        .counter("qewd_store_commits_total", "Commits to the documents, since the store was made.")
        .count(&[], float(health.documents().store().committed()))
        .end();
    let Some(measured) = health.disk().measured() else { return };
    families
        .gauge("qewd_store_nodes", "Nodes of documents that are on the disk.")
        .set(&[], float(measured.nodes))
        .end();
    families.gauge("qewd_store_bytes", "Size of the file with the documents.").set(&[], float(measured.size)).end();
    families
        .gauge("qewd_store_disk_free_bytes", "What is free on the disk of the documents.")
        .set(&[], float(measured.free))
        .end();
}
