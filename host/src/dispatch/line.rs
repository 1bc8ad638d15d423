//! The one line that the log has of each request.
//! In come the request, what was found out about it, and how it ended; out goes one event: words for people, fields for programs.
//! No query, header or body is in it.

use crate::activity::{Found, Named};
use crate::logging::{REQUEST, cut};
use crate::names::ServiceName;
use crate::trace::TraceId;
use std::fmt;
use std::time::Duration;

/// A request that has ended.
pub(super) struct Line<'a> {
    pub(super) request: Named<'a>,
    pub(super) trace: TraceId,
    /// The service that was asked by name.
    pub(super) asked: Option<&'a ServiceName>,
    pub(super) found: &'a Found,
    pub(super) took: Duration,
    /// None: its caller went away.
    pub(super) status: Option<u16>,
    /// Why it failed.
    pub(super) error: Option<&'a str>,
}

/// What a field says where nobody waits for the answer any more.
const GIVEN_UP: &str = "given up by its caller";

impl Line<'_> {
    /// Writes it. `is_ours`: an operator has something to look at.
    pub(super) fn write(&self, is_ours: bool) {
        // The levels of events are constants.
        macro_rules! write {
            ($level:ident) => {
                tracing::$level!(
                    name: REQUEST,
                    request = self.request.id.as_str(),
                    method = self.request.method,
                    path = cut(self.request.path),
                    route = self.found.route.as_deref(),
                    status = self.status,
                    milliseconds = milliseconds(self.took),
                    kind = self.request.kind.as_str(),
                    handler = self.found.handler.as_ref().map(crate::names::HandlerName::as_str),
                    version = self.found.version.as_deref(),
                    service = self.found.service.as_ref().map(ServiceName::as_str),
                    trace = %self.trace,
                    error = self.status.map_or(Some(GIVEN_UP), |_| self.error),
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

/// To the microsecond, which is what clocks are good for here.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// In the words of the log; a question of a handler says whom it was asked.
impl fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(service) = self.asked {
            write!(formatter, "asked {service}: ")?;
        }
        write!(formatter, "{} {:?}", self.request.method, cut(self.request.path))?;
        let Some(status) = self.status else {
            return write!(formatter, " was {GIVEN_UP}");
        };
        write!(formatter, " -> {status} in {:.1} ms", milliseconds(self.took))?;
        self.error.map_or(Ok(()), |words| write!(formatter, ": {words}"))
    }
}
