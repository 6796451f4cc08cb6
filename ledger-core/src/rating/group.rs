//! Groups: the exact sums of the lines that one rule rates in one period, and their base.

use std::collections::BTreeMap;

use num_traits::Signed;
use num_traits::Zero;

use crate::terms::Measure;
use crate::terms::Terms;
use crate::terms::Tiers;
use crate::usage::LineSums;
use crate::usage::UsageSums;
use crate::vocab::Exact;
use crate::vocab::Name;
use crate::vocab::exact;

/// Exact sums of a report's lines by the position of their rule in the terms.
pub type RuleSums = BTreeMap<usize, LineSums>;

/// The lines that one rule rates in one period, summed exactly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// How many lines.
    pub lines: u64,
    /// Gross revenue.
    pub gross: Exact,
    /// Deductions, as the terms list them.
    pub deductions: Vec<Deducted>,
    /// Gross minus deductions.
    pub base: Exact,
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

/// Sums a report's lines by rule. `Err` holds a line key that no rule matches.
pub fn by_rule(terms: &Terms, usage: &UsageSums) -> Result<RuleSums, Box<crate::usage::LineKey>> {
    let mut sums = RuleSums::new();
    for (key, line_sums) in usage.iter() {
        let rule = terms.rule_for(key).ok_or_else(|| Box::new(key.clone()))?;
        sums.entry(rule).or_default().add(line_sums);
    }
    Ok(sums)
}

/// Adds the sums of several reports.
pub fn merge(reports: &[&RuleSums]) -> RuleSums {
    let mut merged = RuleSums::new();
    for report in reports {
        for (rule, sums) in *report {
            merged.entry(*rule).or_default().add(sums);
        }
    }
    merged
}

impl Group {
    /// base = gross − Σ clamp(deduction, −cap × |gross|, +cap × |gross|), per kind, over the
    /// group's sums.
    pub fn new(terms: &Terms, sums: Option<&LineSums>) -> Group {
        let none = LineSums::default();
        let sums = sums.unwrap_or(&none);
        let gross = sums.gross.exact();
        let deductions: Vec<Deducted> = terms
            .deductions
            .iter()
            .map(|deduction| {
                let reported = sums.deduction(&deduction.kind).exact();
                let bound = deduction.cap.as_ref().map(|cap| exact::of_rate(cap) * gross.abs());
                let deducted = match &bound {
                    Some(bound) => reported.clone().clamp(-bound.clone(), bound.clone()),
                    None => reported.clone(),
                };
                Deducted { kind: deduction.kind.clone(), reported, bound, deducted }
            })
            .collect();
        let base = deductions.iter().fold(gross.clone(), |base, one| base - &one.deducted);
        let meters = sums.meters.iter().map(|(name, sum)| (name.clone(), sum.exact())).collect();
        Group { lines: sums.lines, gross, deductions, base, meters }
    }

    /// The quantity of a meter.
    pub fn meter(&self, name: &Name) -> Exact {
        let found = self.meters.iter().find(|(meter, _)| meter == name);
        found.map_or_else(Exact::zero, |(_, quantity)| quantity.clone())
    }

    /// What a tier counts: the base or a meter.
    pub fn measure(&self, tiers: &Tiers) -> Exact {
        match &tiers.by {
            Measure::Revenue => self.base.clone(),
            Measure::Meter(meter) => self.meter(meter),
        }
    }
}
