//! Reads JSON and says in plain words what is wrong with it.
//! In come bytes and what they are called, out goes a value or a sentence with line and column.
//! It never shows the bytes themselves: they may hold secrets.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// Reads bytes that the sentence calls `subject`.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], subject: &str) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("at line {}, column {}", error.line(), error.column());
        let reason = reason(&error);
        match error.classify() {
            Category::Data => format!("{subject} is JSON, but not what is wanted here, {place}: {reason}"),
            Category::Eof => format!("{subject} is not valid JSON {place}: it ends too early"),
            Category::Syntax | Category::Io => format!("{subject} is not valid JSON {place}: {reason}"),
        }
    })
}

/// serde's words without the place that it adds at their end.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn says_what_and_where() {
        assert_eq!(
            read::<Value>(b"[1 2]", "It").unwrap_err(),
            "It is not valid JSON at line 1, column 4: expected `,` or `]`"
        );
        assert_eq!(
            read::<Value>(b"[1,", "It").unwrap_err(),
            "It is not valid JSON at line 1, column 3: it ends too early"
        );
        assert_eq!(
            read::<Vec<u8>>(b"[300]", "It").unwrap_err(),
            "It is JSON, but not what is wanted here, at line 1, column 4: invalid value: integer `300`, expected u8"
        );
    }
}
