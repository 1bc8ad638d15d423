//! What a handler prints: whole lines go to the host's log with the handler's name and the request's id.
//! In come bytes of standard output and standard error; out go log lines.
//! It never holds a handler up, and never keeps more than one line or more lines than one request may write.

use crate::logging::LINE_BYTES;
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes that one request may write to the log, printed or through the `log` interface.
const REQUEST_BYTES: usize = 64 << 10;
/// Bytes that the log adds to a line: its time, its level, the handler and the request.
const LINE_OVERHEAD: usize = 100;
/// What a stream says it takes at once: wasi-libc asks before each write.
const WRITE_BYTES: usize = 64 << 10;

/// Where the lines of one instance go; the call tells it which request they belong to.
#[derive(Clone, Default)]
pub(super) struct HandlerLog(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    handler: String,
    request: String,
    written: usize,
    unfinished: Vec<u8>,
}

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loudness {
    Debug,
    Info,
    Warn,
    Error,
}

impl HandlerLog {
    /// From now on lines belong to this request.
    pub(super) fn begin(&self, handler: &str, request: &str) {
        let mut lines = self.lock();
        *lines = Lines { handler: handler.to_owned(), request: request.to_owned(), ..Lines::default() };
    }

    /// The call is over: what was printed without a line's end is a line.
    pub(super) fn finish(&self) {
        let mut lines = self.lock();
        let rest = std::mem::take(&mut lines.unfinished);
        if !rest.is_empty() {
            lines.write(Loudness::Info, &String::from_utf8_lossy(&rest));
        }
    }

    /// One line through the `log` interface.
    pub(super) fn write(&self, loudness: Loudness, line: &str) {
        self.lock().write(loudness, line);
    }

    fn print(&self, bytes: &[u8]) {
        let mut lines = self.lock();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            lines.unfinished.extend_from_slice(part);
            if part.ends_with(b"\n") || lines.unfinished.len() >= LINE_BYTES {
                let line = std::mem::take(&mut lines.unfinished);
                lines.write(Loudness::Info, String::from_utf8_lossy(&line).trim_end());
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        // A thread that panicked while it held the lock left at worst half a line.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn write(&mut self, loudness: Loudness, line: &str) {
        if self.written > REQUEST_BYTES {
            return;
        }
        self.written = self.written.saturating_add(line.len()).saturating_add(LINE_OVERHEAD);
        if self.written > REQUEST_BYTES {
            tracing::warn!(handler = self.handler, request = self.request, "further lines of this request are dropped");
            return;
        }
        let (handler, request) = (&self.handler, &self.request);
        let line = crate::logging::one_line(line);
        match loudness {
            Loudness::Debug => tracing::debug!(target: "qewd::handler", handler, request, "{line}"),
            Loudness::Info => tracing::info!(target: "qewd::handler", handler, request, "{line}"),
            Loudness::Warn => tracing::warn!(target: "qewd::handler", handler, request, "{line}"),
            Loudness::Error => tracing::error!(target: "qewd::handler", handler, request, "{line}"),
        }
    }
}

impl IsTerminal for HandlerLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for HandlerLog {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only preview 3 of WASI asks for this, and we do not link it.
        Box::new(tokio::io::sink())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for HandlerLog {
    async fn ready(&mut self) {}
}

impl OutputStream for HandlerLog {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_never_stops_printing_is_bounded() {
        let log = HandlerLog::default();
        log.begin("loud", "r1");
        for _ in 0..10_000 {
            log.print(b"line after line\n");
        }
        log.print(&[b'x'; 3 * LINE_BYTES]);
        let lines = log.lock();
        assert!(lines.written <= REQUEST_BYTES + LINE_BYTES && lines.unfinished.len() < 2 * LINE_BYTES);
    }
}
