//! What whoever steers a host from inside may do with its workers: see them, and stop one or all.
//! In come real modules, and a pool without a host around it; out goes what the pool says of its workers.
//! The rest of the pool is seen from outside, by the scenarios.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[path = "../harness/mod.rs"]
#[allow(dead_code, unused_imports, clippy::print_stderr, reason = "the scenarios use the rest of it")]
mod harness;

use harness::{Source, module, versions};
use qewd::configuration::{DocumentSettings, Limits, ModuleSettings};
use qewd::failure::Failure;
use qewd::handler::{Call, Compiled, Engine, EngineSettings, Module, ModulePlace, Outcome, Shared};
use qewd::names::{HandlerName, RequestId};
use qewd::pool::{Pool, PoolSettings, Worker, WorkerState};
use qewd::request::{Kind, Request};
use qewd::session::{Session, Shown};
use qewd::store::Documents;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep, timeout};

/// How long anything here may take: modules are compiled.
const PATIENCE: Duration = Duration::from_secs(60);

fn engine() -> Engine {
    Engine::new(&EngineSettings { instances: 8, cache: None }).unwrap()
}

async fn load(engine: &Engine, name: &str, bytes: Vec<u8>) -> Arc<Module> {
    let compiled = Compiled::new(engine, bytes).await.unwrap();
    let shared = Shared {
        response: 1 << 20,
        user_defined: Arc::default(),
        upward: tokio::sync::mpsc::channel(1).0,
        audience: Arc::default(),
        documents: Arc::new(Documents::in_memory(&DocumentSettings::default()).unwrap()),
    };
    let settings = ModuleSettings::usual(&Limits::default());
    Arc::new(
        Module::new(&compiled, ModulePlace::own(name), format!("{name}.wasm").into(), settings, shared).await.unwrap(),
    )
}

fn pool() -> Arc<Pool> {
    Arc::new(Pool::new(PoolSettings { size: 2, line: 10, idle: PATIENCE, modules: 1 }))
}

/// The session of nobody in particular.
static NOBODY: LazyLock<Shown> =
    LazyLock::new(|| Shown::of(&Session { claims: serde_json::Map::new(), secret: Vec::new() }));

fn call(handler: &str, query: &str) -> Call<'static> {
    let request = Request {
        id: RequestId::random(),
        kind: Kind::Rest,
        method: "GET".to_owned(),
        path: "/".to_owned(),
        query: query.to_owned(),
        headers: Vec::new(),
        body: bytes::Bytes::new(),
        client_address: "127.0.0.1".to_owned(),
        deadline: Instant::now() + PATIENCE,
        hops: 0,
        trace: qewd::trace::Trace::begin(),
        parts: None,
        way: Vec::new(),
        token_in_header: false,
        as_member: false,
    };
    Call {
        trace: request.trace.clone(),
        request: Arc::new(request),
        handler: HandlerName::new(handler).unwrap(),
        application: "orchestrator".into(),
        route: "/".into(),
        variables: &[],
        session: &NOBODY,
    }
}

async fn serve(pool: &Pool, module: &Arc<Module>, call: Call<'_>) -> Result<Outcome, Failure> {
    let place = pool.place(&call.request, module).await?;
    pool.run(place, module, &call).await
}

/// Waits until the workers are as wanted.
async fn wait_for(pool: &Pool, wanted: impl Fn(&[Worker]) -> bool) -> Vec<Worker> {
    let waiting = async {
        loop {
            let workers = pool.workers();
            if wanted(&workers) {
                return workers;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never so: {:#?}", pool.workers()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_says_what_it_is_and_what_it_did() {
    let engine = engine();
    let echo = load(&engine, "deep/echo", std::fs::read(module(Source::Guest, "echo")).unwrap()).await;
    let pool = pool();
    assert!(pool.workers().is_empty(), "they are started on demand");
    let before = SystemTime::now();
    for _ in 0..3 {
        assert_eq!(serve(&pool, &echo, call("list", "")).await.unwrap().response.status, 200);
    }
    let [worker]: [Worker; 1] = pool.workers().try_into().unwrap();
    assert_eq!((&*worker.module, &worker.version), ("deep/echo", echo.version()));
    assert_eq!((worker.id, worker.state, worker.served), (1, WorkerState::Idle, 3));
    assert!(worker.started >= before && worker.started <= SystemTime::now());
    assert!(worker.memory >= 1 << 16 && worker.memory_peak >= worker.memory, "{worker:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_a_worker_waits_for_its_request() {
    let engine = engine();
    let sleeper = load(&engine, "sleeper", std::fs::read(module(Source::Guest, "sleeper")).unwrap()).await;
    let pool = pool();
    let (busy, module) = (Arc::clone(&pool), Arc::clone(&sleeper));
    let request = tokio::spawn(async move { serve(&busy, &module, call("sleeper", "milliseconds=700")).await });
    let workers = wait_for(&pool, |workers| workers.iter().any(|worker| worker.state == WorkerState::Busy)).await;
    let id = workers[0].id;

    let stopping = Arc::clone(&pool);
    let stop = tokio::spawn(async move { stopping.stop(id).await });
    wait_for(&pool, |workers| workers[0].state == WorkerState::Stopping).await;
    // Meanwhile others are served, by another worker.
    assert_eq!(serve(&pool, &sleeper, call("sleeper", "")).await.unwrap().response.status, 200);
    assert!(!stop.is_finished() && !request.is_finished());
    assert_eq!(request.await.unwrap().unwrap().response.status, 200);
    assert!(timeout(PATIENCE, stop).await.unwrap().unwrap());
    let left: Vec<u64> = pool.workers().iter().map(|worker| worker.id).collect();
    assert_eq!(left, [id + 1]);
    assert!(!pool.stop(id).await, "it is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_the_newest_version_begins_on_demand() {
    let engine = engine();
    let old = load(&engine, "versioned", versions::bytes(1)).await;
    let new = load(&engine, "versioned", versions::bytes(2)).await;
    let pool = pool();
    serve(&pool, &old, call("versioned", "")).await.unwrap();
    assert_eq!(pool.stop_all(None).await, 1);
    assert!(pool.workers().is_empty());
    let outcome = serve(&pool, &new, call("versioned", "")).await.unwrap();
    assert_eq!(versions::number(&outcome.response.body), Some(2));
    let [worker]: [Worker; 1] = pool.workers().try_into().unwrap();
    assert_eq!((worker.id, &worker.version), (2, new.version()));
    // A version that was replaced has no idle workers, and none that comes back.
    new.replace();
    pool.end_replaced();
    assert!(pool.workers().is_empty());
    serve(&pool, &new, call("versioned", "")).await.unwrap();
    assert!(pool.workers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_a_worker_is_counted_and_one_that_grew_too_much_retires() {
    let engine = engine();
    let grows = load(&engine, "grows", std::fs::read(module(Source::Guest, "grows")).unwrap()).await;
    let pool = pool();
    let mebibytes = |count: usize| call("grows", &format!("bytes={}", count << 20));
    serve(&pool, &grows, mebibytes(1)).await.unwrap();
    let small = pool.workers()[0].memory;
    serve(&pool, &grows, mebibytes(20)).await.unwrap();
    let [worker]: [Worker; 1] = pool.workers().try_into().unwrap();
    assert!(worker.memory > small + (15 << 20) && worker.memory_peak == worker.memory, "{small} {worker:?}");
    // More than half of what it may use: the next request has a new one.
    serve(&pool, &grows, mebibytes(40)).await.unwrap();
    assert!(pool.workers().is_empty());
    let failure = serve(&pool, &grows, mebibytes(100)).await.unwrap_err();
    assert!(failure.operator.unwrap().contains("may use 67108864"));
    assert!(pool.workers().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_makes_room_for_another_module_is_gone() {
    let engine = engine();
    let modules = [
        load(&engine, "echo", std::fs::read(module(Source::Guest, "echo")).unwrap()).await,
        load(&engine, "versioned", versions::bytes(0)).await,
        load(&engine, "grows", std::fs::read(module(Source::Guest, "grows")).unwrap()).await,
    ];
    let pool = Pool::new(PoolSettings { size: 1, line: 10, idle: PATIENCE, modules: 3 });
    for round in 0..6 {
        let (module, handler) = (&modules[round % 3], ["list", "versioned", "grows"][round % 3]);
        serve(&pool, module, call(handler, "")).await.unwrap();
        assert!(pool.workers().len() <= Pool::instances(1), "{:#?}", pool.workers());
    }
    assert_eq!(pool.stop_all(None).await, 2);
}
