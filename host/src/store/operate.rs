//! What operators do with documents: list, show, export, import, check.
//! In come a store and an operation, out go its lines and a closing word; an import also reads lines.
//! It never asks where the lines come from: a terminal, or the socket of a host that runs.

use qewd_documents::{BadLine, Connection, EngineFailure, Node, PAGE, Selection, Store, Trouble};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};

/// How many nodes pass between two words about the progress.
const STEP: u64 = 1000;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// The documents, each with the number of its values.
    List,
    /// The nodes of a subtree, a line each; or the subtree as JSON.
    Show {
        /// The document.
        document: String,
        /// The node.
        subscripts: Vec<String>,
        /// As JSON.
        json: bool,
    },
    /// All nodes, or those of one document, as lines of JSON.
    Export {
        /// Which document; none: all.
        document: Option<String>,
    },
    /// Stores the nodes of such lines.
    Import,
    /// Looks whether everything can be read, and whether indexes agree.
    Check,
    /// Makes the entries of indexes for all nodes.
    Reindex,
}

/// Where the lines come from and go to.
pub(super) struct Lines<'a> {
    /// What is imported.
    pub(super) input: Box<dyn BufRead + Send + 'a>,
    /// What is shown.
    pub(super) output: &'a mut dyn Write,
    /// How many nodes are done, and of how many; 0: nobody knows.
    pub(super) progress: &'a mut dyn FnMut(u64, u64),
}

/// Does it. Gives the closing word.
///
/// # Errors
/// The closing word, where not everything is as it should be.
pub(super) fn operate(store: &Store, operation: &Operation, lines: &mut Lines<'_>) -> Result<String, String> {
    match operation {
        Operation::List => list(store, lines),
        Operation::Show { document, subscripts, json } => {
            let at = Node::new(document.clone(), subscripts.iter().cloned());
            if *json { show_json(store, &at, lines) } else { show(store, &at, lines) }
        }
        Operation::Export { document } => export(store, document.as_deref(), lines),
        Operation::Import => import(store, lines),
        Operation::Check => check(store, lines),
        Operation::Reindex => reindex(store),
    }
}

fn list(store: &Store, lines: &mut Lines<'_>) -> Result<String, String> {
    let mut connection = Connection::new(store.clone());
    connection.begin().map_err(|trouble| trouble.to_string())?;
    let mut selection = Selection { limit: PAGE, ..Selection::default() };
    let mut count = 0_u64;
    loop {
        let page = connection.children(None, &selection).map_err(|trouble| trouble.to_string())?;
        for child in &page.children {
            let document = Node::new(child.name.clone(), [""; 0]);
            let values = connection.count(&document, true, u64::MAX).map_err(|trouble| trouble.to_string())?;
            line(lines, &format!("{values:>12}  {}", child.name))?;
            count += 1;
        }
        selection.after = page.children.into_iter().next_back().map(|child| child.name);
        if !page.more {
            return Ok(plural(count, "document"));
        }
    }
}

fn show(store: &Store, at: &Node, lines: &mut Lines<'_>) -> Result<String, String> {
    let mut count = 0_u64;
    let mut shown = |node: &Node, value: Option<&[u8]>| {
        count += 1;
        let value = value.map_or("(no value)".into(), String::from_utf8_lossy);
        writeln!(lines.output, "{node} = {value}")
    };
    qewd_documents::each(store, at, &mut shown).map_err(|error| error.to_string())?;
    if count == 0 {
        return Err(format!("there is nothing at {at}"));
    }
    Ok(plural(count, "node"))
}

fn show_json(store: &Store, at: &Node, lines: &mut Lines<'_>) -> Result<String, String> {
    let json = Connection::new(store.clone()).read(at).map_err(|trouble| trouble.to_string())?;
    let json = json.ok_or_else(|| format!("there is nothing at {at}"))?;
    line(lines, &String::from_utf8_lossy(&json))?;
    Ok(String::new())
}

fn export(store: &Store, document: Option<&str>, lines: &mut Lines<'_>) -> Result<String, String> {
    let mut damages: Vec<String> = Vec::new();
    let mut damaged = |trouble: &Trouble| {
        damages.push(trouble.to_string());
        // An overtaken snapshot is no damage, and cannot be gone on with.
        *trouble != Trouble::Conflict
    };
    let progress = &mut *lines.progress;
    let mut step = |done: u64, of: u64| {
        if done.is_multiple_of(STEP) || done == of {
            progress(done, of);
        }
    };
    let done = qewd_documents::export(store, document, lines.output, &mut damaged, &mut step);
    match (done, damages.first()) {
        (Err(_), Some(_)) if damages.contains(&Trouble::Conflict.to_string()) => {
            Err("so much was written meanwhile that the documents of the beginning cannot be told; export again"
                .to_owned())
        }
        (Err(error), _) => Err(format!("the export is not whole: {error}")),
        (Ok(nodes), Some(first)) => Err(format!(
            "{} exported; {} could not be read and is left out: {first}",
            plural(nodes, "node"),
            plural(damages.len() as u64, "place")
        )),
        (Ok(0), None) if document.is_some() => Err(format!("there is no document {}", document.unwrap_or_default())),
        (Ok(nodes), None) => Ok(format!("{} exported", plural(nodes, "node"))),
    }
}

fn import(store: &Store, lines: &mut Lines<'_>) -> Result<String, String> {
    let progress = &mut *lines.progress;
    let mut committed = |done: u64, of: u64| {
        progress(done, of);
        store.flush().map(|_| ()).map_err(|failure: EngineFailure| failure.to_string())
    };
    let imported = qewd_documents::import(store, &mut *lines.input, &mut committed);
    imported.map(|nodes| format!("{} imported", plural(nodes, "node"))).map_err(|bad: BadLine| bad.to_string())
}

fn check(store: &Store, lines: &mut Lines<'_>) -> Result<String, String> {
    let progress = &mut *lines.progress;
    let mut step = |done: u64| {
        if done.is_multiple_of(STEP) {
            progress(done, 0);
        }
    };
    let report = qewd_documents::check(store, &mut step);
    for finding in &report.findings {
        line(lines, &format!("{}: {}", finding.at, finding.what))?;
    }
    let looked_at = format!("{} in {}", plural(report.nodes, "node"), plural(report.documents, "document"));
    if report.wrong == 0 {
        return Ok(format!("{looked_at}, no problems"));
    }
    let problems = plural(report.wrong, "problem");
    let ways = "`qewd documents reindex` makes index entries that are missing, `export` saves what can be read";
    Err(format!("{looked_at} can be read, {problems}; {ways}"))
}

fn reindex(store: &Store) -> Result<String, String> {
    let nodes = qewd_documents::reindex(store).map_err(|trouble| trouble.to_string())?;
    store.flush().map_err(|failure| failure.to_string())?;
    Ok(format!("{} looked at, and their index entries made", plural(nodes, "node")))
}

fn line(lines: &mut Lines<'_>, text: &str) -> Result<(), String> {
    writeln!(lines.output, "{text}").map_err(|error| error.to_string())
}

fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
