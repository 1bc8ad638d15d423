//! Chooses where a host keeps what it writes, if the command line does not say.
//! In comes the place where containers mount the data folder; out goes that folder, or none with the words why.
//! A folder that somebody has mounted is never passed over: what was to be kept would be lost.

use rustix::fs::{Access, access};
use rustix::io::Errno;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The folder, if it is there and can be used, and what the log has to say about it.
pub(super) fn mounted(data: &Path) -> (Option<PathBuf>, Option<String>) {
    if !data.is_dir() {
        return (None, None);
    }
    let usable = access(data, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK);
    choose(data, usable, is_mounted(data))
}

fn choose(data: &Path, usable: Result<(), Errno>, is_mounted: bool) -> (Option<PathBuf>, Option<String>) {
    match usable {
        Err(why) if !is_mounted => {
            let data = data.display();
            (
                None,
                Some(format!(
                    "{data} cannot be used ({why}); map a folder or a volume to it that this user may write to"
                )),
            )
        }
        // The start says what is wrong with a folder that was to be used.
        _ => (Some(data.to_owned()), None),
    }
}

/// Whether a folder lies on another file system than the one above it. Where that cannot be told, it may.
fn is_mounted(data: &Path) -> bool {
    let device = |path: &Path| path.metadata().map(|found| found.dev());
    match (device(data), data.parent().map(device)) {
        (Ok(own), Some(Ok(above))) => own != above,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_can_be_written_is_used() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(mounted(folder.path()), (Some(folder.path().to_owned()), None));
        assert_eq!(mounted(&folder.path().join("none")), (None, None));
    }

    #[test]
    fn what_is_mounted_is_used_also_where_it_cannot_be_written() {
        let data = Path::new("data");
        assert_eq!(choose(data, Err(Errno::ROFS), true), (Some(data.to_owned()), None));
        assert!(is_mounted(Path::new("/proc")));
    }

    #[test]
    fn a_folder_that_nobody_mounted_and_nobody_can_write_is_left_alone() {
        let (folder, words) = choose(Path::new("data"), Err(Errno::ROFS), false);
        assert_eq!(folder, None);
        assert!(words.unwrap().starts_with("data cannot be used ("));
        let (above, below) = (tempfile::tempdir().unwrap(), "below");
        std::fs::create_dir(above.path().join(below)).unwrap();
        assert!(!is_mounted(&above.path().join(below)));
    }
}
