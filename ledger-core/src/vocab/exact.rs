//! Exact numbers between input and posting: nothing here rounds.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "an exact number has no bounds; powers of ten have 38 digits at most"
)]

use std::cmp::Ordering;
use std::fmt;
use std::iter;
use std::ops::Add;
use std::ops::AddAssign;
use std::ops::Div;
use std::ops::Mul;
use std::ops::Neg;
use std::ops::Sub;
use std::ops::SubAssign;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_rational::Ratio;
use num_traits::CheckedAdd;
use num_traits::CheckedDiv;
use num_traits::CheckedMul;
use num_traits::CheckedSub;
use num_traits::Signed;
use num_traits::ToPrimitive;
use num_traits::Zero;

use serde::Deserialize;
use serde::Serialize;

use crate::limits::FRACTION_DIGITS_MAX;
use crate::vocab::money::Amount;
use crate::vocab::money::OutOfBounds;
use crate::vocab::money::Rate;
use crate::vocab::width::to_usize;

/// An exact rational number in lowest terms, with a denominator above zero.
///
/// Nearly all numbers of a ledger fit into 128 bits above and below the line, where `num-rational`
/// computes eight times as fast as on big integers. Where one does not, it is big: the value is the
/// same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Exact(Repr);

/// Big only where it does not fit; and never with -2^127, which has no absolute value in 128 bits.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Fits(Ratio<i128>),
    Big(Box<BigRational>),
}

impl Exact {
    /// A fraction, reduced. The denominator is not zero.
    pub fn new(above: BigInt, below: BigInt) -> Exact {
        Exact::of_big(BigRational::new(above, below))
    }

    /// A fraction in lowest terms, with a denominator above zero.
    pub(crate) fn reduced(above: BigInt, below: BigInt) -> Exact {
        Exact::of_big(BigRational::new_raw(above, below))
    }

    /// 0.
    pub fn zero() -> Exact {
        Exact::from(0)
    }

    /// 1.
    pub fn one() -> Exact {
        Exact::from(1)
    }

    fn of_ratio(ratio: Ratio<i128>) -> Exact {
        match *ratio.numer() == i128::MIN {
            true => Exact(Repr::Big(Box::new(widened(&ratio)))),
            false => Exact(Repr::Fits(ratio)),
        }
    }

    fn of_big(ratio: BigRational) -> Exact {
        match (ratio.numer().to_i128(), ratio.denom().to_i128()) {
            (Some(above), Some(below)) if above != i128::MIN => {
                Exact(Repr::Fits(Ratio::new_raw(above, below)))
            }
            _ => Exact(Repr::Big(Box::new(ratio))),
        }
    }

    fn to_big(&self) -> BigRational {
        match &self.0 {
            Repr::Fits(ratio) => widened(ratio),
            Repr::Big(ratio) => (**ratio).clone(),
        }
    }

    /// The number above the line, with the sign.
    pub fn numer(&self) -> BigInt {
        match &self.0 {
            Repr::Fits(ratio) => BigInt::from(*ratio.numer()),
            Repr::Big(ratio) => ratio.numer().clone(),
        }
    }

    /// The number below the line.
    pub fn denom(&self) -> BigInt {
        match &self.0 {
            Repr::Fits(ratio) => BigInt::from(*ratio.denom()),
            Repr::Big(ratio) => ratio.denom().clone(),
        }
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        matches!(&self.0, Repr::Fits(ratio) if ratio.is_zero())
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Fits(ratio) => ratio.is_negative(),
            Repr::Big(ratio) => ratio.is_negative(),
        }
    }

    /// Whether it is above 0.
    pub fn is_positive(&self) -> bool {
        !self.is_zero() && !self.is_negative()
    }

    /// Without the sign.
    pub fn abs(&self) -> Exact {
        if self.is_negative() { -self } else { self.clone() }
    }

    /// The largest integer that is not above it.
    pub fn floor(&self) -> BigInt {
        match &self.0 {
            Repr::Fits(ratio) => BigInt::from(ratio.numer().div_euclid(*ratio.denom())),
            Repr::Big(ratio) => ratio.floor().to_integer(),
        }
    }

    /// The smallest integer that is not below it.
    pub fn ceil(&self) -> BigInt {
        -(-self).floor()
    }
}

fn widened(ratio: &Ratio<i128>) -> BigRational {
    BigRational::new_raw(BigInt::from(*ratio.numer()), BigInt::from(*ratio.denom()))
}

impl From<i128> for Exact {
    fn from(whole: i128) -> Exact {
        Exact::of_ratio(Ratio::from_integer(whole))
    }
}

impl From<BigInt> for Exact {
    fn from(whole: BigInt) -> Exact {
        Exact::of_big(BigRational::from_integer(whole))
    }
}

/// As `num-rational` has it.
impl From<Exact> for BigRational {
    fn from(value: Exact) -> BigRational {
        value.to_big()
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Exact) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Fits(one), Repr::Fits(other)) => one.cmp(other),
            _ => self.to_big().cmp(&other.to_big()),
        }
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Exact) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numer(), self.denom())
    }
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An operation in 128 bits, or on big integers where the result or anything on the way to it does
/// not fit.
macro_rules! operation {
    ($of:ident, $name:ident, $checked:path) => {
        impl $of<&Exact> for &Exact {
            type Output = Exact;

            fn $name(self, other: &Exact) -> Exact {
                if let (Repr::Fits(one), Repr::Fits(two)) = (&self.0, &other.0)
                    && let Some(result) = $checked(one, two)
                {
                    return Exact::of_ratio(result);
                }
                Exact::of_big(self.to_big().$name(other.to_big()))
            }
        }

        impl $of<Exact> for Exact {
            type Output = Exact;

            fn $name(self, other: Exact) -> Exact {
                (&self).$name(&other)
            }
        }

        impl $of<&Exact> for Exact {
            type Output = Exact;

            fn $name(self, other: &Exact) -> Exact {
                (&self).$name(other)
            }
        }

        impl $of<Exact> for &Exact {
            type Output = Exact;

            fn $name(self, other: Exact) -> Exact {
                self.$name(&other)
            }
        }
    };
}

operation!(Add, add, CheckedAdd::checked_add);
operation!(Sub, sub, CheckedSub::checked_sub);
operation!(Mul, mul, CheckedMul::checked_mul);
operation!(Div, div, CheckedDiv::checked_div);

impl Neg for &Exact {
    type Output = Exact;

    fn neg(self) -> Exact {
        match &self.0 {
            Repr::Fits(ratio) => match ratio.numer().checked_neg() {
                Some(negated) => Exact(Repr::Fits(Ratio::new_raw(negated, *ratio.denom()))),
                None => Exact::of_big(-self.to_big()),
            },
            Repr::Big(ratio) => Exact::of_big(-&**ratio),
        }
    }
}

impl Neg for Exact {
    type Output = Exact;

    fn neg(self) -> Exact {
        -&self
    }
}

impl AddAssign<&Exact> for Exact {
    fn add_assign(&mut self, other: &Exact) {
        *self = &*self + other;
    }
}

impl AddAssign<Exact> for Exact {
    fn add_assign(&mut self, other: Exact) {
        *self += &other;
    }
}

impl iter::Sum for Exact {
    fn sum<I: Iterator<Item = Exact>>(numbers: I) -> Exact {
        numbers.fold(Exact::zero(), Add::add)
    }
}

impl SubAssign<&Exact> for Exact {
    fn sub_assign(&mut self, other: &Exact) {
        *self = &*self - other;
    }
}

/// An exact sum of amounts or quantities, in units of 10^-12. `i128` cannot overflow within the
/// limits of a ledger (asserted in `limits.rs`).
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Sum(pub i128);

impl Sum {
    /// The sum as a rational number.
    pub fn exact(self) -> Exact {
        of_decimal(self.0, FRACTION_DIGITS_MAX)
    }

    /// An amount or quantity.
    pub fn of(amount: &Amount) -> Sum {
        Sum(amount.mantissa() * 10i128.pow(FRACTION_DIGITS_MAX.saturating_sub(amount.scale())))
    }

    /// Whether the sum is zero.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// With another sum. Errors: [`OutOfBounds`], which the bounds of one ledger exclude.
    pub fn plus(self, other: Sum) -> Result<Sum, OutOfBounds> {
        self.0.checked_add(other.0).map(Sum).ok_or(OutOfBounds)
    }

    /// Without another sum. Errors: likewise.
    pub fn minus(self, other: Sum) -> Result<Sum, OutOfBounds> {
        self.0.checked_sub(other.0).map(Sum).ok_or(OutOfBounds)
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

/// The value of `mantissa` / 10^`scale`, for scales up to 38. Only twos and fives can be reduced in such
/// a fraction: they are counted in machine numbers, in a tenth of the time that the greatest common
/// divisor of big ones takes.
fn of_decimal(mantissa: i128, scale: u32) -> Exact {
    let twos = mantissa.trailing_zeros().min(scale);
    let (mut above, mut fives) = (mantissa >> twos, scale);
    for step in [32, 16, 8, 4, 2, 1] {
        let power = 5i128.pow(step);
        if step <= fives && above % power == 0 {
            above /= power;
            fives -= step;
        }
    }
    // At most 10^38, which is below 2^127.
    let below = 5i128.pow(fives) << (scale - twos);
    Exact::of_ratio(Ratio::new_raw(above, below))
}

/// Writes an exact number for people and machines: as a plain decimal where it has one (its
/// denominator divides a power of ten), otherwise as a reduced fraction `n/d`.
pub fn to_text(value: &Exact) -> String {
    let mut denominator = value.denom();
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
    let digits = twos.max(fives);
    let scaled = value * Exact::from(BigInt::from(10u8).pow(digits));
    let digits = to_usize(digits);
    let mut text = scaled.numer().magnitude().to_string();
    if text.len() <= digits {
        text.insert_str(0, &"0".repeat(digits + 1 - text.len()));
    }
    if digits > 0 {
        text.insert(text.len() - digits, '.');
    }
    if value.is_negative() {
        text.insert(0, '-');
    }
    text
}

/// Writes an exact number as a reduced fraction `n/d`, the form the state root hashes.
pub fn fraction_text(value: &Exact) -> String {
    value.to_string()
}
