//! Numbers as JSON has them, computed with as decimals: 0.1 and 0.2 are 0.3.
//! In comes the text of a number, out go sums, and the one text that all ways to write a number share.
//! It never rounds what it can hold: 38 digits; only sums that need more are those of floating-point numbers.

/// Digits that a number in plain writing may have; more zeros than that are written as an exponent.
const PLAIN: i32 = 40;

/// A number: `units` × 10 to the power of `exponent`; no zeros at the end of `units`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Exact {
    units: i128,
    exponent: i32,
}

/// The sum of two numbers; none if one of them is none, or if it is too large.
pub(crate) fn sum(left: &str, right: &str) -> Option<String> {
    let float = |text: &str| serde_json::from_str::<f64>(text).ok();
    let exact = Exact::parse(left).zip(Exact::parse(right)).and_then(|(left, right)| left.plus(right));
    match exact {
        Some(sum) => Some(sum.text()).filter(|text| float(text).is_some()),
        None => serde_json::Number::from_f64(float(left)? + float(right)?).map(|sum| sum.to_string()),
    }
}

/// The shortest way to write a number: `1` for 1.0 and 1e0. One with too many digits stays as it is.
pub(crate) fn shortest(text: &str) -> String {
    Exact::parse(text).map_or_else(|| text.to_owned(), Exact::text)
}

impl Exact {
    fn of(units: i128, exponent: i32) -> Self {
        let mut number = Self { units, exponent };
        while number.units != 0 && number.units % 10 == 0 {
            number.units /= 10;
            number.exponent = number.exponent.saturating_add(1);
        }
        if number.units == 0 { Self { units: 0, exponent: 0 } } else { number }
    }

    /// The number of a JSON text; none if it has too many digits.
    fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent: i32 = exponent.parse().ok()?;
        // Zeros at the end would only take room.
        let fraction = fraction.trim_end_matches('0');
        let units = format!("{whole}{fraction}").parse().ok()?;
        Some(Self::of(units, exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?))
    }

    fn plus(self, other: Self) -> Option<Self> {
        if self.units == 0 || other.units == 0 {
            return Some(if self.units == 0 { other } else { self });
        }
        let exponent = self.exponent.min(other.exponent);
        let units = |number: Self| {
            let zeros = u32::try_from(number.exponent.checked_sub(exponent)?).ok()?;
            number.units.checked_mul(10_i128.checked_pow(zeros)?)
        };
        Some(Self::of(units(self)?.checked_add(units(other)?)?, exponent))
    }

    fn text(self) -> String {
        let sign = if self.units < 0 { "-" } else { "" };
        let mut digits = self.units.unsigned_abs().to_string();
        if !(-PLAIN..=PLAIN).contains(&self.exponent) {
            return format!("{sign}{digits}e{}", self.exponent);
        }
        let places = usize::try_from(-self.exponent).unwrap_or(0);
        if places == 0 {
            digits.extend((0..self.exponent).map(|_| '0'));
            return format!("{sign}{digits}");
        }
        // At least one digit before the point.
        let zeros = (places + 1).saturating_sub(digits.len());
        digits.insert_str(0, &"0".repeat(zeros));
        let (whole, fraction) = digits.split_at(digits.len() - places);
        format!("{sign}{whole}.{fraction}")
    }
}
