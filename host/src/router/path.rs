//! A request's path in the form that patterns compare.
//! In comes a percent-encoded path; out go decoded bytes in which an encoded slash is still told from a real one.
//! Nothing here knows a route.

use std::borrow::Cow;

/// Stands for an encoded slash. No UTF-8 text has this byte.
pub(super) const ENCODED_SLASH: u8 = 0xff;

/// Bytes from here on never occur in UTF-8, so they can stand for something else.
const FIRST_UNUSED: u8 = 0xf8;

/// Decodes a path. `None` if an escape is broken or the result is not UTF-8.
pub(super) fn decoded(path: &str) -> Option<Cow<'_, [u8]>> {
    if !path.contains('%') {
        return Some(Cow::Borrowed(path.as_bytes()));
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        match hexadecimal(bytes.next()?)? * 16 + hexadecimal(bytes.next()?)? {
            b'/' => decoded.push(ENCODED_SLASH),
            FIRST_UNUSED.. => return None,
            byte => decoded.push(byte),
        }
    }
    let valid = decoded.split(|byte| *byte == ENCODED_SLASH).all(|part| std::str::from_utf8(part).is_ok());
    valid.then_some(Cow::Owned(decoded))
}

/// The text of a part of a decoded path.
pub(super) fn text(part: &[u8]) -> String {
    let bytes = part.iter().map(|byte| if *byte == ENCODED_SLASH { b'/' } else { *byte }).collect();
    // Parts are cut between characters only, so nothing is ever replaced here.
    String::from_utf8(bytes).unwrap_or_else(|failure| String::from_utf8_lossy(failure.as_bytes()).into_owned())
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
