//! From usage to what is owed: `rate(terms, facts) -> earned, with its derivation`.
//!
//! Version 1 of the calculation (`docs/calculation.md`). Reads terms and usage, nothing else, so a
//! distribution can be computed again from these two alone. Everything is exact until
//! [`Rounding::round`](crate::vocab::Rounding::round), which happens once per party and period.

pub mod group;
pub mod tier;
pub mod derivation;

use std::collections::BTreeMap;

use num_traits::Zero;

pub use derivation::PartyRating;
pub use derivation::PeriodRating;
pub use derivation::RuleRating;
pub use group::RuleSums;

use crate::terms::Pay;
use crate::terms::Rule;
use crate::terms::Terms;
use crate::terms::Tiers;
use crate::terms::Window;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Period;

/// The facts of one period: the sums of every report in effect, by rule.
#[derive(Clone, Debug)]
pub struct PeriodFacts<'a> {
    /// The period.
    pub period: Period,
    /// Sums per rule of every report in effect; their order does not matter.
    pub reports: Vec<&'a RuleSums>,
}

/// An amount left the bounds of an amount (15 integer digits).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfBounds {
    /// The period in which it did.
    pub period: Period,
}

/// Where a rule stands in its tier window.
#[derive(Clone, Debug)]
struct Standing {
    window_start: Option<Period>,
    totals: tier::WindowTotals,
}

impl Standing {
    fn start(window_start: Option<Period>) -> Standing {
        let zero = tier::WindowTotals { position: Exact::zero(), base: Exact::zero() };
        Standing { window_start, totals: zero }
    }
}

/// Rates consecutive periods, the first of which is the first of the agreement: a tier's position
/// in a period depends on all periods before it. Errors: [`OutOfBounds`].
pub fn rate(terms: &Terms, facts: &[PeriodFacts<'_>]) -> Result<Vec<PeriodRating>, OutOfBounds> {
    let beneficiaries: Vec<Id> = terms.beneficiaries().into_iter().cloned().collect();
    let mut standings: Vec<Standing> = vec![Standing::start(None); terms.rules.len()];
    let mut carried: BTreeMap<&Id, (Exact, Exact)> =
        beneficiaries.iter().map(|id| (id, (Exact::zero(), Exact::zero()))).collect();
    let mut ratings = Vec::with_capacity(facts.len());
    for facts in facts {
        let sums = group::merge(&facts.reports);
        let mut rules = Vec::with_capacity(terms.rules.len());
        for ((at, rule), standing) in terms.rules.iter().enumerate().zip(&mut standings) {
            let group = group::Group::new(terms, sums.get(&at));
            rules.push(rate_rule(terms, rule, facts.period, group, standing));
        }
        let digits = terms.currency.minor_digits();
        let out_of_bounds = OutOfBounds { period: facts.period };
        let base = rules.iter().fold(Exact::zero(), |sum, rule| sum + &rule.group.base);
        let base_rounded = terms.rounding.round(&base, digits).ok_or(out_of_bounds)?;
        let mut shares = Vec::with_capacity(beneficiaries.len());
        for party in &beneficiaries {
            let earned = rules.iter().fold(Exact::zero(), |sum, rule| sum + rule.earned(party));
            let Some((earned_before, rounded_before)) = carried.get_mut(party) else {
                continue;
            };
            let carry_in = match terms.carry {
                true => &*earned_before - &*rounded_before,
                false => Exact::zero(),
            };
            // R(Σ earned up to p) − Σ rounded before. Σ rounded before is a whole number of minor
            // units, but it may not be taken out of R: half_even looks at the parity of the sum.
            let rounded = if terms.carry {
                let sum = terms.rounding.round(&(&*earned_before + &earned), digits);
                let before = terms.rounding.round(rounded_before, digits);
                sum.zip(before).and_then(|(sum, before)| sum.checked_sub(before))
            } else {
                terms.rounding.round(&earned, digits)
            };
            let rounded = rounded.ok_or(out_of_bounds)?;
            *earned_before += &earned;
            *rounded_before += crate::vocab::exact::of_amount(&rounded);
            shares.push(PartyRating { party: party.clone(), earned, carry_in, rounded });
        }
        ratings.push(PeriodRating { period: facts.period, base, base_rounded, shares, rules });
    }
    Ok(ratings)
}

fn rate_rule(
    terms: &Terms,
    rule: &Rule,
    period: Period,
    group: group::Group,
    standing: &mut Standing,
) -> RuleRating {
    // After the agreement's last period no rule is in force: nothing is earned, no flat falls.
    if terms.last_period().is_some_and(|last| period > last) {
        return RuleRating { rule: rule.id.clone(), group, tier: None, operands: Vec::new() };
    }
    match &rule.pay {
        Pay::Flat(shares) => tier::flat_rule(terms, rule, shares, group),
        Pay::Tiered(tiers) => {
            let start = terms.window_start(tiers.over, period);
            let first_in_window = standing.window_start != Some(start);
            if first_in_window {
                *standing = Standing::start(Some(start));
            }
            let before = standing.totals.clone();
            let after = tier::WindowTotals {
                position: &before.position + group.measure(tiers),
                base: &before.base + &group.base,
            };
            standing.totals = after.clone();
            let span = tier::Span { before, after, first_in_window };
            tier::tiered_rule(terms, rule, tiers, group, span)
        }
    }
}

/// The widest window that any part of the terms counts over: how far a change in one period can
/// reach into later ones.
pub fn widest_window(terms: &Terms) -> Window {
    let tiers = |rule: &Rule| match &rule.pay {
        Pay::Flat(_) => None,
        Pay::Tiered(Tiers { over, .. }) => Some(*over),
    };
    let widest = terms.rules.iter().filter_map(tiers).max().unwrap_or(Window::Period);
    if terms.carry { Window::Lifetime } else { widest }
}
