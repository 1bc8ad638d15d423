//! A store that cannot be read or written everywhere.
//! In comes an engine that keeps nonsense or fails at certain keys; out goes what can be saved, and words about the rest.
//! Nothing here is mended: what is damaged stays as it is.

use crate::engine::Change;
use crate::{
    Connection, Engine, EngineFailure, Entry, Indexes, Memory, Node, OpenFailure, Store, Trouble, check, export,
};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// An engine in memory that cannot read what is at one node, and cannot write where it is told so.
#[derive(Default)]
struct Faulty {
    memory: Memory,
    unreadable: Vec<Vec<u8>>,
    is_full: Arc<AtomicBool>,
}

impl Faulty {
    fn check(&self, keys: &[&[u8]]) -> Result<(), EngineFailure> {
        let fails = self.unreadable.iter().any(|bad| keys.contains(&bad.as_slice()));
        if fails { Err(EngineFailure { words: "the disk is broken".to_owned(), full: false }) } else { Ok(()) }
    }

    fn check_full(&self) -> Result<(), EngineFailure> {
        let is_full = self.is_full.load(Ordering::Relaxed);
        if is_full { Err(EngineFailure { words: "the disk is full".to_owned(), full: true }) } else { Ok(()) }
    }
}

impl Engine for Faulty {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineFailure> {
        self.check(&[key])?;
        self.memory.get(key)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Entry>, EngineFailure> {
        let found = self.memory.scan(range, reverse, limit)?;
        self.check(&found.iter().map(|(key, _)| key.as_slice()).collect::<Vec<_>>())?;
        Ok(found)
    }

    fn apply(&self, changes: &[Change]) -> Result<(), EngineFailure> {
        self.check_full()?;
        self.memory.apply(changes)
    }

    fn flush(&self) -> Result<(), EngineFailure> {
        self.check_full()?;
        self.memory.flush()
    }
}

fn node(document: &str, subscripts: &[&str]) -> Node {
    Node::new(document, subscripts.iter().copied())
}

/// Three documents with ten children each, with one below each.
fn filled() -> Memory {
    let memory = Memory::default();
    let changes = ["a", "b", "c"].iter().flat_map(|document| {
        (0..10).flat_map(|child| {
            let child = child.to_string();
            [node(document, &[&child]), node(document, &[&child, "x"])]
                .map(|node| (node.key().unwrap(), Some(b"\x011".to_vec())))
        })
    });
    memory.apply(&changes.collect::<Vec<_>>()).unwrap();
    memory
}

/// What an export saves, and what it says about the rest.
fn saved(store: &Store) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut said) = (Vec::new(), Vec::new());
    let mut damaged = |trouble: &Trouble| {
        said.push(trouble.to_string());
        true
    };
    let count = export(store, None, &mut lines, &mut damaged, &mut |_, _| {}).unwrap();
    let lines: Vec<String> = String::from_utf8(lines).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines[0], format!("{{\"qewd_documents\":1,\"nodes\":{count}}}"));
    (lines[1..].to_vec(), said)
}

#[test]
fn nonsense_is_found_and_the_rest_is_saved() {
    let memory = filled();
    let key = |child: &str| node("b", &[child]).key().unwrap();
    let nonsense = [
        (key("6"), vec![1]),
        (key("7"), vec![2, b'1']),
        (key("1"), vec![]),
        (key("2"), vec![0]),
        (key("3"), vec![9, 9]),
        (key("4"), b"\x01{}".to_vec()),
        (key("5"), b"\x01nul".to_vec()),
        (vec![2, 0x31, 7], b"\x011".to_vec()),
        (vec![2, 0x30, b'b', 0, 0x28, 1], b"\x011".to_vec()),
        // Zeros at the end of a number are no key of a node.
        (vec![2, 0x30, b'b', 0, 0x28, 129, 11, 1, 0], b"\x011".to_vec()),
    ];
    memory.apply(&nonsense.clone().map(|(key, bytes)| (key, Some(bytes)))).unwrap();
    let store = Store::open(Box::new(memory), Indexes::default()).unwrap();
    let report = check(&store, &mut |_| {});
    assert_eq!(report.wrong, nonsense.len() as u64);
    assert_eq!(report.documents, 3);

    let mut connection = Connection::new(store.clone());
    let words = connection.get(&node("b", &["1"])).unwrap_err().to_string();
    assert_eq!(words, "what is kept at b(1) is damaged; run `qewd documents check`");
    assert!(matches!(connection.read(&node("b", &[])), Err(Trouble::Engine(_))));
    assert!(connection.read(&node("a", &[])).is_ok());

    let (lines, said) = saved(&store);
    let lost = |line: &&String| !line.contains("{}");
    assert!(lines.iter().filter(lost).count() >= 60 - 7, "{}", lines.len());
    assert!(said.len() >= 8, "{said:?}");
    let copy = super::memory_store();
    let text = format!("{{\"qewd_documents\":1,\"nodes\":0}}\n{}", lines.join("\n"));
    crate::import(&copy, &mut text.as_bytes(), &mut |_, _| Ok(())).unwrap();
    assert_eq!(check(&copy, &mut |_| {}).findings, []);
}

#[test]
fn an_export_leaps_over_what_the_engine_cannot_read() {
    let unreadable = vec![node("a", &["4", "x"]).key().unwrap(), node("b", &["4", "x"]).key().unwrap()];
    let engine = Faulty { memory: filled(), unreadable, ..Faulty::default() };
    let store = Store::open(Box::new(engine), Indexes::default()).unwrap();
    let (lines, said) = saved(&store);
    let of =
        |document: &str| lines.iter().filter(|line| line.contains(&format!("\"document\":\"{document}\""))).count();
    assert_eq!(of("c"), 20);
    // The last few before the damage are read in one piece with it.
    assert!(of("a") >= 5 && of("b") >= 5, "{lines:?}");
    assert!(said.iter().all(|words| words == "the disk is broken"), "{said:?}");
    let report = check(&store, &mut |_| {});
    assert!(report.findings.iter().any(|finding| finding.what.contains("cannot be read on: the disk is broken")));
    // Who is told so may stop instead.
    let stopped = export(&store, None, &mut Vec::new(), &mut |_| false, &mut |_, _| {});
    assert_eq!(stopped.unwrap_err().to_string(), "the disk is broken");
}

#[test]
fn a_full_disk_changes_nothing_and_is_no_end() {
    let is_full = Arc::new(AtomicBool::new(false));
    let engine = Faulty { memory: filled(), is_full: is_full.clone(), ..Faulty::default() };
    let store = Store::open(Box::new(engine), Indexes::default()).unwrap();
    let mut connection = Connection::new(store.clone());
    let mut reader = Connection::new(store.clone());
    reader.begin().unwrap();
    is_full.store(true, Ordering::Relaxed);
    let before = connection.read(&node("a", &[])).unwrap();
    let full =
        |result: Result<(), Trouble>| assert!(matches!(result, Err(Trouble::Engine(EngineFailure { full: true, .. }))));
    full(connection.set(&node("a", &["1"]), b"2"));
    connection.begin().unwrap();
    connection.set(&node("a", &["1"]), b"2").unwrap();
    connection.delete(&node("b", &[])).unwrap();
    full(connection.commit());
    assert_eq!(connection.written(), 0);
    assert!(store.flush().is_err());
    assert_eq!(connection.read(&node("a", &[])).unwrap(), before);
    is_full.store(false, Ordering::Relaxed);
    connection.set(&node("a", &["1"]), b"2").unwrap();
    assert_eq!(reader.read(&node("a", &[])).unwrap(), before);
    store.flush().unwrap();
    drop(reader);
    assert_eq!(store.kept(), [0; 4]);
}

#[test]
fn another_format_is_not_touched() {
    let memory = Memory::default();
    memory.apply(&[(b"\x01format".to_vec(), Some(b"2".to_vec()))]).unwrap();
    let failed = Store::open(Box::new(memory), Indexes::default()).err();
    assert_eq!(failed, Some(OpenFailure::Format("2".to_owned())));
    assert!(failed.unwrap().to_string().contains("format 2, and this program reads format 1"));
}
