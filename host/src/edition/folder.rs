//! What lies in an application folder for one host: its two configuration files and its modules.
//! In come the folder and the host's name; out go the files as they are now, each with a stamp that changes when it does.
//! It opens no file.

use crate::configuration::{CONFIG, FOLDER as CONFIGURATION, ROUTES};
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// How deep below the host's folder a module may lie: bounds a loop of links.
const DEPTH: usize = 16;

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file, following links; nothing: there is no file.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().filter(Metadata::is_file).map(|found| Self::from(&found))
    }
}

impl From<&Metadata> for Stamp {
    fn from(found: &Metadata) -> Self {
        Self {
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

/// The files of one host at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The two configuration files, as far as they are there.
    pub configuration: BTreeMap<PathBuf, Stamp>,
    /// The modules; nothing: their folder is not there, or cannot be read.
    pub modules: Option<BTreeMap<PathBuf, Stamp>>,
    /// Every folder in which something may change, with its inode: one that was made anew is another.
    pub folders: BTreeMap<PathBuf, u64>,
}

/// The folder of a host's modules.
#[must_use]
pub(super) fn modules_folder(application: &Path, host: &str) -> PathBuf {
    application.join("handlers").join(host)
}

impl Look {
    /// The files of the modules.
    pub fn module_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.modules.iter().flat_map(BTreeMap::keys)
    }
}

/// Looks at the files of a host.
#[must_use]
pub fn look(application: &Path, host: &str) -> Look {
    let mut look = Look::default();
    for file in [CONFIG, ROUTES] {
        let path = application.join(file);
        if let Some(stamp) = Stamp::of(&path) {
            look.configuration.insert(path, stamp);
        }
    }
    // The two outer ones are watched for the moment at which the next one below appears.
    for folder in [application.to_owned(), application.join("handlers"), application.join(CONFIGURATION)] {
        if let Ok(found) = std::fs::metadata(&folder) {
            look.folders.insert(folder, found.ino());
        }
    }
    let folder = modules_folder(application, host);
    if std::fs::read_dir(&folder).is_ok() {
        let mut modules = BTreeMap::new();
        find_modules(&folder, 0, &mut modules, &mut look.folders);
        look.modules = Some(modules);
    }
    look
}

/// What config.json calls a module: its path below the host's folder, without `.wasm`.
#[must_use]
pub(super) fn module_name(application: &Path, host: &str, file: &Path) -> String {
    let folder = modules_folder(application, host);
    file.strip_prefix(folder).unwrap_or(file).with_extension("").to_string_lossy().into_owned()
}

/// Collects `.wasm` files. What Cargo and editors keep for themselves is no module: `target` and dotted names.
fn find_modules(
    folder: &Path,
    depth: usize,
    modules: &mut BTreeMap<PathBuf, Stamp>,
    folders: &mut BTreeMap<PathBuf, u64>,
) {
    let (Ok(entries), Ok(found)) = (std::fs::read_dir(folder), std::fs::metadata(folder)) else { return };
    folders.insert(folder.to_owned(), found.ino());
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        // One question to the system for each file, as this is asked again and again.
        let Ok(found) = std::fs::metadata(&path) else { continue };
        if found.is_dir() && depth < DEPTH {
            find_modules(&path, depth + 1, modules, folders);
        } else if found.is_file() && path.extension().is_some_and(|extension| extension == "wasm") {
            modules.insert(path, Stamp::from(&found));
        }
    }
}

#[cfg(test)]
impl Stamp {
    /// A stamp that differs for each number.
    pub(crate) fn for_tests(number: u64) -> Self {
        Self { inode: 1, size: number, modified: (0, 0), changed: (0, 0) }
    }
}
