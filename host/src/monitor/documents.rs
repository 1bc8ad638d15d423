//! The documents as the monitor shows and changes them: a node with a page of its children, a subtree, one value.
//! In come the query and the body of a request, out goes the answer; a change is logged with its caller once it is on the disk.
//! It never understands a value: numbers of any length go in and out as they are written.

mod page;
mod query;

use crate::failure::Failure;
use crate::handler::words_of;
use crate::logging::one_line;
use crate::response::{JSON, Response};
use crate::store::{Documents, RequestDocuments};
use page::Shown;
use qewd_documents::{EngineFailure, Node, Trouble, scalar};
use query::{Query, no_more_than_a_path};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::net::IpAddr;
use std::sync::Arc;

/// Nodes with a value of a subtree that is shown as JSON, 100 000: some ten MiB of memory while it is made, and more than
/// anybody reads.
const MOST_NODES: u64 = 100_000;

/// The body of a change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
}

/// A node with a page of its children; the documents themselves, where the query names no node.
///
/// # Errors
/// A [`Failure`] in words for the caller.
pub(super) async fn page(documents: &Arc<Documents>, query: &str) -> Result<Response, Failure> {
    let query = Query::read(query)?;
    let mut request = documents.request();
    let text = request.on_a_thread(move |connection| Shown::read(connection, &query).map(|shown| shown.to_json()));
    let text = text.await.map_err(failed)?;
    settle(&request).await?;
    Ok(answer(text.map_err(|error| damaged(&error))?))
}

/// A subtree as JSON.
///
/// # Errors
/// 404 where nothing is, 422 where it is too large; a [`Failure`] in words for the caller.
pub(super) async fn json(documents: &Arc<Documents>, query: &str) -> Result<Response, Failure> {
    let at = node(query)?;
    let mut request = documents.request();
    let found = request.on_a_thread(move |connection| {
        if connection.count(&at, true, MOST_NODES)? > MOST_NODES {
            return Ok(Err(format!("this has more than {MOST_NODES} values; look at a part of it")));
        }
        // The path was good a moment ago, so what is refused now is the size.
        match connection.read(&at) {
            Err(Trouble::Refused(words)) => Ok(Err(words)),
            read => read.map(Ok),
        }
    });
    let found = found.await.map_err(failed)?.map_err(|words| Failure::caller(422, words))?;
    settle(&request).await?;
    found.map(answer).ok_or_else(nothing)
}

/// Sets the value of a node: what lies below it stays.
///
/// # Errors
/// A [`Failure`] in words for the caller.
pub(super) async fn put(
    documents: &Arc<Documents>,
    query: &str,
    body: &[u8],
    address: IpAddr,
) -> Result<Response, Failure> {
    let at = node(query)?;
    let value = value(body)?;
    let mut request = documents.request();
    whole(async move {
        request.connection().and_then(|connection| connection.set(&at, &value)).map_err(failed)?;
        settle(&request).await?;
        tracing::info!("monitor: {address} changed {}", one_line(&at.to_string()));
        Ok(done())
    })
    .await
}

/// Deletes a node and all below it.
///
/// # Errors
/// 404 where nothing is; a [`Failure`] in words for the caller.
pub(super) async fn delete(documents: &Arc<Documents>, query: &str, address: IpAddr) -> Result<Response, Failure> {
    let at = node(query)?;
    let mut request = documents.request();
    whole(async move {
        let delete = qewd_documents::Connection::delete;
        if !request.with_subtree(at.clone(), delete).await.map_err(failed)? {
            return Err(nothing());
        }
        settle(&request).await?;
        tracing::info!("monitor: {address} deleted {} and what lay below", one_line(&at.to_string()));
        Ok(done())
    })
    .await
}

/// Brings a change to its end and into the log, even if its caller goes away meanwhile.
async fn whole(change: impl Future<Output = Result<Response, Failure>> + Send + 'static) -> Result<Response, Failure> {
    let changed = tokio::spawn(change).await;
    changed.unwrap_or_else(|ended| Err(Failure::system(500, "The change was given up", ended.to_string())))
}

/// The one node that a query names.
fn node(query: &str) -> Result<Node, Failure> {
    let query = no_more_than_a_path(query)?;
    query.ok_or_else(|| Failure::caller(400, "Name a document: ?path=[\"name\"], percent-encoded"))
}

/// The value in a body, in the form in which it is kept.
fn value(body: &[u8]) -> Result<Vec<u8>, Failure> {
    let change: Change<'_> = serde_json::from_slice(body)
        .map_err(|error| Failure::caller(400, format!("Send {{\"value\": …}} as JSON: {error}")))?;
    let text = change.value.get();
    if text.starts_with(['{', '[']) {
        let words = "A node's value is a text, a number, true, false or null; objects and arrays are nodes below it";
        return Err(Failure::caller(400, words));
    }
    scalar(text.as_bytes()).map_err(failed)
}

async fn settle(request: &RequestDocuments) -> Result<(), Failure> {
    request.settle().await.map_err(|failure| unable(&failure))
}

fn failed(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Refused(words) => Failure::caller(400, words),
        Trouble::Conflict => Failure::system(503, "Others changed this meanwhile; try again", trouble.to_string()),
        Trouble::Engine(failure) => unable(&failure),
    }
}

fn unable(failure: &EngineFailure) -> Failure {
    let (status, words) = words_of(failure);
    Failure::system(status, words, failure.to_string())
}

fn damaged(error: &serde_json::Error) -> Failure {
    Failure::system(500, "A value here is damaged; see `qewd documents check`", error.to_string())
}

fn nothing() -> Failure {
    Failure::caller(404, "There is nothing")
}

fn done() -> Response {
    answer(b"{\"ok\":true}".to_vec())
}

fn answer(body: Vec<u8>) -> Response {
    Response { status: 200, headers: vec![("content-type".to_owned(), JSON.to_owned())], body: body.into() }
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod documents_tests;
