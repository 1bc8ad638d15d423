//! Opening a connection to a service: name, socket, upgrade.
//! In come the service's address and the token for its door; out goes a WebSocket, or why there is none.
//! It tries once; when to try again is the link's part.

use super::socket::websocket_config;
use super::target::Target;
use super::traffic::{Counted, Traffic};
use super::{PATH, SUBPROTOCOL};
use crate::configuration::Address;
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
pub(super) type Connected = (tokio_tungstenite::WebSocketStream<Counted<TcpStream>>, Traffic);

/// Why there is no connection.
pub(super) enum NotConnected {
    /// The operator has to do something.
    Refused(String),
    /// It may come by itself.
    Unreachable(String),
}

/// Opens a connection and shows the token at the door.
pub(super) async fn connect(token: &str, target: &Target, body_limit: usize) -> Result<Connected, NotConnected> {
    let address = &target.address;
    let unreachable = |error: &dyn std::fmt::Display| NotConnected::Unreachable(error.to_string());
    if address.secure {
        return Err(NotConnected::Refused("links over TLS are not served by this version; use http://".to_owned()));
    }
    let request = upgrade(token, address).map_err(NotConnected::Refused)?;
    let connected = timeout(CONNECT_TIME, async {
        let stream = TcpStream::connect(target.dial()).await.map_err(|error| unreachable(&error))?;
        stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
        let config = Some(websocket_config(body_limit));
        let (stream, traffic) = Counted::new(stream);
        let socket = tokio_tungstenite::client_async_with_config(request, stream, config).await;
        socket.map(|(socket, _)| (socket, traffic)).map_err(|error| refused(&error))
    });
    connected.await.map_err(|_| NotConnected::Unreachable("it does not answer".to_owned()))?
}

fn upgrade(token: &str, address: &Address) -> Result<Upgrade, String> {
    let url = format!("ws://{}:{}{PATH}", address.host, address.port);
    let mut request = url.into_client_request().map_err(|error| format!("its address is no address: {error}"))?;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| error.to_string())?;
    request.headers_mut().insert(AUTHORIZATION, bearer);
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    Ok(request)
}

/// An answer other than the upgrade, in words. The door's refusals come as `{"error": …}`.
fn refused(error: &SocketError) -> NotConnected {
    let stranger = |what: &dyn Display| {
        let words =
            format!("what answers there is no qewd host that takes links ({what}); mend host and port in config.json");
        NotConnected::Refused(words)
    };
    match error {
        SocketError::Http(response) if response.status() == StatusCode::UNAUTHORIZED => {
            let body = response.body().as_deref().unwrap_or_default();
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            let said = body.get("error").and_then(serde_json::Value::as_str).unwrap_or("without a word");
            NotConnected::Refused(format!("it refuses this host: {said}"))
        }
        SocketError::Http(response) => stranger(&format!("status {}", response.status().as_u16())),
        // The host ended while it answered: it may come back.
        SocketError::Protocol(ProtocolError::HandshakeIncomplete) => NotConnected::Unreachable(error.to_string()),
        SocketError::Protocol(_) | SocketError::HttpFormat(_) => stranger(error),
        other => NotConnected::Unreachable(other.to_string()),
    }
}
