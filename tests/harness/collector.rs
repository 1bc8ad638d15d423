//! A collector of traces, as a host sees one.
//! In come batches by HTTP; out go their spans, and the headers that came along.
//! It answers every batch with the status that the test wants.

use super::fake::Fake;
use super::host::wait_until;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

/// A span with the service to which it belongs.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) service: String,
    pub(crate) resource: Vec<KeyValue>,
    pub(crate) span: Span,
}

impl Seen {
    /// An attribute as text.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        text(&self.span.attributes, name)
    }
}

/// An attribute of a list as text.
pub(crate) fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == name)?.value.clone()?.value?;
    Some(match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

#[derive(Default)]
struct Got {
    /// The head of each request, its lines as they came.
    heads: Mutex<Vec<String>>,
    spans: Mutex<Vec<Seen>>,
    status: AtomicU16,
}

pub(crate) struct Collector {
    pub(crate) port: u16,
    got: Arc<Got>,
}

impl Collector {
    /// Listens on a free port.
    pub(crate) fn start() -> Self {
        let got = Arc::new(Got { status: AtomicU16::new(200), ..Got::default() });
        let taker = Arc::clone(&got);
        let fake = Fake::start(move |stream| {
            let got = Arc::clone(&taker);
            std::thread::spawn(move || take(&got, stream));
        });
        Self { port: fake.port, got }
    }

    /// What the environment says of it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on it answers with this status, and takes spans only where that is 200.
    pub(crate) fn answer(&self, status: u16) {
        self.got.status.store(status, Ordering::Relaxed);
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.got.heads.lock().unwrap().clone()
    }

    pub(crate) fn spans(&self) -> Vec<Seen> {
        self.got.spans.lock().unwrap().clone()
    }

    /// Waits until so many spans have come of which this holds, and returns them.
    pub(crate) fn wait_for(&self, count: usize, of: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let found = || self.spans().into_iter().filter(&of).collect::<Vec<_>>();
        wait_until(&format!("{count} spans have come"), || found().len() >= count);
        found()
    }
}

fn take(got: &Got, mut stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let begin = head.len();
        reader.read_line(&mut head).ok().filter(|read| *read > 0)?;
        let line = head[begin..].trim().to_ascii_lowercase();
        if let Some(given) = line.strip_prefix("content-length:") {
            length = given.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let status = got.status.load(Ordering::Relaxed);
    if status == 200 {
        let batch = ExportTraceServiceRequest::decode(&*body).unwrap();
        for of_resource in batch.resource_spans {
            let resource = of_resource.resource.unwrap_or_default().attributes;
            let service = text(&resource, "service.name").unwrap_or_default();
            let spans = of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
            let seen = spans.map(|span| Seen { service: service.clone(), resource: resource.clone(), span });
            got.spans.lock().unwrap().extend(seen);
        }
    }
    got.heads.lock().unwrap().push(head);
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()
}
