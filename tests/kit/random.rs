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
use ledger_core::vocab::Date;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;

use crate::lines::Line;
use crate::lines::blocks;
use crate::plans::BENEFICIARIES;
use crate::plans::COLLECTOR;
pub use crate::plans::LinePlan;
use crate::plans::METERS;
pub use crate::plans::Move;
pub use crate::plans::Plan;
pub use crate::plans::TermsPlan;
pub use crate::plans::any_move;
pub use crate::plans::lines_plan;
pub use crate::plans::plan;
pub use crate::plans::terms_plan;
use crate::world::World;

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

/// Reports the next period to state, unless it is reported or lies after the end; the wish to
/// state it.
fn reported(world: &mut World, lines: &[LinePlan]) -> Option<Command> {
    let period = world.agreement().next_to_state()?;
    let terms = world.agreement().terms();
    let runs = terms.last_period().is_none_or(|last| period <= last);
    if runs && !world.agreement().is_reported(period) {
        let lines = lines_for(world, period, lines);
        let blocks = blocks(&lines, world.agreement().terms().currency, usize::MAX);
        let report = Command::ReportUsage { period, supplement: false, blocks };
        world.submit(COLLECTOR, report).ok()?;
    }
    Some(Command::IssueStatement(period))
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
            let statement = reported(world, &[])?;
            let author = if *by_owner { BENEFICIARIES[0].to_owned() } else { collector() };
            (author, statement)
        }
        Move::Run { periods, lines } => {
            for _ in 1..*periods {
                let statement = reported(world, lines)?;
                world.submit(COLLECTOR, statement).ok()?;
            }
            (collector(), reported(world, lines)?)
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
