//! Pages of children: every choice of names, in both directions, in one page or in many.
//! In come random names and a random choice; out go exactly the names that were chosen, each once, in order.
//! Names are sorted here by the order of `keys`, which knows no bytes.

use super::keys::{name, order};
use super::memory_store;
use crate::{Connection, Node, Selection};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A document whose children have these names: each has a value, children, or both.
fn document(names: &BTreeSet<String>) -> Connection {
    let mut connection = Connection::new(memory_store());
    connection.begin().unwrap();
    for (at, name) in names.iter().enumerate() {
        if at % 3 != 0 {
            connection.set(&Node::new("d", [name]), b"1").unwrap();
        }
        for below in ["-1", "1", "x"].iter().take(if at % 3 == 1 { 0 } else { at % 4 + 1 }) {
            connection.set(&Node::new("d", [name, *below, "y"]), b"2").unwrap();
        }
    }
    connection.commit().unwrap();
    connection
}

fn chosen(names: &BTreeSet<String>, selection: &Selection) -> Vec<String> {
    let is = |bound: &Option<String>, name: &str, wanted: &[Ordering]| {
        bound.as_ref().is_none_or(|bound| wanted.contains(&order(name, bound)))
    };
    let behind = if selection.reverse { Ordering::Less } else { Ordering::Greater };
    let is_chosen = |name: &&String| {
        is(&selection.from, name, &[Ordering::Equal, Ordering::Greater])
            && is(&selection.to, name, &[Ordering::Equal, Ordering::Less])
            && is(&selection.after, name, &[behind])
            && selection.prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
    };
    let mut chosen: Vec<String> = names.iter().filter(is_chosen).cloned().collect();
    chosen.sort_by(|left, right| order(left, right));
    if selection.reverse {
        chosen.reverse();
    }
    chosen
}

/// Goes from page to page, each behind the last name of the one before.
fn all_pages(connection: &mut Connection, mut selection: Selection) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let page = connection.children(Some(&Node::new("d", [""; 0])), &selection).unwrap();
        assert!(page.children.len() <= selection.limit);
        names.extend(page.children.into_iter().map(|child| child.name));
        assert!(names.len() < 100, "some come again and again");
        if !page.more {
            return names;
        }
        selection.after = names.last().cloned();
    }
}

/// The beginning of a name, often.
fn prefix(names: &[String], at: Index, length: usize) -> String {
    at.get(names).chars().take(length).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn exactly_the_chosen_names_come_once_and_in_order(
        names in btree_set(name(), 1..20),
        prefixed in option::weighted(0.7, (any::<Index>(), prop_oneof![3 => 0..4_usize, 1 => 40..64_usize])),
        bounds in vec(option::weighted(0.3, name()), 3),
        reverse in any::<bool>(),
        limit in 1..6_usize,
    ) {
        let listed: Vec<String> = names.iter().cloned().collect();
        let prefix = prefixed.map(|(at, length)| prefix(&listed, at, length));
        let [from, to, after] = bounds.try_into().unwrap();
        let selection = Selection { from, to, prefix, after, reverse, limit, values: true };
        let mut connection = document(&names);
        let expected = chosen(&names, &selection);
        prop_assert_eq!(all_pages(&mut connection, selection.clone()), &expected[..]);
        let whole = Selection { limit: 1000, ..selection };
        prop_assert_eq!(all_pages(&mut connection, whole), expected);
    }

    #[test]
    fn numbers_with_a_prefix_are_found_wherever_they_stand(
        names in btree_set("-?[0-2]{1,4}(\\.[0-2]{1,3})?", 1..40),
        prefix in "-?[0-2]{0,2}\\.?[0-2]{0,2}",
        reverse in any::<bool>(),
    ) {
        let selection = Selection { prefix: Some(prefix), reverse, limit: 3, ..Selection::default() };
        prop_assert_eq!(all_pages(&mut document(&names), selection.clone()), chosen(&names, &selection));
    }
}

#[test]
fn a_prefix_does_not_stop_where_the_numbers_leave_it() {
    let names = ["1", "2", "10", "15", "1.5", "100", "21", "01", "1x", "-1"].map(str::to_owned).into();
    let mut connection = document(&names);
    let find = |connection: &mut Connection, prefix: &str, reverse| {
        let prefix = Some(prefix.to_owned());
        all_pages(connection, Selection { prefix, reverse, limit: 2, ..Selection::default() }).join(" ")
    };
    assert_eq!(find(&mut connection, "1", false), "1 1.5 10 15 100 1x");
    assert_eq!(find(&mut connection, "1", true), "1x 100 15 10 1.5 1");
    assert_eq!(find(&mut connection, "-", false), "-1");
    assert_eq!(find(&mut connection, "0", false), "01");
    assert_eq!(find(&mut connection, "3", false), "");
}

#[test]
fn a_bound_need_not_exist_and_may_be_of_the_other_kind() {
    let names = ["1", "2", "10", "a", "b"].map(str::to_owned).into();
    let mut connection = document(&names);
    let mut find = |from: Option<&str>, to: Option<&str>| {
        let (from, to) = (from.map(str::to_owned), to.map(str::to_owned));
        all_pages(&mut connection, Selection { from, to, limit: 2, ..Selection::default() }).join(" ")
    };
    assert_eq!(find(Some("1.5"), Some("9")), "2");
    assert_eq!(find(Some("3"), Some("a")), "10 a");
    assert_eq!(find(Some("9"), Some("1")), "");
    assert_eq!(find(None, Some("5")), "1 2");
    assert_eq!(find(Some("aa"), None), "b");
    let empty = Selection { from: Some(String::new()), limit: 1, ..Selection::default() };
    assert!(connection.children(None, &empty).is_err());
}
