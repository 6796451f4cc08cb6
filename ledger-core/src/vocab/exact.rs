//! Exact numbers between input and posting: nothing here rounds.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use crate::limits::FRACTION_DIGITS_MAX;
use crate::vocab::money::Amount;
use crate::vocab::money::Rate;

/// An exact rational number.
pub type Exact = BigRational;

/// An exact sum of amounts or quantities, in units of 10^-12. `i128` cannot overflow within the
/// limits of a ledger (asserted in `limits.rs`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Sum(pub i128);

impl Sum {
    /// The sum as a rational number.
    pub fn exact(self) -> Exact {
        Exact::new(BigInt::from(self.0), BigInt::from(10u8).pow(FRACTION_DIGITS_MAX))
    }

    /// Adds a mantissa with `scale` fraction digits (at most 12).
    pub fn add_scaled(&mut self, mantissa: i128, scale: u32) {
        debug_assert!(scale <= FRACTION_DIGITS_MAX);
        self.0 += mantissa * 10i128.pow(FRACTION_DIGITS_MAX - scale);
    }

    /// Whether the sum is zero.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// The exact value of an amount.
pub fn of_amount(amount: &Amount) -> Exact {
    of_decimal(amount.mantissa(), amount.scale())
}

/// The exact value of a rate.
pub fn of_rate(rate: &Rate) -> Exact {
    of_decimal(rate.mantissa(), rate.scale())
}

fn of_decimal(mantissa: i128, scale: u32) -> Exact {
    Exact::new(BigInt::from(mantissa), BigInt::from(10u8).pow(scale))
}

/// Writes an exact number for people and machines: as a plain decimal where it has one (its
/// denominator divides a power of ten), otherwise as a reduced fraction `n/d`.
pub fn to_text(value: &Exact) -> String {
    let mut denominator = value.denom().clone();
    let (mut twos, mut fives) = (0u32, 0u32);
    let (two, five) = (BigInt::from(2u8), BigInt::from(5u8));
    while (&denominator % &two).is_zero() {
        denominator /= &two;
        twos += 1;
    }
    while (&denominator % &five).is_zero() {
        denominator /= &five;
        fives += 1;
    }
    if denominator != BigInt::from(1u8) {
        return fraction_text(value);
    }
    let digits = twos.max(fives) as usize;
    let scaled = value * Exact::from(BigInt::from(10u8).pow(digits as u32));
    let mut text = scaled.numer().magnitude().to_string();
    if text.len() <= digits {
        text.insert_str(0, &"0".repeat(digits + 1 - text.len()));
    }
    if digits > 0 {
        text.insert(text.len() - digits, '.');
    }
    if value < &Exact::zero() {
        text.insert(0, '-');
    }
    text
}

/// Writes an exact number as a reduced fraction `n/d`, the form the state root hashes.
pub fn fraction_text(value: &Exact) -> String {
    format!("{}/{}", value.numer(), value.denom())
}
