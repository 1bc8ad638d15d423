//! A line of the log as one flat JSON object.
//! In come names and values; out go members of the object, after those that it has already.
//! Names are written in the code: they have nothing to escape.

use std::fmt::{Display, Write as _};

/// A number or a truth value.
pub(super) fn plain(line: &mut String, name: &str, value: &dyn Display) {
    member(line, name);
    // Writing into memory never fails.
    let _ = write!(line, "{value}");
}

/// A text.
pub(super) fn text(line: &mut String, name: &str, text: &str) {
    member(line, name);
    line.push('"');
    escaped(line, text);
    line.push('"');
}

fn member(line: &mut String, name: &str) {
    line.push_str(",\"");
    line.push_str(name);
    line.push_str("\":");
}

/// Writes what may stand in a JSON string (RFC 8259, 7).
fn escaped(line: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        let (plain, special) = rest.split_at(at);
        line.push_str(plain);
        let mut special = special.chars();
        let _ = match special.next() {
            Some('\n') => line.write_str("\\n"),
            Some('\t') => line.write_str("\\t"),
            Some(c @ ('"' | '\\')) => write!(line, "\\{c}"),
            Some(c) => write!(line, "\\u{:04x}", u32::from(c)),
            None => Ok(()),
        };
        rest = special.as_str();
    }
    line.push_str(rest);
}
