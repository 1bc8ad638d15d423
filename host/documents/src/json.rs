//! Subtrees as JSON: from text to nodes, and from nodes to text.
//! In comes JSON, out go records with their keys; and back, so that what was stored is read as it was.
//! Numbers are kept to the letter, because no type of number holds all of them.

use crate::key;
use crate::limits::{SUBSCRIPTS, VALUE_BYTES};
use crate::record::{Record, Shape};
use crate::trouble::Trouble;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The name under which JSON has the value of a node that has children, too: no subscript is empty.
const OWN_VALUE: &str = "";

/// JSON whose single values are kept as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json {
    /// A string, a number, `true`, `false` or `null`, as text.
    Scalar(Vec<u8>),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Checks that a text is one JSON value that is no object and no array, and gives it in the form in which it is kept.
///
/// # Errors
/// [`Trouble::Refused`]
pub fn scalar(text: &[u8]) -> Result<Vec<u8>, Trouble> {
    let no_json = |error: serde_json::Error| Trouble::refused(format!("the value is not valid JSON: {error}"));
    let raw: &RawValue = serde_json::from_slice(text).map_err(no_json)?;
    scalar_of(raw)
}

fn scalar_of(raw: &RawValue) -> Result<Vec<u8>, Trouble> {
    let text = raw.get().trim();
    let kept = match text.as_bytes().first() {
        Some(b'{' | b'[') => {
            return Err(Trouble::refused("the value is an object or an array; store it as a subtree"));
        }
        // Written anew, so that one text has one form, and what is no Unicode is refused.
        Some(b'"') => {
            let plain: String = serde_json::from_str(text)
                .map_err(|error| Trouble::refused(format!("the value is no text: {error}")))?;
            serde_json::to_vec(&plain).unwrap_or_default()
        }
        _ => text.as_bytes().to_vec(),
    };
    if kept.len() > VALUE_BYTES {
        let length = kept.len();
        return Err(Trouble::refused(format!("a value may have {VALUE_BYTES} bytes, and this one has {length}")));
    }
    Ok(kept)
}

impl Json {
    /// Reads JSON.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Trouble> {
        let raw: &RawValue = serde_json::from_slice(text)
            .map_err(|error| Trouble::refused(format!("this is not valid JSON: {error}")))?;
        Self::of(raw, 0)
    }

    fn of(raw: &RawValue, depth: usize) -> Result<Self, Trouble> {
        let bad = |error: serde_json::Error| Trouble::refused(format!("this is not valid JSON: {error}"));
        let text = raw.get().trim();
        if depth > SUBSCRIPTS {
            return Err(Trouble::refused(format!("JSON may be {SUBSCRIPTS} levels deep")));
        }
        match text.as_bytes().first() {
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(bad)?;
                let items: Result<_, _> = items.into_iter().map(|item| Self::of(item, depth + 1)).collect();
                Ok(Self::Array(items?))
            }
            Some(b'{') => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(bad)?;
                let members = members.into_iter().map(|(name, value)| Ok((name, Self::of(value, depth + 1)?)));
                Ok(Self::Object(members.collect::<Result<_, Trouble>>()?))
            }
            _ => scalar_of(raw).map(Self::Scalar),
        }
    }

    /// The JSON text.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Scalar(text) => out.extend_from_slice(text),
            Self::Array(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (at, (name, member)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    out.extend(serde_json::to_vec(name).unwrap_or_default());
                    out.push(b':');
                    member.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The records that a node and all below it get.
    pub(crate) fn flatten(self, at: &[u8], out: &mut Vec<(Vec<u8>, Record)>) -> Result<(), Trouble> {
        key::check(at)?;
        match self {
            Self::Scalar(value) => out.push((at.to_vec(), Record::value(value))),
            Self::Array(items) => {
                out.push((at.to_vec(), Record::shape(Shape::Array)));
                for (place, item) in items.into_iter().enumerate() {
                    item.flatten(&key::child(at, &place.to_string()), out)?;
                }
            }
            Self::Object(members) => {
                let (record, members) = own_record(members)?;
                if record != Record::default() {
                    out.push((at.to_vec(), record));
                }
                for (name, member) in members {
                    member.flatten(&key::child(at, &name), out)?;
                }
            }
        }
        Ok(())
    }

    /// What a node with this record and these children is as JSON; none: there is nothing.
    pub(crate) fn of_node(record: Option<Record>, children: Vec<(String, Json)>) -> Option<Self> {
        let Record { shape, value } = record.unwrap_or_default();
        let value = value.map(Self::Scalar);
        match (shape, value, children.is_empty()) {
            (Shape::Plain, None, true) => None,
            (Shape::Plain, Some(value), true) => Some(value),
            (Shape::Array, None, _) if is_sequence(&children) => {
                Some(Self::Array(children.into_iter().map(|(_, item)| item).collect()))
            }
            (_, value, _) => {
                let own = value.map(|value| (OWN_VALUE.to_owned(), value));
                Some(Self::Object(own.into_iter().chain(children).collect()))
            }
        }
    }
}

/// What an object's own node gets, and what is left for its children.
fn own_record(mut members: Vec<(String, Json)>) -> Result<(Record, Vec<(String, Json)>), Trouble> {
    if members.is_empty() {
        return Ok((Record::shape(Shape::Object), members));
    }
    let Some(at) = members.iter().position(|(name, _)| name == OWN_VALUE) else {
        return Ok((Record::default(), members));
    };
    let Json::Scalar(value) = members.swap_remove(at).1 else {
        return Err(Trouble::refused("the name \"\" stands for a node's own value, which is no object and no array"));
    };
    let shape = if members.is_empty() { Shape::Object } else { Shape::Plain };
    Ok((Record { shape, value: Some(value) }, members))
}

fn is_sequence(children: &[(String, Json)]) -> bool {
    children.iter().enumerate().all(|(place, (name, _))| *name == place.to_string())
}
