//! Random agreements and random histories, carried out through the front door.
//!
//! A step of a history that the ledger refuses is left out, so that shrinking never breaks a case.

use ledger_core::command::Command;
use ledger_core::event::Fact;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::state::PayoutStatus;
use ledger_core::terms::Role;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Date;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;

pub use crate::dispute_moves::dispute_plan;
use crate::dispute_wishes;
use crate::lines::Line;
use crate::lines::blocks;
pub use crate::moves::DayPlan;
pub use crate::moves::LinePlan;
pub use crate::moves::Move;
pub use crate::moves::Plan;
pub use crate::moves::any_move;
pub use crate::moves::lines_plan;
pub use crate::moves::plan;
pub use crate::moves::tiered_plan;
use crate::plans::BENEFICIARIES;
use crate::plans::COLLECTOR;
use crate::plans::FOREIGN;
use crate::plans::METERS;
pub use crate::plans::TermsPlan;
pub use crate::plans::terms_plan;
use crate::proposals;
use crate::proposals::agreed_rate;
use crate::world::World;

/// The lines of a plan, for a period and terms.
pub fn lines_for(world: &World, period: Period, lines: &[LinePlan]) -> Vec<Line> {
    let agreement = world.agreement();
    let versions = agreement.versions();
    let first = period.first_day().max(versions.starts_on());
    let last = match versions.ends_on() {
        Some(end) => period.last_day().min(end.plus_days(-1)),
        None => period.last_day(),
    };
    let days = (last.days() - first.days() + 1).max(1);
    lines
        .iter()
        .map(|plan| {
            let day: Date = first.plus_days(i32::from(plan.day) % days);
            let terms = versions.on(day);
            let mut line = Line::new(&day.to_string(), &plan.gross);
            if let Some(at) = plan.foreign.filter(|_| agreement.level() > Level::One) {
                line = line.in_currency(FOREIGN[usize::from(at)]);
            }
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

pub(crate) fn pick<T>(items: &[T], at: impl Into<usize>) -> Option<&T> {
    items.get(at.into() % items.len().max(1))
}

/// A ledger that is opened and accepted under planned terms.
pub fn opened(terms: &TermsPlan) -> World {
    let mut world = World::new();
    world.open_and_accept_at(terms.terms(), terms.level());
    let digest = world.agreement().terms_digest();
    world.keep_plan(digest, terms.clone());
    world
}

/// Carries a plan out. What the ledger refuses is left out.
pub fn play(plan: &Plan) -> World {
    let mut world = opened(&plan.terms);
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
    let mut period = world.agreement().versions().first_period();
    while world.agreement().is_reported(period) {
        period = period.next()?;
    }
    for _ in 0..ahead {
        period = period.next()?;
    }
    Some(period)
}

/// The last period that anything was said about.
fn last_known(world: &World) -> Period {
    let agreement = world.agreement();
    let stated = agreement.statements().last_key_value().map(|(period, _)| *period);
    let known = agreement.reported_periods().next_back().max(stated);
    known.unwrap_or(agreement.versions().first_period())
}

/// The day of a plan.
pub fn day_for(world: &World, plan: DayPlan) -> Date {
    let versions = world.agreement().versions();
    let (start, last) = (versions.starts_on(), last_known(world).last_day());
    let days = last.days() - start.days() + 45;
    let day = match plan.at {
        // One in 64 lies before the agreement, or years later.
        at if at < 512 => start.plus_days(-1 - i32::from(at)),
        at if at < 1024 => last.plus_days(i32::from(at) * 3),
        // Many lie around the end of what is known.
        at if at < 24_000 => last.plus_days(i32::from(at) % 80 - 60).max(start),
        at => start.plus_days(i32::from(at) % days),
    };
    match plan.first {
        true => Period::holding(versions.first_period().length(), day).first_day().max(start),
        false => day,
    }
}

/// Reports the next period to state, unless it is reported or lies after the end, and agrees on
/// the conversion rates that it needs; the wish to state it.
pub(crate) fn reported(
    world: &mut World,
    lines: &[LinePlan],
    rate: Option<u16>,
) -> Option<Command> {
    let period = world.agreement().next_to_state()?;
    let runs = world.agreement().versions().last_period().is_none_or(|last| period <= last);
    if runs && !world.agreement().is_reported(period) {
        let lines = lines_for(world, period, lines);
        let blocks = blocks(&lines, world.agreement().terms().currency, usize::MAX);
        let report = Command::ReportUsage { period, supplement: false, blocks };
        world.submit(COLLECTOR, report).ok()?;
    }
    if let Some(rate) = rate {
        agree_on_rates(world, period, rate);
    }
    Some(Command::IssueStatement(period))
}

/// Agrees on every conversion rate that is missing up to a period.
pub fn agree_on_rates(world: &mut World, last: Period, rate: u16) {
    let agreement = world.agreement();
    let settlement = agreement.terms().currency;
    let mut missing = Vec::new();
    for facts in agreement.facts_until(last) {
        for currency in facts.groups.keys().map(|key| key.currency) {
            let known = agreement.rates().contains_key(&(facts.period, currency));
            if currency != settlement && !known && !missing.contains(&(facts.period, currency)) {
                missing.push((facts.period, currency));
            }
        }
    }
    for (period, currency) in missing {
        agreed_rate(world, period, currency.code(), rate);
    }
}

/// Who would say what, if there is anything to say.
pub fn wish(world: &mut World, step: &Move) -> Option<(String, Command)> {
    let terms = world.agreement().terms().clone();
    let currency = terms.currency;
    let beneficiaries: Vec<Id> =
        world.agreement().versions().beneficiaries().into_iter().cloned().collect();
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
        Move::State { by_owner, rate } => {
            let statement = reported(world, &[], *rate)?;
            let author = if *by_owner { BENEFICIARIES[0].to_owned() } else { collector() };
            (author, statement)
        }
        Move::ReportAndState { by_owner, rate, lines } => {
            let statement = reported(world, lines, *rate)?;
            let author = if *by_owner { BENEFICIARIES[0].to_owned() } else { collector() };
            (author, statement)
        }
        Move::Run { periods, lines } => {
            for _ in 1..*periods {
                let statement = reported(world, lines, Some(u16::from(*periods)))?;
                world.submit(COLLECTOR, statement).ok()?;
            }
            (collector(), reported(world, lines, Some(u16::from(*periods)))?)
        }
        Move::Missing { ahead } => {
            let period = unreported(world, *ahead)?;
            let due = world.agreement().versions().of(period).report_due_on(period).days();
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
        Move::Pay { who, part, sent } => {
            let payable = |id: &Id| world.agreement().payable(id).expect("in bounds");
            let owed = beneficiaries.iter().filter(|id| payable(id) > Amount::ZERO);
            let owed: Vec<&Id> = owed.collect();
            let to = pick(&owed, *who).copied().or(pick(&beneficiaries, *who))?.clone();
            let payable = payable(&to);
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
            let sent_on = day_for(world, *sent);
            let on_account = *part == 2;
            let send = Command::SendPayout { to, amount, on_account, sent_on, reference };
            (collector(), send)
        }
        Move::Settle { pick: at, arrives, late } => {
            let (id, to, sent_on) = pick(&in_transit(world), *at)?.clone();
            let command = match arrives {
                true => {
                    let received_on = sent_on.plus_days(i32::from(*late));
                    Command::ConfirmPayout { payout: id, received_on }
                }
                false => {
                    let reason = Text::parse("the account was closed").ok()?;
                    Command::ReturnPayout { payout: id, reason }
                }
            };
            (to.to_string(), command)
        }
        Move::Acknowledge { who } => {
            let parties = world.agreement().versions().listed_parties();
            let parties: Vec<String> = parties.iter().map(|party| party.id.to_string()).collect();
            (pick(&parties, *who)?.clone(), Command::Acknowledge)
        }
        Move::Wait { days } => {
            world.clock().pass_days(i64::from(*days));
            return None;
        }
        Move::Dispute(step) => return dispute_wishes::wish(world, step),
        _ => return proposals::wish(world, step),
    })
}

/// Payouts and advances in transit, with who gets them and when they were sent.
fn in_transit(world: &World) -> Vec<(EventId, Id, Date)> {
    let payouts = world
        .agreement()
        .payouts()
        .in_transit()
        .map(|record| (record.id, record.payout.to.clone(), record.payout.sent_on));
    let advances = world.agreement().advances().values();
    let advances = advances.filter(|record| record.status == PayoutStatus::InTransit);
    let advances =
        advances.map(|record| (record.id, record.advance.to.clone(), record.advance.paid_on));
    payouts.chain(advances).collect()
}

/// Whether a refusal is one of the bounds of a ledger, or of saying a thing twice: where two
/// histories of the same facts may part.
pub fn is_bound_or_repeat(code: Code) -> bool {
    matches!(code, Code::AmountBounds | Code::Repeat)
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
