//! What a writer was promised: for each of its nodes, what may be there.
//! In comes each write, when it is sent and when it is acknowledged; out go the states that are allowed.
//! A write without an answer may have been done or not, but never a part of it.

use serde_json::Value;
use std::collections::BTreeMap;

/// A number of steps: so many at least, and so many at most.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) acknowledged: i64,
    pub(crate) sent: i64,
    /// The highest value that was ever told.
    pub(crate) told: i64,
}

/// One writer's part of the documents.
#[derive(Default)]
pub(crate) struct Promised {
    /// By place: each state that may be there, `null` for nothing; only one where the last write was acknowledged.
    pub(crate) places: BTreeMap<String, Vec<Value>>,
    /// The same for records of db_service, by id.
    pub(crate) records: BTreeMap<i64, Vec<Value>>,
    /// Records that were to be made and have no id yet.
    pub(crate) unborn: Vec<Value>,
    /// Steps of the counter that all writers share.
    pub(crate) counter: Count,
    /// Steps of the two counters that go together.
    pub(crate) twins: Count,
    /// Transfers by name, and whether each was acknowledged.
    pub(crate) transfers: BTreeMap<String, (Value, bool)>,
    /// How many writes were acknowledged.
    pub(crate) acknowledged: usize,
    /// How many were answered with an error, so that nobody knows.
    pub(crate) refused: usize,
}

/// Adds a state that will be there if the write is done.
pub(crate) fn sent(states: &mut Vec<Value>, state: &Value) {
    if states.is_empty() {
        states.push(Value::Null);
    }
    states.push(state.clone());
}

/// The last state that was sent is there.
pub(crate) fn acknowledged(states: &mut Vec<Value>) {
    *states = states.pop().into_iter().collect();
}

/// Of the states that are allowed, the one that is there.
///
/// # Panics
/// If it is none of them.
pub(crate) fn found(place: &str, states: &mut Vec<Value>, there: &Value) {
    let shown = |value: &Value| value.to_string().chars().take(200).collect::<String>();
    let allowed = || states.iter().map(shown).collect::<Vec<_>>();
    assert!(states.contains(there), "{place} is {}, and may be {:#?}", shown(there), allowed());
    *states = vec![there.clone()];
}
