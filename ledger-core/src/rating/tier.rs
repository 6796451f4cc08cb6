//! Steps: how a position turns a base and a quantity into what is earned.

use num_traits::Zero;

use crate::rating::derivation::Operand;
use crate::rating::derivation::Operation;
use crate::rating::derivation::RuleRating;
use crate::rating::derivation::TierRating;
use crate::rating::group::Group;
use crate::terms::Rule;
use crate::terms::Step;
use crate::terms::Terms;
use crate::terms::TierKind;
use crate::terms::Tiers;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Rate;
use crate::vocab::exact;

/// What a tier window came to so far.
#[derive(Clone, Debug)]
pub struct WindowTotals {
    /// The position.
    pub position: Exact,
    /// The base.
    pub base: Exact,
}

/// A period's way through its tier window.
#[derive(Clone, Debug)]
pub struct Span {
    /// On entering the period.
    pub before: WindowTotals,
    /// On leaving it.
    pub after: WindowTotals,
    /// Whether it is the window's first period.
    pub first_in_window: bool,
}

/// rate = clamp(share, floor, ceiling).
pub fn clamped(terms: &Terms, share: &Rate) -> Exact {
    let mut rate = exact::of_rate(share);
    if let Some(floor) = &terms.rate_floor {
        rate = rate.max(exact::of_rate(floor));
    }
    if let Some(ceiling) = &terms.rate_ceiling {
        rate = rate.min(exact::of_rate(ceiling));
    }
    rate
}

/// A rule without steps: base × rate.
pub fn flat_rule(terms: &Terms, rule: &Rule, shares: &[(Id, Rate)], group: Group) -> RuleRating {
    let operands = shares
        .iter()
        .map(|(party, share)| {
            let rate = clamped(terms, share);
            let earned = &group.base * &rate;
            let what =
                Operation::Share { base: group.base.clone(), share: *share, rate, stretch: None };
            Operand { party: party.clone(), step: 0, what, earned }
        })
        .collect();
    RuleRating { rule: rule.id.clone(), group, tier: None, operands }
}

/// A rule with steps.
pub fn tiered_rule(
    terms: &Terms,
    rule: &Rule,
    tiers: &Tiers,
    group: Group,
    span: Span,
) -> RuleRating {
    let operands = match tiers.kind {
        TierKind::Marginal => marginal(terms, tiers, &group, &span),
        TierKind::Whole => whole(terms, tiers, &span),
    };
    let tier =
        TierRating { kind: tiers.kind, before: span.before.position, after: span.after.position };
    RuleRating { rule: rule.id.clone(), group, tier: Some(tier), operands }
}

/// The step that a position stands in, from 0. `up_to` is inclusive, `below` is not; the first
/// step reaches down to minus infinity, the last up to infinity.
pub fn step_at(steps: &[Step], position: &Exact) -> usize {
    let ends_before = |step: &Step| match &step.bound {
        Some(bound) if bound.inclusive => *position > exact::of_amount(&bound.at),
        Some(bound) => *position >= exact::of_amount(&bound.at),
        None => false,
    };
    let passed = steps.iter().take_while(|step| ends_before(step)).count();
    passed.min(steps.len().saturating_sub(1))
}

/// base/q × the integral of the step rates from the position to the position + q, also for q < 0;
/// for q = 0, base × the rate of the step that the position stands in. `per_unit` is integrated
/// the same way. Flat: the flats of all steps entered; falling back gives one back.
fn marginal(terms: &Terms, tiers: &Tiers, group: &Group, span: &Span) -> Vec<Operand> {
    let (before, after) = (&span.before.position, &span.after.position);
    let quantity = after - before;
    let mut operands = Vec::new();
    let mut add = |party: &Id, step: usize, what: Operation, earned: Exact| {
        operands.push(Operand { party: party.clone(), step: step + 1, what, earned });
    };
    let standing = step_at(&tiers.steps, before);
    let (low, high) = if quantity < Exact::zero() { (after, before) } else { (before, after) };
    let mut lower_end: Option<Exact> = None;
    for (at, step) in tiers.steps.iter().enumerate() {
        let upper_end = step.bound.as_ref().map(|bound| exact::of_amount(&bound.at));
        let from = lower_end.as_ref().map_or(low.clone(), |end| end.clone().max(low.clone()));
        let to = upper_end.as_ref().map_or(high.clone(), |end| end.clone().min(high.clone()));
        lower_end = upper_end;
        let touched = if quantity.is_zero() { at == standing } else { from < to };
        if !touched {
            continue;
        }
        // Falling, the stretch is walked from its high end to its low one.
        let (from, to) = if quantity < Exact::zero() { (to, from) } else { (from, to) };
        let (units, part) = if quantity.is_zero() {
            (Exact::zero(), group.base.clone())
        } else {
            let units = &to - &from;
            let part = &group.base * &units / &quantity;
            (units, part)
        };
        let stretch = (!quantity.is_zero()).then_some((from, to));
        for (party, share) in &step.share {
            let rate = clamped(terms, share);
            let earned = &part * &rate;
            let what = Operation::Share {
                base: part.clone(),
                share: *share,
                rate,
                stretch: stretch.clone(),
            };
            add(party, at, what, earned);
        }
        for (party, price) in &step.per_unit {
            let what = Operation::PerUnit { units: units.clone(), price: *price };
            add(party, at, what, &units * exact::of_amount(price));
        }
    }
    // Steps entered on the way in are the first one and all up to the one stood in; at the start
    // of a window none is.
    let entered_before = if span.first_in_window { 0 } else { standing + 1 };
    let entered_after = step_at(&tiers.steps, after) + 1;
    let back = entered_after < entered_before;
    for at in entered_before.min(entered_after)..entered_before.max(entered_after) {
        for (party, amount) in &tiers.steps[at].flat {
            let value = exact::of_amount(amount);
            let earned = if back { -value } else { value };
            add(party, at, Operation::Flat { amount: *amount, back }, earned);
        }
    }
    operands
}

/// earned = W(window to the end of the period) − W(window to the end of the period before), where
/// W applies the step that the position stands in to the whole window.
fn whole(terms: &Terms, tiers: &Tiers, span: &Span) -> Vec<Operand> {
    let mut operands = window_operands(terms, tiers, &span.after);
    if !span.first_in_window {
        for was in window_operands(terms, tiers, &span.before) {
            operands.push(Operand { earned: -was.earned, what: Operation::WindowBefore, ..was });
        }
    }
    operands
}

fn window_operands(terms: &Terms, tiers: &Tiers, totals: &WindowTotals) -> Vec<Operand> {
    let at = step_at(&tiers.steps, &totals.position);
    let Some(step) = tiers.steps.get(at) else {
        return Vec::new();
    };
    let mut operands = Vec::new();
    let mut add = |party: &Id, what: Operation, earned: Exact| {
        operands.push(Operand { party: party.clone(), step: at + 1, what, earned });
    };
    for (party, share) in &step.share {
        let rate = clamped(terms, share);
        let earned = &totals.base * &rate;
        let what = Operation::WindowShare { base: totals.base.clone(), share: *share, rate };
        add(party, what, earned);
    }
    for (party, price) in &step.per_unit {
        let units = totals.position.clone();
        let earned = &units * exact::of_amount(price);
        add(party, Operation::PerUnit { units, price: *price }, earned);
    }
    for (party, amount) in &step.flat {
        let earned = exact::of_amount(amount);
        add(party, Operation::Flat { amount: *amount, back: false }, earned);
    }
    operands
}
