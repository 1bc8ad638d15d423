//! A WebSocket as the state machines see it: messages in, messages out.
//! Writing has a task of its own, so that two ends that both have much to say never wait for one another.
//! It never looks into a message.

use super::traffic::Traffic;
use crate::logging::one_line;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

/// Messages that may wait to be written: every request in flight with its cancellation, and heartbeats.
const UNWRITTEN: usize = 4 * super::caller::IN_FLIGHT;
/// Bytes that are read at once; the library's default of 128 KiB is paid by each socket.
const READ_BYTES: usize = 16 << 10;
/// How long a socket that is given up may take to write what waits and to say goodbye.
pub(super) const GOODBYE_TIME: Duration = Duration::from_millis(200);
/// Bytes that may wait to be written; with more, new requests are refused. Several of the largest bodies.
const UNWRITTEN_BYTES: usize = 64 << 20;
/// Bytes of the reason in a close frame (RFC 6455, 5.5: a control frame has 125, two of them for the code).
const REASON_BYTES: usize = 123;
/// Bytes that are gathered before they are written; what is left goes out when nothing more waits.
const WRITE_BYTES: usize = 64 << 10;

/// Messages that are taken up at one time, before anything else has its turn.
pub(crate) const AT_ONCE: usize = 64;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wire {
    Text(String),
    Binary(Bytes),
    /// A question for a sign of life, under a number.
    Ping(u64),
    /// A sign of life, with the number of the question; the library answers a ping by itself.
    Pong(u64),
}

/// The settings of a link's WebSocket, for bodies of at most so many bytes.
pub(crate) fn websocket_config(body: usize) -> WebSocketConfig {
    let most = body.saturating_add(super::frame::HEADER_BYTES).saturating_add(4);
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_message_size(Some(most))
        .max_frame_size(Some(most))
}

/// A connected WebSocket.
pub(crate) struct Socket<S> {
    incoming: SplitStream<WebSocketStream<S>>,
    outgoing: mpsc::Sender<Message>,
    outbox: Arc<Outbox>,
    writer: JoinHandle<()>,
    traffic: Traffic,
    /// What the traffic's count was when it was last asked for.
    seen: u64,
    /// The other end's reason, if it closed and gave one.
    reason: Option<String>,
}

/// What the socket and its writer know together.
#[derive(Default)]
struct Outbox {
    /// Bytes that wait to be written.
    unwritten: AtomicUsize,
    /// Whether others are about to speak.
    waits: AtomicBool,
}

/// The other end does not read what it is sent.
#[derive(Debug)]
pub(crate) struct Stuck;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket<S> {
    pub(crate) fn new(socket: WebSocketStream<S>, traffic: Traffic) -> Self {
        let (sink, incoming) = socket.split();
        let (outgoing, messages) = mpsc::channel::<Message>(UNWRITTEN);
        let outbox = Arc::<Outbox>::default();
        let writer = tokio::spawn(write(sink, messages, Arc::clone(&outbox)));
        Self { incoming, outgoing, outbox, writer, traffic, seen: 0, reason: None }
    }

    /// Whether so much waits to be written that more should not be added.
    pub(crate) fn is_full(&self) -> bool {
        self.outbox.unwritten.load(Ordering::Relaxed) > UNWRITTEN_BYTES
    }

    /// Whether all that was sent is in the system's hands.
    pub(crate) fn is_drained(&self) -> bool {
        self.outbox.unwritten.load(Ordering::Relaxed) == 0
    }

    /// Whether anything moved since this was last asked: a large message on a slow wire takes its time.
    pub(crate) fn has_moved(&mut self) -> bool {
        let seen = std::mem::replace(&mut self.seen, self.traffic.count());
        self.seen != seen
    }

    /// The next message; none: the socket is closed or broken.
    pub(crate) async fn next(&mut self) -> Option<Wire> {
        loop {
            match self.incoming.next().await? {
                Ok(Message::Text(text)) => return Some(Wire::Text(text.as_str().to_owned())),
                Ok(Message::Binary(bytes)) => return Some(Wire::Binary(bytes)),
                Ok(Message::Ping(number)) => return Some(Wire::Ping(read_number(&number))),
                Ok(Message::Pong(number)) => return Some(Wire::Pong(read_number(&number))),
                Ok(Message::Frame(_)) => {}
                Ok(Message::Close(frame)) => {
                    self.reason = frame.map(|frame| one_line(&frame.reason).into_owned()).filter(|why| !why.is_empty());
                    return None;
                }
                Err(_) => return None,
            }
        }
    }

    /// A message that is there already.
    pub(crate) fn next_waiting(&mut self) -> Option<Wire> {
        // Whoever calls this waits for the next message afterwards: nobody is woken for it here.
        self.next().now_or_never().flatten()
    }

    /// Says whether others are about to speak: then the writer lets them have their turn first, and all of it is one write.
    pub(crate) fn others_will_speak(&self, will: bool) {
        self.outbox.waits.store(will, Ordering::Relaxed);
    }

    /// Why there is no next message, in words for the log.
    pub(crate) fn parting_words(&self) -> String {
        match &self.reason {
            Some(reason) => format!("it closed the connection: {reason}"),
            None => "it closed the connection".to_owned(),
        }
    }

    /// Hands a message to the writer.
    pub(crate) fn send(&self, message: Wire) -> Result<(), Stuck> {
        let message = match message {
            Wire::Text(text) => Message::text(text),
            Wire::Binary(bytes) => Message::binary(bytes),
            Wire::Ping(number) => Message::Ping(Bytes::copy_from_slice(&number.to_be_bytes())),
            Wire::Pong(number) => Message::Pong(Bytes::copy_from_slice(&number.to_be_bytes())),
        };
        self.outbox.unwritten.fetch_add(message.len(), Ordering::Relaxed);
        self.outgoing.try_send(message).map_err(|_| Stuck)
    }

    /// Writes what waits, says goodbye with a reason, and waits for that, but not for ever.
    pub(crate) async fn close(self, why: &str) {
        let reason = why.get(..why.floor_char_boundary(REASON_BYTES)).unwrap_or_default();
        let frame = CloseFrame { code: CloseCode::Away, reason: reason.into() };
        // Where there is no room for it, the other end does not read.
        let _ = self.outgoing.try_send(Message::Close(Some(frame)));
        drop(self.outgoing);
        let abort = self.writer.abort_handle();
        if tokio::time::timeout(GOODBYE_TIME, self.writer).await.is_err() {
            abort.abort();
        }
    }
}

/// 0, if it is none of ours.
fn read_number(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_be_bytes)
}

/// Writes what comes, several messages at once where several wait.
async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    mut messages: mpsc::Receiver<Message>,
    outbox: Arc<Outbox>,
) {
    let mut waiting = Vec::with_capacity(AT_ONCE);
    while messages.recv_many(&mut waiting, AT_ONCE).await > 0 {
        if outbox.waits.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
            while let Ok(message) = messages.try_recv() {
                waiting.push(message);
            }
        }
        let mut fed = 0;
        for message in waiting.drain(..) {
            fed += message.len();
            if sink.feed(message).await.is_err() {
                return;
            }
        }
        if sink.flush().await.is_err() {
            return;
        }
        outbox.unwritten.fetch_sub(fed, Ordering::Relaxed);
    }
    // The close frame is a courtesy; the other end may be gone.
    let _ = sink.close().await;
}
