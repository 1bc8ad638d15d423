//! What a request about documents asks for, as its query says it.
//! In comes the query as it was sent; out go a node and a page of its children, or words about what is wrong.
//! It never guesses: what it does not know, or cannot be read, is refused.

use crate::failure::Failure;
use percent_encoding::percent_decode_str;
use qewd_documents::{Node, PAGE, Selection};

/// Children of a page unless the query says another number, 100: a screen or two.
const USUAL_LIMIT: usize = 100;

/// A page that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Whose children; none: the documents.
    pub(super) at: Option<Node>,
    /// Which of them. Where it goes backwards, the page is to be turned round.
    pub(super) selection: Selection,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// 400 in words.
    pub(super) fn read(query: &str) -> Result<Self, Failure> {
        let mut at = None;
        let mut before = None;
        let mut selection = Selection { limit: USUAL_LIMIT, values: true, ..Selection::default() };
        for (name, value) in parameters(query)? {
            match name.as_str() {
                "path" => at = path(&value)?,
                "after" => selection.after = named(&name, value)?,
                "before" => before = named(&name, value)?,
                "from" => selection.from = named(&name, value)?,
                "prefix" => selection.prefix = Some(value),
                "limit" => selection.limit = limit(&value)?,
                _ => return Err(unknown(&name, "path, after, before, prefix, from, limit")),
            }
        }
        let places = [&selection.after, &selection.from, &before];
        if places.into_iter().flatten().count() > 1 {
            return Err(refused("\"after\", \"before\" and \"from\" exclude each other; use one of them"));
        }
        if before.is_some() {
            selection = Selection { after: before, reverse: true, ..selection };
        }
        Ok(Self { at, selection })
    }
}

/// The node of a query that has nothing but a path.
///
/// # Errors
/// 400 in words.
pub(super) fn no_more_than_a_path(query: &str) -> Result<Option<Node>, Failure> {
    let mut at = None;
    for (name, value) in parameters(query)? {
        match name.as_str() {
            "path" => at = path(&value)?,
            _ => return Err(unknown(&name, "path")),
        }
    }
    Ok(at)
}

/// The parameters, each once.
fn parameters(query: &str) -> Result<Vec<(String, String)>, Failure> {
    // The reader of forms would put another character into the place of what is no text, and so name another node.
    if percent_decode_str(query).decode_utf8().is_err() {
        return Err(refused("the query is no UTF-8; percent-encode it"));
    }
    let mut known: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if known.iter().any(|(other, _)| *other == name) {
            return Err(refused(format!("{name:?} stands twice in the query")));
        }
        known.push((name.into_owned(), value.into_owned()));
    }
    Ok(known)
}

fn path(text: &str) -> Result<Option<Node>, Failure> {
    let names: Vec<String> = serde_json::from_str(text).map_err(|error| {
        refused(format!("\"path\" is a JSON list of texts, such as [\"patients\",\"7\"], percent-encoded: {error}"))
    })?;
    let mut names = names.into_iter();
    Ok(names.next().map(|document| Node { document, subscripts: names.collect() }))
}

fn named(parameter: &str, value: String) -> Result<Option<String>, Failure> {
    if value.is_empty() {
        return Err(refused(format!("{parameter:?} is empty; no node has such a name")));
    }
    Ok(Some(value))
}

fn limit(value: &str) -> Result<usize, Failure> {
    let limit = value.parse().ok().filter(|limit| (1..=PAGE).contains(limit));
    limit.ok_or_else(|| refused(format!("\"limit\" must be a whole number from 1 to {PAGE}")))
}

fn unknown(name: &str, known: &str) -> Failure {
    refused(format!("unknown parameter {name:?}; known ones: {known}"))
}

fn refused(words: impl Into<String>) -> Failure {
    Failure::caller(400, words.into())
}
