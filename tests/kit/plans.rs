//! Plans of random agreements and random histories: data that proptest can shrink.

use std::ops::Range;

use ledger_core::vocab::Amount;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::terms::TermsBuilder;

/// The beneficiaries that a plan may have; the first is the owner.
pub(crate) const BENEFICIARIES: [&str; 3] = ["meta", "meta-research", "a-lab"];
/// The collector of every plan.
pub(crate) const COLLECTOR: &str = "acme-cloud";
/// The meters of every plan.
pub(crate) const METERS: [&str; 2] = ["requests", "tokens"];
/// The kinds of deduction that a plan may have.
const KINDS: [&str; 2] = ["refunds", "taxes"];
const MODELS: [&str; 4] = ["", "llama-3-8b", "llama-3-70b", "mistral"];
const APPLICATIONS: [&str; 3] = ["", "search", "moderation"];
const TERRITORIES: [&str; 3] = ["", "EU", "US"];

/// Terms to be.
#[derive(Clone, Debug)]
pub struct TermsPlan {
    currency: &'static str,
    length: &'static str,
    starts_on: &'static str,
    ends_on: Option<&'static str>,
    mode: &'static str,
    carry: bool,
    beneficiaries: usize,
    caps: Vec<Option<&'static str>>,
    rules: Vec<RulePlan>,
    floor: Option<&'static str>,
    ceiling: Option<&'static str>,
    minimum_payout: bool,
}

/// A rule to be; the last of a plan applies to everything.
#[derive(Clone, Debug)]
pub struct RulePlan {
    when: &'static str,
    pay: PayPlan,
}

/// Shares or amounts, one for each beneficiary that there may be.
type PerParty = Vec<Option<String>>;

/// What a rule to be pays.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub struct StepPlan {
    /// How far its bound lies above that of the step before, in thousandths.
    gap: u32,
    inclusive: bool,
    share: PerParty,
    per_unit: PerParty,
    flat: PerParty,
}

/// A usage line to be.
#[derive(Clone, Debug)]
pub struct LinePlan {
    pub(crate) day: u16,
    pub(crate) model: &'static str,
    pub(crate) application: &'static str,
    pub(crate) territory: &'static str,
    pub(crate) gross: String,
    pub(crate) meters: Vec<Option<String>>,
    pub(crate) deductions: Vec<Option<String>>,
}

/// A step of a history to be. Numbers pick one of what there is at that time.
#[derive(Clone, Debug)]
pub enum Move {
    /// A report: of the first period without one, or of a later one.
    Report { ahead: u8, lines: Vec<LinePlan>, per_block: usize },
    /// A supplement to any period with a report.
    Supplement { pick: u16, lines: Vec<LinePlan>, per_block: usize },
    /// A correction of any report in effect, of any period.
    Correct { pick: u16, lines: Vec<LinePlan>, per_block: usize },
    /// The next statement, after a nil report if there is none.
    State { by_owner: bool },
    /// Several periods, one after another: a report of these lines, and its statement.
    Run { periods: u8, lines: Vec<LinePlan> },
    /// A report is missing.
    Missing { ahead: u8 },
    /// A statement is accepted.
    Accept { pick: u16, who: u8 },
    /// A payout: of all, half, twice or a minor unit of what is payable.
    Pay { who: u8, part: u8 },
    /// A payout arrives or comes back.
    Settle { pick: u16, arrives: bool },
    /// A party acknowledges.
    Acknowledge { who: u8 },
    /// Days pass.
    Wait { days: u8 },
}

/// An agreement and its history.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The terms.
    pub terms: TermsPlan,
    /// The history.
    pub moves: Vec<Move>,
}

fn decimal(mantissa: i128, scale: u32) -> String {
    Amount::normalised(mantissa, scale).expect("an amount within bounds").to_string()
}

/// Amounts and quantities: small, in cents, large, with as many fraction digits as there may be,
/// negative and zero.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        // Such as stand on the bounds of steps.
        4 => select(vec!["1", "5", "10", "50", "100"]).prop_map(str::to_owned),
        4 => (0..2_000i64).prop_map(|n| n.to_string()),
        4 => (0..5_000_000i64).prop_map(|n| decimal(n.into(), 2)),
        2 => (-500_000..0i64).prop_map(|n| decimal(n.into(), 2)),
        2 => (any::<i64>(), 6..=12u32).prop_map(|(n, scale)| decimal(n.into(), scale)),
        1 => (-1_000_000_000_000..1_000_000_000_000i64).prop_map(|n| decimal(n.into(), 0)),
        1 => Just("0".to_owned()),
        1 => Just("0.000000000001".to_owned()),
    ]
}

/// Shares of which three come to at most 1.
fn rate() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["0", "0.05", "0.15", "0.3", "0.333333333333", "0.01"]).prop_map(str::to_owned),
        (0..330_000_000_000i64).prop_map(|n| decimal(n.into(), 12)),
    ]
}

/// What steps pay per unit, or flat.
fn price() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..500i64).prop_map(|n| n.to_string()),
        (0..10_000i64).prop_map(|n| decimal(n.into(), 3)),
        (0..10_000_000_000i64).prop_map(|n| decimal(n.into(), 12)),
    ]
}

fn per_party(
    value: impl Strategy<Value = String>,
    present: f64,
) -> impl Strategy<Value = PerParty> {
    vec(option::weighted(present, value), BENEFICIARIES.len())
}

fn step() -> impl Strategy<Value = StepPlan> {
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
}

fn pay() -> impl Strategy<Value = PayPlan> {
    let tiered = (
        select(vec!["revenue", "tokens", "requests"]),
        select(vec!["period", "year", "lifetime"]),
        select(vec!["marginal", "whole"]),
        vec(step(), 1..5),
    );
    prop_oneof![
        1 => per_party(rate(), 0.8).prop_map(PayPlan::Flat),
        3 => tiered.prop_map(|(by, over, kind, steps)| PayPlan::Tiered { by, over, kind, steps }),
    ]
}

fn rule() -> impl Strategy<Value = RulePlan> {
    let conditions = vec![
        "when = { model = [\"llama-3*\"] }",
        "when = { model = [\"*-70b\", \"mistral\"], territory = [\"EU\"] }",
        "when = { application = [\"s*h\"] }",
        "when = { territory = [\"\"] }",
        "when = { application = [\"*o*\"], model = [\"*\"] }",
    ];
    (select(conditions), pay()).prop_map(|(when, pay)| RulePlan { when, pay })
}

/// Terms of every kind that this release can rate.
pub fn terms_plan() -> impl Strategy<Value = TermsPlan> {
    let agreement = (
        select(vec!["USD", "USD", "JPY", "KWD"]),
        select(vec!["month", "month", "quarter"]),
        select(vec!["2025-12-17", "2026-01-01", "2026-02-28", "2026-11-01"]),
        option::weighted(0.3, select(vec!["2027-01-01", "2027-03-15", "2027-02-01"])),
        select(vec!["half_even", "half_up", "down"]),
        any::<bool>(),
    );
    let clauses = (
        1..=BENEFICIARIES.len(),
        vec(option::of(select(vec!["0.10", "0", "1", "0.333333333333"])), 0..=KINDS.len()),
        vec(rule(), 0..4),
        pay(),
        option::weighted(0.3, select(vec!["0.05", "0.2"])),
        option::weighted(0.3, select(vec!["0.2", "0.25", "0.333333333333"])),
        any::<bool>(),
    );
    (agreement, clauses).prop_map(|(agreement, clauses)| {
        let (currency, length, starts_on, ends_on, mode, carry) = agreement;
        let (beneficiaries, caps, mut rules, last, floor, ceiling, minimum_payout) = clauses;
        rules.push(RulePlan { when: "", pay: last });
        TermsPlan {
            currency,
            length,
            starts_on,
            ends_on,
            mode,
            carry,
            beneficiaries,
            caps,
            rules,
            floor,
            ceiling,
            minimum_payout,
        }
    })
}

fn line() -> impl Strategy<Value = LinePlan> {
    (
        any::<u16>(),
        select(MODELS.to_vec()),
        select(APPLICATIONS.to_vec()),
        select(TERRITORIES.to_vec()),
        number(),
        vec(option::of(number()), METERS.len()),
        vec(option::weighted(0.3, number()), KINDS.len()),
    )
        .prop_map(|(day, model, application, territory, gross, meters, deductions)| LinePlan {
            day,
            model,
            application,
            territory,
            gross,
            meters,
            deductions,
        })
}

fn report_lines() -> impl Strategy<Value = Vec<LinePlan>> {
    vec(line(), 0..7)
}

fn per_block() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(usize::MAX), 1 => 1..4usize]
}

/// A step of a history.
pub fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        5 => (0..2u8, report_lines(), per_block())
            .prop_map(|(ahead, lines, per_block)| Move::Report { ahead, lines, per_block }),
        2 => (any::<u16>(), report_lines(), per_block())
            .prop_map(|(pick, lines, per_block)| Move::Supplement { pick, lines, per_block }),
        4 => (any::<u16>(), report_lines(), per_block())
            .prop_map(|(pick, lines, per_block)| Move::Correct { pick, lines, per_block }),
        6 => any::<bool>().prop_map(|by_owner| Move::State { by_owner }),
        1 => (2..9u8, vec(line(), 0..3)).prop_map(|(periods, lines)| Move::Run { periods, lines }),
        1 => (0..3u8).prop_map(|ahead| Move::Missing { ahead }),
        1 => (any::<u16>(), any::<u8>()).prop_map(|(pick, who)| Move::Accept { pick, who }),
        2 => (any::<u8>(), 0..4u8).prop_map(|(who, part)| Move::Pay { who, part }),
        2 => (any::<u16>(), any::<bool>())
            .prop_map(|(pick, arrives)| Move::Settle { pick, arrives }),
        1 => any::<u8>().prop_map(|who| Move::Acknowledge { who }),
        1 => any::<u8>().prop_map(|days| Move::Wait { days }),
    ]
}

/// Agreements with histories of a number of steps.
pub fn plan(moves: Range<usize>) -> impl Strategy<Value = Plan> {
    (terms_plan(), vec(any_move(), moves)).prop_map(|(terms, moves)| Plan { terms, moves })
}

/// A list of usage lines for plans of any terms.
pub fn lines_plan(count: Range<usize>) -> impl Strategy<Value = Vec<LinePlan>> {
    vec(line(), count)
}

impl TermsPlan {
    fn table(&self, name: &str, values: &PerParty) -> Option<String> {
        let named = BENEFICIARIES.iter().take(self.beneficiaries).zip(values);
        let entries: Vec<String> = named
            .filter_map(|(id, value)| Some(format!("{id} = \"{}\"", value.as_ref()?)))
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

    /// The terms.
    pub fn builder(&self) -> TermsBuilder {
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
        for (place, id) in BENEFICIARIES.iter().take(self.beneficiaries).enumerate() {
            terms = terms.party(id, if place == 0 { "owner" } else { "beneficiary" });
        }
        for (kind, cap) in KINDS.iter().zip(&self.caps) {
            terms = terms.deduction(kind, *cap);
        }
        for (place, rule) in self.rules.iter().enumerate() {
            let text = format!("{}\n{}", rule.when, self.pay_text(&rule.pay));
            terms = terms.rule(&format!("rule-{place}"), &text);
        }
        // A ceiling below the floor is refused.
        let limit = |name: &str, rate: &str| format!("{name} = \"{rate}\"\n");
        let floor = self.floor.map(|rate| limit("rate_floor", rate)).unwrap_or_default();
        let ceiling = self.ceiling.map(|rate| limit("rate_ceiling", rate)).unwrap_or_default();
        terms = terms.clause(&format!("[limits]\n{floor}{ceiling}"));
        match self.minimum_payout {
            true => terms.clause("[payment]\nminimum_payout = \"50\""),
            false => terms,
        }
    }
}
