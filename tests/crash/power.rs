//! A drive whose power can be cut: a file with ext4 in it, mounted in a folder.
//! In comes the moment; out goes the file system as its journal and what was flushed make it.
//! It leaves nothing mounted, and says why it cannot be made where it cannot.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Bytes of the drive; the file has holes.
const SIZE: u64 = 512 << 20;
/// ext4's request to shut down (`EXT4_IOC_SHUTDOWN`), without another word to its journal (`NOLOGFLUSH`). What is only in
/// memory then is lost, and every later write fails.
const SHUT_DOWN: &str =
    r#"open(my $f, "<", $ARGV[0]) or die $!; my $how = pack("L", 2); ioctl($f, 0x8004587d, $how) or die $!"#;

pub(crate) struct Drive {
    folder: TempDir,
}

fn run(program: &str, arguments: &[&Path]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{program} cannot be run: {error}")),
    }
}

impl Drive {
    pub(crate) fn new() -> Result<Self, String> {
        let drive = Self { folder: tempfile::tempdir().unwrap() };
        let image = std::fs::File::create(drive.image()).unwrap();
        image.set_len(SIZE).unwrap();
        std::fs::create_dir(drive.folder()).unwrap();
        run("mkfs.ext4", &[Path::new("-q"), &drive.image()])?;
        drive.mount()?;
        // A drive that forgets nothing, or cannot be shut down, is no test.
        std::fs::write(drive.folder().join("forgotten"), "never flushed").unwrap();
        drive.try_cut()?;
        drive.return_power();
        let is_sound = !drive.folder().join("forgotten").exists();
        if is_sound { Ok(drive) } else { Err("the file system forgets nothing".to_owned()) }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("drive")
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mount(&self) -> Result<(), String> {
        run("mount", &["-o".as_ref(), "loop".as_ref(), &self.image(), &self.folder()])
    }

    fn try_cut(&self) -> Result<(), String> {
        run("perl", &["-e".as_ref(), SHUT_DOWN.as_ref(), &self.folder()])
    }

    /// Everything until now is on it.
    pub(crate) fn sync(&self) {
        run("sync", &["-f".as_ref(), &self.folder()]).unwrap();
    }

    pub(crate) fn cut(&self) {
        self.try_cut().unwrap();
    }

    /// After that it is as a machine finds it that starts again. Nobody may use it meanwhile.
    pub(crate) fn return_power(&self) {
        run("umount", &[&self.folder()]).unwrap();
        self.mount().unwrap();
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        // It may never have been mounted.
        let _ = run("umount", &[&self.folder()]);
    }
}
