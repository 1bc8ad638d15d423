//! Values of config.json that come from outside of it: `"env:NAME"` and `"file:/path"`.
//! In comes the file as a located tree; out goes the tree with what was found in place of each reference, or why nothing was.
//! What comes from outside may be a secret, so no words here show any of it.

use super::limits::OUTSIDE_BYTES;
use super::problem::Report;
use super::tree::{self, BYTE_ORDER_MARK, Node, Reference, Value};
use crate::stamp::Stamp;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What a reference to an environment variable begins with.
const VARIABLE: &str = "env:";
/// What a reference to a file begins with.
const FILE: &str = "file:";
/// What makes a text of the rest that would be a reference.
const PLAIN: &str = "text:";

/// The key of the schema, at the top of the file.
pub(crate) const SCHEMA: &str = "$schema";

/// Where a host finds what config.json only names.
pub(crate) struct Surroundings<'s> {
    /// Where relative paths begin: the application folder.
    pub folder: &'s Path,
    /// The value of an environment variable.
    pub variable: &'s dyn Fn(&str) -> Option<OsString>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The environment variable of this name.
    Variable(String),
    /// The file of this path, as written.
    File(String),
}

impl Source {
    /// As config.json names it.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Variable(name) => format!("{VARIABLE}{name}"),
            Self::File(path) => format!("{FILE}{}", path.escape_debug()),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(name) => write!(formatter, "the environment variable {name}"),
            Self::File(path) => write!(formatter, "the file {}", path.escape_debug()),
        }
    }
}

/// Why a reference gives no value. It never holds anything of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub what: String,
    pub mend: &'static str,
}

/// A value that came, or was to come, from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The way to it through config.json, such as `jwt.secret`.
    pub key: String,
    pub source: Source,
}

impl Origin {
    /// Whether it is the origin of what stands at this key, or of something around it.
    pub(crate) fn holds(&self, key: &str) -> bool {
        let rest = key.strip_prefix(&self.key);
        self.key.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

/// Whether a text of config.json stands for a value from outside.
pub(crate) fn is_reference(text: &str) -> bool {
    text.starts_with(VARIABLE) || text.starts_with(FILE)
}

/// The files that references name, each as it was when it was read; nothing in place of a stamp: it was not there.
pub(crate) type Files = BTreeMap<PathBuf, Option<Stamp>>;

/// What of config.json stands elsewhere.
#[derive(Clone, Default)]
pub(crate) struct Elsewhere {
    pub origins: Vec<Origin>,
    pub files: Files,
}

/// When a file was written makes no difference to what it says.
impl PartialEq for Elsewhere {
    fn eq(&self, other: &Self) -> bool {
        self.origins == other.origins && self.files.keys().eq(other.files.keys())
    }
}

/// Puts what is outside in place of each reference in the tree, once: what comes from outside is no reference any more.
pub(crate) fn resolve(root: &mut Node, surroundings: &Surroundings<'_>, report: &mut Report) -> Elsewhere {
    let mut elsewhere = Elsewhere::default();
    replace(root, "", surroundings, report, &mut elsewhere);
    elsewhere
}

fn replace(node: &mut Node, key: &str, from: &Surroundings<'_>, report: &mut Report, found: &mut Elsewhere) {
    match &mut node.value {
        Value::Text(text) if is_reference(text) => {
            let (source, content) = read(text, from, &mut found.files);
            found.origins.extend(source.clone().map(|source| Origin { key: key.to_owned(), source }));
            let failure = content.as_ref().err().cloned();
            node.at = report.mark_outside(node.at, source, failure);
            let reference =
                content.ok().map(|content| Reference { json: tree::parse_outside(&content, node.at), content });
            node.value = Value::Reference(reference.map(Box::new));
        }
        Value::Text(text) => {
            if let Some(rest) = text.strip_prefix(PLAIN).filter(|rest| is_reference(rest) || rest.starts_with(PLAIN)) {
                *text = rest.to_owned();
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                replace(item, &format!("{key}[{index}]"), from, report, found);
            }
        }
        Value::Object(members) => {
            // Its own schema may well be a file.
            for member in members.iter_mut().filter(|member| !(key.is_empty() && member.name == SCHEMA)) {
                let key = if key.is_empty() { member.name.clone() } else { format!("{key}.{}", member.name) };
                replace(&mut member.node, &key, from, report, found);
            }
        }
        Value::Null | Value::Flag(_) | Value::Number(_) | Value::Reference(_) => {}
    }
}

fn read(text: &str, from: &Surroundings<'_>, files: &mut Files) -> (Option<Source>, Result<String, Failure>) {
    if let Some(name) = text.strip_prefix(VARIABLE) {
        if !is_variable(name) {
            let what = "\"env:\" is not followed by the name of an environment variable".to_owned();
            let mend =
                "use letters, digits and _ and begin with no digit, or write \"text:env:…\" for a text that begins so";
            return (None, Err(Failure { what, mend }));
        }
        let source = Source::Variable(name.to_owned());
        let content = variable(&source, (from.variable)(name));
        return (Some(source), content);
    }
    let path = text.strip_prefix(FILE).unwrap_or_default();
    if path.is_empty() {
        let what = "\"file:\" is not followed by the path of a file".to_owned();
        let mend = "write one that is absolute or begins at the application folder, or \"text:file:…\" for a text that begins so";
        return (None, Err(Failure { what, mend }));
    }
    let source = Source::File(path.to_owned());
    let path = from.folder.join(path);
    let content = file(&source, &path, files.entry(path.clone()).or_default());
    (Some(source), content)
}

/// What POSIX calls a name (XBD 3.216).
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn variable(source: &Source, value: Option<OsString>) -> Result<String, Failure> {
    let failure = |what: &str, mend| Failure { what: format!("{source} {what}"), mend };
    let value = value.ok_or_else(|| failure("is not set", "set it, or write the value here"))?;
    value.into_string().map_err(|_| failure("is not UTF-8", "set it to a text in UTF-8"))
}

fn file(source: &Source, path: &Path, stamp: &mut Option<Stamp>) -> Result<String, Failure> {
    let failure = |what: &str, mend| Failure { what: format!("{source} {what}"), mend };
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            failure("does not exist", "put it there, or write the value here")
        }
        io::ErrorKind::PermissionDenied => {
            let user = rustix::process::geteuid().as_raw();
            failure(&format!("cannot be read by user {user}"), "let this user read it")
        }
        _ => failure(&format!("cannot be read ({error})"), "name a regular file"),
    };
    // A pipe without a writer would keep the host waiting.
    let without_waiting = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let opened = OpenOptions::new().read(true).custom_flags(without_waiting).open(path).map_err(unreadable)?;
    let metadata = opened.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(failure("is no regular file", "name a regular file"));
    }
    *stamp = Some(Stamp::from(&metadata));
    let mut bytes = Vec::new();
    opened.take(OUTSIDE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > OUTSIDE_BYTES {
        return Err(failure(&format!("has more than {OUTSIDE_BYTES} bytes"), "keep only this one value in it"));
    }
    let mut content =
        String::from_utf8(bytes).map_err(|_| failure("is not UTF-8", "save the file with the encoding UTF-8"))?;
    // Some editors begin a file with it.
    if content.starts_with(BYTE_ORDER_MARK) {
        content.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    // Editors and `echo` end a file with it; a second one is meant.
    if content.ends_with('\n') {
        content.pop();
        if content.ends_with('\r') {
            content.pop();
        }
    }
    Ok(content)
}
