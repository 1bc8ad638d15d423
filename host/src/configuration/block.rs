//! One object of a file, read key by key.
//! In come an object and the keys that it may have; out go typed values, and a problem for each that does not fit.
//! A value that is missing is never a problem here: the caller knows the default.

use super::keys::{Key, Keys, Kind};
use super::problem::{Report, Spot, Words};
use super::tree::{Member, Node, Value};
use std::ops::RangeInclusive;

/// An object of a file on its way to checked values.
pub(crate) struct Block<'n, 'r> {
    pub at: Spot,
    pub members: &'n [Member],
    keys: &'static Keys,
    pub report: &'r mut Report,
}

impl<'n, 'r> Block<'n, 'r> {
    /// Takes a node that has to be an object and checks its keys.
    pub(crate) fn open(node: &'n Node, name: &str, keys: &'static Keys, report: &'r mut Report) -> Option<Self> {
        let Value::Object(members) = node.plain() else {
            wrong_type(report, node, name, "an object", "write { … } here");
            return None;
        };
        for member in members {
            check_key(member, keys, report);
        }
        let mut block = Self { at: node.at, members, keys, report };
        block.check_pairs();
        Some(block)
    }

    /// The object below a key, if the key is there.
    pub(crate) fn inner(&mut self, name: &str, keys: &'static Keys) -> Option<Block<'n, '_>> {
        let node = self.get(name)?;
        Block::open(node, &format!("{name:?}"), keys, self.report)
    }

    fn check_pairs(&mut self) {
        for (there, missing) in self.keys.pairs {
            if self.get(there).is_some() && self.get(missing).is_none() {
                self.error(there, format!("{there:?} stands without {missing:?}"), format!("add {missing:?}"));
            }
        }
    }

    /// What has to stand at a key.
    fn expected(&self, name: &str) -> String {
        self.keys.find(name).map_or_else(|| Kind::Any.words(), |key| key.kind.words())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.members.iter().find(|member| member.name == name).map(|member| &member.node)
    }

    /// The place of a key, or of the object if the key is missing.
    pub(crate) fn spot(&self, name: &str) -> Spot {
        self.get(name).map_or(self.at, |node| node.at)
    }

    pub(crate) fn error(&mut self, name: &str, what: impl Into<Words>, mend: impl Into<Words>) {
        let (spot, what) = (self.spot(name), what.into());
        // Words that were made from a value from outside are not said; those of the table are, where it says more than that
        // a text belongs there.
        let kind = self.keys.find(name).map(|key| key.kind).filter(|kind| !matches!(kind, Kind::Text(_)));
        match kind {
            Some(kind) if matches!(what, Words::Owned(_)) && spot.is_outside() => {
                self.report.unfit(spot, &kind.words());
            }
            _ => self.report.error(Some(spot), what, mend),
        }
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<&'n str> {
        let node = self.get(name)?;
        if let Some(text) = node.text() {
            return Some(text);
        }
        let expected = self.expected(name);
        self.wrong(name, node, &expected, "put it in double quotes");
        None
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        let node = self.get(name)?;
        if let Value::Flag(flag) = node.plain() {
            return Some(*flag);
        }
        self.wrong(name, node, "true or false", "write it without quotes");
        None
    }

    /// A whole number within the range that the table gives it.
    pub(crate) fn whole<T: TryFrom<u64>>(&mut self, name: &str) -> Option<T> {
        T::try_from(self.number(name)?).ok()
    }

    fn number(&mut self, name: &str) -> Option<u64> {
        let node = self.get(name)?;
        let Key { kind, .. } = self.keys.find(name)?;
        if let (Kind::WholeInQuotes(..), Value::Text(text)) = (kind, node.plain()) {
            return self.within(name, node, text.trim().parse().ok(), kind.range()?);
        }
        let number = match node.plain() {
            Value::Number(number) => number.as_u64(),
            _ => None,
        };
        self.within(name, node, number, kind.range()?)
    }

    /// A text that has to be one of those that the table gives the key, which words call so.
    pub(crate) fn choice(&mut self, name: &str, called: &str, mend: &'static str) -> Option<&'static str> {
        let text = self.text(name)?;
        let Kind::Choice(choices) = self.keys.find(name)?.kind else { return None };
        let chosen = choices.iter().find(|choice| **choice == text).copied();
        if chosen.is_none() {
            self.error(name, format!("{called:?} is {text:?}"), mend);
        }
        chosen
    }

    fn within(&mut self, name: &str, node: &Node, number: Option<u64>, range: RangeInclusive<u64>) -> Option<u64> {
        if let Some(number) = number.filter(|number| range.contains(number)) {
            return Some(number);
        }
        let expected = self.expected(name);
        let mend = match &node.value {
            Value::Text(text) if text.trim().parse::<u64>().is_ok_and(|number| range.contains(&number)) => {
                format!("write {} without quotes", text.trim())
            }
            _ => "write such a number, or remove the key for the default".to_owned(),
        };
        self.wrong(name, node, &expected, &mend);
        None
    }

    /// The texts of a list, each with its place.
    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<(&'n str, Spot)>> {
        let node = self.get(name)?;
        let Value::List(items) = node.plain() else {
            self.wrong(name, node, "a list of texts", "write it as [\"…\", \"…\"]");
            return None;
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            if let Some(text) = item.text() {
                texts.push((text, item.at));
            } else {
                self.wrong(name, item, "a list of texts", "put each item in double quotes");
            }
        }
        Some(texts)
    }

    /// Says that a value has not the expected type.
    pub(crate) fn wrong(&mut self, name: &str, found: &Node, expected: &str, mend: &str) {
        wrong_type(self.report, found, &format!("{name:?}"), expected, mend);
    }

    /// Warns that a key has no effect, unless it has the value that describes what happens anyway.
    pub(crate) fn idle_unless(&mut self, name: &str, usual: bool, mend: &'static str) {
        if self.flag(name).is_some_and(|flag| flag != usual) {
            let spot = self.spot(name);
            self.report.warning(Some(spot), no_effect(name), mend);
        }
    }
}

fn wrong_type(report: &mut Report, found: &Node, name: &str, expected: &str, mend: &str) {
    if found.at.is_outside() {
        let fault = match &found.value {
            Value::Reference(Some(reference)) => reference.fault(),
            _ => None,
        };
        let no_json = fault.map(|fault| format!(" ({fault})")).unwrap_or_default();
        return report.unfit(found.at, &format!("{expected}{no_json}"));
    }
    report.error(Some(found.at), format!("{name} must be {expected}, but is {}", found.described()), mend.to_owned());
}

fn no_effect(name: &str) -> String {
    format!("the key {name:?} has no effect here")
}

fn known(keys: &Keys) -> String {
    keys.names().collect::<Vec<_>>().join(", ")
}

fn check_key(member: &Member, keys: &Keys, report: &mut Report) {
    let name = member.name.as_str();
    let find = |list: &'static [(&'static str, &'static str)]| {
        list.iter().find(|(key, _)| *key == name).map(|(_, instead)| *instead)
    };
    if keys.find(name).is_some() {
        return;
    }
    if let Some(instead) = find(keys.idle) {
        report.warning(Some(member.at), no_effect(name), instead);
    } else if let Some(instead) = find(keys.refused) {
        report.error(Some(member.at), format!("this version does not serve the key {name:?}"), instead);
    } else if member.at.is_outside() {
        report.unfit(member.at, &format!("one of the known keys: {}", known(keys)));
    } else {
        let known = known(keys);
        let mend = match nearest(name, keys.names()) {
            Some(near) => format!("did you mean {near:?}? known keys: {known}"),
            None => format!("remove it, or use one of the known keys: {known}"),
        };
        report.error(Some(member.at), format!("unknown key {name:?}"), mend);
    }
}

/// The candidate that differs least from a name, if it is near enough to be a slip of the pen.
pub(crate) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let lower = name.to_lowercase();
    let allowed = (name.chars().count() / 3).max(2);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Advice about a name that is not among the known ones.
pub(crate) fn advice<'c>(name: &str, candidates: impl Iterator<Item = &'c str> + Clone) -> String {
    let known: Vec<&str> = candidates.clone().collect();
    if known.is_empty() {
        return "config.json has no microservices: add it there, or remove the name here".to_owned();
    }
    if name == super::application::ORCHESTRATOR && !known.contains(&name) {
        return format!("the orchestrator is no microservice; use one of: {}", known.join(", "));
    }
    match nearest(name, candidates) {
        Some(near) => format!("did you mean {near:?}? config.json has: {}", known.join(", ")),
        None => format!("add it to \"microservices\" in config.json, or use one of: {}", known.join(", ")),
    }
}
