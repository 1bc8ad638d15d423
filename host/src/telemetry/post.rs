//! One batch of spans to the collector, by HTTP.
//! In comes a request of the exporter; out goes the collector's answer, and a word in the log when none comes any more.
//! It never shows what it sends: headers may hold a key.

use super::settings::Settings;
use crate::tls::{Stream, Trust, refusal};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Uri;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// Bytes of an answer, 64 KiB: a collector has little to say.
const ANSWER_BYTES: usize = 64 << 10;
/// How often the log says that the collector is away, once in ten minutes: it may come and go.
const PAUSE: Duration = Duration::from_secs(600);

/// The way to one collector.
#[derive(Clone)]
pub(super) struct Post {
    to: Arc<Collector>,
    /// The exporter's own thread has no runtime.
    runtime: Handle,
    timeout: Duration,
}

struct Collector {
    host: String,
    port: u16,
    /// None: it is asked without TLS.
    trust: Option<Trust>,
    named_by: &'static str,
    said: Mutex<Said>,
}

/// What the log knows of the collector.
#[derive(Default)]
struct Said {
    is_away: bool,
    last: Option<Instant>,
}

impl Post {
    /// A way to the collector that the settings name. Called where the host's runtime is.
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        let named_by = settings.named_by;
        let bad = || format!("{named_by} must be the URL of a collector, such as http://collector:4318; mend it");
        let uri: Uri = settings.endpoint.parse().map_err(|_| bad())?;
        let is_secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(bad()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let trust = is_secure.then(|| Trust::outward(settings.authorities.as_deref())).transpose();
        let trust = trust.map_err(|words| format!("OTEL_EXPORTER_OTLP_CERTIFICATE: {words}"))?;
        let said = Mutex::default();
        let to = Arc::new(Collector { host: host.to_owned(), port, trust, named_by, said });
        Ok(Self { to, runtime: Handle::current(), timeout: settings.timeout })
    }

    /// Where the collector is, without what else an address may hold.
    pub(super) fn shown(&self) -> String {
        self.to.shown()
    }
}

/// What it sends is not shown, and it has nothing else to show.
impl fmt::Debug for Post {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Post")
    }
}

impl HttpClient for Post {
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        let (to, timeout) = (Arc::clone(&self.to), self.timeout);
        let sending = self.runtime.spawn(async move {
            let sent = tokio::time::timeout(timeout, to.send(request)).await;
            let sent = sent.unwrap_or_else(|_| Err("it does not answer in time".to_owned()));
            to.tell(&sent);
            sent
        });
        Box::pin(async move { sending.await?.map_err(HttpError::from) })
    }
}

/// Why there is no connection. The words for links end with what to mend in config.json, which is not the place here.
fn refused(error: &std::io::Error, host: &str) -> String {
    let Some(words) = refusal(error, host) else { return error.to_string() };
    let what = words.split(';').next().unwrap_or_default();
    format!("{what} (OTEL_EXPORTER_OTLP_CERTIFICATE names whom this host trusts)")
}

impl Collector {
    fn shown(&self) -> String {
        let scheme = if self.trust.is_some() { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = path.parse().map_err(|_| "its address is no address".to_owned())?;
        let host = HeaderValue::from_str(&format!("{}:{}", self.host, self.port));
        parts.headers.insert(HOST, host.map_err(|_| "its name is no name".to_owned())?);
        let stream = TokioIo::new(self.open().await?);
        let broken = |error: hyper::Error| error.to_string();
        let (mut sender, connection) = http1::handshake(stream).await.map_err(broken)?;
        // It ends with the answer, or with the one who waits for it.
        let connection = tokio::spawn(connection);
        let answer = async {
            let answer = sender.send_request(Request::from_parts(parts, Full::new(body))).await.map_err(broken)?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(|error| error.to_string())?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        let answer = answer.await;
        connection.abort();
        answer
    }

    async fn open(&self) -> Result<Stream, String> {
        // Addresses of IPv6 stand in brackets in a URL, and nowhere else.
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let failed = |error: std::io::Error| refused(&error, host);
        let stream = TcpStream::connect((host, self.port)).await.map_err(failed)?;
        match &self.trust {
            None => Ok(Stream::Left(stream)),
            Some(trust) => trust.open(host, stream).await.map_err(failed),
        }
    }

    /// Says when the collector is away and when it is back, and never often.
    fn tell(&self, sent: &Result<Response<Bytes>, String>) {
        let why = match sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status().as_u16())),
            Err(why) => Some(why.clone()),
        };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match why {
            Some(why) if !said.is_away && said.last.is_none_or(|last| last.elapsed() >= PAUSE) => {
                (said.is_away, said.last) = (true, Some(Instant::now()));
                tracing::warn!(
                    "traces do not reach the collector at {}, and are dropped until it takes them: {why}; look there, and at {}",
                    self.shown(),
                    self.named_by
                );
            }
            None if said.is_away => {
                said.is_away = false;
                tracing::info!("traces reach the collector at {} again", self.shown());
            }
            _ => {}
        }
    }
}
