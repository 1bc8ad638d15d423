//! What the ports of a host serve: everything on one, or the application on one and what operators need on the other.
//! In come a front and what of it a port serves; out goes the router of the port.
//! Each path is here once: the two ports differ only in which of them they have.

use super::upgrade::refusal;
use super::{Front, ajax, clients, health, hosts, metrics, monitor, rest};
use crate::configuration::Cors;
use crate::message::{AJAX_PATH, SOCKET_PATH};
use crate::request::MONITOR_PATH;
use axum::Router;
use axum::body::Body;
use axum::http::{self, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::routing::{MethodRouter, any, get, post};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Connections of the port for operators, 128: the monitor has 64 streams at most, and probes and Prometheus need a few.
pub(super) const OPERATORS: usize = 128;
/// How long a client may take there for the head of its next request, with the time before it, 10 s: few connections must not stay
/// with those who say nothing.
pub(super) const HEADER_TIME: Duration = Duration::from_secs(10);
/// The monitor as a folder, and everything below it: for the router two things, and neither is the monitor's own path.
const MONITOR_FOLDER: &str = "/qewd-monitor/";
const MONITOR_FILES: &str = "/qewd-monitor/{*path}";

/// What a port serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// All there is: the host has one port.
    Everything,
    /// What clients and other hosts need.
    Application,
    /// Health, metrics and the monitor.
    Operators,
}

/// A port that was taken.
pub struct Port {
    /// Where connections come in.
    pub socket: TcpListener,
    /// What they are served.
    pub serves: Serves,
    /// Says when it is to stop.
    pub stop: CancellationToken,
    /// Counts its connections.
    pub live: TaskTracker,
}

pub(super) fn router(front: &Arc<Front>, serves: Serves, allowed: &Cors) -> TowerToHyperService<Router> {
    let all = match serves {
        Serves::Everything => {
            // Where the application has this path, it is answered as if the host had none of this name.
            let others = TowerToHyperService::new(application(allowed).with_state(Arc::clone(front)));
            let numbers = any(move |state, request| metrics::answer_after(state, request, others));
            for_operators(application(allowed), any(monitor::answer)).route(metrics::PATH, numbers)
        }
        Serves::Application => application(allowed),
        Serves::Operators => for_operators(Router::new().fallback(nothing), any(monitor::answer_operators))
            .route(metrics::PATH, only_get(get(metrics::answer))),
    };
    TowerToHyperService::new(all.with_state(Arc::clone(front)))
}

fn application(allowed: &Cors) -> Router<Arc<Front>> {
    let rest = Router::new().fallback(rest::answer).route(AJAX_PATH, post(ajax::answer).fallback(rest::answer));
    let rest = match cors(allowed) {
        Some(cors) => rest.layer(cors),
        None => rest,
    };
    rest.route(crate::link::PATH, any(hosts::upgrade)).route(SOCKET_PATH, any(clients::upgrade))
}

fn for_operators(others: Router<Arc<Front>>, monitor: MethodRouter<Arc<Front>>) -> Router<Arc<Front>> {
    others
        .route(MONITOR_PATH, monitor.clone())
        .route(MONITOR_FOLDER, monitor.clone())
        .route(MONITOR_FILES, monitor)
        .route(health::LIVE, only_get(get(health::live)))
        .route(health::READY, only_get(get(health::ready)))
}

fn only_get(route: MethodRouter<Arc<Front>>) -> MethodRouter<Arc<Front>> {
    route.fallback(async || {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD are allowed here");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        response
    })
}

/// What the port for operators says of every other path.
pub(super) async fn nothing() -> http::Response<Body> {
    refusal(
        StatusCode::NOT_FOUND,
        "This port has /qewd/health/live, /qewd/health/ready, /metrics and /qewd-monitor only",
    )
}

/// What browsers want for pages of other sites.
pub(super) fn cors(cors: &Cors) -> Option<CorsLayer> {
    let origins = match cors {
        Cors::Off => return None,
        Cors::Any => AllowOrigin::any(),
        Cors::Origins(origins) => {
            AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
        }
    };
    let methods =
        [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::POST, Method::OPTIONS];
    let headers = ["content-type", "authorization", "x-requested-with", "x-request-id", "if-modified-since"];
    Some(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(methods)
            .allow_headers(headers.map(HeaderName::from_static))
            .expose_headers(["x-request-id", "qewd-token", "qewd-version"].map(HeaderName::from_static)),
    )
}
