//! Sums are those of decimals, and one number has one shortest text.
//! In come numbers in all ways of writing; out goes what they are together.
//! What cannot be exact is as near as floating-point numbers are.

use super::memory_store;
use crate::number::{shortest, sum};
use crate::{Connection, Node, Trouble};
use proptest::prelude::*;
use std::cmp::Ordering;

/// So many hundredths, in one of the ways to write them.
fn hundredths(count: i64, way: u8) -> String {
    let (sign, amount) = (if count < 0 { "-" } else { "" }, count.unsigned_abs());
    match way {
        0 => format!("{count}e-2"),
        1 => format!("{count}.0E-2"),
        2 => format!("{sign}{}.{:02}000", amount / 100, amount % 100),
        _ => format!("{sign}{}.{:02}", amount / 100, amount % 100),
    }
}

fn is_same(left: &str, right: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().unwrap();
    number(left).partial_cmp(&number(right)) == Some(Ordering::Equal)
}

proptest! {
    #[test]
    fn sums_of_hundredths_are_exact(left: i32, right: i32, ways in (0..4_u8, 0..4_u8)) {
        let (left, right) = (i64::from(left), i64::from(right));
        let added = sum(&hundredths(left, ways.0), &hundredths(right, ways.1)).unwrap();
        prop_assert_eq!(&added, &shortest(&hundredths(left + right, 3)));
        prop_assert!(!added.contains('.') || !added.ends_with('0'));
        prop_assert!(is_same(&added, &hundredths(left + right, 0)));
    }

    #[test]
    fn the_shortest_text_is_that_number(number in "-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,12})?([eE][-+]?[0-9]{1,2})?") {
        let text = shortest(&number);
        prop_assert!(is_same(&text, &number), "{}", text);
        prop_assert_eq!(shortest(&text), text.clone());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap().is_number());
    }
}

#[test]
fn sums() {
    let cases = [
        ("0.1", "0.2", "0.3"),
        ("1", "-1", "0"),
        ("-0.0", "0", "0"),
        ("0", "1e-400", "1e-400"),
        ("1e3", "1", "1001"),
        ("-0.5", "0.25", "-0.25"),
        ("9223372036854775807", "1", "9223372036854775808"),
        ("12345678901234567890123", "1", "12345678901234567890124"),
        ("1e30", "1e-5", "1000000000000000000000000000000.00001"),
        ("1e300", "1", "1e+300"),
        ("1e-300", "1e-300", "2e-300"),
        ("100000000000000000000000000000000000000000", "1", "1e+41"),
    ];
    for (left, right, expected) in cases {
        assert_eq!(sum(left, right).unwrap(), expected, "{left} + {right}");
        assert_eq!(sum(right, left).unwrap(), expected, "{right} + {left}");
    }
    assert_eq!(sum("1e400", "1"), None);
    assert_eq!(sum("1.7e308", "1.7e308"), None);
    assert_eq!(sum("\"1\"", "1"), None);
    assert_eq!(sum("1e99999999999", "1"), None);
    assert_eq!(sum("1e-2147483648", "0.1"), Some("0.1".to_owned()));
}

#[test]
fn what_is_no_number_is_not_counted() {
    let mut connection = Connection::new(memory_store());
    let node = Node::new("d", ["x"]);
    let words = |result: Result<Vec<u8>, Trouble>| match result {
        Err(Trouble::Refused(words)) => words,
        other => panic!("{other:?}"),
    };
    assert_eq!(connection.increment(&node, b" 0.1 ").unwrap(), b"0.1");
    assert_eq!(connection.increment(&node, b"0.2").unwrap(), b"0.3");
    for by in [&b"\"1\""[..], b"null", b"+1", b"", b"[1]", b"1 1", b"0x1"] {
        words(connection.increment(&node, by));
    }
    assert_eq!(connection.get(&node).unwrap().unwrap(), b"0.3");
    connection.set(&node, b"\"many\"").unwrap();
    assert_eq!(words(connection.increment(&node, b"1")), r#"the value of d("x") is "many", which is no number"#);
    connection.set(&node, b"1e400").unwrap();
    assert!(words(connection.increment(&node, b"1")).contains("too large"));
}
