//! The children of a node, in order.
//! In comes which of them are wanted, out go names and values, fetched page by page.
//! It never fetches what lies below a child.

use super::transaction::ask;
use super::{Node, Subscript};
use crate::Failure;
use crate::bindings::qewd::handler::documents as wire;
use crate::imports::documents as host;
use serde::de::DeserializeOwned;
use std::rc::Rc;

/// Children of the first page. Many handlers look at a few only, and a transaction relies on all that was fetched for it.
const FIRST: u32 = 100;
/// Children of each further page; the host gives no more.
const PAGE: u32 = 1000;

/// The children of a node: first say which, then iterate. Each item may be an error, so `?` stands in the loop.
///
/// ```
/// use qewd_sdk::{Failure, documents};
///
/// fn total(id: &str) -> Result<f64, Failure> {
///     let mut total = 0.0;
///     for month in documents::open("bills").at(id).children().from("2026-01").to("2026-12").values() {
///         total += month?.value::<f64>()?.unwrap_or(0.0);
///     }
///     Ok(total)
/// }
///
/// fn newest() -> Result<Vec<String>, Failure> {
///     let bills = documents::open("bills").children().reverse().limit(10);
///     bills.map(|bill| Ok(bill?.name().to_owned())).collect()
/// }
/// ```
///
/// Outside of a [`transaction`](super::transaction) each page is read at a moment of its own.
#[derive(Debug, Clone)]
#[must_use = "children are fetched where this is iterated over"]
pub struct Children {
    /// None: all documents.
    parent: Option<Rc<Node>>,
    selection: wire::Selection,
    /// How many are still wanted; none: all.
    left: Option<usize>,
    fetched: std::vec::IntoIter<Child>,
    more: bool,
}

/// One child of a node.
#[derive(Debug, Clone)]
pub struct Child {
    parent: Option<Rc<Node>>,
    name: String,
    has_children: bool,
    value: ChildValue,
}

#[derive(Debug, Clone)]
enum ChildValue {
    /// It was not asked for.
    Away,
    /// JSON; none: the child has none.
    Here(Option<Vec<u8>>),
}

/// Some children of a node, and whether there are more.
///
/// ```
/// use qewd_sdk::{Failure, Request, documents};
/// use serde_json::{Value, json};
///
/// fn list(request: &mut Request) -> Result<Value, Failure> {
///     let mut orders = documents::open("orders").children().limit(20);
///     if let Some(after) = request.query("after") {
///         orders = orders.after(after);
///     }
///     let page = orders.page()?;
///     let names: Vec<&str> = page.children.iter().map(|child| child.name()).collect();
///     Ok(json!({"orders": names, "after": page.after()}))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Page {
    /// In the order that was asked for.
    pub children: Vec<Child>,
    /// Whether there are more behind them.
    pub more: bool,
}

impl Children {
    pub(super) fn of(parent: Option<Node>) -> Self {
        let selection = wire::Selection {
            from: None,
            to: None,
            prefix: None,
            after: None,
            reverse: false,
            limit: FIRST,
            values: false,
        };
        Self { parent: parent.map(Rc::new), selection, left: None, fetched: Vec::new().into_iter(), more: true }
    }

    /// Only from this name on, in order. There need not be one of this name.
    pub fn from(mut self, name: impl Subscript) -> Self {
        self.selection.from = Some(name.subscript());
        self
    }

    /// Only up to this name, it among them. There need not be one of this name.
    pub fn to(mut self, name: impl Subscript) -> Self {
        self.selection.to = Some(name.subscript());
        self
    }

    /// Only names that begin so; numbers are names, too: `1` finds 1, 10 and 15.
    pub fn prefix(mut self, text: impl Subscript) -> Self {
        self.selection.prefix = Some(text.subscript());
        self
    }

    /// Only what comes behind this name, in the direction of the iteration.
    pub fn after(mut self, name: impl Subscript) -> Self {
        self.selection.after = Some(name.subscript());
        self
    }

    /// From the last to the first.
    pub fn reverse(mut self) -> Self {
        self.selection.reverse = true;
        self
    }

    /// Values come along, so that [`Child::value`] asks nobody.
    pub fn values(mut self) -> Self {
        self.selection.values = true;
        self
    }

    /// So many at most.
    pub fn limit(mut self, most: usize) -> Self {
        self.left = Some(most);
        self
    }

    /// One page in place of all: as many as [`limit`](Self::limit) says, and 1000 at most. A page of large values has fewer.
    ///
    /// # Errors
    /// Status 503 if the store cannot be read now; 400 if a name cannot be.
    pub fn page(mut self) -> Result<Page, Failure> {
        let limit = self.left.map_or(PAGE, |left| u32::try_from(left).unwrap_or(PAGE).min(PAGE));
        self.fetch(limit)
    }

    fn fetch(&mut self, limit: u32) -> Result<Page, Failure> {
        self.selection.limit = limit;
        let selection = &self.selection;
        let page = match &self.parent {
            Some(parent) => ask(|| host::children(parent.wire(), selection))?,
            None => ask(|| host::names(selection))?,
        };
        let child = |child: wire::Child| Child {
            parent: self.parent.clone(),
            name: child.name,
            has_children: child.has_children,
            value: if self.selection.values { ChildValue::Here(child.value) } else { ChildValue::Away },
        };
        Ok(Page { children: page.children.into_iter().map(child).collect(), more: page.more })
    }

    /// Fetches the next page for the iteration.
    fn refill(&mut self) -> Result<(), Failure> {
        let size = if self.selection.after.is_none() { FIRST } else { PAGE };
        let left = self.left.map_or(size, |left| u32::try_from(left).unwrap_or(size));
        let page = self.fetch(size.min(left))?;
        self.more = page.more && !page.children.is_empty();
        if let Some(last) = page.children.last() {
            self.selection.after = Some(last.name.clone());
        }
        self.fetched = page.children.into_iter();
        Ok(())
    }
}

impl Iterator for Children {
    type Item = Result<Child, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == Some(0) {
            return None;
        }
        if self.fetched.len() == 0
            && self.more
            && let Err(failure) = self.refill()
        {
            self.more = false;
            return Some(Err(failure));
        }
        let child = self.fetched.next()?;
        self.left = self.left.map(|left| left - 1);
        Some(Ok(child))
    }
}

impl Child {
    /// Its name: the last subscript of its node.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn into_name(self) -> String {
        self.name
    }

    /// Whether something lies below it.
    #[must_use]
    pub fn has_children(&self) -> bool {
        self.has_children
    }

    /// Its node.
    #[must_use]
    pub fn node(&self) -> Node {
        match &self.parent {
            Some(parent) => parent.at(&self.name),
            None => super::open(&*self.name),
        }
    }

    /// Its value, if it has one. With [`Children::values`] it is here already; else it is read now.
    ///
    /// # Errors
    /// Status 500 if the value does not fit the type.
    pub fn value<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        match &self.value {
            ChildValue::Away => self.node().get(),
            ChildValue::Here(value) => value.as_deref().map(|value| self.node().typed(value)).transpose(),
        }
    }
}

impl Page {
    /// What to give to [`Children::after`] for the next page; none: there is no further one.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.children.last().filter(|_| self.more).map(Child::name)
    }
}
