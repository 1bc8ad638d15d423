//! From HTTP to a WebSocket, for both doors: other hosts and clients.
//! In come the headers of an upgrade; out go the answer that accepts it, or one that refuses it in words.
//! It knows nobody's token and reads no message.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{self, HeaderValue, Method, StatusCode, header};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The version of the WebSocket protocol.
const VERSION: &str = "13";

/// The value with which this upgrade is accepted; nothing: it is no upgrade to a WebSocket (RFC 6455, 4.2.1).
pub(super) fn accept_key(request: &Request) -> Option<String> {
    let headers = request.headers();
    let says = |name: header::HeaderName, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|said| said.trim().eq_ignore_ascii_case(word))
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    let wants = says(header::UPGRADE, "websocket") && says(header::CONNECTION, "upgrade");
    let speaks = says(header::SEC_WEBSOCKET_VERSION, VERSION) && request.method() == Method::GET;
    (wants && speaks).then(|| derive_accept_key(key.as_bytes()))
}

/// The answer after which the connection is a WebSocket.
pub(super) fn switching(accept: &str, protocol: Option<&'static str>) -> http::Response<Body> {
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// An answer in words, in place of the upgrade.
pub(super) fn refusal(status: StatusCode, words: &str) -> http::Response<Body> {
    let mut response = http::Response::new(Body::from(serde_json::json!({ "error": words }).to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(crate::response::JSON));
    if status == StatusCode::UPGRADE_REQUIRED {
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    let id = crate::names::RequestId::random();
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert("x-request-id", id);
    }
    response
}
