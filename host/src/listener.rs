//! The host's one port.
//! In come connections; out go requests to `dispatch` and its responses, as HTTP or over another host's link.
//! It decides nothing about a request but whether it is one, and keeps every connection within its limits.

mod wire;
mod rest;
mod hosts;

pub use hosts::Door;

use crate::access::Access;
use crate::configuration::{Cors, Limits};
use crate::dispatch::Dispatch;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, Method};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long accepting pauses when the system has no more sockets: closing connections give some back by then.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How long a client may take to send the header of its next request, idle time included: longer than the 60 seconds for
/// which common proxies keep an idle connection, so that they close it first.
const HEADER_TIME: Duration = Duration::from_secs(65);

/// What the port serves.
pub struct Front {
    /// Where requests go.
    pub dispatch: Arc<Dispatch>,
    /// Writes the tokens that registering hosts get.
    pub access: Arc<Access>,
    /// Checks hosts that open a link.
    pub door: Door,
    /// Bounds for everything that comes in.
    pub limits: Limits,
    /// Which pages of other sites may ask.
    pub cors: Cors,
    /// Says when the host is to stop.
    pub stop: CancellationToken,
    /// Counts what has to end first.
    pub live: TaskTracker,
}

/// Takes the port on every address of the machine; 0 takes a free one.
///
/// # Errors
/// When the port is taken or not allowed; the words say what to do.
pub async fn bind(port: u16) -> Result<TcpListener, String> {
    let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let bound = match TcpListener::bind(everywhere).await {
        // A machine without IPv6 has only the other form.
        Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await
        }
        bound => bound,
    };
    bound.map_err(|error| {
        format!("port {port} cannot be used: {error}; choose another with --port, or 0 for a free one")
    })
}

/// Serves the port until the host is to stop; connections end when their requests have their answers.
pub async fn serve(socket: TcpListener, front: Arc<Front>) {
    let permits = Arc::new(Semaphore::new(front.limits.connections));
    let router = router(&front);
    loop {
        let accepted = tokio::select! {
            () = front.stop.cancelled() => return,
            accepted = accept(&socket, &permits) => accepted,
        };
        if let Some((stream, address, permit)) = accepted {
            let connection = serve_connection(stream, address.ip().to_canonical(), router.clone(), Arc::clone(&front));
            front.live.spawn(async move {
                connection.await;
                drop(permit);
            });
        }
    }
}

/// A permit first, so that the system's own queue holds what is too much.
async fn accept(
    socket: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match socket.accept().await {
        Ok((stream, address)) => Some((stream, address, permit)),
        Err(error) => {
            // Whatever it is, the next connection may be fine.
            tracing::warn!("a connection could not be accepted: {error}");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn router(front: &Arc<Front>) -> Router {
    let rest = Router::new().fallback(rest::answer);
    let rest = match cors(&front.cors) {
        Some(cors) => rest.layer(cors),
        None => rest,
    };
    rest.route(crate::link::PATH, axum::routing::any(hosts::upgrade)).with_state(Arc::clone(front))
}

async fn serve_connection(stream: TcpStream, address: IpAddr, router: Router, front: Arc<Front>) {
    // Only a delay in sending is at stake.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(wire::Wire::new(stream, &front.limits));
    let service = TowerToHyperService::new(router.layer(axum::Extension(ConnectInfo(address))));
    let mut server = hyper::server::conn::http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(front.limits.header_count)
        .max_buf_size(front.limits.headers.max(wire::SMALLEST_BUFFER));
    let connection = server.serve_connection(io, service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = front.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection from {address} ended: {error}");
    }
}

fn cors(cors: &Cors) -> Option<CorsLayer> {
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
            .expose_headers(["x-request-id", "qewd-token"].map(HeaderName::from_static)),
    )
}
