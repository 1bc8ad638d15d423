//! What is wrong with a configuration file, and where.
//! In come findings of the readers; out go lines that a person can act on.
//! Nothing here reads a file or decides what is right.

use std::fmt;
use std::path::{Path, PathBuf};

/// A position in a file; both numbers begin at 1 and the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
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

/// Gathers the problems of one file.
#[derive(Debug)]
pub(crate) struct Report {
    file: PathBuf,
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), problems: Vec::new() }
    }

    pub(crate) fn error(&mut self, at: Option<Spot>, what: impl Into<String>, mend: impl Into<String>) {
        self.add(Severity::Error, at, what.into(), mend.into());
    }

    pub(crate) fn warning(&mut self, at: Option<Spot>, what: impl Into<String>, mend: impl Into<String>) {
        self.add(Severity::Warning, at, what.into(), mend.into());
    }

    pub(crate) fn place(&self, at: Spot) -> Place {
        Place { file: self.file.clone(), line: at.line, column: at.column }
    }

    /// The problems in the order of the file.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems
    }

    fn add(&mut self, severity: Severity, at: Option<Spot>, what: String, mend: String) {
        self.problems.push(Problem {
            severity,
            file: self.file.clone(),
            line: at.map(|spot| spot.line),
            column: at.map(|spot| spot.column),
            what,
            mend,
        });
    }
}
