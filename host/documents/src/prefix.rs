//! Names that begin with a text, as spans of keys.
//! In comes a prefix, out go the spans in which such names lie, in order: numbers are not where their digits would put them.
//! It never reads the store.
//!
//! The numbers that begin with 12 are 12, 12.5, 120 to 129.9…, 1200 to 1299.9… and so on: one span for each length.

use crate::decimal::{Decimal, NEGATIVE, ZERO};
use crate::key;
use crate::limits::DIGITS;
use crate::span::Span;
use std::ops::Bound;

/// The spans below a node in which all names lie that begin with a prefix, from the first to the last; among them may be
/// others, which have to be looked at.
pub(crate) fn spans(parent: &[u8], prefix: &str) -> Vec<Span> {
    let (sign, amount) = prefix.strip_prefix('-').map_or(("", prefix), |amount| ("-", amount));
    let mut spans: Vec<Span> =
        amounts(amount).into_iter().map(|(from, to)| number_span(parent, sign, from, to)).collect();
    if sign == "-" {
        spans.reverse();
    }
    spans.push(text_span(parent, prefix));
    spans
}

fn text_span(parent: &[u8], prefix: &str) -> Span {
    let mut from = parent.to_vec();
    key::push_open_text(&mut from, prefix);
    // No byte of a text in UTF-8 is FF.
    let to = key::behind(&from);
    Span::forward(Bound::Included(from), Bound::Excluded(to))
}

/// The amounts that begin with this text: pairs of the first one and the first one behind; none: no bound.
fn amounts(text: &str) -> Vec<(Option<String>, Option<String>)> {
    if text.is_empty() {
        return vec![(None, None)];
    }
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = whole == "0" || !whole.starts_with('0');
    if whole.is_empty() || !all_digits(whole) || !is_short || text.len() > DIGITS {
        return Vec::new();
    }
    match fraction {
        Some(part) if !all_digits(part) => Vec::new(),
        // What does not have this fraction is passed over one by one: there is nothing between 1.2 and 1.3 but what begins so.
        Some("") => vec![(Some(whole.to_owned()), Some(next(whole)))],
        Some(part) => {
            let digits = next(&format!("{whole}{part}"));
            let (next_whole, next_part) = digits.split_at(digits.len() - part.len());
            vec![(Some(short(whole, part)), Some(short(next_whole, next_part)))]
        }
        None => {
            // Behind a 0 nothing can follow, so all of these but the first are no numbers.
            let lengths = 0..=(DIGITS - whole.len());
            let of_length = |zeros: usize| {
                let padded = |text: &str| format!("{text}{}", "0".repeat(zeros));
                (Some(padded(whole)), Some(padded(&next(whole))))
            };
            lengths.map(of_length).collect()
        }
    }
}

fn short(whole: &str, part: &str) -> String {
    let part = part.trim_end_matches('0');
    if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
}

/// The digits of the number behind this one.
fn next(digits: &str) -> String {
    let mut next: Vec<u8> = digits.bytes().collect();
    for digit in next.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return String::from_utf8(next).unwrap_or_default();
        }
        *digit = b'0';
    }
    format!("1{}", String::from_utf8(next).unwrap_or_default())
}

fn number_span(parent: &[u8], sign: &str, from: Option<String>, to: Option<String>) -> Span {
    let negative = sign == "-";
    let tag = |byte: u8| [parent, &[byte]].concat();
    let (first, last) = (tag(NEGATIVE), tag(if negative { ZERO } else { key::TEXT }));
    let (Some(from), Some(to)) = (from, to) else {
        return Span::forward(Bound::Included(first), Bound::Excluded(last));
    };
    let key_of = |text: &str| {
        let text = if text == "0" { text.to_owned() } else { format!("{sign}{text}") };
        let number = Decimal::parse(&text)?;
        let mut key = parent.to_vec();
        number.encode(&mut key);
        Some(key)
    };
    // What is no number has nothing before it; one with too many digits is a text, so there is none behind those before it.
    match (key_of(&from), key_of(&to)) {
        (None, _) => Span::forward(Bound::Included(first.clone()), Bound::Excluded(first)),
        // Below zero the amounts run backwards. What lies below the first one belongs to it.
        (Some(from), Some(to)) if negative => {
            Span::forward(Bound::Excluded(key::behind(&to)), Bound::Excluded(key::behind(&from)))
        }
        (Some(from), None) if negative => Span::forward(Bound::Included(first), Bound::Excluded(key::behind(&from))),
        (Some(from), to) => Span::forward(Bound::Included(from), Bound::Excluded(to.unwrap_or(last))),
    }
}
