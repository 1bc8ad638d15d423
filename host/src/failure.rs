//! What can go wrong with one request.
//! In come a status, words for the caller and words for the operator; out goes one value that every part returns.
//! A failure never prints itself: `response` makes the reply and `dispatch` logs it, each once.

use std::borrow::Cow;

/// On the way between hosts: says that no handler ran for the request, so that another instance may be asked. A client never
/// sees it, and no handler can set it.
pub const NOT_RUN: &str = "qewd-not-run";

/// Why no handler ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRun {
    /// The host has too much to do for now.
    Busy,
    /// The host cannot: a handler or a link that it needs is not there.
    Unable,
}

impl NotRun {
    /// The value of the header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Unable => "unable",
        }
    }
}

/// A request that is answered with an error.
///
/// The caller reads [`Failure::caller`] as `{"error": …}`; the operator reads [`Failure::operator`] in the log under the
/// same request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// Words for the caller: what is wrong and, where there is one, the way out. No internals.
    pub caller: Cow<'static, str>,
    /// A JSON value that replaces `{"error": caller}`: only handlers set it.
    pub body: Option<bytes::Bytes>,
    /// Words for the operator, where there is more to say than the caller may read.
    pub operator: Option<String>,
    /// Headers that belong to the status: `Allow`, `Retry-After`, `WWW-Authenticate`.
    pub headers: Vec<(String, String)>,
    /// Whose fault it is, which decides how loudly it is logged.
    pub fault: Fault,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request's: logged as information.
    Caller,
    /// A handler's, a service's or ours: logged as a warning or an error, with the way out.
    System,
}

impl Failure {
    /// A failure that is the caller's to mend.
    pub fn caller(status: u16, words: impl Into<Cow<'static, str>>) -> Self {
        Self { status, caller: words.into(), body: None, operator: None, headers: Vec::new(), fault: Fault::Caller }
    }

    /// A failure that is the operator's to mend, with words for the log.
    pub fn system(status: u16, words: impl Into<Cow<'static, str>>, operator: impl Into<String>) -> Self {
        Self { operator: Some(operator.into()), fault: Fault::System, ..Self::caller(status, words) }
    }

    /// Adds words for the log.
    #[must_use]
    pub fn because(mut self, operator: impl Into<String>) -> Self {
        self.operator = Some(operator.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Says that no handler ran for the request, so that another instance may be asked.
    #[must_use]
    pub fn not_run(self, why: NotRun) -> Self {
        self.with_header(NOT_RUN, why.as_str())
    }

    /// Whether no handler ran for the request.
    #[must_use]
    pub fn is_not_run(&self) -> bool {
        self.headers.iter().any(|(name, _)| name == NOT_RUN)
    }

    /// The service that a route names cannot be reached: the text that clients of QEWD-Up know.
    #[must_use]
    pub fn connection_down(operator: impl Into<String>) -> Self {
        Self::system(503, "MicroService connection is down", operator)
    }

    /// The request's time is over.
    #[must_use]
    pub fn deadline(operator: impl Into<String>) -> Self {
        Self::system(504, "The request took too long and was given up", operator)
    }
}
