//! Feeds what comes from outside with inputs that nobody would write, for a bounded time.
//! In come a target's name and what must hold for every input; out goes a failed test with the input kept in a file.
//! It never knows what a target reads: the corpus does, a folder of real and nasty inputs that are changed at random.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestError, TestRunner};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Seconds that each target runs, unless `QEWD_FUZZ_SECONDS` says otherwise: long enough for thousands of inputs.
const SECONDS: u64 = 2;
/// Inputs that are made between two looks at the clock.
const AT_ONCE: u32 = 32;
/// Changes of one input.
const CHANGES: usize = 6;
/// Bytes that one change takes away, says again, or brings over from another input.
const PIECE: usize = 48;
/// What readers stumble over: numbers at their bounds, broken escapes, depth, ends of texts, bytes that are no UTF-8.
const NASTY: &[&[u8]] = &[
    b"",
    b"0",
    b"-1",
    b"1e999",
    b"18446744073709551615",
    b"18446744073709551616",
    b"0.5",
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"\"",
    b"\"\\ud800\"",
    b"\"\\u0000\"",
    b"\\",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b".",
    b"/",
    b"%",
    b"%2F",
    b"%2f",
    b"%ff",
    b"%c3%28",
    b"%25",
    b"{{",
    b"}}",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    "\u{2028}".as_bytes(),
    "\u{10ffff}".as_bytes(),
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\0\x10\0\0",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

/// One change of an input. Places are shares of its length, so each change fits each input.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, &'static [u8]),
    /// A number, a text or a word, as JSON and scripts have them, becomes something else.
    Exchange(Index, &'static [u8]),
    Remove(Index, usize),
    /// A piece comes twice.
    Repeat(Index, usize),
    /// A line comes twice, or in another place, or not at all.
    RepeatLine(Index, Index),
    MoveLine(Index, Index),
    RemoveLine(Index),
    /// A piece of another input of the corpus comes in.
    Graft {
        to: Index,
        other: Index,
        from: Index,
        bytes: usize,
    },
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let nasty = || select(NASTY);
    prop_oneof![
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        3 => (at(), nasty()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        5 => (at(), nasty()).prop_map(|(at, piece)| Change::Exchange(at, piece)),
        2 => (at(), 1..PIECE).prop_map(|(at, bytes)| Change::Remove(at, bytes)),
        2 => (at(), 1..PIECE).prop_map(|(at, bytes)| Change::Repeat(at, bytes)),
        2 => (at(), at()).prop_map(|(line, to)| Change::RepeatLine(line, to)),
        2 => (at(), at()).prop_map(|(line, to)| Change::MoveLine(line, to)),
        1 => at().prop_map(Change::RemoveLine),
        2 => (at(), at(), at(), 1..PIECE).prop_map(|(to, other, from, bytes)| Change::Graft { to, other, from, bytes }),
        1 => at().prop_map(Change::Cut),
    ]
}

/// Checks every input of the target's corpus as it is, and then changed ones until the time is over.
///
/// # Panics
/// When one of them does not hold. The smallest one that was found is kept in a file.
pub(crate) fn run(target: &str, check: impl Fn(&[u8])) {
    run_with(target, &inputs(&own_corpus(target)), check);
}

/// The same with a corpus that lies elsewhere in the repository, beside the target's own; files with this ending count.
pub(crate) fn run_also_from(target: &str, folder: &str, ending: &str, check: impl Fn(&[u8])) {
    let mut corpus = inputs(&own_corpus(target));
    corpus.extend(inputs(&root().join(folder)).into_iter().filter(|(path, _)| path.ends_with(ending)));
    run_with(target, &corpus, check);
}

/// The inputs of a target's corpus as they are.
pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
    inputs(&own_corpus(target)).into_iter().map(|(_, bytes)| bytes).collect()
}

fn run_with(target: &str, corpus: &[(String, Vec<u8>)], check: impl Fn(&[u8])) {
    assert!(corpus.len() > 3, "the corpus of {target} is not there");
    for (path, bytes) in corpus {
        // The place in the check is told by the panic itself.
        let held = catch_unwind(AssertUnwindSafe(|| check(bytes)));
        assert!(held.is_ok(), "{target}: {path} does not hold, see above");
    }
    let changed = (any::<Index>(), vec(change(), 1..=CHANGES));
    let made = |(input, changes): &(Index, Vec<Change>)| changed_input(corpus, *input, changes);
    let until = Instant::now() + time();
    while Instant::now() < until {
        // A runner counts its inputs: one that has done its share does nothing more.
        let mut runner = TestRunner::new(Config { cases: AT_ONCE, failure_persistence: None, ..Config::default() });
        let ran = runner.run(&changed, |change| {
            check(&made(&change));
            Ok(())
        });
        match ran {
            Ok(()) => {}
            Err(TestError::Fail(why, change)) => fail(target, &why.to_string(), &made(&change)),
            Err(TestError::Abort(why)) => panic!("{target} was given up: {why}"),
        }
    }
}

fn fail(target: &str, why: &str, input: &[u8]) -> ! {
    let mut hash = DefaultHasher::new();
    input.hash(&mut hash);
    let folder = std::env::temp_dir().join("qewd-fuzz");
    let file = folder.join(format!("{target}-{:016x}", hash.finish()));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, input));
    panic!(
        "{target}: {why}\ninput: b\"{}\"\nkept: {} ({kept:?})\nTo check it with every run, copy it into tests/fuzz/corpus/{target}/.",
        input.escape_ascii(),
        file.display()
    );
}

fn time() -> Duration {
    let given = std::env::var("QEWD_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(given.unwrap_or(SECONDS))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn own_corpus(target: &str) -> PathBuf {
    root().join("tests/fuzz/corpus").join(target)
}

/// Every file below a folder, in an order that is always the same.
fn inputs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(inputs(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

fn changed_input(corpus: &[(String, Vec<u8>)], input: Index, changes: &[Change]) -> Vec<u8> {
    let mut bytes = corpus[input.index(corpus.len())].1.clone();
    for change in changes {
        apply(change, &mut bytes, corpus);
    }
    bytes
}

fn apply(change: &Change, bytes: &mut Vec<u8>, corpus: &[(String, Vec<u8>)]) {
    // One place more than there are bytes: the end.
    let place = |at: &Index| at.index(bytes.len() + 1);
    match change {
        Change::Insert(at, piece) => insert(bytes, place(at), piece),
        Change::Graft { to, other, from, bytes: most } => {
            let other = &corpus[other.index(corpus.len())].1;
            let from = from.index(other.len() + 1);
            insert(bytes, place(to), &other[from..other.len().min(from + most)]);
        }
        Change::RepeatLine(..) | Change::MoveLine(..) | Change::RemoveLine(_) => apply_to_lines(change, bytes),
        _ if bytes.is_empty() => {}
        Change::Set(at, byte) => *at.get_mut(bytes) = *byte,
        Change::Flip(at, bit) => *at.get_mut(bytes) ^= 1 << bit,
        Change::Exchange(at, piece) => {
            let word = word_at(bytes, at.index(bytes.len()));
            bytes.splice(word, piece.iter().copied());
        }
        Change::Remove(at, most) => {
            let from = at.index(bytes.len());
            bytes.drain(from..bytes.len().min(from + most));
        }
        Change::Repeat(at, most) => {
            let from = at.index(bytes.len());
            let piece = bytes[from..bytes.len().min(from + most)].to_vec();
            insert(bytes, from, &piece);
        }
        Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// The letters and digits around a place, or the text in quotes.
fn word_at(bytes: &[u8], at: usize) -> Range<usize> {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let from = bytes[..at].iter().rposition(|byte| !inside(byte)).map_or(0, |place| place + 1);
    let to = bytes[at..].iter().position(|byte| !inside(byte)).map_or(bytes.len(), |place| at + place);
    match (from.checked_sub(1).map(|before| bytes[before]), bytes.get(to)) {
        (Some(b'"'), Some(b'"')) => from - 1..to + 1,
        _ => from..to.max(from),
    }
}

fn apply_to_lines(change: &Change, bytes: &mut Vec<u8>) {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() {
        return;
    }
    match change {
        Change::RepeatLine(line, to) => {
            let line = lines[line.index(lines.len())];
            lines.insert(to.index(lines.len() + 1), line);
        }
        Change::MoveLine(line, to) => {
            let line = lines.remove(line.index(lines.len()));
            lines.insert(to.index(lines.len() + 1), line);
        }
        Change::RemoveLine(line) => drop(lines.remove(line.index(lines.len()))),
        _ => {}
    }
    *bytes = lines.concat();
}

#[test]
fn a_target_that_does_not_hold_is_found_and_its_input_kept() {
    let reads = |input: &[u8]| assert!(!input.windows(4).any(|four| four == b"null"), "it read null");
    let words = *catch_unwind(|| run("greeting", reads)).unwrap_err().downcast::<String>().unwrap();
    let kept = words.lines().find_map(|line| line.strip_prefix("kept: ")?.strip_suffix(" (Ok(()))"));
    let kept = kept.unwrap_or_else(|| panic!("{words}"));
    assert!(catch_unwind(|| reads(&fs::read(kept).unwrap())).is_err());
    fs::remove_file(kept).unwrap();
}
