//! One node as it is kept: its value, and whether it was stored as an array or an object.
//! In come a value and a shape, out go bytes, and back.
//! Most nodes have one of the two only; one with neither value nor shape is not kept at all.

/// What was stored at a node, where its children alone do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Shape {
    /// Children make an object.
    #[default]
    Plain,
    /// An array, perhaps an empty one.
    Array,
    /// An object that has no children to show for it.
    Object,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record {
    pub(crate) shape: Shape,
    /// JSON: a string, a number, `true`, `false` or `null`.
    pub(crate) value: Option<Vec<u8>>,
}

const VALUE: u8 = 1;
const ARRAY: u8 = 2;
const OBJECT: u8 = 4;

impl Record {
    pub(crate) fn value(value: Vec<u8>) -> Self {
        Self { shape: Shape::Plain, value: Some(value) }
    }

    pub(crate) fn shape(shape: Shape) -> Self {
        Self { shape, value: None }
    }

    /// Its bytes; none: there is nothing to keep.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let shape = match self.shape {
            Shape::Plain => 0,
            Shape::Array => ARRAY,
            Shape::Object => OBJECT,
        };
        let flags = shape | if self.value.is_some() { VALUE } else { 0 };
        if flags == 0 {
            return None;
        }
        let value = self.value.as_deref().unwrap_or_default();
        let mut bytes = Vec::with_capacity(value.len() + 1);
        bytes.push(flags);
        bytes.extend_from_slice(value);
        Some(bytes)
    }

    /// The node of these bytes; none if they are none.
    pub(crate) fn decode(mut bytes: Vec<u8>) -> Option<Self> {
        let flags = *bytes.first()?;
        bytes.remove(0);
        let shape = match flags & !VALUE {
            0 => Shape::Plain,
            ARRAY => Shape::Array,
            OBJECT => Shape::Object,
            _ => return None,
        };
        let has_value = flags & VALUE != 0;
        if has_value == bytes.is_empty() || flags == 0 {
            return None;
        }
        Some(Self { shape, value: has_value.then_some(bytes) })
    }
}

/// What there is at a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Its value as JSON.
    pub value: Option<Vec<u8>>,
    /// Whether something lies below it.
    pub has_children: bool,
    /// Whether it has a value or children, or was stored as an empty array or object.
    pub exists: bool,
}
