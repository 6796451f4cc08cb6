//! Cells: sums over all keys that a reader does not tell apart.
//!
//! Terms read few of the attributes that lines have, and few of their values: a report with a key
//! for every customer has as many cells as one without customers. What is summed by cell is exact,
//! and what is asked about a cell is asked about every key in it.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "rows of one table, whose columns have one length; fewer than 2^32 rows and texts"
)]

use rustc_hash::FxHashMap;

use crate::usage::sums::LineKey;
use crate::usage::sums::LineSums;
use crate::usage::sums::UsageSums;
use crate::usage::table::Table;
use crate::usage::table::position;
use crate::vocab::Name;
use crate::vocab::Value;
use crate::vocab::exact::Sum;

/// What a reader can tell of the values of one attribute: it writes equal marks for values that
/// are the same to it. One that does not look at them has none.
pub type Marker<'a> = Box<dyn FnMut(&str, &mut Vec<u64>) + 'a>;

/// The sums of keys with one day and currency whose attributes a reader does not tell apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    /// One of the keys.
    pub key: LineKey,
    /// Cells of one class have attributes that are the same to the reader.
    pub class: u32,
    /// Exact sums over all keys.
    pub sums: LineSums,
    /// Sums of the absolute values by key: zero where no key has anything.
    pub absolute: LineSums,
}

impl Cell {
    /// Of a single key.
    pub fn of_key(key: LineKey, sums: LineSums) -> Cell {
        let absolute = |named: &[(Name, Sum)]| {
            named.iter().map(|(name, sum)| (name.clone(), Sum(sum.0.saturating_abs()))).collect()
        };
        let absolute = LineSums {
            lines: sums.lines,
            gross: Sum(sums.gross.0.saturating_abs()),
            meters: absolute(&sums.meters),
            deductions: absolute(&sums.deductions),
        };
        Cell { key, class: 0, sums, absolute }
    }
}

/// The classes of an attribute's values: by position of the text, from 1. Absence is class 0.
struct Classes {
    /// None if all of them are one class.
    of: Option<Vec<u32>>,
    /// A value of each class.
    values: Vec<Value>,
}

impl Classes {
    fn new(table: &Table, column: &[u32], marker: Option<Marker>) -> Classes {
        let value = |at: usize| Value::of_checked(table.texts.get(at).unwrap_or_default());
        let Some(mut marker) = marker else {
            let first = column.iter().find_map(|value| position(*value));
            return Classes { of: None, values: first.into_iter().map(value).collect() };
        };
        let mut is_used = vec![false; table.texts.len()];
        for at in column.iter().filter_map(|value| position(*value)) {
            if let Some(used) = is_used.get_mut(at) {
                *used = true;
            }
        }
        let mut numbers = FxHashMap::<Vec<u64>, u32>::default();
        let mut of = vec![0; table.texts.len()];
        let (mut values, mut marks) = (Vec::new(), Vec::new());
        for ((at, text), class) in table.texts.iter().enumerate().zip(&mut of) {
            if !is_used.get(at).copied().unwrap_or(false) {
                continue;
            }
            marks.clear();
            marker(text, &mut marks);
            *class = match numbers.get(marks.as_slice()) {
                Some(number) => *number,
                None => {
                    values.push(value(at));
                    numbers.insert(marks.clone(), values.len() as u32);
                    values.len() as u32
                }
            };
        }
        Classes { of: Some(of), values }
    }

    fn class(&self, value: u32) -> u32 {
        match (position(value), &self.of) {
            (None, _) => 0,
            (Some(_), None) => 1,
            (Some(at), Some(of)) => of.get(at).copied().unwrap_or(0),
        }
    }
}

/// Numbers for what comes again: pairs of numbers, in the order in which they were first seen.
#[derive(Default)]
struct Numbers {
    numbers: FxHashMap<(u32, u32), u32>,
    pairs: Vec<(u32, u32)>,
    last: Option<((u32, u32), u32)>,
}

impl Numbers {
    fn number(&mut self, pair: (u32, u32)) -> u32 {
        if let Some((last, number)) = self.last
            && last == pair
        {
            return number;
        }
        let number = *self.numbers.entry(pair).or_insert_with(|| {
            self.pairs.push(pair);
            self.pairs.len() as u32 - 1
        });
        self.last = Some((pair, number));
        number
    }
}

impl UsageSums {
    /// The cells of a reader, who says what is told apart of each attribute; in the order of their
    /// first keys.
    pub fn cells<'a>(&self, marker: impl Fn(&Name) -> Option<Marker<'a>>) -> Vec<Cell> {
        let table = self.table();
        // Per row, the number of its class: column by column, a pair of the class so far and that
        // of the value.
        let mut class_of = vec![0u32; table.rows()];
        let mut attributes: Vec<Vec<(Name, Value)>> = vec![Vec::new()];
        for (name, column) in table.attributes.iter().zip(&table.keys.values) {
            let classes = Classes::new(table, column, marker(name));
            let mut numbers = Numbers::default();
            for (class, value) in class_of.iter_mut().zip(column) {
                *class = numbers.number((*class, classes.class(*value)));
            }
            let named = |(before, class): &(u32, u32)| {
                let mut all = attributes.get(*before as usize).cloned().unwrap_or_default();
                let value = class.checked_sub(1).and_then(|at| classes.values.get(at as usize));
                all.extend(value.map(|value| (name.clone(), value.clone())));
                all
            };
            if !numbers.pairs.is_empty() {
                attributes = numbers.pairs.iter().map(named).collect();
            }
        }
        // Rows are sorted by day and currency.
        let mut numbers = Numbers::default();
        let mut firsts: Vec<usize> = Vec::new();
        let (mut stretch, mut last) = (0u32, None);
        let mut cell_of = class_of;
        for (row, class) in cell_of.iter_mut().enumerate() {
            let now = (table.keys.days[row], table.keys.currencies[row]);
            if last.is_some_and(|last| last != now) {
                stretch += 1;
            }
            last = Some(now);
            *class = numbers.number((stretch, *class));
            if *class as usize == firsts.len() {
                firsts.push(row);
            }
        }
        let sums = table.by_group(&cell_of, firsts.len());
        let cell = |((row, (_, class)), (sums, absolute)): ((&usize, &(u32, u32)), _)| Cell {
            key: LineKey {
                day: table.keys.days[*row],
                currency: table.keys.currencies[*row],
                attributes: attributes.get(*class as usize).cloned().unwrap_or_default(),
            },
            class: *class,
            sums,
            absolute,
        };
        firsts.iter().zip(&numbers.pairs).zip(sums).map(cell).collect()
    }
}
