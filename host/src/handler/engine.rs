//! The wasm engine of a host.
//! In come how many instances there may be and where compiled code is kept; out goes the engine that modules share.
//! It never loads a module.

use super::cache::CheckedCache;
use super::ticker::Ticker;
use crate::configuration::TABLE_ELEMENTS;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wasmtime::{Cache, CacheConfig, Config, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Core instances in one component: a Rust module needs 3, one made by componentize-py 38 (measured).
const CORE_INSTANCES_PER_INSTANCE: u32 = 40;
/// Memories in one component: a Rust module needs 1, one made by componentize-qjs 3 (measured).
const MEMORIES_PER_INSTANCE: u32 = 3;
/// Tables in one component, by the same measure as memories.
const TABLES_PER_INSTANCE: u32 = 4;
/// Instances beside those of the pool: a new module is tried before the old one ends.
const SPARE_INSTANCES: u32 = 8;
/// Addresses of one memory, 4 GiB: what 32-bit wasm can reach. Nothing is used until a handler does, within its own limit.
const MEMORY_ADDRESSES: usize = 4 << 30;
/// Memory of an instance that is kept when it ends, so that the next one does not fault it in again; measured as twice as
/// fast for instances that serve one request.
const KEPT_BYTES: usize = 2 << 20;

/// What an engine has to know.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Instances that live at once.
    pub instances: usize,
    /// Where compiled modules are kept between starts; none: they are compiled at each start.
    pub cache: Option<PathBuf>,
}

/// A wasm engine and its ticker, which ends with the last handle.
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    instances: usize,
    cache: Option<CheckedCache>,
    ticker: Arc<Ticker>,
}

impl Engine {
    /// An engine with room for that many instances.
    ///
    /// The room is reserved as address space at once; where the system refuses that, instances take theirs on demand.
    ///
    /// # Errors
    /// When the machine cannot run wasmtime at all; the words are wasmtime's.
    pub fn new(settings: &EngineSettings) -> Result<Self, String> {
        let mut config = base_config();
        let opened = settings.cache.as_deref().and_then(open_cache);
        let cache = opened.map(|(checked, cache)| {
            config.cache(Some(cache));
            checked
        });
        config.allocation_strategy(pooling(settings));
        let wasmtime = match wasmtime::Engine::new(&config) {
            Ok(engine) => engine,
            Err(error) => {
                tracing::warn!("instances are made on demand, which is slower: no address space reserved: {error:#}");
                config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
                wasmtime::Engine::new(&config).map_err(|error| format!("{error:#}"))?
            }
        };
        let engine = wasmtime.weak();
        let ticker = Ticker::start(move || engine.upgrade().map(|engine| engine.increment_epoch()).is_some())?;
        Ok(Self { wasmtime, instances: settings.instances, cache, ticker: Arc::new(ticker) })
    }

    /// Instances that may live at once.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// Something may have been compiled: what is new in the cache gets its checksum.
    pub async fn seal_cache(&self) {
        if let Some(cache) = self.cache.clone() {
            // Without a checksum it is compiled anew at the next start: nothing to wait for, and nothing to report.
            let _ = tokio::task::spawn_blocking(move || cache.seal()).await;
        }
    }

    pub(super) fn ticker(&self) -> &Arc<Ticker> {
        &self.ticker
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }
}

fn base_config() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true).concurrency_support(false).gc_support(false);
    // Compiling beside requests must not take every core from them.
    config.parallel_compilation(false);
    config
}

/// A cache only saves time: a host whose cache cannot be used starts without one.
fn open_cache(folder: &Path) -> Option<(CheckedCache, Cache)> {
    let open = || {
        let checked = CheckedCache::open(folder).map_err(|error| error.to_string())?;
        let mut settings = CacheConfig::new();
        settings.with_directory(checked.code());
        // Files are never packed anew: their checksums would be wrong then.
        settings.with_optimized_compression_usage_counter_threshold(u64::MAX);
        Ok((checked, Cache::new(settings).map_err(|error| format!("{error:#}"))?))
    };
    let warn = |why: &String| tracing::warn!("modules are compiled at each start: {}: {why}", folder.display());
    open().inspect_err(warn).ok()
}

fn pooling(settings: &EngineSettings) -> PoolingAllocationConfig {
    let instances = u32::try_from(settings.instances).unwrap_or(u32::MAX).saturating_add(SPARE_INSTANCES);
    let mut pooling = PoolingAllocationConfig::default();
    pooling
        .total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_PER_INSTANCE))
        .total_memories(instances.saturating_mul(MEMORIES_PER_INSTANCE))
        .total_tables(instances.saturating_mul(TABLES_PER_INSTANCE))
        .total_stacks(instances)
        .table_elements(TABLE_ELEMENTS)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .max_memories_per_component(MEMORIES_PER_INSTANCE)
        .max_core_instances_per_component(CORE_INSTANCES_PER_INSTANCE)
        .max_memory_size(MEMORY_ADDRESSES)
        .linear_memory_keep_resident(KEPT_BYTES)
        .pagemap_scan(wasmtime::Enabled::Auto);
    pooling
}
