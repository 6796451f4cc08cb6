//! The one rounding: an exact number to the minor unit of a currency, symmetric about zero.

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use num_traits::Zero;

use crate::vocab::exact::Exact;
use crate::vocab::money::Amount;

/// How a value between two minor units is rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rounding {
    /// To the nearest; a half to the even neighbour (IEEE 754 roundTiesToEven).
    #[default]
    HalfEven,
    /// To the nearest; a half away from zero.
    HalfUp,
    /// Towards zero.
    Down,
}

impl Rounding {
    /// The word that terms use.
    pub fn as_str(self) -> &'static str {
        match self {
            Rounding::HalfEven => "half_even",
            Rounding::HalfUp => "half_up",
            Rounding::Down => "down",
        }
    }

    /// Rounds to `digits` fraction digits. `None` if the result has more than 15 integer digits.
    pub fn round(self, value: &Exact, digits: u32) -> Option<Amount> {
        let scaled = value.abs() * Exact::from(BigInt::from(10u8).pow(digits));
        let floor = scaled.floor();
        // Twice the fraction, compared with one.
        let fraction = scaled - Exact::from(floor.clone());
        let up = match (&fraction + &fraction).cmp(&Exact::one()) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => self != Rounding::Down,
            std::cmp::Ordering::Equal => match self {
                Rounding::HalfEven => !(&floor % 2u8).is_zero(),
                Rounding::HalfUp => true,
                Rounding::Down => false,
            },
        };
        let units = (floor + u8::from(up)).to_i128()?;
        Amount::normalised(if value.is_negative() { units.checked_neg()? } else { units }, digits)
    }
}
