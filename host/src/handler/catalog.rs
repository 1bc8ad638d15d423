//! The handlers of one host: which module offers which.
//! In come its modules; out goes the module for a handler's name, and what two modules claim.
//! It never reads a file, and never runs a request.

use super::module::{Module, Offer};
use crate::names::HandlerName;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which module offers which handler.
#[derive(Default, Clone)]
pub struct Catalog {
    /// By name.
    modules: BTreeMap<Arc<str>, Arc<Module>>,
    handlers: BTreeMap<HandlerName, Arc<Module>>,
}

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
    /// A catalogue of these modules. Where two offer one handler, the first one has it.
    pub fn new(modules: impl IntoIterator<Item = Arc<Module>>) -> (Self, Vec<Clash>) {
        let (mut catalog, mut clashes) = (Self::default(), Vec::new());
        for module in modules {
            for Offer { name, .. } in &module.offers {
                match catalog.handlers.get(name) {
                    Some(first) => clashes.push(Clash {
                        handler: name.clone(),
                        first: Arc::clone(first),
                        second: Arc::clone(&module),
                    }),
                    None => {
                        catalog.handlers.insert(name.clone(), Arc::clone(&module));
                    }
                }
            }
            catalog.modules.insert(Arc::clone(&module.name), module);
        }
        (catalog, clashes)
    }

    /// The module that offers this handler.
    #[must_use]
    pub fn module(&self, handler: &HandlerName) -> Option<&Arc<Module>> {
        self.handlers.get(handler)
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
        self.handlers.keys()
    }

    /// Every handler with the module that offers it.
    pub fn offers(&self) -> impl Iterator<Item = (&Offer, &Arc<Module>)> {
        self.handlers.iter().filter_map(|(name, module)| {
            module.offers.iter().find(|offer| offer.name == *name).map(|offer| (offer, module))
        })
    }
}
