//! The bytes of one client's connection.
//! The HTTP library answers what it cannot read with a bare status; here that becomes our JSON error, and the client gets
//! the time to read it before the connection ends.
//! It never touches the bytes of a request that was read.

use crate::configuration::Limits;
use crate::logging::REQUEST;
use crate::names::RequestId;
use crate::tls::Stream;
use bytes::Bytes;
use socket2::SockRef;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The smallest buffer that the HTTP library works with.
pub(super) const SMALLEST_BUFFER: usize = 8 << 10;
/// Bytes of a bare answer of the HTTP library at most: a status line and three headers.
const BARE_BYTES: usize = 256;
/// How long a client that still sends may go on while the connection ends: were it cut at once, the system would throw away
/// the answer with it.
const LINGER: Duration = Duration::from_millis(500);
/// How long a write may wait for a client that does not read. Each byte that it takes begins the time anew.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// Bytes that are thrown away meanwhile.
const LINGER_BYTES: usize = 16 << 20;

/// What is known of a connection's bytes outside of the HTTP library.
#[derive(Debug, Default)]
pub(super) struct Sign {
    reads: AtomicUsize,
    has_asked: AtomicBool,
    is_looked_at: AtomicBool,
    has_more: AtomicBool,
}

impl Sign {
    /// A request has come.
    pub(super) fn asked(&self) {
        self.has_asked.store(true, Ordering::Relaxed);
    }

    /// Whether a request ever came.
    pub(super) fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    /// How often bytes have come.
    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    /// From now on, whoever reads finds out whether the system has bytes of which the runtime has not heard.
    pub(super) fn ask(&self) {
        self.is_looked_at.store(true, Ordering::Relaxed);
    }

    /// Whether it had none.
    pub(super) fn is_quiet(&self) -> bool {
        !self.has_more.load(Ordering::Relaxed)
    }

    fn note(&self, stream: &Stream) {
        if self.is_looked_at.load(Ordering::Relaxed) {
            let stream = match stream {
                Stream::Left(stream) => stream,
                Stream::Right(stream) => stream.get_ref().0,
            };
            let peeked = SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]);
            self.has_more.store(peeked.is_ok_and(|bytes| bytes > 0), Ordering::Relaxed);
        }
    }
}

/// One connection.
pub(super) struct Wire {
    stream: Stream,
    sign: Arc<Sign>,
    /// The words for headers that are too many or too long.
    too_large: String,
    /// Our answer in place of a bare status, until it is written.
    refusal: Bytes,
    linger: Option<(Pin<Box<Sleep>>, usize)>,
    /// Until when a write that waits for the client may wait.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(stream: Stream, limits: &Limits, sign: Arc<Sign>) -> Self {
        let too_large = super::rest::headers_too_large(limits);
        Self { stream, sign, too_large, refusal: Bytes::new(), linger: None, patience: None }
    }

    /// Our answer, if these bytes are the HTTP library's bare one: ours always have a request id.
    fn refusal_for(&self, bytes: &[u8]) -> Option<Bytes> {
        if bytes.len() > BARE_BYTES || !bytes.ends_with(b"\r\n\r\n") {
            return None;
        }
        let status = bytes.strip_prefix(b"HTTP/1.1 4").and_then(|rest| rest.get(..2))?;
        let text = std::str::from_utf8(bytes).ok()?;
        if text.contains("x-request-id:") || !text.contains("content-length: 0") {
            return None;
        }
        let (status, words) = match status {
            b"31" => ("431 Request Header Fields Too Large", self.too_large.clone()),
            b"14" => ("414 URI Too Long", "The address is too long".to_owned()),
            _ => ("400 Bad Request", "This is not an HTTP/1.1 request".to_owned()),
        };
        let id = RequestId::random();
        let code: Option<u16> = status.get(..3).and_then(|code| code.parse().ok());
        tracing::info!(name: REQUEST, request = id.as_str(), status = code, kind = "rest", error = words, "refused before it was read: {status}: {words}");
        let body = serde_json::json!({ "error": words }).to_string();
        let (length, kind) = (body.len(), crate::response::JSON);
        Some(Bytes::from(format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nx-request-id: {id}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )))
    }

    /// A client that does not read must not hold its connection and its answer for ever.
    fn bounded<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.patience = None;
            return written;
        }
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(WRITE_TIME)));
        ready!(patience.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_refusal(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.refusal.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.refusal))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let _ = self.refusal.split_to(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads and throws away until the client ends, too.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (until, left) = self.linger.get_or_insert_with(|| (Box::pin(sleep(LINGER)), LINGER_BYTES));
        let mut waste = [0; 4096];
        loop {
            if *left == 0 || until.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut waste);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => *left = left.saturating_sub(buffer.filled().len()),
                // The client has ended, in one way or the other.
                Ok(()) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &read {
            Poll::Ready(_) => {
                self.sign.reads.fetch_add(1, Ordering::Relaxed);
            }
            Poll::Pending => self.sign.note(&self.stream),
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_refusal(context))?;
        if let Some(refusal) = self.refusal_for(bytes) {
            self.refusal = refusal;
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bounded(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices {
            [only] => self.poll_write(context, only),
            _ => {
                ready!(self.poll_refusal(context))?;
                let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
                self.bounded(context, written)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(context))?;
        // Encrypted bytes may wait for the client here: 64 KiB of them at most.
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.bounded(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(context))?;
        if self.linger.is_none() {
            let shut = Pin::new(&mut self.stream).poll_shutdown(context);
            ready!(self.bounded(context, shut))?;
        }
        self.poll_linger(context)
    }
}
