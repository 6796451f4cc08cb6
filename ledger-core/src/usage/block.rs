//! A block of usage lines: columns of integers over a dictionary of keys.
//!
//! A block holds up to 65,536 lines of one report. Everything that lines have in common (day,
//! currency, attributes) lies once in a sorted table of keys; a line is an index into it and one
//! integer per column. There is exactly one block for a sequence of lines: [`LineBlock::new`]
//! refuses every other arrangement, so that one value has one encoding.

use crate::limits::ATTRIBUTES_MAX;
use crate::limits::BLOCK_LINES_MAX;
use crate::limits::DEDUCTIONS_MAX;
use crate::limits::FRACTION_DIGITS_MAX;
use crate::limits::INTEGER_DIGITS_MAX;
use crate::limits::METERS_MAX;
use crate::usage::sums::LineKey;
use crate::usage::sums::UsageSums;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::Value;
use crate::vocab::exact::Sum;

/// Signed integers, all of one width.
#[derive(Clone, PartialEq, Eq, Debug)]
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

/// One number per line: `integer × 10^-scale`. Canonical: the smallest scale and the smallest
/// width that hold every value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Fraction digits, at most 12.
    pub scale: u8,
    /// The integers.
    pub ints: Ints,
}

/// What lines have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BlockKey {
    /// The usage day.
    pub day: Date,
    /// The currency of the line's amounts.
    pub currency: Currency,
    /// Per attribute column, the position of the value in the dictionary.
    pub values: Vec<u32>,
}

/// The parts of a block; see [`LineBlock`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockParts {
    /// Attribute columns, strictly sorted; each has a value that is not empty.
    pub attributes: Vec<Name>,
    /// Meter columns, strictly sorted; each has a number that is not zero.
    pub meters: Vec<Name>,
    /// Deduction columns, strictly sorted; each has a number that is not zero.
    pub deductions: Vec<Name>,
    /// Attribute values, strictly sorted; each is used by a key.
    pub dictionary: Vec<Value>,
    /// Keys, strictly sorted; each is used by a line.
    pub keys: Vec<BlockKey>,
    /// Per line, the position of its key.
    pub key_of: Vec<u16>,
    /// Gross amounts.
    pub gross: Column,
    /// One column per meter.
    pub meter_columns: Vec<Column>,
    /// One column per deduction.
    pub deduction_columns: Vec<Column>,
}

/// A block of usage lines in its one canonical arrangement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineBlock(BlockParts);

impl Ints {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Ints::I8(ints) => ints.len(),
            Ints::I16(ints) => ints.len(),
            Ints::I32(ints) => ints.len(),
            Ints::I64(ints) => ints.len(),
            Ints::I128(ints) => ints.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The integer at a place.
    pub fn get(&self, at: usize) -> Option<i128> {
        match self {
            Ints::I8(ints) => ints.get(at).map(|&int| i128::from(int)),
            Ints::I16(ints) => ints.get(at).map(|&int| i128::from(int)),
            Ints::I32(ints) => ints.get(at).map(|&int| i128::from(int)),
            Ints::I64(ints) => ints.get(at).map(|&int| i128::from(int)),
            Ints::I128(ints) => ints.get(at).copied(),
        }
    }

    /// Smallest and largest.
    fn range(&self) -> (i128, i128) {
        fn range<T: Copy + Ord + Into<i128>>(ints: &[T]) -> (i128, i128) {
            let min = ints.iter().copied().min().map_or(0, Into::into);
            let max = ints.iter().copied().max().map_or(0, Into::into);
            (min, max)
        }
        match self {
            Ints::I8(ints) => range(ints),
            Ints::I16(ints) => range(ints),
            Ints::I32(ints) => range(ints),
            Ints::I64(ints) => range(ints),
            Ints::I128(ints) => range(ints),
        }
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

    /// Adds every integer to the sum of its line's key.
    fn fold(&self, key_of: &[u16], sums: &mut [i128]) {
        // Up to 65,536 integers of at most 47 bits sum in 64 bits, which is several times faster.
        fn narrow<T: Copy + Into<i64>>(ints: &[T], key_of: &[u16], sums: &mut [i128]) {
            let mut short = vec![0i64; sums.len()];
            for (int, key) in ints.iter().zip(key_of) {
                short[usize::from(*key)] += (*int).into();
            }
            sums.iter_mut().zip(short).for_each(|(sum, short)| *sum += i128::from(short));
        }
        fn wide<T: Copy + Into<i128>>(ints: &[T], key_of: &[u16], sums: &mut [i128]) {
            for (int, key) in ints.iter().zip(key_of) {
                sums[usize::from(*key)] += (*int).into();
            }
        }
        match self {
            Ints::I8(ints) => narrow(ints, key_of, sums),
            Ints::I16(ints) => narrow(ints, key_of, sums),
            Ints::I32(ints) => narrow(ints, key_of, sums),
            Ints::I64(ints) => wide(ints, key_of, sums),
            Ints::I128(ints) => wide(ints, key_of, sums),
        }
    }

    fn all_multiples_of_ten(&self) -> bool {
        match self {
            Ints::I8(ints) => ints.iter().all(|int| int % 10 == 0),
            Ints::I16(ints) => ints.iter().all(|int| int % 10 == 0),
            Ints::I32(ints) => ints.iter().all(|int| int % 10 == 0),
            Ints::I64(ints) => ints.iter().all(|int| int % 10 == 0),
            Ints::I128(ints) => ints.iter().all(|int| int % 10 == 0),
        }
    }
}

impl Column {
    /// Whether the column is canonical for `lines` lines and within the bounds of an amount.
    fn check(&self, lines: usize) -> Result<(), &'static str> {
        if self.ints.len() != lines {
            return Err("a column has another number of lines than its block");
        }
        if u32::from(self.scale) > FRACTION_DIGITS_MAX {
            return Err("a column has more than 12 fraction digits");
        }
        let (min, max) = self.ints.range();
        let bound = 10i128.pow(INTEGER_DIGITS_MAX + u32::from(self.scale));
        if min <= -bound || max >= bound {
            return Err("a number has more than 15 integer digits");
        }
        if self.ints.width() != Ints::width_for(min, max) {
            return Err("a column is wider than its numbers need");
        }
        if self.scale > 0 && self.ints.all_multiples_of_ten() {
            return Err("a column has more fraction digits than its numbers need");
        }
        Ok(())
    }

    fn is_zero(&self) -> bool {
        self.ints.range() == (0, 0)
    }

    /// The sums per key, in units of 10^-12.
    fn sums(&self, key_of: &[u16], keys: usize) -> Vec<Sum> {
        let mut sums = vec![0i128; keys];
        self.ints.fold(key_of, &mut sums);
        let unit = 10i128.pow(FRACTION_DIGITS_MAX - u32::from(self.scale));
        sums.into_iter().map(|sum| Sum(sum * unit)).collect()
    }
}

fn strictly_sorted<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}

impl LineBlock {
    /// Checks that the parts are the canonical arrangement of at least one line, within all
    /// limits. Errors: what is wrong, in words.
    pub fn new(parts: BlockParts) -> Result<LineBlock, &'static str> {
        let lines = parts.key_of.len();
        if lines == 0 || lines > BLOCK_LINES_MAX {
            return Err("a block has no lines, or more than 65536");
        }
        if parts.attributes.len() > ATTRIBUTES_MAX
            || parts.meters.len() > METERS_MAX
            || parts.deductions.len() > DEDUCTIONS_MAX
        {
            return Err("a block has more columns than terms may declare");
        }
        if !strictly_sorted(&parts.attributes)
            || !strictly_sorted(&parts.meters)
            || !strictly_sorted(&parts.deductions)
            || !strictly_sorted(&parts.dictionary)
            || !strictly_sorted(&parts.keys)
        {
            return Err("columns, dictionary and keys are not strictly sorted");
        }
        if parts.meter_columns.len() != parts.meters.len()
            || parts.deduction_columns.len() != parts.deductions.len()
        {
            return Err("a block has another number of columns than names");
        }
        let mut value_used = vec![false; parts.dictionary.len()];
        let mut attribute_used = vec![false; parts.attributes.len()];
        for key in &parts.keys {
            if key.values.len() != parts.attributes.len() {
                return Err("a key has another number of values than there are attributes");
            }
            for (value, used) in key.values.iter().zip(&mut attribute_used) {
                let at = *value as usize;
                let text = parts.dictionary.get(at).ok_or("a key names no value")?;
                value_used[at] = true;
                *used |= !text.as_str().is_empty();
            }
        }
        let mut key_used = vec![false; parts.keys.len()];
        for key in &parts.key_of {
            *key_used.get_mut(usize::from(*key)).ok_or("a line names no key")? = true;
        }
        if [value_used, attribute_used, key_used].iter().flatten().any(|used| !used) {
            return Err("a value, an attribute column or a key is not used");
        }
        let columns = parts.meter_columns.iter().chain(&parts.deduction_columns);
        for column in columns.clone().chain([&parts.gross]) {
            column.check(lines)?;
        }
        if columns.clone().any(Column::is_zero) {
            return Err("a meter or deduction column is all zero");
        }
        Ok(LineBlock(parts))
    }

    /// The parts, to read.
    pub fn parts(&self) -> &BlockParts {
        &self.0
    }

    /// The number of lines.
    pub fn lines(&self) -> usize {
        self.0.key_of.len()
    }

    /// The key at a position of the table, with its attributes by name; absent ones are left out.
    pub fn key(&self, at: usize) -> Option<LineKey> {
        let key = self.0.keys.get(at)?;
        let value = |at: u32| self.0.dictionary.get(at as usize).cloned().unwrap_or_default();
        let named = self.0.attributes.iter().cloned();
        let attributes = named.zip(key.values.iter().map(|at| value(*at)));
        Some(LineKey {
            day: key.day,
            currency: key.currency,
            attributes: attributes.filter(|(_, value)| !value.as_str().is_empty()).collect(),
        })
    }

    /// Adds the exact sums of the lines to `sums`.
    pub fn add_to(&self, sums: &mut UsageSums) {
        let keys = self.0.keys.len();
        let key_of = &self.0.key_of;
        let mut lines = vec![0u64; keys];
        for key in key_of {
            lines[usize::from(*key)] += 1;
        }
        let gross = self.0.gross.sums(key_of, keys);
        let named = |names: &[Name], columns: &[Column]| -> Vec<(Name, Vec<Sum>)> {
            let sums = columns.iter().map(|column| column.sums(key_of, keys));
            names.iter().cloned().zip(sums).collect()
        };
        let meters = named(&self.0.meters, &self.0.meter_columns);
        let deductions = named(&self.0.deductions, &self.0.deduction_columns);
        for at in 0..keys {
            let Some(key) = self.key(at) else { continue };
            let entry = sums.entry(key);
            entry.lines += lines[at];
            entry.gross.0 += gross[at].0;
            meters.iter().for_each(|(name, sums)| entry.add_meter(name, sums[at]));
            deductions.iter().for_each(|(name, sums)| entry.add_deduction(name, sums[at]));
        }
    }
}
