//! The same with wasmtime alone: what is left when there is no host around a component.
//! In come a module's file and a call; out go instances and answers.
//! It has no limits, no log, no pool and no deadline, and its engine is configured like the host's.

use super::calls::{Case, GREETING};
use super::hosted::ROOM;
use bindings::qewd::handler::{log, messages, services, settings, types};
use bindings::{PackedModule, PackedModulePre};
use qewd::handler::Call;
use std::path::Path;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

mod bindings {
    //! The same contract, generated once more: the host keeps its own to itself.

    wasmtime::component::bindgen!({
        path: "../sdk/wit",
        world: "packed-module",
        imports: {
            "qewd:handler/services.ask": async,
        },
        exports: { default: async },
    });
}

/// Ticks of an epoch that never moves: the code is compiled to look at it, as the host's is.
const NEVER: u64 = 1 << 40;

/// A component that is ready to be instantiated.
pub(crate) struct Plain {
    engine: Engine,
    pre: PackedModulePre<State>,
    request: types::PackedRequest,
}

/// A live instance.
pub(crate) struct PlainInstance {
    store: Store<State>,
    bindings: PackedModule,
}

pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl Plain {
    pub(crate) fn load(case: &Case, folder: &Path) -> Self {
        let engine = Engine::new(&config()).expect("the machine runs wasm");
        let file = folder.join(format!("{}.wasm", case.module));
        let component = Component::from_file(&engine, &file).unwrap_or_else(|error| panic!("{error:#}"));
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI can be linked");
        link(&mut linker).expect("the contract can be linked");
        let pre = linker
            .instantiate_pre(&component)
            .and_then(PackedModulePre::new)
            .unwrap_or_else(|error| panic!("{error:#}"));
        Self { engine, pre, request: request(&case.prepare().call()) }
    }

    pub(crate) async fn make(&self) -> PlainInstance {
        let state = State { wasi: WasiCtx::builder().build(), table: ResourceTable::new() };
        let mut store = Store::new(&self.engine, state);
        store.set_epoch_deadline(NEVER);
        let bindings = self.pre.instantiate_async(&mut store).await.expect("an instance can be made");
        PlainInstance { store, bindings }
    }

    /// One call of an instance.
    pub(crate) async fn ask(&self, instance: &mut PlainInstance, case: &Case) {
        let handlers = instance.bindings.qewd_handler_packed_handlers();
        let returned = handlers.call_handle(&mut instance.store, &self.request).await.expect("the handler returns");
        let response = returned.unwrap_or_else(|failure| panic!("{}", failure.message));
        case.check(response.status, &response.body);
    }
}

/// What the measured handlers import; none of them has documents.
fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    log::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    settings::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    messages::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    services::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

/// The same as in host/src/handler/engine.rs, where the reasons stand.
fn config() -> Config {
    let instances = u32::try_from(ROOM).unwrap_or(u32::MAX) + 8;
    let mut pooling = PoolingAllocationConfig::default();
    pooling
        .total_component_instances(instances)
        .total_core_instances(instances * 40)
        .total_memories(instances * 3)
        .total_tables(instances * 4)
        .total_stacks(instances)
        .table_elements(qewd::configuration::TABLE_ELEMENTS)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .max_memories_per_component(3)
        .max_core_instances_per_component(40)
        .max_memory_size(4 << 30)
        .linear_memory_keep_resident(2 << 20)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config.epoch_interruption(true).concurrency_support(false).gc_support(false).parallel_compilation(false);
    config.allocation_strategy(pooling);
    config
}

fn request(call: &Call<'_>) -> types::PackedRequest {
    let request = &call.request;
    let ones = [request.id.as_str(), call.handler.as_str(), &*call.application, &request.method, &request.path];
    let claims = String::from_utf8_lossy(&call.session.claims);
    let query: Vec<_> = request.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let pairs = [call.variables, &query, &request.headers].map(|pairs| (number(pairs.len()), pairs));
    let [variables, query, headers] = pairs.map(|(count, _)| count);
    let pairs = pairs.into_iter().flat_map(|(_, pairs)| pairs).flat_map(|(name, value)| [name.as_str(), value]);
    let ones = ones.into_iter().chain([&*call.route, &request.client_address, &claims]);
    let (mut texts, mut ends) = (String::new(), Vec::new());
    for text in ones.chain(pairs).chain(call.session.secret.iter().map(String::as_str)) {
        texts.push_str(text);
        ends.push(number(texts.len()));
    }
    let (kind, body) = (types::Kind::Rest, request.body.to_vec());
    types::PackedRequest { kind, texts, ends, variables, query, headers, body }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a measured request is small")
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl types::Host for State {}

impl log::Host for State {
    fn write(&mut self, _level: log::Level, _message: String, _fields: Vec<types::Pair>) {}
}

impl settings::Host for State {
    fn get(&mut self, name: String) -> Option<Vec<u8>> {
        (name == "greeting").then(|| format!("\"{GREETING}\"").into_bytes())
    }
}

impl messages::Host for State {
    fn send(&mut self, _kind: Option<String>, _message: Vec<u8>) -> Result<bool, String> {
        Ok(false)
    }

    fn push(&mut self, _to: messages::Hearer, _kind: String, _message: Vec<u8>) -> Result<(), String> {
        Ok(())
    }
}

impl services::Host for State {
    async fn ask(&mut self, _question: services::Question) -> services::Answer {
        services::Answer { status: 503, headers: Vec::new(), body: Vec::new() }
    }
}
