//! One module: a `.wasm` file, compiled, checked against the contract and asked what it offers.
//! In comes a file, out goes a module that makes instances; what cannot be loaded is said with its mend.
//! It never runs a request.

use super::bindings::ModulePre;
use super::engine::Engine;
use super::instance::{Instance, InstanceSettings, State};
use super::{CallFailure, bindings};
use crate::names::{HandlerName, ServiceName};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasmtime::component::{Component, HasSelf, Linker};

/// The versions of the contract that this host speaks; a module may be built against any that is compatible.
const SPOKEN: &str = "0.1.0";
/// How long a module may take to say what it offers: it only returns a list.
const DESCRIBE_TIME: Duration = Duration::from_secs(5);

/// A loaded module.
pub struct Module {
    /// Where it was read from.
    pub file: PathBuf,
    /// The first twelve hexadecimal digits of its content's SHA-256: the version that logs name.
    pub version: String,
    /// The handlers that it offers.
    pub offers: Vec<Offer>,
    pre: ModulePre<State>,
    settings: InstanceSettings,
    /// Keeps the engine's ticker alive as long as there are instances that it has to interrupt.
    _engine: Engine,
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
#[derive(Debug, thiserror::Error)]
#[error("{what}; {mend}")]
pub struct LoadFailure {
    /// What is wrong with the file.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

impl LoadFailure {
    fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.into(), mend: mend.into() }
    }
}

impl Module {
    /// Reads, compiles and checks a file, and asks it what it offers.
    ///
    /// # Errors
    /// [`LoadFailure`] when the file is no module for this host.
    pub async fn load(engine: &Engine, file: &Path, settings: &InstanceSettings) -> Result<Self, LoadFailure> {
        let bytes = tokio::fs::read(file).await.map_err(|error| {
            LoadFailure::new(format!("the file cannot be read: {error}"), "let the user that runs qewd read it")
        })?;
        let version = content_hash(&bytes);
        let compiler = engine.clone();
        let pre = tokio::task::spawn_blocking(move || prepare(&compiler, &bytes)).await;
        let pre =
            pre.map_err(|error| LoadFailure::new(format!("compiling ended: {error}"), "report this as a fault"))??;
        let mut module = Self {
            file: file.to_owned(),
            version,
            offers: Vec::new(),
            pre,
            settings: settings.clone(),
            _engine: engine.clone(),
        };
        module.offers = module.ask_for_offers().await?;
        Ok(module)
    }

    /// A new instance.
    ///
    /// # Errors
    /// [`CallFailure::Instantiate`] when the module's own start-up fails or there is no room.
    pub async fn instantiate(&self) -> Result<Instance, CallFailure> {
        Instance::new(&self.pre, &self.settings).await
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

/// Compiles and links: everything that needs no instance.
fn prepare(engine: &Engine, bytes: &[u8]) -> Result<ModulePre<State>, LoadFailure> {
    let wasmtime = engine.wasmtime();
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(LoadFailure::new("the file is machine code, not WebAssembly", "put the .wasm file there"));
    }
    let component = Component::new(wasmtime, bytes).map_err(|error| not_a_component(bytes, &error))?;
    check_version(&component, wasmtime)?;
    let linker = linker(wasmtime).map_err(|error| LoadFailure::new(format!("{error:#}"), "report this as a fault"))?;
    let mend =
        "grant nothing more than the interfaces in sdk/wit and plain WASI 0.2; build the module with this host's SDK";
    let pre = linker.instantiate_pre(&component).map_err(|error| LoadFailure::new(flat(&error), mend))?;
    ModulePre::new(pre).map_err(|error| LoadFailure::new(flat(&error), "build the module with this host's SDK"))
}

fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    bindings::Module::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}

fn not_a_component(bytes: &[u8], error: &wasmtime::Error) -> LoadFailure {
    let mend = "build it with `cargo build --release --target wasm32-wasip2`";
    // The first eight bytes of a core module, by the WebAssembly specification.
    if bytes.starts_with(b"\0asm\x01\0\0\0") {
        return LoadFailure::new("the file is a core module, not a component", mend);
    }
    if !bytes.starts_with(b"\0asm") {
        return LoadFailure::new("the file is not WebAssembly", mend);
    }
    LoadFailure::new(
        format!("the file is not a whole component: {}", flat(error)),
        "write it anew, under another name first",
    )
}

/// Says which versions would do, before wasmtime says only that an export is missing.
fn check_version(component: &Component, engine: &wasmtime::Engine) -> Result<(), LoadFailure> {
    let exports: Vec<String> = component.component_type().exports(engine).map(|(name, _)| name.to_owned()).collect();
    let found = exports.iter().find_map(|name| name.strip_prefix("qewd:handler/handlers@"));
    let mend = format!("build it with an SDK for version {SPOKEN} of the contract");
    match found {
        None => {
            let has = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
            Err(LoadFailure::new(format!("the module offers no handlers: it exports {has}"), mend))
        }
        Some(version) if compatible(version) => Ok(()),
        Some(version) => Err(LoadFailure::new(
            format!("the module speaks version {version} of the contract, this host speaks {SPOKEN}"),
            mend,
        )),
    }
}

/// Below 1.0 the minor number must agree, and a module may not be newer than the host.
fn compatible(version: &str) -> bool {
    let numbers = |text: &str| -> Option<Vec<u32>> { text.split('.').map(|number| number.parse().ok()).collect() };
    match (numbers(version).as_deref(), numbers(SPOKEN).as_deref()) {
        (Some([major, minor, patch]), Some([our_major, our_minor, our_patch])) => {
            major == our_major && minor == our_minor && patch <= our_patch
        }
        _ => false,
    }
}

fn flat(error: &wasmtime::Error) -> String {
    format!("{error:#}").split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

fn content_hash(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_may_be_older_but_not_newer() {
        assert!(compatible("0.1.0"));
        for other in ["0.2.0", "0.1.1", "1.0.0", "0.1", "nonsense"] {
            assert!(!compatible(other), "{other}");
        }
    }
}
