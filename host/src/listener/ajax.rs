//! Clients' messages over HTTP: `POST /ajax`.
//! In comes a message as a body; out goes the bare message of its answer, or `{"error": …}` with a status.
//! It never sends intermediate messages: such a client waits for the answer alone.

use super::envelope::{Answer, BadMessage, ERROR, Incoming};
use super::messages::{self, Message, Said};
use super::refusals::{Refusal, Sender, refuse, refuse_as};
use super::{Front, rest};
use crate::message::Part;
use crate::response::{JSON, Response};
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http;
use bytes::Bytes;
use std::future::Ready;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::Instant;

/// No intermediate messages.
const NO_PARTS: Option<fn(Part) -> Ready<()>> = None;

/// Answers one message.
pub(super) async fn answer(
    State(front): State<Arc<Front>>,
    ConnectInfo(address): ConnectInfo<IpAddr>,
    request: axum::extract::Request,
) -> http::Response<Body> {
    let started = Instant::now();
    let response = match rest::body(&front, request).await {
        Ok(text) => said(&front, text, address).await,
        Err(failure) => {
            let id = refuse_as(&front, unread(address), &failure);
            failure.with_header("x-request-id", id.as_str()).into()
        }
    };
    rest::reply(response, started)
}

async fn said(front: &Front, text: Bytes, address: IpAddr) -> Response {
    let Said { answer, .. } = match Incoming::read(&text) {
        Ok(incoming) => {
            let message = Message { incoming, text, address, socket_id: String::new() };
            messages::answer(front, message, NO_PARTS).await
        }
        Err(BadMessage { words, .. }) => refuse(front, unread(address), &Refusal::new(400, words), "").into(),
    };
    answer.into()
}

/// Who sent what is no message.
fn unread(address: IpAddr) -> Sender<'static> {
    Sender { socket_id: "", address, kind: ERROR }
}

impl From<Answer> for Response {
    /// What was not understood or not let in has status 400, as clients of `/ajax` know it.
    fn from(answer: Answer) -> Self {
        let status = match answer.status {
            None => 200,
            Some(401 | 404) => 400,
            Some(status) => status,
        };
        let mut headers = vec![("content-type".to_owned(), JSON.to_owned())];
        headers.extend(answer.headers());
        Self { status, headers, body: answer.message }
    }
}
