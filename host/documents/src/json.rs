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
    Object(Members),
}

/// What an object has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Members {
    /// What stands under the name "".
    pub(crate) own: Option<Vec<u8>>,
    pub(crate) named: Vec<(String, Json)>,
}

/// Checks that a text is one JSON value that is no object and no array, and gives it in the form in which it is kept.
///
/// # Errors
/// [`Trouble::Refused`]
pub fn scalar(text: &[u8]) -> Result<Vec<u8>, Trouble> {
    scalar_of(serde_json::from_slice(text).map_err(|error| bad(&error))?)
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
    /// Reads JSON that may have so many levels below the first one.
    pub(crate) fn parse(text: &[u8], levels: usize) -> Result<Self, Trouble> {
        Self::of(serde_json::from_slice(text).map_err(|error| bad(&error))?, levels)
    }

    fn of(raw: &RawValue, levels: usize) -> Result<Self, Trouble> {
        let text = raw.get().trim();
        let below = |member| {
            let too_deep =
                || Trouble::refused(format!("the JSON is too deep: a node may have {SUBSCRIPTS} subscripts"));
            Self::of(member, levels.checked_sub(1).ok_or_else(too_deep)?)
        };
        match text.as_bytes().first() {
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| bad(&error))?;
                Ok(Self::Array(items.into_iter().map(below).collect::<Result<_, _>>()?))
            }
            Some(b'{') => {
                let mut members: BTreeMap<String, &RawValue> =
                    serde_json::from_str(text).map_err(|error| bad(&error))?;
                let own = members.remove(OWN_VALUE).map(own_value).transpose()?;
                let named = members.into_iter().map(|(name, member)| Ok((name, below(member)?)));
                Ok(Self::Object(Members { own, named: named.collect::<Result<_, Trouble>>()? }))
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
            Self::Object(members) => members.write(out),
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
            Self::Object(Members { own, named }) => {
                let shape = if named.is_empty() { Shape::Object } else { Shape::Plain };
                let record = Record { shape, value: own };
                if record != Record::default() {
                    out.push((at.to_vec(), record));
                }
                for (name, member) in named {
                    member.flatten(&key::child(at, &name), out)?;
                }
            }
        }
        Ok(())
    }

    /// What a node with this record and these children is as JSON; none: there is nothing.
    pub(crate) fn of_node(record: Option<Record>, children: Vec<(String, Json)>) -> Option<Self> {
        let Record { shape, value } = record.unwrap_or_default();
        match (shape, value, children.is_empty()) {
            (Shape::Plain, value, true) => value.map(Self::Scalar),
            (Shape::Array, None, _) if is_sequence(&children) => {
                Some(Self::Array(children.into_iter().map(|(_, item)| item).collect()))
            }
            (_, own, _) => Some(Self::Object(Members { own, named: children })),
        }
    }
}

impl Members {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some(own) = &self.own {
            out.extend_from_slice(b"\"\":");
            out.extend_from_slice(own);
        }
        for (at, (name, member)) in self.named.iter().enumerate() {
            if at > 0 || self.own.is_some() {
                out.push(b',');
            }
            out.extend(serde_json::to_vec(name).unwrap_or_default());
            out.push(b':');
            member.write(out);
        }
        out.push(b'}');
    }
}

fn bad(error: &serde_json::Error) -> Trouble {
    Trouble::refused(format!("this is not valid JSON: {error}"))
}

/// What stands under the name "".
fn own_value(raw: &RawValue) -> Result<Vec<u8>, Trouble> {
    if raw.get().starts_with(['{', '[']) {
        return Err(Trouble::refused("the name \"\" stands for a node's own value, which is no object and no array"));
    }
    scalar_of(raw)
}

fn is_sequence(children: &[(String, Json)]) -> bool {
    children.iter().enumerate().all(|(place, (name, _))| *name == place.to_string())
}
