//! Operations as data: made up at random, done by the store and by the model.
//! In comes an act, out goes what was answered, as text, so that two answers can be compared.
//! An act never begins or ends a transaction.

use super::documents::{Connection, Node, Selection, Trouble};
use super::model::{Model, Name, Path};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Names that lie close together where an order can go wrong.
const NAMES: [&str; 17] =
    ["0", "1", "2", "10", "15", "-1", "-2.5", "-10", "1.5", "01", "a", "ab", "a\0", "a\0b", "a\u{1}", "é", "B"];
const PREFIXES: [&str; 9] = ["", "1", "-", "-1", "1.", "0", "a", "a\0", "b"];
const DOCUMENTS: [&str; 3] = ["d", "d\0", "7"];

/// One operation.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Get(Path),
    Look(Path),
    Children(Path, Selection),
    Sibling(Path, bool),
    Count(Path, bool, u64),
    Read(Path),
    Set(Path, Value),
    Replace(Path, Value),
    Merge(Path, Value),
    Delete(Path),
    Increment(Path, i64),
}

fn node(path: &Path) -> Option<Node> {
    let (document, subscripts) = path.split_first()?;
    Some(Node::new(document.0.clone(), subscripts.iter().map(|name| name.0.clone())))
}

impl Act {
    /// What the store answers.
    pub(super) fn ask(&self, connection: &mut Connection) -> Result<String, Trouble> {
        let of = |path: &Path| node(path).unwrap();
        let bytes = |json: &Value| json.to_string().into_bytes();
        let shown = |bytes: Option<Vec<u8>>| format!("{:?}", bytes.map(|bytes| String::from_utf8(bytes).unwrap()));
        Ok(match self {
            Self::Get(path) => shown(connection.get(&of(path))?),
            Self::Look(path) => format!("{:?}", connection.look(&of(path))?),
            Self::Children(path, selection) => {
                format!("{:?}", connection.children(node(path).as_ref(), selection)?)
            }
            Self::Sibling(path, reverse) => format!("{:?}", connection.sibling(&of(path), *reverse)?),
            Self::Count(path, deep, most) => connection.count(&of(path), *deep, *most)?.to_string(),
            Self::Read(path) => shown(connection.read(&of(path))?),
            Self::Set(path, value) => format!("{:?}", connection.set(&of(path), &bytes(value))?),
            Self::Replace(path, json) => format!("{:?}", connection.replace(&of(path), &bytes(json))?),
            Self::Merge(path, json) => format!("{:?}", connection.merge(&of(path), &bytes(json))?),
            Self::Delete(path) => connection.delete(&of(path))?.to_string(),
            Self::Increment(path, by) => match connection.increment(&of(path), by.to_string().as_bytes()) {
                Err(Trouble::Refused(_)) => "no number".to_owned(),
                sum => String::from_utf8(sum?).unwrap(),
            },
        })
    }

    /// What the model answers.
    pub(super) fn expect(&self, model: &mut Model) -> String {
        // Counting may end where there is one more than was asked for.
        let counted = |count: usize, most: u64| u64::try_from(count).unwrap().min(most.saturating_add(1)).to_string();
        match self {
            Self::Get(path) => format!("{:?}", model.get(path)),
            Self::Look(path) => format!("{:?}", model.look(path)),
            Self::Children(path, selection) => format!("{:?}", model.children(path, selection)),
            Self::Sibling(path, reverse) => format!("{:?}", model.sibling(path, *reverse)),
            Self::Count(path, true, most) => counted(usize::try_from(model.values(path)).unwrap(), *most),
            Self::Count(path, false, most) => counted(model.names(path).len(), *most),
            Self::Read(path) => format!("{:?}", model.read(path).map(|json| json.to_string())),
            Self::Set(path, value) => format!("{:?}", model.set(path, value)),
            Self::Replace(path, json) => format!("{:?}", model.replace(path, json)),
            Self::Merge(path, json) => format!("{:?}", model.merge(path, json)),
            Self::Delete(path) => model.delete(path).to_string(),
            Self::Increment(path, by) => model.increment(path, *by).unwrap_or_else(|| "no number".to_owned()),
        }
    }
}

/// What acts are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Material {
    documents: &'static [&'static str],
    names: &'static [&'static str],
}

/// Many nodes.
pub(super) const WIDE: Material = Material { documents: &DOCUMENTS, names: &NAMES };
/// So few nodes that everybody is in everybody's way.
pub(super) const NARROW: Material = Material { documents: &["d"], names: &["1", "2", "3", "10"] };

impl Material {
    fn name(self) -> impl Strategy<Value = String> {
        select(self.names).prop_map(str::to_owned)
    }

    /// Any node, not far from others.
    fn path(self) -> impl Strategy<Value = Path> {
        (select(self.documents), vec(self.name(), 0..3)).prop_map(|(document, subscripts)| {
            std::iter::once(document.to_owned()).chain(subscripts).map(Name).collect()
        })
    }

    /// Any JSON; an object's "" is no object and no array.
    fn json(self) -> impl Strategy<Value = Value> {
        scalar().prop_recursive(3, 12, 4, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::Array),
                (option::weighted(0.2, scalar()), vec((self.name(), inner), 0..4)).prop_map(|(own, members)| {
                    let own = own.map(|own| (String::new(), own));
                    Value::Object(own.into_iter().chain(members).collect::<Map<_, _>>())
                }),
            ]
        })
    }

    /// Any choice of children, in pages of few.
    fn selection(self) -> impl Strategy<Value = Selection> {
        let bound = || option::weighted(0.3, self.name());
        let prefix = option::weighted(0.3, select(&PREFIXES[..]).prop_map(str::to_owned));
        (bound(), bound(), prefix, bound(), any::<bool>(), 0..5_usize, any::<bool>()).prop_map(
            |(from, to, prefix, after, reverse, limit, values)| Selection {
                from,
                to,
                prefix,
                after,
                reverse,
                limit,
                values,
            },
        )
    }

    /// An act that changes nothing.
    pub(super) fn look(self) -> impl Strategy<Value = Act> {
        let path = || self.path();
        let parent = prop_oneof![5 => path(), 1 => Just(Path::new())];
        prop_oneof![
            path().prop_map(Act::Get),
            path().prop_map(Act::Look),
            (parent, self.selection()).prop_map(|(path, selection)| Act::Children(path, selection)),
            (path(), any::<bool>()).prop_map(|(path, reverse)| Act::Sibling(path, reverse)),
            (path(), any::<bool>(), prop_oneof![0..5_u64, Just(u64::MAX)])
                .prop_map(|(path, deep, most)| Act::Count(path, deep, most)),
            path().prop_map(Act::Read),
        ]
    }

    /// An act that may change something.
    pub(super) fn change(self) -> impl Strategy<Value = Act> {
        let path = || self.path();
        prop_oneof![
            4 => (path(), scalar()).prop_map(|(path, value)| Act::Set(path, value)),
            2 => (path(), self.json()).prop_map(|(path, json)| Act::Replace(path, json)),
            2 => (path(), self.json()).prop_map(|(path, json)| Act::Merge(path, json)),
            2 => path().prop_map(Act::Delete),
            1 => (path(), -9..9_i64).prop_map(|(path, by)| Act::Increment(path, by)),
        ]
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => (-9_i64..100).prop_map(|number| json!(number)),
        1 => "[a-c]{0,3}".prop_map(|text| json!(text)),
        1 => select(vec![json!(null), json!(true), json!(false)]),
    ]
}
