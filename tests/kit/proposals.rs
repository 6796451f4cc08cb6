//! Random proposals: amendments, conversion rates and contributions, decided at once or later; and
//! advances.

use ledger_core::command::Command;
use ledger_core::decide::decide;
use ledger_core::event::ContributionClaim;
use ledger_core::event::ContributionEnd;
use ledger_core::event::ConversionRate;
use ledger_core::event::TermsVersion;
use ledger_core::payout::Advance;
use ledger_core::state::ProposalStatus;
use ledger_core::state::Proposed;
use ledger_core::terms::ContributionClause;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Currency;
use ledger_core::vocab::Date;
use ledger_core::vocab::Digest;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;

use crate::changes::Change;
use crate::keys;
use crate::moves::Move;
use crate::moves::Then;
use crate::plans::COLLECTOR;
use crate::plans::FOREIGN;
use crate::random::day_for;
use crate::random::pick;
use crate::world::World;
use crate::world::version_at;

/// The money parties of the terms accepted last.
fn money_parties(world: &World) -> Vec<Id> {
    let parties = world.agreement().terms().parties.iter();
    parties.filter(|party| party.role.is_money_party()).map(|party| party.id.clone()).collect()
}

/// Who would propose or decide what, or pay an advance.
pub(crate) fn wish(world: &mut World, step: &Move) -> Option<(String, Command)> {
    let head = world.state().next_seq();
    let text = |what: &str| Text::parse(&format!("{what} {head}")).expect("a text");
    match step {
        Move::Amend { of, changes, from, by, then } => {
            let command = amendment(world, *of, changes, day_for(world, *from), text("as agreed"))?;
            let by = pick(&money_parties(world), *by)?.to_string();
            proposed(world, by, command, *then)
        }
        Move::Rate { pick: at, currency, rate, by, then } => {
            let mut period = world.agreement().versions().first_period();
            let known = 1 + world.agreement().statements().len() as u16;
            for _ in 0..at % known {
                period = period.next()?;
            }
            let rate = ConversionRate {
                currency: Currency::parse(FOREIGN[usize::from(*currency)]).ok()?,
                rate: Amount::parse(rate).ok()?,
                period,
                source: text("the central bank"),
            };
            let by = pick(&money_parties(world), *by)?.to_string();
            proposed(world, by, Command::ProposeRate(rate), *then)
        }
        Move::Claim { pick: at, from, days, by, then } => {
            let from = day_for(world, *from);
            let versions = world.agreement().versions().iter();
            let clauses: Vec<&ContributionClause> =
                versions.rev().flat_map(|version| &version.terms.contributions).collect();
            let clause = *pick(&clauses, *at)?;
            let claim = ContributionClaim {
                clause: clause.id.clone(),
                from,
                to: days.map(|days| from.plus_days(i32::from(days))),
                evidence: by.is_multiple_of(2).then_some(Digest([*by; 32])),
                note: text("a model was tuned"),
            };
            // One in sixteen is claimed by somebody else.
            let by = match by % 16 {
                15 => COLLECTOR.to_owned(),
                _ => clause.by.to_string(),
            };
            proposed(world, by, Command::ClaimContribution(claim), *then)
        }
        Move::End { pick: at, on } => {
            let claims: Vec<(EventId, Id)> = world
                .agreement()
                .proposals()
                .values()
                .filter(|proposal| matches!(proposal.what, Proposed::Contribution(_)))
                .map(|proposal| (proposal.id, proposal.proposer.clone()))
                .collect();
            let (claim, by) = pick(&claims, *at)?.clone();
            let end =
                ContributionEnd { claim, on: day_for(world, *on), reason: text("it is over") };
            Some((by.to_string(), Command::EndContribution(end)))
        }
        Move::Decide { pick: at, who, then } => {
            let proposals = world.agreement().proposals();
            let pending = proposals.values().filter(|one| one.status == ProposalStatus::Pending);
            let pending: Vec<EventId> = pending.map(|one| one.id).collect();
            let all: Vec<EventId> = proposals.keys().copied().collect();
            // Mostly one that can still be decided.
            let id = match who % 8 {
                7 => *pick(&all, *at)?,
                _ => *pick(&pending, *at)?,
            };
            let proposal = &proposals[&id];
            let needed: Vec<Id> = proposal.needed.iter().cloned().collect();
            let someone = pick(&needed, *who)?.to_string();
            match then {
                Then::Withdrawn => Some((proposal.proposer.to_string(), withdrawal(id)?)),
                Then::Rejected => Some((someone, rejection(id)?)),
                Then::Nothing | Then::One => Some((someone, Command::Accept(id))),
                Then::All => all_but_the_last_accept(world, id),
            }
        }
        Move::Advance { who, units } => {
            let agreement = world.agreement();
            let permitted = &agreement.terms().advances;
            let beneficiaries: Vec<Id> =
                agreement.terms().beneficiaries().into_iter().cloned().collect();
            let to = pick(permitted, *who).or(pick(&beneficiaries, *who))?.clone();
            let digits = agreement.terms().currency.minor_digits();
            let advance = Advance {
                to,
                amount: Amount::normalised(i128::from(*units), digits)?,
                paid_on: agreement.versions().starts_on().plus_days((units % 400) as i32),
                reference: text("advance"),
            };
            Some((COLLECTOR.to_owned(), Command::PayAdvance(advance)))
        }
        _ => None,
    }
}

fn withdrawal(proposal: EventId) -> Option<Command> {
    let reason = Text::parse("it was not meant so").ok()?;
    Some(Command::WithdrawProposal { proposal, reason })
}

fn rejection(proposal: EventId) -> Option<Command> {
    let reason = Text::parse("it is too dear").ok()?;
    Some(Command::RejectProposal { proposal, reason })
}

/// An amendment to such terms.
fn amendment(
    world: &mut World,
    of: u8,
    changes: &[Change],
    effective_from: Date,
    reason: Text,
) -> Option<Command> {
    let version = changed_terms(world, of, changes)?;
    Some(Command::ProposeAmendment { version: Box::new(version), effective_from, reason })
}

/// The terms of a version there was, with as many changes as make sense.
pub(crate) fn changed_terms(world: &mut World, of: u8, changes: &[Change]) -> Option<TermsVersion> {
    let versions = world.agreement().versions();
    // Mostly those of the version accepted last; sometimes what there was before comes back.
    let version = match of % 4 {
        0 => versions.get(usize::from(of) / 4 % versions.count()),
        _ => versions.last(),
    };
    let mut plan = world.plan_of(&version.digest)?.clone();
    for change in changes {
        plan = plan.changed(change).unwrap_or(plan);
    }
    let version = version_at(plan.terms(), Level::LATEST);
    world.keep_plan(version.digest, plan);
    Some(version)
}

/// The wish that is left when a proposal was made and what follows at once was said.
fn proposed(
    world: &mut World,
    by: String,
    command: Command,
    then: Then,
) -> Option<(String, Command)> {
    let context = world.context(&by, &keys::signer(&by));
    let is_refused = decide(world.state(), command.clone(), &context).is_err();
    if is_refused || matches!(then, Then::Nothing) {
        return Some((by, command));
    }
    let id = world.submit(&by, command).ok()?.fact.id;
    let proposal = &world.agreement().proposals()[&id];
    let other = proposal.needed.iter().find(|party| !proposal.accepted_by.contains(*party));
    let other = other?.to_string();
    match then {
        Then::Nothing => None,
        Then::One => Some((other, Command::Accept(id))),
        Then::All => all_but_the_last_accept(world, id),
        Then::Rejected => Some((other, rejection(id)?)),
        Then::Withdrawn => Some((by, withdrawal(id)?)),
    }
}

/// Everybody accepts a proposal but one party; its wish.
fn all_but_the_last_accept(world: &mut World, id: EventId) -> Option<(String, Command)> {
    let proposal = &world.agreement().proposals()[&id];
    let open = proposal.needed.iter().filter(|party| !proposal.accepted_by.contains(*party));
    let mut open: Vec<Id> = open.cloned().collect();
    let last = open.pop()?;
    for party in open {
        world.submit(party.as_str(), Command::Accept(id)).ok()?;
    }
    Some((last.to_string(), Command::Accept(id)))
}

/// Everybody agrees on a conversion rate that follows from a number; whether they could.
pub(crate) fn agreed_rate(world: &mut World, period: Period, currency: &str, number: u16) -> bool {
    let head = world.state().next_seq();
    let rate = ConversionRate {
        currency: Currency::parse(currency).expect("a currency"),
        rate: Amount::normalised(i128::from(number) + 1, 4).expect("an amount"),
        period,
        source: Text::parse(&format!("the central bank {head}")).expect("a text"),
    };
    let wish = proposed(world, COLLECTOR.to_owned(), Command::ProposeRate(rate), Then::All);
    wish.is_some_and(|(party, command)| world.submit(&party, command).is_ok())
}
