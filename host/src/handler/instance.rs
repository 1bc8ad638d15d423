//! A live instance of a module: it serves one request at a time.
//! In comes a call, out goes an outcome; a failure other than the handler's own words ends the instance.
//! It never outlives a trap, and never runs longer than the request's deadline.

use super::bindings::qewd::handler::types;
use super::exports::{Exports, Linked};
use super::imports::{Asker, Upward};
use super::limits::{GrowthLimit, MemoryGauge};
use super::output::HandlerLog;
use super::ticker::Ticker;
use super::{Call, CallFailure, Outcome};
use crate::audience::Audience;
use crate::configuration::{MOST_RESOURCES, ModuleSettings};
use crate::response::Response;
use crate::session::Session;
use crate::store::{Documents, RequestDocuments};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wasmtime::component::{ResourceTable, ResourceTableError};
use wasmtime::{FrameInfo, Store, Trap, WasmBacktrace};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};

/// Headers of one response: as many as common HTTP servers take of a request.
const RESPONSE_HEADERS: usize = 100;

/// The setting that bounds every request's time.
pub const OF_THE_REQUEST: &str = "limits.requestMilliseconds";

/// What every instance of a host shares.
#[derive(Clone)]
pub struct Shared {
    /// Bytes that the body and the headers of one response may have.
    pub response: usize,
    /// `userDefined` of config.json.
    pub user_defined: Arc<serde_json::Map<String, serde_json::Value>>,
    /// The way up to `dispatch`.
    pub upward: Upward,
    /// Who hears what handlers push to clients.
    pub audience: Arc<Audience>,
    /// The host's documents.
    pub documents: Arc<Documents>,
}

/// What one instance holds and may reach.
pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    growth: GrowthLimit,
    pub(super) log: HandlerLog,
    pub(super) asker: Option<Asker>,
    /// What the request holds of the document store, if its handler has asked for it.
    pub(super) documents: Option<RequestDocuments>,
    pub(super) shared: Shared,
    /// The name of the module.
    pub(super) module: Arc<str>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// One live instance.
pub struct Instance {
    store: Store<State>,
    exports: Exports,
    /// How long a handler may run.
    deadline: Option<Duration>,
    /// Lets others run while it does.
    ticker: Arc<Ticker>,
}

impl Instance {
    pub(super) async fn new(
        linked: &Linked,
        module: &Arc<str>,
        settings: &ModuleSettings,
        shared: &Shared,
        ticker: &Arc<Ticker>,
    ) -> Result<Self, CallFailure> {
        let log = HandlerLog::default();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MOST_RESOURCES);
        let state = State {
            wasi: WasiCtx::builder().stdout(log.clone()).stderr(log.clone()).build(),
            table,
            growth: GrowthLimit::new(settings.memory),
            log,
            asker: None,
            documents: None,
            shared: shared.clone(),
            module: Arc::clone(module),
        };
        let mut store = Store::new(linked.engine(), state);
        store.limiter(|state| &mut state.growth);
        // Each tick the handler gives way once; how long it may take in all is the call's deadline.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let running = ticker.begin();
        let exports = linked.instantiate(&mut store).await;
        drop(running);
        let exports = exports.map_err(|error| match store.data().growth.failure() {
            Some(failure) => failure,
            None => CallFailure::Instantiate(one_line(&error)),
        })?;
        Ok(Self { store, exports, deadline: settings.deadline, ticker: Arc::clone(ticker) })
    }

    /// Its memory, which may be read while it runs.
    #[must_use]
    pub fn memory(&self) -> Arc<MemoryGauge> {
        Arc::clone(self.store.data().growth.gauge())
    }

    /// Resources of the host that it holds, such as open streams.
    pub fn resources(&mut self) -> usize {
        self.store.data_mut().table.iter_mut().count()
    }

    pub(super) async fn describe(&mut self) -> Result<Vec<types::Offer>, CallFailure> {
        let running = self.ticker.begin();
        let offers = self.exports.describe(&mut self.store).await;
        drop(running);
        offers.map_err(|error| self.failure_of(&error))
    }

    /// Serves one request.
    ///
    /// # Errors
    /// [`CallFailure`]; after any but [`CallFailure::Refused`] the instance must be dropped.
    pub async fn call(&mut self, call: &Call<'_>) -> Result<Outcome, CallFailure> {
        let (deadline, whose) = self.deadline(call.request.deadline);
        let state = self.store.data_mut();
        state.log.begin(call.handler.as_str(), call.request.id.as_str());
        state.asker =
            Some(Asker { request: Arc::clone(&call.request), trace: call.trace.clone(), questions: 0, pushes: 0 });
        state.growth.begin();
        let running = self.ticker.begin();
        let handled = async {
            let returned = self.exports.handle(&mut self.store, call).await;
            // A refusal, too, may be the answer of a handler that has written something.
            (returned, self.store.data_mut().settle().await)
        };
        let ended = tokio::time::timeout_at(deadline, handled).await;
        drop(running);
        let state = self.store.data_mut();
        state.asker = None;
        state.documents = None;
        state.log.finish();
        match ended {
            Err(_) => Err(CallFailure::Deadline(whose)),
            Ok((Err(error), _)) => Err(self.failure_of(&error)),
            Ok((_, Err(failure))) => Err(CallFailure::NotKept(failure)),
            Ok((Ok(Err(failure)), _)) => Err(self.refusal(failure)),
            Ok((Ok(Ok(response)), _)) => self.outcome(response),
        }
    }

    /// When the call has to be over, and which setting says so.
    fn deadline(&self, of_the_request: Instant) -> (Instant, &'static str) {
        match self.deadline.map(|most| Instant::now() + most) {
            Some(own) if own < of_the_request => (own, "deadlineMilliseconds of its module"),
            _ => (of_the_request, OF_THE_REQUEST),
        }
    }

    fn outcome(&self, response: types::Response) -> Result<Outcome, CallFailure> {
        let header_bytes: usize = response.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.check_size(response.body.len().saturating_add(header_bytes))?;
        if response.headers.len() > RESPONSE_HEADERS {
            let count = response.headers.len();
            return Err(CallFailure::BadResponse(format!("{count} headers where {RESPONSE_HEADERS} are allowed")));
        }
        if !(200..=599).contains(&response.status) {
            return Err(CallFailure::BadResponse(format!("status {}, which is not 200 to 599", response.status)));
        }
        let session = response.session.map(session_of).transpose()?;
        let headers = response.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Ok(Outcome { response: Response { status: response.status, headers, body: response.body.into() }, session })
    }

    fn check_size(&self, size: usize) -> Result<(), CallFailure> {
        let limit = self.store.data().shared.response;
        if size <= limit {
            return Ok(());
        }
        Err(CallFailure::BadResponse(format!(
            "{size} bytes where {limit} are allowed; raise limits.responseBytes or answer in parts"
        )))
    }

    fn refusal(&self, failure: types::Failure) -> CallFailure {
        let size = failure.message.len().saturating_add(failure.body.as_ref().map_or(0, Vec::len));
        if let Err(too_large) = self.check_size(size) {
            return too_large;
        }
        let status = if (400..=599).contains(&failure.status) { failure.status } else { 400 };
        CallFailure::Refused { status, message: failure.message, body: failure.body }
    }

    fn failure_of(&self, error: &wasmtime::Error) -> CallFailure {
        if holds_too_much(error) {
            return CallFailure::Resources { allowed: MOST_RESOURCES };
        }
        if let Some(failure) = self.store.data().growth.failure() {
            return failure;
        }
        if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
            return CallFailure::Trap(format!("it ended itself with exit code {code}"));
        }
        CallFailure::Trap(trap_words(error))
    }
}

impl Drop for Instance {
    /// A call that was given up half-way may have printed half a line.
    fn drop(&mut self) {
        self.store.data().log.finish();
    }
}

/// Whether the host had no room for one more resource of this instance.
fn holds_too_much(error: &wasmtime::Error) -> bool {
    let full =
        |cause: &(dyn std::error::Error + 'static)| matches!(cause.downcast_ref(), Some(ResourceTableError::Full));
    error.chain().any(full)
}

/// The trap and where in the handler's code it came from, in one line.
fn trap_words(error: &wasmtime::Error) -> String {
    let what = match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => {
            "it panicked or aborted; a panic's message is in the line before".to_owned()
        }
        Some(trap) => trap.to_string(),
        None => one_line(error),
    };
    let all: Vec<String> = error
        .downcast_ref::<WasmBacktrace>()
        .map_or_else(Vec::new, |trace| trace.frames().iter().map(frame_name).collect());
    let own: Vec<&str> = all.iter().map(String::as_str).filter(|name| !is_machinery(name)).collect();
    if own.is_empty() { what } else { format!("{what}; at {}", own.join(" < ")) }
}

/// Frames between a panic and the author's function say nothing to the author.
fn is_machinery(name: &str) -> bool {
    let name = name.trim_start_matches('<');
    ["std::", "core::", "alloc::", "__rust", "abort", "qewd_sdk::bindings"].iter().any(|part| name.starts_with(part))
}

/// A function's name as its author wrote it.
fn frame_name(frame: &FrameInfo) -> String {
    frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), demangled)
}

fn demangled(name: &str) -> String {
    rustc_demangle::try_demangle(name).map_or_else(|_| name.to_owned(), |name| format!("{name:#}"))
}

fn one_line(error: &wasmtime::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ").split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

fn session_of(session: types::SessionResult) -> Result<Session, CallFailure> {
    let claims = serde_json::from_slice(&session.claims)
        .map_err(|error| CallFailure::BadResponse(format!("a session whose claims are no JSON object: {error}")))?;
    Ok(Session { claims, secret: session.secret })
}
