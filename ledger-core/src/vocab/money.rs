//! Amounts, quantities, rates and currencies, read from plain decimal strings only.

#![expect(clippy::arithmetic_side_effects, reason = "28 digits at most, and 128 bits hold 38")]

use std::fmt;

use iso_currency::Currency as Iso;
use rust_decimal::Decimal;

use crate::limits::FRACTION_DIGITS_MAX;
use crate::limits::INTEGER_DIGITS_MAX;
use crate::vocab::problem::Code;
use crate::vocab::problem::Problem;
use crate::vocab::width::to_usize;

/// An amount of money or a quantity: at most 15 integer and 12 fraction digits. Always normalised
/// (no trailing zero in the fraction, no negative zero), so equal values have equal encodings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(Decimal);

/// Out of bounds: a sum or difference that is not an amount any more. Where a rule bounds the sum,
/// the rule's refusal takes its place; everywhere else it is an [`Code::Internal`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfBounds;

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of bounds")
    }
}

impl std::error::Error for OutOfBounds {}

impl From<OutOfBounds> for Problem {
    fn from(_: OutOfBounds) -> Problem {
        Problem::new(Code::Internal, "a sum left the bounds of an amount where no rule lets it")
            .hint("nothing was recorded and no figure was given; please report this with the log")
    }
}

/// A rate: a share of the base, or points. At most 12 fraction digits, absolute value at most 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rate(Decimal);

/// A currency of ISO 4217, by its three-letter code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Reads a plain decimal, `-?[0-9]+(\.[0-9]+)?`: no exponent, no thousands separator, no sign but
/// minus, at most 15 integer and 12 fraction digits. Returns mantissa and scale, normalised.
/// Errors: what is wrong, in words; the caller adds the place.
pub fn parse_decimal(text: &[u8]) -> Result<(i128, u32), &'static str> {
    parse_digits(text).map(without_zeros)
}

/// The same number without zeros at the end of its fraction.
fn without_zeros((mut mantissa, mut scale): (i128, u32)) -> (i128, u32) {
    if mantissa == 0 {
        return (0, 0);
    }
    // Nearly all numbers fit 64 bits, and dividing 128 bits costs ten times as much.
    if let Ok(mut small) = i64::try_from(mantissa) {
        while scale > 0 && small % 10 == 0 {
            small /= 10;
            scale -= 1;
        }
        return (small.into(), scale);
    }
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    (mantissa, scale)
}

/// [`parse_decimal`], not normalised: the scale may be that of the digits as they stand.
pub fn parse_digits(text: &[u8]) -> Result<(i128, u32), &'static str> {
    match parse_short(text) {
        Some((mantissa, scale)) => Ok((i128::from(mantissa), scale)),
        None => parse_any(text),
    }
}

/// [`parse_digits`] for what reports mostly hold: up to 15 digits, read in one pass. `None` for
/// everything else, malformed texts among it.
#[expect(clippy::as_conversions, reason = "a scale is at most 12")]
fn parse_short(text: &[u8]) -> Option<(i64, u32)> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.len() > to_usize(INTEGER_DIGITS_MAX) {
        return None;
    }
    let mut mantissa = 0i64;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => mantissa = mantissa * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() && at > 0 => point = Some(at + 1),
            _ => return None,
        }
    }
    let scale = digits.len() - point.unwrap_or(digits.len());
    let ends_in_digit = digits.last().is_some_and(u8::is_ascii_digit);
    if !ends_in_digit || scale > to_usize(FRACTION_DIGITS_MAX) {
        return None;
    }
    let negative = digits.len() < text.len();
    Some((if negative { -mantissa } else { mantissa }, scale as u32))
}

#[expect(clippy::as_conversions, reason = "a scale is at most 12")]
#[expect(clippy::indexing_slicing, reason = "places that were found in the same bytes")]
fn parse_any(text: &[u8]) -> Result<(i128, u32), &'static str> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if let Some(&wrong) = digits.iter().find(|b| !b.is_ascii_digit() && **b != b'.') {
        return Err(match wrong {
            b',' | b'\'' | b'_' => {
                "no thousands separator is allowed, and the decimal sign is a point"
            }
            b'e' | b'E' => "no exponent is allowed",
            b'+' => "no plus sign is allowed",
            _ if digits.eq_ignore_ascii_case(b"nan") || digits.eq_ignore_ascii_case(b"inf") => {
                "it is not a number"
            }
            _ => "only digits, one point and a leading minus are allowed",
        });
    }
    let (integer, fraction) = match digits.iter().position(|&b| b == b'.') {
        Some(point) => (&digits[..point], Some(&digits[point + 1..])),
        None => (digits, None),
    };
    if integer.is_empty() {
        return Err("digits before the point are missing");
    }
    let fraction = match fraction {
        Some([]) => return Err("digits after the point are missing"),
        Some(fraction) if fraction.contains(&b'.') => return Err("it has two points"),
        Some(fraction) => fraction,
        None => &[],
    };
    let fraction_len = fraction.iter().rposition(|&b| b != b'0').map_or(0, |last| last + 1);
    let integer_start = integer.iter().position(|&b| b != b'0').unwrap_or(integer.len());
    if fraction.len() > to_usize(FRACTION_DIGITS_MAX) {
        return Err("it has more than 12 fraction digits");
    }
    if integer.len() - integer_start > to_usize(INTEGER_DIGITS_MAX) {
        return Err("it has more than 15 integer digits");
    }
    // At most 27 digits: no overflow. Up to 18 digits run in 64 bits, which is most of what
    // reports hold and several times faster.
    let (integer, fraction) = (&integer[integer_start..], &fraction[..fraction_len]);
    let mantissa = if integer.len() + fraction.len() <= 18 {
        let fold = |sum: u64, part: &[u8]| {
            part.iter().fold(sum, |sum, digit| sum * 10 + u64::from(digit - b'0'))
        };
        i128::from(fold(fold(0, integer), fraction))
    } else {
        let fold = |sum: i128, part: &[u8]| {
            part.iter().fold(sum, |sum, digit| sum * 10 + i128::from(digit - b'0'))
        };
        fold(fold(0, integer), fraction)
    };
    let signed = if digits.len() < text.len() { -mantissa } else { mantissa };
    Ok((signed, fraction_len as u32))
}

impl Amount {
    /// Zero.
    pub const ZERO: Amount = Amount(Decimal::ZERO);

    /// Reads an amount or quantity from a plain decimal. Errors: [`Code::Decimal`].
    pub fn parse(text: &str) -> Result<Amount, Problem> {
        match parse_decimal(text.as_bytes()) {
            Ok((mantissa, scale)) => Ok(Amount(Decimal::from_i128_with_scale(mantissa, scale))),
            Err(why) => Err(decimal_problem(text, why)),
        }
    }

    /// From a normalised mantissa and scale, as they stand on the wire: `None` if they are not
    /// normalised or out of bounds.
    pub fn from_parts(mantissa: i128, scale: u32) -> Option<Amount> {
        let bound = 10i128.pow(INTEGER_DIGITS_MAX);
        let is_round = |mantissa: i128| match i64::try_from(mantissa) {
            Ok(small) => small % 10 == 0,
            Err(_) => mantissa % 10 == 0,
        };
        let normal = scale == 0 || (scale <= FRACTION_DIGITS_MAX && !is_round(mantissa));
        if !normal || mantissa.unsigned_abs() >= bound.unsigned_abs() * 10u128.pow(scale) {
            return None;
        }
        Some(Amount(Decimal::from_i128_with_scale(mantissa, scale)))
    }

    /// From any mantissa and scale up to 12: `None` if the value is out of bounds.
    pub fn normalised(mantissa: i128, scale: u32) -> Option<Amount> {
        let (mantissa, scale) = without_zeros((mantissa, scale));
        Amount::from_parts(mantissa, scale)
    }

    /// A whole number, held at the bounds of an amount.
    pub fn from_whole(whole: u64) -> Amount {
        Amount(Decimal::from(whole.min(10u64.pow(INTEGER_DIGITS_MAX) - 1)))
    }

    /// The digits without the point.
    pub fn mantissa(&self) -> i128 {
        self.0.mantissa()
    }

    /// The number of fraction digits.
    pub fn scale(&self) -> u32 {
        self.0.scale()
    }

    /// The value as a `Decimal`.
    pub fn decimal(&self) -> Decimal {
        self.0
    }

    /// Whether the value is below zero.
    pub fn is_negative(&self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }

    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Sum; `None` if it leaves the bounds of an amount.
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        // Aligned to at most 12 digits both fit i128 with room to spare, so the sum is exact.
        let scale = self.scale().max(other.scale());
        let align = |a: Amount| match scale - a.scale() {
            0 => a.mantissa(),
            digits => a.mantissa() * 10i128.pow(digits),
        };
        Amount::normalised(align(self) + align(other), scale)
    }

    /// Difference; `None` if it leaves the bounds of an amount.
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.checked_add(other.negated())
    }

    /// The sum. Errors: [`OutOfBounds`].
    pub fn plus(self, other: Amount) -> Result<Amount, OutOfBounds> {
        self.checked_add(other).ok_or(OutOfBounds)
    }

    /// The difference. Errors: [`OutOfBounds`].
    pub fn minus(self, other: Amount) -> Result<Amount, OutOfBounds> {
        self.checked_sub(other).ok_or(OutOfBounds)
    }

    /// The sum of amounts, in their order. Errors: [`OutOfBounds`].
    pub fn total(amounts: impl IntoIterator<Item = Amount>) -> Result<Amount, OutOfBounds> {
        amounts.into_iter().try_fold(Amount::ZERO, Amount::plus)
    }

    /// The value with its sign turned.
    pub fn negated(self) -> Amount {
        if self.0.is_zero() { self } else { Amount(-self.0) }
    }

    /// The larger of the value and zero.
    pub fn at_least_zero(self) -> Amount {
        if self.is_negative() { Amount::ZERO } else { self }
    }

    /// From a number of units of 10^-`digits`. `None` past the bounds of an amount.
    pub fn from_minor(units: i128, digits: u32) -> Option<Amount> {
        Amount::normalised(units, digits)
    }

    /// As a number of units of 10^-`digits`; finer digits are cut off, so it is exact for an
    /// amount in minor units.
    pub fn to_minor(&self, digits: u32) -> i128 {
        match digits.checked_sub(self.scale()) {
            Some(more) => self.mantissa() * 10i128.pow(more),
            None => self.mantissa() / 10i128.pow(self.scale() - digits),
        }
    }

    /// The plain decimal with at least `digits` fraction digits (`12.5` with 2 is `12.50`).
    pub fn to_text(&self, digits: u32) -> String {
        let mut padded = self.0;
        if padded.scale() < digits {
            padded.rescale(digits);
        }
        padded.to_string()
    }
}

impl Rate {
    /// One: the whole.
    pub const ONE: Rate = Rate(Decimal::ONE);

    /// Reads a rate from a plain decimal between -1 and 1. Errors: [`Code::Decimal`],
    /// [`Code::RateBounds`].
    pub fn parse(text: &str) -> Result<Rate, Problem> {
        let amount = Amount::parse(text)?;
        Rate::from_parts(amount.mantissa(), amount.scale()).ok_or_else(|| {
            Problem::new(Code::RateBounds, format!("the rate {text} is not between -1 and 1"))
                .hint("rates are fractions: write 15 % as \"0.15\"")
        })
    }

    /// From a normalised mantissa and scale: `None` if not normalised or out of bounds.
    pub fn from_parts(mantissa: i128, scale: u32) -> Option<Rate> {
        let amount = Amount::from_parts(mantissa, scale)?;
        (amount.decimal().abs() <= Decimal::ONE).then_some(Rate(amount.decimal()))
    }

    /// The digits without the point.
    pub fn mantissa(&self) -> i128 {
        self.0.mantissa()
    }

    /// The number of fraction digits.
    pub fn scale(&self) -> u32 {
        self.0.scale()
    }

    /// Whether the rate is below zero.
    pub fn is_negative(&self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }
}

/// The refusal of a decimal, without its place.
pub fn decimal_problem(text: &str, why: &str) -> Problem {
    Problem::new(Code::Decimal, format!("`{}` is not a plain decimal: {why}", text.escape_debug()))
        .hint("write it like -1234.50: at most 15 digits before the point and 12 after it")
}

impl Currency {
    /// Reads a code of ISO 4217 that has a minor unit. Errors: [`Code::Currency`].
    pub fn parse(text: &str) -> Result<Currency, Problem> {
        let known = Iso::from_code(text).filter(|iso| iso.exponent().is_some());
        match (known, text.as_bytes().try_into()) {
            (Some(_), Ok(code)) => Ok(Currency(code)),
            _ => Err(Problem::new(
                Code::Currency,
                format!("`{}` is not a currency of ISO 4217", text.escape_debug()),
            )
            .hint("use a three-letter code such as USD, EUR or JPY")),
        }
    }

    /// The three-letter code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// The code's bytes.
    pub fn bytes(&self) -> [u8; 3] {
        self.0
    }

    /// Fraction digits of the minor unit (ISO 4217 exponent): USD 2, JPY 0, KWD 3.
    pub fn minor_digits(&self) -> u32 {
        Iso::from_code(self.code()).and_then(|iso| iso.exponent()).map_or(2, u32::from)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_short_way_reads_what_the_long_way_reads(text in "-?[0-9]{0,9}\\.?[0-9.,e-]{0,9}") {
            if let Some((mantissa, scale)) = parse_short(text.as_bytes()) {
                let number = without_zeros((mantissa.into(), scale));
                prop_assert_eq!(Ok(number), parse_any(text.as_bytes()));
            }
        }

        #[test]
        fn plain_decimals_take_the_short_way(text in "-?[0-9]{1,7}(\\.[0-9]{1,6})?") {
            let short = parse_short(text.as_bytes());
            let number = short.map(|(mantissa, scale)| without_zeros((mantissa.into(), scale)));
            prop_assert_eq!(number, parse_any(text.as_bytes()).ok());
        }
    }
}
