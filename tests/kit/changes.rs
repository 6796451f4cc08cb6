//! Changes of random agreements: what an amendment does to terms, and how the first terms come by
//! their clauses.

use ledger_core::vocab::Level;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::clauses::BoundPlan;
use crate::clauses::ModifierPlan;
use crate::clauses::PricesPlan;
use crate::clauses::SplitPlan;
use crate::clauses::bound;
use crate::clauses::interest;
use crate::clauses::modifier;
use crate::clauses::prices;
use crate::clauses::split;
use crate::clauses::withholding;
use crate::plans::KINDS;
use crate::plans::MEASURES;
use crate::plans::PayPlan;
use crate::plans::RulePlan;
use crate::plans::StepPlan;
use crate::plans::TermsPlan;
use crate::plans::WINDOWS;
use crate::plans::pay;
use crate::plans::rule;
use crate::plans::small_pay;
use crate::plans::small_step;
use crate::plans::step;

/// A change of terms. Numbers pick one of what there is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A rule pays otherwise.
    Pay(u8, PayPlan),
    /// A tier becomes whole, or marginal.
    Kind(u8),
    /// A tier counts over another window.
    Over(u8, &'static str),
    /// A tier counts something else.
    By(u8, &'static str),
    /// A step of a tier reads otherwise.
    Step(u8, u8, StepPlan),
    /// A rule is dropped.
    Drop(u8),
    /// A rule is added before all others, or replaced.
    Add(RulePlan),
    /// The rule for everything gets another id, or its old one back.
    Rename,
    /// The rules stand in another order.
    Turn,
    /// The rule for everything is not for everything any more.
    Narrow(&'static str),
    /// An exclusivity is added or replaced.
    Exclusivity(ModifierPlan),
    /// A contribution is added or replaced.
    Contribution(ModifierPlan),
    /// An exclusivity or contribution is dropped.
    DropModifier(u8),
    /// A cap or minimum is added or replaced.
    Bound(BoundPlan),
    /// A cap or minimum is dropped.
    DropBound(u8),
    /// An amount is divided, or divided otherwise.
    Split(SplitPlan),
    /// Nothing is divided any more.
    DropSplits,
    /// Advances to a party are permitted, or not any more.
    Advance(u8),
    /// Tax is withheld from a party, or otherwise.
    Withholding(u8, (&'static str, bool)),
    /// Late interest is agreed.
    Interest(Vec<(u16, &'static str)>),
    /// Amounts are due earlier or later.
    Due(u16),
    /// There is a minimum payout, or none any more.
    MinimumPayout,
    /// Proposals lapse earlier or later.
    Lapse(u16),
    /// Rates have a floor and a ceiling.
    Limits(Option<&'static str>, Option<&'static str>),
    /// Deductions have other bounds.
    Deductions(Vec<Option<&'static str>>),
    /// Amounts are rounded otherwise.
    Rounding(&'static str, bool),
    /// The agreement ends on another day, or runs on.
    End(Option<&'static str>),
    /// A party joins or leaves.
    Member(u8),
    /// The base comes from a price list, or is reported.
    Prices(Option<PricesPlan>),
    /// Only some territories are allowed.
    Territories(Option<&'static str>),
    /// Deadlines for disputes and audits.
    Deadlines,
    /// What no amendment may change.
    Fixed(u8),
}

/// Changes that leave an agreement an agreement.
pub fn change() -> BoxedStrategy<Change> {
    let any_rule = any::<u8>;
    let rules = prop_oneof![
        2 => (any_rule(), pay()).prop_map(|(at, pay)| Change::Pay(at, pay)),
        3 => any_rule().prop_map(Change::Kind),
        2 => (any_rule(), select(WINDOWS.to_vec())).prop_map(|(at, over)| Change::Over(at, over)),
        1 => (any_rule(), select(MEASURES.to_vec())).prop_map(|(at, by)| Change::By(at, by)),
        3 => (any_rule(), 0..4u8, step()).prop_map(|(at, k, step)| Change::Step(at, k, step)),
        2 => any_rule().prop_map(Change::Drop),
        2 => rule().prop_map(Change::Add),
        1 => Just(Change::Rename),
        1 => Just(Change::Turn),
    ];
    let points = prop_oneof![
        4 => modifier().prop_map(Change::Exclusivity),
        4 => modifier().prop_map(Change::Contribution),
        1 => any::<u8>().prop_map(Change::DropModifier),
        1 => (
            option::of(select(vec!["0", "0.05", "0.2"])),
            option::of(select(vec!["0.2", "0.25", "0.333333333333"])),
        )
            .prop_map(|(floor, ceiling)| Change::Limits(floor, ceiling)),
    ];
    let amounts = prop_oneof![
        5 => bound().prop_map(Change::Bound),
        1 => any::<u8>().prop_map(Change::DropBound),
        3 => split().prop_map(Change::Split),
        1 => Just(Change::DropSplits),
        2 => (select(vec!["half_even", "half_up", "down"]), any::<bool>())
            .prop_map(|(mode, carry)| Change::Rounding(mode, carry)),
    ];
    let money = prop_oneof![
        4 => (0..3u8).prop_map(Change::Advance),
        4 => (0..3u8, withholding()).prop_map(|(to, tax)| Change::Withholding(to, tax)),
        5 => interest().prop_map(Change::Interest),
        1 => select(vec![0u16, 1, 30, 120]).prop_map(Change::Due),
        2 => Just(Change::MinimumPayout),
        1 => select(vec![0u16, 3, 90]).prop_map(Change::Lapse),
    ];
    let caps =
        proptest::collection::vec(option::of(select(vec!["0.10", "0", "1"])), 0..=KINDS.len());
    let ends = vec!["2026-12-31", "2027-01-01", "2027-03-15", "2027-05-01", "2028-02-29"];
    let rest = prop_oneof![
        2 => caps.prop_map(Change::Deductions),
        3 => option::of(select(ends)).prop_map(Change::End),
        3 => (1..3u8).prop_map(Change::Member),
        3 => option::weighted(0.8, prices()).prop_map(Change::Prices),
        1 => Just(Change::Deadlines),
    ];
    prop_oneof![4 => rules, 3 => points, 3 => amounts, 4 => money, 2 => rest].boxed()
}

/// Changes of an amendment: as above, and some that it may not make or that usage does not bear.
pub fn amendment() -> BoxedStrategy<Change> {
    let territories = vec!["[\"EU\"]", "[\"EU\", \"US\"]"];
    prop_oneof![
        30 => change(),
        1 => crate::plans::condition().prop_map(Change::Narrow),
        2 => option::of(select(territories)).prop_map(Change::Territories),
        1 => any::<u8>().prop_map(Change::Fixed),
    ]
    .boxed()
}

/// Changes of tiers, and of what limits amounts: where the order of everything matters most.
pub fn tier_change() -> BoxedStrategy<Change> {
    let any_rule = any::<u8>;
    prop_oneof![
        4 => any_rule().prop_map(Change::Kind),
        3 => (any_rule(), select(WINDOWS.to_vec())).prop_map(|(at, over)| Change::Over(at, over)),
        2 => (any_rule(), select(MEASURES.to_vec())).prop_map(|(at, by)| Change::By(at, by)),
        4 => (any_rule(), 0..4u8, small_step()).prop_map(|(at, k, step)| Change::Step(at, k, step)),
        2 => (any_rule(), small_pay()).prop_map(|(at, pay)| Change::Pay(at, pay)),
        2 => any_rule().prop_map(Change::Drop),
        2 => (rule(), small_pay()).prop_map(|(rule, pay)| Change::Add(RulePlan { pay, ..rule })),
        2 => Just(Change::Rename),
        1 => Just(Change::Turn),
        2 => bound().prop_map(Change::Bound),
        2 => modifier().prop_map(Change::Exclusivity),
        1 => any::<u8>().prop_map(Change::DropBound),
        1 => split().prop_map(Change::Split),
        1 => select(vec![None, Some("2026-12-31"), Some("2027-03-15"), Some("2027-05-01")])
            .prop_map(Change::End),
    ]
    .boxed()
}

fn rule_at(plan: &mut TermsPlan, at: u8) -> &mut RulePlan {
    let count = plan.rules.len() + 1;
    let at = usize::from(at) % count;
    match plan.rules.get_mut(at) {
        Some(rule) => rule,
        None => &mut plan.last,
    }
}

impl Change {
    /// Makes the change, whether or not the terms are sound with it.
    pub(crate) fn make(&self, plan: &mut TermsPlan) {
        let clauses = &mut plan.clauses;
        match self {
            Change::Pay(at, pay) => rule_at(plan, *at).pay = pay.clone(),
            Change::Kind(at) => {
                if let PayPlan::Tiered { kind, .. } = &mut rule_at(plan, *at).pay {
                    *kind = if *kind == "whole" { "marginal" } else { "whole" };
                }
            }
            Change::Over(at, new) => {
                if let PayPlan::Tiered { over, .. } = &mut rule_at(plan, *at).pay {
                    *over = new;
                }
            }
            Change::By(at, new) => {
                if let PayPlan::Tiered { by, .. } = &mut rule_at(plan, *at).pay {
                    *by = new;
                }
            }
            Change::Step(at, step, new) => {
                if let PayPlan::Tiered { steps, .. } = &mut rule_at(plan, *at).pay {
                    let count = steps.len();
                    steps[usize::from(*step) % count] = new.clone();
                }
            }
            Change::Drop(at) if !plan.rules.is_empty() => {
                let count = plan.rules.len();
                plan.rules.remove(usize::from(*at) % count);
            }
            Change::Drop(_) => {}
            Change::Add(rule) => match plan.rules.iter_mut().find(|known| known.id == rule.id) {
                Some(known) => *known = rule.clone(),
                None => plan.rules.insert(0, rule.clone()),
            },
            Change::Rename => plan.last.id = if plan.last.id == 9 { 8 } else { 9 },
            Change::Turn => plan.rules.reverse(),
            Change::Narrow(when) => plan.last.when = when,
            Change::Exclusivity(one) => put(&mut clauses.exclusivities, one),
            Change::Contribution(one) => put(&mut clauses.contributions, one),
            Change::DropModifier(id) => {
                let list = match id % 2 {
                    0 => &mut clauses.exclusivities,
                    _ => &mut clauses.contributions,
                };
                list.retain(|one| one.id != id / 2 % 3);
            }
            Change::Bound(new) => {
                let key = |one: &BoundPlan| (one.cap, one.to, one.over);
                clauses.bounds.retain(|one| key(one) != key(new));
                clauses.bounds.push(new.clone());
            }
            Change::DropBound(at) => {
                let count = clauses.bounds.len();
                if count > 0 {
                    clauses.bounds.remove(usize::from(*at) % count);
                }
            }
            Change::Split(new) => {
                clauses.splits.retain(|one| one.of != new.of);
                clauses.splits.push(new.clone());
            }
            Change::DropSplits => clauses.splits.clear(),
            Change::Advance(to) => {
                if !clauses.advances.remove(to) {
                    clauses.advances.insert(*to);
                }
            }
            Change::Withholding(to, (rate, gross_up)) => {
                clauses.withholding.retain(|(known, ..)| known != to);
                clauses.withholding.push((*to, *rate, *gross_up));
            }
            Change::Interest(rows) => clauses.interest.clone_from(rows),
            Change::Due(days) => clauses.due_days = Some(*days),
            Change::MinimumPayout => plan.minimum_payout = !plan.minimum_payout,
            Change::Lapse(days) => clauses.lapse_days = Some(*days),
            Change::Limits(floor, ceiling) => {
                plan.floor = *floor;
                plan.ceiling = *ceiling;
            }
            Change::Deductions(caps) => plan.caps.clone_from(caps),
            Change::Rounding(mode, carry) => (plan.mode, plan.carry) = (*mode, *carry),
            Change::End(day) => plan.ends_on = *day,
            Change::Member(at) => {
                let at = usize::from(*at);
                plan.members[at] = !plan.members[at];
            }
            Change::Prices(prices) => clauses.priced.clone_from(prices),
            Change::Territories(allowed) => clauses.territories = *allowed,
            Change::Deadlines => clauses.deadlines = (clauses.deadlines + 1) % 3,
            Change::Fixed(what) => match what % 3 {
                0 => plan.starts_on = "2026-03-01",
                1 => plan.currency = if plan.currency == "USD" { "KWD" } else { "USD" },
                _ => plan.length = if plan.length == "month" { "quarter" } else { "month" },
            },
        }
        plan.level = Level::Two;
    }
}

fn put(list: &mut Vec<ModifierPlan>, one: &ModifierPlan) {
    match list.iter_mut().find(|known| known.id == one.id) {
        Some(known) => *known = one.clone(),
        None => list.push(one.clone()),
    }
}
