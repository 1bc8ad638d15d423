//! Traces for a collector, by the standard environment variables of OpenTelemetry.
//! In come requests that have ended; out go their spans, in batches over HTTP, from a thread of their own.
//! It never holds a request up: what its queue has no room for is dropped, and counted.

mod pairs;
mod post;
mod queue;
mod sampler;
mod settings;
mod span;

pub use queue::Dropped;

use crate::activity::{Found, Named};
use crate::names::ServiceName;
use crate::trace::{SpanId, Trace};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor as _};
use post::Post;
use queue::{Outlet, Queue};
use settings::Settings;
use std::sync::Arc;
use std::time::Duration;

/// How long spans may take to leave when the host stops, 1 s: a collector that is away is not waited for.
const FLUSH_TIME: Duration = Duration::from_secs(1);

/// The way of spans to their collector.
pub struct Telemetry {
    settings: Settings,
    queue: Arc<Queue>,
    processor: Arc<BatchSpanProcessor>,
    scope: InstrumentationScope,
}

/// A request that has ended.
pub struct Ended<'a> {
    /// Which one it was.
    pub request: Named<'a>,
    /// Its trace, and in it its own span.
    pub trace: &'a Trace,
    /// The service that a handler asked by name, or of a group's members this one: then this is the asker's side.
    pub asked: Option<&'a ServiceName>,
    /// Whether a handler of this host asked it of this host.
    pub is_own_question: bool,
    /// What was found out about it.
    pub found: &'a Found,
    /// All the time that it took.
    pub took: Duration,
    /// The status of the answer; none: its caller went away.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<&'a str>,
}

/// The beginning of a step that is a span of its own.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Its span.
    pub span: SpanId,
    /// How long after its request it began.
    pub after: Duration,
}

/// The steps of a request that are spans of their own. How long each took is in [`Found::times`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Steps {
    /// Waiting for a place among the workers.
    pub line: Option<Step>,
    /// In its handler.
    pub handler: Option<Step>,
    /// Waiting for another host.
    pub link: Option<Step>,
}

impl Telemetry {
    /// Opens the way if the environment names a collector. `host` is what the host is called there.
    ///
    /// # Errors
    /// When the environment wants something that this program does not do.
    pub fn start(host: &str) -> Result<Option<Self>, String> {
        settings::check_texts()?;
        let Some(settings) = settings::read(|name| std::env::var(name).ok())? else { return Ok(None) };
        let post = Post::new(&settings)?;
        tracing::info!("traces go to {}", post.shown());
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(post)
            .with_endpoint(settings.endpoint.as_str())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(settings.timeout)
            .build();
        // What the library says may hold what stands in the environment.
        let exporter =
            exporter.map_err(|_| "the variables that begin with OTEL_EXPORTER_OTLP do not fit; mend them")?;
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(settings.queue)
            .with_max_export_batch_size(settings.batch)
            .with_scheduled_delay(settings.delay);
        let queue = Arc::new(Queue::new(settings.queue));
        let outlet = Outlet { exporter, queue: Arc::clone(&queue) };
        let mut processor = BatchSpanProcessor::new(outlet, config.build());
        processor.set_resource(&resource(host, &settings));
        let scope = InstrumentationScope::builder("qewd").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Some(Self { settings, queue, processor: Arc::new(processor), scope }))
    }

    /// Whether the spans of a trace are to be kept.
    #[must_use]
    pub fn keeps(&self, trace: &Trace) -> bool {
        self.settings.sampler.keeps(trace)
    }

    /// Takes up a request that is to be kept.
    pub fn add(&self, ended: &Ended<'_>, steps: &Steps) {
        for span in span::spans(ended, steps, &self.scope) {
            if self.queue.takes_one() {
                self.processor.on_end(span);
            }
        }
    }

    /// How many spans the collector will never get, since the start.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.queue.dropped()
    }

    /// Sends what is left, for a little while.
    pub async fn close(&self) {
        let processor = Arc::clone(&self.processor);
        let closing = tokio::task::spawn_blocking(move || processor.shutdown_with_timeout(FLUSH_TIME));
        if !matches!(closing.await, Ok(Ok(()))) {
            tracing::warn!("the last spans have not all gone to the collector of traces");
        }
    }
}

/// What the collector is told of this host. What the environment says about it wins.
fn resource(host: &str, settings: &Settings) -> Resource {
    let own = [
        KeyValue::new("service.name", host.to_owned()),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", crate::names::random_id()),
    ];
    let told = settings.attributes.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let name = settings.service.clone();
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(own)
        .with_attributes(told)
        .with_attributes(name.map(|name| KeyValue::new("service.name", name)))
        .build()
}
