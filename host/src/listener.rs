//! The host's port, and its second one for operators.
//! In come connections; out go requests to `dispatch` and its responses, as HTTP or over another host's link.
//! It decides nothing about a request but whether it is one, and keeps every connection within its limits.

mod wire;
mod rest;
mod upgrade;
mod health;
mod metrics;
mod monitor;
mod ports;
mod ways;
mod probe;
mod door;
mod host_link;
mod hosts;
mod envelope;
mod refusals;
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
pub use health::{LIVE, READY};
pub use ports::{Port, Serves};
pub use probe::{Probed, probe};

use crate::configuration::Cors;
use crate::dispatch::Dispatch;
use crate::health::Health;
use crate::monitor::Monitor;
use crate::presence::Presence;
use crate::tls::{Stream, Tls, has_shown_certificate};
use arc_swap::{ArcSwap, Guard};
use hyper::body::Incoming;
use hyper::server::conn::http1::UpgradeableConnection;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use ways::Ways;
use wire::Sign;

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
    /// Says whether the host wants requests.
    pub health: Arc<Health>,
    /// What the port shows, if it speaks TLS.
    pub tls: Arc<Tls>,
    /// Says when the host is about to stop: whoever can is to go elsewhere.
    pub drain: CancellationToken,
    /// Says when the host takes nothing new any more.
    pub stop: CancellationToken,
    /// Counts what has to end first.
    pub live: TaskTracker,
}

/// Takes a port on every address of the machine; 0 takes a free one. `flag` of the command line chooses another.
///
/// # Errors
/// When the port is taken or not allowed; the words say what to do.
pub async fn bind(port: u16, flag: &str) -> Result<TcpListener, String> {
    let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let bound = match TcpListener::bind(everywhere).await {
        // A machine without IPv6 has only the other form.
        Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await
        }
        bound => bound,
    };
    bound.map_err(|error| {
        format!("port {port} cannot be used: {error}; choose another with {flag}, or 0 for a free one")
    })
}

/// Serves a port until it is to stop, and closes it; connections end when their requests have their answers.
pub async fn serve(port: Port, front: Arc<Front>) {
    let Port { socket, serves, stop, live } = port;
    let routed = Arc::new(Routed::new(front, serves, stop));
    let front = &routed.front;
    let mut places = Connections::new(routed.most_connections());
    let mut entered = front.dispatch.entered();
    loop {
        places.allow(routed.most_connections());
        let accepted = tokio::select! {
            () = routed.stop.cancelled() => break,
            Ok(()) = entered.changed() => continue,
            accepted = accept(&socket, &places.free) => accepted,
        };
        if let Some((stream, address, permit)) = accepted {
            let connection = serve_connection(stream, address.ip().to_canonical(), Arc::clone(&routed));
            let connected = front.presence.connected();
            live.spawn(async move {
                connection.await;
                drop((permit, connected));
            });
        }
    }
    // Those that waited for a place are the last ones.
    closing::close(socket, |stream, address| {
        live.spawn(serve_connection(stream, address.ip().to_canonical(), Arc::clone(&routed)));
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

/// The ways of a port. Only pages of other sites make a difference between editions, so it is made anew when they do.
struct Routed {
    front: Arc<Front>,
    serves: Serves,
    stop: CancellationToken,
    made: ArcSwap<(Cors, Ways)>,
}

impl Routed {
    fn new(front: Arc<Front>, serves: Serves, stop: CancellationToken) -> Self {
        let cors = front.dispatch.edition().configuration.settings.cors.clone();
        let made = ArcSwap::from_pointee((cors.clone(), Ways::new(&front, serves, &cors)));
        Self { front, serves, stop, made }
    }

    fn ways(&self) -> Guard<Arc<(Cors, Ways)>> {
        let made = self.made.load();
        let edition = self.front.dispatch.glance();
        let cors = &edition.configuration.settings.cors;
        if made.0 == *cors {
            return made;
        }
        self.made.store(Arc::new((cors.clone(), Ways::new(&self.front, self.serves, cors))));
        self.made.load()
    }

    fn most_connections(&self) -> usize {
        match self.serves {
            Serves::Everything | Serves::Application => {
                self.front.dispatch.edition().configuration.settings.limits.connections
            }
            Serves::Operators => ports::OPERATORS,
        }
    }

    /// How long a head may take, with the time before it.
    fn header_time(&self) -> Duration {
        match self.serves {
            Serves::Everything | Serves::Application => HEADER_TIME,
            Serves::Operators => ports::HEADER_TIME,
        }
    }
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
        () = quiet_after(&routed.stop) => None,
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
    let (drain, stop, header_time) = (routed.front.drain.clone(), routed.stop.clone(), routed.header_time());
    let sign = Arc::<Sign>::default();
    let io = TokioIo::new(wire::Wire::new(stream, &limits, Arc::clone(&sign)));
    let asks = Arc::clone(&sign);
    let service = service_fn(move |request: axum::http::Request<Incoming>| {
        asks.asked();
        let version = request.version();
        let answering = routed.ways().1.answer(request, address, certified);
        let drain = drain.clone();
        async move {
            let mut response = answering.await?;
            if drain.is_cancelled() {
                parting::say_last(&mut response, version);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_headers(limits.header_count)
        .max_buf_size(limits.headers.max(wire::SMALLEST_BUFFER));
    let connection = server.serve_connection(io, service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stop.cancelled() => parting::part(connection.as_mut(), &sign, UpgradeableConnection::graceful_shutdown).await,
    };
    if let Some(Err(error)) = ended {
        tracing::debug!("a connection from {address} ended: {error}");
    }
}
