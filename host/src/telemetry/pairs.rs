//! Lists such as `name=value,other=value` in variables of the environment, with `%` and two digits for what may not stand in them.
//! In comes the text; out go the pairs, decoded, or what to mend.
//! It never shows a value: it may be a secret.

use percent_encoding::percent_decode_str;

/// The attributes of a host.
pub(super) fn attributes(variable: &str, text: &str) -> Result<Vec<(String, String)>, String> {
    read(text).ok_or_else(|| {
        format!("{variable} must be pairs such as place=cellar,team=blue, with % and two digits for a comma, an equals sign or a % in a value; mend it")
    })
}

/// Whether these are headers. The library sends them, and passes over what is none.
pub(super) fn check_headers(variable: &str, text: &str) -> Result<(), String> {
    let is_header = |(name, value): &(String, String)| {
        name.bytes().all(is_of_a_name) && !value.is_empty() && !value.contains(|c: char| c.is_control())
    };
    let are_headers = read(text).is_some_and(|pairs| pairs.iter().all(is_header));
    are_headers.then_some(()).ok_or_else(|| {
        format!("{variable} must be headers such as api-key=…,x-team=blue, with % and two digits for a comma or a % in a value; mend it")
    })
}

/// What names of headers are made of (RFC 9110, 5.6.2).
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn read(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=')?;
            let name = name.trim();
            (!name.is_empty()).then_some((name.to_owned(), decoded(value.trim())?))
        })
        .collect()
}

fn decoded(value: &str) -> Option<String> {
    let is_escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let are_escapes = value.split('%').skip(1).all(is_escape);
    are_escapes.then(|| percent_decode_str(value).decode_utf8().ok())?.map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_anything_else_is_refused() {
        let good = attributes("A", " place = cellar%20%C3%B6%2C%3d ,, b=,c=x=y").unwrap();
        let pairs: Vec<(&str, &str)> = good.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("place", "cellar \u{f6},="), ("b", ""), ("c", "x=y")]);
        for bad in ["place", "a=1,b", "=1", "a=%", "a=%4", "a=%4g", "a=%ff"] {
            let words = attributes("A", bad).unwrap_err();
            assert!(words.starts_with("A must be pairs such as"), "{words}");
        }
        assert_eq!(check_headers("H", "api-key=a%2Cb,x=y"), Ok(()));
        for bad in ["api-key", "a b=1", "a=", "a=%0a"] {
            assert!(check_headers("H", bad).unwrap_err().starts_with("H must be headers such as"), "{bad}");
        }
    }
}
