//! Groups: the exact sums of the lines that are rated alike in one period, and their base.

#![expect(
    clippy::indexing_slicing,
    reason = "numbers of clauses and stretches that the terms themselves gave"
)]

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use serde::Deserialize;
use serde::Serialize;

use crate::terms::BaseFrom;
use crate::terms::Clauses;
use crate::terms::Measure;
use crate::terms::Stretch;
use crate::terms::Terms;
use crate::terms::Tiers;
use crate::terms::ValueMemo;
use crate::terms::Versions;
use crate::terms::marker;
use crate::usage::Cell;
use crate::usage::LineKey;
use crate::usage::LineSums;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::OutOfBounds;
use crate::vocab::Period;
use crate::vocab::Value;
use crate::vocab::exact;

/// What the lines of a group have in common. Groups enter a tier in the order of their keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct GroupKey {
    /// The stretch of the period, from 0.
    pub stretch: usize,
    /// The position of the rule in the terms of that stretch.
    pub rule: usize,
    /// The currency of the lines.
    pub currency: Currency,
    /// The exclusivities and contributions in force on their days, in the order of the terms.
    pub modifiers: Vec<Id>,
}

/// The exact sums of a group's lines.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct GroupSums {
    /// Lines, gross, meters and deductions, as reported.
    pub lines: LineSums,
    /// Quantities times the price list, where the terms take the base from it.
    pub priced: Option<Exact>,
}

/// The groups of a period, in the order in which they are rated.
pub type PeriodGroups = BTreeMap<GroupKey, GroupSums>;

impl GroupSums {
    /// Adds other sums to these. Errors: [`OutOfBounds`].
    pub(crate) fn add(&mut self, other: &GroupSums) -> Result<(), OutOfBounds> {
        if let Some(priced) = &other.priced {
            *self.priced.get_or_insert_with(Exact::zero) += priced;
        }
        self.lines.add(&other.lines)
    }
}

/// An accepted contribution: the days on which it is open.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenContribution {
    /// The clause that it was claimed under.
    pub clause: Id,
    /// First day.
    pub from: Date,
    /// First day after it, if it ended.
    pub to: Option<Date>,
}

/// Days from one to before another; without an end, all later ones.
type Interval = (Date, Option<Date>);

/// The same days as intervals that do not touch, in order. Empty ones are left out.
fn merged(mut days: Vec<Interval>) -> Vec<Interval> {
    days.retain(|(from, to)| to.is_none_or(|to| *from < to));
    days.sort_by_key(|(from, _)| *from);
    let mut merged: Vec<Interval> = Vec::with_capacity(days.len());
    for (from, to) in days {
        match merged.last_mut() {
            Some((_, end)) if end.is_none_or(|end| from <= end) => {
                *end = end.zip(to).map(|(end, to)| end.max(to));
            }
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// Whether any of these intervals covers a day.
fn is_open(intervals: Option<&Vec<Interval>>, day: Date) -> bool {
    let intervals = intervals.map_or(&[][..], Vec::as_slice);
    let begun = intervals.partition_point(|(from, _)| *from <= day);
    let last = begun.checked_sub(1).and_then(|at| intervals.get(at));
    last.is_some_and(|(_, to)| to.is_none_or(|to| day < to))
}

/// Why a line cannot be rated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unrated {
    /// Its day is in no stretch of the period.
    Day,
    /// No rule matches it.
    Rule,
    /// A quantity of a priced meter has no price.
    Price,
    /// With it the sums of its group leave 128 bits, which the bounds of a ledger exclude.
    OutOfBounds,
}

/// What terms say about lines with the same attributes, worked out once.
struct Profile {
    rule: Option<usize>,
    exclusivities: Vec<usize>,
    contributions: Vec<usize>,
    /// The clauses that hold, prices among them.
    holding: Clauses,
}

/// Profiles by version and class of attributes.
#[derive(Default)]
struct Profiles {
    by_class: FxHashMap<(usize, u32), Profile>,
    memos: BTreeMap<usize, ValueMemo>,
}

/// Sums lines into the groups of a period, under given versions and contributions.
pub struct Grouping<'a> {
    versions: &'a Versions,
    contributions: BTreeMap<&'a Id, Vec<Interval>>,
    stretches: Vec<Stretch>,
}

impl<'a> Grouping<'a> {
    /// For the lines of a period.
    pub fn new(
        versions: &'a Versions,
        contributions: &'a [OpenContribution],
        period: Period,
    ) -> Grouping<'a> {
        let stretches = versions.stretches(period);
        let mut open: BTreeMap<&Id, Vec<Interval>> = BTreeMap::new();
        for one in contributions {
            open.entry(&one.clause).or_default().push((one.from, one.to));
        }
        let contributions = open.into_iter().map(|(id, days)| (id, merged(days))).collect();
        Grouping { versions, contributions, stretches }
    }

    /// The cells of usage that the terms of the period tell apart.
    fn cells(&self, usage: &UsageSums) -> Vec<Cell> {
        let of = |stretch: &Stretch| &self.versions.get(stretch.version).terms;
        usage.cells(|attribute| marker(self.stretches.iter().map(of), attribute))
    }

    /// The group of a cell, and its priced gross where the base is priced.
    fn place(
        &self,
        profiles: &mut Profiles,
        cell: &Cell,
    ) -> Result<(GroupKey, Option<Exact>), Unrated> {
        let key = &cell.key;
        let found = self.stretches.iter().position(|s| s.from <= key.day && key.day < s.to);
        let stretch = found.ok_or(Unrated::Day)?;
        let version = self.stretches[stretch].version;
        let terms = &self.versions.get(version).terms;
        let Profiles { by_class, memos } = profiles;
        let profile = by_class.entry((version, cell.class)).or_insert_with(|| {
            Profile::of(terms, &key.attributes, memos.entry(version).or_default())
        });
        let rule = profile.rule.ok_or(Unrated::Rule)?;
        let mut modifiers = Vec::new();
        for one in profile.exclusivities.iter().map(|at| &terms.exclusivities[*at]) {
            if one.from <= key.day && one.to.is_none_or(|to| key.day < to) {
                modifiers.push(one.id.clone());
            }
        }
        for one in profile.contributions.iter().map(|at| &terms.contributions[*at]) {
            if is_open(self.contributions.get(&one.id), key.day) {
                modifiers.push(one.id.clone());
            }
        }
        let priced = match terms.base_from {
            BaseFrom::Gross => None,
            BaseFrom::Priced => Some(profile.priced(terms, cell)?),
        };
        Ok((GroupKey { stretch, rule, currency: key.currency, modifiers }, priced))
    }

    /// The cells of usage whose base is taken from the price list, with what that comes to.
    /// Cells that cannot be rated are left out.
    pub fn priced(&self, usage: &UsageSums) -> Vec<(Cell, Exact)> {
        let mut profiles = Profiles::default();
        let priced = |cell: Cell| match self.place(&mut profiles, &cell) {
            Ok((_, Some(priced))) => Some((cell, priced)),
            _ => None,
        };
        self.cells(usage).into_iter().filter_map(priced).collect()
    }

    /// Adds the lines of a report to the groups of its period. `Err` holds the first key that
    /// cannot be rated, and why.
    pub fn add(
        &self,
        groups: &mut PeriodGroups,
        usage: &UsageSums,
    ) -> Result<(), (LineKey, Unrated)> {
        let mut profiles = Profiles::default();
        for cell in self.cells(usage) {
            let (group, priced) = match self.place(&mut profiles, &cell) {
                Ok(placed) => placed,
                Err(why) => return Err(self.first_unrated(usage).unwrap_or((cell.key, why))),
            };
            let sums = GroupSums { lines: cell.sums, priced };
            if groups.entry(group).or_default().add(&sums).is_err() {
                return Err((cell.key, Unrated::OutOfBounds));
            }
        }
        Ok(())
    }

    fn first_unrated(&self, usage: &UsageSums) -> Option<(LineKey, Unrated)> {
        usage.iter().find_map(|(key, sums)| {
            let cell = Cell::of_key(key, sums);
            let why = self.place(&mut Profiles::default(), &cell).err()?;
            Some((cell.key, why))
        })
    }
}

impl Profile {
    fn of(terms: &Terms, attributes: &[(Name, Value)], memo: &mut ValueMemo) -> Profile {
        let clauses = terms.clauses();
        let holding = clauses.holding(attributes, memo);
        Profile {
            rule: clauses.rule(&holding),
            exclusivities: clauses.exclusivities(&holding).collect(),
            contributions: clauses.contributions(&holding).collect(),
            holding,
        }
    }

    /// Σ quantity / unit × price, over the meters that the terms price.
    fn priced(&self, terms: &Terms, cell: &Cell) -> Result<Exact, Unrated> {
        let mut gross = Exact::zero();
        for ((meter, quantity), (_, absolute)) in cell.sums.meters.iter().zip(&cell.absolute.meters)
        {
            // Quantities of several keys may come to zero together: each of them has a price.
            if absolute.is_zero() || !terms.clauses().is_priced(meter) {
                continue;
            }
            let line = (meter, cell.key.currency, cell.key.day);
            let price = terms.clauses().price(terms, line, &self.holding);
            let price = price.ok_or(Unrated::Price)?;
            gross +=
                quantity.exact() * exact::of_amount(&price.price) / exact::of_amount(&price.unit);
        }
        Ok(gross)
    }
}

/// The lines of one group, with their base.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The currency of the lines.
    pub currency: Currency,
    /// The exclusivities and contributions that add points, in the order of the terms.
    pub modifiers: Vec<Id>,
    /// How many lines.
    pub lines: u64,
    /// Gross revenue: as reported, or quantities times the price list.
    pub gross: Exact,
    /// The reported gross, where the base is taken from the price list.
    pub reported: Option<Exact>,
    /// Deductions, as the terms list them.
    pub deductions: Vec<Deducted>,
    /// Gross minus deductions, in the currency of the lines.
    pub base: Exact,
    /// The conversion rate; none for lines in the settlement currency.
    pub rate: Option<Amount>,
    /// The base in the settlement currency.
    pub converted: Exact,
    /// Quantities by meter.
    pub meters: Vec<(Name, Exact)>,
}

/// A deduction and its bound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deducted {
    /// Its kind.
    pub kind: Name,
    /// What the lines deduct.
    pub reported: Exact,
    /// The bound: cap × |gross|.
    pub bound: Option<Exact>,
    /// What is deducted: clamp(reported, −bound, +bound).
    pub deducted: Exact,
}

impl Group {
    /// base = gross − Σ clamp(deduction, −cap × |gross|, +cap × |gross|), per kind, over the
    /// group's sums; converted at the period's rate.
    pub fn new(
        terms: &Terms,
        (currency, modifiers): (Currency, &[Id]),
        sums: &GroupSums,
        rate: Option<Amount>,
    ) -> Group {
        let lines = &sums.lines;
        let (gross, reported) = match &sums.priced {
            Some(priced) => (priced.clone(), Some(lines.gross.exact())),
            None => (lines.gross.exact(), None),
        };
        let deductions: Vec<Deducted> = terms
            .deductions
            .iter()
            .map(|deduction| {
                let reported = lines.deduction(&deduction.kind).exact();
                let bound = deduction.cap.as_ref().map(|cap| exact::of_rate(cap) * gross.abs());
                let deducted = match &bound {
                    Some(bound) => reported.clone().clamp(-bound.clone(), bound.clone()),
                    None => reported.clone(),
                };
                Deducted { kind: deduction.kind.clone(), reported, bound, deducted }
            })
            .collect();
        let base = deductions.iter().fold(gross.clone(), |base, one| base - &one.deducted);
        let converted = match &rate {
            Some(rate) => &base * exact::of_amount(rate),
            None => base.clone(),
        };
        Group {
            currency,
            modifiers: modifiers.to_vec(),
            lines: lines.lines,
            gross,
            reported,
            deductions,
            base,
            rate,
            converted,
            meters: lines.meters.iter().map(|(name, sum)| (name.clone(), sum.exact())).collect(),
        }
    }

    /// The quantity of a meter.
    pub fn meter(&self, name: &Name) -> Exact {
        let found = self.meters.iter().find(|(meter, _)| meter == name);
        found.map_or_else(Exact::zero, |(_, quantity)| quantity.clone())
    }

    /// What a tier counts: the converted base or a meter.
    pub fn measure(&self, tiers: &Tiers) -> Exact {
        match &tiers.by {
            Measure::Revenue => self.converted.clone(),
            Measure::Meter(meter) => self.meter(meter),
        }
    }
}

/// The points of modifiers for a party, in units of 10^-12, as the terms of the stretch have them.
pub fn points(terms: &Terms, modifiers: &[Id], party: &Id) -> Vec<(Id, Exact)> {
    let exclusivities = terms.exclusivities.iter().map(|one| (&one.id, &one.add));
    let contributions = terms.contributions.iter().map(|one| (&one.id, &one.add));
    let in_force = exclusivities.chain(contributions).filter(|(id, _)| modifiers.contains(id));
    let mut points = Vec::new();
    for (id, add) in in_force {
        if let Some((_, rate)) = add.iter().find(|(to, _)| to == party) {
            points.push((id.clone(), exact::of_rate(rate)));
        }
    }
    points
}

/// A whole number as a rational one.
pub(crate) fn whole(number: i64) -> Exact {
    Exact::from(i128::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_touch_are_one_and_an_open_end_swallows_what_follows() {
        let day = |number| Date::from_days(number).unwrap_or_else(|| panic!("{number} is a day"));
        let interval = |from, to: Option<i32>| (day(from), to.map(day));
        let days = vec![
            interval(30, None),
            interval(10, Some(12)),
            interval(5, Some(5)),
            interval(12, Some(15)),
            interval(40, Some(50)),
            interval(11, Some(13)),
        ];
        let merged = merged(days);
        assert_eq!(merged, vec![interval(10, Some(15)), interval(30, None)]);
        let open: Vec<i32> =
            (0..60).filter(|number| is_open(Some(&merged), day(*number))).collect();
        assert_eq!(open, (10..15).chain(30..60).collect::<Vec<i32>>());
    }
}
