//! To which trace a request belongs (<https://www.w3.org/TR/trace-context/>), as plain data.
//! In come the headers `traceparent` and `tracestate`, read once; out go the same two for a handler or another host.
//! It never takes a piece of what is not valid: then a new trace begins.

mod state;

use std::borrow::Cow;
use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::sync::Arc;

/// Names the span of the caller.
pub const PARENT: &str = "traceparent";
/// What other tracing systems send along.
pub const STATE: &str = "tracestate";

/// Bytes of a `traceparent` of version 00. Later versions may have more behind it.
const LENGTH: usize = 55;
/// The version that says itself invalid.
const NO_VERSION: u8 = 0xff;
/// The flag that says that the caller keeps its span.
const SAMPLED: u8 = 1;
/// The flag that says that the trace's id was chosen at random (level 2). Passed on; all others are not for us to say.
const RANDOM: u8 = 2;

/// The id of a trace, the same on all hosts; 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(NonZeroU128);

/// The id of one span in a trace; 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanId(NonZeroU64);

impl TraceId {
    fn random() -> Self {
        Self(NonZeroU128::new(rand::random()).unwrap_or(NonZeroU128::MIN))
    }

    /// 63 bits of it that are random in every trace, those by which others choose, too.
    #[must_use]
    pub fn chance(self) -> u64 {
        u64::try_from(self.0.get() & u128::from(u64::MAX)).unwrap_or_default() >> 1
    }

    /// As bytes, the most significant first.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0.get().to_be_bytes()
    }
}

impl SpanId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(NonZeroU64::new(rand::random()).unwrap_or(NonZeroU64::MIN))
    }

    /// As bytes, the most significant first.
    #[must_use]
    pub fn bytes(self) -> [u8; 8] {
        self.0.get().to_be_bytes()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(32);
        push_hexadecimal(&mut text, &self.bytes());
        formatter.write_str(&text)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(16);
        push_hexadecimal(&mut text, &self.bytes());
        formatter.write_str(&text)
    }
}

/// A place in a trace: a span of this host, and from where it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The trace.
    pub id: TraceId,
    /// This span.
    pub span: SpanId,
    /// The span of whoever asked; none: the trace begins here.
    pub parent: Option<SpanId>,
    /// Whether it is to be kept, as far as whoever asked can say.
    pub is_sampled: bool,
    /// Whether other hosts are to hear of it: whoever asked has named it, or this host has decided whether it is kept. Where neither
    /// is so, a flag that nobody has chosen would have them drop all of it.
    pub goes_on: bool,
    is_random: bool,
    state: Option<Arc<str>>,
}

impl Trace {
    /// A new trace.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            id: TraceId::random(),
            span: SpanId::random(),
            parent: None,
            is_sampled: false,
            goes_on: false,
            is_random: false,
            state: None,
        }
    }

    /// This host decides whether it is kept.
    pub fn decide(&mut self, is_sampled: bool) {
        (self.is_sampled, self.goes_on) = (is_sampled, true);
    }

    /// A span that this one causes.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span: SpanId::random(), parent: Some(self.span), ..self.clone() }
    }

    /// What other tracing systems send along.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Takes the trace out of headers with lower-case names, and goes on with it in a span of its own. None: they have no valid
    /// one. The headers are gone in either case.
    pub fn take(headers: &mut Vec<(String, String)>) -> Option<Self> {
        // Almost every request of a client has none.
        if !headers.iter().any(|(name, _)| is_header(name)) {
            return None;
        }
        let mut parents = headers.iter().filter(|(name, _)| name == PARENT);
        // Of two, nobody knows which is right.
        let parent = parents.next().filter(|_| parents.next().is_none()).and_then(|(_, value)| Caller::read(value));
        let trace = parent.map(|caller| Self {
            id: caller.trace,
            span: SpanId::random(),
            parent: Some(caller.span),
            is_sampled: caller.flags & SAMPLED != 0,
            goes_on: true,
            is_random: caller.flags & RANDOM != 0,
            state: state::read(headers.iter().filter(|(name, _)| name == STATE).map(|(_, value)| value.as_str())),
        });
        headers.retain(|(name, _)| !is_header(name));
        trace
    }

    /// Puts the trace into headers, this span as the parent of what comes.
    pub fn put(&self, headers: &mut Vec<(String, String)>) {
        headers.extend(self.headers().map(|(name, value)| (name.to_owned(), value.into_owned())));
    }

    /// The same for another host: none, where it is not to hear of it.
    pub fn headers_onward(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        self.goes_on.then(|| self.headers()).into_iter().flatten()
    }

    /// The headers that say it, this span as the parent of what comes.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        let flags = if self.is_sampled { SAMPLED } else { 0 } | if self.is_random { RANDOM } else { 0 };
        let mut parent = String::with_capacity(LENGTH);
        parent.push_str("00-");
        push_hexadecimal(&mut parent, &self.id.bytes());
        parent.push('-');
        push_hexadecimal(&mut parent, &self.span.bytes());
        parent.push('-');
        push_hexadecimal(&mut parent, &[flags]);
        let state = self.state.as_ref().map(|state| (STATE, Cow::Borrowed(state.as_ref())));
        std::iter::once((PARENT, Cow::Owned(parent))).chain(state)
    }
}

/// Whether a header with this lower-case name is one of a trace.
#[must_use]
pub fn is_header(name: &str) -> bool {
    name == PARENT || name == STATE
}

/// Two digits for each byte. Each request writes its trace several times, and the library's way with large numbers is long.
fn push_hexadecimal(text: &mut String, bytes: &[u8]) {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' + half - 10 });
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
}

/// What a `traceparent` says.
struct Caller {
    trace: TraceId,
    span: SpanId,
    flags: u8,
}

impl Caller {
    fn read(text: &str) -> Option<Self> {
        let (known, more) = text.split_at_checked(LENGTH)?;
        let mut parts = known.split('-');
        let version = hexadecimal(parts.next()?, 2)?;
        let (trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
        let version = u8::try_from(version).ok().filter(|version| *version != NO_VERSION)?;
        // What a later version has more stands behind another dash.
        let is_whole = more.is_empty() || (version > 0 && more.starts_with('-'));
        if !is_whole || parts.next().is_some() {
            return None;
        }
        Some(Self {
            trace: TraceId(NonZeroU128::new(hexadecimal(trace, 32)?)?),
            span: SpanId(NonZeroU64::new(u64::try_from(hexadecimal(span, 16)?).ok()?)?),
            flags: u8::try_from(hexadecimal(flags, 2)?).ok()?,
        })
    }
}

/// So many digits, lower case only.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let is_good = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_good.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn headers(given: &[(&str, &str)]) -> Vec<(String, String)> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn take(parent: &str) -> Option<Trace> {
        Trace::take(&mut headers(&[(PARENT, parent)]))
    }

    #[test]
    fn a_trace_goes_on_in_a_span_of_its_own() {
        let mut given = headers(&[
            ("a", "1"),
            (STATE, "x=1"),
            (PARENT, &format!("00-{TRACE}-{SPAN}-01")),
            (STATE, "y@z=2"),
            ("b", "2"),
        ]);
        let trace = Trace::take(&mut given).unwrap();
        assert_eq!(given, headers(&[("a", "1"), ("b", "2")]));
        assert_eq!((trace.id.to_string().as_str(), trace.parent.unwrap().to_string().as_str()), (TRACE, SPAN));
        assert!(trace.is_sampled && trace.span != trace.parent.unwrap());
        let child = trace.child();
        assert_eq!((child.id, child.parent, child.is_sampled), (trace.id, Some(trace.span), true));
        let mut onward = Vec::new();
        child.put(&mut onward);
        let parent = format!("00-{TRACE}-{}-01", child.span);
        assert_eq!(onward, headers(&[(PARENT, &parent), (STATE, "x=1,y@z=2")]));
    }

    #[test]
    fn the_flags_that_are_known_are_passed_on() {
        for (given, passed) in [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("ff", "03"), ("08", "00")] {
            let mut onward = Vec::new();
            take(&format!("00-{TRACE}-{SPAN}-{given}")).unwrap().put(&mut onward);
            assert_eq!(onward[0].1.rsplit('-').next(), Some(passed), "{given}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for good in ["cc", "01", "fe"] {
            for more in ["", "-", "-what-the-future", "-.0"] {
                let trace = take(&format!("{good}-{TRACE}-{SPAN}-01{more}")).unwrap();
                assert!(trace.is_sampled);
                let mut onward = Vec::new();
                trace.put(&mut onward);
                assert!(onward[0].1.starts_with(&format!("00-{TRACE}-")) && onward[0].1.len() == LENGTH);
            }
            assert!(take(&format!("{good}-{TRACE}-{SPAN}-01.")).is_none());
            assert!(take(&format!("{good}-{TRACE}-{SPAN}-011")).is_none());
        }
    }

    #[test]
    fn what_is_not_valid_begins_a_new_trace() {
        let zeros = "0".repeat(32);
        for bad in [
            String::new(),
            "00".to_owned(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("FF-{TRACE}-{SPAN}-01"),
            format!("0g-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-001"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-x"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}{SPAN}--01"),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{}-{SPAN}-01", "+".repeat(32)),
            format!("00-\u{e9}{}-{SPAN}-01", &TRACE[2..]),
        ] {
            assert_eq!(take(&bad), None, "{bad}");
        }
        let good = format!("00-{TRACE}-{SPAN}-01");
        let mut twice = headers(&[(PARENT, &good), (PARENT, &good), (STATE, "x=1")]);
        assert_eq!(Trace::take(&mut twice), None);
        assert!(twice.is_empty());
        let mut alone = headers(&[(STATE, "x=1")]);
        assert_eq!((Trace::take(&mut alone), alone.len()), (None, 0));
        let mut new = Trace::begin();
        assert_eq!((new.headers_onward().count(), new.child().headers_onward().count()), (0, 0));
        new.decide(false);
        assert_eq!(new.child().headers_onward().count(), 1);
        assert!(new.parent.is_none() && !new.is_sampled && new.id != Trace::begin().id);
    }
}
