//! Table: the exact sums of lines by key, in columns.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "rows of one table, whose columns have one length; fewer than 2^32 rows and texts"
)]

use std::cmp::Ordering;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Deserialize;
use serde::Serialize;

use crate::limits::FRACTION_DIGITS_MAX;
use crate::usage::column::Column;
use crate::usage::column::Integer;
use crate::usage::column::Ints;
use crate::usage::column::with_ints;
use crate::usage::sums::LineKey;
use crate::usage::sums::LineSums;
use crate::usage::texts::Texts;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::Value;
use crate::vocab::exact::Sum;

/// Keys in their order, with one sum per key and column. There is one table for a set of keys and
/// sums.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Table {
    /// The attributes that any key has, sorted.
    pub(super) attributes: Vec<Name>,
    /// The values that any key has.
    pub(super) texts: Texts,
    pub(super) keys: Keys,
    /// Sorted by what they sum.
    pub(super) columns: Vec<(Summed, SumColumn)>,
}

/// The keys of a table.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Keys {
    pub(super) days: Vec<Date>,
    pub(super) currencies: Vec<Currency>,
    /// A column per attribute: [`ABSENT`] or [`ABSENT_BEFORE_OTHERS`] if the key does not have it,
    /// otherwise one more than the position of its value. Keys whose columns are compared as
    /// numbers then have the order of [`LineKey`].
    pub(super) values: Vec<Vec<u32>>,
}

/// The key does not have the attribute, nor any later one.
pub(super) const ABSENT: u32 = 0;
/// The key does not have the attribute, but a later one.
pub(super) const ABSENT_BEFORE_OTHERS: u32 = u32::MAX;

/// The position of the text that a key has; `None` if it has none.
pub(super) fn position(value: u32) -> Option<usize> {
    match value {
        ABSENT | ABSENT_BEFORE_OTHERS => None,
        present => Some(present as usize - 1),
    }
}

/// What a column sums.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) enum Summed {
    Lines,
    Gross,
    Meter(Name),
    Deduction(Name),
}

/// A column of sums, and the keys of which no block has the column. A sum of 0 is printed, one
/// that is absent is not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct SumColumn {
    pub(super) sums: Column,
    /// Empty if no key is.
    pub(super) absent: Vec<bool>,
}

/// The order of rows, and which of them have one key.
pub(super) struct Order {
    rows: Vec<u32>,
    /// Where each key begins in `rows`.
    starts: Vec<u32>,
}

impl Keys {
    /// The order of two rows, which is that of their keys.
    fn compare(&self, one: usize, other: usize) -> Ordering {
        let days = self.days[one].cmp(&self.days[other]);
        let currencies = || self.currencies[one].cmp(&self.currencies[other]);
        let mut values = self.values.iter().map(|column| column[one].cmp(&column[other]));
        let values = || values.find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        days.then_with(currencies).then_with(values)
    }

    /// Says which of the absent attributes come before others.
    fn mark_absent(&mut self) {
        let mut has_later = vec![false; self.days.len()];
        for column in self.values.iter_mut().rev() {
            for (value, has_later) in column.iter_mut().zip(&mut has_later) {
                *value = match position(*value) {
                    None if *has_later => ABSENT_BEFORE_OTHERS,
                    None => ABSENT,
                    Some(_) => *value,
                };
                *has_later |= position(*value).is_some();
            }
        }
    }

    /// Sorts the keys and leaves each out that is there already. Returns what that did to the rows;
    /// `None` if they were strictly sorted.
    pub(super) fn sort(&mut self) -> Option<Order> {
        self.mark_absent();
        let count = self.days.len();
        if (1..count).all(|row| self.compare(row - 1, row).is_lt()) {
            return None;
        }
        let mut rows: Vec<u32> = (0..count as u32).collect();
        // Sorted keys behind sorted keys: a stable sort merges them.
        rows.sort_by(|one, other| self.compare(*one as usize, *other as usize));
        let is_new = |at: &usize| {
            let row = |at: usize| rows[at] as usize;
            *at == 0 || self.compare(row(*at - 1), row(*at)).is_ne()
        };
        let starts: Vec<u32> = (0..count).filter(is_new).map(|at| at as u32).collect();
        fn take<T: Copy>(column: &mut Vec<T>, rows: &[u32], starts: &[u32]) {
            *column = starts.iter().map(|start| column[rows[*start as usize] as usize]).collect();
        }
        take(&mut self.days, &rows, &starts);
        take(&mut self.currencies, &rows, &starts);
        self.values.iter_mut().for_each(|column| take(column, &rows, &starts));
        Some(Order { rows, starts })
    }
}

impl Order {
    /// The rows of each key, in the order of keys.
    fn groups(&self) -> impl Iterator<Item = &[u32]> {
        let ends = self.starts.iter().skip(1).copied().chain([self.rows.len() as u32]);
        self.starts.iter().zip(ends).map(|(start, end)| &self.rows[*start as usize..end as usize])
    }

    /// Rows of a block, by their position after the sort.
    pub(super) fn renumbered(&self, rows: &[u16]) -> Vec<u16> {
        let mut places = vec![0; self.rows.len()];
        for (place, rows) in self.groups().enumerate() {
            rows.iter().for_each(|row| places[*row as usize] = place as u16);
        }
        rows.iter().map(|row| places[usize::from(*row)]).collect()
    }
}

impl SumColumn {
    /// Columns of several tables one behind the other, or how many keys do not have it; sorted and
    /// added up by an order. `None` if a sum does not fit: see [`crate::limits`].
    fn merged(columns: &[Result<&SumColumn, usize>], order: Option<&Order>) -> Option<SumColumn> {
        let short = SumColumn::added_up::<i64>(columns, order);
        let sums = short.or_else(|| SumColumn::added_up::<i128>(columns, order))?;
        let mut absent = Vec::new();
        if columns.iter().any(|column| column.map_or(true, |column| !column.absent.is_empty())) {
            for column in columns {
                match column {
                    Err(rows) => absent.resize(absent.len() + rows, true),
                    Ok(SumColumn { absent: none, sums }) if none.is_empty() => {
                        absent.resize(absent.len() + sums.ints.len(), false);
                    }
                    Ok(column) => absent.extend(&column.absent),
                }
            }
            if let Some(order) = order {
                let is_absent = |rows: &[u32]| rows.iter().all(|row| absent[*row as usize]);
                absent = order.groups().map(is_absent).collect();
            }
            if !absent.contains(&true) {
                absent = Vec::new();
            }
        }
        Some(SumColumn { sums, absent })
    }

    /// The sums in integers of one width; `None` if one does not fit.
    fn added_up<T: Integer>(
        columns: &[Result<&SumColumn, usize>],
        order: Option<&Order>,
    ) -> Option<Column> {
        let scale = columns.iter().flatten().map(|column| column.sums.scale).max().unwrap_or(0);
        let rows =
            columns.iter().map(|one| one.map_or_else(|rows| rows, |one| one.sums.ints.len()));
        let mut all: Vec<T> = Vec::with_capacity(rows.sum());
        for column in columns {
            match column {
                Err(rows) => all.resize(all.len() + rows, T::zero()),
                Ok(SumColumn { sums, .. }) => {
                    let unit: T = num_traits::cast(10i128.pow(u32::from(scale - sums.scale)))?;
                    with_ints!(&sums.ints, ints => {
                        for int in ints {
                            all.push(num_traits::cast::<_, T>(*int)?.checked_mul(&unit)?);
                        }
                    });
                }
            }
        }
        if let Some(order) = order {
            let add = |sum: T, row: &u32| sum.checked_add(&all[*row as usize]);
            let sums = order.groups().map(|rows| rows.iter().try_fold(T::zero(), add));
            all = sums.collect::<Option<_>>()?;
        }
        Some(Column::canonical(scale, all))
    }

    /// The sum of a row; `None` if it is absent.
    fn sum(&self, row: usize) -> Option<i128> {
        let is_absent = self.absent.get(row).copied().unwrap_or(false);
        self.sums.ints.get(row).filter(|_| !is_absent)
    }

    /// Adds the sums of the rows of each group, and their absolute values; absent if all are.
    #[expect(clippy::useless_conversion, reason = "the widest integers need none")]
    fn by_group(&self, group_of: &[u32], groups: usize) -> Vec<Option<(i128, i128)>> {
        let mut sums = vec![(0i128, 0i128); groups];
        let mut is_there = vec![self.absent.is_empty(); groups];
        with_ints!(&self.sums.ints, ints => {
            for (int, group) in ints.iter().zip(group_of) {
                let int = i128::from(*int);
                let (sum, absolute) = &mut sums[*group as usize];
                *sum += int;
                *absolute += int.abs();
            }
        });
        for (is_absent, group) in self.absent.iter().zip(group_of) {
            is_there[*group as usize] |= !is_absent;
        }
        sums.into_iter().zip(is_there).map(|(sums, is_there)| is_there.then_some(sums)).collect()
    }
}

impl LineSums {
    /// Takes in a sum of a column of a scale. Columns come in their order.
    fn put(&mut self, of: &Summed, sum: i128, scale: u8) {
        let amount = Sum(sum * 10i128.pow(FRACTION_DIGITS_MAX - u32::from(scale)));
        match of {
            Summed::Lines => self.lines = sum as u64,
            Summed::Gross => self.gross = amount,
            Summed::Meter(name) => self.meters.push((name.clone(), amount)),
            Summed::Deduction(name) => self.deductions.push((name.clone(), amount)),
        }
    }
}

impl Table {
    /// How many keys.
    pub(super) fn rows(&self) -> usize {
        self.keys.days.len()
    }

    /// The key of a row.
    pub(super) fn key(&self, row: usize) -> LineKey {
        let columns = self.attributes.iter().zip(&self.keys.values);
        let attributes = columns.filter_map(|(name, column)| {
            let text = self.texts.get(position(column[row])?)?;
            Some((name.clone(), Value::of_checked(text)))
        });
        LineKey {
            day: self.keys.days[row],
            currency: self.keys.currencies[row],
            attributes: attributes.collect(),
        }
    }

    /// The sums of a row.
    pub(super) fn sums(&self, row: usize) -> LineSums {
        let mut sums = LineSums::default();
        for (of, column) in &self.columns {
            if let Some(sum) = column.sum(row) {
                sums.put(of, sum, column.sums.scale);
            }
        }
        sums
    }

    /// The sums of the rows of each group, and the sums of their absolute values.
    pub(super) fn by_group(&self, group_of: &[u32], groups: usize) -> Vec<(LineSums, LineSums)> {
        let mut all = vec![(LineSums::default(), LineSums::default()); groups];
        for (of, column) in &self.columns {
            let sums = column.by_group(group_of, groups);
            for ((group, absolutes), sums) in all.iter_mut().zip(sums) {
                if let Some((sum, absolute)) = sums {
                    group.put(of, sum, column.sums.scale);
                    absolutes.put(of, absolute, column.sums.scale);
                }
            }
        }
        all
    }

    /// The column of a sum, or the number of rows that do not have it.
    fn column(&self, of: &Summed) -> Result<&SumColumn, usize> {
        let found = self.columns.iter().find(|(other, _)| other == of);
        found.map(|(_, column)| column).ok_or(self.rows())
    }

    /// How many lines.
    pub(super) fn lines(&self) -> u64 {
        let Ok(SumColumn { sums, .. }) = self.column(&Summed::Lines) else { return 0 };
        with_ints!(&sums.ints, ints => ints.iter().map(|int| *int as u64).sum())
    }

    /// The sums of several tables. `None` if there are more than 2^32 keys or values.
    pub(super) fn merged(tables: &[Arc<Table>]) -> Option<Arc<Table>> {
        let rows: usize = tables.iter().map(|table| table.rows()).sum();
        u32::try_from(rows).ok()?;
        let mut attributes: Vec<&Name> =
            tables.iter().flat_map(|table| &table.attributes).collect();
        attributes.sort_unstable();
        attributes.dedup();
        let texts: Vec<&Texts> = tables.iter().map(|table| &table.texts).collect();
        let (texts, maps) = Texts::merged(&texts)?;
        let values_of = |name: &&Name| {
            let mut column = Vec::with_capacity(rows);
            for (table, map) in tables.iter().zip(&maps) {
                let new = |value: &u32| match position(*value) {
                    None => ABSENT,
                    Some(at) => map[at] + 1,
                };
                match table.attributes.binary_search(name) {
                    Ok(at) => column.extend(table.keys.values[at].iter().map(new)),
                    Err(_) => column.resize(column.len() + table.rows(), ABSENT),
                }
            }
            column
        };
        let mut keys = Keys {
            days: tables.iter().flat_map(|table| &table.keys.days).copied().collect(),
            currencies: tables.iter().flat_map(|table| &table.keys.currencies).copied().collect(),
            values: attributes.iter().map(values_of).collect(),
        };
        drop(maps);
        let order = keys.sort();
        let mut summed: Vec<&Summed> =
            tables.iter().flat_map(|table| &table.columns).map(|(of, _)| of).collect();
        summed.sort_unstable();
        summed.dedup();
        let column = |of: &&Summed| {
            let columns: Vec<_> = tables.iter().map(|table| table.column(of)).collect();
            Some(((*of).clone(), SumColumn::merged(&columns, order.as_ref())?))
        };
        Some(Arc::new(Table {
            attributes: attributes.into_iter().cloned().collect(),
            texts,
            keys,
            columns: summed.par_iter().map(column).collect::<Option<_>>()?,
        }))
    }
}
