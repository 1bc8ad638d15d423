//! A node with a page of its children, read as of one moment.
//! In comes what a query asks for, out goes the JSON of it; values stand in it as they are kept.
//! A page costs what it holds, however many siblings there are.

use super::query::Query;
use qewd_documents::{Child, Connection, Node, Page, Selection, State, Transaction, Trouble};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// Characters of a text in a list, 1000: a list of hundred is read at a glance, and the whole text is a request away.
const TEXT: usize = 1000;

/// What was found.
pub(super) struct Shown {
    at: Option<Node>,
    state: State,
    /// In order, also where it was read from its end.
    children: Vec<Child>,
    previous: bool,
    next: bool,
}

/// The answer, as JSON has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the answer has five")]
struct Answer {
    path: Vec<String>,
    exists: bool,
    value: Option<Box<RawValue>>,
    has_value: bool,
    has_children: bool,
    children: Vec<ShownChild>,
    previous: bool,
    next: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownChild {
    name: String,
    value: Option<Box<RawValue>>,
    has_value: bool,
    has_children: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

impl Shown {
    /// Reads a node and a page of its children.
    ///
    /// # Errors
    /// [`Trouble`]
    pub(super) fn read(connection: &mut Connection, query: &Query) -> Result<Self, Trouble> {
        let Query { at, selection } = query;
        connection.run(|transaction| {
            let Page { mut children, more } = transaction.children(at.as_ref(), selection)?;
            if selection.reverse {
                children.reverse();
            }
            let behind = !selection.reverse && more;
            let before = selection.reverse && more;
            let state = state(transaction, at.as_ref())?;
            Ok(Self {
                previous: before || (!selection.reverse && is_more(transaction, query, &children, true)?),
                next: behind || (selection.reverse && is_more(transaction, query, &children, false)?),
                at: at.clone(),
                state,
                children,
            })
        })
    }

    /// The answer.
    ///
    /// # Errors
    /// When a value is no JSON: then something is wrong with the disk.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let path = self.at.iter().flat_map(|at| std::iter::once(&at.document).chain(&at.subscripts));
        serde_json::to_vec(&Answer {
            path: path.cloned().collect(),
            exists: self.state.exists,
            value: self.state.value.as_deref().map(raw).transpose()?,
            has_value: self.state.value.is_some(),
            has_children: self.state.has_children,
            children: self.children.iter().map(ShownChild::of).collect::<Result<_, _>>()?,
            previous: self.previous,
            next: self.next,
        })
    }
}

impl ShownChild {
    fn of(child: &Child) -> Result<Self, serde_json::Error> {
        let whole = child.value.as_deref();
        let cut = whole.map(cut).transpose()?.flatten();
        Ok(Self {
            name: child.name.clone(),
            has_value: whole.is_some(),
            has_children: child.has_children,
            cut: cut.is_some(),
            value: if cut.is_some() { cut } else { whole.map(raw).transpose()? },
        })
    }
}

/// What there is at a node. The place of all documents has no value, and is always there.
fn state(transaction: &mut Transaction, at: Option<&Node>) -> Result<State, Trouble> {
    if let Some(at) = at {
        return transaction.look(at);
    }
    let first = transaction.children(None, &Selection { limit: 1, ..Selection::default() })?;
    Ok(State { value: None, has_children: !first.children.is_empty(), exists: true })
}

/// Whether there are more children on the side from which the page was not read: one is looked for. Where the page is empty,
/// all that there is lies on that side.
fn is_more(
    transaction: &mut Transaction,
    Query { at, selection }: &Query,
    children: &[Child],
    reverse: bool,
) -> Result<bool, Trouble> {
    let edge = if reverse { children.first() } else { children.last() };
    let after = edge.map(|edge| edge.name.clone());
    let look = Selection { after, prefix: selection.prefix.clone(), reverse, limit: 1, ..Selection::default() };
    Ok(!transaction.children(at.as_ref(), &look)?.children.is_empty())
}

/// The beginning of a text that is too long for a list; none: it is not.
fn cut(value: &[u8]) -> Result<Option<Box<RawValue>>, serde_json::Error> {
    // A character has a byte at least, and a text its quotes.
    if value.len() <= TEXT + 2 || value.first() != Some(&b'"') {
        return Ok(None);
    }
    let text: String = serde_json::from_slice(value)?;
    let end = text.char_indices().nth(TEXT).map(|(end, _)| end);
    end.and_then(|end| text.get(..end)).map(to_raw_value).transpose()
}

/// A value as it is kept.
fn raw(value: &[u8]) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::from_slice(value)
}
