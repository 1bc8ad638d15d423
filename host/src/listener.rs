//! The host's one port.
//! In come connections; out go requests to `dispatch` and its responses, as HTTP or over another host's link.
//! It decides nothing about a request but whether it is one, and keeps every connection within its limits.

mod wire;
mod rest;
mod upgrade;
mod health;
mod monitor;
mod door;
mod hosts;
mod envelope;
mod messages;
mod fragment;
mod pace;
mod clients;
mod client_socket;
mod parting;
mod closing;
mod ajax;
mod files;

pub use door::Door;

use crate::configuration::Cors;
use crate::dispatch::Dispatch;
use crate::message::{AJAX_PATH, SOCKET_PATH};
use crate::monitor::Monitor;
use crate::presence::Presence;
use crate::request::MONITOR_PATH;
use crate::tls::{Stream, Tls, has_shown_certificate};
use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, Method};
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::cors::{AllowOrigin, CorsLayer};
use wire::Sign;

/// The monitor as a folder, and everything below it: for the router two things, and neither is the monitor's own path.
const MONITOR_FOLDER: &str = "/qewd-monitor/";
const MONITOR_FILES: &str = "/qewd-monitor/{*path}";
/// How long accepting pauses when the system has no more sockets: closing connections give some back by then.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How long a client may take to send the header of its next request, idle time included: longer than the 60 seconds for
/// which common proxies keep an idle connection, so that they close it first.
const HEADER_TIME: Duration = Duration::from_secs(65);

/// What the port serves.
pub struct Front {
    /// Where requests go, and what the application folder says about them.
    pub dispatch: Arc<Dispatch>,
    /// Remembers hosts that were refused a link.
    pub door: Door,
    /// The hosts and clients that are connected.
    pub presence: Arc<Presence>,
    /// Shows the host to its operator.
    pub monitor: Arc<Monitor>,
    /// What the port shows, if it speaks TLS.
    pub tls: Arc<Tls>,
    /// Says when the host is about to stop: whoever can is to go elsewhere.
    pub drain: CancellationToken,
    /// Says when the host takes nothing new any more.
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

/// Serves the port until the host is to stop, and closes it; connections end when their requests have their answers.
pub async fn serve(socket: TcpListener, front: Arc<Front>) {
    let routed = Arc::new(Routed::new(front));
    let front = &routed.front;
    let mut places = Connections::new(front.dispatch.edition().configuration.settings.limits.connections);
    let mut entered = front.dispatch.entered();
    loop {
        places.allow(front.dispatch.edition().configuration.settings.limits.connections);
        let accepted = tokio::select! {
            () = front.stop.cancelled() => break,
            Ok(()) = entered.changed() => continue,
            accepted = accept(&socket, &places.free) => accepted,
        };
        if let Some((stream, address, permit)) = accepted {
            let connection = serve_connection(stream, address.ip().to_canonical(), Arc::clone(&routed));
            front.live.spawn(async move {
                connection.await;
                drop(permit);
            });
        }
    }
    // Those that waited for a place are the last ones.
    closing::close(socket, |stream, address| {
        front.live.spawn(serve_connection(stream, address.ip().to_canonical(), Arc::clone(&routed)));
    })
    .await;
}

/// How many connections there may be; the number may change while they are open.
struct Connections {
    free: Arc<Semaphore>,
    allowed: usize,
}

impl Connections {
    fn new(allowed: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(allowed)), allowed }
    }

    /// Fewer than are open now means that closing ones are not replaced, until it fits.
    fn allow(&mut self, wanted: usize) {
        if wanted > self.allowed {
            self.free.add_permits(wanted - self.allowed);
            self.allowed = wanted;
        } else {
            self.allowed -= self.free.forget_permits(self.allowed - wanted);
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

/// The router of the port. Only pages of other sites make a difference between editions, so it is made anew when they do.
struct Routed {
    front: Arc<Front>,
    made: ArcSwap<(Cors, TowerToHyperService<Router>)>,
}

impl Routed {
    fn new(front: Arc<Front>) -> Self {
        let cors = front.dispatch.edition().configuration.settings.cors.clone();
        let made = ArcSwap::from_pointee((cors.clone(), router(&front, &cors)));
        Self { front, made }
    }

    fn router(&self) -> Arc<(Cors, TowerToHyperService<Router>)> {
        let made = self.made.load_full();
        let edition = self.front.dispatch.edition();
        let cors = &edition.configuration.settings.cors;
        if made.0 == *cors {
            return made;
        }
        let anew = Arc::new((cors.clone(), router(&self.front, cors)));
        self.made.store(Arc::clone(&anew));
        anew
    }
}

fn router(front: &Arc<Front>, allowed: &Cors) -> TowerToHyperService<Router> {
    let rest =
        Router::new().fallback(rest::answer).route(AJAX_PATH, axum::routing::post(ajax::answer).fallback(rest::answer));
    let rest = match cors(allowed) {
        Some(cors) => rest.layer(cors),
        None => rest,
    };
    let all = rest
        .route(crate::link::PATH, axum::routing::any(hosts::upgrade))
        .route(SOCKET_PATH, axum::routing::any(clients::upgrade))
        .route(MONITOR_PATH, axum::routing::any(monitor::answer))
        .route(MONITOR_FOLDER, axum::routing::any(monitor::answer))
        .route(MONITOR_FILES, axum::routing::any(monitor::answer))
        .route(health::LIVE, axum::routing::get(health::live))
        .route(health::READY, axum::routing::get(health::ready))
        .with_state(Arc::clone(front));
    TowerToHyperService::new(all)
}

/// Whether the other end of a connection has shown a certificate that was found good.
#[derive(Clone, Copy)]
struct Certified(bool);

async fn serve_connection(stream: TcpStream, address: IpAddr, routed: Arc<Routed>) {
    // Only a delay in sending is at stake.
    let _ = stream.set_nodelay(true);
    let opened = tokio::select! {
        opened = open(stream, address, &routed.front) => opened,
        // Time enough for a handshake that was begun.
        () = quiet_after(&routed.front.stop) => None,
    };
    if let Some(stream) = opened {
        serve_http(stream, address, routed).await;
    }
}

async fn quiet_after(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(parting::QUIET).await;
}

/// Shakes hands, where the port speaks TLS.
async fn open(stream: TcpStream, address: IpAddr, front: &Front) -> Option<Stream> {
    let Some(served) = front.tls.served() else { return Some(Stream::Left(stream)) };
    // Boxed: else a plain connection would have the handshake's room for all its life.
    match Box::pin(crate::tls::accept(&served, stream)).await {
        Ok(stream) => Some(Stream::Right(Box::new(stream.into()))),
        Err(refused) if refused.showed_bad_certificate => {
            front.door.tell(address, &format!("refused a connection from {address}: {}", refused.why));
            None
        }
        Err(refused) => {
            tracing::debug!("a connection from {address} was not taken: {}", refused.why);
            None
        }
    }
}

async fn serve_http(stream: Stream, address: IpAddr, routed: Arc<Routed>) {
    let certified = Certified(has_shown_certificate(&stream));
    let limits = routed.front.dispatch.edition().configuration.settings.limits.clone();
    let (drain, stop) = (routed.front.drain.clone(), routed.front.stop.clone());
    let sign = Arc::<Sign>::default();
    let io = TokioIo::new(wire::Wire::new(stream, &limits, Arc::clone(&sign)));
    let asks = Arc::clone(&sign);
    let service = service_fn(move |mut request: axum::http::Request<Incoming>| {
        asks.asked();
        request.extensions_mut().insert(ConnectInfo(address));
        request.extensions_mut().insert(certified);
        let answering = routed.router().1.call(request);
        let drain = drain.clone();
        async move {
            let mut response = answering.await?;
            if drain.is_cancelled() {
                parting::say_last(&mut response);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(limits.header_count)
        .max_buf_size(limits.headers.max(wire::SMALLEST_BUFFER));
    let connection = server.serve_connection(io, service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stop.cancelled() => parting::part(connection.as_mut(), &sign, |connection| connection.graceful_shutdown()).await,
    };
    if let Some(Err(error)) = ended {
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
            .expose_headers(["x-request-id", "qewd-token", "qewd-version"].map(HeaderName::from_static)),
    )
}
