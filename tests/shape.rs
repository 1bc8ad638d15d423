//! The house rules that a reader relies on, as tests over the files of this repository.
//! In come the files that git knows, or all of the folder where there is no git; out goes each breach with its mend.
//! A rule that finds no file to look at fails: it would hold for nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines of a file that one can still read in one go; tests may be longer.
const MOST_LINES: usize = 400;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = ["utils", "util", "helpers", "helper", "common", "misc", "types"];
/// Folders that are made, not written.
const MADE: [&str; 3] = ["target", "node_modules", ".git"];

/// One text file of the repository.
struct Source {
    /// From the repository's root, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Whether the file holds tests only, and so may do what tests do.
    fn is_test(&self) -> bool {
        let name = self.file_name();
        self.path.split('/').any(|part| part == "tests") || name == "tests.rs" || name.ends_with("_tests.rs")
    }

    fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn is_rust(&self) -> bool {
        self.has_ending("rs")
    }

    fn has_ending(&self, ending: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == ending)
    }

    /// Lines of code with their numbers: no comments, and nothing from a `#[cfg(test)]` module at the file's end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = lines
            .windows(2)
            .position(
                |pair| matches!(pair, ["#[cfg(test)]", module] if module.starts_with("mod ") && module.ends_with('{')),
            )
            .unwrap_or(lines.len());
        lines
            .into_iter()
            .enumerate()
            .take(tests)
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number + 1, line.split(" // ").next().unwrap_or_default()))
    }
}

fn root() -> PathBuf {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    host.parent().unwrap_or(host).to_owned()
}

/// Every text file that is or could be committed.
fn sources() -> Vec<Source> {
    let root = root();
    let paths = known_to_git(&root).unwrap_or_else(|| {
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        found
    });
    let read = |path: String| {
        let text = fs::read_to_string(root.join(&path)).ok()?;
        Some(Source { path, text })
    };
    paths.into_iter().filter_map(read).collect()
}

fn known_to_git(root: &Path) -> Option<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|listed| listed.status.success())?;
    let names = String::from_utf8(listed.stdout).ok()?;
    let names: Vec<String> = names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        // In a second worktree `.git` is a file.
        if MADE.iter().any(|made| name == *made) {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, found);
        } else if let Ok(relative) = path.strip_prefix(root) {
            found.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
}

/// The Rust files below `host/src`, `host/documents/src`, `sdk/src` and `handlers/*/src`.
fn our_code() -> Vec<Source> {
    let ours = |path: &str| {
        let parts: Vec<&str> = path.split('/').collect();
        matches!(parts[..], ["host" | "sdk", "src", ..] | ["host", "documents", "src", ..] | ["handlers", _, "src", ..])
    };
    at_least_one(sources().into_iter().filter(|source| source.is_rust() && ours(&source.path)).collect())
}

/// The files of the host's library and program, without its tests.
fn host_code() -> Vec<Source> {
    let host = |source: &Source| source.path.starts_with("host/src/") && !source.is_test();
    at_least_one(our_code().into_iter().filter(host).collect())
}

fn at_least_one(sources: Vec<Source>) -> Vec<Source> {
    assert!(
        !sources.is_empty(),
        "rule: a rule looks at files\nmend: it found none in {}; tell tests/shape.rs where the files have gone",
        root().display()
    );
    sources
}

#[track_caller]
fn hold(rule: &str, mend: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "rule: {rule}\n  {}\nmend: {mend}", breaches.join("\n  "));
}

/// The module of the host that a file belongs to: `link` for `host/src/link.rs` and all of `host/src/link/`.
fn module_of(path: &str) -> Option<&str> {
    let below = path.strip_prefix("host/src/")?;
    Some(below.split('/').next()?.trim_end_matches(".rs"))
}

/// The host's modules in the order of `host/src/lib.rs`.
fn modules() -> Vec<String> {
    let text = fs::read_to_string(root().join("host/src/lib.rs")).unwrap_or_default();
    let modules: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect();
    assert!(modules.len() > 5, "rule: host/src/lib.rs lists the modules\nmend: tell tests/shape.rs their new form");
    modules
}

/// The modules that a line of code names after `crate::`.
fn named_after_crate(line: &str) -> Vec<&str> {
    let mut named = Vec::new();
    for part in line.split("crate::").skip(1) {
        let group = part.strip_prefix('{').map(|group| group.split(','));
        for path in group.into_iter().flatten().chain((!part.starts_with('{')).then_some(part)) {
            let path = path.trim();
            let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
            named.push(&path[..end]);
        }
    }
    named
}

/// Whether a line names something as a whole word.
fn names(line: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(start, _)| !line[..start].ends_with(inside) && !line[start + word.len()..].starts_with(inside))
}

fn who_names(words: &[&str], allowed: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut allowed_files = 0;
    for source in host_code() {
        if module_of(&source.path) == Some(allowed) {
            allowed_files += 1;
            continue;
        }
        for (number, line) in source.code() {
            for word in words.iter().filter(|word| names(line, word)) {
                breaches.push(format!("{}:{number}: names {word}", source.path));
            }
        }
    }
    assert!(
        allowed_files > 0,
        "rule: a rule looks at files\nmend: there is no {allowed} any more; mend tests/shape.rs"
    );
    breaches
}

#[test]
fn every_file_says_at_its_top_what_it_is_for() {
    let silent = |source: &Source| !source.text.starts_with("//! ");
    let breaches: Vec<String> = our_code().into_iter().filter(silent).map(|source| source.path).collect();
    hold(
        "every source file opens with `//!`",
        "say in its first lines what it is for, what goes in, what comes out and what it never does",
        &breaches,
    );
}

#[test]
fn every_script_of_the_tests_says_at_its_top_what_it_is_for() {
    let script = |source: &Source| source.path.starts_with("tests/") && source.has_ending("mjs");
    let scripts = at_least_one(sources().into_iter().filter(script).collect());
    let silent = |source: &Source| !source.text.starts_with("// ");
    let breaches: Vec<String> = scripts.into_iter().filter(silent).map(|source| source.path).collect();
    hold("every script opens with `// `", "say in its first lines what it is for", &breaches);
}

#[test]
fn no_lock_file_says_from_where_its_packages_came() {
    let lock = |source: &Source| source.file_name() == "package-lock.json";
    let locks = at_least_one(sources().into_iter().filter(lock).collect());
    let breaches: Vec<String> =
        locks.into_iter().filter(|source| source.text.contains("\"resolved\"")).map(|source| source.path).collect();
    hold(
        "a package-lock.json names versions and checksums, and no registry",
        "type: npm config set omit-lockfile-registry-resolved true, and make it anew",
        &breaches,
    );
}

#[test]
fn every_file_can_be_read_in_one_go() {
    let long = |source: Source| {
        let lines = source.text.lines().count();
        (!source.is_test() && lines > MOST_LINES).then(|| format!("{}: {lines} lines", source.path))
    };
    let breaches: Vec<String> = our_code().into_iter().filter_map(long).collect();
    hold(
        &format!("no source file has more than {MOST_LINES} lines"),
        "move what has a name of its own into a file of its own",
        &breaches,
    );
}

#[test]
fn every_module_uses_only_modules_below_it() {
    let modules = modules();
    let mut breaches = Vec::new();
    for source in host_code() {
        let Some(from) = module_of(&source.path).and_then(|own| modules.iter().position(|module| module == own)) else {
            continue;
        };
        for (number, line) in source.code() {
            for named in named_after_crate(line) {
                if modules.iter().position(|module| module == named).is_some_and(|to| to < from) {
                    let (path, own) = (&source.path, &modules[from]);
                    breaches.push(format!("{path}:{number}: {own} uses {named}, which stands above it"));
                }
            }
        }
    }
    hold(
        "a module uses only modules that host/src/lib.rs lists below it",
        "move what both need further down, hand it in from above, or put the modules into another order",
        &breaches,
    );
}

#[test]
fn every_file_of_the_host_belongs_to_a_listed_module() {
    let modules = modules();
    let stray = |source: &Source| {
        let module = module_of(&source.path).unwrap_or_default();
        !["lib", "main"].contains(&module) && !modules.iter().any(|listed| listed == module)
    };
    let breaches: Vec<String> = host_code().into_iter().filter(stray).map(|source| source.path).collect();
    hold(
        "every file below host/src belongs to a module that host/src/lib.rs lists",
        "list its module at its place in the reading order, or delete the file",
        &breaches,
    );
}

#[test]
fn only_the_handler_module_names_wasmtime() {
    hold(
        "only files below host/src/handler name wasmtime",
        "give it a plain type in host/src/handler and use that",
        &who_names(&["wasmtime", "wasmtime_wasi"], "handler"),
    );
}

#[test]
fn only_the_listener_names_the_http_library() {
    /// Where the host is a client of HTTP itself.
    const CLIENTS: [&str; 1] = ["host/src/telemetry/post.rs:"];
    let named = who_names(&["axum", "hyper", "hyper_util", "tower_http"], "listener");
    hold(
        "only files below host/src/listener name axum or hyper, and one client where the host asks others by HTTP",
        "hand over plain data: host/src/request.rs and host/src/response.rs",
        &named
            .into_iter()
            .filter(|breach| !CLIENTS.iter().any(|client| breach.starts_with(client)))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn only_the_tls_module_names_the_tls_library() {
    hold(
        "only files below host/src/tls name rustls",
        "give it a plain type in host/src/tls and use that",
        &who_names(&["rustls", "tokio_rustls", "rustls_native_certs"], "tls"),
    );
}

#[test]
fn only_one_file_names_the_engine_of_the_documents() {
    const ENGINE: &str = "host/src/store/disk.rs";
    let files = host_code();
    assert!(files.iter().any(|source| source.path == ENGINE), "rule: a rule looks at files\nmend: {ENGINE} is gone");
    let others = files.iter().filter(|source| source.path != ENGINE);
    let breaches: Vec<String> = others
        .flat_map(|source| {
            let lines = source.code().filter(|(_, line)| line.contains("sled::"));
            lines.map(|(number, _)| format!("{}:{number}: names sled", source.path))
        })
        .collect();
    hold("only host/src/store/disk.rs names sled", "use the trait Engine of qewd-documents", &breaches);
}

#[test]
fn the_model_of_documents_knows_no_disk_and_no_clock() {
    let model = |source: &Source| source.path.starts_with("host/documents/src/") && !source.is_test();
    let mut breaches = Vec::new();
    for source in at_least_one(our_code().into_iter().filter(model).collect()) {
        for (number, line) in source.code() {
            for word in ["std::fs", "std::net", "std::time", "tokio"].iter().filter(|word| line.contains(**word)) {
                breaches.push(format!("{}:{number}: names {word}", source.path));
            }
        }
    }
    hold("host/documents has no disk, no socket and no clock", "hand it in from the host", &breaches);
}

#[test]
fn every_file_has_a_name_that_says_something() {
    let empty = |source: &Source| {
        let mut parts = source.path.split('/').map(|part| part.trim_end_matches(".rs"));
        parts.any(|part| EMPTY_NAMES.contains(&part))
    };
    let rust = at_least_one(sources().into_iter().filter(Source::is_rust).collect());
    let breaches: Vec<String> = rust.into_iter().filter(empty).map(|source| source.path).collect();
    hold(&format!("no file or folder is named {}", EMPTY_NAMES.join(", ")), "name it by what is inside", &breaches);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [concat!("to", "do!("), concat!("unimpl", "emented!("), concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut breaches = Vec::new();
    for source in at_least_one(sources().into_iter().filter(Source::is_rust).collect()) {
        for (number, line) in source.text.lines().enumerate() {
            for mark in marks.iter().filter(|mark| line.contains(**mark)) {
                breaches.push(format!("{}:{}: {mark}", source.path, number + 1));
            }
        }
    }
    hold("no code is marked as unfinished", "finish it, or take it out", &breaches);
}

#[test]
fn no_file_knows_where_it_was_written() {
    let mut breaches = Vec::new();
    for source in at_least_one(sources()) {
        for (number, line) in source.text.lines().enumerate() {
            if let Some(found) = home_in(line) {
                breaches.push(format!("{}:{}: {found}", source.path, number + 1));
            }
        }
    }
    hold(
        "no file contains a path of the machine on which it was written",
        "write the path from the repository's root, or take it from the environment",
        &breaches,
    );
}

/// The beginning of an absolute path that only the writer's machine has.
fn home_in(line: &str) -> Option<&'static str> {
    let homes = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];
    let (home, cargo) = (concat!("/ho", "me/"), concat!("/.car", "go"));
    let begins = |home: &&str| line.match_indices(*home).any(|(at, _)| begins_a_path(&line[..at]));
    let of_a_user = line.split_once(home).is_some_and(|(_, rest)| rest.contains(cargo));
    homes.into_iter().find(begins).or(of_a_user.then_some(home))
}

/// Whether what stands before a `/` lets it begin an absolute path: a relative path and one behind a variable go on with one.
fn begins_a_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | ')' | '*' | '/'))
}

#[test]
fn the_rules_see_what_they_look_for() {
    assert_eq!(named_after_crate("use crate::link::{Links, PATH};"), ["link"]);
    assert_eq!(named_after_crate("use crate::{names, request::Request};"), ["names", "request"]);
    assert_eq!(named_after_crate("f(crate::response::JSON, crate::pool::X)"), ["response", "pool"]);
    assert_eq!(module_of("host/src/link/dial.rs"), Some("link"));
    assert_eq!(module_of("host/src/link.rs"), Some("link"));
    assert_eq!(module_of("sdk/src/lib.rs"), None);
    assert!(names("use axum::Router;", "axum") && !names("use my_axum;", "axum") && !names("axum_x", "axum"));
    assert!(begins_a_path("\"") && begins_a_path("cd ") && !begins_a_path("docs") && !begins_a_path("{folder}"));
    assert_eq!(home_in(concat!("see \"/wo", "rk/main\"")), Some(concat!("/wo", "rk/")));
    assert!(home_in(concat!("/ho", "me/someone/.car", "go/bin")).is_some());
    assert_eq!(home_in(concat!("docs/wo", "rk/plan and {folder}/ro", "ot/")), None);
    let source = Source {
        path: "host/src/a.rs".to_owned(),
        text: "//! x\nlet a = 1; // axum\n#[cfg(test)]\nmod tests {\nuse axum;\n".to_owned(),
    };
    assert_eq!(source.code().collect::<Vec<_>>(), [(2, "let a = 1;")]);
}

#[test]
fn without_git_the_folder_is_walked() {
    let (root, mut found) = (root(), Vec::new());
    walk(&root, &root, &mut found);
    assert!(found.iter().any(|path| path == "host/src/lib.rs"), "{found:?}");
    let made = |path: &String| path.split('/').any(|part| MADE.contains(&part));
    assert!(!found.iter().any(made));
}
