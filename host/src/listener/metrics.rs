//! The door of the metrics.
//! In come requests for `/metrics`; out go the numbers of the host, or the application's own answer if it has this path.
//! It counts nothing, and knows no number.

use super::upgrade::refusal;
use super::{Front, files, health};
use crate::dispatch::Dispatch;
use crate::request::Kind;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{self, Method, StatusCode};
use axum::response::IntoResponse as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;

/// Where Prometheus looks by itself.
pub(super) const PATH: &str = "/metrics";

/// The numbers.
pub(super) async fn answer(State(front): State<Arc<Front>>) -> http::Response<Body> {
    match crate::metrics::text(&front.health, &front.presence) {
        Ok(text) => health::kept_by_nobody(StatusCode::OK, crate::metrics::MEDIA_TYPE, text),
        Err(words) => {
            tracing::error!("the metrics cannot be told: {words}; report this");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "The metrics cannot be told; look at the log")
        }
    }
}

/// The numbers, unless the application has this path itself: a route that takes it, or a file of this name.
pub(super) async fn answer_after(
    State(front): State<Arc<Front>>,
    request: Request,
    others: TowerToHyperService<Router>,
) -> http::Response<Body> {
    let (parts, body) = request.into_parts();
    let is_ours = matches!(parts.method, Method::GET | Method::HEAD) && !has_route(&front.dispatch, &parts);
    if is_ours && files::answer(&front.dispatch.edition(), &parts).await.is_none() {
        return answer(State(front)).await;
    }
    // A router always answers.
    others.call(Request::from_parts(parts, body)).await.into_response()
}

/// Also a route with another method: the path is then the application's, and it says what is allowed there.
fn has_route(dispatch: &Dispatch, parts: &http::request::Parts) -> bool {
    dispatch.glance().table.knows(Kind::Rest, parts.uri.path())
}
