//! Judges the documents after a crash.
//! In come the documents of one moment and what was promised; a difference ends the test with words.
//! Afterwards what is there is what is promised: what nobody knew before the crash is known now.

use crate::promised::{Count, found};
use crate::scene::IMPORTED;
use crate::writer::{Writer, keep};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// All documents that are written here.
const DOCUMENTS: [&str; 13] = [
    "Values",
    "Records",
    "RecordsIndex",
    "Here",
    "There",
    "Counters",
    "Twins",
    "Accounts",
    "Reserve",
    "Transfers",
    "Documents",
    "DocumentsIndex",
    "Imported",
];
/// Nodes that an import commits at once.
const BATCH: usize = 1000;

/// What all writers share.
pub(crate) struct Shared {
    /// The documents as they were judged last.
    before: Value,
    /// Ids that were ever given to a record.
    ids: BTreeSet<i64>,
    /// Whether the last life's import said that it was done; none: there was none.
    pub(crate) imported: Option<bool>,
}

/// All documents at one moment.
fn documents(port: u16) -> Value {
    let steps: Vec<Value> = DOCUMENTS.iter().map(|document| json!(["read", [document]])).collect();
    let read = keep(port, &json!(steps));
    let named = DOCUMENTS.iter().zip(read.as_array().unwrap());
    named.map(|(document, read)| ((*document).to_owned(), read.clone())).collect::<Map<_, _>>().into()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

impl Shared {
    pub(crate) fn new(port: u16) -> Self {
        Self { before: documents(port), ids: BTreeSet::new(), imported: None }
    }

    pub(crate) fn judge(&mut self, port: u16, writers: &mut [Writer]) {
        let there = documents(port);
        for writer in &mut *writers {
            places(writer, &there);
        }
        nothing_else(writers, &there);
        self.counters(writers, &there);
        self.transfers(writers, &there);
        self.records(writers, &there);
        indexes(&there);
        self.import(&there);
        keep(port, &json!([["delete", ["Transfers"]], ["delete", ["Imported"]]]));
        self.before = there;
    }

    fn counters(&self, writers: &mut [Writer], there: &Value) {
        assert_eq!(there["Counters"]["twin"], there["Twins"]["twin"], "the twins");
        let counter = |writer: &mut Writer| std::mem::take(&mut writer.promised.counter);
        let twins = |writer: &mut Writer| std::mem::take(&mut writer.promised.twins);
        let all: Vec<Count> = writers.iter_mut().map(counter).collect();
        self.counter("all", &all, there);
        let all: Vec<Count> = writers.iter_mut().map(twins).collect();
        self.counter("twin", &all, there);
    }

    fn counter(&self, name: &str, all: &[Count], there: &Value) {
        let number = |documents: &Value| documents["Counters"][name].as_i64().unwrap_or_default();
        let (before, now) = (number(&self.before), number(there));
        let sum = |part: fn(&Count) -> i64| before + all.iter().map(part).sum::<i64>();
        let (least, most) = (sum(|count| count.acknowledged), sum(|count| count.sent));
        let told = all.iter().map(|count| count.told).max().unwrap_or_default();
        assert!(now >= told, "the counter {name} went back from {told} to {now}");
        assert!((least..=most).contains(&now), "the counter {name} is {now}, not from {least} to {most}");
    }

    /// The balances are what the transfers that are there make of those before.
    fn transfers(&self, writers: &mut [Writer], there: &Value) {
        let (mut accounts, mut reserve) = (self.before["Accounts"].clone(), self.before["Reserve"].clone());
        let add = |balance: &mut Value, amount: i64| *balance = json!(balance.as_i64().unwrap() + amount);
        let mut seen = 0;
        for writer in writers {
            for (name, (transfer, acknowledged)) in std::mem::take(&mut writer.promised.transfers) {
                let found = &there["Transfers"][&name];
                if found.is_null() {
                    assert!(!acknowledged, "the transfer {name} is lost");
                    continue;
                }
                assert_eq!(*found, transfer, "the transfer {name}");
                let amount = transfer["amount"].as_i64().unwrap();
                add(&mut accounts[format!("a{}", transfer["from"])], -amount);
                add(&mut reserve[format!("r{}", transfer["to"])], amount);
                seen += 1;
            }
        }
        assert_eq!(members(&there["Transfers"]).count(), seen, "transfers that nobody made");
        assert_eq!((&there["Accounts"], &there["Reserve"]), (&accounts, &reserve), "balances and transfers differ");
    }

    /// The records of db_service: each under its id, with its content, and no id twice.
    fn records(&mut self, writers: &mut [Writer], there: &Value) {
        let records = &there["Documents"]["people"]["record"];
        let mut known = BTreeSet::new();
        for writer in &mut *writers {
            for (id, states) in &mut writer.promised.records {
                found(&format!("the record {id}"), states, &records[id.to_string()]);
                assert!(known.insert(*id), "the id {id} was given away twice");
            }
        }
        for (id, record) in members(records) {
            let id: i64 = id.parse().unwrap();
            if !known.insert(id) {
                continue;
            }
            let unborn = |writer: &&mut Writer| writer.promised.unborn.contains(record);
            let writer = writers.iter_mut().find(unborn).unwrap_or_else(|| panic!("nobody made {id}: {record}"));
            assert!(!self.ids.contains(&id), "the id {id} came back");
            writer.promised.records.insert(id, vec![record.clone()]);
        }
        for id in &known {
            assert!(there["Documents"]["people"]["lastId"].as_i64() >= Some(*id), "the id {id} can come again");
        }
        for writer in writers {
            writer.promised.unborn.clear();
            for id in writer.promised.records.keys() {
                let is_new = self.ids.insert(*id);
                let was_there = !self.before["Documents"]["people"]["record"][id.to_string()].is_null();
                assert!(is_new || was_there, "the id {id} came back");
            }
            writer.promised.records.retain(|_, states| !states[0].is_null());
        }
    }

    fn import(&mut self, there: &Value) {
        let read: Vec<usize> = members(&there["Imported"]).map(|(name, _)| name.parse().unwrap()).collect();
        let whole = self.imported.take();
        assert!(read.iter().copied().eq(0..read.len()), "the import has holes: {read:?}");
        assert_eq!(read.len() % BATCH, 0, "a transaction of the import is torn");
        let most = if whole.is_some() { IMPORTED } else { 0 };
        let least = if whole == Some(true) { IMPORTED } else { 0 };
        assert!((least..=most).contains(&read.len()), "{} nodes of an import are there; done: {whole:?}", read.len());
    }
}

fn places(writer: &mut Writer, there: &Value) {
    for (place, states) in &mut writer.promised.places {
        let (document, name) = place.split_once('/').unwrap();
        let state = match document {
            "Cargo" => cargo(&there["Here"][name], &there["There"][name]),
            "Records" => there["Records"]["record"][name].clone(),
            _ => there[document][name].clone(),
        };
        found(place, states, &state);
    }
}

/// The nodes that move, on both sides.
fn cargo(here: &Value, there: &Value) -> Value {
    if here.is_null() && there.is_null() { Value::Null } else { json!([here, there]) }
}

/// What is there and was never written would be a part of something.
fn nothing_else(writers: &[Writer], there: &Value) {
    let places: BTreeSet<&String> = writers.iter().flat_map(|writer| writer.promised.places.keys()).collect();
    let parts = [
        ("Values", &there["Values"]),
        ("Records", &there["Records"]["record"]),
        ("Cargo", &there["Here"]),
        ("Cargo", &there["There"]),
    ];
    for (document, part) in parts {
        for (name, _) in members(part) {
            assert!(places.contains(&format!("{document}/{name}")), "nobody wrote {name} of {document}");
        }
    }
}

/// The index of config.json, and the one that db_service keeps itself, have what the records say, and nothing else.
fn indexes(there: &Value) {
    let mut expected = json!({});
    for (node, record) in members(&there["Records"]["record"]) {
        expected["by_name"][record["name"].as_str().unwrap().to_lowercase()][node] = "".into();
    }
    assert_eq!(there["RecordsIndex"], or_nothing(expected), "the declared index");
    let mut expected = json!({});
    for (id, record) in members(&there["Documents"]["people"]["record"]) {
        let leaves = [
            ("of", &record["of"]),
            ("name", &record["name"]),
            ("address.city", &record["address"]["city"]),
            ("age", &record["age"]),
        ];
        for (path, leaf) in leaves {
            let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
            expected["people"][path][format!("={text}")][id] = "".into();
        }
    }
    assert_eq!(there["DocumentsIndex"], or_nothing(expected), "the index of db_service");
}

/// A document without nodes is none.
fn or_nothing(document: Value) -> Value {
    if document.as_object().is_some_and(Map::is_empty) { Value::Null } else { document }
}
