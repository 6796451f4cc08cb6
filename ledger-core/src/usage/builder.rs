//! Builds blocks from lines, without an allocation per line.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "columns of one block, which have one length; a block has at most 65,536 lines and keys"
)]

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use rustc_hash::FxHashMap;

use crate::limits::BLOCK_LEN_TARGET;
use crate::limits::BLOCK_LINES_MAX;
use crate::usage::block::BlockKeys;
use crate::usage::block::BlockParts;
use crate::usage::block::LineBlock;
use crate::usage::column::Column;
use crate::usage::texts::Texts;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::Value;

/// A number as it was read: mantissa and scale, at most 15 integer and 12 fraction digits.
pub type Number = (i128, u32);

/// Collects the lines of one report and yields full blocks.
///
/// Keys are registered with [`BlockBuilder::key`]; lines refer to them. The order of lines is kept.
pub struct BlockBuilder {
    attributes: Vec<Name>,
    meters: Vec<Name>,
    deductions: Vec<Name>,
    /// The values of the report, and their numbers; the first is the empty one.
    values: Vec<Value>,
    numbers: FxHashMap<Value, u32>,
    /// Per value of the report, its position in the dictionary of the last block that has it.
    places: Vec<u32>,
    keys: BlockKeys,
    /// The numbers of the keys, each with the key's hash.
    found: HashTable<(u64, u32)>,
    /// Per key of the report, its position among the keys of the block under construction.
    in_block: Vec<Option<u32>>,
    block_keys: Vec<u32>,
    block_len: usize,
    key_of: Vec<u32>,
    /// Gross, then meters, then deductions.
    columns: Vec<Numbers>,
}

/// The number of the empty value, which says that an attribute is absent.
const NO_VALUE: u32 = 0;

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
            values: vec![Value::default()],
            numbers: FxHashMap::from_iter([(Value::default(), NO_VALUE)]),
            places: vec![0],
            keys: BlockKeys::default(),
            found: HashTable::new(),
            in_block: Vec::new(),
            block_keys: Vec::new(),
            block_len: 0,
            key_of: Vec::new(),
            columns: (0..columns).map(|_| Numbers::default()).collect(),
        }
    }

    /// The number of a key, with one value per attribute column. It is registered if it is new:
    /// then its number is the [count](BlockBuilder::keys) of those before it.
    pub fn key(&mut self, day: Date, currency: Currency, values: &[Value]) -> u32 {
        debug_assert_eq!(values.len(), self.attributes.len());
        let start = self.keys.values.len();
        for value in values {
            let number = match self.numbers.get(value) {
                Some(number) => *number,
                None => {
                    let number = self.values.len() as u32;
                    self.values.push(value.clone());
                    self.places.push(0);
                    self.numbers.insert(value.clone(), number);
                    number
                }
            };
            self.keys.values.push(number);
        }
        let BlockKeys { days, currencies, values } = &self.keys;
        let (known, new) = values.split_at(start);
        let is_same = |(_, number): &(u64, u32)| {
            let at = *number as usize;
            let of = &known[at * new.len()..(at + 1) * new.len()];
            days[at] == day && currencies[at] == currency && of == new
        };
        let hash = FxBuildHasher.hash_one((day, currency, new));
        if let Some((_, number)) = self.found.find(hash, is_same) {
            self.keys.values.truncate(start);
            return *number;
        }
        let number = self.keys();
        self.found.insert_unique(hash, (hash, number), |(hash, _)| *hash);
        self.keys.days.push(day);
        self.keys.currencies.push(currency);
        self.in_block.push(None);
        number
    }

    /// How many keys are registered.
    pub fn keys(&self) -> u32 {
        self.in_block.len() as u32
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
                let len = |value: &u32| self.values[*value as usize].as_str().len() + 8;
                self.block_len += 8 + self.values_of(key).iter().map(len).sum::<usize>();
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

    /// The numbers of a key's values.
    fn values_of(&self, key: u32) -> &[u32] {
        let width = self.attributes.len();
        &self.keys.values[key as usize * width..(key as usize + 1) * width]
    }

    /// The block of the lines since the last one; `None` if there are none.
    /// Errors: see [`LineBlock::new`].
    pub fn finish(&mut self) -> Result<Option<LineBlock>, &'static str> {
        if self.key_of.is_empty() {
            return Ok(None);
        }
        let is_present =
            |at: &usize| self.block_keys.iter().any(|key| self.values_of(*key)[*at] != NO_VALUE);
        let present: Vec<usize> = (0..self.attributes.len()).filter(is_present).collect();
        let dictionary = self.dictionary(&present);
        let mut order: Vec<u32> = (0..self.block_keys.len() as u32).collect();
        let placed = |key: u32| present.iter().map(move |at| (key, *at));
        let width = present.len();
        let values: Vec<u32> = self
            .block_keys
            .iter()
            .flat_map(|key| placed(*key))
            .map(|(key, at)| self.places[self.values_of(key)[at] as usize])
            .collect();
        let sort_key = |place: u32| {
            let (place, key) = (place as usize, self.block_keys[place as usize] as usize);
            let values = &values[place * width..(place + 1) * width];
            (self.keys.days[key], self.keys.currencies[key], values)
        };
        order.sort_unstable_by(|one, other| sort_key(*one).cmp(&sort_key(*other)));
        let mut keys = BlockKeys::default();
        let mut sorted_place = vec![0u16; order.len()];
        for (sorted, place) in order.iter().enumerate() {
            let (day, currency, values) = sort_key(*place);
            keys.days.push(day);
            keys.currencies.push(currency);
            keys.values.extend_from_slice(values);
            sorted_place[*place as usize] = sorted as u16;
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
            keys,
            key_of,
            gross,
            meter_columns,
            deduction_columns,
        };
        LineBlock::new(parts).map(Some)
    }

    /// Sorts the values that the keys of the block have in some columns, and notes their positions.
    fn dictionary(&mut self, columns: &[usize]) -> Texts {
        let mut used: Vec<u32> = Vec::new();
        for key in &self.block_keys {
            let values = self.values_of(*key);
            used.extend(columns.iter().map(|at| values[*at]));
        }
        used.sort_unstable();
        used.dedup();
        used.sort_unstable_by_key(|value| self.values[*value as usize].as_str());
        let mut dictionary = Texts::default();
        for value in used {
            self.places[value as usize] = dictionary.len() as u32;
            dictionary.push(self.values[value as usize].as_str());
        }
        dictionary
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
        let scale = self.scales.iter().copied().max().unwrap_or(0);
        if !self.align_short(scale) {
            self.widen();
            for (mantissa, own) in self.wide.iter_mut().zip(&self.scales) {
                *mantissa *= 10i128.pow(u32::from(scale - own));
            }
        }
        self.scales.clear();
        let (short, wide) = (std::mem::take(&mut self.short), std::mem::take(&mut self.wide));
        match wide.is_empty() {
            true => Column::canonical(scale, short),
            false => Column::canonical(scale, wide),
        }
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
