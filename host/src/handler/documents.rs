//! What a handler reads and writes in the document store.
//! In come calls from wasm, out go what the store answers, and troubles with words.
//! It decides nothing about documents: it only hands over, and knows which calls may take their time.

use super::bindings::qewd::handler::documents as wire;
use super::instance::State;
use crate::store::RequestDocuments;
use qewd_documents::{Child, EngineFailure, Node, Page, Selection, Trouble};
use std::time::Duration;

/// The status where the disk has no room, 507: HTTP's own.
const NO_ROOM: u16 = 507;
/// The status where the store cannot serve.
const UNAVAILABLE: u16 = 503;

type Answer<T> = Result<T, wire::Trouble>;

impl wire::Host for State {
    fn names(&mut self, selection: wire::Selection) -> Answer<wire::Page> {
        self.documents()?.connection()?.children(None, &selection.into()).map(page).map_err(trouble)
    }

    fn get(&mut self, at: wire::Node) -> Answer<Option<Vec<u8>>> {
        Ok(self.documents()?.connection()?.get(&node(at))?)
    }

    fn look(&mut self, at: wire::Node) -> Answer<wire::State> {
        let state = self.documents()?.connection()?.look(&node(at))?;
        Ok(wire::State { value: state.value, has_children: state.has_children, exists: state.exists })
    }

    fn children(&mut self, at: wire::Node, selection: wire::Selection) -> Answer<wire::Page> {
        Ok(page(self.documents()?.connection()?.children(Some(&node(at)), &selection.into())?))
    }

    fn sibling(&mut self, at: wire::Node, reverse: bool) -> Answer<Option<String>> {
        Ok(self.documents()?.connection()?.sibling(&node(at), reverse)?)
    }

    async fn count(&mut self, at: wire::Node, deep: bool, most: u64) -> Answer<u64> {
        let count = move |connection: &mut qewd_documents::Connection, at: &Node| connection.count(at, deep, most);
        Ok(self.documents()?.with_subtree(node(at), count).await?)
    }

    async fn read(&mut self, at: wire::Node) -> Answer<Option<Vec<u8>>> {
        Ok(self.documents()?.with_subtree(node(at), qewd_documents::Connection::read).await?)
    }

    fn set(&mut self, at: wire::Node, value: Vec<u8>) -> Answer<()> {
        Ok(self.documents()?.connection()?.set(&node(at), &value)?)
    }

    async fn replace(&mut self, at: wire::Node, json: Vec<u8>) -> Answer<()> {
        Ok(self.documents()?.with_json(node(at), json, qewd_documents::Connection::replace).await?)
    }

    async fn merge(&mut self, at: wire::Node, json: Vec<u8>) -> Answer<()> {
        Ok(self.documents()?.with_json(node(at), json, qewd_documents::Connection::merge).await?)
    }

    async fn delete(&mut self, at: wire::Node) -> Answer<bool> {
        Ok(self.documents()?.with_subtree(node(at), qewd_documents::Connection::delete).await?)
    }

    fn increment(&mut self, at: wire::Node, by: Vec<u8>) -> Answer<Vec<u8>> {
        Ok(self.documents()?.connection()?.increment(&node(at), &by)?)
    }

    async fn begin(&mut self) -> Answer<()> {
        Ok(self.documents()?.begin().await?)
    }

    async fn commit(&mut self) -> Answer<()> {
        Ok(self.documents()?.commit().await?)
    }

    fn roll_back(&mut self) -> Answer<()> {
        Ok(self.documents()?.roll_back()?)
    }

    async fn lock(&mut self, at: wire::Node, milliseconds: u32) -> Answer<bool> {
        Ok(self.documents()?.lock(&node(at), Duration::from_millis(milliseconds.into())).await?)
    }

    fn unlock(&mut self, at: wire::Node) -> Answer<bool> {
        Ok(self.documents()?.unlock(&node(at))?)
    }
}

impl State {
    /// What this request holds of the store; most requests never ask.
    fn documents(&mut self) -> Answer<&mut RequestDocuments> {
        if self.asker.is_none() {
            let words = "Documents can be used only while a request is handled".to_owned();
            return Err(wire::Trouble::Refused(words));
        }
        Ok(self.documents.get_or_insert_with(|| self.shared.documents.request()))
    }

    /// Returns when everything that this request has written is on the disk.
    pub(super) async fn settle(&mut self) -> Result<(), EngineFailure> {
        match &self.documents {
            Some(documents) => documents.settle().await,
            None => Ok(()),
        }
    }
}

/// The status and the words for a caller whose request needs what the store cannot do.
#[must_use]
pub fn words_of(failure: &EngineFailure) -> (u16, String) {
    if failure.full {
        (NO_ROOM, "The document store has no room; tell the operator".to_owned())
    } else {
        (UNAVAILABLE, "The document store cannot serve now; tell the operator".to_owned())
    }
}

impl From<Trouble> for wire::Trouble {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Conflict => Self::Conflict,
            Trouble::Refused(words) => Self::Refused(words),
            Trouble::Engine(failure) => {
                tracing::error!("the document store: {failure}");
                Self::Unavailable(words_of(&failure))
            }
        }
    }
}

fn trouble(trouble: Trouble) -> wire::Trouble {
    trouble.into()
}

fn node(at: wire::Node) -> Node {
    Node { document: at.document, subscripts: at.subscripts }
}

impl From<wire::Selection> for Selection {
    fn from(selection: wire::Selection) -> Self {
        let wire::Selection { from, to, prefix, after, reverse, limit, values } = selection;
        Self { from, to, prefix, after, reverse, limit: usize::try_from(limit).unwrap_or(usize::MAX), values }
    }
}

fn page(page: Page) -> wire::Page {
    let child = |child: Child| wire::Child { name: child.name, value: child.value, has_children: child.has_children };
    wire::Page { children: page.children.into_iter().map(child).collect(), more: page.more }
}
