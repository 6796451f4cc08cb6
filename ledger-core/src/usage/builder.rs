//! Builds blocks from lines, without an allocation per line.

use std::ops::DivAssign;
use std::ops::Rem;

use crate::limits::BLOCK_LEN_TARGET;
use crate::limits::BLOCK_LINES_MAX;
use crate::usage::block::BlockKey;
use crate::usage::block::BlockParts;
use crate::usage::block::Column;
use crate::usage::block::Ints;
use crate::usage::block::LineBlock;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::Value;

/// A number as it was read: mantissa and scale, at most 15 integer and 12 fraction digits.
pub type Number = (i128, u32);

/// Collects the lines of one report and yields full blocks.
///
/// Keys are registered once per report with [`BlockBuilder::key`]; lines refer to them. The order
/// of lines is kept.
pub struct BlockBuilder {
    attributes: Vec<Name>,
    meters: Vec<Name>,
    deductions: Vec<Name>,
    keys: Vec<ReportKey>,
    /// Per key of the report, its position among the keys of the block under construction.
    in_block: Vec<Option<u32>>,
    block_keys: Vec<u32>,
    block_len: usize,
    key_of: Vec<u32>,
    /// Gross, then meters, then deductions.
    columns: Vec<Numbers>,
}

struct ReportKey {
    day: Date,
    currency: Currency,
    values: Vec<Value>,
}

/// The numbers of a column. Up to 64 bits each they are kept as such, which is half the memory and
/// what reports mostly hold.
#[derive(Default)]
struct Numbers {
    short: Vec<i64>,
    /// All of them, once one was longer.
    wide: Vec<i128>,
    scales: Vec<u8>,
}

impl BlockBuilder {
    /// For a report with these columns; each list must be strictly sorted.
    pub fn new(attributes: Vec<Name>, meters: Vec<Name>, deductions: Vec<Name>) -> BlockBuilder {
        let columns = 1 + meters.len() + deductions.len();
        BlockBuilder {
            attributes,
            meters,
            deductions,
            keys: Vec::new(),
            in_block: Vec::new(),
            block_keys: Vec::new(),
            block_len: 0,
            key_of: Vec::new(),
            columns: (0..columns).map(|_| Numbers::default()).collect(),
        }
    }

    /// Registers a key of the report, one value per attribute column, and returns its number.
    /// The caller registers each key once.
    pub fn key(&mut self, day: Date, currency: Currency, values: Vec<Value>) -> u32 {
        debug_assert_eq!(values.len(), self.attributes.len());
        self.keys.push(ReportKey { day, currency, values });
        self.in_block.push(None);
        (self.keys.len() - 1) as u32
    }

    /// Adds a line: its key, gross, one number per meter and per deduction. Yields a block when
    /// one is full. Errors: see [`LineBlock::new`], for numbers out of bounds.
    pub fn line(
        &mut self,
        key: u32,
        gross: Number,
        meters: &[Number],
        deductions: &[Number],
    ) -> Result<Option<LineBlock>, &'static str> {
        debug_assert_eq!(1 + meters.len() + deductions.len(), self.columns.len());
        let at = match self.in_block[key as usize] {
            Some(at) => at,
            None => {
                let at = self.block_keys.len() as u32;
                let values = &self.keys[key as usize].values;
                self.block_len += 8 + values.iter().map(|v| v.as_str().len() + 8).sum::<usize>();
                self.block_keys.push(key);
                self.in_block[key as usize] = Some(at);
                at
            }
        };
        self.key_of.push(at);
        let numbers = std::iter::once(&gross).chain(meters).chain(deductions);
        for (column, (mantissa, scale)) in self.columns.iter_mut().zip(numbers) {
            column.push(*mantissa, *scale);
        }
        let full = self.key_of.len() == BLOCK_LINES_MAX || self.block_len >= BLOCK_LEN_TARGET;
        if full { self.finish() } else { Ok(None) }
    }

    /// The block of the lines since the last one; `None` if there are none.
    /// Errors: see [`LineBlock::new`].
    pub fn finish(&mut self) -> Result<Option<LineBlock>, &'static str> {
        if self.key_of.is_empty() {
            return Ok(None);
        }
        let used: Vec<&ReportKey> =
            self.block_keys.iter().map(|key| &self.keys[*key as usize]).collect();
        let present: Vec<usize> = (0..self.attributes.len())
            .filter(|&at| used.iter().any(|key| !key.values[at].as_str().is_empty()))
            .collect();
        let mut dictionary: Vec<Value> =
            used.iter().flat_map(|key| present.iter().map(|&at| key.values[at].clone())).collect();
        dictionary.sort();
        dictionary.dedup();
        let mut keys: Vec<(BlockKey, usize)> = used
            .iter()
            .enumerate()
            .map(|(place, key)| {
                let value = |&at: &usize| {
                    dictionary.binary_search(&key.values[at]).unwrap_or_default() as u32
                };
                let values = present.iter().map(value).collect();
                (BlockKey { day: key.day, currency: key.currency, values }, place)
            })
            .collect();
        keys.sort();
        let mut sorted_place = vec![0u16; keys.len()];
        for (sorted, (_, place)) in keys.iter().enumerate() {
            sorted_place[*place] = sorted as u16;
        }
        let key_of = self.key_of.drain(..).map(|at| sorted_place[at as usize]).collect();
        let mut columns = self.columns.iter_mut().map(Numbers::column);
        let Some(gross) = columns.next() else {
            return Ok(None);
        };
        let mut keep = |names: &[Name]| -> (Vec<Name>, Vec<Column>) {
            let taken: Vec<Column> = columns.by_ref().take(names.len()).collect();
            let nonzero =
                |column: &Column| (0..column.ints.len()).any(|at| column.ints.get(at) != Some(0));
            names.iter().cloned().zip(taken).filter(|(_, column)| nonzero(column)).unzip()
        };
        let (meters, meter_columns) = keep(&self.meters);
        let (deductions, deduction_columns) = keep(&self.deductions);
        for key in self.block_keys.drain(..) {
            self.in_block[key as usize] = None;
        }
        self.block_len = 0;
        let parts = BlockParts {
            attributes: present.iter().map(|&at| self.attributes[at].clone()).collect(),
            meters,
            deductions,
            dictionary,
            keys: keys.into_iter().map(|(key, _)| key).collect(),
            key_of,
            gross,
            meter_columns,
            deduction_columns,
        };
        LineBlock::new(parts).map(Some)
    }
}

impl Numbers {
    fn push(&mut self, mantissa: i128, scale: u32) {
        self.scales.push(scale as u8);
        match i64::try_from(mantissa) {
            Ok(short) if self.wide.is_empty() => self.short.push(short),
            _ => {
                self.widen();
                self.wide.push(mantissa);
            }
        }
    }

    fn widen(&mut self) {
        self.wide.extend(self.short.drain(..).map(i128::from));
    }

    /// The column of the numbers so far, emptied for the next block.
    fn column(&mut self) -> Column {
        let mut scale = self.scales.iter().copied().max().unwrap_or(0);
        if !self.align_short(scale) {
            self.widen();
            for (mantissa, own) in self.wide.iter_mut().zip(&self.scales) {
                *mantissa *= 10i128.pow(u32::from(scale - own));
            }
        }
        self.scales.clear();
        let ints = match self.wide.is_empty() {
            true => {
                reduce(&mut self.short, &mut scale);
                ints_of(&self.short)
            }
            false => {
                reduce(&mut self.wide, &mut scale);
                ints_of(&self.wide)
            }
        };
        self.short.clear();
        self.wide.clear();
        Column { scale, ints }
    }

    /// Brings short numbers to one scale; false if there are others, or one would be too long.
    fn align_short(&mut self, scale: u8) -> bool {
        if !self.wide.is_empty() {
            return false;
        }
        if self.scales.iter().all(|own| *own == scale) {
            return true;
        }
        let aligned = |(mantissa, own): (&i64, &u8)| {
            10i64.checked_pow(u32::from(scale - own)).and_then(|unit| mantissa.checked_mul(unit))
        };
        let aligned: Option<Vec<i64>> = self.short.iter().zip(&self.scales).map(aligned).collect();
        let fits = aligned.is_some();
        self.short = aligned.unwrap_or_else(|| std::mem::take(&mut self.short));
        fits
    }
}

/// Takes away fraction digits that no number needs.
fn reduce<T: Copy + From<i8> + PartialEq + Rem<Output = T> + DivAssign>(
    ints: &mut [T],
    scale: &mut u8,
) {
    let (zero, ten) = (T::from(0), T::from(10));
    while *scale > 0 && ints.iter().all(|int| *int % ten == zero) {
        ints.iter_mut().for_each(|int| *int /= ten);
        *scale -= 1;
    }
}

/// The integers in the smallest width that holds all of them.
fn ints_of<T: Copy + Ord + Into<i128> + Narrow>(ints: &[T]) -> Ints {
    let min = ints.iter().copied().min().map_or(0, Into::into);
    let max = ints.iter().copied().max().map_or(0, Into::into);
    // The width was chosen so that no integer is cut.
    match Ints::width_for(min, max) {
        1 => Ints::I8(ints.iter().map(|int| int.narrow() as i8).collect()),
        2 => Ints::I16(ints.iter().map(|int| int.narrow() as i16).collect()),
        4 => Ints::I32(ints.iter().map(|int| int.narrow() as i32).collect()),
        8 => Ints::I64(ints.iter().map(|int| int.narrow()).collect()),
        _ => Ints::I128(ints.iter().map(|int| (*int).into()).collect()),
    }
}

/// An integer's lowest 64 bits.
trait Narrow {
    fn narrow(&self) -> i64;
}

impl Narrow for i64 {
    fn narrow(&self) -> i64 {
        *self
    }
}

impl Narrow for i128 {
    fn narrow(&self) -> i64 {
        *self as i64
    }
}
