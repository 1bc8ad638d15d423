//! A WebSocket as the state machines see it: messages in, messages out.
//! While it waits for a message it writes what it has to, so that two ends that both have much to say never wait for one another.
//! It never looks into a message.

use super::traffic::Traffic;
use crate::logging::one_line;
use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

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

/// Bytes of the shortest frame beside its message: an empty one has to be written, too.
const FRAME_BYTES: usize = 2;
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
    stream: WebSocketStream<S>,
    /// What the library has not been given yet.
    waiting: VecDeque<Message>,
    /// Bytes that wait to be written, and how many of them the library has.
    unwritten: usize,
    handed: usize,
    /// Nothing can be written any more. What has come can still be read, and then its end.
    is_broken: bool,
    traffic: Traffic,
    /// What the traffic's count was when it was last asked for.
    seen: u64,
    /// The other end's reason, if it closed and gave one.
    reason: Option<String>,
}

/// The other end does not read what it is sent.
#[derive(Debug)]
pub(crate) struct Stuck;

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(crate) fn new(stream: WebSocketStream<S>, traffic: Traffic) -> Self {
        let (waiting, unwritten, handed) = (VecDeque::new(), 0, 0);
        Self { stream, waiting, unwritten, handed, is_broken: false, traffic, seen: 0, reason: None }
    }

    /// Whether so much waits to be written that more should not be added.
    pub(crate) fn is_full(&self) -> bool {
        self.unwritten > UNWRITTEN_BYTES
    }

    /// Whether all that was sent is in the system's hands.
    pub(crate) fn is_drained(&self) -> bool {
        self.unwritten == 0
    }

    /// Whether anything moved since this was last asked: a large message on a slow wire takes its time.
    pub(crate) fn has_moved(&mut self) -> bool {
        let seen = std::mem::replace(&mut self.seen, self.traffic.count());
        self.seen != seen
    }

    /// The next message; none: the socket is closed or broken.
    pub(crate) async fn next(&mut self) -> Option<Wire> {
        loop {
            let message = poll_fn(|context| {
                // What waits for the other end to read must not keep us from reading: it may wait for that itself.
                let _ = self.poll_write(context);
                self.stream.poll_next_unpin(context)
            });
            match message.await? {
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

    /// Why there is no next message, in words for the log.
    pub(crate) fn parting_words(&self) -> String {
        match &self.reason {
            Some(reason) => format!("it closed the connection: {reason}"),
            None => "it closed the connection".to_owned(),
        }
    }

    /// Takes a message up to be written, by [`Socket::flush`] or while the next one is waited for.
    pub(crate) fn send(&mut self, message: Wire) -> Result<(), Stuck> {
        self.put(match message {
            Wire::Text(text) => Message::text(text),
            Wire::Binary(bytes) => Message::binary(bytes),
            Wire::Ping(number) => Message::Ping(Bytes::copy_from_slice(&number.to_be_bytes())),
            Wire::Pong(number) => Message::Pong(Bytes::copy_from_slice(&number.to_be_bytes())),
        })
    }

    /// Gives the system what was sent, as far as it takes it now: several messages with one write.
    pub(crate) async fn flush(&mut self) {
        poll_fn(|context| {
            let _ = self.poll_write(context);
            Poll::Ready(())
        })
        .await;
    }

    /// Writes what waits, says goodbye with a reason, and waits for that, but not for ever.
    pub(crate) async fn close(mut self, why: &str) {
        let reason = why.get(..why.floor_char_boundary(REASON_BYTES)).unwrap_or_default();
        let frame = CloseFrame { code: CloseCode::Away, reason: reason.into() };
        // Where there is no room for it, the other end does not read.
        let _ = self.put(Message::Close(Some(frame)));
        let goodbye = async {
            poll_fn(|context| self.poll_write(context)).await;
            // The close frame is a courtesy; the other end may be gone.
            let _ = self.stream.close(None).await;
        };
        let _ = tokio::time::timeout(GOODBYE_TIME, goodbye).await;
    }

    fn put(&mut self, message: Message) -> Result<(), Stuck> {
        if self.waiting.len() >= UNWRITTEN {
            return Err(Stuck);
        }
        self.unwritten = self.unwritten.saturating_add(size(&message));
        self.waiting.push_back(message);
        Ok(())
    }

    /// Ready: nothing waits any more, or nothing can be written.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_broken || self.unwritten == 0 {
            return Poll::Ready(());
        }
        if ready!(self.try_write(context)).is_err() {
            self.is_broken = true;
            self.waiting.clear();
        }
        Poll::Ready(())
    }

    /// Gives the library as much as it writes at once, again and again until nothing is left.
    fn try_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.unwritten > 0 {
            while self.handed < WRITE_BYTES && !self.waiting.is_empty() {
                ready!(self.stream.poll_ready_unpin(context))?;
                if let Some(message) = self.waiting.pop_front() {
                    self.handed = self.handed.saturating_add(size(&message));
                    self.stream.start_send_unpin(message)?;
                }
            }
            ready!(self.stream.poll_flush_unpin(context))?;
            self.unwritten = self.unwritten.saturating_sub(std::mem::take(&mut self.handed));
        }
        Poll::Ready(Ok(()))
    }
}

fn size(message: &Message) -> usize {
    message.len().saturating_add(FRAME_BYTES)
}

/// 0, if it is none of ours.
fn read_number(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_be_bytes)
}
