//! The WebSocket of one client, with little memory for each that is idle.
//! In come texts to send; out go the client's messages.
//! It never keeps the memory of a large message when that has gone, in neither direction.

use crate::link::{Counted, Traffic};
use bytes::{Buf as _, Bytes};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

/// Bytes that are read from the system at once: each idle socket keeps them.
const READ_BYTES: usize = 2 << 10;
/// Bytes that the library reads at once: its own smallest number, one header. What it reads beyond the end of a message
/// keeps that message's memory, so it may hardly read beyond.
const LIBRARY_BYTES: usize = 14;
/// How long a client may take nothing of what it is sent: whoever waits for it, a handler above all, must not wait for long.
const READ_TIME: Duration = Duration::from_secs(5);
/// Bytes of the longest header of a frame that a server sends.
const HEADER_BYTES: usize = 10;

/// What came: nothing once the connection has ended.
pub(super) type Came = Option<Result<Message, tungstenite::Error>>;

pub(super) struct ClientSocket {
    socket: WebSocketStream<BufReader<Counted<TokioIo<Upgraded>>>>,
    traffic: Traffic,
    /// What the traffic's count was when it was last asked for.
    seen: u64,
    /// Whether the client has said goodbye.
    is_left: bool,
    /// What came right behind a large message.
    next: Option<Came>,
}

impl ClientSocket {
    /// Messages may have so many bytes.
    pub(super) async fn new(upgraded: Upgraded, most: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(LIBRARY_BYTES)
            .max_message_size(Some(most))
            .max_frame_size(Some(most));
        let (stream, traffic) = Counted::new(TokioIo::new(upgraded));
        let stream = BufReader::with_capacity(READ_BYTES, stream);
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        Self { socket, traffic, seen: 0, is_left: false, next: None }
    }

    /// Whether anything moved since this was last asked: a large message on a slow wire takes its time.
    pub(super) fn has_moved(&mut self) -> bool {
        let seen = std::mem::replace(&mut self.seen, self.traffic.count());
        self.seen != seen
    }

    /// The next message. Nothing is lost when this is given up.
    pub(super) async fn next(&mut self) -> Came {
        if let Some(next) = self.next.take() {
            return next;
        }
        let came = self.socket.next().await;
        if matches!(&came, Some(Ok(message)) if message.len() > READ_BYTES) {
            // The library takes new memory for what comes next only if it looks for that while the message still has
            // the old. Else the socket would keep the memory of its largest message.
            self.next = self.socket.next().now_or_never();
        }
        self.is_left |= matches!(&came, Some(Ok(Message::Close(_))));
        came
    }

    /// Sends JSON, which is UTF-8. It goes by the library, which would copy it into a buffer that never becomes smaller.
    pub(super) async fn send_text(&mut self, text: Bytes) -> Result<(), tungstenite::Error> {
        // The library's answers to pings go first: nothing of its own may wait in the middle of a frame.
        self.socket.flush().await?;
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        let mut head = Vec::with_capacity(HEADER_BYTES);
        header.format(text.len() as u64, &mut head)?;
        let stream = self.socket.get_mut();
        let mut frame = Bytes::from(head).chain(text);
        while frame.has_remaining() {
            // Each byte that the client takes begins the time anew.
            let written = timeout(READ_TIME, stream.write_buf(&mut frame)).await;
            written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        }
        Ok(stream.flush().await?)
    }

    /// Asks for a sign of life.
    pub(super) async fn ping(&mut self) -> Result<(), tungstenite::Error> {
        self.socket.send(Message::Ping(Bytes::new())).await
    }

    /// Says goodbye, or answers the client's, and lets it read that: were the connection cut while it still sends, the system
    /// would throw away what is on its way.
    pub(super) async fn close(&mut self, frame: CloseFrame) -> Result<(), tungstenite::Error> {
        if self.is_left {
            // The library has the answer ready.
            return self.socket.flush().await;
        }
        self.socket.close(Some(frame)).await?;
        let stream = self.socket.get_mut();
        stream.shutdown().await?;
        // It is part of each socket's task as long as that lives, so it is small.
        let mut waste = [0; 64];
        while stream.read(&mut waste).await? > 0 {}
        Ok(())
    }
}
