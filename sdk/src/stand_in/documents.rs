//! Takes the place of the host's document store in native tests: the same model, in memory.
//! In come the calls of handlers, out go what the host would answer.
//! It never waits: a lock that somebody else has is refused at once, because in a test nobody could give it back meanwhile.

use crate::bindings::qewd::handler::documents as wire;
use crate::stand_in;
use qewd_documents::{Connection, Indexes, Locks, Memory, Node, Page, Selection, Store, Trouble};

/// The documents of a thread, and the request that uses them.
pub(crate) struct Documents {
    store: Store,
    connection: Connection,
    locks: Locks,
    /// Who asks: the number of the request.
    who: u64,
    /// Whether the next call finds the open transaction to be over.
    #[cfg(test)]
    overtaken: bool,
}

impl Documents {
    /// Empty ones, with these indexes.
    pub(crate) fn with(indexes: Indexes) -> Result<Self, wire::Trouble> {
        let store = Store::open(Box::new(Memory::default()), indexes)
            .map_err(|failure| wire::Trouble::Unavailable((503, failure.to_string())))?;
        Ok(Self {
            connection: Connection::new(store.clone()),
            store,
            locks: Locks::default(),
            who: 0,
            #[cfg(test)]
            overtaken: false,
        })
    }

    /// Another request begins; the one before is kept in its connection.
    fn enter(&mut self) -> Connection {
        self.who += 1;
        std::mem::replace(&mut self.connection, Connection::new(self.store.clone()))
    }

    /// That request ends, and the one before goes on.
    fn leave(&mut self, before: Connection) {
        self.locks.end(self.who);
        self.who -= 1;
        self.connection = before;
    }
}

/// Does something as another request would, in the midst of this one.
pub(crate) fn apart<T>(work: impl FnOnce() -> T) -> T {
    let before = with(|documents| Ok(documents.enter()));
    let done = work();
    if let Ok(before) = before {
        // Nobody waits for the result, and the store was there a moment ago.
        let _ = with(|documents| {
            documents.leave(before);
            Ok(())
        });
    }
    done
}

fn with<T>(work: impl FnOnce(&mut Documents) -> Result<T, Trouble>) -> Result<T, wire::Trouble> {
    stand_in::with(|state| {
        if state.documents.is_none() {
            state.documents = Some(Documents::with(Indexes::default())?);
        }
        let absent = || wire::Trouble::Unavailable((503, "there is no document store".to_owned()));
        work(state.documents.as_mut().ok_or_else(absent)?).map_err(trouble)
    })
}

fn connected<T>(work: impl FnOnce(&mut Connection) -> Result<T, Trouble>) -> Result<T, wire::Trouble> {
    with(|documents| {
        #[cfg(test)]
        if std::mem::take(&mut documents.overtaken) {
            documents.connection.roll_back()?;
            return Err(Trouble::Conflict);
        }
        work(&mut documents.connection)
    })
}

/// The next call finds that so much was written meanwhile that the transaction's past is lost.
#[cfg(test)]
pub(crate) fn overtake() {
    let _ = with(|documents| {
        documents.overtaken = true;
        Ok(())
    });
}

fn trouble(trouble: Trouble) -> wire::Trouble {
    match trouble {
        Trouble::Conflict => wire::Trouble::Conflict,
        Trouble::Refused(words) => wire::Trouble::Refused(words),
        Trouble::Engine(failure) => wire::Trouble::Unavailable((if failure.full { 507 } else { 503 }, failure.words)),
    }
}

fn node(at: &wire::Node) -> Node {
    Node::new(at.document.clone(), at.subscripts.iter().cloned())
}

fn selection(wanted: &wire::Selection) -> Selection {
    let wire::Selection { from, to, prefix, after, reverse, limit, values } = wanted.clone();
    Selection { from, to, prefix, after, reverse, limit: limit.try_into().unwrap_or(usize::MAX), values }
}

fn page(page: Page) -> wire::Page {
    let child = |child: qewd_documents::Child| wire::Child {
        name: child.name,
        value: child.value,
        has_children: child.has_children,
    };
    wire::Page { children: page.children.into_iter().map(child).collect(), more: page.more }
}

pub(crate) fn names(wanted: &wire::Selection) -> Result<wire::Page, wire::Trouble> {
    connected(|connection| connection.children(None, &selection(wanted)).map(page))
}

pub(crate) fn get(at: &wire::Node) -> Result<Option<Vec<u8>>, wire::Trouble> {
    connected(|connection| connection.get(&node(at)))
}

pub(crate) fn look(at: &wire::Node) -> Result<wire::State, wire::Trouble> {
    let state = connected(|connection| connection.look(&node(at)))?;
    Ok(wire::State { value: state.value, has_children: state.has_children, exists: state.exists })
}

pub(crate) fn children(at: &wire::Node, wanted: &wire::Selection) -> Result<wire::Page, wire::Trouble> {
    connected(|connection| connection.children(Some(&node(at)), &selection(wanted)).map(page))
}

pub(crate) fn sibling(at: &wire::Node, reverse: bool) -> Result<Option<String>, wire::Trouble> {
    connected(|connection| connection.sibling(&node(at), reverse))
}

pub(crate) fn count(at: &wire::Node, deep: bool, most: u64) -> Result<u64, wire::Trouble> {
    connected(|connection| connection.count(&node(at), deep, most))
}

pub(crate) fn read(at: &wire::Node) -> Result<Option<Vec<u8>>, wire::Trouble> {
    connected(|connection| connection.read(&node(at)))
}

pub(crate) fn set(at: &wire::Node, value: &[u8]) -> Result<(), wire::Trouble> {
    connected(|connection| connection.set(&node(at), value))
}

pub(crate) fn replace(at: &wire::Node, json: &[u8]) -> Result<(), wire::Trouble> {
    connected(|connection| connection.replace(&node(at), json))
}

pub(crate) fn merge(at: &wire::Node, json: &[u8]) -> Result<(), wire::Trouble> {
    connected(|connection| connection.merge(&node(at), json))
}

pub(crate) fn delete(at: &wire::Node) -> Result<bool, wire::Trouble> {
    connected(|connection| connection.delete(&node(at)))
}

pub(crate) fn increment(at: &wire::Node, by: &[u8]) -> Result<Vec<u8>, wire::Trouble> {
    connected(|connection| connection.increment(&node(at), by))
}

pub(crate) fn begin() -> Result<(), wire::Trouble> {
    connected(Connection::begin)
}

pub(crate) fn commit() -> Result<(), wire::Trouble> {
    connected(Connection::commit)
}

pub(crate) fn roll_back() -> Result<(), wire::Trouble> {
    connected(Connection::roll_back)
}

pub(crate) fn lock(at: &wire::Node, _milliseconds: u32) -> Result<bool, wire::Trouble> {
    with(|documents| documents.locks.take(documents.who, &node(at)))
}

pub(crate) fn unlock(at: &wire::Node) -> Result<bool, wire::Trouble> {
    with(|documents| documents.locks.give_back(documents.who, &node(at)))
}
