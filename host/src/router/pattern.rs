//! A route's `uri`, prepared for fast comparison.
//! In come the parts of a `uri`, later decoded paths; out go the variables of a path that fits.
//! It never looks at a method or at another host.

use super::path;
use super::steps::{ANY_TEXT, Spans, Step, general};
use crate::configuration::Part;

/// A prepared pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    steps: Vec<Step>,
    names: Vec<String>,
    /// The same as `steps` if every segment is one literal or one variable, which is almost always so.
    segments: Option<Vec<Segment>>,
    /// The paths that fit, with a stand-in for each variable; none: there are too many.
    forms: Option<Vec<Vec<u8>>>,
}

#[derive(Debug)]
pub(super) enum Segment {
    Literal(Vec<u8>),
    One(usize),
    /// All that is left, also further segments.
    Rest(usize),
}

/// Stands for a later route's `:name` where two patterns are compared. No UTF-8 text has this byte.
const SOME_TEXT: u8 = 0xfe;

/// Forms of a `uri` with optional groups that are compared at most; beyond that nothing is said about hiding.
const MOST_FORMS: usize = 64;

impl Pattern {
    pub(super) fn new(parts: &[Part]) -> Self {
        let (mut steps, mut names) = (Vec::new(), Vec::new());
        compile(parts, &mut steps, &mut names);
        let segments = segments(&steps);
        let mut forms = vec![Vec::new()];
        let forms = expand(parts, &mut forms).map(|()| forms);
        Self { steps, names, segments, forms }
    }

    /// Its segments, if each is one literal or one variable.
    pub(super) fn segments(&self) -> Option<&[Segment]> {
        self.segments.as_deref()
    }

    /// The paths that fit, with a stand-in for each variable; none: there are too many.
    pub(super) fn forms(&self) -> Option<&[Vec<u8>]> {
        self.forms.as_deref()
    }

    /// The variables of a decoded path, if it fits. One slash at its end is forgiven.
    pub(super) fn variables(&self, path: &[u8]) -> Option<Vec<(String, String)>> {
        let spans = self.spans(path).or_else(|| self.spans(without_last_slash(path)?))?;
        let named = |(number, span): (usize, &[u8])| Some((self.names.get(number)?.clone(), path::text(span)));
        Some(spans.into_iter().filter_map(named).collect())
    }

    /// Whether both patterns are the same except for the names of their variables.
    pub(super) fn has_shape_of(&self, other: &Self) -> bool {
        self.steps == other.steps
    }

    /// Whether this pattern surely takes every path that fits a later one.
    pub(super) fn hides(&self, later: &Self) -> bool {
        let Some(forms) = later.forms() else { return false };
        // A stand-in can only be taken by a variable as a whole, so what fits here fits with any text in its place.
        let takes = |form: &[u8]| general(&self.steps, form).is_some();
        forms.iter().all(|form| takes(form) || without_last_slash(form).is_some_and(takes))
    }

    fn spans<'p>(&self, path: &'p [u8]) -> Option<Spans<'p>> {
        match &self.segments {
            Some(segments) => simple(segments, path),
            None => general(&self.steps, path),
        }
    }
}

fn without_last_slash(path: &[u8]) -> Option<&[u8]> {
    path.strip_suffix(b"/")
}

fn literal_bytes(text: &str) -> Vec<u8> {
    // The configuration refuses broken escapes, so there is always a decoded form.
    path::decoded(text).map_or_else(|| text.as_bytes().to_vec(), std::borrow::Cow::into_owned)
}

fn compile(parts: &[Part], steps: &mut Vec<Step>, names: &mut Vec<String>) {
    for part in parts {
        match part {
            Part::Literal(text) => steps.push(Step::Literal(literal_bytes(text))),
            Part::One(name) => {
                steps.push(Step::One(names.len()));
                names.push(name.clone());
            }
            Part::Rest(name) => {
                steps.push(Step::Rest(names.len()));
                names.push(name.clone());
            }
            Part::Optional(inner) => {
                let (mut group, start) = (Vec::new(), steps.len() + 1);
                compile(inner, &mut group, names);
                steps.push(Step::Maybe(start + group.len()));
                // Numbers inside the group were counted from its own beginning.
                steps.extend(group.into_iter().map(|step| match step {
                    Step::Maybe(after) => Step::Maybe(start + after),
                    other => other,
                }));
            }
        }
    }
}

/// The segments of a pattern, if each is a whole literal or a whole variable.
fn segments(steps: &[Step]) -> Option<Vec<Segment>> {
    let mut segments: Vec<Option<Segment>> = vec![None];
    for step in steps {
        let last = segments.last_mut()?;
        match step {
            Step::One(number) if last.is_none() => *last = Some(Segment::One(*number)),
            Step::Rest(number) if last.is_none() => *last = Some(Segment::Rest(*number)),
            Step::One(_) | Step::Rest(_) | Step::Maybe(_) => return None,
            Step::Literal(bytes) => {
                let mut pieces = bytes.split(|byte| *byte == b'/');
                let first = pieces.next().filter(|first| !first.is_empty());
                match (first, &last) {
                    (Some(first), None) => *last = Some(Segment::Literal(first.to_vec())),
                    (Some(_), Some(_)) => return None,
                    (None, _) => {}
                }
                let filled = |piece: &[u8]| (!piece.is_empty()).then(|| Segment::Literal(piece.to_vec()));
                segments.extend(pieces.map(filled));
            }
        }
    }
    let count = segments.len();
    let inner_rest = segments.iter().take(count - 1).any(|segment| matches!(segment, Some(Segment::Rest(_))));
    if inner_rest || !matches!(segments.first(), Some(None)) {
        return None;
    }
    Some(segments.into_iter().skip(1).map(|segment| segment.unwrap_or(Segment::Literal(Vec::new()))).collect())
}

fn simple<'p>(segments: &[Segment], path: &'p [u8]) -> Option<Spans<'p>> {
    let mut spans = Vec::new();
    let mut left = Some(path.strip_prefix(b"/")?);
    for segment in segments {
        let current = left?;
        if let Segment::Rest(number) = segment {
            spans.push((*number, current));
            return Some(spans);
        }
        let (head, tail) = match current.iter().position(|byte| *byte == b'/') {
            Some(slash) => (current.get(..slash)?, current.get(slash + 1..)),
            None => (current, None),
        };
        match segment {
            Segment::Literal(bytes) if bytes == head => {}
            Segment::One(number) if !head.is_empty() => spans.push((*number, head)),
            _ => return None,
        }
        left = tail;
    }
    left.is_none().then_some(spans)
}

/// The paths that fit these parts, with a stand-in for each variable. `None` if there are too many.
fn expand(parts: &[Part], forms: &mut Vec<Vec<u8>>) -> Option<()> {
    for part in parts {
        let more = match part {
            Part::Literal(text) => literal_bytes(text),
            Part::One(_) => vec![SOME_TEXT],
            Part::Rest(_) => vec![ANY_TEXT],
            Part::Optional(inner) => {
                let mut with = forms.clone();
                expand(inner, &mut with)?;
                forms.append(&mut with);
                Vec::new()
            }
        };
        if forms.len() > MOST_FORMS {
            return None;
        }
        for form in forms.iter_mut() {
            form.extend_from_slice(&more);
        }
    }
    Some(())
}
