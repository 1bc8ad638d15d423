//! The handlers that a module exports, in either form of the contract, and how a call is put to them.
//! In come a linked component and calls; out goes what the module returns, as it returned it.
//! It judges no answer, and knows no limits: that is the instance's part.

use super::Call;
use super::bindings::exports::qewd::handler::{handlers, packed_handlers};
use super::bindings::qewd::handler::types;
use super::instance::State;
use crate::request::Kind;
use std::borrow::Cow;
use wasmtime::component::InstancePre;
use wasmtime::{Engine, Store};

/// What instances are made from.
pub(super) struct Linked {
    pre: InstancePre<State>,
    form: Form,
}

/// Which of the two forms a module has: found when it is loaded, and not for each instance.
enum Form {
    Records(handlers::GuestIndices),
    Packed(packed_handlers::GuestIndices),
}

/// The functions of one instance.
pub(super) enum Exports {
    Records(handlers::Guest),
    Packed(packed_handlers::Guest),
}

/// What a handler returned.
type Returned = Result<types::Response, types::Failure>;

impl Linked {
    /// # Errors
    /// When the component has handlers in neither form.
    pub(super) fn new(pre: InstancePre<State>) -> wasmtime::Result<Self> {
        let form = match packed_handlers::GuestIndices::new(&pre) {
            Ok(found) => Form::Packed(found),
            Err(_) => Form::Records(handlers::GuestIndices::new(&pre)?),
        };
        Ok(Self { pre, form })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.pre.engine()
    }

    pub(super) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Exports> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        Ok(match &self.form {
            Form::Records(found) => Exports::Records(found.load(store, &instance)?),
            Form::Packed(found) => Exports::Packed(found.load(store, &instance)?),
        })
    }
}

impl Exports {
    pub(super) async fn describe(&self, store: &mut Store<State>) -> wasmtime::Result<Vec<types::Offer>> {
        match self {
            Self::Records(handlers) => handlers.call_describe(store).await,
            Self::Packed(handlers) => handlers.call_describe(store).await,
        }
    }

    pub(super) async fn handle(&self, store: &mut Store<State>, call: &Call<'_>) -> wasmtime::Result<Returned> {
        match self {
            Self::Records(handlers) => Record::of(call).given_to(handlers, store).await,
            Self::Packed(handlers) => Packed::of(call).given_to(handlers, store).await,
        }
    }
}

fn kind(call: &Call<'_>) -> types::Kind {
    match call.request.kind {
        // No route takes what a monitor asks.
        Kind::Rest | Kind::Monitor => types::Kind::Rest,
        Kind::Service => types::Kind::Service,
        Kind::Message => types::Kind::Message,
    }
}

/// A call as one text, and where its parts end.
struct Packed<'c> {
    call: &'c Call<'c>,
    texts: String,
    ends: Vec<u32>,
}

/// Room for the texts of most requests; more is taken where it is needed.
const TEXTS: usize = 1024;
const ENDS: usize = 64;

impl<'c> Packed<'c> {
    fn of(call: &'c Call<'c>) -> Self {
        Self { call, texts: String::with_capacity(TEXTS), ends: Vec::with_capacity(ENDS) }
    }

    async fn given_to(
        mut self,
        handlers: &packed_handlers::Guest,
        store: &mut Store<State>,
    ) -> wasmtime::Result<Returned> {
        let Call { request, handler, application, route, variables, session, trace } = self.call;
        let ones = [request.id.as_str(), handler.as_str(), application, &request.method, &request.path, route];
        ones.into_iter().chain([request.client_address.as_str()]).for_each(|text| self.add(text));
        // Claims are JSON, so they are text.
        self.add(&String::from_utf8_lossy(&session.claims));
        let variables = self.add_pairs(variables.iter().map(|(name, value)| (name, value)));
        let query = self.add_pairs(request.query_pairs());
        let own = self.add_pairs(request.headers.iter().map(|(name, value)| (name, value)));
        let headers = own + self.add_pairs(trace.headers());
        session.secret.iter().for_each(|name| self.add(name));
        let (texts, ends, body) = (&*self.texts, &*self.ends, &*request.body);
        let request = types::PackedRequest { kind: kind(self.call), texts, ends, variables, query, headers, body };
        handlers.call_handle(store, request).await
    }

    fn add(&mut self, text: &str) {
        self.texts.push_str(text);
        // What a request may have is far below 4 GiB.
        self.ends.push(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
    }

    /// Returns how many there were.
    fn add_pairs(&mut self, pairs: impl Iterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> u32 {
        let mut count = 0;
        for (name, value) in pairs {
            self.add(name.as_ref());
            self.add(value.as_ref());
            count += 1;
        }
        count
    }
}

/// A call as a record: what it has to own beside what it lends.
struct Record<'c> {
    call: &'c Call<'c>,
    /// The headers of the trace that the handler sees.
    trace: Vec<(&'static str, Cow<'c, str>)>,
    query: Vec<(Cow<'c, str>, Cow<'c, str>)>,
}

impl<'c> Record<'c> {
    fn of(call: &'c Call<'c>) -> Self {
        Self { call, trace: call.trace.headers().collect(), query: call.request.query_pairs().collect() }
    }

    async fn given_to(&self, handlers: &handlers::Guest, store: &mut Store<State>) -> wasmtime::Result<Returned> {
        let Call { request, handler, application, route, variables, session, .. } = self.call;
        let (variables, query) = (lent(variables), lent(&self.query));
        let headers: Vec<_> = lent(&request.headers).into_iter().chain(lent(&self.trace)).collect();
        let secret: Vec<&str> = session.secret.iter().map(String::as_str).collect();
        let request = types::Request {
            id: request.id.as_str(),
            handler: handler.as_str(),
            application,
            kind: kind(self.call),
            method: &request.method,
            path: &request.path,
            route,
            variables: &variables,
            query: &query,
            headers: &headers,
            body: &request.body,
            client_address: &request.client_address,
            session: types::SessionParam { claims: &session.claims, secret: &secret },
        };
        handlers.call_handle(store, request).await
    }
}

fn lent(pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect()
}
