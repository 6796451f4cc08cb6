//! A block of usage lines: columns of integers over a dictionary of keys.
//!
//! A block holds up to 65,536 lines of one report. Everything that lines have in common (day,
//! currency, attributes) lies once in a sorted table of keys; a line is an index into it and one
//! integer per column. There is exactly one block for a sequence of lines: [`LineBlock::new`]
//! refuses every other arrangement, so that one value has one encoding.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "columns of one block, which have one length; a block has at most 65,536 lines and keys"
)]

use std::borrow::Cow;

use crate::limits::ATTRIBUTES_MAX;
use crate::limits::BLOCK_LINES_MAX;
use crate::limits::DEDUCTIONS_MAX;
use crate::limits::METERS_MAX;
use crate::usage::column::Column;
use crate::usage::sums::LineKey;
use crate::usage::sums::UsageSums;
use crate::usage::table::Keys;
use crate::usage::table::SumColumn;
use crate::usage::table::Summed;
use crate::usage::table::Table;
use crate::usage::texts::Texts;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::Value;

/// What lines have in common, one after another.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BlockKeys {
    /// The usage days.
    pub days: Vec<Date>,
    /// The currencies of the lines' amounts.
    pub currencies: Vec<Currency>,
    /// Per key, one position in the dictionary for each attribute column.
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
    pub dictionary: Texts,
    /// Keys, strictly sorted; each is used by a line.
    pub keys: BlockKeys,
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
            || !parts.dictionary.is_strictly_sorted()
            || !parts.keys.is_strictly_sorted(parts.attributes.len())
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
        // Texts are sorted: only the first can be empty.
        let absent = parts.absent();
        for values in parts.keys.values.chunks(parts.attributes.len().max(1)) {
            for (value, used) in values.iter().zip(&mut attribute_used) {
                *value_used.get_mut(*value as usize).ok_or("a key names no value")? = true;
                *used |= Some(*value) != absent;
            }
        }
        let mut key_used = vec![false; parts.keys.days.len()];
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
        let BlockParts { keys, attributes, dictionary, .. } = &self.0;
        let (day, currency) = (*keys.days.get(at)?, *keys.currencies.get(at)?);
        let values = keys.values.get(at * attributes.len()..(at + 1) * attributes.len())?;
        let value = |at: &u32| Value::of_checked(dictionary.get(*at as usize).unwrap_or_default());
        let attributes = attributes.iter().cloned().zip(values.iter().map(value));
        Some(LineKey {
            day,
            currency,
            attributes: attributes.filter(|(_, value)| !value.as_str().is_empty()).collect(),
        })
    }

    /// The exact sums of the lines.
    pub fn sums(&self) -> UsageSums {
        UsageSums::of_table(self.table())
    }

    /// Adds the exact sums of the lines to `sums`.
    pub fn add_to(&self, sums: &mut UsageSums) {
        sums.append(self.sums());
    }

    fn table(&self) -> Table {
        let BlockParts { keys, key_of, attributes, dictionary, .. } = &self.0;
        let count = keys.days.len();
        let mut texts = Texts::with_capacity(dictionary.len(), dictionary.bytes());
        dictionary.iter().filter(|text| !text.is_empty()).for_each(|text| texts.push(text));
        // Without an empty text all positions are one higher than in the block.
        let raised = u32::from(self.0.absent().is_none());
        let width = attributes.len();
        let column = |at: usize| {
            let values = keys.values.iter().skip(at).step_by(width.max(1));
            values.map(|value| value + raised).collect()
        };
        let mut keys = Keys {
            days: keys.days.clone(),
            currencies: keys.currencies.clone(),
            values: (0..width).map(column).collect(),
        };
        let order = keys.sort();
        let key_of = order.map_or(Cow::from(key_of), |order| order.renumbered(key_of).into());
        let mut lines = vec![0i64; count];
        for key in &*key_of {
            lines[usize::from(*key)] += 1;
        }
        let sums = |column: &Column| column.sums(&key_of, count);
        let lines = [(Summed::Lines, Column::canonical(0, lines))];
        let gross = [(Summed::Gross, sums(&self.0.gross))];
        let meters = self.0.meters.iter().cloned().map(Summed::Meter);
        let meters = meters.zip(self.0.meter_columns.iter().map(sums));
        let deductions = self.0.deductions.iter().cloned().map(Summed::Deduction);
        let deductions = deductions.zip(self.0.deduction_columns.iter().map(sums));
        let columns = lines.into_iter().chain(gross).chain(meters).chain(deductions);
        let columns = columns.map(|(of, sums)| (of, SumColumn { sums, absent: Vec::new() }));
        Table { attributes: attributes.clone(), texts, columns: columns.collect(), keys }
    }
}

impl BlockParts {
    /// The position of the empty text in the dictionary, which says that an attribute is absent.
    fn absent(&self) -> Option<u32> {
        self.dictionary.get(0).filter(|text| text.is_empty()).map(|_| 0)
    }
}

impl BlockKeys {
    /// Whether each key of so many attributes is greater than the one before it, and all are there.
    fn is_strictly_sorted(&self, attributes: usize) -> bool {
        let count = self.days.len();
        let values = |at: usize| self.values.get(at * attributes..(at + 1) * attributes);
        let key = |at: usize| (self.days.get(at), self.currencies.get(at), values(at));
        self.currencies.len() == count
            && count.checked_mul(attributes) == Some(self.values.len())
            && (1..count).all(|at| key(at - 1) < key(at))
    }
}
