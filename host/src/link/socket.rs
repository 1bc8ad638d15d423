//! A WebSocket as the state machines see it: messages in, messages out.
//! Writing has a task of its own, so that two ends that both have much to say never wait for one another.
//! It never looks into a message.

use super::traffic::Traffic;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, stream::SplitStream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Messages that may wait to be written: every request in flight with its cancellation, and heartbeats.
const UNWRITTEN: usize = 4 * super::caller::IN_FLIGHT;
/// Bytes that are read at once; the library's default of 128 KiB is paid by each socket.
const READ_BYTES: usize = 16 << 10;
/// Bytes that are gathered before they are written; what is left goes out when nothing more waits.
const WRITE_BYTES: usize = 64 << 10;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wire {
    Text(String),
    Binary(Bytes),
    Ping,
    /// A sign of life; the library answers a ping by itself.
    Pong,
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
    writer: JoinHandle<()>,
    traffic: Traffic,
    /// What the traffic's count was when it was last asked for.
    seen: u64,
}

/// The other end does not read what it is sent.
#[derive(Debug)]
pub(crate) struct Stuck;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket<S> {
    pub(crate) fn new(socket: WebSocketStream<S>, traffic: Traffic) -> Self {
        let (mut sink, incoming) = socket.split();
        let (outgoing, mut messages) = mpsc::channel::<Message>(UNWRITTEN);
        let writer = tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                if sink.feed(message).await.is_err() {
                    return;
                }
                // What has gathered meanwhile goes out with one write.
                while let Ok(message) = messages.try_recv() {
                    if sink.feed(message).await.is_err() {
                        return;
                    }
                }
                if sink.flush().await.is_err() {
                    return;
                }
            }
            // The close frame is a courtesy; the other end may be gone.
            let _ = sink.close().await;
        });
        Self { incoming, outgoing, writer, traffic, seen: 0 }
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
                Ok(Message::Ping(_)) => return Some(Wire::Ping),
                Ok(Message::Pong(_)) => return Some(Wire::Pong),
                Ok(Message::Frame(_)) => {}
                Ok(Message::Close(_)) | Err(_) => return None,
            }
        }
    }

    /// Hands a message to the writer.
    pub(crate) fn send(&self, message: Wire) -> Result<(), Stuck> {
        let message = match message {
            Wire::Text(text) => Message::text(text),
            Wire::Binary(bytes) => Message::binary(bytes),
            Wire::Ping => Message::Ping(Bytes::new()),
            Wire::Pong => Message::Pong(Bytes::new()),
        };
        self.outgoing.try_send(message).map_err(|_| Stuck)
    }

    /// Writes what waits, says goodbye, and waits for that, but not for ever.
    pub(crate) async fn close(self, patience: std::time::Duration) {
        drop(self.outgoing);
        let abort = self.writer.abort_handle();
        if tokio::time::timeout(patience, self.writer).await.is_err() {
            abort.abort();
        }
    }
}
