//! The keys that objects of config.json and routes.json may have, and what may stand at each.
//! In come the tables of the readers; out go words for problems, from the table by which the same key is read.
//! It never sees a value.

use std::ops::RangeInclusive;

/// The keys that an object may have.
#[derive(Debug)]
pub(crate) struct Keys {
    /// What to call such an object in the schema.
    pub name: &'static str,
    /// Keys that have an effect.
    pub known: &'static [Key],
    /// Keys without an effect, each with the way to go instead: one warning each.
    pub idle: &'static [(&'static str, &'static str)],
    /// Keys that would change the meaning but are not served, each with the way to go instead: one error each.
    pub refused: &'static [(&'static str, &'static str)],
    /// Keys that have a meaning only beside another one.
    pub pairs: &'static [(&'static str, &'static str)],
    /// Keys that cannot stand beside each other.
    pub apart: &'static [(&'static str, &'static str)],
}

impl Keys {
    /// An object of these keys alone.
    pub(crate) const fn new(name: &'static str, known: &'static [Key]) -> Self {
        Self { name, known, idle: &[], refused: &[], pairs: &[], apart: &[] }
    }

    /// The entry of a known key.
    pub(crate) fn find(&self, name: &str) -> Option<&'static Key> {
        self.known.iter().find(|key| key.name == name)
    }

    /// The names of the known keys.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.known.iter().map(|key| key.name)
    }
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// What holds if it is missing.
    pub usual: Usual,
}

/// A key and what may stand there.
pub(crate) const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, about, usual: Usual::Nothing }
}

impl Key {
    pub(crate) const fn usually(self, usual: Usual) -> Self {
        Self { usual, ..self }
    }

    /// The object has to have it.
    pub(crate) const fn must(self) -> Self {
        self.usually(Usual::Must)
    }
}

/// What holds if a key is missing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Usual {
    /// Nothing that has a name.
    Nothing,
    /// It may not be missing.
    Must,
    Number(u64),
    Flag(bool),
    Text(&'static str),
    /// What depends on something else.
    Words(&'static str),
}

/// What may stand at a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text(Form),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// Only `true`.
    Yes,
    Whole(u64, u64),
    /// A whole number that may stand in quotes.
    WholeInQuotes(u64, u64),
    /// A list of texts, with so many items at least.
    Texts(&'static Kind, usize),
    /// A list of anything else, and what to call it; at most so many items.
    List(&'static str, &'static Kind, usize),
    Object(&'static Keys),
    /// An object whose own keys are names.
    Map(&'static Kind),
    /// One of several, and what to call them together.
    Either(&'static str, &'static [Kind]),
    /// Any object.
    AnyObject,
    /// Any JSON.
    Any,
}

/// What a text has to look like. The readers say more of what is wrong with one that does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// A regular expression (ECMA-262) that every such text fits.
    pub pattern: &'static str,
    /// One that no such text fits; empty: none.
    pub never: &'static str,
}

/// Any text.
pub(crate) const TEXT: Kind = Kind::Text(Form { pattern: "", never: "" });
/// Any text but the empty one.
pub(crate) const SOME_TEXT: Kind = form("^[\\s\\S]");
/// A microservice's or a group's name.
pub(crate) const NAME: Kind = Kind::Text(Form { pattern: "^[A-Za-z][A-Za-z0-9_-]{0,63}$", never: "^orchestrator$" });
/// The name of any host.
pub(crate) const HOST_NAME: Kind = form("^[A-Za-z][A-Za-z0-9_-]{0,63}$");

/// A text that fits a regular expression.
pub(crate) const fn form(pattern: &'static str) -> Kind {
    Kind::Text(Form { pattern, never: "" })
}

/// A whole number.
pub(crate) const fn whole(range: &RangeInclusive<u64>) -> Kind {
    Kind::Whole(*range.start(), *range.end())
}

impl Kind {
    /// What has to stand there: `"port" must be …`.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Text(_) => "a text".to_owned(),
            Self::Choice(texts) => {
                let quoted: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
                match quoted.split_last() {
                    Some((last, [])) => last.clone(),
                    Some((last, before)) => format!("{} or {last}", before.join(", ")),
                    None => String::new(),
                }
            }
            Self::Flag => "true or false".to_owned(),
            Self::Yes => "true".to_owned(),
            Self::Whole(least, most) | Self::WholeInQuotes(least, most) => {
                format!("a whole number from {least} to {most}")
            }
            Self::Texts(..) => "a list of texts".to_owned(),
            Self::List(words, ..) | Self::Either(words, _) => (*words).to_owned(),
            Self::Object(_) | Self::Map(_) | Self::AnyObject => "an object".to_owned(),
            Self::Any => "any JSON".to_owned(),
        }
    }

    /// The range of a whole number.
    pub(crate) fn range(&self) -> Option<RangeInclusive<u64>> {
        match self {
            Self::Whole(least, most) | Self::WholeInQuotes(least, most) => Some(*least..=*most),
            _ => None,
        }
    }
}
