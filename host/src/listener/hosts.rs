//! The side door: another host opens a link to this one.
//! In comes an upgrade with a token that the shared secret signed, then requests; out go the answers of `dispatch`.
//! It takes nothing from a socket whose token was not verified, and answers every request that it took.

use super::Front;
use crate::access::{LinkKey, LinkTokenRefusal, Visitor};
use crate::edition::Edition;
use crate::link::{Callee, CalleeEvent, Counted, Greeting, SUBPROTOCOL, Socket, Welcome, websocket_config};
use crate::request::Request;
use crate::response::Response;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{self, HeaderMap, HeaderValue, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// How long a host that stops waits for what the other one sent before it heard of it. Usually that one closes at once,
/// and then nothing is lost; a machine that is overloaded may need a while.
const PARTING_TIME: Duration = Duration::from_secs(2);
/// Finished answers that may wait for the connection's task, which takes them at once.
const ANSWERS: usize = 64;

/// Addresses that are remembered at most.
const REFUSED_MOST: usize = 256;

/// What remembers hosts that were refused a link.
#[derive(Default)]
pub struct Door {
    /// Addresses whose refusal the log already has: the other host tries again every second.
    refused: Mutex<Vec<IpAddr>>,
}

impl Door {
    /// Who knocks. A refusal is logged here, once for each address until a host from there is let in.
    fn check(&self, key: &LinkKey, token: &str, service: &str, address: IpAddr) -> Result<Visitor, LinkTokenRefusal> {
        let checked = key.check_knock(token, service);
        if let Err(why) = checked.as_ref() {
            if self.is_news(address) {
                tracing::error!("refused a link from {address}: {why}");
            }
        } else {
            self.refused().retain(|known| *known != address);
        }
        checked
    }

    fn is_news(&self, address: IpAddr) -> bool {
        let mut refused = self.refused();
        if refused.contains(&address) {
            return false;
        }
        if refused.len() >= REFUSED_MOST {
            refused.clear();
        }
        refused.push(address);
        true
    }

    fn refused(&self) -> MutexGuard<'_, Vec<IpAddr>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks the token at the door and takes the socket over.
pub(super) async fn upgrade(
    State(front): State<Arc<Front>>,
    ConnectInfo(address): ConnectInfo<IpAddr>,
    mut request: axum::extract::Request,
) -> http::Response<Body> {
    let headers = request.headers();
    let Some(accept) = accept_key(headers) else {
        return refusal(StatusCode::UPGRADE_REQUIRED, "Only qewd hosts connect here, by WebSocket");
    };
    if headers.get(header::SEC_WEBSOCKET_PROTOCOL).is_none_or(|offered| offered != SUBPROTOCOL) {
        let words = format!("This host speaks {SUBPROTOCOL}; run the same version of qewd on both hosts");
        return refusal(StatusCode::BAD_REQUEST, &words);
    }
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let edition = front.dispatch.edition();
    let visitor = match front.door.check(&edition.link_key, token.unwrap_or_default(), &edition.application, address) {
        Ok(visitor) => visitor,
        Err(why) => return refusal(StatusCode::UNAUTHORIZED, &format!("the link's token is refused: {why}")),
    };
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return refusal(StatusCode::BAD_REQUEST, "This connection cannot be upgraded");
    };
    let serving = Arc::clone(&front);
    front.live.spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            serve(upgraded, Peer::new(visitor, address), serving, edition).await;
        }
    });
    switching(&accept)
}

fn accept_key(headers: &HeaderMap) -> Option<String> {
    let says = |name: header::HeaderName, word: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains(word))
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    let wants = says(header::UPGRADE, "websocket") && says(header::CONNECTION, "upgrade");
    wants.then(|| derive_accept_key(key.as_bytes()))
}

fn switching(accept: &str) -> http::Response<Body> {
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

fn refusal(status: StatusCode, words: &str) -> http::Response<Body> {
    let mut response = http::Response::new(Body::from(serde_json::json!({ "error": words }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(crate::response::JSON));
    if status == StatusCode::UPGRADE_REQUIRED {
        response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    let id = crate::names::RequestId::random();
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// The other end of one link.
struct Peer {
    visitor: Visitor,
    address: IpAddr,
    socket_id: String,
}

impl Peer {
    fn new(visitor: Visitor, address: IpAddr) -> Self {
        Self { visitor, address, socket_id: format!("{:016x}", rand::random::<u64>()) }
    }
}

/// The link has the terms of the edition in which it was opened.
async fn serve(upgraded: Upgraded, peer: Peer, front: Arc<Front>, edition: Arc<Edition>) {
    let config = Some(websocket_config(edition.configuration.settings.limits.body));
    let (stream, traffic) = Counted::new(TokioIo::new(upgraded));
    let stream = WebSocketStream::from_raw_socket(stream, Role::Server, config).await;
    let mut connection = Connection::new(Socket::new(stream, traffic), peer, front, &edition);
    drop(edition);
    let why = connection.run().await;
    connection.end(&why).await;
}

/// The answer to the request of this number.
type Finished = (u64, Response);

struct Connection {
    socket: Socket<Counted<TokioIo<Upgraded>>>,
    callee: Callee,
    peer: Peer,
    front: Arc<Front>,
    /// Bytes of a request's body, as agreed when the link was opened.
    body_limit: usize,
    /// The requests that run, so that they end when nobody waits for them any more.
    running: HashMap<u64, AbortHandle>,
    finish: mpsc::Sender<Finished>,
    finished: mpsc::Receiver<Finished>,
    /// Why this host says goodbye, once it does.
    leaving: Option<&'static str>,
    entered: watch::Receiver<u64>,
    /// The handlers of which the other host was told.
    told: Vec<String>,
    /// What was shown when the link was opened.
    link_key: Arc<LinkKey>,
}

impl Connection {
    fn new(socket: Socket<Counted<TokioIo<Upgraded>>>, peer: Peer, front: Arc<Front>, edition: &Edition) -> Self {
        let limits = &edition.configuration.settings.limits;
        let (finish, finished) = mpsc::channel(ANSWERS);
        let mut entered = front.dispatch.entered();
        // One may have entered since the token was checked.
        entered.mark_changed();
        Self {
            socket,
            callee: Callee::new(limits.request_time, Instant::now()),
            peer,
            body_limit: limits.body,
            running: HashMap::new(),
            finish,
            finished,
            leaving: None,
            entered,
            told: edition.catalog.names().map(ToString::to_string).collect(),
            link_key: Arc::clone(&edition.link_key),
            front,
        }
    }

    /// Serves the link until it ends, and says why it did.
    async fn run(&mut self) -> String {
        loop {
            if !self.flush() {
                return "it does not read what it is sent".to_owned();
            }
            let event = tokio::select! {
                message = self.socket.next() => match message {
                    Some(message) => self.callee.receive(message, Instant::now()),
                    None => return "it closed the connection".to_owned(),
                },
                Some((id, response)) = self.finished.recv() => {
                    self.running.remove(&id);
                    self.callee.answer(id, response);
                    None
                }
                () = sleep_until(self.callee.next_wake()) => {
                    if self.socket.has_moved() {
                        self.callee.heard(Instant::now());
                    }
                    self.callee.wake(Instant::now())
                }
                () = sleep(PARTING_TIME), if self.has_parted() => return self.leaving.unwrap_or_default().to_owned(),
                () = self.front.stop.cancelled(), if self.leaving.is_none() => {
                    self.leave("this host stops");
                    None
                }
                Ok(()) = self.entered.changed(), if self.leaving.is_none() => {
                    self.renew();
                    None
                }
            };
            match event {
                None => {}
                Some(CalleeEvent::Greeted(greeting)) => self.greet(&greeting),
                Some(CalleeEvent::Request(id, request)) => self.start(id, request),
                Some(CalleeEvent::Cancel(id)) => self.cancel(id),
                Some(CalleeEvent::Ended(reason)) => return reason.to_string(),
            }
        }
    }

    /// Whether this host stops and has given every answer into the system's hands.
    fn has_parted(&self) -> bool {
        self.leaving.is_some() && self.callee.is_idle() && self.socket.is_drained()
    }

    fn leave(&mut self, why: &'static str) {
        self.leaving = Some(why);
        self.callee.leave();
    }

    /// Another edition serves. Who showed the secret of an earlier one has to show the new one.
    fn renew(&mut self) {
        let edition = self.front.dispatch.edition();
        if !Arc::ptr_eq(&edition.link_key, &self.link_key) {
            self.leave("the secret has changed");
            return;
        }
        let handlers: Vec<String> = edition.catalog.names().map(ToString::to_string).collect();
        let news = (handlers != self.told).then(|| handlers.clone());
        self.told = handlers;
        self.callee.renew(edition.configuration.settings.limits.request_time, news);
    }

    fn flush(&mut self) -> bool {
        while let Some(message) = self.callee.next_out() {
            if self.socket.send(message).is_err() {
                return false;
            }
        }
        true
    }

    fn greet(&mut self, greeting: &Greeting) {
        let (kind, application) = (greeting.type_name(), greeting.application());
        let Peer { visitor, address, socket_id } = &self.peer;
        let name = &visitor.from;
        tracing::info!(
            "{name} received message: {}",
            serde_json::json!({"type": kind, "application": application, "jwt": true, "socketId": socket_id, "ipAddress": address})
        );
        match self.welcome(greeting) {
            Ok(welcome) => {
                tracing::info!("sent response to {name}: {}", serde_json::json!({"type": kind, "finished": true}));
                self.told.clone_from(&welcome.handlers);
                self.callee.welcome(welcome);
            }
            Err(words) => {
                tracing::error!("refused the registration of {name} at {address}: {words}");
                self.callee.refuse(words);
            }
        }
    }

    fn welcome(&self, greeting: &Greeting) -> Result<Welcome, String> {
        let edition = self.front.dispatch.edition();
        if let Greeting::Reregister { token, .. } = greeting {
            edition.access.verify_own(token).map_err(|refusal| format!("its token is refused: {refusal}"))?;
        }
        let address = self.peer.address.to_string();
        let token = edition.access.registration_token(&self.peer.socket_id, &address);
        let proof = edition.link_key.welcome(&self.peer.visitor, &edition.application);
        Ok(Welcome {
            token: token.map_err(|refusal| refusal.to_string())?,
            proof: proof.map_err(|refusal| refusal.to_string())?,
            service: edition.application.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            handlers: edition.catalog.names().map(ToString::to_string).collect(),
            body_limit: self.body_limit,
        })
    }

    fn start(&mut self, id: u64, request: Request) {
        let (front, finish) = (Arc::clone(&self.front), self.finish.clone());
        let task = tokio::spawn(async move {
            let response = front.dispatch.answer(request).await;
            // Nobody is there to be answered if the link has ended.
            let _ = finish.send((id, response)).await;
        });
        self.running.insert(id, task.abort_handle());
    }

    fn cancel(&mut self, id: u64) {
        if let Some(task) = self.running.remove(&id) {
            task.abort();
        }
    }

    async fn end(mut self, why: &str) {
        for (_, task) in self.running.drain() {
            task.abort();
        }
        tracing::info!(
            "socket {} disconnected: {} at {}: {why}",
            self.peer.socket_id,
            self.peer.visitor.from,
            self.peer.address
        );
        self.flush();
        self.socket.close().await;
    }
}
