//! A node of a document, and all that can be asked of it.
//! In come values of your types, out go values of your types.
//! It never changes more than the node that was asked, or what lies below it.

use super::transaction::ask;
use super::{Children, Lock, Subscripts};
use crate::bindings::qewd::handler::documents as wire;
use crate::imports::documents as host;
use crate::{Failure, json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::time::Duration;

/// A node: a document's name and subscripts; without subscripts it is the document itself.
///
/// Every call may fail with status 503 or 507 while the store cannot work, and with 400 where a name or a value cannot be
/// stored: an empty subscript, a name of more than 1019 bytes, a value of more than 1 MiB.
#[derive(Clone)]
pub struct Node {
    wire: wire::Node,
}

/// What can be added to a node's number: `i64` or `f64`.
pub trait Amount: Copy + Serialize + DeserializeOwned + sealed::Sealed {}

impl Amount for i64 {}
impl Amount for f64 {}

impl Node {
    pub(super) fn of(document: String, subscripts: Vec<String>) -> Self {
        Self { wire: wire::Node { document, subscripts } }
    }

    pub(super) fn wire(&self) -> &wire::Node {
        &self.wire
    }

    /// A node below this one: one subscript, or several from the top down.
    #[must_use]
    pub fn at(&self, subscripts: impl Subscripts) -> Self {
        let mut node = self.clone();
        subscripts.add_to(&mut node.wire.subscripts);
        node
    }

    /// The name of its document.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.wire.document
    }

    /// Its subscripts, from the top down.
    #[must_use]
    pub fn subscripts(&self) -> &[String] {
        &self.wire.subscripts
    }

    /// Its last subscript; that of a document is the document's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.wire.subscripts.last().unwrap_or(&self.wire.document)
    }

    /// The node above; none: this is a document.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.wire.subscripts.split_last()?;
        Some(Self::of(self.wire.document.clone(), above.to_vec()))
    }

    /// Its value, if it has one: a text, a number, `true`, `false` or `null`.
    ///
    /// # Errors
    /// Status 500 if the value does not fit the type.
    pub fn get<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        let value = ask(|| host::get(&self.wire))?;
        value.map(|value| self.typed(&value)).transpose()
    }

    /// Sets its value, which is no object and no array; its children stay.
    ///
    /// # Errors
    /// Status 500 for an object or an array: [`replace`](Self::replace) stores those.
    pub fn set<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Failure> {
        let value = super::json(value)?;
        if matches!(value.first(), Some(b'{' | b'[')) {
            let words = format!("The value for {self} is an object or an array; store it with `replace`");
            return Err(Failure::new(words).status(500));
        }
        ask(|| host::set(&self.wire, &value))
    }

    /// Adds to its number, which is 0 if it has none, and gives the sum. It needs no transaction to be exact.
    ///
    /// # Errors
    /// Status 400 if its value is no number. Status 500 if the sum is no `i64`, such as 1.5: then it was added all the same.
    pub fn increment<N: Amount>(&self, by: N) -> Result<N, Failure> {
        let by = super::json(&by)?;
        let sum = ask(|| host::increment(&self.wire, &by))?;
        self.typed(&sum)
    }

    /// Deletes it and everything below it. False: there was nothing.
    ///
    /// # Errors
    /// See [`Node`].
    pub fn delete(&self) -> Result<bool, Failure> {
        ask(|| host::delete(&self.wire))
    }

    /// Whether there is something: a value, children, or an empty object or array that was stored here.
    ///
    /// # Errors
    /// See [`Node`].
    pub fn exists(&self) -> Result<bool, Failure> {
        Ok(self.look()?.exists)
    }

    /// Whether it has a value.
    ///
    /// # Errors
    /// See [`Node`].
    pub fn has_value(&self) -> Result<bool, Failure> {
        Ok(self.look()?.value.is_some())
    }

    /// Whether something lies below it.
    ///
    /// # Errors
    /// See [`Node`].
    pub fn has_children(&self) -> Result<bool, Failure> {
        Ok(self.look()?.has_children)
    }

    fn look(&self) -> Result<wire::State, Failure> {
        ask(|| host::look(&self.wire))
    }

    /// The next sibling in order. This node itself need not exist.
    ///
    /// # Errors
    /// See [`Node`].
    pub fn next(&self) -> Result<Option<Self>, Failure> {
        self.sibling(false)
    }

    /// The previous sibling in order. This node itself need not exist.
    ///
    /// # Errors
    /// See [`Node`].
    pub fn previous(&self) -> Result<Option<Self>, Failure> {
        self.sibling(true)
    }

    fn sibling(&self, reverse: bool) -> Result<Option<Self>, Failure> {
        let name = ask(|| host::sibling(&self.wire, reverse))?;
        Ok(name.map(|name| self.parent().map_or_else(|| super::open(&*name), |parent| parent.at(&name))))
    }

    /// Its children, in order.
    pub fn children(&self) -> Children {
        Children::of(Some(self.clone()))
    }

    /// How many children it has.
    ///
    /// # Errors
    /// See [`Node`].
    pub fn count_children(&self) -> Result<u64, Failure> {
        ask(|| host::count(&self.wire, false, u64::MAX))
    }

    /// How many nodes with a value there are below it, itself among them.
    ///
    /// # Errors
    /// See [`Node`].
    pub fn count_values(&self) -> Result<u64, Failure> {
        ask(|| host::count(&self.wire, true, u64::MAX))
    }

    /// The node with everything below it, as a type of yours or as [`serde_json::Value`]. The value of a node that has children,
    /// too, stands under the name `""`.
    ///
    /// # Errors
    /// Status 500 if it does not fit the type; 400 if it has more than 8 MiB.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        let json = ask(|| host::read(&self.wire))?;
        let subject = || format!("What is stored at {self}");
        json.map(|json| json::read(&json, &subject()).map_err(|words| Failure::new(words).status(500))).transpose()
    }

    /// Stores a value of any type here and below: what was there before is gone.
    ///
    /// # Errors
    /// See [`Node`]; status 500 if the value cannot be written as JSON.
    pub fn replace<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Failure> {
        let json = super::json(value)?;
        ask(|| host::replace(&self.wire, &json))
    }

    /// Stores a value of any type over what is there: what it does not name stays. An array takes the place of the one before
    /// as a whole.
    ///
    /// # Errors
    /// As [`replace`](Self::replace).
    pub fn merge<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Failure> {
        let json = super::json(value)?;
        ask(|| host::merge(&self.wire, &json))
    }

    /// Waits for the advisory lock of this node. It excludes locks of the same node, of those above and of those below, and
    /// nothing else. None: somebody else has had it all the time.
    ///
    /// ```
    /// use qewd_sdk::{Failure, documents};
    /// use std::time::Duration;
    ///
    /// fn report() -> Result<(), Failure> {
    ///     let Some(_lock) = documents::open("reports").lock(Duration::from_secs(5))? else {
    ///         return Err(Failure::new("A report is being made").status(503));
    ///     };
    ///     // Nobody else who asks for the lock is here until the function ends.
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// See [`Node`].
    pub fn lock(&self, wait: Duration) -> Result<Option<Lock>, Failure> {
        let milliseconds = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        let taken = ask(|| host::lock(&self.wire, milliseconds))?;
        Ok(taken.then(|| Lock::of(self.clone())))
    }

    pub(super) fn typed<T: DeserializeOwned>(&self, value: &[u8]) -> Result<T, Failure> {
        json::read(value, &format!("The value of {self}")).map_err(|words| Failure::new(words).status(500))
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.wire.document == other.wire.document && self.wire.subscripts == other.wire.subscripts
    }
}

impl Eq for Node {}

/// As people write it: `patients(7, "address")`.
impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.wire.document)?;
        let mut before = "(";
        for subscript in &self.wire.subscripts {
            formatter.write_str(before)?;
            if is_number(subscript) { formatter.write_str(subscript) } else { write!(formatter, "{subscript:?}") }?;
            before = ", ";
        }
        if self.wire.subscripts.is_empty() { Ok(()) } else { formatter.write_str(")") }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Whether a subscript is a number to people; the host alone decides how it sorts.
fn is_number(text: &str) -> bool {
    let amount = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = amount.split_once('.').map_or((amount, None), |(whole, part)| (whole, Some(part)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let short = whole == "0" || !whole.starts_with('0');
    digits(whole) && short && text != "-0" && fraction.is_none_or(|part| digits(part) && !part.ends_with('0'))
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for i64 {}
    impl Sealed for f64 {}
}
