//! Plans of random agreements: data that proptest can shrink, and the terms files that say it.

use ledger_core::intake;
use ledger_core::terms::Terms;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Date;
use ledger_core::vocab::Level;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::changes::Change;
use crate::changes::change;
use crate::changes::tier_change;
use crate::clauses::Clauses;
use crate::terms::TermsBuilder;

/// The beneficiaries that a plan may have; the first is the owner.
pub(crate) const BENEFICIARIES: [&str; 3] = ["meta", "meta-research", "a-lab"];
/// The collector of every plan.
pub(crate) const COLLECTOR: &str = "acme-cloud";
/// The meters of every plan.
pub(crate) const METERS: [&str; 2] = ["requests", "tokens"];
/// The kinds of deduction that a plan may have.
pub(crate) const KINDS: [&str; 2] = ["refunds", "taxes"];
/// The foreign currencies that lines may have.
pub(crate) const FOREIGN: [&str; 2] = ["EUR", "GBP"];
/// The rate that any number of beneficiaries may have at once.
const ANY_CEILING: &str = "0.333333333333";

/// Terms to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TermsPlan {
    pub(crate) level: Level,
    pub(crate) currency: &'static str,
    pub(crate) length: &'static str,
    pub(crate) starts_on: &'static str,
    pub(crate) ends_on: Option<&'static str>,
    pub(crate) mode: &'static str,
    pub(crate) carry: bool,
    /// Which of the beneficiaries there are; the owner always is.
    pub(crate) members: [bool; 3],
    pub(crate) caps: Vec<Option<&'static str>>,
    pub(crate) rules: Vec<RulePlan>,
    /// The rule for everything.
    pub(crate) last: RulePlan,
    pub(crate) floor: Option<&'static str>,
    pub(crate) ceiling: Option<&'static str>,
    pub(crate) minimum_payout: bool,
    pub(crate) clauses: Clauses,
}

/// A rule to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RulePlan {
    /// Rules with the same number are the same rule.
    pub(crate) id: u8,
    pub(crate) when: &'static str,
    pub(crate) pay: PayPlan,
}

/// Shares or amounts, one for each beneficiary that there may be.
pub(crate) type PerParty = Vec<Option<String>>;

/// What a rule to be pays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PayPlan {
    /// A share of the base.
    Flat(PerParty),
    /// Steps.
    Tiered {
        /// What the tier counts.
        by: &'static str,
        /// Over what.
        over: &'static str,
        /// `marginal` or `whole`.
        kind: &'static str,
        /// The steps.
        steps: Vec<StepPlan>,
    },
}

/// A step to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepPlan {
    /// How far its bound lies above that of the step before, in thousandths.
    gap: u32,
    inclusive: bool,
    share: PerParty,
    per_unit: PerParty,
    flat: PerParty,
}

pub(crate) fn decimal(mantissa: i128, scale: u32) -> String {
    Amount::normalised(mantissa, scale).expect("an amount within bounds").to_string()
}

/// Shares of which three come to at most 1.
fn rate() -> BoxedStrategy<String> {
    prop_oneof![
        select(vec!["0", "0.05", "0.15", "0.3", "0.333333333333", "0.01"]).prop_map(str::to_owned),
        (0..330_000_000_000i64).prop_map(|n| decimal(n.into(), 12)),
    ]
    .boxed()
}

/// What steps pay per unit, or flat.
pub(crate) fn price() -> BoxedStrategy<String> {
    prop_oneof![
        (0..500i64).prop_map(|n| n.to_string()),
        (0..10_000i64).prop_map(|n| decimal(n.into(), 3)),
        (0..10_000_000_000i64).prop_map(|n| decimal(n.into(), 12)),
    ]
    .boxed()
}

fn per_party(
    value: impl Strategy<Value = String> + 'static,
    present: f64,
) -> BoxedStrategy<PerParty> {
    vec(option::weighted(present, value), BENEFICIARIES.len()).boxed()
}

pub(crate) fn step() -> BoxedStrategy<StepPlan> {
    (
        prop_oneof![select(vec![1_000u32, 4_000, 5_000, 50_000]), 1..2_000u32, 1_000..2_000_000u32],
        any::<bool>(),
        per_party(rate(), 0.7),
        per_party(price(), 0.3),
        per_party(price(), 0.2),
    )
        .prop_map(|(gap, inclusive, share, per_unit, flat)| StepPlan {
            gap,
            inclusive,
            share,
            per_unit,
            flat,
        })
        .boxed()
}

/// What tiers may count.
pub(crate) const MEASURES: [&str; 3] = ["revenue", "tokens", "requests"];
/// What tiers, caps and minimums may count over.
pub(crate) const WINDOWS: [&str; 3] = ["period", "year", "lifetime"];

pub(crate) fn pay() -> BoxedStrategy<PayPlan> {
    let tiered = (
        select(MEASURES.to_vec()),
        select(WINDOWS.to_vec()),
        select(vec!["marginal", "whole"]),
        vec(step(), 1..5),
    );
    prop_oneof![
        1 => per_party(rate(), 0.8).prop_map(PayPlan::Flat),
        3 => tiered.prop_map(|(by, over, kind, steps)| PayPlan::Tiered { by, over, kind, steps }),
    ]
    .boxed()
}

/// Steps so narrow that small numbers cross them.
pub(crate) fn small_step() -> BoxedStrategy<StepPlan> {
    let amounts = || select(vec!["0", "1", "2.5", "40"]).prop_map(str::to_owned);
    (
        select(vec![1_000u32, 4_000, 5_000, 20_000]),
        any::<bool>(),
        per_party(rate(), 0.7),
        per_party(amounts(), 0.3),
        per_party(amounts(), 0.5),
    )
        .prop_map(|(gap, inclusive, share, per_unit, flat)| StepPlan {
            gap,
            inclusive,
            share,
            per_unit,
            flat,
        })
        .boxed()
}

/// Tiers of such steps.
pub(crate) fn small_pay() -> BoxedStrategy<PayPlan> {
    (
        select(MEASURES.to_vec()),
        select(WINDOWS.to_vec()),
        select(vec!["marginal", "whole"]),
        vec(small_step(), 1..4),
    )
        .prop_map(|(by, over, kind, steps)| PayPlan::Tiered { by, over, kind, steps })
        .boxed()
}

/// Terms of level 2 with few rules, all of them with tiers that small numbers move through.
pub fn tiered_terms_plan() -> BoxedStrategy<TermsPlan> {
    let rules = vec((rule(), small_pay()), 0..3);
    (plain_terms(), rules, small_pay(), vec(tier_change(), 0..4))
        .prop_map(|(plain, rules, last, changes)| {
            let rules = rules.into_iter().map(|(rule, pay)| RulePlan { pay, ..rule });
            let last = RulePlan { pay: last, ..plain.last.clone() };
            whole_terms(TermsPlan { rules: rules.collect(), last, ..plain }, &changes)
        })
        .boxed()
}

/// Conditions that usage of the plans may meet.
pub(crate) fn condition() -> BoxedStrategy<&'static str> {
    select(vec![
        "when = { model = [\"llama-3*\"] }",
        "when = { model = [\"*-70b\", \"mistral\"], territory = [\"EU\"] }",
        "when = { application = [\"s*h\"] }",
        "when = { territory = [\"\"] }",
        "when = { application = [\"*o*\"], model = [\"*\"] }",
    ])
    .boxed()
}

pub(crate) fn rule() -> BoxedStrategy<RulePlan> {
    (0..5u8, condition(), pay()).prop_map(|(id, when, pay)| RulePlan { id, when, pay }).boxed()
}

/// Terms that format level 1 can say.
fn plain_terms() -> BoxedStrategy<TermsPlan> {
    let agreement = (
        select(vec!["USD", "USD", "JPY", "KWD"]),
        select(vec!["month", "month", "quarter"]),
        select(vec!["2025-12-17", "2026-01-01", "2026-02-28", "2026-11-01"]),
        option::weighted(0.3, select(vec!["2027-01-01", "2027-03-15", "2027-02-01"])),
        select(vec!["half_even", "half_up", "down"]),
        any::<bool>(),
    );
    let clauses = (
        (any::<bool>(), any::<bool>()),
        vec(option::of(select(vec!["0.10", "0", "1", "0.333333333333"])), 0..=KINDS.len()),
        vec(rule(), 0..4),
        pay(),
        option::weighted(0.3, select(vec!["0.05", "0.2"])),
        option::weighted(0.3, select(vec!["0.2", "0.25", ANY_CEILING])),
        any::<bool>(),
    );
    (agreement, clauses)
        .prop_map(|(agreement, clauses)| {
            let (currency, length, starts_on, ends_on, mode, carry) = agreement;
            let (others, caps, rules, last, floor, ceiling, minimum_payout) = clauses;
            TermsPlan {
                level: Level::One,
                currency,
                length,
                starts_on,
                ends_on,
                mode,
                carry,
                members: [true, others.0, others.1],
                caps,
                rules,
                last: RulePlan { id: 9, when: "", pay: last },
                floor,
                ceiling,
                minimum_payout,
                clauses: Clauses::default(),
            }
        })
        .boxed()
}

/// Terms of every kind: some of a ledger of format level 1, most of one of level 2.
pub fn terms_plan() -> BoxedStrategy<TermsPlan> {
    let clauses = prop_oneof![3 => vec(change(), 0..4), 5 => vec(change(), 4..12)];
    prop_oneof![
        1 => plain_terms(),
        6 => (plain_terms(), clauses).prop_map(|(plain, clauses)| whole_terms(plain, &clauses)),
    ]
    .boxed()
}

/// Terms with as many of the clauses as make sense together.
fn whole_terms(plain: TermsPlan, clauses: &[Change]) -> TermsPlan {
    let mut plan = TermsPlan { level: Level::Two, ..plain };
    for change in clauses {
        plan = plan.changed(change).unwrap_or(plan);
    }
    plan
}

impl TermsPlan {
    /// With a change, if the terms are sound with it.
    pub(crate) fn changed(&self, change: &Change) -> Option<TermsPlan> {
        let mut plan = self.clone();
        change.make(&mut plan);
        plan.sound()
    }

    /// With a ceiling if points take the shares past 1; `None` if that does not help.
    pub(crate) fn sound(self) -> Option<TermsPlan> {
        let problems = intake::read_terms("terms.toml", self.text().as_bytes()).problems;
        if problems.is_empty() {
            return Some(self);
        }
        let capped = TermsPlan { ceiling: Some(ANY_CEILING), ..self };
        let only_shares = problems.iter().all(|problem| problem.code == Code::TermsShare);
        let is_sound = |plan: &TermsPlan| {
            intake::read_terms("terms.toml", plan.text().as_bytes()).problems.is_empty()
        };
        (only_shares && is_sound(&capped)).then_some(capped)
    }

    /// The ids of the beneficiaries, each with its place among all that there may be.
    pub(crate) fn beneficiaries(&self) -> impl Iterator<Item = (usize, &'static str)> + '_ {
        let all = BENEFICIARIES.into_iter().enumerate();
        all.filter(|(place, _)| *place == 0 || self.members[*place])
    }

    /// The id of a beneficiary; another one if it is not there.
    pub(crate) fn member(&self, at: u8) -> &'static str {
        let all: Vec<&str> = self.beneficiaries().map(|(_, id)| id).collect();
        all[usize::from(at) % all.len()]
    }

    /// A day of the agreement or thereabouts, by its distance from the first one.
    pub(crate) fn day(&self, distance: u16) -> Date {
        let start = Date::parse(self.starts_on).expect("a day");
        start.plus_days(i32::from(distance))
    }

    pub(crate) fn table(&self, name: &str, values: &PerParty) -> Option<String> {
        let entries: Vec<String> = self
            .beneficiaries()
            .filter_map(|(place, id)| Some(format!("{id} = \"{}\"", values.get(place)?.as_ref()?)))
            .collect();
        (!entries.is_empty()).then(|| format!("{name} = {{ {} }}", entries.join(", ")))
    }

    fn pay_text(&self, pay: &PayPlan) -> String {
        match pay {
            PayPlan::Flat(shares) => {
                self.table("share", shares).unwrap_or_else(|| "share = {}".to_owned())
            }
            PayPlan::Tiered { by, over, kind, steps } => {
                let mut at = 0i128;
                let mut texts = Vec::new();
                for (place, step) in steps.iter().enumerate() {
                    at += i128::from(step.gap);
                    let word = if step.inclusive { "up_to" } else { "below" };
                    let is_last = place + 1 == steps.len();
                    let bound = (!is_last).then(|| format!("{word} = \"{}\"", decimal(at, 3)));
                    let per_unit = (*by != "revenue").then_some(&step.per_unit);
                    let clauses = [
                        bound,
                        self.table("share", &step.share),
                        per_unit.and_then(|amounts| self.table("per_unit", amounts)),
                        self.table("flat", &step.flat),
                    ];
                    let clauses: Vec<String> = clauses.into_iter().flatten().collect();
                    texts.push(format!("{{ {} }}", clauses.join(", ")));
                }
                format!(
                    "tiers = {{ by = \"{by}\", over = \"{over}\", kind = \"{kind}\" }}\n\
                     steps = [ {} ]",
                    texts.join(", ")
                )
            }
        }
    }

    fn builder(&self) -> TermsBuilder {
        let mut terms = TermsBuilder::new(self.currency, self.starts_on)
            .period(self.length)
            .rounding(self.mode, self.carry)
            .party(COLLECTOR, "collector")
            .party("expert", "arbiter");
        if let Some(day) = self.ends_on {
            terms = terms.ends_on(day);
        }
        for meter in METERS {
            terms = terms.meter(meter);
        }
        for (place, id) in self.beneficiaries() {
            terms = terms.party(id, if place == 0 { "owner" } else { "beneficiary" });
        }
        for (kind, cap) in KINDS.iter().zip(&self.caps) {
            terms = terms.deduction(kind, *cap);
        }
        let mut named = Vec::new();
        for rule in self.rules.iter().chain([&self.last]) {
            if !named.contains(&rule.id) {
                named.push(rule.id);
                let text = format!("{}\n{}", rule.when, self.pay_text(&rule.pay));
                terms = terms.rule(&format!("rule-{}", rule.id), &text);
            }
        }
        let limit = |name: &str, rate: &str| format!("{name} = \"{rate}\"\n");
        let floor = self.floor.map(|rate| limit("rate_floor", rate)).unwrap_or_default();
        let ceiling = self.ceiling.map(|rate| limit("rate_ceiling", rate)).unwrap_or_default();
        terms = terms.clause(&format!("[limits]\n{floor}{ceiling}"));
        let mut payment = self.clauses.payment(self);
        if self.minimum_payout {
            payment.push_str("minimum_payout = \"50\"\n");
        }
        self.clauses.write(self, terms.clause(&format!("[payment]\n{payment}")))
    }

    /// The text of the terms file.
    pub fn text(&self) -> String {
        self.builder().toml()
    }

    /// The terms.
    pub fn terms(&self) -> Terms {
        self.builder().build()
    }

    /// At level 2, with a word on silence: none, accept (1) or escalate (2).
    pub(crate) fn with_deadlines(self, deadlines: u8) -> TermsPlan {
        let clauses = Clauses { deadlines, ..self.clauses };
        TermsPlan { level: Level::Two, clauses, ..self }
    }

    /// The format level that a ledger is opened with under them.
    pub fn level(&self) -> Level {
        self.level
    }
}
