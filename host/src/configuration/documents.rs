//! How documents are kept: the object `documents` in config.json.
//! In comes the object as written; out go the promise of writes, and indexes that were checked.
//! It never opens a store.

use super::block::Block;
use super::keys::{Keys, Kind, TEXT, Usual, key};
use super::tree::{Member, Value};
use qewd_documents::{Definitions, IndexDefinition, Indexes};

/// What an answer says about the writes of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// `durable`: they are on disk (the default).
    #[default]
    Durable,
    /// `relaxed`: they will be within half a second; a power cut or a killed host may lose them.
    Relaxed,
}

/// How documents are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DocumentSettings {
    /// `durability`: what an answer says about the writes of its request.
    pub durability: Durability,
    /// `indexes`: by document and pattern.
    pub indexes: Definitions,
}

/// The object `documents`.
pub(super) const KEYS: Keys = Keys::new(
    "documents",
    &[
        key(
            "durability",
            Kind::Choice(&["durable", "relaxed"]),
            "What an answer says about the writes of its request.",
        )
        .usually(Usual::Text("durable")),
        key("indexes", Kind::Map(&Kind::Map(&Kind::Object(&INDEX_KEYS))), "Indexes, by document and pattern."),
    ],
);

const INDEX_KEYS: Keys = Keys {
    refused: &[("handler", "let the handler that writes the value write the entry, in the same transaction")],
    ..Keys::new(
        "index",
        &[
            key("documentName", TEXT, "The document that holds the index.").must(),
            key("path", TEXT, "Where an entry stands, with the variables of the pattern and :value.").must(),
            key("apply", TEXT, "What is done with the value before it is entered."),
            key("value", TEXT, "The variable of the pattern that is entered in place of the value."),
        ],
    )
};

/// Reads `documents`.
pub(crate) fn read(top: &mut Block<'_, '_>) -> DocumentSettings {
    let Some(mut block) = top.inner("documents", &KEYS) else { return DocumentSettings::default() };
    let mend = "write \"durable\", or \"relaxed\" to be faster and lose half a second";
    let durability = match block.choice("durability", "durability", mend) {
        Some("relaxed") => Durability::Relaxed,
        _ => Durability::Durable,
    };
    DocumentSettings { durability, indexes: indexes(&mut block) }
}

fn indexes(block: &mut Block<'_, '_>) -> Definitions {
    let mut definitions = Definitions::new();
    for document in members(block, "indexes", "write {\"document\": {\"pattern\": { … }}} here") {
        let Value::Object(patterns) = document.node.plain() else {
            block.wrong(&document.name, &document.node, "an object", "write {\"pattern\": { … }} here");
            continue;
        };
        for pattern in patterns {
            let Some(definition) = definition(block, document, pattern) else { continue };
            definitions.entry(document.name.clone()).or_default().insert(pattern.name.clone(), definition);
        }
    }
    definitions
}

fn members<'n>(block: &mut Block<'n, '_>, name: &str, mend: &str) -> &'n [Member] {
    match block.get(name) {
        None => &[],
        Some(node) => match node.plain() {
            Value::Object(members) => members,
            _ => {
                block.wrong(name, node, "an object", mend);
                &[]
            }
        },
    }
}

fn definition(block: &mut Block<'_, '_>, document: &Member, pattern: &Member) -> Option<IndexDefinition> {
    let mut index = Block::open(&pattern.node, &format!("{:?}", pattern.name), &INDEX_KEYS, block.report)?;
    let (target, path) = (index.text("documentName"), index.text("path"));
    for (name, value) in [("documentName", target), ("path", path)] {
        if value.is_none() && index.get(name).is_none() {
            index.error(name, format!("the index has no {name:?}"), "name the document and the path of its entries");
        }
    }
    let text = |value: Option<&str>| value.map(str::to_owned);
    let (apply, value) = (text(index.text("apply")), text(index.text("value")));
    let definition = IndexDefinition { document: target?.to_owned(), path: path?.to_owned(), apply, value };
    let alone = [(document.name.clone(), [(pattern.name.clone(), definition.clone())].into())].into();
    match Indexes::new(alone) {
        Ok(_) => Some(definition),
        Err(bad) => {
            let at = pattern.node.outside().unwrap_or(pattern.at);
            block.report.error(Some(at), bad.what, bad.mend);
            None
        }
    }
}
