//! What a transaction does with nodes: values, subtrees, counts and sums. Pages of children are in `pages`.
//! In come operations of a handler, out go values; what was read is noted, and what is changed is written by `transaction`.
//! An operation that fails has changed nothing of its transaction.

use crate::cursor::Cursor;
use crate::json::{Json, Members, scalar};
use crate::key::{self, Node};
use crate::limits::SUBTREE_BYTES;
use crate::number;
use crate::record::{Record, Shape, State};
use crate::span::Span;
use crate::transaction::{Transaction, child_of, decoded};
use crate::trouble::Trouble;

impl Transaction {
    /// Whether a subtree has so many nodes at most. Nothing relies on it.
    pub(crate) fn is_small(&self, at: &Node, nodes: u64) -> Result<bool, Trouble> {
        let mut cursor = Cursor::new(self, Span::below(&at.key()?));
        for _ in 0..nodes {
            if cursor.next()?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The value of a node.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn get(&mut self, at: &Node) -> Result<Option<Vec<u8>>, Trouble> {
        let key = at.key()?;
        Ok(self.record(&key)?.and_then(|record| record.value))
    }

    /// What there is at a node.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn look(&mut self, at: &Node) -> Result<State, Trouble> {
        let key = at.key()?;
        let record = self.record(&key)?;
        let has_children = self.first_in(&Span::below(&key))?.is_some();
        let exists = record.is_some() || has_children;
        Ok(State { value: record.and_then(|record| record.value), has_children, exists })
    }

    /// How many nodes with a value the subtree has, the node itself among them; counting ends above `most`.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn count(&mut self, at: &Node, most: u64) -> Result<u64, Trouble> {
        let key = at.key()?;
        let mut count = u64::from(self.record(&key)?.is_some_and(|record| record.value.is_some()));
        let span = Span::below(&key);
        let mut cursor = Cursor::new(self, span.clone());
        while count <= most {
            let Some((key, bytes)) = cursor.next()? else { break };
            count += u64::from(decoded(&key, bytes)?.value.is_some());
        }
        self.note_span(span)?;
        Ok(count)
    }

    /// A subtree as JSON; none: there is nothing.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn read(&mut self, at: &Node) -> Result<Option<Vec<u8>>, Trouble> {
        let key = at.key()?;
        let own = self.record(&key)?;
        let span = Span::below(&key);
        let mut left = SUBTREE_BYTES;
        let mut cursor = Cursor::new(self, span.clone());
        let json = subtree(&mut cursor, &key, own, &mut left)?;
        self.note_span(span)?;
        Ok(json.map(|json| {
            let mut text = Vec::new();
            json.write(&mut text);
            text
        }))
    }

    /// Sets the value of a node; its children stay. It reads nothing, so it never makes a conflict: a value has the same form
    /// whatever was there before, because what has one is no array any more.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn set(&mut self, at: &Node, value: &[u8]) -> Result<(), Trouble> {
        let (key, value) = (at.key()?, scalar(value)?);
        self.whole(|own| own.put(&key, &Record::value(value)))
    }

    /// Stores JSON as a subtree; what was there before is gone.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn replace(&mut self, at: &Node, json: &[u8]) -> Result<(), Trouble> {
        let (key, json) = (at.key()?, Json::parse(json, at.levels())?);
        self.whole(|own| own.replace_below(&key, json))
    }

    /// Stores JSON over a subtree; what it does not name stays. Arrays take the place of what was there.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn merge(&mut self, at: &Node, json: &[u8]) -> Result<(), Trouble> {
        let (key, json) = (at.key()?, Json::parse(json, at.levels())?);
        self.whole(|own| own.merge_below(&key, json))
    }

    /// Deletes a node and everything below it. False: there was nothing.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn delete(&mut self, at: &Node) -> Result<bool, Trouble> {
        let key = at.key()?;
        self.whole(|own| own.clear(&key))
    }

    /// Adds a JSON number to a node's value, which is a number or missing, and gives the sum.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn increment(&mut self, at: &Node, by: &[u8]) -> Result<Vec<u8>, Trouble> {
        let key = at.key()?;
        let value = self.record(&key)?.and_then(|record| record.value);
        let sum = sum(at, value.as_deref().unwrap_or(b"0"), by)?;
        self.whole(|own| own.put(&key, &Record::value(sum.clone())))?;
        Ok(sum)
    }

    fn replace_below(&mut self, key: &[u8], json: Json) -> Result<(), Trouble> {
        let mut records = Vec::new();
        json.flatten(key, &mut records)?;
        self.clear(key)?;
        records.into_iter().try_for_each(|(key, record)| self.put(&key, &record))
    }

    fn merge_below(&mut self, key: &[u8], json: Json) -> Result<(), Trouble> {
        key::check(key)?;
        match json {
            Json::Scalar(value) => self.put(key, &Record::value(value)),
            Json::Object(Members { own, named }) => {
                let is_empty = own.is_none() && named.is_empty();
                if let Some(value) = own {
                    self.put(key, &Record::value(value))?;
                }
                for (name, member) in named {
                    self.merge_below(&key::child(key, &name), member)?;
                }
                if is_empty { self.merge_empty(key) } else { Ok(()) }
            }
            Json::Array(_) => self.replace_below(key, json),
        }
    }

    /// An empty object is only seen where there is nothing else.
    fn merge_empty(&mut self, key: &[u8]) -> Result<(), Trouble> {
        let has_value = self.record(key)?.is_some_and(|record| record.value.is_some());
        if has_value || self.first_in(&Span::below(key))?.is_some() {
            return Ok(());
        }
        self.put(key, &Record::shape(Shape::Object))
    }
}

/// Everything below a key, and the key itself, as JSON.
fn subtree(cursor: &mut Cursor<'_>, at: &[u8], own: Option<Record>, left: &mut usize) -> Result<Option<Json>, Trouble> {
    let mut children = Vec::new();
    while let Some((key, bytes)) = cursor.peek()?.filter(|(key, _)| key.starts_with(at)) {
        let (name, child) = child_of(at, key)?;
        *left = left.checked_sub(name.len() + bytes.len() + 3).ok_or_else(|| {
            Trouble::refused(format!("the subtree has more than {SUBTREE_BYTES} bytes as JSON; read it page by page"))
        })?;
        let own = if key.len() == child.len() { cursor.next()? } else { None };
        let own = own.map(|(key, bytes)| decoded(&key, bytes)).transpose()?;
        children.extend(subtree(cursor, &child, own, left)?.map(|json| (name, json)));
    }
    Ok(Json::of_node(own, children))
}

fn sum(at: &Node, value: &[u8], by: &[u8]) -> Result<Vec<u8>, Trouble> {
    let number = |bytes: Vec<u8>, what: &str| {
        let text = String::from_utf8(bytes).unwrap_or_default();
        let is_number = text.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        if is_number { Ok(text) } else { Err(Trouble::refused(format!("{what} is {text}, which is no number"))) }
    };
    let value = number(value.to_vec(), &format!("the value of {at}"))?;
    let sum = number::sum(&value, &number(scalar(by)?, "the increment")?);
    sum.map(String::into_bytes).ok_or_else(|| Trouble::refused(format!("the sum at {at} is too large for a number")))
}
