//! The plainest thing that behaves as the documents do: one sorted map of paths.
//! In come the operations of the interface, out goes what they answer.
//! It knows no key, no bytes and no transaction.

use super::documents::{Child, Page, Selection, State};
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A name that sorts as the interface says. Fit for numbers that an `f64` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(pub(super) String);

impl Name {
    fn number(&self) -> Option<f64> {
        let digits = self.0.bytes().all(|byte| b"-.0123456789".contains(&byte));
        self.0.parse::<f64>().ok().filter(|number| digits && number.to_string() == self.0 && self.0 != "-0")
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.number(), other.number()) {
            (Some(own), Some(other)) => own.total_cmp(&other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => self.0.as_bytes().cmp(other.0.as_bytes()),
        }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A document's name and subscripts.
pub(super) type Path = Vec<Name>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Array,
    Object,
}

#[derive(Debug, Clone, PartialEq)]
struct Kept {
    kind: Kind,
    value: Option<Value>,
}

/// All documents.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Model {
    nodes: BTreeMap<Path, Kept>,
}

fn below(path: &Path, name: &str) -> Path {
    let mut child = path.clone();
    child.push(Name(name.to_owned()));
    child
}

impl Model {
    pub(super) fn get(&self, path: &Path) -> Option<String> {
        self.nodes.get(path).and_then(|kept| kept.value.as_ref()).map(Value::to_string)
    }

    pub(super) fn look(&self, path: &Path) -> State {
        let has_children = !self.names(path).is_empty();
        let value = self.get(path).map(String::into_bytes);
        State { value, has_children, exists: has_children || self.nodes.contains_key(path) }
    }

    /// The names of a node's children, in order; those of the documents, where the path is empty.
    pub(super) fn names(&self, path: &Path) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (other, _) in self.nodes.range(path.clone()..).take_while(|(other, _)| other.starts_with(path)) {
            if let Some(Name(name)) = other.get(path.len()).filter(|name| names.last() != Some(&name.0)) {
                names.push(name.clone());
            }
        }
        names
    }

    pub(super) fn children(&self, path: &Path, selection: &Selection) -> Page {
        let name = |text: &Option<String>| text.clone().map(Name);
        let (from, to, after) = (name(&selection.from), name(&selection.to), name(&selection.after));
        let mut names: Vec<Name> = self.names(path).into_iter().map(Name).collect();
        names.retain(|name| {
            from.as_ref().is_none_or(|from| name >= from)
                && to.as_ref().is_none_or(|to| name <= to)
                && selection.prefix.as_ref().is_none_or(|prefix| name.0.starts_with(prefix))
                && after.as_ref().is_none_or(|after| if selection.reverse { name < after } else { name > after })
        });
        if selection.reverse {
            names.reverse();
        }
        let child = |Name(name): &Name| {
            let state = self.look(&below(path, name));
            let value = state.value.filter(|_| selection.values);
            Child { name: name.clone(), value, has_children: state.has_children }
        };
        let children: Vec<Child> = names.iter().take(selection.limit).map(child).collect();
        Page { more: names.len() > children.len(), children }
    }

    pub(super) fn sibling(&self, path: &Path, reverse: bool) -> Option<String> {
        let (own, parent) = path.split_last().unwrap();
        let mut names: Vec<Name> = self.names(&parent.to_vec()).into_iter().map(Name).collect();
        names.retain(|name| if reverse { name < own } else { name > own });
        let found = if reverse { names.pop() } else { names.into_iter().next() };
        found.map(|name| name.0)
    }

    /// Nodes with a value.
    pub(super) fn values(&self, path: &Path) -> u64 {
        let with_value = self.nodes.iter().filter(|(other, kept)| other.starts_with(path) && kept.value.is_some());
        u64::try_from(with_value.count()).unwrap()
    }

    pub(super) fn read(&self, path: &Path) -> Option<Value> {
        let names = self.names(path);
        let kept = self.nodes.get(path).cloned();
        let (kind, value) = kept.map_or((Kind::Plain, None), |kept| (kept.kind, kept.value));
        let child = |name: &String| self.read(&below(path, name)).unwrap();
        if kind == Kind::Array && names.iter().enumerate().all(|(at, name)| *name == at.to_string()) {
            return Some(names.iter().map(child).collect());
        }
        match (kind, value, names.is_empty()) {
            (Kind::Plain, value, true) => value,
            (_, value, _) => {
                let own = value.map(|value| (String::new(), value));
                let members = names.iter().map(|name| (name.clone(), child(name)));
                Some(Value::Object(own.into_iter().chain(members).collect::<Map<_, _>>()))
            }
        }
    }

    /// A node with a value is no empty array or object.
    pub(super) fn set(&mut self, path: &Path, value: &Value) {
        self.nodes.insert(path.clone(), Kept { kind: Kind::Plain, value: Some(value.clone()) });
    }

    pub(super) fn delete(&mut self, path: &Path) -> bool {
        let before = self.nodes.len();
        self.nodes.retain(|other, _| !other.starts_with(path));
        self.nodes.len() < before
    }

    pub(super) fn increment(&mut self, path: &Path, by: i64) -> Option<String> {
        let before = self.nodes.get(path).and_then(|kept| kept.value.clone()).unwrap_or(json!(0));
        let sum = json!(before.as_i64()? + by);
        self.set(path, &sum);
        Some(sum.to_string())
    }

    pub(super) fn replace(&mut self, path: &Path, json: &Value) {
        self.delete(path);
        self.store(path, json);
    }

    fn store(&mut self, path: &Path, json: &Value) {
        let mut keep = |kind, value| self.nodes.insert(path.clone(), Kept { kind, value });
        match json {
            Value::Array(items) => {
                keep(Kind::Array, None);
                for (at, item) in items.iter().enumerate() {
                    self.store(&below(path, &at.to_string()), item);
                }
            }
            Value::Object(members) => {
                let own = members.get("").cloned();
                if members.len() == usize::from(own.is_some()) {
                    keep(Kind::Object, own);
                } else if own.is_some() {
                    keep(Kind::Plain, own);
                }
                for (name, member) in members.iter().filter(|(name, _)| !name.is_empty()) {
                    self.store(&below(path, name), member);
                }
            }
            scalar => {
                keep(Kind::Plain, Some(scalar.clone()));
            }
        }
    }

    pub(super) fn merge(&mut self, path: &Path, json: &Value) {
        match json {
            Value::Array(_) => self.replace(path, json),
            Value::Object(members) if members.is_empty() => {
                let state = self.look(path);
                if state.value.is_none() && !state.has_children {
                    self.store(path, json);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    if name.is_empty() { self.set(path, member) } else { self.merge(&below(path, name), member) }
                }
            }
            scalar => self.set(path, scalar),
        }
    }
}
