//! Opening a connection to a service: name, socket, upgrade.
//! In come the service's address and the token for its door; out goes a WebSocket, or why there is none.
//! It tries once; when to try again is the link's part.

use super::socket::websocket_config;
use super::target::Target;
use super::traffic::{Counted, Traffic};
use super::{PATH, SUBPROTOCOL};
use crate::configuration::Address;
use crate::tls::{Stream, Trust, refusal};
use std::fmt::Display;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::{Error as SocketError, handshake::client::Request as Upgrade};

/// How long resolving a name, connecting and upgrading may take together.
const CONNECT_TIME: Duration = Duration::from_millis(1500);

/// A connection, before any message.
pub(super) type Connected = (tokio_tungstenite::WebSocketStream<Counted<Stream>>, Traffic);

/// Why there is no connection.
pub(super) enum NotConnected {
    /// The operator has to do something.
    Refused(String),
    /// It may come by itself.
    Unreachable(String),
}

/// Opens a connection and shows the token at the door.
pub(super) async fn connect(
    token: &str,
    target: &Target,
    trust: Option<Trust>,
    body_limit: usize,
) -> Result<Connected, NotConnected> {
    let address = &target.address;
    let request = upgrade(token, address).map_err(NotConnected::Refused)?;
    let connected = timeout(CONNECT_TIME, async {
        let stream = open(target, trust).await?;
        let config = Some(websocket_config(body_limit));
        let (stream, traffic) = Counted::new(stream);
        let socket = tokio_tungstenite::client_async_with_config(request, stream, config).await;
        socket.map(|(socket, _)| (socket, traffic)).map_err(|error| refused(&error, address))
    });
    connected.await.map_err(|_| NotConnected::Unreachable("it does not answer".to_owned()))?
}

/// The bytes of the connection: encrypted, where the address says so.
async fn open(target: &Target, trust: Option<Trust>) -> Result<Stream, NotConnected> {
    let address = &target.address;
    let failed = |error: std::io::Error| not_open(&error, address);
    let stream = TcpStream::connect(target.dial()).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    if !address.secure {
        return Ok(Stream::Left(stream));
    }
    let trust = trust.ok_or_else(|| NotConnected::Unreachable("its certificates are not read yet".to_owned()))?;
    trust.open(address.dial_host(), stream).await.map_err(failed)
}

fn not_open(error: &std::io::Error, address: &Address) -> NotConnected {
    match refusal(error, address.dial_host()) {
        Some(words) => NotConnected::Refused(words),
        None => NotConnected::Unreachable(error.to_string()),
    }
}

fn upgrade(token: &str, address: &Address) -> Result<Upgrade, String> {
    // The scheme is not sent. The port is, where it is not the scheme's own: RFC 9110, 7.2.
    let port = match (address.secure, address.port) {
        (true, 443) | (false, 80) => String::new(),
        (_, port) => format!(":{port}"),
    };
    let url = format!("ws://{}{port}{PATH}", address.host);
    let mut request = url.into_client_request().map_err(|error| format!("its address is no address: {error}"))?;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| error.to_string())?;
    request.headers_mut().insert(AUTHORIZATION, bearer);
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    Ok(request)
}

/// An answer other than the upgrade, in words. The door's refusals come as `{"error": …}`.
fn refused(error: &SocketError, address: &Address) -> NotConnected {
    let stranger = |what: &dyn Display, or: &str| {
        let mend = "mend host and port in config.json";
        NotConnected::Refused(format!("what answers there is no qewd host that takes links ({what}); {mend}{or}"))
    };
    match error {
        SocketError::Http(response) if response.status() == StatusCode::UNAUTHORIZED => {
            let body = response.body().as_deref().unwrap_or_default();
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            let said = body.get("error").and_then(serde_json::Value::as_str).unwrap_or("without a word");
            NotConnected::Refused(format!("it refuses this host: {said}"))
        }
        SocketError::Http(response) => stranger(&format!("status {}", response.status().as_u16()), ""),
        // The host ended while it answered: it may come back.
        SocketError::Protocol(ProtocolError::HandshakeIncomplete) => NotConnected::Unreachable(error.to_string()),
        SocketError::Protocol(_) | SocketError::HttpFormat(_) if !address.secure => {
            stranger(error, ", or write https:// before its host if it serves TLS")
        }
        SocketError::Protocol(_) | SocketError::HttpFormat(_) => stranger(error, ""),
        // The other end looks at a client certificate only after the handshake of this one.
        SocketError::Io(error) => not_open(error, address),
        other => NotConnected::Unreachable(other.to_string()),
    }
}
