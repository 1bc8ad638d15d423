//! The handlers of one host: which module offers which.
//! In come its modules; out goes the module for a handler's name, and what two modules claim.
//! It never reads a file, and never runs a request.

use super::module::{Module, Offer};
use crate::names::{HandlerName, ServiceName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which module offers which handler.
#[derive(Default, Clone)]
pub struct Catalog {
    /// By name.
    modules: BTreeMap<Arc<str>, Arc<Module>>,
    /// Those of the host's own modules.
    handlers: Handlers,
    /// Those that its routes take from the folders of other hosts.
    borrowed: BTreeMap<ServiceName, Handlers>,
    /// All that those folders have, also what no route takes.
    on_offer: BTreeMap<ServiceName, BTreeSet<HandlerName>>,
}

type Handlers = BTreeMap<HandlerName, Arc<Module>>;

/// The handlers that a host takes from the folders of others.
pub type Borrowed = BTreeMap<ServiceName, BTreeSet<HandlerName>>;

/// A handler that two modules offer.
pub struct Clash {
    /// Its name.
    pub handler: HandlerName,
    /// Who offered it first, and serves it.
    pub first: Arc<Module>,
    /// Who offers it, too.
    pub second: Arc<Module>,
}

impl Catalog {
    /// A catalogue of these modules. Where two offer one handler, the first one has it. Of another host's folder only those
    /// modules are kept that offer a handler which this host takes from there.
    pub fn new(modules: impl IntoIterator<Item = Arc<Module>>, borrowed: &Borrowed) -> (Self, Vec<Clash>) {
        let (mut catalog, mut clashes) = (Self::default(), Vec::new());
        for module in modules {
            let wanted = module.source.as_ref().map(|source| borrowed.get(source));
            let is_wanted = |name: &HandlerName| match wanted {
                Some(names) => names.is_some_and(|names| names.contains(name)),
                None => true,
            };
            let names = module.offers.iter().map(|offer| offer.name.clone());
            let offered: Vec<HandlerName> = names.filter(is_wanted).collect();
            if let Some(source) = &module.source {
                let names = module.offers.iter().map(|offer| offer.name.clone());
                catalog.on_offer.entry(source.clone()).or_default().extend(names);
            }
            for name in &offered {
                clashes.extend(catalog.claim(name, &module));
            }
            if module.source.is_none() || !offered.is_empty() {
                catalog.modules.insert(Arc::clone(&module.name), module);
            }
        }
        (catalog, clashes)
    }

    /// Gives a handler to a module, unless another one of the same folder has it.
    fn claim(&mut self, name: &HandlerName, module: &Arc<Module>) -> Option<Clash> {
        let handlers = match &module.source {
            Some(source) => self.borrowed.entry(source.clone()).or_default(),
            None => &mut self.handlers,
        };
        if let Some(first) = handlers.get(name) {
            return Some(Clash { handler: name.clone(), first: Arc::clone(first), second: Arc::clone(module) });
        }
        handlers.insert(name.clone(), Arc::clone(module));
        None
    }

    /// The module that offers this handler: one of the host's own, or one of the folder of `source`.
    #[must_use]
    pub fn module(&self, source: Option<&ServiceName>, handler: &HandlerName) -> Option<&Arc<Module>> {
        match source {
            Some(source) => self.borrowed.get(source)?.get(handler),
            None => self.handlers.get(handler),
        }
    }

    /// All modules, by name.
    pub fn modules(&self) -> impl Iterator<Item = &Arc<Module>> {
        self.modules.values()
    }

    /// Whether both hold the very same modules.
    #[must_use]
    pub fn has_same_modules(&self, other: &Self) -> bool {
        let mut pairs = self.modules.values().zip(other.modules.values());
        self.modules.len() == other.modules.len() && pairs.all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// The names of all handlers, sorted.
    pub fn names(&self) -> impl Iterator<Item = &HandlerName> {
        let names: BTreeSet<&HandlerName> = self.tables().flat_map(BTreeMap::keys).collect();
        names.into_iter()
    }

    /// The names of the handlers that one folder has: the host's own, or that of `source`.
    #[must_use]
    pub fn offered_by(&self, source: Option<&ServiceName>) -> Vec<&str> {
        match source {
            Some(source) => self.on_offer.get(source).into_iter().flatten().map(HandlerName::as_str).collect(),
            None => self.handlers.keys().map(HandlerName::as_str).collect(),
        }
    }

    /// Every handler with the module that offers it.
    pub fn offers(&self) -> impl Iterator<Item = (&Offer, &Arc<Module>)> {
        self.tables().flatten().filter_map(|(name, module)| {
            module.offers.iter().find(|offer| offer.name == *name).map(|offer| (offer, module))
        })
    }

    /// Its own handlers, then those of other folders.
    fn tables(&self) -> impl Iterator<Item = &Handlers> {
        std::iter::once(&self.handlers).chain(self.borrowed.values())
    }
}
