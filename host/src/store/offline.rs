//! The documents of a data folder for an operator: of a host that runs, through its socket, or else from the disk.
//! In comes the data folder; out goes somebody who does operations on its documents, and what is wrong with them.
//! It also opens what a host refuses to serve, and what sled refuses to open; that changes nothing in what is there.

use super::StoreFailure;
use super::disk::Disk;
use super::folder::{DocumentFolder, FolderFailure, socket_in};
use super::log_file::LOG;
use super::operate::{Lines, Operation, operate};
use super::salvage::salvage;
use super::socket;
use super::sum::Loss;
use super::tail::Tail;
use qewd_documents::{Engine as _, EngineFailure, Indexes, OpenFailure, Store};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

/// Who does operations on documents.
pub enum Operator {
    /// A host that runs and holds them.
    Host(PathBuf),
    /// This process.
    Own(Box<OwnStore>),
}

/// Documents that this process has opened.
pub struct OwnStore {
    store: Store,
    disk: Disk,
    folder: DocumentFolder,
    /// Whether they were read from the log without sled, into a folder beside.
    salvaged: bool,
    losses: Vec<Loss>,
}

impl Operator {
    /// Opens the documents of a data folder.
    ///
    /// # Errors
    /// [`StoreFailure`]
    pub fn open(data: &Path) -> Result<Self, StoreFailure> {
        let folder = match DocumentFolder::take(data, "qewd documents") {
            Ok(folder) => folder,
            Err(failure @ FolderFailure::Held { .. }) => {
                let socket = socket_in(&data.join("documents"));
                return if socket.exists() { Ok(Self::Host(socket)) } else { Err(failure.into()) };
            }
            Err(failure) => return Err(failure.into()),
        };
        let failed = |why| StoreFailure::Open { folder: data.display().to_string(), why };
        let tail = Tail::of(&folder.engine().join(LOG));
        let (disk, salvaged, loss) = match sound(&folder) {
            Ok(disk) => (disk, false, None),
            Err(why) => {
                // sled has cut off what it could not read.
                tail.put_back()
                    .map_err(|error| StoreFailure::Other(format!("the documents in {}: {error}", data.display())))?;
                match why {
                    Some(why @ (OpenFailure::Format(_) | OpenFailure::Engine(EngineFailure { full: true, .. }))) => {
                        return Err(failed(why));
                    }
                    _ => rescue(&folder)?,
                }
            }
        };
        drop(tail);
        let kept = Store::kept_indexes(&disk).map_err(|failure| failed(failure.into()))?;
        let indexes = kept.map(|kept| Indexes::from_json(&kept)).transpose();
        let indexes = indexes.map_err(|bad| StoreFailure::Other(bad.to_string()))?.unwrap_or_default();
        let store = Store::open(Box::new(disk.clone()), indexes).map_err(failed)?;
        let losses = loss.into_iter().chain(folder.missing(store.committed())).collect();
        Ok(Self::Own(Box::new(OwnStore { store, disk, folder, salvaged, losses })))
    }

    /// What is wrong with these documents, in words; none: they are all there, and a host can serve them.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let Self::Own(own) = self else { return None };
        let losses: Vec<String> = own.losses.iter().map(ToString::to_string).collect();
        match (losses.is_empty(), own.salvaged) {
            (false, _) => Some(format!("documents are lost: {}", losses.join("; "))),
            (true, true) => Some("the engine's own files are damaged, and all documents are there".to_owned()),
            (true, false) => None,
        }
    }

    /// Whether documents are lost.
    #[must_use]
    pub fn has_loss(&self) -> bool {
        matches!(self, Self::Own(own) if !own.losses.is_empty())
    }

    /// From now on what is there is all that there was. Gives the closing word.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn accept_loss(self) -> Result<String, String> {
        let Self::Own(own) = self else { return Ok("a host serves these documents, and none is lost".to_owned()) };
        let OwnStore { store, disk, folder, salvaged, losses } = *own;
        if losses.is_empty() && !salvaged {
            return Ok("no document is lost".to_owned());
        }
        disk.accept().map_err(|failure| failure.to_string())?;
        let commit = store.committed();
        // The engine has to let go of its files before they move.
        drop(store);
        drop(disk);
        let kept = if salvaged { folder.put_in_place() } else { Ok(None) };
        let kept = kept.map_err(|error| format!("what was saved cannot be put in place: {error}"))?;
        folder.acknowledge(commit).map_err(|error| error.to_string())?;
        let before = kept.map(|kept| format!("; what was there before is kept in {}", kept.display()));
        Ok(format!("what is there is all there is now, and a host can serve it{}", before.unwrap_or_default()))
    }

    /// Does an operation. Gives the closing word.
    ///
    /// # Errors
    /// The closing word, where not everything is as it should be.
    pub fn operate(
        &self,
        operation: &Operation,
        input: Box<dyn BufRead + Send>,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<String, String> {
        match self {
            Self::Host(path) => socket::call(path, operation, input, output, progress),
            Self::Own(own) => own.operate(operation, &mut Lines { input, output, progress }),
        }
    }
}

impl OwnStore {
    fn operate(&self, operation: &Operation, lines: &mut Lines<'_>) -> Result<String, String> {
        if *operation != Operation::Import {
            return operate(&self.store, operation, lines);
        }
        if !self.losses.is_empty() || self.salvaged {
            return Err(
                "nothing is imported into documents that are damaged; look at them with `qewd documents check`"
                    .to_owned(),
            );
        }
        let done = operate(&self.store, operation, lines);
        let flushed = self.store.flush().map_err(|failure| failure.to_string())?;
        self.folder.acknowledge(flushed).map_err(|error| error.to_string())?;
        done
    }
}

/// What sled reads, if nothing is missing; else why it cannot be opened, or nothing: something is missing.
fn sound(folder: &DocumentFolder) -> Result<Disk, Option<OpenFailure>> {
    let disk = Disk::open(&folder.engine()).map_err(|failure| Some(failure.into()))?;
    if let Err(why @ OpenFailure::Format(_)) = Store::check_format(&disk) {
        return Err(Some(why));
    }
    disk.verify().map_err(|_| None)?;
    let store = Store::open(Box::new(disk.clone()), Indexes::default()).map_err(Some)?;
    if folder.missing(store.committed()).is_some() { Err(None) } else { Ok(disk) }
}

/// Reads what the log holds, without sled, into a folder beside; and says what is missing.
fn rescue(folder: &DocumentFolder) -> Result<(Disk, bool, Option<Loss>), StoreFailure> {
    let failed =
        |words: String| StoreFailure::Other(format!("what can be read of the documents cannot be saved: {words}"));
    let place = folder.rescue();
    match std::fs::remove_dir_all(&place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error.to_string())),
        _ => {}
    }
    let disk = Disk::open(&place).map_err(|failure| failed(failure.to_string()))?;
    let log = folder.engine().join(LOG);
    let mut waiting = Vec::new();
    let kept = salvage(&log, &mut |entries| {
        waiting.extend(entries);
        let enough = waiting.len() >= AT_ONCE;
        if enough { disk.fill(std::mem::take(&mut waiting)).map_err(|failure| failure.to_string()) } else { Ok(()) }
    });
    let kept = if log.exists() { kept.map_err(failed)? } else { None };
    let found = disk
        .fill(waiting)
        .and_then(|()| disk.tidy())
        .and_then(|()| disk.count())
        .and_then(|sum| disk.flush().map(|()| sum));
    let found = found.map_err(|failure| StoreFailure::Open {
        folder: place.display().to_string(),
        why: OpenFailure::from(failure),
    })?;
    Ok((disk, true, found.compare(kept).err()))
}

/// Entries that are stored in one step when a log is read, 1000: as an import does.
const AT_ONCE: usize = 1000;
