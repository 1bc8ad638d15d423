//! Indexes: entries in one document that follow the values of another, in the same transaction.
//! In comes a definition as config.json has it; out go the entries that a node's value makes.
//! It never reads or writes: a transaction asks for the entries of the old and of the new value.
//!
//! A pattern such as `by_id/:id/userId` names nodes by their subscripts. Its variables, and `value`, stand in the path of the
//! entry, such as `by_userId/:value/:id`.

use crate::key::{self, Node};
use crate::limits::INDEX_VALUE_BYTES;
use crate::number;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The variable that is the indexed value itself.
const VALUE: &str = "value";

/// One index as config.json has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexDefinition {
    /// The document that holds the entries.
    #[serde(rename = "documentName")]
    pub document: String,
    /// The subscripts of an entry, with variables: `by_userId/:value/:id`.
    pub path: String,
    /// `toLowerCase`: upper and lower case are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<String>,
    /// The variable that is the value of the entry; none: the entry's value is an empty text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// For each document, for each pattern, an index.
pub type Definitions = BTreeMap<String, BTreeMap<String, IndexDefinition>>;

/// What is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {mend}")]
pub struct BadIndex {
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

/// A subscript of a pattern or a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Variable(String),
}

/// One index, ready to use.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) source: String,
    pattern: Vec<Step>,
    pub(crate) target: String,
    path: Vec<Step>,
    lower_case: bool,
    value: Option<String>,
}

/// All indexes of a store.
#[derive(Debug, Clone, Default)]
pub struct Indexes {
    definitions: Definitions,
    /// By the beginning of the keys of their documents.
    by_document: BTreeMap<Vec<u8>, Vec<Index>>,
}

/// One entry of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) key: Vec<u8>,
    /// JSON.
    pub(crate) value: Vec<u8>,
    /// Whether other nodes may make it, too: then its value says which one did so last.
    pub(crate) is_shared: bool,
}

/// A node with the indexes that follow it.
pub(crate) struct Indexed<'i> {
    matches: Vec<(&'i Index, BTreeMap<&'i str, String>)>,
}

impl Indexes {
    /// Checks definitions.
    ///
    /// # Errors
    /// The first thing that is wrong with one.
    pub fn new(definitions: Definitions) -> Result<Self, BadIndex> {
        let mut by_document: BTreeMap<Vec<u8>, Vec<Index>> = BTreeMap::new();
        for (document, patterns) in &definitions {
            for (pattern, definition) in patterns {
                let index = Index::new(document, pattern, definition)?;
                index.check_apart(by_document.values().flatten())?;
                by_document.entry(key::child(&key::root(), document)).or_default().push(index);
            }
        }
        Ok(Self { definitions, by_document })
    }

    /// Reads what [`Indexes::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(text: &[u8]) -> Result<Self, BadIndex> {
        let definitions = serde_json::from_slice(text).map_err(|error| BadIndex {
            what: format!("the definitions of indexes cannot be read: {error}"),
            mend: "run the program that wrote them".to_owned(),
        })?;
        Self::new(definitions)
    }

    /// The definitions as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.definitions).unwrap_or_default()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_document.is_empty()
    }

    /// The indexes that follow the node of a key.
    pub(crate) fn of(&self, key: &[u8]) -> Option<Indexed<'_>> {
        if self.by_document.is_empty() {
            return None;
        }
        let (_, length) = key.get(1..).and_then(key::first_name)?;
        let indexes = self.by_document.get(key.get(..=length)?)?;
        let names = key::names(key)?;
        let subscripts = names.get(1..)?;
        let matches = indexes.iter().filter_map(|index| Some((index, index.variables(subscripts)?)));
        Some(Indexed { matches: matches.collect() }).filter(|indexed| !indexed.matches.is_empty())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Index> {
        self.by_document.values().flatten()
    }
}

impl Indexed<'_> {
    /// The entries that a value makes; JSON; none: no value.
    pub(crate) fn entries(&self, value: Option<&[u8]>) -> Vec<IndexEntry> {
        let Some(value) = value.and_then(text_of) else { return Vec::new() };
        let entry = |(index, variables): &(&Index, BTreeMap<&str, String>)| index.entry(variables, &value);
        self.matches.iter().filter_map(entry).collect()
    }
}

impl Index {
    fn new(source: &str, pattern: &str, definition: &IndexDefinition) -> Result<Self, BadIndex> {
        let bad = |what: String, mend: &str| BadIndex { what, mend: mend.to_owned() };
        let (steps, path) = (steps(pattern)?, self::steps(&definition.path)?);
        let known: Vec<&str> = steps.iter().filter_map(Step::variable).collect();
        if known.contains(&VALUE) {
            let what = format!("{pattern:?} has a variable :value, which stands for the indexed value");
            return Err(bad(what, "give the variable another name"));
        }
        let unknown = |name: &&str| *name != VALUE && !known.contains(name);
        if let Some(name) = path.iter().filter_map(Step::variable).find(unknown) {
            let what = format!("{:?} has a variable :{name}, which {pattern:?} lacks", definition.path);
            return Err(bad(what, "use the variables of the pattern, or :value"));
        }
        if let Some(name) = definition.value.as_deref().filter(|name| !known.contains(name)) {
            let what = format!("\"value\" is {name:?}, which is no variable of {pattern:?}");
            return Err(bad(what, "name a variable of the pattern, without a colon"));
        }
        let is_told = |name: &&str| {
            path.iter().filter_map(Step::variable).chain(definition.value.as_deref()).any(|told| told == *name)
        };
        if let Some(name) = known.iter().find(|name| !is_told(name)) {
            let what =
                format!("{:?} lacks the variable :{name}, so that several nodes have one entry", definition.path);
            return Err(bad(what, "add it, best at the end"));
        }
        let lower_case = match definition.apply.as_deref() {
            None => false,
            Some("toLowerCase") => true,
            Some(other) => {
                return Err(bad(format!("\"apply\" is {other:?}"), "write \"toLowerCase\", or leave it out"));
            }
        };
        if source.is_empty() || definition.document.is_empty() {
            return Err(bad("the name of a document is empty".to_owned(), "name the document"));
        }
        let (source, target) = (source.to_owned(), definition.document.clone());
        Ok(Self { source, pattern: steps, target, path, lower_case, value: definition.value.clone() })
    }

    /// Whether no entry can be one of another index, nor a node that is followed itself.
    fn check_apart<'i>(&'i self, others: impl Iterator<Item = &'i Self>) -> Result<(), BadIndex> {
        let meets =
            |target: &Self, path: &[Step], document: &str| target.target == document && overlap(&target.path, path);
        for other in others.chain([self]) {
            let same_entry = !std::ptr::eq(self, other) && meets(self, &other.path, &other.target);
            if same_entry || meets(self, &other.pattern, &other.source) || meets(other, &self.pattern, &self.source) {
                return Err(BadIndex {
                    what: format!(
                        "an entry of an index in {:?} may be one of another index, or be followed",
                        self.target
                    ),
                    mend: "begin the path of each index with another name".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// What the variables of the pattern are, if it fits these subscripts.
    fn variables(&self, subscripts: &[String]) -> Option<BTreeMap<&str, String>> {
        variables(&self.pattern, subscripts)
    }

    fn entry(&self, variables: &BTreeMap<&str, String>, value: &str) -> Option<IndexEntry> {
        let value = self.shown(value);
        let subscript = |step: &Step| match step {
            Step::Name(name) => Some(name.clone()),
            Step::Variable(name) if name == VALUE => Some(value.clone()),
            Step::Variable(name) => variables.get(name.as_str()).cloned(),
        };
        let subscripts: Option<Vec<String>> = self.path.iter().map(subscript).collect();
        // An empty text is no subscript, so an empty value has no entry where the value stands in the path.
        let mut key = key::child(&key::root(), &self.target);
        for subscript in subscripts.filter(|names| names.iter().all(|name| !name.is_empty()))? {
            key::push(&mut key, &subscript);
        }
        let kept = self.value.as_deref().and_then(|name| variables.get(name)).map_or("", String::as_str);
        let value = serde_json::to_vec(kept).unwrap_or_default();
        Some(IndexEntry { key, value, is_shared: self.told_by_value().is_some() })
    }

    /// A value as it stands in an entry.
    fn shown(&self, value: &str) -> String {
        let value = if self.lower_case { value.to_lowercase() } else { value.to_owned() };
        let mut end = value.len().min(INDEX_VALUE_BYTES);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        value.get(..end).unwrap_or_default().to_owned()
    }

    /// The variable that only the value of an entry tells.
    fn told_by_value(&self) -> Option<&str> {
        let name = self.value.as_deref()?;
        (!self.path.iter().filter_map(Step::variable).any(|told| told == name)).then_some(name)
    }

    /// The node that an entry of this index follows, if it is one, and the value that the node has to have.
    pub(crate) fn source_of(&self, entry: &Node, value: Option<&[u8]>) -> Option<(Node, Option<String>)> {
        let mut found = variables(&self.path, &entry.subscripts)?;
        if let Some(name) = self.told_by_value() {
            found.insert(name, serde_json::from_slice(value?).ok()?);
        }
        let subscript = |step: &Step| match step {
            Step::Name(name) => Some(name.clone()),
            Step::Variable(name) => found.get(name.as_str()).cloned(),
        };
        let subscripts: Option<Vec<String>> = self.pattern.iter().map(subscript).collect();
        Some((Node::new(self.source.clone(), subscripts?), found.get(VALUE).cloned()))
    }

    /// Whether a value is the one that an entry tells.
    pub(crate) fn tells(&self, value: &[u8], told: Option<&str>) -> bool {
        text_of(value).is_some_and(|value| told.is_none_or(|told| self.shown(&value) == told))
    }
}

impl Step {
    fn variable(&self) -> Option<&str> {
        match self {
            Self::Variable(name) => Some(name),
            Self::Name(_) => None,
        }
    }
}

fn steps(path: &str) -> Result<Vec<Step>, BadIndex> {
    let step = |part: &str| match part.strip_prefix(':') {
        Some("") => None,
        Some(name) => Some(Step::Variable(name.to_owned())),
        None if part.is_empty() => None,
        None => Some(Step::Name(part.to_owned())),
    };
    path.split('/').map(step).collect::<Option<Vec<Step>>>().ok_or_else(|| BadIndex {
        what: format!("{path:?} has an empty part"),
        mend: "write subscripts and :variables, with one / between them".to_owned(),
    })
}

/// Whether some node fits both.
fn overlap(left: &[Step], right: &[Step]) -> bool {
    let fits = |(left, right): (&Step, &Step)| match (left, right) {
        (Step::Name(left), Step::Name(right)) => left == right,
        _ => true,
    };
    left.len() == right.len() && left.iter().zip(right).all(fits)
}

fn variables<'s>(steps: &'s [Step], subscripts: &[String]) -> Option<BTreeMap<&'s str, String>> {
    if steps.len() != subscripts.len() {
        return None;
    }
    let mut found = BTreeMap::new();
    for (step, subscript) in steps.iter().zip(subscripts) {
        match step {
            Step::Name(name) if name == subscript => {}
            Step::Name(_) => return None,
            Step::Variable(name) => {
                if found.insert(name.as_str(), subscript.clone()).is_some_and(|before| before != *subscript) {
                    return None;
                }
            }
        }
    }
    Some(found)
}

/// A JSON value as a subscript: numbers in their shortest form, so that 1, 1.0 and 1e0 are one.
fn text_of(value: &[u8]) -> Option<String> {
    match value.first()? {
        b'"' => serde_json::from_slice(value).ok(),
        b'-' | b'0'..=b'9' => Some(number::shortest(std::str::from_utf8(value).ok()?)),
        _ => String::from_utf8(value.to_vec()).ok(),
    }
}
