//! Writes a new shared secret into config.json.
//! In comes the application folder; out comes the secret that the file holds from now on.
//! It changes nothing else in the file, and a reader never sees half a file.

use super::problem::{Problem, Report};
use super::secret::Secret;
use super::tree::{BYTE_ORDER_MARK, strict};
use super::{CONFIG, FOLDER, files, outside};
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

const BY_HAND: &str = "add \"jwt\": {\"secret\": \"…\"} to it by hand, with the same long random text on every host";

/// A random secret: a version 4 UUID, the form that QEWD-Up writes.
pub(crate) fn random() -> Secret {
    let bits = rand::random::<u128>();
    let bits = (bits & !(0xf << 76)) | (0x4 << 76);
    let bits = (bits & !(0x3 << 62)) | (0x2 << 62);
    let mut text = format!("{bits:032x}");
    for hyphen in [8, 13, 18, 23] {
        text.insert(hyphen, '-');
    }
    Secret::new(text)
}

/// Puts a random secret into config.json, or takes the one that another host has put there meanwhile.
///
/// # Errors
/// When the file cannot be read or written; the message says how to add the secret by hand.
pub(crate) fn ensure(folder: &Path) -> Result<Secret, Problem> {
    let locked = |failure: io::Error| cannot("lock the folder of", &failure);
    // The file itself is replaced, so a lock on it would not keep out a host that opens the new one.
    let guard = File::open(folder.join(FOLDER)).map_err(locked)?;
    guard.lock().map_err(locked)?;
    let mut report = Report::new(Path::new(CONFIG));
    let Some(text) = files::read(folder, CONFIG, &mut report) else {
        return Err(report.into_problems().into_iter().next().unwrap_or_else(changed));
    };
    let (mark, plain) = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(plain) => (true, plain),
        None => (false, text.as_str()),
    };
    let tree = CstRootNode::parse(plain, &strict()).map_err(|_| changed())?;
    let root = tree.object_value().ok_or_else(changed)?;
    if let Some(present) = present(&root) {
        return present;
    }
    let secret = random();
    insert(&root, &secret).ok_or_else(changed)?;
    let mut text = tree.to_string();
    if mark {
        text.insert(0, BYTE_ORDER_MARK);
    }
    replace(&folder.join(CONFIG), &text).map_err(|failure| cannot("write the generated secret to", &failure))?;
    drop(guard);
    Ok(secret)
}

fn present(root: &CstObject) -> Option<Result<Secret, Problem>> {
    let value = root.object_value("jwt")?.get("secret")?.value()?;
    let text = value.as_string_lit().and_then(|text| text.decoded_value().ok());
    // What somebody has put there meanwhile may stand elsewhere: the next start reads it.
    let written = |text: &String| !text.is_empty() && !outside::is_reference(text);
    Some(text.filter(written).map(Secret::new).ok_or_else(changed))
}

fn insert(root: &CstObject, secret: &Secret) -> Option<()> {
    let text = CstInputValue::String(secret.expose().to_owned());
    match root.get("jwt") {
        Some(jwt) => {
            jwt.object_value()?.append("secret", text);
        }
        None => {
            root.append("jwt", CstInputValue::Object(vec![("secret".to_owned(), text)]));
        }
    }
    Some(())
}

/// Replaces a file in one step; the new one keeps the old one's mode and, where that is allowed, its owner.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A rename over a symbolic link would replace the link and leave its target as it was.
    let target = path.canonicalize()?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    let old = fs::metadata(&target)?;
    let mut file = tempfile::Builder::new().prefix(".config-").suffix(".json").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    // Only root may give a file away, and the secret is as good under the writer's name.
    let _ = fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
    file.as_file().set_permissions(old.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|failure| failure.error)?;
    File::open(folder)?.sync_all()
}

fn cannot(what: &str, failure: &io::Error) -> Problem {
    Problem::in_file(
        Path::new(CONFIG),
        format!("\"jwt.secret\" is missing, and it was not possible to {what} this file ({failure})"),
        BY_HAND,
    )
}

fn changed() -> Problem {
    let what = "the file was changed while \"jwt.secret\" was being added";
    Problem::in_file(Path::new(CONFIG), what, "start again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_secret_is_a_version_4_uuid() {
        let secret = random();
        let parts: Vec<&str> = secret.expose().split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4'));
        assert!(parts[3].starts_with(['8', '9', 'a', 'b']));
        assert_ne!(secret, random());
    }

    #[test]
    fn a_folder_that_cannot_be_written_asks_for_the_secret() {
        let problem = cannot("write the generated secret to", &io::Error::from(io::ErrorKind::ReadOnlyFilesystem));
        assert_eq!(
            problem.to_string(),
            "configuration/config.json: \"jwt.secret\" is missing, and it was not possible to write the generated \
             secret to this file (read-only filesystem or storage medium); add \"jwt\": {\"secret\": \"…\"} to it by \
             hand, with the same long random text on every host"
        );
    }

    #[test]
    fn the_mode_and_a_link_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.json"), folder.path().join("link.json"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real.json", &link).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
