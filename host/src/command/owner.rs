//! Gives root's rights away at the start of a container: the host serves as the owner of its application folder.
//! In come the application folder and the data folder; out goes the same process under another user, or the words why not.
//! It does nothing where the environment does not ask for it, and it never takes a right.

use crate::configuration::{Configuration, IfSecretMissing};
use crate::store::is_held;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment variable that asks for this: `owner`. The image sets it.
const VARIABLE: &str = "QEWD_RUN_AS";
const OWNER: &str = "owner";
/// How the process that failed tells why to the one that it becomes.
const REFUSED: &str = "refused: ";
/// The user of the image, for a folder that is root's. Not one that a machine has: nothing outside of the container is its.
const NOBODY: User = User { uid: 65532, gid: 65532 };
/// What a host reads of its folder.
const READ: [&str; 3] = ["configuration", "handlers", "www"];
/// Folders below folders that are looked at; deeper ones are only reached by a mistake.
const DEPTH: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct User {
    uid: u32,
    gid: u32,
}

impl User {
    fn of(found: &Metadata) -> Self {
        Self { uid: found.uid(), gid: found.gid() }
    }

    /// Whether the mode lets this user read a file, or list a folder and go into it.
    fn may_read(self, found: &Metadata) -> bool {
        let wanted = if found.is_dir() { 0o5 } else { 0o4 };
        let shift = if found.uid() == self.uid {
            6
        } else if found.gid() == self.gid {
            3
        } else {
            0
        };
        (found.mode() >> shift) & wanted == wanted
    }
}

/// Becomes the owner of the folder where the environment asks for it and this process is root. Where it works, this does
/// not return: the same process begins anew. What it returns is to be said in the log.
pub(super) fn become_owner(folder: &Path, data: Option<&Path>, microservice: Option<&str>) -> Option<String> {
    let asked = std::env::var(VARIABLE).unwrap_or_default();
    if let Some(why) = asked.strip_prefix(REFUSED) {
        return Some(words(why));
    }
    let is_root = rustix::process::geteuid().is_root();
    let Ok(found) = fs::metadata(folder) else { return None };
    let user = match choose(asked == OWNER && is_root, User::of(&found), |user| first_hidden(folder, user)) {
        Choice::Stay => return None,
        Choice::StayAndSay(why) => return Some(words(&why)),
        Choice::Become(user) => user,
    };
    // As long as this is root, it may write into a folder of any owner. What is wrong is told by the start.
    let _ = Configuration::load(folder, microservice, IfSecretMissing::Generate);
    // Not from under a host that runs: this one will not get it.
    if let Some(data) = data.filter(|data| !is_held(data)) {
        // A start that cannot write says so, and how to mend it.
        let _ = hand_over(data, user, DEPTH);
    }
    let failure = begin_anew(Some(user), None);
    let why = format!("the container may not change its user ({failure})");
    // A failed change leaves signals as no server wants them.
    let failure = begin_anew(None, Some(&why));
    Some(words(&format!("{why}, {failure}")))
}

/// Works on a data folder as its owner, under the same conditions: what root leaves there, a host could not change.
pub(super) fn become_owner_of(data: &Path) {
    let is_asked = std::env::var(VARIABLE).is_ok_and(|asked| asked == OWNER) && rustix::process::geteuid().is_root();
    if let Some(owner) =
        fs::metadata(data).ok().map(|found| User::of(&found)).filter(|owner| is_asked && owner.uid != 0)
    {
        // Where it may not, root does the work.
        let _ = begin_anew(Some(owner), None);
    }
}

fn words(why: &str) -> String {
    format!(
        "this host runs as root: {why}; start the container with `--user`, and with a folder that this user may read, to end \
         that"
    )
}

#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Stay,
    StayAndSay(String),
    Become(User),
}

/// Whom to become. `hidden` names a file that a user could not read.
fn choose(wanted: bool, owner: User, hidden: impl Fn(User) -> Option<PathBuf>) -> Choice {
    if !wanted {
        return Choice::Stay;
    }
    let user = if owner.uid == 0 { NOBODY } else { owner };
    match hidden(user) {
        None => Choice::Become(user),
        Some(file) => Choice::StayAndSay(format!("user {} may not read {}", user.uid, file.display())),
    }
}

/// The first of the host's files that the user could not read.
fn first_hidden(folder: &Path, user: User) -> Option<PathBuf> {
    if !fs::metadata(folder).is_ok_and(|found| user.may_read(&found)) {
        return Some(folder.to_owned());
    }
    READ.iter().find_map(|part| hidden_below(&folder.join(part), user, DEPTH))
}

fn hidden_below(path: &Path, user: User, depth: usize) -> Option<PathBuf> {
    // What is not there hides nothing.
    let found = fs::metadata(path).ok()?;
    if !user.may_read(&found) {
        return Some(path.to_owned());
    }
    if !found.is_dir() || depth == 0 {
        return None;
    }
    let entries = fs::read_dir(path).ok()?;
    entries.flatten().find_map(|entry| hidden_below(&entry.path(), user, depth - 1))
}

/// Makes a folder and what is in it the user's own, without following links.
fn hand_over(path: &Path, user: User, depth: usize) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if found.is_dir() && depth > 0 {
        for entry in fs::read_dir(path)? {
            hand_over(&entry?.path(), user, depth - 1)?;
        }
    }
    if User::of(&found) == user { Ok(()) } else { lchown(path, Some(user.uid), Some(user.gid)) }
}

/// Runs the program again in this process, with the same arguments. Returns only if that fails.
fn begin_anew(user: Option<User>, refused: Option<&str>) -> io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).env_remove(VARIABLE);
    if let Some(why) = refused {
        command.env(VARIABLE, format!("{REFUSED}{why}"));
    }
    if let Some(user) = user {
        // The groups of root are left behind with it.
        command.uid(user.uid).gid(user.gid);
    }
    command.exec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    const SOMEBODY: User = User { uid: 1000, gid: 100 };
    const ROOT: User = User { uid: 0, gid: 0 };

    #[test]
    fn nobody_changes_who_was_not_asked() {
        assert_eq!(choose(false, SOMEBODY, |_| None), Choice::Stay);
        assert_eq!(choose(false, ROOT, |_| Some(PathBuf::from("x"))), Choice::Stay);
    }

    #[test]
    fn the_owner_of_the_folder_serves() {
        assert_eq!(choose(true, SOMEBODY, |_| None), Choice::Become(SOMEBODY));
    }

    #[test]
    fn a_folder_of_root_is_served_by_nobody_in_particular() {
        assert_eq!(choose(true, ROOT, |_| None), Choice::Become(NOBODY));
    }

    #[test]
    fn who_could_not_read_a_file_does_not_serve() {
        let hidden = |user: User| (user == NOBODY).then(|| PathBuf::from("configuration/config.json"));
        let said = "user 65532 may not read configuration/config.json".to_owned();
        assert_eq!(choose(true, ROOT, hidden), Choice::StayAndSay(said));
    }

    #[test]
    fn the_mode_says_who_may_read() {
        let folder = tempfile::tempdir().unwrap();
        let own = User::of(&folder.path().metadata().unwrap());
        let file = folder.path().join("configuration");
        fs::create_dir(&file).unwrap();
        let stranger = User { uid: own.uid + 1, gid: own.gid + 1 };
        let companion = User { uid: own.uid + 1, gid: own.gid };
        for (mode, who) in [(0o700, vec![own]), (0o750, vec![own, companion]), (0o705, vec![own, stranger])] {
            fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            for user in [own, companion, stranger] {
                assert_eq!(first_hidden(folder.path(), user).is_none(), who.contains(&user), "{mode:o} {user:?}");
            }
        }
    }

    #[test]
    fn one_hidden_file_is_found_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("handlers/login_service/deep");
        fs::create_dir_all(&deep).unwrap();
        let module = deep.join("a.wasm");
        fs::write(&module, "").unwrap();
        fs::write(folder.path().join("notes"), "").unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(folder.path().join("notes"), Permissions::from_mode(0o600)).unwrap();
        assert_eq!(first_hidden(folder.path(), NOBODY), None);
        fs::set_permissions(&module, Permissions::from_mode(0o640)).unwrap();
        assert_eq!(first_hidden(folder.path(), NOBODY), Some(module));
    }
}
