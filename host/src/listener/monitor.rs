//! The door of the monitor: HTTP in, a plain request to `monitor`, its answer as HTTP out.
//! In come requests below `/qewd-monitor`; out go answers, and streams as they come.
//! It decides nothing about them; where the monitor is switched off, they are requests like all others.

use super::{Front, ports, rest};
use crate::configuration::Limits;
use crate::monitor::Answer;
use crate::names::RequestId;
use crate::response::Response;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{self, HeaderName, HeaderValue, header};
use futures_util::StreamExt as _;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::Instant;

/// Bytes of a body, 2 MiB: a value of a document has one at most, and JSON may write it longer.
const BODY_BYTES: usize = 2 * qewd_documents::VALUE_BYTES;

/// On the host's one port.
pub(super) async fn answer(
    State(front): State<Arc<Front>>,
    connection: ConnectInfo<IpAddr>,
    request: axum::extract::Request,
) -> http::Response<Body> {
    if front.dispatch.edition().configuration.settings.monitor {
        shown(front, connection, request).await
    } else {
        rest::answer(State(front), connection, request).await
    }
}

/// On the port for operators, which has nothing else.
pub(super) async fn answer_operators(
    State(front): State<Arc<Front>>,
    connection: ConnectInfo<IpAddr>,
    request: axum::extract::Request,
) -> http::Response<Body> {
    if front.dispatch.edition().configuration.settings.monitor {
        shown(front, connection, request).await
    } else {
        ports::nothing().await
    }
}

async fn shown(
    front: Arc<Front>,
    connection: ConnectInfo<IpAddr>,
    request: axum::extract::Request,
) -> http::Response<Body> {
    let started = Instant::now();
    let edition = front.dispatch.edition();
    let settings = &edition.configuration.settings;
    let is_secure = front.tls.served().is_some();
    let (parts, body) = request.into_parts();
    let id = rest::request_id(&parts.headers);
    // An operator can sign in and change documents, however little config.json lets clients send.
    let limits = Limits { body: BODY_BYTES, ..settings.limits.clone() };
    let answered = match rest::receive(&limits, &parts, body, id.clone(), connection.0).await {
        Ok(request) => front.monitor.answer(request, is_secure).await,
        Err(failure) => Answer::Whole(failure.into()),
    };
    match answered {
        Answer::Whole(response) => whole(response, &id, started),
        Answer::Stream(events) => {
            let mut response = http::Response::new(Body::from_stream(events.map(Ok::<_, Infallible>)));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            // Else a proxy would keep events back until it has many.
            headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
            response
        }
    }
}

fn whole(mut response: Response, id: &RequestId, started: Instant) -> http::Response<Body> {
    response.headers.push(("x-request-id".to_owned(), id.to_string()));
    rest::reply(response, started)
}
