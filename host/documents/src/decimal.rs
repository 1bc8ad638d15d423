//! Numbers as subscripts: which texts are numbers, and bytes that sort as the numbers do.
//! In comes a text, out go bytes that end by themselves; and back.
//! It never computes with a number, so nothing is ever rounded.
//!
//! A number is 0.d₁d₂d₃… × 10ᵉ. Its bytes are a sign, e + 128, the digits in pairs (each pair + 1), and a closing 0. Those of
//! a negative number are turned around, so that the larger amount sorts first.

use crate::limits::DIGITS;

/// The first byte of a negative number.
pub(crate) const NEGATIVE: u8 = 0x10;
/// The only byte of zero.
pub(crate) const ZERO: u8 = 0x20;
/// The first byte of a positive number.
pub(crate) const POSITIVE: u8 = 0x28;
/// What the exponent's byte is for an exponent of 0.
const EXPONENT: i32 = 128;

/// A decimal number: its sign, its exponent, and its digits without zeros at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    exponent: i32,
    digits: Vec<u8>,
}

impl Decimal {
    /// The number, if the text is one in its shortest form: `0`, `-7`, `1.5`; not `01`, `1.0`, `-0`, `+1`, `.5` or `1e3`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-');
        let (negative, amount) = (unsigned.is_some(), unsigned.unwrap_or(text));
        let (whole, fraction) = amount.split_once('.').map_or((amount, None), |(whole, part)| (whole, Some(part)));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_short = whole == "0" || !whole.starts_with('0');
        let fraction_fits = fraction.is_none_or(|part| all_digits(part) && !part.ends_with('0'));
        if !all_digits(whole) || !is_short || !fraction_fits || amount.len() > DIGITS || text == "-0" {
            return None;
        }
        let all = whole.bytes().chain(fraction.unwrap_or_default().bytes());
        let digits: Vec<u8> = all.map(|byte| byte - b'0').collect();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        let exponent = i32::try_from(whole.len()).ok()? - i32::try_from(zeros).ok()?;
        let mut digits: Vec<u8> = digits.into_iter().skip(zeros).collect();
        while digits.last() == Some(&0) {
            digits.pop();
        }
        Some(Self { negative, exponent, digits })
    }

    /// Adds its bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        if self.digits.is_empty() {
            out.push(ZERO);
            return;
        }
        let turn = |byte: u8| if self.negative { 255 - byte } else { byte };
        out.push(if self.negative { NEGATIVE } else { POSITIVE });
        // At most DIGITS from zero, so it fits.
        out.push(turn(u8::try_from(EXPONENT + self.exponent).unwrap_or(u8::MAX)));
        for pair in self.digits.chunks(2) {
            let (tens, ones) = (pair.first().unwrap_or(&0), pair.get(1).unwrap_or(&0));
            out.push(turn(tens * 10 + ones + 1));
        }
        out.push(turn(0));
    }

    /// Takes a number from the front of these bytes: its text, and how many bytes it had.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(String, usize)> {
        let negative = match *bytes.first()? {
            ZERO => return Some(("0".to_owned(), 1)),
            POSITIVE => false,
            NEGATIVE => true,
            _ => return None,
        };
        let turn = |byte: u8| if negative { 255 - byte } else { byte };
        let exponent = i32::from(turn(*bytes.get(1)?)) - EXPONENT;
        let pairs: Vec<u8> = bytes.iter().skip(2).map(|byte| turn(*byte)).take_while(|pair| *pair != 0).collect();
        let length = 2 + pairs.len();
        // The closing byte has to be there.
        bytes.get(length)?;
        let mut digits = Vec::with_capacity(pairs.len() * 2);
        for pair in pairs {
            let pair = pair.checked_sub(1).filter(|pair| *pair < 100)?;
            digits.extend([pair / 10, pair % 10]);
        }
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let is_whole = !digits.is_empty() && digits.first() != Some(&0) && exponent.unsigned_abs() <= 60;
        is_whole.then(|| (Self { negative, exponent, digits }.text(), length + 1))
    }

    fn text(&self) -> String {
        let mut text = String::with_capacity(self.digits.len() + 4);
        if self.negative {
            text.push('-');
        }
        let mut digits = self.digits.iter().map(|digit| char::from(b'0' + digit));
        match usize::try_from(self.exponent) {
            Ok(whole) if whole > 0 => text.extend((0..whole).map(|_| digits.next().unwrap_or('0'))),
            _ => text.push('0'),
        }
        let rest: String = digits.collect();
        if !rest.is_empty() {
            text.push('.');
            let zeros = usize::try_from(-self.exponent).unwrap_or(0);
            text.extend(std::iter::repeat_n('0', zeros));
            text.push_str(&rest);
        }
        text
    }
}
