//! One module: a `.wasm` file, compiled, checked against the contract and asked what it offers.
//! In comes a file's content, out goes a module that makes instances; what cannot be loaded is said with its mend.
//! It never runs a request.

use super::engine::Engine;
use super::exports::Linked;
use super::instance::{Instance, Shared};
use super::linking::{flat, link};
use super::{CallFailure, bindings};
use crate::configuration::ModuleSettings;
use crate::counters::Tally;
use crate::names::{HandlerName, ServiceName};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use wasmtime::component::Component;

/// How long a module may take to say what it offers: it only returns a list.
const DESCRIBE_TIME: Duration = Duration::from_secs(5);

/// The content of a file, compiled: it knows neither its name nor what it may use.
#[derive(Clone)]
pub struct Compiled {
    /// The first twelve hexadecimal digits of the content's SHA-256: the version that logs name.
    pub version: Arc<str>,
    /// How long compiling took, or reading what was compiled before.
    pub took: Duration,
    component: Component,
    /// Its ticker interrupts instances.
    engine: Engine,
}

/// A loaded module.
pub struct Module {
    /// Its path below the host's folder, without `.wasm`: what config.json calls it. One of another host's folder begins
    /// with `../` and that host's name.
    pub name: Arc<str>,
    /// The microservice in whose folder it lies, if not the host's own.
    pub source: Option<ServiceName>,
    /// Where it was read from.
    pub file: PathBuf,
    /// What it may use.
    pub settings: ModuleSettings,
    /// The handlers that it offers.
    pub offers: Vec<Offer>,
    /// When it was loaded.
    pub loaded: SystemTime,
    /// How its requests ended, and how long they ran.
    pub tally: Tally,
    compiled: Compiled,
    linked: Linked,
    shared: Shared,
    /// Whether another version took its place: its instances are not used again.
    replaced: AtomicBool,
}

/// Where a module lies among the folders of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModulePlace {
    /// The microservice in whose folder it lies, if not the host's own.
    pub source: Option<ServiceName>,
    /// Its path below that folder, without `.wasm`.
    pub path: String,
}

impl ModulePlace {
    /// A place in the host's own folder.
    #[must_use]
    pub fn own(path: &str) -> Self {
        Self { source: None, path: path.to_owned() }
    }

    /// The name of the module, which no two modules of one host share.
    fn name(&self) -> Arc<str> {
        match &self.source {
            Some(source) => format!("../{source}/{}", self.path).into(),
            None => self.path.as_str().into(),
        }
    }
}

/// A handler that a module offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name in routes.json.
    pub name: HandlerName,
    /// The microservices that it asks.
    pub needs: Vec<ServiceName>,
}

/// Why a file is not a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {mend}")]
pub struct LoadFailure {
    /// What is wrong with the file.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

impl LoadFailure {
    pub(super) fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.into(), mend: mend.into() }
    }
}

impl Compiled {
    /// Compiles the content of a file, on a thread of its own so that no request waits for it.
    ///
    /// # Errors
    /// [`LoadFailure`] when it is no component.
    pub async fn new(engine: &Engine, bytes: Vec<u8>) -> Result<Self, LoadFailure> {
        let compiler = engine.clone();
        let compiling = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let component = compile(compiler.wasmtime(), &bytes)?;
            let version = content_hash(&bytes).into();
            Ok(Self { version, took: started.elapsed(), component, engine: compiler })
        });
        compiling
            .await
            .map_err(|error| LoadFailure::new(format!("compiling ended: {error}"), "report this as a fault"))?
    }
}

impl Module {
    /// Links a compiled file, and asks it what it offers.
    ///
    /// # Errors
    /// [`LoadFailure`] when it is no module for this host.
    pub async fn new(
        compiled: &Compiled,
        place: ModulePlace,
        file: PathBuf,
        settings: ModuleSettings,
        shared: Shared,
    ) -> Result<Self, LoadFailure> {
        let linked = link(&compiled.component, &settings.imports)?;
        let mut module = Self {
            name: place.name(),
            source: place.source,
            file,
            settings,
            offers: Vec::new(),
            loaded: SystemTime::now(),
            tally: Tally::default(),
            compiled: compiled.clone(),
            linked,
            shared,
            replaced: AtomicBool::new(false),
        };
        module.offers = module.ask_for_offers().await?;
        Ok(module)
    }

    /// What it was made from.
    #[must_use]
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The version that logs name.
    #[must_use]
    pub fn version(&self) -> &Arc<str> {
        &self.compiled.version
    }

    /// A new instance.
    ///
    /// # Errors
    /// [`CallFailure::Instantiate`] when the module's own start-up fails or there is no room.
    pub async fn instantiate(&self) -> Result<Instance, CallFailure> {
        let ticker = self.compiled.engine.ticker();
        Instance::new(&self.linked, &self.name, &self.settings, &self.shared, ticker).await
    }

    /// From now on another version serves.
    pub fn replace(&self) {
        self.replaced.store(true, Ordering::Release);
    }

    /// Whether another version serves.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    async fn ask_for_offers(&self) -> Result<Vec<Offer>, LoadFailure> {
        let described = tokio::time::timeout(DESCRIBE_TIME, async { self.instantiate().await?.describe().await }).await;
        let mend = "mend the module's `describe`, or its start-up code";
        let offers = described
            .map_err(|_| LoadFailure::new("the module did not say in time what it offers", mend))?
            .map_err(|failure| LoadFailure::new(format!("the module does not say what it offers: {failure}"), mend))?;
        let offers: Result<Vec<Offer>, LoadFailure> = offers.iter().map(offer).collect();
        let mut offers = offers?;
        if offers.is_empty() {
            offers.push(self.offer_named_after_file()?);
        }
        Ok(offers)
    }

    fn offer_named_after_file(&self) -> Result<Offer, LoadFailure> {
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
        let name = HandlerName::new(&stem)
            .map_err(|bad| LoadFailure::new(bad.to_string(), "rename the file: it names the handler"))?;
        Ok(Offer { name, needs: Vec::new() })
    }
}

fn offer(offer: &bindings::qewd::handler::types::Offer) -> Result<Offer, LoadFailure> {
    let mend = "rename it in the module";
    let name = HandlerName::new(&offer.name).map_err(|bad| LoadFailure::new(bad.to_string(), mend))?;
    let needs: Result<_, _> = offer.needs.iter().map(|name| ServiceName::new(name)).collect();
    Ok(Offer { name, needs: needs.map_err(|bad| LoadFailure::new(bad.to_string(), mend))? })
}

fn compile(engine: &wasmtime::Engine, bytes: &[u8]) -> Result<Component, LoadFailure> {
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(LoadFailure::new("the file is machine code, not WebAssembly", "put the .wasm file there"));
    }
    Component::new(engine, bytes).map_err(|error| not_a_component(bytes, &error))
}

fn not_a_component(bytes: &[u8], error: &wasmtime::Error) -> LoadFailure {
    let mend = "build it with `cargo build --release --target wasm32-wasip2`";
    // The first eight bytes of a core module, by the WebAssembly specification.
    if bytes.starts_with(b"\0asm\x01\0\0\0") {
        return LoadFailure::new("the file is a core module, not a component", mend);
    }
    if bytes.is_empty() {
        return LoadFailure::new("the file is empty", "write it anew, under another name first");
    }
    if !bytes.starts_with(b"\0asm") {
        return LoadFailure::new("the file is not WebAssembly", mend);
    }
    // The library has no type for this, but says in these words that a table or the like is larger than what was reserved.
    let words = flat(error);
    if words.contains(" exceeds the ") {
        return LoadFailure::new(format!("the module wants more than a host gives it: {words}"), "build it smaller");
    }
    LoadFailure::new(
        format!("the file is not a whole component: {}", flat(error)),
        "write it anew, under another name first",
    )
}

fn content_hash(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
