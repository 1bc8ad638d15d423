//! Compares a path with any pattern, also one with optional groups and several variables in a segment.
//! In come the steps of a pattern and a decoded path; out go the parts of the path that the variables have.
//! Time never grows faster than the length of the path times the length of the pattern, whatever a client sends.

/// One step of a pattern; variables are numbered. Steps follow each other, but an optional group can be stepped over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Exactly these decoded bytes.
    Literal(Vec<u8>),
    /// One or more characters except `/`: as many as possible.
    One(usize),
    /// Any characters: as few as possible.
    Rest(usize),
    /// An optional group: go into it if the path then fits, or else on at the step with this number.
    Maybe(usize),
}

/// The variables by their number, with the part of the path that each has.
pub(super) type Spans<'p> = Vec<(usize, &'p [u8])>;

/// Stands for a later route's `*name` where two patterns are compared.
pub(super) const ANY_TEXT: u8 = 0xfd;

/// Compares in two walks: backwards it notes for each step where the rest would fit, forwards it then never goes wrong.
pub(super) fn general<'p>(steps: &[Step], path: &'p [u8]) -> Option<Spans<'p>> {
    if let Some(Step::Literal(bytes)) = steps.first()
        && !path.starts_with(bytes)
    {
        return None;
    }
    let fits = Fits::new(steps, path);
    let (mut number, mut at, mut spans) = (0, 0, Vec::new());
    if !fits.from(0, 0) {
        return None;
    }
    while let Some(step) = steps.get(number) {
        let leaves = |end: &usize| is_boundary(path, *end) && fits.from(number + 1, *end);
        match step {
            Step::Literal(bytes) => at += bytes.len(),
            Step::One(variable) => {
                let left = path.get(at..)?;
                let most = left.iter().position(|byte| ends_segment(*byte)).unwrap_or(left.len());
                let end = (at + 1..=at + most).rev().find(leaves)?;
                spans.push((*variable, path.get(at..end)?));
                at = end;
            }
            Step::Rest(variable) => {
                let end = (at..=path.len()).find(leaves)?;
                spans.push((*variable, path.get(at..end)?));
                at = end;
            }
            Step::Maybe(after) if !fits.from(number + 1, at) => {
                number = *after;
                continue;
            }
            Step::Maybe(_) => {}
        }
        number += 1;
    }
    Some(spans)
}

/// For each step and each position: whether the rest of the pattern fits the rest of the path.
struct Fits {
    /// The last row belongs to the first step.
    rows: Vec<Vec<bool>>,
}

impl Fits {
    fn new(steps: &[Step], path: &[u8]) -> Self {
        let mut end = vec![false; path.len()];
        end.push(true);
        let mut fits = Self { rows: vec![end] };
        for step in steps.iter().rev() {
            let row = fits.row(step, steps.len(), path);
            fits.rows.push(row);
        }
        fits
    }

    fn row(&self, step: &Step, count: usize, path: &[u8]) -> Vec<bool> {
        let next = |at: usize| self.rows.last().and_then(|row| row.get(at)).copied().unwrap_or(false);
        let leaves = |at: usize| is_boundary(path, at) && next(at);
        let mut row = vec![false; path.len() + 1];
        let mut inside = false;
        for (at, cell) in row.iter_mut().enumerate().rev() {
            *cell = match step {
                Step::Literal(bytes) => {
                    next(at + bytes.len()) && path.get(at..).is_some_and(|left| left.starts_with(bytes))
                }
                Step::One(_) => path.get(at).is_some_and(|byte| !ends_segment(*byte)) && (leaves(at + 1) || inside),
                Step::Rest(_) => leaves(at) || inside,
                Step::Maybe(after) => next(at) || self.cell(count - after, at),
            };
            inside = *cell;
        }
        row
    }

    fn cell(&self, row: usize, at: usize) -> bool {
        self.rows.get(row).and_then(|row| row.get(at)).copied().unwrap_or(false)
    }

    fn from(&self, number: usize, at: usize) -> bool {
        self.rows.len().checked_sub(number + 1).is_some_and(|row| self.cell(row, at))
    }
}

fn ends_segment(byte: u8) -> bool {
    byte == b'/' || byte == ANY_TEXT
}

/// Whether a character begins here. A variable must not end within one.
fn is_boundary(path: &[u8], at: usize) -> bool {
    path.get(at).is_none_or(|byte| !(0x80..=0xbf).contains(byte))
}
