//! The front door: HTTP in, a plain request to `dispatch`, its response as HTTP out.
//! Headers, bodies and time are bounded here, and every request gets its id here.
//! It never looks into a body.

use super::{Front, files};
use crate::configuration::Limits;
use crate::dispatch::Refused;
use crate::failure::{Failure, NOT_RUN};
use crate::names::RequestId;
use crate::request::{Kind, Request};
use crate::response::Response;
use crate::trace::{self, Trace};
use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// Headers that belong to one connection, not to a request or a response (RFC 9110, 7.6.1): the HTTP library writes them.
const OF_THE_CONNECTION: [&str; 8] =
    ["connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// Answers one REST request that came through the router.
pub(super) async fn answer(
    State(front): State<Arc<Front>>,
    ConnectInfo(address): ConnectInfo<IpAddr>,
    request: axum::extract::Request,
) -> axum::http::Response<Body> {
    answer_client(&front, address, request).await
}

/// Answers one REST request.
pub(super) async fn answer_client<B>(
    front: &Front,
    address: IpAddr,
    request: axum::http::Request<B>,
) -> axum::http::Response<Body>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let id = request_id(&parts.headers);
    let edition = front.dispatch.edition();
    let limits = &edition.configuration.settings.limits;
    let checked = check(limits, &parts);
    if checked.is_ok()
        && files::may_have(&edition, &parts)
        // Boxed: else every request would have the room that reading a file needs.
        && let Some(file) = Box::pin(files::answer(&edition, &parts)).await
    {
        return file;
    }
    let received = match checked {
        Ok(()) => receive_checked(limits, &parts, body, id.clone(), address).await,
        Err(failure) => Err(failure),
    };
    let response = match received {
        Ok(request) => front.dispatch.answer(request).await,
        Err(failure) => {
            let (method, path, trace) = (parts.method.as_str(), parts.uri.path(), trace(&parts.headers));
            let refused = Refused { id: &id, kind: Kind::Rest, method, path, started, trace: &trace };
            front.dispatch.refuse(&refused, &failure);
            Response::from(failure.with_header("x-request-id", id.as_str()))
        }
    };
    reply(response, started)
}

/// The body of a request that is read by another door, within the limits of every request.
pub(super) async fn body(front: &Front, request: axum::extract::Request) -> Result<Bytes, Failure> {
    let (parts, body) = request.into_parts();
    let limits = &front.dispatch.edition().configuration.settings.limits;
    check(limits, &parts)?;
    read_body(limits, &parts, body, Instant::now() + limits.request_time).await
}

/// The client's own id, if it is one; else a new one.
pub(super) fn request_id(headers: &HeaderMap) -> RequestId {
    let given = headers.get("x-request-id").and_then(|given| given.to_str().ok());
    given.and_then(|given| RequestId::new(given).ok()).unwrap_or_else(RequestId::random)
}

pub(super) async fn receive(
    limits: &Limits,
    parts: &Parts,
    body: Body,
    id: RequestId,
    address: IpAddr,
) -> Result<Request, Failure> {
    check(limits, parts)?;
    receive_checked(limits, parts, body, id, address).await
}

async fn receive_checked<B: HttpBody<Data = Bytes, Error: Into<BoxError>>>(
    limits: &Limits,
    parts: &Parts,
    body: B,
    id: RequestId,
    address: IpAddr,
) -> Result<Request, Failure> {
    let deadline = Instant::now() + limits.request_time;
    let body = read_body(limits, parts, body, deadline).await?;
    Ok(Request {
        id,
        kind: Kind::Rest,
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: plain_headers(&parts.headers),
        body,
        client_address: address.to_string(),
        deadline,
        hops: 0,
        parts: None,
        way: Vec::new(),
        token_in_header: false,
        as_member: false,
        trace: trace(&parts.headers),
    })
}

/// What every request has to keep to, whoever answers it.
fn check(limits: &Limits, parts: &Parts) -> Result<(), Failure> {
    check_headers(limits, parts)?;
    check_host(parts)
}

/// The HTTP library's own bound is of its buffer, which may hold more than one header block.
fn check_headers(limits: &Limits, parts: &Parts) -> Result<(), Failure> {
    // Each line has a colon, a blank and its end beside name and value.
    let lines = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let size = lines.sum::<usize>() + parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
    if size > limits.headers {
        return Err(Failure::caller(431, headers_too_large(limits)));
    }
    Ok(())
}

/// A request of HTTP/1.1 names its host once (RFC 9112, 3.2): proxies and hosts must not read two of them differently.
fn check_host(parts: &Parts) -> Result<(), Failure> {
    let count = parts.headers.get_all(header::HOST).iter().count();
    let named = count == 1 || (count == 0 && parts.version < axum::http::Version::HTTP_11);
    named.then_some(()).ok_or_else(|| Failure::caller(400, "A request needs one Host header"))
}

/// The words for headers that are too many or too long.
pub(super) fn headers_too_large(limits: &Limits) -> String {
    format!("The headers are too large: at most {} headers and {} bytes of them", limits.header_count, limits.headers)
}

async fn read_body<B: HttpBody<Data = Bytes, Error: Into<BoxError>>>(
    limits: &Limits,
    parts: &Parts,
    body: B,
    deadline: Instant,
) -> Result<Bytes, Failure> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let most = limits.body;
    let too_large = || Failure::caller(413, format!("The body is too large: at most {most} bytes are allowed"));
    let announced =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > most)) {
        return Err(too_large());
    }
    let read = timeout_at(deadline, Limited::new(body, most).collect()).await;
    match read {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Failure::caller(400, "The body could not be read to its end")),
        Err(_) => Err(Failure::caller(408, "The body did not come in time")),
    }
}

fn plain_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = |name: &str| !OF_THE_CONNECTION.contains(&name) && !trace::is_header(name);
    pairs(headers, kept)
}

/// The client's trace, or a new one.
fn trace(headers: &HeaderMap) -> Trace {
    Trace::take(&mut pairs(headers, trace::is_header)).unwrap_or_else(Trace::begin)
}

fn pairs(headers: &HeaderMap, kept: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let kept = headers.iter().filter(|(name, _)| kept(name.as_str()));
    kept.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// UTF-8 where it is, else Latin-1, which every byte is.
fn text(value: &HeaderValue) -> String {
    std::str::from_utf8(value.as_bytes())
        .map_or_else(|_| value.as_bytes().iter().copied().map(char::from).collect(), str::to_owned)
}

/// The response as HTTP has it.
pub(super) fn reply(response: Response, started: Instant) -> axum::http::Response<Body> {
    let mut http = axum::http::Response::new(Body::from(response.body));
    *http.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &response.headers {
        if OF_THE_CONNECTION.contains(&name.as_str()) || name == NOT_RUN {
            continue;
        }
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                // Its only failure is too many headers, of which a response never has so many.
                let _ = http.headers_mut().try_append(name, value);
            }
            _ => tracing::warn!("a response header that HTTP cannot carry was left out: {name:?}"),
        }
    }
    let milliseconds = started.elapsed().as_millis();
    if let Ok(value) = HeaderValue::from_str(&format!("{milliseconds}ms")) {
        http.headers_mut().insert("x-responsetime", value);
    }
    http
}
