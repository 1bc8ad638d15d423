//! From a compiled component to one whose imports are all answered.
//! In come a component and the interfaces that it may import; out goes what instances are made from, or what it lacks.
//! It links nothing that was not granted, so that a module learns at its loading what it may not use.

use super::bindings::qewd::handler::{documents, log, messages, services, settings, types};
use super::exports::Linked;
use super::instance::State;
use super::module::LoadFailure;
use crate::configuration::Import;
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker};

/// The versions of the contract that this host speaks; a module may be built against any that is compatible.
const SPOKEN: &str = "0.1.3";
/// The interfaces of which a module exports one.
const HANDLERS: [&str; 2] = ["qewd:handler/handlers@", "qewd:handler/packed-handlers@"];

/// Answers every import of a component.
pub(super) fn link(component: &Component, granted: &[Import]) -> Result<Linked, LoadFailure> {
    let engine = component.engine();
    check_version(component, engine)?;
    check_imports(component, engine, granted)?;
    let linker =
        linker(engine, granted).map_err(|error| LoadFailure::new(format!("{error:#}"), "report this as a fault"))?;
    let mend =
        "grant nothing more than the interfaces in sdk/wit and plain WASI 0.2; build the module with this host's SDK";
    let pre = linker.instantiate_pre(component).map_err(|error| LoadFailure::new(flat(&error), mend))?;
    Linked::new(pre).map_err(|error| LoadFailure::new(flat(&error), "build the module with this host's SDK"))
}

fn linker(engine: &Engine, granted: &[Import]) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    for import in granted {
        match import {
            Import::Log => log::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?,
            Import::Services => services::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?,
            Import::Messages => messages::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?,
            Import::Settings => settings::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?,
            Import::Documents => documents::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?,
        }
    }
    Ok(linker)
}

/// Says which versions would do, before wasmtime says only that an export is missing.
fn check_version(component: &Component, engine: &Engine) -> Result<(), LoadFailure> {
    let exports: Vec<String> = component.component_type().exports(engine).map(|(name, _)| name.to_owned()).collect();
    let found = exports.iter().find_map(|name| HANDLERS.iter().find_map(|interface| name.strip_prefix(interface)));
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

/// Names what is not there before wasmtime says only that a function is missing. An interface that the host has and
/// config.json withholds is the operator's to grant.
fn check_imports(component: &Component, engine: &Engine, granted: &[Import]) -> Result<(), LoadFailure> {
    for (import, _) in component.component_type().imports(engine) {
        let interface = import.strip_prefix("qewd:handler/").and_then(|rest| rest.split('@').next());
        let known = interface.and_then(|name| Import::ALL.into_iter().find(|import| import.name() == name));
        let (is_wasi, is_types) = (import.starts_with("wasi:"), interface == Some("types"));
        match known {
            Some(import) if granted.contains(&import) => {}
            Some(import) => {
                let name = import.name();
                let what = format!("the module imports {name}, which config.json does not grant it");
                let mend = format!("add {name:?} to its \"imports\" in \"handlers\", or build it without");
                return Err(LoadFailure::new(what, mend));
            }
            None if is_wasi || is_types => {}
            None => {
                let what = format!("the module imports {import}, which this host does not have");
                return Err(LoadFailure::new(what, "build it with this host's SDK, or run a newer host"));
            }
        }
    }
    Ok(())
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

pub(super) fn flat(error: &wasmtime::Error) -> String {
    format!("{error:#}").split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_may_be_older_but_not_newer() {
        assert!(compatible("0.1.0"));
        assert!(compatible(SPOKEN));
        for other in ["0.2.0", "0.1.4", "1.0.0", "0.1", "nonsense"] {
            assert!(!compatible(other), "{other}");
        }
    }
}
