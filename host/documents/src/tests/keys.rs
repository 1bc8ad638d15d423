//! Keys sort as names do, and are read back as what they were.
//! In come names that lie close together; out goes whether bytes and an exact order of decimals agree.
//! The order here is computed from the text of the names alone.

use crate::key::{self, Node};
use crate::limits::{DIGITS, KEY_BYTES, SUBSCRIPTS};
use crate::trouble::Trouble;
use proptest::collection::vec;
use proptest::prelude::*;
use std::cmp::Ordering;

/// A number's sign, and its digits before and behind the point.
fn number(name: &str) -> Option<(bool, &str, &str)> {
    let negative = name.starts_with('-');
    let amount = if negative { &name[1..] } else { name };
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |text: &str| text.chars().all(|character| character.is_ascii_digit());
    let is_number = digits(whole)
        && digits(fraction)
        && !whole.is_empty()
        && (whole == "0" || !whole.starts_with('0'))
        && !fraction.ends_with('0')
        && !amount.ends_with('.')
        && name != "-0"
        && amount.len() <= DIGITS;
    is_number.then_some((negative, whole, fraction))
}

/// The order of two names.
pub(super) fn order(left: &str, right: &str) -> Ordering {
    match (number(left), number(right)) {
        (Some(left), Some(right)) => {
            let amount = |number: (bool, &str, &str)| (number.1.len(), number.1.to_owned(), number.2.to_owned());
            match (left.0, right.0) {
                (false, false) => amount(left).cmp(&amount(right)),
                (true, true) => amount(right).cmp(&amount(left)),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
            }
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.as_bytes().cmp(right.as_bytes()),
    }
}

/// Names of all kinds: numbers, what looks like one, long ones, and texts with odd characters.
pub(super) fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{0,2}[1-9])?",
        2 => "[-+]?[0-2]{1,3}\\.?[0-2]{0,3}",
        1 => "-?[1-9][0-9]{50,62}(\\.[0-9]{0,3}[1-9])?",
        1 => "-?0\\.0{40,58}[1-9]",
        2 => "[ab\u{0}\u{1}\u{2}\u{7f}é]{1,4}",
        1 => any::<String>().prop_filter("names are not empty", |name| !name.is_empty()),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    (name(), vec(name(), 0..4)).prop_map(|(document, subscripts)| Node { document, subscripts })
}

fn names(node: &Node) -> Vec<&String> {
    std::iter::once(&node.document).chain(&node.subscripts).collect()
}

fn order_of_nodes(left: &Node, right: &Node) -> Ordering {
    let (left, right) = (names(left), names(right));
    let different = left.iter().zip(&right).map(|(left, right)| order(left, right)).find(|order| order.is_ne());
    different.unwrap_or(left.len().cmp(&right.len()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn keys_sort_as_nodes_do(left in node(), right in node(), shared in 0..4_usize) {
        // Most pairs begin alike, so that the later names decide.
        let mut right = right;
        if shared > 0 {
            right.document.clone_from(&left.document);
            right.subscripts.splice(0..0, left.subscripts.iter().take(shared - 1).cloned());
        }
        let (left_key, right_key) = (left.key().unwrap(), right.key().unwrap());
        prop_assert_eq!(left_key.cmp(&right_key), order_of_nodes(&left, &right), "{} {}", left, right);

        // Exactly what lies below a node begins with its key, and it lies right behind it.
        let is_below = names(&right).starts_with(&names(&left));
        prop_assert_eq!(right_key.starts_with(&left_key), is_below, "{} {}", left, right);
        prop_assert_eq!(left_key <= right_key && right_key < key::behind(&left_key), is_below, "{} {}", left, right);
    }

    #[test]
    fn a_node_is_read_back_from_its_key(node in node()) {
        prop_assert_eq!(Node::of(&node.key().unwrap()), Some(node));
    }

    #[test]
    fn bytes_that_are_no_key_are_no_harm(bytes in vec(prop_oneof![0..4_u8, 0x10..0x31_u8, any::<u8>()], 0..12)) {
        let mut key = key::root();
        key.extend(&bytes);
        if let Some(node) = Node::of(&key) {
            prop_assert_eq!(node.key().unwrap(), key);
        }
        prop_assert!(Node::of(&bytes).is_none() || bytes.first() == Some(&key::NODES));
    }
}

#[test]
fn only_the_shortest_form_of_a_number_is_one() {
    let is_number = |name: &str| key::child(&[], name)[0] != key::TEXT;
    let longest = "1".repeat(DIGITS);
    for number in ["0", "-7", "1.5", "10", "-0.5", "0.05", "123456789012345678901234567890", &longest] {
        assert!(is_number(number), "{number}");
    }
    let too_long = "1".repeat(DIGITS + 1);
    let texts = [
        "01", "1.0", "-0", "+1", "1e3", ".5", "1.", "", " 1", "1 ", "-", "--1", "1.5.2", "0x1", "-.5", "1.50", "00",
        "-00", "٣", "1,5", "Infinity", "NaN", "\u{0}1", "1\u{0}", "-0.0", "0.0", &too_long,
    ];
    for text in texts {
        assert!(!is_number(text), "{text}");
    }
}

#[test]
fn names_in_order() {
    let names = [
        "-1000",
        "-11",
        "-10.5",
        "-10",
        "-9",
        "-1.5",
        "-1",
        "-0.5",
        "-0.05",
        "0",
        "0.05",
        "0.5",
        "1",
        "1.05",
        "1.5",
        "2",
        "9",
        "10",
        "10.5",
        "11",
        "99",
        "100",
        "1000",
        "\u{0}",
        "\u{1}",
        " 1",
        "+1",
        "-0",
        "01",
        "1.0",
        "10th",
        "A",
        "Graham",
        "a",
        "a\u{0}",
        "a\u{0}\u{0}",
        "a\u{0}b",
        "a\u{1}",
        "a\u{2}",
        "aa",
        "alan",
        "b",
        "é",
        "\u{10ffff}",
    ];
    for pair in names.windows(2) {
        assert!(key::child(&[], pair[0]) < key::child(&[], pair[1]), "{pair:?}");
        assert_eq!(order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
    }
}

#[test]
fn too_much_of_a_node_is_refused_with_words() {
    let refused = |node: Node| match node.key() {
        Err(Trouble::Refused(words)) => words,
        other => panic!("{other:?}"),
    };
    let long = |length: usize| Node::new("d", ["x".repeat(length)]);
    // The first byte, the document with two bytes around it, and two around the subscript.
    let most = KEY_BYTES - 1 - 3 - 2;
    assert_eq!(long(most).key().unwrap().len(), KEY_BYTES);
    assert!(refused(long(most + 1)).contains("1019 bytes together, and these have 1020"));
    assert!(Node::new("d", vec!["0"; SUBSCRIPTS]).key().is_ok());
    assert!(refused(Node::new("d", vec!["0"; SUBSCRIPTS + 1])).contains("100 subscripts, and this one has 101"));
    assert!(refused(Node::new("d", ["a", ""])).contains(r#"d("a", "") is empty"#));
    assert!(refused(Node::new("", ["a"])).contains("at least one character"));
}

#[test]
fn a_node_is_shown_as_people_write_it() {
    assert_eq!(
        Node::new("patients", ["7", "address", "01", "a\"b"]).to_string(),
        r#"patients(7, "address", "01", "a\"b")"#
    );
    assert_eq!(Node::new("patients", [""; 0]).to_string(), "patients");
}
