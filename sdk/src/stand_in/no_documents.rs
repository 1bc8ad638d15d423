//! Takes the place of the host's document store where there is neither a host nor the feature `testing`.
//! In comes any call, out goes the same refusal.
//! It never keeps anything.

use crate::bindings::qewd::handler::documents::{Node, Page, Selection, State, Trouble};

macro_rules! refused {
    ($($name:ident($($type:ty),*) -> $result:ty;)*) => {
        $(pub(crate) fn $name($(_: $type),*) -> Result<$result, Trouble> {
            let words = "There is no document store here; in tests, switch on the feature `testing` of qewd-sdk";
            Err(Trouble::Unavailable((503, words.to_owned())))
        })*
    };
}

refused! {
    names(&Selection) -> Page;
    get(&Node) -> Option<Vec<u8>>;
    look(&Node) -> State;
    children(&Node, &Selection) -> Page;
    sibling(&Node, bool) -> Option<String>;
    count(&Node, bool, u64) -> u64;
    read(&Node) -> Option<Vec<u8>>;
    set(&Node, &[u8]) -> ();
    replace(&Node, &[u8]) -> ();
    merge(&Node, &[u8]) -> ();
    delete(&Node) -> bool;
    increment(&Node, &[u8]) -> Vec<u8>;
    begin() -> ();
    commit() -> ();
    roll_back() -> ();
    lock(&Node, u32) -> bool;
    unlock(&Node) -> bool;
}
