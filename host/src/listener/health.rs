//! Whether the host is alive, and whether it wants requests: what those who send them ask before.
//! In comes nothing; out go one word and a status.
//! It touches no handler and no link, so that an answer costs nothing and never waits.

use super::{Front, upgrade};
use axum::body::Body;
use axum::extract::State;
use axum::http::{self, HeaderValue, StatusCode, header};
use std::sync::Arc;

/// Answers as long as the program runs.
pub(super) const LIVE: &str = "/qewd/health/live";
/// Answers 503 from the moment at which the host is to stop.
pub(super) const READY: &str = "/qewd/health/ready";

pub(super) async fn live() -> http::Response<Body> {
    well("live")
}

pub(super) async fn ready(State(front): State<Arc<Front>>) -> http::Response<Body> {
    if front.drain.is_cancelled() {
        return upgrade::refusal(StatusCode::SERVICE_UNAVAILABLE, "This host is stopping");
    }
    well("ready")
}

fn well(what: &str) -> http::Response<Body> {
    let mut response = http::Response::new(Body::from(serde_json::json!({ what: true }).to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(crate::response::JSON));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
