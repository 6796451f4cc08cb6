//! Exact sums of usage lines per day, attributes and currency: all that the state keeps of lines.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Deserialize;
use serde::Serialize;

use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
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

/// Exact sums of a report's lines by key.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct UsageSums(BTreeMap<LineKey, LineSums>);

impl LineKey {
    /// The value of an attribute; an absent one is the empty string.
    pub fn attribute(&self, name: &Name) -> &str {
        let found = self.attributes.iter().find(|(attribute, _)| attribute == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

fn add(sums: &mut Vec<(Name, Sum)>, name: &Name, sum: Sum) {
    match sums.binary_search_by(|(known, _)| known.cmp(name)) {
        Ok(at) => sums[at].1 = sums[at].1.plus(sum),
        Err(at) => sums.insert(at, (name.clone(), sum)),
    }
}

fn get(sums: &[(Name, Sum)], name: &Name) -> Sum {
    sums.iter().find(|(known, _)| known == name).map_or(Sum(0), |(_, sum)| *sum)
}

impl LineSums {
    /// Adds to a meter.
    pub fn add_meter(&mut self, name: &Name, sum: Sum) {
        add(&mut self.meters, name, sum);
    }

    /// Adds to a deduction.
    pub fn add_deduction(&mut self, name: &Name, sum: Sum) {
        add(&mut self.deductions, name, sum);
    }

    /// The quantity of a meter.
    pub fn meter(&self, name: &Name) -> Sum {
        get(&self.meters, name)
    }

    /// The amount of a deduction.
    pub fn deduction(&self, name: &Name) -> Sum {
        get(&self.deductions, name)
    }

    /// Adds other sums to these.
    pub fn add(&mut self, other: &LineSums) {
        self.lines = self.lines.saturating_add(other.lines);
        self.gross = self.gross.plus(other.gross);
        other.meters.iter().for_each(|(name, sum)| self.add_meter(name, *sum));
        other.deductions.iter().for_each(|(name, sum)| self.add_deduction(name, *sum));
    }
}

impl UsageSums {
    /// The sums of a key, made if there are none.
    pub fn entry(&mut self, key: LineKey) -> &mut LineSums {
        self.0.entry(key).or_default()
    }

    /// The sums of a key.
    pub fn get(&self, key: &LineKey) -> Option<&LineSums> {
        self.0.get(key)
    }

    /// Keys and sums, in the order of keys.
    pub fn iter(&self) -> impl Iterator<Item = (&LineKey, &LineSums)> {
        self.0.iter()
    }

    /// The number of distinct keys.
    pub fn keys(&self) -> usize {
        self.0.len()
    }

    /// The number of lines.
    pub fn lines(&self) -> u64 {
        self.0.values().fold(0, |lines, sums| lines.saturating_add(sums.lines))
    }

    /// Takes other sums in.
    pub fn append(&mut self, other: UsageSums) {
        if self.0.is_empty() {
            *self = other;
            return;
        }
        for (key, sums) in other.0 {
            match self.0.entry(key) {
                Entry::Occupied(mut entry) => entry.get_mut().add(&sums),
                Entry::Vacant(entry) => {
                    entry.insert(sums);
                }
            }
        }
    }

    /// Adds other sums to these.
    pub fn add(&mut self, other: &UsageSums) {
        for (key, sums) in other.iter() {
            match self.0.get_mut(key) {
                Some(entry) => entry.add(sums),
                None => {
                    self.0.insert(key.clone(), sums.clone());
                }
            }
        }
    }

    /// All lines together, whatever their key.
    pub fn total(&self) -> LineSums {
        let mut total = LineSums::default();
        self.0.values().for_each(|sums| total.add(sums));
        total
    }
}
