//! The past is told as it was, as long as somebody can ask for it, and not longer.
//! In come beginnings, ends and commits in random order; out goes what each moment saw, beside copies of everything.
//! What is kept is counted: it must come back to nothing.

use super::memory_store;
use crate::history::History;
use crate::limits::{HISTORY_BYTES, VALUE_BYTES};
use crate::record::Record;
use crate::{Connection, Node, Trouble};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

type State = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Clone)]
enum Step {
    Begin,
    End(Index),
    /// Of keys 0 to 4; none: the key goes.
    Commit(BTreeMap<u8, Option<u8>>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Begin),
        2 => any::<Index>().prop_map(Step::End),
        3 => btree_map(0..5_u8, any::<Option<u8>>(), 1..4).prop_map(Step::Commit),
    ]
}

/// Commits as the store does.
fn commit(history: &mut History, state: &mut State, changes: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
    let wanted = changes.keys().filter(|key| history.wants(key));
    let before = wanted.map(|key| (key.clone(), state.get(key).cloned())).collect();
    for (key, bytes) in changes {
        match bytes {
            Some(bytes) => state.insert(key.clone(), bytes.clone()),
            None => state.remove(key),
        };
    }
    history.record(before);
}

/// All keys as they were at a moment.
fn rewound(history: &History, state: &State, moment: u64) -> State {
    let mut then = state.clone();
    for (key, before) in history.then_between((Bound::Unbounded, Bound::Unbounded), moment) {
        assert_eq!(history.then(key, moment), Some(before));
        match before {
            Some(before) => then.insert(key.clone(), before.clone()),
            None => then.remove(key),
        };
    }
    then
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn each_moment_sees_what_was_there(steps in vec(step(), 1..60)) {
        let mut history = History::from(7);
        let mut state = State::new();
        let mut states = BTreeMap::from([(7, state.clone())]);
        // The keys that each commit changed.
        let mut log: BTreeMap<u64, BTreeSet<Vec<u8>>> = BTreeMap::new();
        let mut running: Vec<u64> = Vec::new();
        for step in steps {
            match step {
                Step::Begin => running.push(history.begin()),
                Step::End(which) if !running.is_empty() => {
                    history.end(running.swap_remove(which.index(running.len())));
                }
                Step::End(_) => {}
                Step::Commit(changes) => {
                    let changes = changes.into_iter();
                    let changes: BTreeMap<_, _> = changes.map(|(key, byte)| (vec![key], byte.map(|byte| vec![byte]))).collect();
                    commit(&mut history, &mut state, &changes);
                    states.insert(history.commit(), state.clone());
                    log.insert(history.commit(), changes.into_keys().collect());
                }
            }
            for moment in &running {
                prop_assert!(history.knows(*moment));
                prop_assert_eq!(&rewound(&history, &state, *moment), &states[moment]);
                for key in (0..5_u8).map(|key| vec![key]) {
                    let has_changed = log.range(moment + 1..).any(|(_, keys)| keys.contains(&key));
                    prop_assert_eq!(history.changed(&key, *moment), has_changed);
                    let only = (Bound::Included(&key[..]), Bound::Included(&key[..]));
                    prop_assert_eq!(history.changed_between(only, *moment), has_changed);
                }
            }
            let [keys, versions, bytes, moments] = history.kept();
            prop_assert_eq!(moments, running.iter().collect::<BTreeSet<_>>().len());
            prop_assert!(versions >= keys && (bytes == 0) == (keys == 0));
        }
        for moment in running {
            history.end(moment);
        }
        prop_assert_eq!(history.kept(), [0; 4]);
    }
}

#[test]
fn a_long_transaction_costs_few_versions_of_a_key_however_often_it_changes() {
    let mut history = History::default();
    let mut state = State::new();
    let old = history.begin();
    let mut others = VecDeque::new();
    for round in 0..1000_u32 {
        // Some are always running while another one commits.
        others.push_back(history.begin());
        let changes = BTreeMap::from([(b"key".to_vec(), Some(round.to_be_bytes().to_vec()))]);
        commit(&mut history, &mut state, &changes);
        let [keys, versions, bytes, moments] = history.kept();
        assert!(keys == 1 && versions <= moments && bytes < 100 * moments + 200, "{:?}", history.kept());
        if others.len() == 8 {
            history.end(others.remove(round as usize % 3).unwrap());
        }
    }
    assert_eq!(rewound(&history, &state, old), State::new());
    history.end(old);
    for other in others {
        history.end(other);
    }
    assert_eq!(history.kept(), [0; 4]);
}

#[test]
fn who_began_first_loses_the_past_first() {
    let mut history = History::default();
    let mut state = State::new();
    let large = HISTORY_BYTES / 8;
    let changed = |key: u8, bytes: usize| BTreeMap::from([(vec![key], Some(vec![key; bytes]))]);
    (0..10).for_each(|key| commit(&mut history, &mut state, &changed(key, large)));
    let old = history.begin();
    commit(&mut history, &mut state, &changed(0, large));
    let young = history.begin();
    let before = state.clone();
    (1..7).for_each(|key| commit(&mut history, &mut state, &changed(key, 1)));
    assert!(history.knows(old), "seven eighths fit");
    commit(&mut history, &mut state, &changed(7, 1));
    assert!(!history.knows(old));
    assert!(history.knows(young));
    assert!(rewound(&history, &state, young) == before);
    assert!(history.kept()[2] <= HISTORY_BYTES);
    // The next one is too much for the young one, too.
    commit(&mut history, &mut state, &changed(8, 1));
    commit(&mut history, &mut state, &changed(9, 1));
    assert!(!history.knows(young));
    assert_eq!(history.kept(), [0, 0, 0, 2]);
    let newest = history.begin();
    assert!(history.knows(newest));
    for moment in [old, young, newest] {
        history.end(moment);
    }
    assert_eq!(history.kept(), [0; 4]);
}

#[test]
fn a_store_gives_back_what_its_transactions_needed() {
    let store = memory_store();
    let node = |number: usize| Node::new("d", [number.to_string()]);
    let mut writer = Connection::new(store.clone());
    let mut readers: Vec<Connection> = Vec::new();
    for round in 0..20 {
        let mut reader = Connection::new(store.clone());
        reader.begin().unwrap();
        readers.push(reader);
        writer.set(&node(round % 3), round.to_string().as_bytes()).unwrap();
    }
    assert!(store.kept()[0] > 0);
    // Some commit, some are rolled back, some conflict, and the rest is dropped.
    for (number, reader) in readers.iter_mut().enumerate() {
        match number % 4 {
            0 => reader.commit().unwrap(),
            1 => reader.roll_back().unwrap(),
            2 => {
                reader.increment(&node(0), b"1").unwrap();
                assert_eq!(reader.commit(), Err(Trouble::Conflict));
            }
            _ => {}
        }
    }
    assert!(store.kept()[0] > 0);
    drop(readers);
    assert_eq!(store.kept(), [0; 4]);
    // Operations outside of a transaction, also refused ones, leave nothing either.
    writer.read(&Node::new("d", [""; 0])).unwrap();
    writer.increment(&node(0), b"[]").unwrap_err();
    writer.delete(&node(0)).unwrap();
    assert_eq!(store.kept(), [0; 4]);
}

#[test]
fn an_old_transaction_has_to_begin_again_where_too_much_was_written() {
    let store = memory_store();
    let mut writer = Connection::new(store.clone());
    let node = |number: usize| Node::new("d", [number.to_string()]);
    let large = Record::value(vec![b'1'; VALUE_BYTES]);
    let count = HISTORY_BYTES / VALUE_BYTES + 2;
    for number in 0..count {
        store.change(|transaction| transaction.put(&node(number).key()?, &large)).unwrap();
    }
    let mut old = Connection::new(store.clone());
    old.begin().unwrap();
    old.set(&node(0), b"1").unwrap();
    (0..count).for_each(|number| writer.set(&node(number), b"2").unwrap());
    assert_eq!(old.get(&node(1)), Err(Trouble::Conflict));
    // A conflict ends the transaction: the next one may begin, and nothing was written.
    assert!(matches!(old.commit(), Err(Trouble::Refused(_))));
    old.begin().unwrap();
    assert_eq!(old.get(&node(0)).unwrap().unwrap(), b"2");
    old.set(&node(0), b"3").unwrap();
    old.commit().unwrap();
    assert_eq!(store.kept(), [0; 4]);
}

#[test]
fn what_others_write_too_fast_is_done_again_and_then_alone() {
    let store = memory_store();
    let node = Node::new("d", ["x"]);
    let mut attempts = 0;
    let (done, commit) = store
        .change(|transaction| {
            attempts += 1;
            transaction.increment(&node, b"1")?;
            // Somebody else is always faster, until this one has the turn: then nobody could commit.
            if attempts <= 3 {
                Connection::new(store.clone()).increment(&node, b"10")?;
            }
            Ok(attempts)
        })
        .unwrap();
    assert_eq!(done, 4);
    assert_eq!(commit, Some(store.committed()));
    assert_eq!(Connection::new(store.clone()).get(&node).unwrap().unwrap(), b"31");
    // A conflict while it works is one like others.
    let mut attempts = 0;
    let done = store.change(|_| {
        attempts += 1;
        if attempts < 3 { Err(Trouble::Conflict) } else { Ok(attempts) }
    });
    assert_eq!(done, Ok((3, None)));
}
