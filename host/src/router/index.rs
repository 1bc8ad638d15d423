//! Which routes may take a path, without a look at each.
//! In come patterns, later decoded paths; out go the numbers of the routes that may fit, in the order of the file.
//! It never says that a route fits: its pattern says that.

use super::pattern::{Pattern, Segment};
use std::collections::BTreeMap;

/// Patterns as a tree of their segments.
#[derive(Debug, Default)]
pub(super) struct Index {
    root: Node,
    /// Patterns that are more than literal and variable segments: each path may fit them.
    others: Vec<usize>,
    count: usize,
}

#[derive(Debug, Default)]
struct Node {
    literals: BTreeMap<Vec<u8>, Node>,
    variable: Option<Box<Node>>,
    /// Patterns that end here.
    ends: Vec<usize>,
    /// Patterns that take all that is left.
    rests: Vec<usize>,
}

impl Index {
    /// Adds the next pattern.
    pub(super) fn add(&mut self, pattern: &Pattern) {
        let number = self.count;
        self.count += 1;
        match pattern.segments() {
            Some(segments) => self.root.add(segments, number),
            None => self.others.push(number),
        }
    }

    /// The patterns that may fit a path, also without the one slash at its end.
    pub(super) fn candidates(&self, path: &[u8]) -> Vec<usize> {
        let mut found = self.others.clone();
        for path in [Some(path), path.strip_suffix(b"/")].into_iter().flatten() {
            if let Some(below) = path.strip_prefix(b"/") {
                self.root.find(Some(below), &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Node {
    fn add(&mut self, segments: &[Segment], number: usize) {
        match segments {
            [] => self.ends.push(number),
            [Segment::Rest(_), ..] => self.rests.push(number),
            [Segment::Literal(bytes), rest @ ..] => self.literals.entry(bytes.clone()).or_default().add(rest, number),
            [Segment::One(_), rest @ ..] => self.variable.get_or_insert_default().add(rest, number),
        }
    }

    /// `left`: what of the path stands after the last slash that was passed; none: nothing, not even a slash.
    fn find(&self, left: Option<&[u8]>, found: &mut Vec<usize>) {
        let Some(left) = left else {
            found.extend(&self.ends);
            return;
        };
        found.extend(&self.rests);
        let mut parts = left.splitn(2, |byte| *byte == b'/');
        let (head, tail) = (parts.next().unwrap_or_default(), parts.next());
        if let Some(node) = self.literals.get(head) {
            node.find(tail, found);
        }
        if let Some(node) = self.variable.as_ref().filter(|_| !head.is_empty()) {
            node.find(tail, found);
        }
    }
}
