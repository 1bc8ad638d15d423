//! The WebSocket door of clients, `/ws`.
//! In come upgrades and messages; out go the answers of `dispatch`, intermediate messages and pushes.
//! It takes no message of another host, and keeps every socket within its limits: size, pace, number, time.

use super::Front;
use super::client_socket::{Came, ClientSocket};
use super::envelope::{self, BadMessage, Incoming, Label};
use super::messages::{self, Message as ClientMessage, Said};
use super::pace::Pace;
use super::refusals::{Flood, Refusal, Sender};
use super::upgrade::{accept_key, refusal, switching};
use crate::audience::{Seat, Weighed};
use crate::configuration::{Cors, Limits};
use crate::message::Part;
use crate::presence::{ClientPlace, Leash};
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{self, HeaderMap, StatusCode, header};
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};

/// Silence after which a client is asked for a sign of life: within the 60 seconds for which common proxies keep a silent
/// connection open.
const ASK_AFTER: Duration = Duration::from_secs(25);
/// Silence after which a client counts as gone.
const GONE_AFTER: Duration = Duration::from_secs(45);
/// How long a client may be connected without having registered.
const REGISTER_TIME: Duration = Duration::from_secs(30);
/// Messages of one client that may wait for their answers; more are refused at once.
const WAITING: usize = 32;
/// Answers and intermediate messages that may wait to be written; handlers that say more wait.
const WORDS: usize = 8;
/// Without a message that came too fast for so long, those before are forgiven.
const FORGIVEN_AFTER: Duration = Duration::from_secs(1);
/// Seconds' worth of messages that may come too fast before the socket is closed.
const SECONDS_TOO_FAST: u32 = 10;
/// How long closing a socket may take.
const GOODBYE_TIME: Duration = Duration::from_secs(1);

/// Checks where a client comes from and takes the socket over.
pub(super) async fn upgrade(
    State(front): State<Arc<Front>>,
    ConnectInfo(address): ConnectInfo<IpAddr>,
    mut request: axum::extract::Request,
) -> http::Response<Body> {
    let edition = front.dispatch.edition();
    let settings = &edition.configuration.settings;
    let Some(accept) = accept_key(&request) else {
        return refusal(StatusCode::UPGRADE_REQUIRED, "Clients connect here by WebSocket");
    };
    if !may_connect(&settings.cors, request.headers()) {
        tracing::info!("refused a client at {address}: \"cors\" in config.json does not allow its page's origin");
        return refusal(StatusCode::FORBIDDEN, "Pages of this origin may not connect here");
    }
    let Some(admitted) = front.presence.client(address, settings.limits.sockets) else {
        tracing::warn!("refused a client at {address}: limits.sockets allows {} at one time", settings.limits.sockets);
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "Too many clients are connected; try again");
    };
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return refusal(StatusCode::BAD_REQUEST, "This connection cannot be upgraded");
    };
    let (limits, serving) = (settings.limits.clone(), Arc::clone(&front));
    front.live.spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            serve(upgraded, admitted, serving, &limits).await;
        }
    });
    switching(&accept, None)
}

/// A page of another origin needs to be allowed; programs send no origin.
fn may_connect(cors: &Cors, headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let origin = text(header::ORIGIN).unwrap_or_default();
    let own = origin.split_once("://").map(|(_, host)| host);
    let is_own = own.is_some() && own == text(header::HOST);
    match cors {
        Cors::Any => true,
        Cors::Off => is_own,
        Cors::Origins(origins) => is_own || origins.iter().any(|allowed| allowed == origin),
    }
}

async fn serve(upgraded: Upgraded, admitted: (ClientPlace, Leash), front: Arc<Front>, limits: &Limits) {
    let (place, leash) = admitted;
    let socket = ClientSocket::new(upgraded, limits.socket_message).await;
    let mut client = Client::new(socket, place, front, limits);
    let why = leash.hold(client.run()).await.unwrap_or(OPERATOR);
    let (id, address) = (client.place.id(), client.place.address());
    tracing::info!("socket {id} disconnected: client at {address}: {}{}", why.words, client.flood.rest());
    client.close(why).await;
}

/// What a message is answered.
struct Words {
    text: Bytes,
    /// The application of the sender's verified token.
    joins: Option<String>,
}

/// Why a socket is closed.
struct Why {
    code: CloseCode,
    words: &'static str,
}

const fn why(code: CloseCode, words: &'static str) -> Why {
    Why { code, words }
}

/// How a socket ends that an operator does not want.
const OPERATOR: Why = why(CloseCode::Policy, "the operator disconnected it");

struct Client {
    socket: ClientSocket,
    place: ClientPlace,
    front: Arc<Front>,
    seat: Seat,
    /// What others push.
    pushes: mpsc::Receiver<Weighed<Bytes>>,
    /// What its own messages are answered.
    say: mpsc::Sender<Words>,
    words: mpsc::Receiver<Words>,
    /// Its messages that wait for their answers: they end with the socket.
    waiting: JoinSet<()>,
    pace: Pace,
    most_per_second: u32,
    /// Messages that came too fast, without a pause between them, and when the last of them came.
    too_fast: u32,
    last_too_fast: Instant,
    flood: Flood,
    idle: Duration,
    /// When anything was heard of it.
    heard: Instant,
    /// When it said something, or was told something, that is more than a sign of life; until it has joined: when it came.
    active: Instant,
    asked: bool,
    /// The application whose pushes it hears.
    joined: Option<String>,
}

impl Client {
    fn new(socket: ClientSocket, place: ClientPlace, front: Arc<Front>, limits: &Limits) -> Self {
        let (say, words) = mpsc::channel(WORDS);
        let (seat, pushes) = front.dispatch.audience.seat(place.id());
        let now = Instant::now();
        Self {
            socket,
            place,
            front,
            seat,
            pushes,
            say,
            words,
            waiting: JoinSet::new(),
            pace: Pace::new(limits.socket_pace, now),
            most_per_second: limits.socket_pace,
            too_fast: 0,
            last_too_fast: now,
            flood: Flood::default(),
            idle: limits.socket_idle,
            heard: now,
            active: now,
            asked: false,
            joined: None,
        }
    }

    /// Serves the socket until it ends, and says why it did.
    async fn run(&mut self) -> Why {
        let stop = self.front.stop.clone();
        let mut is_leaving = false;
        loop {
            if is_leaving && self.waiting.is_empty() && self.words.is_empty() {
                return why(CloseCode::Away, "this host stops");
            }
            let next_wake = self.next_wake();
            let outcome = tokio::select! {
                biased;
                Some(words) = self.words.recv() => self.say(words).await,
                Some(_) = self.waiting.join_next() => Ok(()),
                () = stop.cancelled(), if !is_leaving => {
                    is_leaving = true;
                    Ok(())
                }
                message = self.socket.next(), if !is_leaving => self.receive(message).await,
                push = self.pushes.recv() => match push {
                    Some(push) => self.write(push.item.clone()).await,
                    None => Err(why(CloseCode::Policy, "it does not read what it is sent")),
                },
                () = sleep_until(next_wake) => self.wake().await,
            };
            if let Err(why) = outcome {
                return why;
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let silent = if self.asked { self.heard + GONE_AFTER } else { self.heard + ASK_AFTER };
        match (&self.joined, self.waiting.is_empty()) {
            (None, _) => silent.min(self.active + REGISTER_TIME),
            // Whoever waits for an answer is not idle.
            (Some(_), false) => silent,
            (Some(_), true) => silent.min(self.active + self.idle),
        }
    }

    async fn wake(&mut self) -> Result<(), Why> {
        let now = Instant::now();
        if self.socket.has_moved() {
            // A large message on a slow wire: the client cannot answer a ping in the middle of it.
            (self.heard, self.asked) = (now, false);
        }
        if now >= self.heard + GONE_AFTER {
            return Err(why(CloseCode::Away, "nothing is heard of it"));
        }
        if self.joined.is_none() && now >= self.active + REGISTER_TIME {
            return Err(why(CloseCode::Policy, "it did not register"));
        }
        if self.joined.is_some() && self.waiting.is_empty() && now >= self.active + self.idle {
            return Err(why(CloseCode::Away, "it was idle for too long"));
        }
        if !self.asked && now >= self.heard + ASK_AFTER {
            self.asked = true;
            return lost(self.socket.ping().await);
        }
        Ok(())
    }

    async fn receive(&mut self, message: Came) -> Result<(), Why> {
        let now = Instant::now();
        (self.heard, self.asked) = (now, false);
        match message {
            Some(Ok(Message::Text(text))) => self.take(text.into(), now).await,
            Some(Ok(Message::Binary(_))) => Err(why(CloseCode::Unsupported, "it sent something else than text")),
            Some(Ok(Message::Ping(_))) => self.too_fast(now).map(|_| ()),
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => Ok(()),
            Some(Ok(Message::Close(_))) | None => Err(why(CloseCode::Normal, "it closed the connection")),
            Some(Err(tungstenite::Error::Capacity(_))) => Err(why(CloseCode::Size, "a message was too large")),
            Some(Err(tungstenite::Error::Utf8(_))) => Err(why(CloseCode::Invalid, "a message was no UTF-8")),
            Some(Err(tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                Err(why(CloseCode::Normal, "the connection was lost"))
            }
            Some(Err(tungstenite::Error::Protocol(_))) => Err(why(CloseCode::Protocol, "it broke the protocol")),
            Some(Err(_)) => Err(why(CloseCode::Normal, "the connection was lost")),
        }
    }

    /// Takes one message, and has it answered beside the others.
    async fn take(&mut self, text: Bytes, now: Instant) -> Result<(), Why> {
        self.place.received();
        if self.joined.is_some() {
            self.active = now;
        }
        let incoming = match Incoming::read(&text) {
            Ok(incoming) => incoming,
            Err(BadMessage { label, words }) => {
                self.too_fast(now)?;
                return self.refuse(&label, &Refusal::new(400, words), now).await;
            }
        };
        if self.too_fast(now)? {
            let refusal = Refusal::new(429, "Too many messages; send fewer in a second");
            return self.refuse(&incoming.label, &refusal, now).await;
        }
        if self.waiting.len() >= WAITING {
            let refusal = Refusal::new(429, "Too many messages wait for their answers; wait for some of them");
            return self.refuse(&incoming.label, &refusal, now).await;
        }
        let (address, socket_id) = (self.place.address(), self.place.id().to_owned());
        let message = ClientMessage { incoming, text, address, socket_id };
        self.waiting.spawn(answer(Arc::clone(&self.front), message, self.say.clone()));
        Ok(())
    }

    /// Whether this message comes too fast. Who goes on and on with it loses the socket.
    fn too_fast(&mut self, now: Instant) -> Result<bool, Why> {
        if self.pace.allows(now) {
            return Ok(false);
        }
        let is_new = now.saturating_duration_since(self.last_too_fast) > FORGIVEN_AFTER;
        (self.last_too_fast, self.too_fast) = (now, if is_new { 1 } else { self.too_fast.saturating_add(1) });
        // So many without a pause were no slip.
        if self.too_fast > self.most_per_second.saturating_mul(SECONDS_TOO_FAST) {
            return Err(why(CloseCode::Policy, "it sent far too many messages"));
        }
        Ok(true)
    }

    async fn refuse(&mut self, label: &Label, refusal: &Refusal, now: Instant) -> Result<(), Why> {
        let sender = Sender { socket_id: self.place.id(), address: self.place.address(), kind: &label.kind };
        let answer = self.flood.refuse(&self.front, sender, refusal, now);
        self.write(answer.write(label, Duration::ZERO)).await
    }

    /// Joins first: who has read that it is registered hears every push from then on.
    async fn say(&mut self, words: Words) -> Result<(), Why> {
        if words.joins.is_some() && words.joins != self.joined {
            self.active = Instant::now();
            self.joined = words.joins;
            let application = self.joined.as_deref().unwrap_or_default();
            self.place.join(application);
            self.seat.join(application);
        }
        self.write(words.text).await
    }

    /// The connection bounds how long a write may wait for the client.
    async fn write(&mut self, text: Bytes) -> Result<(), Why> {
        if self.joined.is_some() {
            self.active = Instant::now();
        }
        // What this host writes was made from texts; another host of the fleet may have sent anything.
        if std::str::from_utf8(&text).is_err() {
            return Err(why(CloseCode::Error, "an answer was no text"));
        }
        lost(self.socket.send_text(text).await)?;
        self.place.sent();
        Ok(())
    }

    /// Says goodbye; what waits for answers is given up.
    async fn close(mut self, why: Why) {
        self.waiting.abort_all();
        let frame = CloseFrame { code: why.code, reason: Utf8Bytes::from_static(why.words) };
        // A courtesy: the client may be gone.
        let _ = timeout(GOODBYE_TIME, self.socket.close(frame)).await;
    }
}

fn lost(written: Result<(), tungstenite::Error>) -> Result<(), Why> {
    written.map_err(|error| match error {
        tungstenite::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            why(CloseCode::Policy, "it does not read what it is sent")
        }
        _ => why(CloseCode::Normal, "the connection was lost"),
    })
}

/// Answers one message.
async fn answer(front: Arc<Front>, message: ClientMessage, say: mpsc::Sender<Words>) {
    let started = Instant::now();
    let label = message.incoming.label.clone();
    let each = |part: Part| {
        let text = envelope::part(&label, &part);
        async {
            // A socket that has ended takes nothing more.
            let _ = say.send(Words { text, joins: None }).await;
        }
    };
    let Said { answer, joins } = messages::answer(&front, message, Some(each)).await;
    let _ = say.send(Words { text: answer.write(&label, started.elapsed()), joins }).await;
}
