//! The host's own way: its engine, its modules, its instances and its pool.
//! In come a module's file and a call; out go instances and answers.
//! Nothing of the host is left out but what stands before the pool: HTTP, routes and tokens.

use super::calls::{Case, GREETING, Prepared};
use qewd::configuration::{DocumentSettings, Limits, Mode, ModuleSettings};
use qewd::handler::{Compiled, Engine, EngineSettings, Instance, Module, ModulePlace, Shared, UpwardRequest};
use qewd::pool::{Pool, PoolSettings};
use qewd::store::Documents;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver};

/// Instances for which the engine has room: what a host reserves that was started on a machine of few cores.
pub(crate) const ROOM: usize = 64;

/// A module as the host has it, and a pool.
pub(crate) struct Hosted {
    module: Arc<Module>,
    pool: Pool,
    prepared: Prepared,
    /// The other end of the handlers' way up; none of the measured handlers asks.
    _questions: Receiver<UpwardRequest>,
}

/// A store that no measured handler uses.
pub(crate) fn in_memory() -> Arc<Documents> {
    Arc::new(Documents::in_memory(&DocumentSettings::default()).expect("there is no index that could be wrong"))
}

impl Hosted {
    /// Compiles a module of the example.
    pub(crate) async fn load(case: &Case, folder: &Path, mode: Mode) -> Self {
        let engine = Engine::new(&EngineSettings { instances: ROOM, cache: None }).expect("the machine runs wasm");
        let file = folder.join(format!("{}.wasm", case.module));
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let compiled = Compiled::new(&engine, bytes).await.unwrap_or_else(|failure| panic!("{failure}"));
        let limits = Limits::default();
        let settings = ModuleSettings { mode, ..ModuleSettings::usual(&limits) };
        let user_defined = [("greeting".to_owned(), GREETING.into())].into_iter().collect();
        let (upward, questions) = mpsc::channel(1);
        let shared = Shared {
            response: limits.response,
            user_defined: Arc::new(user_defined),
            upward,
            audience: Arc::default(),
            documents: in_memory(),
        };
        let module = Module::new(&compiled, ModulePlace::own(case.module), file, settings, shared).await;
        Self {
            module: Arc::new(module.unwrap_or_else(|failure| panic!("{failure}"))),
            pool: Pool::new(PoolSettings { size: 4, line: 1000, idle: Duration::from_secs(3600), modules: 1 }),
            prepared: case.prepare(),
            _questions: questions,
        }
    }

    pub(crate) async fn make(&self) -> Instance {
        self.module.instantiate().await.expect("an instance can be made")
    }

    /// One call of an instance.
    pub(crate) async fn ask(&self, instance: &mut Instance, case: &Case) {
        let outcome = instance.call(&self.prepared.call()).await.expect("the handler answers");
        case.check(outcome.response.status, &outcome.response.body);
    }

    /// One call through the pool, as dispatch does it.
    pub(crate) async fn ask_pool(&self, case: &Case) {
        let call = self.prepared.call();
        let place = self.pool.place(&call.request, &self.module).await;
        let place = place.unwrap_or_else(|failure| panic!("{}", failure.caller));
        let outcome = self.pool.run(place, &self.module, &call).await;
        let outcome = outcome.unwrap_or_else(|failure| panic!("{failure:?}"));
        case.check(outcome.response.status, &outcome.response.body);
    }
}
