//! What lies in an application folder for one host: its two configuration files and its modules.
//! In come the folder, the host's name and whose modules it takes, too; out go the files as they are now, each with a stamp
//! that changes when it does.
//! It opens no file.

use crate::configuration::{CONFIG, FOLDER as CONFIGURATION, ROUTES};
use crate::handler::ModulePlace;
use crate::names::ServiceName;
use crate::stamp::Stamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How deep below the host's folder a module may lie: bounds a loop of links.
const DEPTH: usize = 16;

/// A folder's inode, and when it was made: one that was made anew under the same name is another.
pub type FolderId = (u64, Option<SystemTime>);

/// The files of one host at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The two configuration files, as far as they are there.
    pub configuration: BTreeMap<PathBuf, Stamp>,
    /// The modules: the host's own, and those in the folders of the hosts from which it takes handlers.
    pub modules: BTreeMap<PathBuf, Stamp>,
    /// Folders of modules that are not there.
    pub absent: Vec<PathBuf>,
    /// Every folder in which something may change.
    pub folders: BTreeMap<PathBuf, FolderId>,
}

/// The folder of a host's modules.
#[must_use]
pub(super) fn modules_folder(application: &Path, host: &str) -> PathBuf {
    application.join("handlers").join(host)
}

impl Look {
    /// The files of the modules.
    pub fn module_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.modules.keys()
    }
}

/// Looks at the files of a host. What is not there is left out.
///
/// # Errors
/// When something is there and cannot be looked at: then nothing is known.
pub fn look(application: &Path, host: &str, sources: &BTreeSet<ServiceName>) -> Result<Look, String> {
    let mut look = Look { configuration: look_at_configuration(application)?, ..Look::default() };
    // The two outer ones are watched for the moment at which the next one below appears.
    for folder in [application.to_owned(), application.join("handlers"), application.join(CONFIGURATION)] {
        if let Some(found) = found(&folder)? {
            look.folders.insert(folder, identity(&found));
        }
    }
    for host in std::iter::once(host).chain(sources.iter().map(ServiceName::as_str)) {
        let folder = modules_folder(application, host);
        if found(&folder)?.is_some_and(|found| found.is_dir()) {
            find_modules(&folder, 0, &mut look.modules, &mut look.folders)?;
        } else {
            look.absent.push(folder);
        }
    }
    Ok(look)
}

/// Looks at the two configuration files.
///
/// # Errors
/// When one is there and cannot be looked at.
pub fn look_at_configuration(application: &Path) -> Result<BTreeMap<PathBuf, Stamp>, String> {
    let mut files = BTreeMap::new();
    for file in [CONFIG, ROUTES] {
        let path = application.join(file);
        if let Some(found) = found(&path)?.filter(Metadata::is_file) {
            files.insert(path, Stamp::from(&found));
        }
    }
    Ok(files)
}

/// What is there under a path, following links.
fn found(path: &Path) -> Result<Option<Metadata>, String> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(format!("{} cannot be looked at: {error}", path.display())),
    }
}

/// What tells a folder from another one that was made under the same name.
fn identity(found: &Metadata) -> FolderId {
    (found.ino(), found.created().ok())
}

/// Where a module of this host lies.
#[must_use]
pub(super) fn module_place(application: &Path, host: &str, file: &Path) -> ModulePlace {
    let below = |folder: &Path| {
        file.strip_prefix(folder).ok().map(|path| path.with_extension("").to_string_lossy().into_owned())
    };
    if let Some(path) = below(&modules_folder(application, host)) {
        return ModulePlace { source: None, path };
    }
    // Only folders of microservices are looked at beside the host's own.
    let of_another = file.strip_prefix(application.join("handlers")).ok().and_then(|path| {
        let source = ServiceName::new(&path.iter().next()?.to_string_lossy()).ok()?;
        let path = below(&modules_folder(application, source.as_str()))?;
        Some(ModulePlace { source: Some(source), path })
    });
    of_another.unwrap_or_else(|| ModulePlace::own(&file.with_extension("").to_string_lossy()))
}

/// Collects `.wasm` files. What Cargo and editors keep for themselves is no module: `target` and dotted names.
fn find_modules(
    folder: &Path,
    depth: usize,
    modules: &mut BTreeMap<PathBuf, Stamp>,
    folders: &mut BTreeMap<PathBuf, FolderId>,
) -> Result<(), String> {
    let Some(here) = found(folder)? else { return Ok(()) };
    folders.insert(folder.to_owned(), identity(&here));
    let cannot = |error: std::io::Error| format!("{} cannot be looked at: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        // One question to the system for each file, as this is asked again and again.
        let Some(there) = found(&path)? else { continue };
        if there.is_dir() && depth < DEPTH {
            find_modules(&path, depth + 1, modules, folders)?;
        } else if there.is_file() && path.extension().is_some_and(|extension| extension == "wasm") {
            modules.insert(path, Stamp::from(&there));
        }
    }
    Ok(())
}
