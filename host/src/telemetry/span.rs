//! Requests as spans, in the words of OpenTelemetry's conventions.
//! In comes a request that has ended; out go its own span, and one for each step that is known.
//! No query, header or body is in any of them.

use super::{Ended, Step, Steps};
use crate::names::{HandlerName, ServiceName};
use crate::request::Kind;
use crate::trace::{SpanId, Trace};
use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;
use std::borrow::Cow;
use std::str::FromStr as _;
use std::time::Duration;

/// Statuses from here on are the answering host's fault; for whoever asked, those from [`REFUSED`] on are errors, too.
const FAULT: u16 = 500;
const REFUSED: u16 = 400;

/// The spans of a request, its own one first.
pub(super) fn spans(ended: &Ended<'_>, steps: &Steps, scope: &InstrumentationScope) -> Vec<SpanData> {
    let times = &ended.found.times;
    let service = || ended.found.service.as_ref().map(ServiceName::as_str);
    let of = |step: Option<Step>, took: Option<Duration>| step.zip(took);
    let mut spans = vec![own(ended, scope)];
    spans.extend(of(steps.line, times.line).map(|step| inner(ended, step, "waiting for a worker".into(), scope)));
    spans.extend(of(steps.handler, times.handler).map(|step| {
        let handler = ended.found.handler.as_ref().map_or("handler", HandlerName::as_str);
        let mut span = inner(ended, step, format!("handler {handler}").into(), scope);
        span.attributes = handled(ended).collect();
        span
    }));
    spans.extend(of(steps.link, times.link).map(|step| {
        let name = format!("{} {}", ended.request.method, service().unwrap_or_default());
        let mut span = inner(ended, step, name.into(), scope);
        span.span_kind = SpanKind::Client;
        span.attributes = asked(ended, service()).collect();
        span.status = status(ended, REFUSED);
        span
    }));
    spans
}

/// The request as a whole: asked of this host, or by it.
fn own(ended: &Ended<'_>, scope: &InstrumentationScope) -> SpanData {
    let asker = ended.asked.map(ServiceName::as_str);
    let kind = match asker {
        Some(_) => SpanKind::Client,
        None if ended.is_own_question => SpanKind::Internal,
        None => SpanKind::Server,
    };
    let method = ended.request.method;
    let name = match asker.or(ended.found.route.as_deref()) {
        Some(rest) => format!("{method} {rest}"),
        None => method.to_owned(),
    };
    let mut span = span(ended, ended.trace.span, (Duration::ZERO, ended.took), name.into(), scope);
    span.parent_span_id = ended.trace.parent.map_or(opentelemetry::SpanId::INVALID, identity);
    span.parent_span_is_remote = asker.is_none() && !ended.is_own_question;
    span.status = status(ended, if asker.is_some() { REFUSED } else { FAULT });
    span.span_kind = kind;
    span.attributes = asked(ended, asker).chain(handled(ended)).collect();
    span
}

/// A step of it.
fn inner(
    ended: &Ended<'_>,
    (step, took): (Step, Duration),
    name: Cow<'static, str>,
    scope: &InstrumentationScope,
) -> SpanData {
    SpanData { parent_span_id: identity(ended.trace.span), ..span(ended, step.span, (step.after, took), name, scope) }
}

fn span(
    ended: &Ended<'_>,
    own: SpanId,
    (after, took): (Duration, Duration),
    name: Cow<'static, str>,
    scope: &InstrumentationScope,
) -> SpanData {
    let start = ended.request.time + after;
    SpanData {
        span_context: context(ended.trace, own),
        parent_span_id: opentelemetry::SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name,
        start_time: start,
        end_time: start + took,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: opentelemetry_sdk::trace::SpanEvents::default(),
        links: opentelemetry_sdk::trace::SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}

fn context(trace: &Trace, span: SpanId) -> SpanContext {
    let state = trace.state().and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
    let id = opentelemetry::TraceId::from_bytes(trace.id.bytes());
    SpanContext::new(id, identity(span), TraceFlags::SAMPLED, false, state)
}

fn identity(span: SpanId) -> opentelemetry::SpanId {
    opentelemetry::SpanId::from_bytes(span.bytes())
}

fn status(ended: &Ended<'_>, error_from: u16) -> Status {
    match ended.status {
        Some(status) if status >= error_from => Status::error(ended.error.unwrap_or_default().to_owned()),
        _ => Status::Unset,
    }
}

/// What was asked, and what came of it.
fn asked<'e>(ended: &'e Ended<'_>, service: Option<&'e str>) -> impl Iterator<Item = KeyValue> + 'e {
    let request = &ended.request;
    // A message has no method of HTTP.
    let method = (request.kind != Kind::Message).then(|| request.method.to_owned());
    let error_from = if service.is_some() { REFUSED } else { FAULT };
    let error = match ended.status {
        Some(status) => (status >= error_from).then(|| status.to_string()),
        None => Some("caller gone".to_owned()),
    };
    let known: [(&'static str, Option<Value>); 8] = [
        ("http.request.method", method.map(Value::from)),
        ("url.path", Some(crate::logging::cut(request.path).to_owned().into())),
        ("http.route", ended.found.route.as_deref().map(|route| route.to_owned().into())),
        ("http.response.status_code", ended.status.map(|status| i64::from(status).into())),
        ("error.type", error.map(Value::from)),
        ("peer.service", service.map(|service| service.to_owned().into())),
        ("qewd.request_id", Some(request.id.as_str().to_owned().into())),
        ("qewd.kind", Some(request.kind.as_str().into())),
    ];
    known.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?)))
}

/// Who answered it here.
fn handled<'e>(ended: &'e Ended<'_>) -> impl Iterator<Item = KeyValue> + 'e {
    let handler = ended.found.handler.as_ref().map(|handler| handler.as_str().to_owned());
    let version = ended.found.version.as_deref().map(str::to_owned);
    let known = [("qewd.handler", handler), ("qewd.version", version)];
    known.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?)))
}
