//! The clauses of random agreements that format level 2 brought.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::plans::BENEFICIARIES;
use crate::plans::COLLECTOR;
use crate::plans::FOREIGN;
use crate::plans::METERS;
use crate::plans::PerParty;
use crate::plans::TermsPlan;
use crate::plans::WINDOWS;
use crate::plans::condition;
use crate::terms::TermsBuilder;

/// Clauses to be. What makes no sense together is left out when they are written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Clauses {
    pub(crate) priced: Option<PricesPlan>,
    pub(crate) exclusivities: Vec<ModifierPlan>,
    pub(crate) contributions: Vec<ModifierPlan>,
    pub(crate) bounds: Vec<BoundPlan>,
    pub(crate) splits: Vec<SplitPlan>,
    pub(crate) advances: BTreeSet<u8>,
    pub(crate) withholding: Vec<(u8, &'static str, bool)>,
    pub(crate) interest: Vec<(u16, &'static str)>,
    pub(crate) due_days: Option<u16>,
    pub(crate) lapse_days: Option<u16>,
    pub(crate) territories: Option<&'static str>,
    /// None, or what silence does: accept (1), escalate (2).
    pub(crate) deadlines: u8,
}

/// A base from a price list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PricesPlan {
    tolerance: Option<&'static str>,
    /// Whether usage in foreign currencies has prices, too.
    foreign: bool,
    prices: Vec<PricePlan>,
}

/// A price of a meter, beside the one that holds for everything.
#[derive(Clone, PartialEq, Eq, Debug)]
struct PricePlan {
    meter: u8,
    unit: &'static str,
    price: &'static str,
    foreign: bool,
    when: &'static str,
    from: u16,
}

/// An exclusivity or a contribution; those with the same number are the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModifierPlan {
    pub(crate) id: u8,
    when: &'static str,
    from: u16,
    days: Option<u16>,
    /// Who contributes: the collector, or a beneficiary.
    by: Option<u8>,
    add: PerParty,
}

/// A cap or a minimum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BoundPlan {
    pub(crate) cap: bool,
    pub(crate) to: u8,
    pub(crate) over: &'static str,
    amount: &'static str,
}

/// A divided pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SplitPlan {
    pub(crate) of: u8,
    parts: Vec<(u8, &'static str)>,
}

pub(crate) fn prices() -> BoxedStrategy<PricesPlan> {
    let price = (
        0..METERS.len() as u8,
        select(vec!["1", "1000", "1000000", "0.5"]),
        select(vec!["0", "0.72", "3", "0.000000000001", "12.5"]),
        any::<bool>(),
        prop_oneof![Just(""), condition()],
        prop_oneof![Just(0u16), 0..400u16],
    );
    let price = price.prop_map(|(meter, unit, price, foreign, when, from)| PricePlan {
        meter,
        unit,
        price,
        foreign,
        when,
        from,
    });
    let tolerance = option::of(select(vec!["0", "0.01", "1"]));
    (tolerance, any::<bool>(), vec(price, 1..5))
        .prop_map(|(tolerance, foreign, prices)| PricesPlan { tolerance, foreign, prices })
        .boxed()
}

pub(crate) fn modifier() -> BoxedStrategy<ModifierPlan> {
    let points = select(vec!["0.03", "-0.01", "0.1", "-0.25", "0.000000000001", "0.01"]);
    (
        0..3u8,
        prop_oneof![2 => Just(""), 3 => condition()],
        prop_oneof![Just(0u16), 0..500u16],
        option::of(1..400u16),
        option::weighted(0.3, 0..3u8),
        vec(option::weighted(0.7, points.prop_map(str::to_owned)), BENEFICIARIES.len()),
    )
        .prop_map(|(id, when, from, days, by, add)| ModifierPlan { id, when, from, days, by, add })
        .boxed()
}

pub(crate) fn bound() -> BoxedStrategy<BoundPlan> {
    let amounts = vec!["0", "10", "50", "100", "300", "1000", "20000", "1000000"];
    (any::<bool>(), 0..3u8, select(WINDOWS.to_vec()), select(amounts))
        .prop_map(|(cap, to, over, amount)| BoundPlan { cap, to, over, amount })
        .boxed()
}

pub(crate) fn split() -> BoxedStrategy<SplitPlan> {
    let weights = vec!["1", "2", "80", "20", "0.333333333333", "33.3"];
    (0..3u8, vec((0..3u8, select(weights)), 1..4))
        .prop_map(|(of, parts)| SplitPlan { of, parts })
        .boxed()
}

pub(crate) fn withholding() -> BoxedStrategy<(&'static str, bool)> {
    (select(vec!["0", "0.15", "0.333333333333", "0.5", "0.26375"]), any::<bool>()).boxed()
}

pub(crate) fn interest() -> BoxedStrategy<Vec<(u16, &'static str)>> {
    vec((prop_oneof![Just(0u16), 0..600u16], select(vec!["0.08", "0", "0.1", "0.0525"])), 0..4)
        .prop_map(|mut rows| {
            rows.push((0, "0.09"));
            rows
        })
        .boxed()
}

impl Clauses {
    /// The lines of `[payment]`.
    pub(crate) fn payment(&self, plan: &TermsPlan) -> String {
        let mut text = String::new();
        if let Some(days) = self.due_days {
            text.push_str(&format!("due_days = {days}\n"));
        }
        let mut days = BTreeSet::new();
        let rows: Vec<String> = self
            .interest
            .iter()
            .filter(|(from, _)| days.insert(*from))
            .map(|(from, rate)| format!("{{ from = {}, rate = \"{rate}\" }}", plan.day(*from)))
            .collect();
        if !rows.is_empty() {
            text.push_str(&format!("late_interest = [ {} ]\n", rows.join(", ")));
        }
        let mut named = BTreeSet::new();
        let taxes: Vec<String> = self
            .withholding
            .iter()
            .filter(|(to, ..)| named.insert(plan.member(*to)))
            .map(|(to, rate, gross_up)| {
                let to = plan.member(*to);
                format!("{to} = {{ rate = \"{rate}\", gross_up = {gross_up} }}")
            })
            .collect();
        if !taxes.is_empty() {
            text.push_str(&format!("withholding = {{ {} }}\n", taxes.join(", ")));
        }
        text
    }

    /// Adds the clauses to a terms file.
    pub(crate) fn write(&self, plan: &TermsPlan, mut terms: TermsBuilder) -> TermsBuilder {
        if let Some(prices) = &self.priced {
            terms = prices.write(plan, terms.priced(prices.tolerance));
        }
        for one in &self.exclusivities {
            terms = one.write(plan, terms, false);
        }
        for one in &self.contributions {
            terms = one.write(plan, terms, true);
        }
        for text in self.bounds(plan).into_iter().chain(self.splits(plan)) {
            terms = terms.clause(&text);
        }
        let advances: BTreeSet<&str> = self.advances.iter().map(|to| plan.member(*to)).collect();
        for to in advances {
            terms = terms.clause(&format!("[[advance]]\nto = \"{to}\""));
        }
        let mut windows = String::new();
        if let Some(days) = self.lapse_days {
            windows.push_str(&format!("proposal_lapse_days = {days}\n"));
        }
        if self.deadlines > 0 {
            let silence = if self.deadlines == 1 { "accept" } else { "escalate" };
            windows.push_str(&format!(
                "objection_days = 60\n\
                 dispute = {{ response_days = 30, on_silence = \"{silence}\", \
                 escalate_after_days = 60 }}\n"
            ));
            windows.push_str(
                "audit = { lookback_months = 24, cost_shift = \"0.05\", of = \"due\" }\n",
            );
        }
        if !windows.is_empty() {
            terms = terms.clause(&format!("[windows]\n{windows}"));
        }
        if let Some(allowed) = self.territories {
            terms = terms.clause(&format!("[attributes]\nterritory = {allowed}"));
        }
        terms
    }

    fn bounds(&self, plan: &TermsPlan) -> Vec<String> {
        let mut named = BTreeSet::new();
        let mut texts = Vec::new();
        for bound in &self.bounds {
            let to = plan.member(bound.to);
            let makes_sense = bound.cap || bound.over != "lifetime" || plan.ends_on.is_some();
            if makes_sense && named.insert((bound.cap, to, bound.over)) {
                let table = if bound.cap { "cap" } else { "minimum" };
                let BoundPlan { over, amount, .. } = bound;
                texts.push(format!(
                    "[[{table}]]\nto = \"{to}\"\namount = \"{amount}\"\nover = \"{over}\""
                ));
            }
        }
        texts
    }

    fn splits(&self, plan: &TermsPlan) -> Vec<String> {
        let divided: BTreeSet<&str> = self.splits.iter().map(|one| plan.member(one.of)).collect();
        let mut named = BTreeSet::new();
        let mut texts = Vec::new();
        for split in &self.splits {
            let of = plan.member(split.of);
            if !named.insert(of) {
                continue;
            }
            let mut to_all = BTreeSet::new();
            let parts: Vec<String> = split
                .parts
                .iter()
                .map(|(to, weight)| (plan.member(*to), weight))
                .filter(|(to, _)| (*to == of || !divided.contains(to)) && to_all.insert(*to))
                .map(|(to, weight)| format!("{{ to = \"{to}\", weight = \"{weight}\" }}"))
                .collect();
            if !parts.is_empty() {
                let parts = parts.join(", ");
                texts.push(format!("[[split]]\nof = \"{of}\"\nparts = [ {parts} ]"));
            }
        }
        texts
    }
}

impl PricesPlan {
    fn write(&self, plan: &TermsPlan, mut terms: TermsBuilder) -> TermsBuilder {
        let mut known = BTreeSet::new();
        let everything = self.prices.iter().flat_map(|one| {
            let foreign = if self.foreign { &FOREIGN[..] } else { &[] };
            let currencies = std::iter::once(plan.currency).chain(foreign.iter().copied());
            currencies.map(|currency| (one.meter, currency, 0, "", ("1000", "0.5")))
        });
        let others = self.prices.iter().map(|one| {
            let currency = if one.foreign { FOREIGN[0] } else { plan.currency };
            (one.meter, currency, one.from, one.when, (one.unit, one.price))
        });
        for (meter, currency, from, when, (unit, price)) in others.chain(everything) {
            if known.insert((meter, currency, from, when)) {
                let (meter, from) = (METERS[usize::from(meter)], plan.day(from));
                terms = terms.clause(&format!(
                    "[[price]]\nmeter = \"{meter}\"\n{when}\nunit = \"{unit}\"\n\
                     price = \"{price}\"\ncurrency = \"{currency}\"\nfrom = {from}"
                ));
            }
        }
        terms
    }
}

impl ModifierPlan {
    fn write(&self, plan: &TermsPlan, terms: TermsBuilder, contribution: bool) -> TermsBuilder {
        let Some(add) = plan.table("add", &self.add) else { return terms };
        let when = self.when;
        let text = if contribution {
            let by = self.by.map_or(COLLECTOR, |by| plan.member(by));
            format!("[[contribution]]\nid = \"work-{}\"\nby = \"{by}\"\n{when}\n{add}", self.id)
        } else {
            let to = self.days.map(|days| plan.day(self.from).plus_days(days.into()));
            let to = to.map(|day| format!("to = {day}\n")).unwrap_or_default();
            let from = plan.day(self.from);
            format!("[[exclusivity]]\nid = \"only-{}\"\n{when}\nfrom = {from}\n{to}{add}", self.id)
        };
        terms.clause(&text)
    }
}
