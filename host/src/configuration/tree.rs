//! A JSON file as written, each value with its place.
//! In comes the text of a file; out goes a located tree, or the place where the text stops being JSON.
//! Nothing here knows which keys a file may have.

use super::problem::{Problem, Report, Spot};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, ast};
use std::path::Path;

/// A value and where it begins.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub at: Spot,
    pub value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
    /// In place of `env:` and `file:`; nothing: the report knows why it could not be read.
    Reference(Option<Box<Reference>>),
}

/// What came from outside of the file. Which of the two is meant, the key decides.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// As it came, for a key that wants a text.
    pub content: String,
    /// The same as JSON; or the place where it stops being that, and why.
    pub json: Result<Node, String>,
}

impl Reference {
    /// Why it is no JSON, where it was to be: a plain text is none, and need not be.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.json.as_ref().err().filter(|_| self.content.trim_start().starts_with(['{', '['])).map(String::as_str)
    }
}

/// One key of an object with its value.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub name: String,
    pub at: Spot,
    pub node: Node,
}

impl Node {
    /// Makes each place within the node one within what came from outside.
    fn move_to(&mut self, at: Spot) {
        self.at = at.within(self.at);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.move_to(at)),
            Value::Object(members) => {
                for member in members {
                    member.at = at.within(member.at);
                    member.node.move_to(at);
                }
            }
            _ => {}
        }
    }

    /// What a person would call this value: for messages about a wrong type.
    pub(crate) fn described(&self) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Flag(flag) => flag.to_string(),
            Value::Number(number) => format!("the number {number}"),
            Value::Text(text) => format!("the text {:?}", text.chars().take(60).collect::<String>()),
            Value::List(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            Value::Reference(_) => "from elsewhere".to_owned(),
        }
    }

    /// The text that stands here.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Reference(Some(reference)) => Some(&reference.content),
            _ => None,
        }
    }

    /// What stands here as JSON.
    pub(crate) fn plain(&self) -> &Value {
        match &self.value {
            Value::Reference(Some(reference)) => reference.json.as_ref().map_or(&self.value, |json| &json.value),
            value => value,
        }
    }

    /// The place of something from outside: the node itself, or the first one within.
    pub(crate) fn outside(&self) -> Option<Spot> {
        match &self.value {
            _ if self.at.is_outside() => Some(self.at),
            Value::List(items) => items.iter().find_map(Self::outside),
            Value::Object(members) => members.iter().find_map(|member| member.node.outside()),
            _ => None,
        }
    }

    /// The places of references in the value that gave nothing.
    pub(crate) fn lost(&self) -> Vec<Spot> {
        match &self.value {
            Value::Reference(None) => vec![self.at],
            Value::List(items) => items.iter().flat_map(Self::lost).collect(),
            Value::Object(members) => members.iter().flat_map(|member| member.node.lost()).collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Flag(flag) => (*flag).into(),
            Value::Number(number) => number.clone().into(),
            Value::Text(text) => text.clone().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Object(members) => members_to_json(members).into(),
            Value::Reference(_) => self.text().into(),
        }
    }
}

/// The members as a JSON object, in the order of the file.
pub(crate) fn members_to_json(members: &[Member]) -> serde_json::Map<String, serde_json::Value> {
    members.iter().map(|member| (member.name.clone(), member.node.to_json())).collect()
}

/// Plain JSON: nothing that other JSON readers would refuse.
pub(crate) fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// Some editors put this mark before the text.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads the text of a file. `None` after a syntax error, which is then in the report.
pub(crate) fn parse(text: &str, report: &mut Report) -> Option<Node> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let lines = Lines::new(text);
    let parsed = match jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &strict()) {
        Ok(parsed) => parsed.value,
        Err(failure) => {
            syntax_error(&failure, &lines, report);
            return None;
        }
    };
    let Some(value) = parsed else {
        report.error(None, "the file is empty", "write the JSON that belongs here, or restore the file");
        return None;
    };
    // The parser forgives a few things (such as raw control characters in texts) that other programs would not.
    if let Err(failure) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        let spot = lines.spot_of_bytes(failure.line(), failure.column());
        report.error(Some(spot), format!("not valid JSON: {failure}"), "correct the text at this place");
        return None;
    }
    Some(located(value, &lines, report))
}

/// Reads what a reference at this place gave.
///
/// # Errors
/// Where it is no JSON, and why, without any of it: it may be a secret, or well be a plain text.
pub(crate) fn parse_outside(content: &str, at: Spot) -> Result<Node, String> {
    let fault = |line: usize, column: usize, why: &str| format!("line {line}, column {column}: {why}");
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
    if let Err(failure) = serde_json::from_str::<serde::de::IgnoredAny>(content) {
        // Its words are those of the grammar, with the place behind them.
        let words = failure.to_string();
        let why = words.split(" at line ").next().unwrap_or_default();
        return Err(fault(failure.line(), failure.column(), why));
    }
    let mut report = Report::new(Path::new(""));
    let parsed = parse(content, &mut report);
    match (parsed, report.into_problems().first()) {
        (Some(mut node), None) => {
            node.move_to(at);
            Ok(node)
        }
        (_, problem) => {
            let place = |number: fn(&Problem) -> Option<usize>| problem.and_then(number).unwrap_or(1);
            let why = "a key that was there before, or a number that is too large";
            Err(fault(place(|problem| problem.line), place(|problem| problem.column), why))
        }
    }
}

fn located(value: ast::Value<'_>, lines: &Lines<'_>, report: &mut Report) -> Node {
    let at = lines.spot(value.start());
    let value = match value {
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::BooleanLit(flag) => Value::Flag(flag.value),
        ast::Value::StringLit(text) => Value::Text(text.value.into_owned()),
        ast::Value::NumberLit(number) => number_of(number.value, at, report),
        ast::Value::Array(list) => {
            Value::List(list.elements.into_iter().map(|item| located(item, lines, report)).collect())
        }
        ast::Value::Object(object) => {
            let mut members: Vec<Member> = Vec::with_capacity(object.properties.len());
            for property in object.properties {
                let at = lines.spot(property.start());
                let name = property.name.into_string();
                let node = located(property.value, lines, report);
                if let Some(first) = members.iter().find(|member| member.name == name) {
                    let what = format!("the key {name:?} was already written on line {}", first.at.line);
                    report.error(Some(at), what, "remove one of the two");
                } else {
                    members.push(Member { name, at, node });
                }
            }
            Value::Object(members)
        }
    };
    Node { at, value }
}

fn number_of(text: &str, at: Spot, report: &mut Report) -> Value {
    if let Ok(number) = text.parse() {
        return Value::Number(number);
    }
    report.error(Some(at), format!("{text} is not a number that can be used"), "write a smaller number");
    Value::Null
}

fn syntax_error(failure: &ParseError, lines: &Lines<'_>, report: &mut Report) {
    // The parser's own lines end at other characters, too.
    let spot = lines.spot(failure.range().start());
    let (what, mend) = match failure.kind() {
        ParseErrorKind::ExpectedComma => ("expected a comma here".to_owned(), "put a comma between the two values"),
        ParseErrorKind::TrailingCommasNotAllowed => {
            ("no comma may follow the last value".to_owned(), "remove the comma")
        }
        ParseErrorKind::UnterminatedObject => {
            ("expected the closing } of the object that begins here".to_owned(), "add the missing }")
        }
        ParseErrorKind::UnterminatedArray => {
            ("expected the closing ] of the list that begins here".to_owned(), "add the missing ]")
        }
        ParseErrorKind::CommentsNotAllowed => ("comments are not JSON".to_owned(), "remove the comment"),
        ParseErrorKind::ExpectedStringObjectProperty => {
            ("expected a key in double quotes".to_owned(), "write the key as \"key\"")
        }
        ParseErrorKind::MultipleRootJsonValues => (
            "expected the end of the file after the first value".to_owned(),
            "remove what follows, or check the braces",
        ),
        kind => {
            let text = kind.to_string();
            let mut letters = text.chars();
            let first = letters.next().map(|letter| letter.to_ascii_lowercase());
            (first.into_iter().chain(letters).collect(), "correct the text at this place")
        }
    };
    report.error(Some(spot), format!("not valid JSON: {what}"), mend);
}

/// Finds the line and the column of a byte of the text.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1);
        Self { text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    fn spot(&self, offset: usize) -> Spot {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        Spot::new(line, before.chars().count() + 1)
    }

    /// The place whose column was counted in bytes.
    fn spot_of_bytes(&self, line: usize, column: usize) -> Spot {
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or(0);
        self.spot(start + column.saturating_sub(1))
    }
}
