//! Paths that nobody would ask for.
//! In come paths of the corpus, changed at random; what is decoded has to be what a plain decoder makes of it.
//! No route is needed for that.

use super::path::{ENCODED_SLASH, decoded, text};
use crate::fuzz;
use crate::request::{message_of, message_path};
use percent_encoding::percent_decode_str;

/// Whether each `%` is followed by two hexadecimal digits.
fn is_well_escaped(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

#[test]
fn a_path_is_decoded_as_by_any_decoder_or_refused() {
    fuzz::run("path", |input| {
        let Ok(path) = std::str::from_utf8(input) else { return };
        let plain = percent_decode_str(path).decode_utf8();
        match decoded(path) {
            Some(bytes) => {
                assert!(is_well_escaped(path), "a broken escape was taken");
                assert_eq!(text(&bytes), plain.unwrap());
                let slashes = bytes.split(|byte| *byte == ENCODED_SLASH).count() - 1;
                assert_eq!(slashes, path.to_ascii_lowercase().matches("%2f").count() - masked_slashes(path));
            }
            None => assert!(!is_well_escaped(path) || plain.is_err(), "a sound path was refused"),
        }
    });
}

/// `%2f` behind another `%`, as in `%%2f`, is no escape of a slash; such a path is refused, so there are none.
fn masked_slashes(path: &str) -> usize {
    path.matches("%%").count()
}

#[test]
fn a_path_of_a_message_names_one_message() {
    fuzz::run("path", |input| {
        let Ok(path) = std::str::from_utf8(input) else { return };
        if let Some((application, kind)) = message_of(path) {
            let again = message_of(&message_path(&application, &kind));
            assert_eq!(again, Some((application, kind)));
        }
    });
}
