//! The one line that the log has of each request.
//! In come the request, what was found out about it, and how it ended; out goes one event: words for people, fields for programs.
//! No query, header or body is in it.

use crate::logging::{REQUEST, cut};
use crate::names::{HandlerName, ServiceName};
use crate::telemetry::Ended;
use std::fmt;
use std::time::Duration;

/// A request that has ended.
pub(super) struct Line<'a>(pub(super) &'a Ended<'a>);

/// What a field says where nobody waits for the answer any more.
const GIVEN_UP: &str = "given up by its caller";

impl Line<'_> {
    /// Writes it. `is_ours`: an operator has something to look at.
    pub(super) fn write(&self, is_ours: bool) {
        let Ended { request, trace, found, took, status, error, .. } = *self.0;
        // The levels of events are constants.
        macro_rules! write {
            ($level:ident) => {
                tracing::$level!(
                    name: REQUEST,
                    request = request.id.as_str(),
                    method = request.method,
                    path = cut(request.path),
                    route = found.route.as_deref(),
                    status,
                    milliseconds = milliseconds(took),
                    kind = request.kind.as_str(),
                    handler = found.handler.as_ref().map(HandlerName::as_str),
                    version = found.version.as_deref(),
                    service = found.service.as_ref().map(ServiceName::as_str),
                    trace = %trace.id,
                    error = status.map_or(Some(GIVEN_UP), |_| error),
                    "{self}"
                )
            };
        }
        if is_ours {
            write!(warn);
        } else {
            write!(info);
        }
    }
}

/// A path as a log shows it. Almost every one is plain, and the library looks at each character for long.
fn quoted(path: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    if is_plain {
        formatter.write_str(" \"")?;
        formatter.write_str(path)?;
        formatter.write_str("\"")
    } else {
        write!(formatter, " {path:?}")
    }
}

/// To the microsecond, which is what clocks are good for here.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// In the words of the log; a question of a handler says whom it was asked.
impl fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ended { request, asked, took, status, error, .. } = *self.0;
        if let Some(service) = asked {
            write!(formatter, "asked {service}: ")?;
        }
        formatter.write_str(request.method)?;
        quoted(cut(request.path), formatter)?;
        let Some(status) = status else {
            return write!(formatter, " was {GIVEN_UP}");
        };
        write!(formatter, " -> {status} in {:.1} ms", milliseconds(took))?;
        error.map_or(Ok(()), |words| write!(formatter, ": {words}"))
    }
}
