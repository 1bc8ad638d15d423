//! What travels over a link.
//! The first exchange is JSON text; after it each message is binary: four bytes for the length of a JSON header, the
//! header, and the body as it is.
//! Bodies are never parsed, and fields that a newer host adds are passed over.

use crate::message::{PARTS, Part, Push, PushHead};
use crate::names::RequestId;
use crate::request::{Kind, Request, is_method};
use crate::response::Response;
use crate::trace::Trace;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of a frame's header: twice what the listener takes as an HTTP header block, since JSON escapes.
pub(super) const HEADER_BYTES: usize = 1 << 20;
/// Bytes for which a frame's header gets room at once: those of a browser's request have about so many.
const USUAL_HEADER_BYTES: usize = 1 << 10;
/// Intermediate messages of one request that may be on their way: the host that asked says when it has passed some on.
pub(crate) const WINDOW: usize = PARTS;

/// Milliseconds that an answer may need for its way back, at most: far more than a network takes.
const SPARE_MILLISECONDS: u64 = 100;
/// Part of the time that is left which is spared, so that short times are not eaten up.
const SPARE_DIVISOR: u64 = 20;

/// The first message of the host that opened the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Greeting {
    /// The first connection since the host started.
    #[serde(rename = "ewd-register")]
    Register {
        /// The service that it means to reach.
        application: String,
        /// Always true: what the original sends.
        jwt: bool,
        /// Bytes of an answer's body that it takes.
        #[serde(default = "no_limit", rename = "bodyLimit")]
        body_limit: usize,
    },
    /// A connection after a lost one.
    #[serde(rename = "ewd-reregister")]
    Reregister {
        /// The service that it means to reach.
        application: String,
        /// The token that registering brought, with renewed times.
        token: String,
        /// Always true: what the original sends.
        jwt: bool,
        /// Bytes of an answer's body that it takes.
        #[serde(default = "no_limit", rename = "bodyLimit")]
        body_limit: usize,
    },
}

impl Greeting {
    /// The service that the other host means to reach.
    #[must_use]
    pub fn application(&self) -> &str {
        match self {
            Self::Register { application, .. } | Self::Reregister { application, .. } => application,
        }
    }

    /// Bytes of an answer's body that the other host takes.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        match self {
            Self::Register { body_limit, .. } | Self::Reregister { body_limit, .. } => *body_limit,
        }
    }

    /// The value of `type`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Register { .. } => "ewd-register",
            Self::Reregister { .. } => "ewd-reregister",
        }
    }
}

/// The answer to a [`Greeting`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GreetingAnswer {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) finished: bool,
    pub(super) message: GreetingOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum GreetingOutcome {
    Refused { error: String },
    Welcome(Welcome),
}

/// What a service says of itself when it is registered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// A token like a caller's: the next connection re-registers with it.
    pub token: String,
    /// The answer to the token at the door: the proof that the service has the secret, too.
    pub proof: String,
    /// The service's name.
    pub service: String,
    /// The version of its program.
    pub version: String,
    /// The handlers that it offers.
    pub handlers: Vec<String>,
    /// Bytes of a request's body that it takes.
    #[serde(default = "no_limit", rename = "bodyLimit")]
    pub body_limit: usize,
}

/// What a host that names no limit takes: its socket bounds it.
fn no_limit() -> usize {
    usize::MAX
}

/// One binary message after the first exchange.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Frame<'f> {
    Request {
        id: u64,
        request: RequestHead<'f>,
        body: Bytes,
    },
    Answer {
        id: u64,
        response: Response,
    },
    /// An intermediate message of a request that is in flight.
    Part {
        id: u64,
        part: Part,
    },
    /// So many intermediate messages of a request were passed on: as many more may come.
    Took {
        id: u64,
        count: usize,
    },
    /// A message to clients that may be anywhere in the fabric; it goes both ways.
    Push {
        push: Push,
    },
    Cancel {
        id: u64,
    },
    /// The service is about to stop: what is in flight is answered, nothing new is taken.
    Leaving,
    /// The service's handlers have changed: it offers these now.
    Offers {
        handlers: Vec<String>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Header<'f> {
    Request { id: u64, head: RequestHead<'f> },
    Answer { id: u64, status: u16, headers: Vec<(String, String)> },
    Part { id: u64, kind: Option<String> },
    Took { id: u64, count: usize },
    Push { head: PushHead },
    Cancel { id: u64 },
    Leaving,
    Offers { handlers: Vec<String> },
}

/// A request without its body, as it travels. It is lent by the host that sends it, and owned by the one that gets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RequestHead<'f> {
    request_id: Cow<'f, str>,
    kind: Kind,
    method: Cow<'f, str>,
    path: Cow<'f, str>,
    query: Cow<'f, str>,
    headers: Vec<(Cow<'f, str>, Cow<'f, str>)>,
    client_address: Cow<'f, str>,
    /// Milliseconds left: hosts' clocks differ, so no point in time travels.
    remaining: u64,
    hops: u8,
    /// Whether the other host passes intermediate messages on.
    #[serde(default)]
    parts: bool,
    #[serde(default)]
    way: Vec<Cow<'f, str>>,
    #[serde(default)]
    token_in_header: bool,
    #[serde(default)]
    as_member: bool,
}

/// A message that is not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message that is no frame: {0}")]
pub(super) struct BadFrame(&'static str);

impl<'f> RequestHead<'f> {
    pub(super) fn new(request: &'f Request, now: Instant) -> Self {
        let headers = request.headers.iter().map(|(name, value)| (name.into(), value.into()));
        let headers = headers.chain(request.trace.headers_onward().map(|(name, value)| (name.into(), value))).collect();
        let remaining = request.deadline.saturating_duration_since(now).as_millis();
        Self {
            request_id: request.id.as_str().into(),
            kind: request.kind,
            method: (&request.method).into(),
            path: (&request.path).into(),
            query: (&request.query).into(),
            headers,
            client_address: (&request.client_address).into(),
            remaining: u64::try_from(remaining).unwrap_or(u64::MAX),
            hops: request.hops,
            parts: request.parts.is_some(),
            way: request.way.iter().map(|step| (&**step).into()).collect(),
            token_in_header: request.token_in_header,
            as_member: request.as_member,
        }
    }

    /// With a little less time than is left, so that the service's own words about a deadline arrive before it.
    pub(super) fn with_less_time(mut self) -> Self {
        self.remaining -= (self.remaining / SPARE_DIVISOR).min(SPARE_MILLISECONDS);
        self
    }

    /// Whether the other host passes intermediate messages on.
    pub(super) fn takes_parts(&self) -> bool {
        self.parts
    }

    /// The request as this host goes on with it; no request may wait longer than `most`.
    pub(super) fn into_request(self, body: Bytes, now: Instant, most: Duration) -> Result<Request, BadFrame> {
        if !is_method(&self.method) {
            return Err(BadFrame("its method is no method"));
        }
        let owned = |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
        let mut headers = self.headers.into_iter().map(owned).collect();
        let trace = Trace::take(&mut headers).unwrap_or_else(Trace::begin);
        Ok(Request {
            id: RequestId::new(&self.request_id).map_err(|_| BadFrame("its request id is not an id"))?,
            kind: self.kind,
            method: self.method.into_owned(),
            path: self.path.into_owned(),
            query: self.query.into_owned(),
            headers,
            body,
            client_address: self.client_address.into_owned(),
            deadline: now + Duration::from_millis(self.remaining).min(most),
            hops: self.hops,
            parts: None,
            way: self.way.iter().take(usize::from(self.hops)).map(|step| step.as_ref().into()).collect(),
            token_in_header: self.token_in_header,
            as_member: self.as_member,
            trace,
        })
    }
}

impl Frame<'_> {
    pub(super) fn encode(self) -> Bytes {
        let (header, body) = match self {
            Self::Request { id, request, body } => (Header::Request { id, head: request }, body),
            Self::Answer { id, response } => {
                (Header::Answer { id, status: response.status, headers: response.headers }, response.body)
            }
            Self::Part { id, part } => (Header::Part { id, kind: part.kind }, part.body),
            Self::Took { id, count } => (Header::Took { id, count }, Bytes::new()),
            Self::Push { push } => (Header::Push { head: push.head }, push.body),
            Self::Cancel { id } => (Header::Cancel { id }, Bytes::new()),
            Self::Leaving => (Header::Leaving, Bytes::new()),
            Self::Offers { handlers } => (Header::Offers { handlers }, Bytes::new()),
        };
        let mut bytes = Vec::with_capacity(USUAL_HEADER_BYTES + body.len());
        bytes.extend_from_slice(&[0; 4]);
        // Strings and numbers always have a JSON form, and memory takes all of it.
        let _ = serde_json::to_writer(&mut bytes, &header);
        let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
        if let Some(stated) = bytes.first_chunk_mut::<4>() {
            *stated = length.to_be_bytes();
        }
        bytes.extend_from_slice(&body);
        bytes.into()
    }

    /// The frame of a push, unless a host that takes so many bytes could not read it; then the log has a word of it.
    pub(super) fn encode_push(push: Push, limit: usize) -> Option<Bytes> {
        let fits = push.body.len() <= limit;
        let frame = Self::Push { push }.encode();
        let is_good = fits && Self::is_readable(&frame);
        if !is_good {
            tracing::warn!("a push to clients of another host was left out: that host takes {limit} bytes at most");
        }
        is_good.then_some(frame)
    }

    /// Whether the header of an encoded frame is short enough for the other end.
    pub(super) fn is_readable(encoded: &[u8]) -> bool {
        stated_length(encoded).is_some_and(|length| length <= HEADER_BYTES)
    }

    pub(super) fn decode(mut bytes: Bytes) -> Result<Frame<'static>, BadFrame> {
        let length = stated_length(&bytes).ok_or(BadFrame("it is shorter than its length"))?;
        if length > HEADER_BYTES || length > bytes.len() - 4 {
            return Err(BadFrame("its header is longer than allowed or than the message"));
        }
        let mut rest = bytes.split_off(4);
        let body = rest.split_off(length);
        match serde_json::from_slice(&rest).map_err(|_| BadFrame("its header is not understood"))? {
            Header::Request { id, head } => Ok(Frame::Request { id, request: head, body }),
            Header::Answer { id, status, headers } => {
                Ok(Frame::Answer { id, response: Response { status, headers, body } })
            }
            Header::Part { id, kind } => Ok(Frame::Part { id, part: Part { kind, body } }),
            Header::Took { id, count } => Ok(Frame::Took { id, count }),
            Header::Push { head } => Ok(Frame::Push { push: Push { head, body } }),
            Header::Cancel { id } => Ok(Frame::Cancel { id }),
            Header::Leaving => Ok(Frame::Leaving),
            Header::Offers { handlers } => Ok(Frame::Offers { handlers }),
        }
    }
}

/// Bytes of the header, as the message states them.
fn stated_length(message: &[u8]) -> Option<usize> {
    let length = message.first_chunk::<4>()?;
    Some(usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX))
}
