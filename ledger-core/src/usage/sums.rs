//! Exact sums of usage lines per day, attributes and currency: all that the state keeps of lines.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "rows of one table, whose columns have one length; fewer than 2^32 rows and texts"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::ser::Error;

use crate::usage::table::Table;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::OutOfBounds;
use crate::vocab::Value;
use crate::vocab::exact::Sum;

/// What usage lines that are summed together have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct LineKey {
    /// The usage day.
    pub day: Date,
    /// The currency of the amounts.
    pub currency: Currency,
    /// Attributes that are present, sorted by name.
    pub attributes: Vec<(Name, Value)>,
}

/// Exact sums over lines with one key.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LineSums {
    /// How many lines.
    pub lines: u64,
    /// Gross revenue.
    pub gross: Sum,
    /// Quantities by meter, sorted by name; absent is zero.
    pub meters: Vec<(Name, Sum)>,
    /// Deductions by kind, sorted by name; absent is zero.
    pub deductions: Vec<(Name, Sum)>,
}

/// Exact sums of a report's lines by key, in columns.
///
/// Tables that are added lie side by side and are made one when there are many: until then the
/// sums of a key are in several of them.
#[derive(Clone, Default)]
pub struct UsageSums {
    tables: Vec<Arc<Table>>,
    /// Rows of all tables but the first.
    added: usize,
    /// All tables as one, once that was asked for; `None` if they do not fit into one.
    merged: OnceLock<Option<Arc<Table>>>,
    /// See [`UsageSums::by_currency`].
    totals: OnceLock<BTreeMap<Currency, (LineSums, LineSums)>>,
}

/// Tables are made one when so many rows were added, and so many times those of the first table.
const MERGE_ROWS_MIN: usize = 1 << 18;
const MERGE_FACTOR: usize = 3;

impl LineKey {
    /// The value of an attribute; an absent one is the empty string.
    pub fn attribute(&self, name: &Name) -> &str {
        let found = self.attributes.iter().find(|(attribute, _)| attribute == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

fn add(sums: &mut Vec<(Name, Sum)>, name: &Name, sum: Sum) -> Result<(), OutOfBounds> {
    match sums.binary_search_by(|(known, _)| known.cmp(name)) {
        Ok(at) => sums[at].1 = sums[at].1.plus(sum)?,
        Err(at) => sums.insert(at, (name.clone(), sum)),
    }
    Ok(())
}

fn get(sums: &[(Name, Sum)], name: &Name) -> Sum {
    sums.iter().find(|(known, _)| known == name).map_or(Sum(0), |(_, sum)| *sum)
}

impl LineSums {
    /// Adds to a meter. Errors: [`OutOfBounds`].
    pub fn add_meter(&mut self, name: &Name, sum: Sum) -> Result<(), OutOfBounds> {
        add(&mut self.meters, name, sum)
    }

    /// Adds to a deduction. Errors: [`OutOfBounds`].
    pub fn add_deduction(&mut self, name: &Name, sum: Sum) -> Result<(), OutOfBounds> {
        add(&mut self.deductions, name, sum)
    }

    /// The quantity of a meter.
    pub fn meter(&self, name: &Name) -> Sum {
        get(&self.meters, name)
    }

    /// The amount of a deduction.
    pub fn deduction(&self, name: &Name) -> Sum {
        get(&self.deductions, name)
    }

    /// Adds other sums to these. Errors: [`OutOfBounds`].
    pub fn add(&mut self, other: &LineSums) -> Result<(), OutOfBounds> {
        self.lines = self.lines.checked_add(other.lines).ok_or(OutOfBounds)?;
        self.gross = self.gross.plus(other.gross)?;
        other.meters.iter().try_for_each(|(name, sum)| self.add_meter(name, *sum))?;
        other.deductions.iter().try_for_each(|(name, sum)| self.add_deduction(name, *sum))
    }
}

impl PartialEq for UsageSums {
    fn eq(&self, other: &UsageSums) -> bool {
        self.is_exact() == other.is_exact() && self.table() == other.table()
    }
}

impl Eq for UsageSums {}

/// What was asked before is of no interest.
impl fmt::Debug for UsageSums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UsageSums").field(self.table()).finish()
    }
}

/// As one table.
impl Serialize for UsageSums {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.is_exact() {
            true => self.table().serialize(serializer),
            false => Err(S::Error::custom("more keys than a table has")),
        }
    }
}

impl<'de> Deserialize<'de> for UsageSums {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UsageSums, D::Error> {
        Table::deserialize(deserializer).map(UsageSums::of_table)
    }
}

impl UsageSums {
    pub(super) fn of_table(table: Table) -> UsageSums {
        let mut sums = UsageSums::default();
        if table.rows() > 0 {
            sums.tables.push(Arc::new(table));
        }
        sums
    }

    /// The sums in one table; an empty one if they do not fit into one.
    pub(super) fn table(&self) -> &Table {
        static NO_TABLE: LazyLock<Table> = LazyLock::new(Table::default);
        match self.tables.as_slice() {
            [] => &NO_TABLE,
            [only] => only,
            tables => match self.merged.get_or_init(|| Table::merged(tables)) {
                Some(merged) => merged,
                None => &NO_TABLE,
            },
        }
    }

    /// Whether the sums are all there: a report has no more keys than 32 bits count.
    pub fn is_exact(&self) -> bool {
        self.table();
        self.merged.get().is_none_or(Option::is_some)
    }

    /// Keys and sums, in the order of keys. Each is made when its turn comes.
    pub fn iter(&self) -> impl Iterator<Item = (LineKey, LineSums)> {
        let table = self.table();
        (0..table.rows()).map(|row| (table.key(row), table.sums(row)))
    }

    /// The attributes that any key has, sorted.
    pub fn attributes(&self) -> &[Name] {
        &self.table().attributes
    }

    /// The number of distinct keys.
    pub fn keys(&self) -> usize {
        self.table().rows()
    }

    /// The number of lines.
    pub fn lines(&self) -> u64 {
        self.tables.iter().fold(0, |sum, table| sum.saturating_add(table.lines()))
    }

    /// Takes other sums in.
    pub fn append(&mut self, other: UsageSums) {
        let first = self.tables.is_empty();
        self.added +=
            other.tables.iter().skip(first.into()).map(|table| table.rows()).sum::<usize>();
        self.tables.extend(other.tables);
        self.merged = OnceLock::new();
        self.totals = OnceLock::new();
        let first = self.tables.first().map_or(0, |table| table.rows());
        if self.added >= MERGE_ROWS_MIN.max(MERGE_FACTOR * first) {
            self.merge();
        }
    }

    /// Adds other sums to these.
    pub fn add(&mut self, other: &UsageSums) {
        self.append(other.clone());
    }

    /// Makes all tables one.
    pub fn merge(&mut self) {
        self.table();
        if let Some(Some(merged)) = self.merged.get() {
            self.tables = vec![merged.clone()];
            self.merged = OnceLock::new();
            self.added = 0;
        }
    }

    /// All lines together, whatever their key. Errors: [`OutOfBounds`].
    pub fn total(&self) -> Result<LineSums, OutOfBounds> {
        let mut total = LineSums::default();
        self.by_currency().values().try_for_each(|(sums, _)| total.add(sums))?;
        Ok(total)
    }

    /// All lines of each currency together: their sums, and those of the absolute sums of each key.
    pub fn by_currency(&self) -> &BTreeMap<Currency, (LineSums, LineSums)> {
        self.totals.get_or_init(|| {
            let table = self.table();
            let of_rows = &table.keys.currencies;
            let currencies: Vec<Currency> =
                of_rows.iter().collect::<BTreeSet<_>>().into_iter().copied().collect();
            let place = |currency| currencies.binary_search(currency).unwrap_or_default() as u32;
            let group_of: Vec<u32> = of_rows.iter().map(place).collect();
            let sums = table.by_group(&group_of, currencies.len());
            currencies.into_iter().zip(sums).collect()
        })
    }
}
