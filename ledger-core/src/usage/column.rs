//! Column: one number per row, as integers of one scale and width.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "rows of one table, whose columns have one length; fewer than 2^32 rows and texts"
)]

use num_traits::AsPrimitive;
use num_traits::PrimInt;
use serde::Deserialize;
use serde::Serialize;

use crate::limits::FRACTION_DIGITS_MAX;
use crate::limits::INTEGER_DIGITS_MAX;

/// Signed integers, all of one width.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Ints {
    /// One byte each.
    I8(Vec<i8>),
    /// Two bytes each.
    I16(Vec<i16>),
    /// Four bytes each.
    I32(Vec<i32>),
    /// Eight bytes each.
    I64(Vec<i64>),
    /// Sixteen bytes each.
    I128(Vec<i128>),
}

/// One number per row: `integer × 10^-scale`. Canonical: the smallest scale and the smallest
/// width that hold every value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Column {
    /// Fraction digits, at most 12.
    pub scale: u8,
    /// The integers.
    pub ints: Ints,
}

/// An integer that columns are computed in.
pub(super) trait Integer:
    PrimInt
    + From<i8>
    + Into<i128>
    + AsPrimitive<i8>
    + AsPrimitive<i16>
    + AsPrimitive<i32>
    + AsPrimitive<i64>
{
}

impl Integer for i64 {}
impl Integer for i128 {}

/// Calls an expression with the integers, whatever their width.
macro_rules! with_ints {
    ($all:expr, $ints:ident => $then:expr) => {
        match $all {
            Ints::I8($ints) => $then,
            Ints::I16($ints) => $then,
            Ints::I32($ints) => $then,
            Ints::I64($ints) => $then,
            Ints::I128($ints) => $then,
        }
    };
}
pub(super) use with_ints;

/// Smallest and largest.
fn range<T: Copy + Ord + Into<i128>>(ints: &[T]) -> (i128, i128) {
    let min = ints.iter().copied().min().map_or(0, Into::into);
    let max = ints.iter().copied().max().map_or(0, Into::into);
    (min, max)
}

impl Ints {
    /// How many.
    pub fn len(&self) -> usize {
        with_ints!(self, ints => ints.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The integer at a place.
    #[expect(clippy::useless_conversion, reason = "the widest integers need none")]
    pub fn get(&self, at: usize) -> Option<i128> {
        with_ints!(self, ints => ints.get(at).map(|&int| int.into()))
    }

    /// Bytes per integer.
    pub fn width(&self) -> u8 {
        match self {
            Ints::I8(_) => 1,
            Ints::I16(_) => 2,
            Ints::I32(_) => 4,
            Ints::I64(_) => 8,
            Ints::I128(_) => 16,
        }
    }

    /// The smallest width in bytes that holds every integer from `min` to `max`.
    pub fn width_for(min: i128, max: i128) -> u8 {
        let fits = |low: i128, high: i128| low <= min && max <= high;
        if fits(i8::MIN.into(), i8::MAX.into()) {
            1
        } else if fits(i16::MIN.into(), i16::MAX.into()) {
            2
        } else if fits(i32::MIN.into(), i32::MAX.into()) {
            4
        } else if fits(i64::MIN.into(), i64::MAX.into()) {
            8
        } else {
            16
        }
    }

    /// The integers in the smallest width that holds all of them.
    fn narrowest<T: Integer>(ints: &[T]) -> Ints {
        fn cut<T: AsPrimitive<N>, N: Copy + 'static>(ints: &[T]) -> Vec<N> {
            ints.iter().map(|int| int.as_()).collect()
        }
        let (min, max) = range(ints);
        // The width is chosen so that no integer is cut.
        match Ints::width_for(min, max) {
            1 => Ints::I8(cut(ints)),
            2 => Ints::I16(cut(ints)),
            4 => Ints::I32(cut(ints)),
            8 => Ints::I64(cut(ints)),
            _ => Ints::I128(ints.iter().map(|int| (*int).into()).collect()),
        }
    }
}

impl Column {
    /// The canonical column of integers of a scale.
    pub(super) fn canonical<T: Integer>(mut scale: u8, mut ints: Vec<T>) -> Column {
        let ten = <T as From<i8>>::from(10);
        while scale > 0 && ints.iter().all(|int| (*int % ten).is_zero()) {
            ints.iter_mut().for_each(|int| *int = *int / ten);
            scale -= 1;
        }
        Column { scale, ints: Ints::narrowest(&ints) }
    }

    /// Whether the column is canonical for `lines` lines and within the bounds of an amount.
    pub(super) fn check(&self, lines: usize) -> Result<(), &'static str> {
        if self.ints.len() != lines {
            return Err("a column has another number of lines than its block");
        }
        if u32::from(self.scale) > FRACTION_DIGITS_MAX {
            return Err("a column has more than 12 fraction digits");
        }
        let (min, max) = self.range();
        let bound = 10i128.pow(INTEGER_DIGITS_MAX + u32::from(self.scale));
        if min <= -bound || max >= bound {
            return Err("a number has more than 15 integer digits");
        }
        if self.ints.width() != Ints::width_for(min, max) {
            return Err("a column is wider than its numbers need");
        }
        if self.scale > 0 && with_ints!(&self.ints, ints => ints.iter().all(|int| int % 10 == 0)) {
            return Err("a column has more fraction digits than its numbers need");
        }
        Ok(())
    }

    fn range(&self) -> (i128, i128) {
        with_ints!(&self.ints, ints => range(ints))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.range() == (0, 0)
    }

    /// The sums of the numbers by the key of their line.
    pub(super) fn sums(&self, key_of: &[u16], keys: usize) -> Column {
        // Up to 65,536 integers of at most 47 bits sum in 64 bits, which is several times faster.
        match &self.ints {
            Ints::I8(ints) => Column::canonical(self.scale, folded::<i64, _>(ints, key_of, keys)),
            Ints::I16(ints) => Column::canonical(self.scale, folded::<i64, _>(ints, key_of, keys)),
            Ints::I32(ints) => Column::canonical(self.scale, folded::<i64, _>(ints, key_of, keys)),
            Ints::I64(ints) => Column::canonical(self.scale, folded::<i128, _>(ints, key_of, keys)),
            Ints::I128(ints) => {
                Column::canonical(self.scale, folded::<i128, _>(ints, key_of, keys))
            }
        }
    }
}

fn folded<S: PrimInt, T: Copy + Into<S>>(ints: &[T], key_of: &[u16], keys: usize) -> Vec<S> {
    let mut sums = vec![S::zero(); keys];
    for (int, key) in ints.iter().zip(key_of) {
        if let Some(sum) = sums.get_mut(usize::from(*key)) {
            *sum = *sum + (*int).into();
        }
    }
    sums
}
