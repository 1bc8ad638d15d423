//! The children of a node, page by page.
//! In come a node and a selection, out goes a page: names in order, with values if they are wanted.
//! What lies below the children is leapt over, so a page costs what it holds.

use crate::cursor::Cursor;
use crate::engine::Entry;
use crate::key::{self, Node};
use crate::limits::{PAGE, PAGE_BYTES};
use crate::prefix;
use crate::record::Record;
use crate::span::Span;
use crate::transaction::{Transaction, child_of, decoded};
use crate::trouble::Trouble;
use std::ops::Bound;

/// Which children of a node, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// This name or the next one after it in order.
    pub from: Option<String>,
    /// This name or the last one before it in order.
    pub to: Option<String>,
    /// Only names that begin with this text.
    pub prefix: Option<String>,
    /// Behind this name, in the direction of the page.
    pub after: Option<String>,
    /// From the last to the first.
    pub reverse: bool,
    /// Children at most; [`PAGE`] is the most.
    pub limit: usize,
    /// Whether values are wanted.
    pub values: bool,
}

/// One child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// Its value as JSON, if it has one and values were wanted.
    pub value: Option<Vec<u8>>,
    /// Whether something lies below it.
    pub has_children: bool,
}

/// Some children of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// In the order that was asked for.
    pub children: Vec<Child>,
    /// Whether there are more behind them.
    pub more: bool,
}

impl Transaction {
    /// A page of a node's children; of the documents, where there is no node.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn children(&mut self, at: Option<&Node>, selection: &Selection) -> Result<Page, Trouble> {
        let parent = at.map_or_else(|| Ok(key::root()), Node::key)?;
        let mut page = Page::default();
        let mut bytes = 0;
        for span in selection.spans(&parent)? {
            let mut cursor = Cursor::new(self, span.clone());
            while let Some((key, _)) = cursor.peek()? {
                let (name, child) = child_of(&parent, key)?;
                let wanted = selection.prefix.as_deref().is_none_or(|prefix| name.starts_with(prefix));
                if wanted && (page.children.len() >= selection.limit.min(PAGE) || bytes >= PAGE_BYTES) {
                    page.more = true;
                    // That there are more was read, too.
                    let looked_at = span.until(key);
                    self.note_span(looked_at)?;
                    return Ok(page);
                }
                let (own, has_children) = self.take_child(&mut cursor, &child)?;
                if wanted {
                    let value = own.and_then(|record| record.value).filter(|_| selection.values);
                    bytes += value.as_ref().map_or(0, Vec::len);
                    page.children.push(Child { name, value, has_children });
                }
            }
            self.note_span(span)?;
        }
        Ok(page)
    }

    /// How many children a node has; counting ends above `most`.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn count_children(&mut self, at: &Node, most: u64) -> Result<u64, Trouble> {
        let parent = at.key()?;
        let span = Span::below(&parent);
        let mut cursor = Cursor::new(self, span.clone());
        let mut count = 0;
        while count <= most {
            let Some((key, _)) = cursor.peek()? else { break };
            let (_, child) = child_of(&parent, key)?;
            cursor.pass(&child);
            count += 1;
        }
        self.note_span(span)?;
        Ok(count)
    }

    /// The name of the next sibling of a node, or of the previous one. The node itself need not exist.
    ///
    /// # Errors
    /// [`Trouble`]
    pub fn sibling(&mut self, at: &Node, reverse: bool) -> Result<Option<String>, Trouble> {
        let own = at.key()?;
        let parent = match at.subscripts.split_last() {
            Some((_, above)) => Node::new(at.document.clone(), above.to_vec()).key()?,
            None => key::root(),
        };
        let span = if reverse {
            Span { reverse, ..Span::forward(Bound::Excluded(parent.clone()), Bound::Excluded(own)) }
        } else {
            Span::forward(Bound::Excluded(key::behind(&own)), Bound::Excluded(key::behind(&parent)))
        };
        let found = self.first_in(&span)?;
        found.map(|key| child_of(&parent, &key).map(|(name, _)| name)).transpose()
    }

    /// Takes all entries of a child, in either direction: its own record, and whether there is something below it.
    fn take_child(&self, cursor: &mut Cursor<'_>, child: &[u8]) -> Result<(Option<Record>, bool), Trouble> {
        let is_own = |entry: &Entry| entry.0.len() == child.len();
        let first = cursor.next()?;
        let own = match first.filter(is_own) {
            Some((key, bytes)) => Some(decoded(&key, bytes)?),
            // Something below it came first: forwards it has no record then, backwards the record comes last.
            None => {
                cursor.pass(child);
                return Ok((self.record_unnoted(child)?, true));
            }
        };
        let has_children = cursor.peek()?.is_some_and(|(key, _)| key.starts_with(child));
        if has_children {
            cursor.pass(child);
        }
        Ok((own, has_children))
    }
}

impl Selection {
    /// What has to be looked at, in the order of the page.
    fn spans(&self, parent: &[u8]) -> Result<Vec<Span>, Trouble> {
        let child = |name: &String| {
            if name.is_empty() {
                return Err(Trouble::refused("no subscript is empty; leave the bound out"));
            }
            Ok(key::child(parent, name))
        };
        let mut from = vec![Bound::Excluded(parent.to_vec())];
        let mut to = vec![Bound::Excluded(key::behind(parent))];
        if let Some(name) = &self.from {
            from.push(Bound::Included(child(name)?));
        }
        if let Some(name) = &self.to {
            to.push(Bound::Excluded(key::behind(&child(name)?)));
        }
        match &self.after {
            Some(name) if self.reverse => to.push(Bound::Excluded(child(name)?)),
            Some(name) => from.push(Bound::Excluded(key::behind(&child(name)?))),
            None => {}
        }
        let spans = match self.prefix.as_deref() {
            None | Some("") => vec![Span::below(parent)],
            Some(prefix) => prefix::spans(parent, prefix),
        };
        let mut spans: Vec<Span> =
            spans.into_iter().map(|span| Span { reverse: self.reverse, ..span.within(&from, &to) }).collect();
        spans.retain(|span| !span.is_empty());
        if self.reverse {
            spans.reverse();
        }
        Ok(spans)
    }
}
