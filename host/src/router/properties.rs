//! What holds for every pattern and every path.
//! In come random patterns and paths; out goes nothing but a counterexample.
//! The naive comparison here is slow on purpose: it is easy to believe.

use super::table_tests::table;
use super::{NoRoute, Table};
use crate::configuration::Part;
use crate::request::Kind;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// The variables that took part, or `None`. Characters of the path, an encoded slash as `None`.
fn naive(parts: &[Part], path: &[Option<char>]) -> Option<Vec<(String, String)>> {
    let Some((part, later)) = parts.split_first() else {
        return path.is_empty().then(Vec::new);
    };
    let text = |end: usize| path[..end].iter().map(|letter| letter.unwrap_or('/')).collect::<String>();
    let with = |name: &String, end: usize| {
        let mut variables = naive(later, &path[end..])?;
        variables.insert(0, (name.clone(), text(end)));
        Some(variables)
    };
    match part {
        Part::Literal(literal) => {
            let wanted: Vec<Option<char>> = literal.chars().map(Some).collect();
            path.strip_prefix(wanted.as_slice()).and_then(|left| naive(later, left))
        }
        Part::One(name) => {
            let most = path.iter().position(|letter| *letter == Some('/')).unwrap_or(path.len());
            (1..=most).rev().find_map(|end| with(name, end))
        }
        Part::Rest(name) => (0..=path.len()).find_map(|end| with(name, end)),
        Part::Optional(inner) => naive(&[inner, later].concat(), path).or_else(|| naive(later, path)),
    }
}

fn expected(parts: &[Part], path: &str) -> Option<Vec<(String, String)>> {
    let mut letters = Vec::new();
    let mut left = path.chars();
    while let Some(letter) = left.next() {
        // The paths of these tests hold no other escape.
        if letter == '%' {
            left.nth(1);
        }
        letters.push((letter != '%').then_some(letter));
    }
    naive(parts, &letters).or_else(|| match letters.split_last() {
        Some((Some('/'), shorter)) => naive(parts, shorter),
        _ => None,
    })
}

fn found(table: &Table, path: &str) -> Option<Vec<(String, String)>> {
    match table.decide(Kind::Rest, "GET", path) {
        Ok(decision) => Some(decision.variables),
        Err(NoRoute::UnknownPath) => None,
        Err(other) => panic!("{other:?}"),
    }
}

/// Parts without names; they are numbered when the `uri` is written.
fn shapes() -> impl Strategy<Value = Vec<Part>> {
    let leaf = prop_oneof![
        4 => "[ab/-]{1,2}|é".prop_map(Part::Literal),
        3 => Just(Part::One(String::new())),
        1 => Just(Part::Rest(String::new())),
    ];
    let part = leaf.prop_recursive(3, 12, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Part::Optional));
    prop::collection::vec(part, 0..6)
}

fn write(parts: &mut [Part], uri: &mut String, count: &mut usize) {
    for part in parts {
        match part {
            Part::Literal(text) => uri.push_str(text),
            Part::One(name) | Part::Rest(name) => {
                *name = format!("v{count}");
                *count += 1;
            }
            Part::Optional(_) => {}
        }
        match part {
            Part::One(name) => uri.extend([":", name]),
            Part::Rest(name) => uri.extend(["*", name]),
            Part::Optional(inner) => {
                uri.push('(');
                write(inner, uri, count);
                uri.push(')');
            }
            Part::Literal(_) => {}
        }
        // A letter behind a variable would become a part of its name.
        if matches!(part, Part::One(_) | Part::Rest(_)) {
            uri.push_str("()");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn decides_as_the_naive_comparison(mut parts in shapes(), paths in prop::collection::vec("/([ab/é-]|%2F){0,8}", 1..8)) {
        let mut uri = "/".to_owned();
        write(&mut parts, &mut uri, &mut 0);
        parts.insert(0, Part::Literal("/".to_owned()));
        let table = table(&[&uri]).unwrap();
        for path in paths {
            prop_assert_eq!(found(&table, &path), expected(&parts, &path), "{} {}", &uri, &path);
        }
    }

    #[test]
    fn values_come_back(
        segments in prop::collection::vec(prop_oneof!["[a-z]{1,5}".prop_map(Err), "\\PC{1,8}|.{1,8}".prop_map(Ok)], 1..6),
        rest in prop::option::of(".{0,12}"),
    ) {
        let (mut uri, mut path, mut values) = (String::new(), String::new(), Vec::new());
        for (index, segment) in segments.iter().enumerate() {
            match segment {
                Err(literal) => {
                    uri.extend(["/", literal]);
                    path.extend(["/", literal]);
                }
                Ok(value) => {
                    uri.extend(["/:v", &index.to_string()]);
                    path.extend(["/", &utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()]);
                    values.push((format!("v{index}"), value.clone()));
                }
            }
        }
        if let Some(rest) = rest {
            uri += "/*rest";
            path.extend(["/", &utf8_percent_encode(&rest, NON_ALPHANUMERIC).to_string()]);
            values.push(("rest".to_owned(), rest));
        }
        prop_assert_eq!(found(&table(&[&uri]).unwrap(), &path), Some(values), "{} {}", &uri, &path);
    }

    #[test]
    fn any_text_is_decided(path in ".{0,60}", method in "[A-Z]{0,8}") {
        let table = table(&["/a(/:b)*c/:d-:e", "POST /:a/*b"]).unwrap();
        let _ = table.decide(Kind::Rest, &method, &path);
        let _ = table.decide(Kind::Rest, &method, &format!("/{path}"));
    }
}

#[test]
fn hostile_paths_are_decided_fast() {
    let table = table(&["/:a-:b-:c-:d-:e-:f-:g!", "/*a-*b-*c-*d-*e-*f!", "/(:a)(-:b)(-:c)(-:d)(*e)(-*f)!"]).unwrap();
    let path = format!("/{}", "-a".repeat(32 * 1024));
    let start = Instant::now();
    assert_eq!(table.decide(Kind::Rest, "GET", &path).err(), Some(NoRoute::UnknownPath));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
