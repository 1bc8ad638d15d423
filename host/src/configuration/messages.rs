//! Routes for messages of WebSocket clients, as routes.json has them.
//! In come a route with "application" and "type"; out goes the path that stands for such messages in the route table.
//! No message is read here.

use super::block::Block;
use super::uri::Part;
use crate::names::{
    MESSAGE_APPLICATION_RULE, MESSAGE_TYPE_RULE, is_control_type, is_message_application, is_message_type,
};
use crate::request::{encode_segment, message_path};

/// The type that stands for every type of its application.
const EVERY_TYPE: &str = "*";
/// The variable that holds the type where a route takes every one.
const TYPE_VARIABLE: &str = "type";
/// Keys that only routes for requests have.
const OF_REQUESTS: [(&str, &str); 3] = [
    ("uri", "write one route for requests and one for messages"),
    ("method", "messages have none: remove the key"),
    ("example", "`qewd dev` shows requests only: remove the key"),
];

/// Whether an entry is about messages: it names what only messages have.
pub(super) fn is_for_messages(block: &Block<'_, '_>) -> bool {
    block.get("application").is_some() || block.get("type").is_some()
}

/// The path of the messages, as text and in parts.
pub(super) fn read(block: &mut Block<'_, '_>) -> Option<(String, Vec<Part>)> {
    for (key, mend) in OF_REQUESTS {
        if block.get(key).is_some() {
            block.error(key, format!("a route for messages has no {key:?}"), mend);
        }
    }
    let application = text(block, "application", is_message_application, MESSAGE_APPLICATION_RULE);
    let kind = text(block, "type", is_message_type, MESSAGE_TYPE_RULE);
    let (application, kind) = application.zip(kind)?;
    if kind == EVERY_TYPE {
        let literal = format!("/{}/", encode_segment(application));
        return Some((format!("{literal}*"), vec![Part::Literal(literal), Part::One(TYPE_VARIABLE.to_owned())]));
    }
    if is_control_type(kind) {
        let what = format!("messages of type {kind:?} belong to the connection itself");
        block.error("type", what, "give the type another name");
        return None;
    }
    let path = message_path(application, kind);
    Some((path.clone(), vec![Part::Literal(path)]))
}

fn text<'n>(block: &mut Block<'n, '_>, key: &str, is_good: fn(&str) -> bool, rule: &'static str) -> Option<&'n str> {
    if block.get(key).is_none() {
        block.error(key, format!("this route for messages has no {key:?}"), format!("add {key:?}: \"…\""));
    }
    let text = block.text(key)?;
    if !is_good(text) {
        let shown: String = text.chars().take(80).collect();
        block.error(key, format!("{key:?} is {shown:?}"), rule);
        return None;
    }
    Some(text)
}
