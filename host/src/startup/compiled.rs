//! Where compiled modules are kept between starts.
//! In comes the data folder, if there is one; out goes a folder that only this user can write to.
//! It holds machine code that the host will run: a folder that others can change is not used.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Bits of a mode that let a group or everybody write.
const OTHERS_WRITE: u32 = 0o022;

/// Why a folder is not used.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it cannot be used: {0}")]
    System(#[from] std::io::Error),
    #[error("{0}")]
    Unsafe(&'static str),
}

/// The folder; none where there is no safe one, and modules are compiled at each start.
#[must_use]
pub fn compiled_folder(data: Option<&Path>) -> Option<PathBuf> {
    let folder = match data {
        Some(data) => data.join("compiled"),
        None => users_cache()?.join("qewd").join("compiled"),
    };
    match private(&folder) {
        Ok(folder) => Some(folder),
        Err(why) => {
            let words = format!("modules are compiled at each start: {}: {why}", folder.display());
            match why {
                // Nobody has asked for this place: a container without a home, or with a root that cannot be written, is in order.
                Failure::System(_) if data.is_none() => tracing::debug!("{words}"),
                _ => tracing::warn!("{words}"),
            }
            None
        }
    }
}

fn users_cache() -> Option<PathBuf> {
    // The XDG specification has programs ignore a relative path, and an empty one.
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|base| base.is_absolute());
    base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
}

/// Makes the folder if it is missing, and makes sure that nobody else can put anything into it.
fn private(folder: &Path) -> Result<PathBuf, Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let folder = folder.canonicalize()?;
    let found = folder.metadata()?;
    // A file of our own shows who we are.
    let own = tempfile::NamedTempFile::new_in(&folder).and_then(|file| file.as_file().metadata())?;
    if found.uid() != own.uid() {
        return Err(Failure::Unsafe("it belongs to another user; remove it"));
    }
    if found.mode() & OTHERS_WRITE != 0 {
        return Err(Failure::Unsafe("others may write to it; type chmod go-w for it, after removing what is in it"));
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_a_folder_of_ones_own_holds_machine_code() {
        let data = tempfile::tempdir().unwrap();
        let folder = compiled_folder(Some(data.path())).unwrap();
        assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o700);
        std::fs::set_permissions(&folder, Permissions::from_mode(0o770)).unwrap();
        assert_eq!(compiled_folder(Some(data.path())), None);
        std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        assert!(compiled_folder(Some(data.path())).is_some());
        std::fs::write(data.path().join("file"), "").unwrap();
        assert_eq!(compiled_folder(Some(&data.path().join("file"))), None);
    }
}
