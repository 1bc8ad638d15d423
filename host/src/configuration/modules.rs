//! What a module may use: the entries of `handlers` in config.json.
//! In comes the object as written; out go settings for each module, with the host's limits where nothing else is said.
//! It does not look at the modules themselves.

use super::block::Block;
use super::keys::{Keys, Kind, Usual, key, whole};
use super::limits::{self, Limits};
use super::problem::{Place, Problem};
use super::tree::Value;
use std::path::Path;
use std::time::Duration;

/// How long an instance lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// `reuse`: it serves one request after another.
    #[default]
    Reuse,
    /// `fresh`: each request has an instance of its own, which ends with it.
    Fresh,
}

/// An interface of the contract that a module may import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Import {
    /// Lines in the host's log.
    Log,
    /// Questions to other routes and services.
    Services,
    /// Messages to WebSocket clients beside the answer.
    Messages,
    /// The user's own values.
    Settings,
    /// The host's document store.
    Documents,
}

impl Import {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Log, Self::Services, Self::Messages, Self::Settings, Self::Documents];

    /// Its name, in config.json as in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Services => "services",
            Self::Messages => "messages",
            Self::Settings => "settings",
            Self::Documents => "documents",
        }
    }
}

/// What one module may use, and how its instances live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleSettings {
    /// `mode`: whether instances are used again. Default [`Mode::Reuse`]: a new one for each request costs half of the speed.
    pub mode: Mode,
    /// `deadlineMilliseconds`: how long a handler may run, within its request's own time. Default: that time alone.
    pub deadline: Option<Duration>,
    /// `memoryBytes`: bytes of memory of one instance. Default: `limits.memoryBytes` of the host.
    pub memory: usize,
    /// `workers`: requests that it serves at one time at most. Default: all workers of the host, or all but one where the
    /// host has other modules, so that those are served, too.
    pub workers: Option<usize>,
    /// `imports`: the interfaces that it may import. Default: all.
    pub imports: Vec<Import>,
}

impl ModuleSettings {
    /// What a module may use of which config.json says nothing.
    #[must_use]
    pub fn usual(limits: &Limits) -> Self {
        Self {
            mode: Mode::default(),
            deadline: None,
            memory: limits.memory,
            workers: None,
            imports: Import::ALL.to_vec(),
        }
    }
}

/// One entry of `handlers`, as far as it says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `module`, or `host/module`.
    name: String,
    place: Place,
    /// Where the name comes from, if not from config.json: then no words show it.
    origin: Option<String>,
    mode: Option<Mode>,
    deadline: Option<Duration>,
    memory: Option<usize>,
    workers: Option<usize>,
    imports: Option<Vec<Import>>,
}

/// An entry of `handlers`.
pub(super) const ENTRY_KEYS: Keys = Keys::new(
    "module",
    &[
        key(
            "mode",
            Kind::Choice(&["reuse", "fresh"]),
            "Whether an instance serves one request after another, or each has its own.",
        )
        .usually(Usual::Text("reuse")),
        key("deadlineMilliseconds", whole(&limits::REQUEST_MILLISECONDS), "How long a handler of the module may run.")
            .usually(Usual::Words("the request's time alone")),
        key("memoryBytes", whole(&limits::MEMORY_BYTES), "Bytes of memory of one instance.")
            .usually(Usual::Words("\"limits.memoryBytes\" of the host")),
        key("workers", Kind::Whole(1, limits::MOST_WORKERS), "Requests that the module serves at one time at most.")
            .usually(Usual::Words("all workers of the host; all but one where the host has other modules")),
        key("imports", Kind::Texts(&Kind::Choice(&IMPORTS), 0), "What the module may import.")
            .usually(Usual::Words("all")),
    ],
);

/// The names of [`Import::ALL`].
const IMPORTS: [&str; 5] = {
    let [log, services, messages, settings, documents] = Import::ALL;
    [log.name(), services.name(), messages.name(), settings.name(), documents.name()]
};

/// Reads `handlers`.
pub(crate) fn read(top: &mut Block<'_, '_>) -> Vec<Entry> {
    let Some(node) = top.get("handlers") else { return Vec::new() };
    let Value::Object(members) = node.plain() else {
        top.wrong("handlers", node, "an object", "write {\"module\": { … }} here");
        return Vec::new();
    };
    let entries = members.iter().filter_map(|member| {
        let place = (top.report.place(member.at), top.report.origin(member.at));
        let mut block = Block::open(&member.node, &format!("{:?}", member.name), &ENTRY_KEYS, top.report)?;
        Some(entry(&mut block, &member.name, place))
    });
    entries.collect()
}

fn entry(block: &mut Block<'_, '_>, name: &str, (place, origin): (Place, Option<String>)) -> Entry {
    Entry {
        name: name.to_owned(),
        place,
        origin,
        mode: mode(block),
        deadline: block.whole("deadlineMilliseconds").map(Duration::from_millis),
        memory: block.whole("memoryBytes"),
        workers: block.whole("workers"),
        imports: imports(block),
    }
}

fn mode(block: &mut Block<'_, '_>) -> Option<Mode> {
    match block.choice("mode", "mode", "write \"reuse\", or \"fresh\" for a new instance with each request")? {
        "fresh" => Some(Mode::Fresh),
        _ => Some(Mode::Reuse),
    }
}

fn imports(block: &mut Block<'_, '_>) -> Option<Vec<Import>> {
    let texts = block.texts("imports")?;
    let mut imports = Vec::new();
    for (text, spot) in texts {
        match Import::ALL.into_iter().find(|import| import.name() == text) {
            Some(import) => imports.push(import),
            None => {
                let all = Import::ALL.map(Import::name).join(", ");
                block.report.error(Some(spot), format!("{text:?} is nothing to import"), format!("use some of: {all}"));
            }
        }
    }
    imports.sort_unstable();
    imports.dedup();
    Some(imports)
}

/// What one module of a host may use. `module` is its path below the host's folder, without `.wasm`.
pub(crate) fn settings_of(entries: &[Entry], host: &str, module: &str, limits: &Limits) -> ModuleSettings {
    let mut settings = ModuleSettings::usual(limits);
    let named = |entry: &&Entry| entry.name.split_once('/') == Some((host, module));
    // What names the host as well says more, so it is read last.
    let plain = entries.iter().filter(|entry| entry.name == module);
    for entry in plain.chain(entries.iter().filter(named)) {
        settings.mode = entry.mode.unwrap_or(settings.mode);
        settings.deadline = entry.deadline.or(settings.deadline);
        settings.memory = entry.memory.unwrap_or(settings.memory);
        settings.workers = entry.workers.or(settings.workers);
        settings.imports = entry.imports.clone().unwrap_or(settings.imports);
    }
    settings
}

/// A warning for each entry that names no file: a slip of the pen would have no effect.
pub(crate) fn check_names(entries: &[Entry], folder: &Path) -> Vec<Problem> {
    let handlers = folder.join("handlers");
    let hosts: Vec<_> = std::fs::read_dir(&handlers)
        .map(|found| found.filter_map(|host| host.ok().map(|host| host.path())).collect())
        .unwrap_or_default();
    let file = |entry: &Entry| format!("{}.wasm", entry.name);
    let is_there = |entry: &Entry| {
        let of_any_host = hosts.iter().any(|host| host.join(file(entry)).is_file());
        // A host whose folder is elsewhere may have the module.
        let host = entry.name.split_once('/').map(|(host, _)| handlers.join(host));
        of_any_host || handlers.join(file(entry)).is_file() || host.is_some_and(|host| !host.is_dir())
    };
    let lost = entries.iter().filter(|entry| !is_there(entry));
    lost.map(|entry| {
        let what = match &entry.origin {
            Some(origin) => format!("what stands at {origin} is no module: there is no such file below handlers/"),
            None => format!("{:?} is no module: there is no file {} below handlers/", entry.name, file(entry)),
        };
        Problem::warning_at(&entry.place, what, "write the path of a module below its host's folder, without .wasm")
    })
    .collect()
}
