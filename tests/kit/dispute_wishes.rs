//! Random disputes on a ledger: what the steps of [`crate::dispute_moves`] come to there.

use ledger_core::command::Command;
use ledger_core::decide::decide;
use ledger_core::dispute::Attachment;
use ledger_core::dispute::Claim;
use ledger_core::dispute::ClaimAcceptance;
use ledger_core::dispute::ClaimedTerms;
use ledger_core::dispute::Determination;
use ledger_core::dispute::DisputeStep;
use ledger_core::dispute::Erasure;
use ledger_core::dispute::Ground;
use ledger_core::dispute::Opening;
use ledger_core::dispute::Outcome;
use ledger_core::dispute::Response;
use ledger_core::dispute::Settlement;
use ledger_core::dispute::Target;
use ledger_core::payout::Payout;
use ledger_core::settlement::Offer;
use ledger_core::state::Dispute;
use ledger_core::state::DisputeStatus;
use ledger_core::state::Stance;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Digest;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;
use ledger_core::vocab::digest::Domain;

use crate::dispute_moves::ClaimPlan;
use crate::dispute_moves::DisputeMove;
use crate::dispute_moves::EndPlan;
use crate::dispute_moves::FigurePlan;
use crate::dispute_moves::OutcomePlan;
use crate::keys;
use crate::lines::blocks;
use crate::plans::COLLECTOR;
use crate::proposals::changed_terms;
use crate::random::day_for;
use crate::random::lines_for;
use crate::random::pick;
use crate::random::reported;
use crate::world::World;

/// The arbiter of every plan.
const ARBITER: &str = "expert";

/// What a claim is about: a period, and the report that it has to replace, or a payout.
#[derive(Clone, Copy)]
enum About {
    Period(Period, Option<EventId>),
    Payout(EventId),
}

impl About {
    fn of(dispute: &Dispute) -> About {
        match (dispute.period, &dispute.target) {
            (Some(period), Target::Report(report)) => About::Period(period, Some(*report)),
            (Some(period), _) => About::Period(period, None),
            (None, _) => About::Payout(dispute.payout().expect("it is about a payout")),
        }
    }
}

fn text(world: &World, what: &str) -> Text {
    Text::parse(&format!("{what} {}", world.state().next_seq())).expect("a text")
}

fn payout_of(world: &World, id: &EventId) -> Payout {
    world.agreement().payouts().get(id).expect("a payout").payout.clone()
}

fn beneficiaries(world: &World) -> Vec<Id> {
    world.agreement().versions().beneficiaries().into_iter().cloned().collect()
}

/// Some party of the ledger.
fn anybody(world: &World, who: u8) -> String {
    let parties = world.agreement().versions().listed_parties();
    pick(&parties, who / 8).map_or(COLLECTOR.to_owned(), |party| party.id.to_string())
}

/// One in eight is said by somebody else.
fn mostly(world: &World, party: impl ToString, who: u8) -> String {
    match who % 8 {
        7 => anybody(world, who),
        _ => party.to_string(),
    }
}

/// Commitments that follow from numbers.
fn commitments(files: &[u8]) -> Vec<Digest> {
    let mut all: Vec<Digest> = files.iter().map(|file| commitment(*file)).collect();
    all.sort();
    all.dedup();
    all
}

fn commitment(file: u8) -> Digest {
    Domain::Index.digest(format!("file {file}").as_bytes())
}

/// Who would say what in a dispute.
pub(crate) fn wish(world: &mut World, step: &DisputeMove) -> Option<(String, Command)> {
    match step {
        DisputeMove::Open { target, pick: at, claim, by, ground, evidence, then } => {
            if world.agreement().statements().is_empty() {
                let statement = reported(world, &[], Some(7))?;
                world.submit(COLLECTOR, statement).ok()?;
            }
            let (target, about) = subject(world, *target, *at)?;
            let others = beneficiaries(world);
            let own = match about {
                About::Payout(payout) => payout_of(world, &payout).to,
                About::Period(..) => pick(&others, *by)?.clone(),
            };
            let is_collector = by % 3 == 2;
            let claimant = if is_collector { COLLECTOR.to_owned() } else { own.to_string() };
            let claimant = mostly(world, claimant, by / 3);
            let lines = match is_collector {
                true => others,
                false => vec![own],
            };
            let claim = claimed(world, about, claim, &lines)?;
            let (ground, reopens) = grounds(world, about, &claim, *ground);
            let opening = Opening {
                target,
                claim,
                basis: text(world, "it is wrong"),
                evidence: commitments(evidence),
                ground,
                reopens,
            };
            let command = Command::OpenDispute(Box::new(opening));
            let context = world.context(&claimant, &keys::signer(&claimant));
            let is_refused = decide(world.state(), command.clone(), &context).is_err();
            if is_refused || matches!(then, EndPlan::Open) {
                return Some((claimant, command));
            }
            let id = world.submit(&claimant, command).ok()?.fact.id;
            ended(world, id, then, (by % 7, true))
        }
        DisputeMove::Respond { pick: at, who, evidence } => {
            let id = dispute(world, *at, *who)?;
            let response = Response {
                dispute: id,
                text: text(world, "it is right"),
                evidence: commitments(evidence),
            };
            let respondent = respondent(world, id, *who)?;
            Some((mostly(world, respondent, who / 2), Command::RespondToDispute(response)))
        }
        DisputeMove::Concede { pick: at, who } => {
            let id = dispute(world, *at, *who)?;
            let respondent = respondent(world, id, *who)?;
            Some((mostly(world, respondent, who / 2), acceptance(id, false)))
        }
        DisputeMove::End { pick: at, who, patient, end } => {
            let id = dispute(world, *at, *who)?;
            ended(world, id, end, (who / 2, *patient))
        }
        DisputeMove::Attach { pick: at, who, file } => {
            let disputes: Vec<EventId> = world.agreement().disputes().keys().copied().collect();
            let about = match who % 4 {
                0 => world.agreement().opening().0,
                1 => EventId::from_bytes([*file; 32]),
                _ => *pick(&disputes, *at)?,
            };
            let note = text(world, "a file");
            let attachment = Attachment { about, commitment: commitment(*file), note };
            Some((anybody(world, *who), Command::AttachEvidence(attachment)))
        }
        DisputeMove::Erase { pick: at, who } => {
            let evidence: Vec<(Digest, Id)> = world
                .agreement()
                .evidence()
                .iter()
                .map(|(commitment, record)| (*commitment, record.party.clone()))
                .collect();
            let (commitment, by) = match pick(&evidence, *at) {
                Some(known) => known.clone(),
                None => (commitment(0), Id::parse(COLLECTOR).ok()?),
            };
            let erasure = Erasure { commitment, reason: text(world, "by law") };
            Some((mostly(world, by, *who), Command::EraseEvidence(erasure)))
        }
    }
}

fn acceptance(dispute: EventId, by_default: bool) -> Command {
    Command::AcceptClaim(ClaimAcceptance { dispute, by_default })
}

/// Mostly a dispute that goes on.
fn dispute(world: &World, at: u16, who: u8) -> Option<EventId> {
    let mut disputes: Vec<&Dispute> = world.agreement().disputes().values().collect();
    disputes.sort_by_key(|dispute| dispute.seq);
    let open: Vec<EventId> =
        disputes.iter().filter(|one| one.is_open()).map(|one| one.id).collect();
    let all: Vec<EventId> = disputes.iter().map(|one| one.id).collect();
    match who % 16 {
        15 => pick(&all, at).copied(),
        _ => pick(&open, at).copied(),
    }
}

fn respondent(world: &World, id: EventId, who: u8) -> Option<Id> {
    let respondents: Vec<Id> =
        world.agreement().disputes()[&id].respondents.keys().cloned().collect();
    pick(&respondents, who).cloned()
}

/// What a dispute is about: a statement, a report, a payout or a clause.
fn subject(world: &World, target: u8, at: u16) -> Option<(Target, About)> {
    let agreement = world.agreement();
    let stated: Vec<Period> = agreement.statements().keys().copied().collect();
    let period = *pick(&stated, at)?;
    let statement = agreement.statements()[&period].id;
    let of_statement = Some((Target::Statement(statement), About::Period(period, None)));
    match target {
        1 => {
            // Some were corrected, some are of periods that are not stated.
            let all = agreement.reports().filter(|report| {
                report.corrected_by.is_none() && stated.contains(&report.period) || at % 16 == 15
            });
            let all: Vec<(EventId, Period)> = all.map(|one| (one.id, one.period)).collect();
            let Some((report, period)) = pick(&all, at).copied() else { return of_statement };
            Some((Target::Report(report), About::Period(period, Some(report))))
        }
        2 => {
            let payouts: Vec<EventId> = agreement.payouts().all().keys().copied().collect();
            let Some(payout) = pick(&payouts, at).copied() else { return of_statement };
            Some((Target::Payout(payout), About::Payout(payout)))
        }
        3 => {
            let rules = &agreement.versions().of(period).rules;
            let clause = pick(rules, at / 7)?.id.clone();
            Some((Target::Clause { clause, period }, About::Period(period, None)))
        }
        _ => of_statement,
    }
}

/// The claim of a plan; figures are of some of the parties.
fn claimed(world: &mut World, about: About, plan: &ClaimPlan, parties: &[Id]) -> Option<Claim> {
    let currency = world.agreement().terms().currency;
    match (plan, about) {
        (ClaimPlan::Figures { of, .. }, About::Payout(payout)) => {
            let payout = payout_of(world, &payout);
            Some(Claim::Figures(vec![(payout.to, figure(world, payout.amount, *of.first()?)?)]))
        }
        // Some keep a claim that a payout cannot have.
        (ClaimPlan::Report { pick: at, .. }, About::Payout(payout)) if at % 8 > 0 => {
            let payout = payout_of(world, &payout);
            let percent = FigurePlan::Percent((at / 8 % 101) as u8);
            Some(Claim::Figures(vec![(payout.to, figure(world, payout.amount, percent)?)]))
        }
        (ClaimPlan::Figures { who, of }, About::Period(period, _)) => {
            let mut some: Vec<Id> = match who {
                0 => parties.first().into_iter().cloned().collect(),
                who => {
                    let of_bits = parties.iter().enumerate();
                    of_bits.filter(|(at, _)| who >> at & 1 == 1).map(|(_, id)| id.clone()).collect()
                }
            };
            if some.is_empty() {
                some.extend(parties.first().cloned());
            }
            some.sort();
            some.dedup();
            let figure = |(party, plan): (Id, &FigurePlan)| {
                let booked = world.agreement().booked_to(period, &party);
                Some((party, figure(world, booked, *plan)?))
            };
            Some(Claim::Figures(
                some.into_iter().zip(of.iter().cycle()).map(figure).collect::<Option<_>>()?,
            ))
        }
        (ClaimPlan::Report { pick: at, lines }, about) => {
            let (period, report) = match about {
                About::Period(period, report) => (period, report),
                // A report that cannot be claimed for a payout.
                About::Payout(_) => (*world.agreement().statements().keys().next()?, None),
            };
            let in_effect: Vec<EventId> =
                world.agreement().in_effect(period).into_iter().map(|report| report.id).collect();
            let report = report.map(|report| world.agreement().current(&report));
            let replaces = match at % 16 {
                0 => pick(&in_effect, *at).copied(),
                _ => report.or(pick(&in_effect, *at).copied()),
            };
            let lines = lines_for(world, period, lines);
            let lines = blocks(&lines, currency, usize::MAX).pop();
            Some(Claim::Report { replaces: replaces?, lines })
        }
        (ClaimPlan::Terms { of, changes, from }, about) => {
            let version = changed_terms(world, *of, changes)?;
            let from = match about {
                About::Period(period, _) if of % 2 == 0 => {
                    period.first_day().max(world.agreement().versions().starts_on())
                }
                _ => day_for(world, *from),
            };
            Some(Claim::Terms(Box::new(ClaimedTerms { version, from })))
        }
    }
}

fn figure(world: &World, of: Amount, plan: FigurePlan) -> Option<Amount> {
    let digits = world.agreement().terms().currency.minor_digits();
    let units = of.mantissa() * 10i128.pow(digits - of.scale().min(digits));
    match plan {
        FigurePlan::Percent(percent) if units == 0 => {
            Amount::normalised(i128::from(percent) * 1_000, digits)
        }
        FigurePlan::Percent(percent) => {
            Amount::normalised(units * i128::from(percent) / 100, digits)
        }
        FigurePlan::Off(by) => Amount::normalised(units + i128::from(by), digits),
        FigurePlan::Fine => Amount::normalised(units * 10 + 1, digits + 1),
    }
}

/// The ground and the dispute that is reopened: mostly what is needed, if anything is.
fn grounds(
    world: &World,
    about: About,
    claim: &Claim,
    number: u8,
) -> (Option<Ground>, Option<EventId>) {
    let parties: Vec<Id> = match claim {
        Claim::Figures(figures) => figures.iter().map(|(party, _)| party.clone()).collect(),
        _ => beneficiaries(world),
    };
    let line = match about {
        About::Period(period, _) => (Some(period), None),
        About::Payout(payout) => (None, Some(payout)),
    };
    let disputes = world.agreement().disputes().values();
    let resolved = disputes.filter(|one| {
        matches!(one.status, DisputeStatus::Resolved(_)) && one.shares_line(line, &parties)
    });
    let last = resolved.max_by_key(|one| one.seq).map(|one| one.id);
    let ground = Ground::ALL[usize::from(number) % 2];
    match (number % 16, last) {
        (0, last) => (None, last),
        (1, _) => (Some(ground), None),
        (2, None) => (Some(ground), world.agreement().disputes().keys().next().copied()),
        (3 | 4, None) => (Some(ground), None),
        (_, None) => (None, None),
        (_, Some(last)) => (Some(ground), Some(last)),
    }
}

fn outcome(world: &mut World, id: EventId, plan: &OutcomePlan) -> Option<Outcome> {
    Some(match plan {
        OutcomePlan::Stands => Outcome::Stands,
        OutcomePlan::AsClaimed => Outcome::AsClaimed,
        OutcomePlan::Other(claim) => {
            let dispute = &world.agreement().disputes()[&id];
            let (about, lines) = (About::of(dispute), dispute.lines.clone());
            Outcome::Other(claimed(world, about, claim, &lines)?)
        }
    })
}

/// How long the parties of a dispute may take, if the terms say so.
fn wait(world: &mut World, id: EventId, escalates: bool) {
    let windows = world.agreement().disputes()[&id].windows;
    let days = windows.map_or(0, |one| match escalates {
        true => one.escalate_after_days,
        false => one.response_days,
    });
    world.clock().pass_days(i64::from(days) + 1);
}

/// The wish that ends a dispute, when what has to come before it was said.
fn ended(
    world: &mut World,
    id: EventId,
    end: &EndPlan,
    (who, patient): (u8, bool),
) -> Option<(String, Command)> {
    let dispute = world.agreement().disputes()[&id].clone();
    let parties: Vec<Id> = dispute.parties().cloned().collect();
    let party = pick(&parties, who)?.clone();
    Some(match end {
        EndPlan::Open => return None,
        EndPlan::Accepted => {
            let open = dispute.respondents.iter().filter(|(_, one)| one.stance != Stance::Accepted);
            let mut open: Vec<Id> = open.map(|(id, _)| id.clone()).collect();
            let last = open.pop().unwrap_or(party);
            for one in open {
                world.submit(one.as_str(), acceptance(id, false)).ok()?;
            }
            (mostly(world, last, who), acceptance(id, false))
        }
        EndPlan::ByDefault => {
            if patient {
                for one in dispute.respondents.keys() {
                    world.submit(one.as_str(), Command::Acknowledge).ok()?;
                }
                wait(world, id, false);
            }
            (mostly(world, &dispute.claimant, who), acceptance(id, true))
        }
        EndPlan::Settled(plan, wrong) => {
            let outcome = outcome(world, id, plan)?;
            let settlement = settlement(world, (&dispute, &party), outcome, *wrong)?;
            (mostly(world, party, who), Command::SettleDispute(Box::new(settlement)))
        }
        EndPlan::Escalated => {
            if patient {
                wait(world, id, true);
            }
            (mostly(world, party, who), escalation(world, id))
        }
        EndPlan::Determined(plan) => {
            if patient && matches!(dispute.status, DisputeStatus::Open) {
                wait(world, id, true);
                let command = escalation(world, id);
                world.submit(party.as_str(), command).ok()?;
            }
            let determination = Determination {
                dispute: id,
                outcome: outcome(world, id, plan)?,
                reasons: text(world, "for these reasons"),
                evidence: commitments(&[who][..usize::from(who % 2)]),
            };
            let command = Command::DetermineDispute(Box::new(determination));
            (mostly(world, ARBITER, who), command)
        }
        EndPlan::Withdrawn => {
            let reason = text(world, "it was a mistake");
            let step = DisputeStep { dispute: id, reason };
            (mostly(world, &dispute.claimant, who), Command::WithdrawDispute(step))
        }
    })
}

fn escalation(world: &World, dispute: EventId) -> Command {
    Command::EscalateDispute(DisputeStep { dispute, reason: text(world, "no agreement") })
}

/// A settlement that everybody but its author has signed, unless something is wrong with it.
fn settlement(
    world: &World,
    (dispute, author): (&Dispute, &Id),
    outcome: Outcome,
    wrong: u8,
) -> Option<Settlement> {
    let ledger = world.agreement().ledger();
    let note = text(world, "agreed");
    let mut offer = Offer::new(ledger, dispute.id, (outcome.clone(), note.clone())).ok()?;
    // Mostly the same.
    let mut signed = match wrong {
        3 => Offer::new(ledger, dispute.id, (outcome, Text::parse("agreed").ok()?)).ok()?,
        4 => Offer::new(ledger, world.agreement().opening().0, (outcome, note)).ok()?,
        _ => offer.clone(),
    };
    let others = dispute.parties().filter(|party| *party != author);
    for (at, party) in others.enumerate() {
        let key = if wrong == 2 { keys::signer(ARBITER) } else { keys::signer(party.as_str()) };
        if wrong != 1 || at > 0 {
            signed.sign(party, &key);
        }
    }
    if wrong == 5 {
        signed.sign(&Id::parse(ARBITER).ok()?, &keys::signer(ARBITER));
    }
    offer.settlement.signatures = signed.settlement.signatures;
    Some(offer.recorded_by(author))
}
