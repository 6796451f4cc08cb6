//! Random agreements and random histories.
//!
//! A plan is data that proptest can shrink; [`play`] carries it out through the front door. A
//! step of a history that the ledger refuses is left out, so that shrinking never breaks a case.

use std::ops::Range;

use ledger_core::command::Command;
use ledger_core::event::Fact;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::state::PayoutStatus;
use ledger_core::terms::Role;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Date;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::lines::Line;
use crate::lines::blocks;
use crate::terms::TermsBuilder;
use crate::world::World;

/// The beneficiaries that a plan may have; the first is the owner.
const BENEFICIARIES: [&str; 3] = ["meta", "meta-research", "a-lab"];
/// The collector of every plan.
const COLLECTOR: &str = "acme-cloud";
/// The meters of every plan.
const METERS: [&str; 2] = ["requests", "tokens"];
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
    day: u16,
    model: &'static str,
    application: &'static str,
    territory: &'static str,
    gross: String,
    meters: Vec<Option<String>>,
    deductions: Vec<Option<String>>,
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
        prop_oneof![1..2_000u32, 1_000..2_000_000u32],
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

/// The lines of a plan, for a period and terms.
pub fn lines_for(world: &World, period: Period, lines: &[LinePlan]) -> Vec<Line> {
    let terms = world.agreement().terms();
    let first = period.first_day().max(terms.starts_on);
    let last = match terms.ends_on {
        Some(end) => period.last_day().min(end.plus_days(-1)),
        None => period.last_day(),
    };
    let days = (last.days() - first.days() + 1).max(1);
    lines
        .iter()
        .map(|plan| {
            let day: Date = first.plus_days(i32::from(plan.day) % days);
            let mut line = Line::new(&day.to_string(), &plan.gross);
            let attributes = [
                ("model", plan.model),
                ("application", plan.application),
                ("territory", plan.territory),
            ];
            for (attribute, value) in attributes.into_iter().filter(|(_, value)| !value.is_empty())
            {
                line = line.with(attribute, value);
            }
            for (meter, quantity) in METERS.iter().zip(&plan.meters) {
                if let Some(quantity) = quantity {
                    line = line.meter(meter, quantity);
                }
            }
            let declared = terms.deductions.iter().zip(&plan.deductions);
            for (deduction, amount) in declared {
                if let Some(amount) = amount {
                    line = line.deduction(deduction.kind.as_str(), amount);
                }
            }
            line
        })
        .collect()
}

fn pick<T>(items: &[T], at: impl Into<usize>) -> Option<&T> {
    items.get(at.into() % items.len().max(1))
}

/// Carries a plan out. What the ledger refuses is left out.
pub fn play(plan: &Plan) -> World {
    let mut world = World::in_force(plan.terms.builder().build());
    for step in &plan.moves {
        take(&mut world, step);
    }
    world
}

/// Carries a step out; whether it was recorded.
pub fn take(world: &mut World, step: &Move) -> bool {
    let Some((party, command)) = wish(world, step) else {
        return false;
    };
    world.submit(&party, command).is_ok()
}

fn unreported(world: &World, ahead: u8) -> Option<Period> {
    let mut period = world.agreement().terms().first_period();
    while world.agreement().is_reported(period) {
        period = period.next()?;
    }
    for _ in 0..ahead {
        period = period.next()?;
    }
    Some(period)
}

/// Who would say what, if there is anything to say.
pub fn wish(world: &mut World, step: &Move) -> Option<(String, Command)> {
    let terms = world.agreement().terms().clone();
    let currency = terms.currency;
    let beneficiaries: Vec<Id> = terms.beneficiaries().into_iter().cloned().collect();
    let collector = || COLLECTOR.to_owned();
    Some(match step {
        Move::Report { ahead, lines, per_block } => {
            let period = unreported(world, *ahead)?;
            let lines = lines_for(world, period, lines);
            let blocks = blocks(&lines, currency, *per_block);
            (collector(), Command::ReportUsage { period, supplement: false, blocks })
        }
        Move::Supplement { pick: at, lines, per_block } => {
            let periods: Vec<Period> = world.agreement().reported_periods().collect();
            let period = *pick(&periods, *at)?;
            let lines = lines_for(world, period, lines);
            let blocks = blocks(&lines, currency, *per_block);
            (collector(), Command::ReportUsage { period, supplement: true, blocks })
        }
        Move::Correct { pick: at, lines, per_block } => {
            let agreement = world.agreement();
            let in_effect: Vec<(EventId, Period)> = agreement
                .reported_periods()
                .flat_map(|period| agreement.in_effect(period))
                .map(|report| (report.id, report.period))
                .collect();
            let (corrects, period) = *pick(&in_effect, *at)?;
            let lines = lines_for(world, period, lines);
            let blocks = blocks(&lines, currency, *per_block);
            let reason = Text::parse("the export was wrong").ok()?;
            (collector(), Command::CorrectUsage { corrects, reason, blocks })
        }
        Move::State { by_owner } => {
            let period = world.agreement().next_to_state()?;
            let runs = terms.last_period().is_none_or(|last| period <= last);
            if runs && !world.agreement().is_reported(period) {
                let blocks = Vec::new();
                let nil = Command::ReportUsage { period, supplement: false, blocks };
                world.submit(COLLECTOR, nil).ok()?;
            }
            let author = if *by_owner { BENEFICIARIES[0].to_owned() } else { collector() };
            (author, Command::IssueStatement(period))
        }
        Move::Missing { ahead } => {
            let period = unreported(world, *ahead)?;
            let due = terms.report_due_on(period).days();
            let today = world.clock().now().date().days();
            world.clock().pass_days(i64::from((due + 1 - today).max(0)));
            (BENEFICIARIES[0].to_owned(), Command::NoteMissing(period))
        }
        Move::Accept { pick: at, who } => {
            let statements = world.agreement().statements().values();
            let ids: Vec<EventId> = statements.map(|record| record.id).collect();
            let party = pick(&beneficiaries, *who)?.to_string();
            (party, Command::AcceptStatement(*pick(&ids, *at)?))
        }
        Move::Pay { who, part } => {
            let to = pick(&beneficiaries, *who)?.clone();
            let payable = world.agreement().account(&to).payable();
            let digits = currency.minor_digits();
            let unit = 10i128.pow(digits - payable.scale().min(digits));
            let units = payable.mantissa() * unit;
            let units = match part {
                0 => units,
                1 => units / 2,
                2 => units.abs() * 2 + 1,
                _ => 1,
            };
            let amount = Amount::normalised(units, digits)?;
            let head = world.state().next_seq();
            let reference = Text::parse(&format!("wire {head}")).ok()?;
            let sent_on = Date::parse("2026-03-01").ok()?;
            let on_account = *part == 2;
            let send = Command::SendPayout { to, amount, on_account, sent_on, reference };
            (collector(), send)
        }
        Move::Settle { pick: at, arrives } => {
            let payouts = world.agreement().payouts().values();
            let in_transit: Vec<(EventId, Id)> = payouts
                .filter(|record| record.status == PayoutStatus::InTransit)
                .map(|record| (record.id, record.payout.to.clone()))
                .collect();
            let (payout, to) = pick(&in_transit, *at)?.clone();
            let command = match arrives {
                true => {
                    let received_on = Date::parse("2026-03-03").ok()?;
                    Command::ConfirmPayout { payout, received_on }
                }
                false => {
                    let reason = Text::parse("the account was closed").ok()?;
                    Command::ReturnPayout { payout, reason }
                }
            };
            (to.to_string(), command)
        }
        Move::Acknowledge { who } => {
            let parties: Vec<String> =
                terms.parties.iter().map(|party| party.id.to_string()).collect();
            (pick(&parties, *who)?.clone(), Command::Acknowledge)
        }
        Move::Wait { days } => {
            world.clock().pass_days(i64::from(*days));
            return None;
        }
    })
}

/// The facts on a world's log, in order.
pub fn facts(world: &World) -> Vec<Fact> {
    let mut facts = Vec::new();
    replay(world.ledger().source(), None, Signatures::Checked, &mut |_, fact, _| {
        facts.push(fact.clone());
    })
    .expect("what was recorded can be replayed");
    facts
}

/// The owner among the beneficiaries.
pub fn owner(world: &World) -> Id {
    let parties = &world.agreement().terms().parties;
    let owner = parties.iter().find(|party| party.role == Role::Owner);
    owner.expect("every plan has an owner").id.clone()
}
