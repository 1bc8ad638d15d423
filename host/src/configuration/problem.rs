//! What is wrong with a configuration file, and where.
//! In come findings of the readers; out go lines that a person can act on.
//! Nothing here reads a file or decides what is right.

use super::outside::{self, Failure};
use crate::names::{HostName, ServiceName};
use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

/// A position in a file; both numbers begin at 1 and the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What stands here came from outside of the file.
    outside: Option<Outside>,
}

/// A position in what came from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outside {
    /// Which of the report's sources it is.
    source: usize,
    /// Line and column; nothing: the whole of it.
    within: Option<(usize, usize)>,
}

impl Spot {
    /// A position in the file itself.
    pub(crate) fn new(line: usize, column: usize) -> Self {
        Self { line, column, outside: None }
    }

    /// A position in what came from outside to this one.
    pub(crate) fn within(self, inner: Self) -> Self {
        let within = Some((inner.line, inner.column));
        Self { outside: self.outside.map(|outside| Outside { within, ..outside }), ..self }
    }

    /// Whether what stands here came from outside, and so may be a secret.
    pub(crate) fn is_outside(self) -> bool {
        self.outside.is_some()
    }
}

/// A position in one of the application's files. Prints as `configuration/routes.json:3:5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Relative to the application folder.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Whether a problem stops the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The host does not start.
    Error,
    /// The host starts, but something written has no effect, or something is not safe.
    Warning,
}

/// One thing that is wrong, with the way out. Prints as `configuration/config.json:12:5: <what>; <mend>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops the start.
    pub severity: Severity,
    /// Relative to the application folder.
    pub file: PathBuf,
    /// Line from 1, if it is known.
    pub line: Option<usize>,
    /// Column in characters from 1, if it is known.
    pub column: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

impl Problem {
    /// An error of a whole file, without a position.
    pub fn in_file(file: &Path, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            line: None,
            column: None,
            what: what.into(),
            mend: mend.into(),
        }
    }

    /// An error at a known place.
    pub fn at(place: &Place, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { line: Some(place.line), column: Some(place.column), ..Self::in_file(&place.file, what, mend) }
    }

    /// Something at a known place that has no effect.
    pub fn warning_at(place: &Place, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::at(place, what, mend) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(formatter, ":{column}")?;
        }
        write!(formatter, ": {}; {}", self.what, self.mend)
    }
}

/// All the errors that stop a start, in the order of the files. Prints one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            problem.fmt(formatter)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Which hosts need a value. A host that does without it starts without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Needed {
    /// All of them.
    Everywhere,
    /// The host of this name.
    By(HostName),
    /// Hosts with links to this service.
    ByCallersOf(ServiceName),
}

/// A source of values, and why it gives none.
#[derive(Debug)]
struct Source {
    /// None: not even its name could be read.
    name: Option<outside::Source>,
    failure: Option<Failure>,
}

/// Gathers the problems of one file.
#[derive(Debug)]
pub(crate) struct Report {
    file: PathBuf,
    problems: Vec<(Problem, Needed)>,
    sources: Vec<Source>,
    /// Who needs what is read now.
    pub needed: Needed,
}

/// Words that stand in the program itself are borrowed; whatever else there may be in words, is owned.
pub(crate) type Words = Cow<'static, str>;

impl Report {
    pub(crate) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), problems: Vec::new(), sources: Vec::new(), needed: Needed::Everywhere }
    }

    /// What stands here came from outside, or should have.
    pub(crate) fn mark_outside(&mut self, at: Spot, name: Option<outside::Source>, failure: Option<Failure>) -> Spot {
        self.sources.push(Source { name, failure });
        Spot { outside: Some(Outside { source: self.sources.len() - 1, within: None }), ..at }
    }

    /// Where a value from outside came from: the source, and the place in it if it is not the whole.
    pub(crate) fn origin(&self, at: Spot) -> Option<String> {
        let outside = at.outside?;
        let source = self.sources.get(outside.source)?.name.as_ref()?;
        Some(match outside.within {
            Some((line, column)) => format!("line {line}, column {column} of {source}"),
            None => source.to_string(),
        })
    }

    pub(crate) fn error(&mut self, at: Option<Spot>, what: impl Into<Words>, mend: impl Into<Words>) {
        self.add(Severity::Error, at, what.into(), mend.into());
    }

    pub(crate) fn warning(&mut self, at: Option<Spot>, what: impl Into<Words>, mend: impl Into<Words>) {
        self.add(Severity::Warning, at, what.into(), mend.into());
    }

    /// A value from outside that is not what its key wants. `expected` never holds anything of it.
    pub(crate) fn unfit(&mut self, at: Spot, expected: &str) {
        let what = format!("{} is not {expected}", self.value(at));
        self.put(Severity::Error, Some(at), what, CORRECT.to_owned());
    }

    pub(crate) fn place(&self, at: Spot) -> Place {
        Place { file: self.file.clone(), line: at.line, column: at.column }
    }

    /// The problems in the order of the file.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.into_needed(|_| true)
    }

    /// The problems that hosts have who need these values, in the order of the file.
    pub(crate) fn into_needed(self, is_needed: impl Fn(&Needed) -> bool) -> Vec<Problem> {
        let needed = self.problems.into_iter().filter(|(_, needed)| is_needed(needed));
        let mut problems: Vec<Problem> = needed.map(|(problem, _)| problem).collect();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }

    /// A value from outside may be a secret, whatever its key is: words made from it are replaced.
    fn add(&mut self, severity: Severity, at: Option<Spot>, what: Words, mend: Words) {
        let Some(spot) = at.filter(|spot| spot.is_outside()) else {
            return self.put(severity, at, what.into_owned(), mend.into_owned());
        };
        let what = match (what, severity) {
            (Cow::Borrowed(what), _) => match self.origin(spot) {
                Some(origin) => format!("{what} (from {origin})"),
                None => what.to_owned(),
            },
            (Cow::Owned(_), Severity::Error) => format!("{} cannot be used here", self.value(spot)),
            (Cow::Owned(_), Severity::Warning) => format!("{} has no effect here", self.value(spot)),
        };
        let mend = match mend {
            Cow::Borrowed(mend) => mend,
            Cow::Owned(_) => CORRECT,
        };
        self.put(severity, at, what, mend.to_owned());
    }

    /// What to call a value from outside.
    fn value(&self, at: Spot) -> String {
        let source = at.outside.and_then(|outside| self.sources.get(outside.source));
        let name = source.and_then(|source| source.name.as_ref());
        match (at.outside.and_then(|outside| outside.within), name) {
            (Some((line, column)), Some(name)) => format!("what stands at line {line}, column {column} of {name}"),
            (None, Some(outside::Source::Variable(_))) => {
                format!("the value of {}", self.origin(at).unwrap_or_default())
            }
            (None, Some(outside::Source::File(_))) => format!("the content of {}", self.origin(at).unwrap_or_default()),
            (_, None) => "this reference".to_owned(),
        }
    }

    fn put(&mut self, severity: Severity, at: Option<Spot>, what: String, mend: String) {
        let outside = at.and_then(|spot| spot.outside);
        let failure = outside.and_then(|outside| self.sources.get(outside.source)?.failure.as_ref());
        // Without the value, nothing else that is said of it is true.
        let (severity, what, mend) = match failure {
            Some(failure) => (Severity::Error, failure.what.clone(), failure.mend.to_owned()),
            None => (severity, what, mend),
        };
        let problem = Problem {
            severity,
            file: self.file.clone(),
            line: at.map(|spot| spot.line),
            column: at.map(|spot| spot.column),
            what,
            mend,
        };
        let needed = if outside.is_some() { self.needed.clone() } else { Needed::Everywhere };
        let finding = (problem, needed);
        if outside.is_none() || !self.problems.contains(&finding) {
            self.problems.push(finding);
        }
    }
}

const CORRECT: &str = "correct it there, or write the value here";
