//! The `uri` of a route as its parts.
//! In comes the text of routes.json; out go literals, variables and optional groups, or what is wrong with the text.
//! No path is compared here: the router does that.

/// One part of a route's `uri`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that a path must have here, as written (it may hold percent escapes).
    Literal(String),
    /// `:name`: one or more characters except `/`.
    One(String),
    /// `*name`: any characters, also `/`, also none.
    Rest(String),
    /// `(…)`: may be left out as a whole.
    Optional(Vec<Part>),
}

/// What is wrong with a `uri`, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadUri {
    pub what: String,
    pub mend: String,
}

fn bad<T>(what: impl Into<String>, mend: impl Into<String>) -> Result<T, BadUri> {
    Err(BadUri { what: what.into(), mend: mend.into() })
}

/// Optional groups within each other at most: nobody reads more, and the reading is recursive.
const DEEPEST: usize = 16;

/// Reads a `uri`.
pub(crate) fn parse(uri: &str) -> Result<Vec<Part>, BadUri> {
    if !uri.starts_with('/') {
        return bad("the uri must begin with /", format!("write \"/{uri}\""));
    }
    if let Some(letter) = uri.chars().find(|letter| matches!(letter, '?' | '#')) {
        return bad(format!("a uri cannot hold {letter:?}"), "leave the query out: handlers get it with every request");
    }
    let mut reader = Reader { letters: uri.chars().collect::<Vec<_>>().into_iter().peekable(), names: Vec::new() };
    reader.parts(0)
}

/// Whether every path of these parts has this variable, as one segment or a part of it.
pub(crate) fn has_variable(parts: &[Part], name: &str) -> bool {
    parts.iter().any(|part| matches!(part, Part::One(own) if own == name))
}

/// The names of all variables.
pub(crate) fn names(parts: &[Part]) -> Vec<&str> {
    let mut found = Vec::new();
    for part in parts {
        match part {
            Part::Literal(_) => {}
            Part::One(name) | Part::Rest(name) => found.push(name.as_str()),
            Part::Optional(inner) => found.extend(names(inner)),
        }
    }
    found
}

struct Reader {
    letters: std::iter::Peekable<std::vec::IntoIter<char>>,
    names: Vec<String>,
}

impl Reader {
    fn parts(&mut self, depth: usize) -> Result<Vec<Part>, BadUri> {
        let mut parts = Vec::new();
        while let Some(letter) = self.letters.next() {
            match letter {
                '(' if depth == DEEPEST => {
                    return bad("too many ( within each other", "write several routes instead");
                }
                '(' => parts.push(Part::Optional(self.parts(depth + 1)?)),
                ')' if depth == 0 => return bad("a ) has no ( before it", "remove it, or add the ("),
                ')' => return Ok(parts),
                ':' => parts.push(Part::One(self.name(':')?)),
                '*' => parts.push(Part::Rest(self.name('*')?)),
                letter => parts.push(Part::Literal(self.literal(letter)?)),
            }
        }
        if depth > 0 {
            return bad("a ( is not closed", "add the missing )");
        }
        Ok(parts)
    }

    fn name(&mut self, mark: char) -> Result<String, BadUri> {
        let mut name = String::new();
        while let Some(letter) = self.letters.next_if(|letter| letter.is_ascii_alphanumeric() || *letter == '_') {
            name.push(letter);
        }
        if name.is_empty() {
            return bad(format!("a {mark} has no name behind it"), format!("write a name such as {mark}id"));
        }
        if self.names.contains(&name) {
            return bad(format!("the variable {name:?} comes twice"), "give each variable its own name");
        }
        self.names.push(name.clone());
        Ok(name)
    }

    fn literal(&mut self, first: char) -> Result<String, BadUri> {
        let mut text = String::from(first);
        while let Some(letter) = self.letters.next_if(|letter| !matches!(letter, '(' | ')' | ':' | '*')) {
            text.push(letter);
        }
        let valid = percent_encoding::percent_decode_str(&text).decode_utf8().is_ok();
        let escapes = text.split('%').skip(1);
        let complete = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        if !valid || !escapes.into_iter().all(complete) {
            return bad(format!("{text:?} holds a broken % escape"), "write %25 for the sign % itself");
        }
        Ok(text)
    }
}
