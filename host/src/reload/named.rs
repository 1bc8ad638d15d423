//! The files in which values of config.json stand.
//! In comes what reading config.json gave; out go the files that it names, whether or not it can serve.
//! It looks at none of them: each is told as it was when it was read.

use crate::configuration::{Configuration, Problems};
use crate::edition::Edition;
use crate::stamp::Stamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each file as it was when it was read; nothing in place of a stamp: it was not there.
#[derive(Default)]
pub(super) struct Named(BTreeMap<PathBuf, Option<Stamp>>);

impl Named {
    /// The files of a configuration that serves.
    pub(super) fn of(configuration: &Configuration) -> Self {
        Self(configuration.files_outside().clone())
    }

    /// The files of what was read; where it is broken, what is not there yet is looked for as well.
    pub(super) fn by(read: &Result<Configuration, Problems>, folder: &Path, microservice: Option<&str>) -> Self {
        match read {
            Ok(configuration) => Self::of(configuration),
            Err(_) => Configuration::survey(folder, microservice).0.as_ref().map(Self::of).unwrap_or_default(),
        }
    }

    /// The files that were there.
    pub(super) fn there(&self) -> impl Iterator<Item = (PathBuf, Stamp)> {
        self.0.iter().filter_map(|(file, stamp)| Some((file.clone(), (*stamp)?)))
    }

    /// All of them, and those that what serves was made of.
    pub(super) fn and(&self, serving: &Edition) -> BTreeSet<PathBuf> {
        self.0.keys().chain(serving.configuration.files_outside().keys()).cloned().collect()
    }
}
