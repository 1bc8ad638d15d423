//! Whether the host is alive, and whether it wants requests: what those who send them ask before.
//! In comes nothing; out go a report in JSON and a status.
//! It touches no handler and no link, so that an answer costs little and never waits.

use super::Front;
use axum::body::Body;
use axum::extract::State;
use axum::http::{self, HeaderValue, StatusCode, header};
use std::sync::Arc;

/// Answers as long as the program runs.
pub const LIVE: &str = "/qewd/health/live";
/// Answers 503 while the host wants no requests.
pub const READY: &str = "/qewd/health/ready";

pub(super) async fn live() -> http::Response<Body> {
    told(StatusCode::OK, &serde_json::json!({"live": true}))
}

pub(super) async fn ready(State(front): State<Arc<Front>>) -> http::Response<Body> {
    let report = front.health.report();
    let status = if report.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = told(status, &report.to_json());
    if !report.is_ready() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn told(status: StatusCode, what: &serde_json::Value) -> http::Response<Body> {
    kept_by_nobody(status, crate::response::JSON, what.to_string())
}

/// An answer that is true for a moment only.
pub(super) fn kept_by_nobody(status: StatusCode, media_type: &'static str, text: String) -> http::Response<Body> {
    let mut response = http::Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
