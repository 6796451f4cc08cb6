//! A dispute is opened.

use crate::dispute::Opening;
use crate::event::Author;
use crate::event::Fact;
use crate::evolve::Violation;
use crate::evolve::dispute::admit_evidence;
use crate::evolve::dispute::claim;
use crate::evolve::dispute::claim::Subject;
use crate::evolve::entitled;
use crate::evolve::in_force;
use crate::state::Agreement;
use crate::state::Before;
use crate::state::ClaimFacts;
use crate::state::Dispute;
use crate::state::DisputeStatus;
use crate::state::PayoutRecord;
use crate::state::PayoutStatus;
use crate::state::Respondent;
use crate::state::State;
use crate::terms::DisputeWindows;
use crate::terms::Role;
use crate::terms::Terms;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// A dispute that may be opened.
#[derive(Clone, Debug)]
pub struct Opened {
    said: Opening,
    claim: ClaimFacts,
    period: Option<Period>,
    figures: Vec<(Id, Amount)>,
    respondents: Vec<Id>,
    windows: Option<DisputeWindows>,
}

impl Opened {
    /// As the state keeps it.
    pub(super) fn dispute(self, fact: &Fact) -> Dispute {
        let silent = |party: Id| (party, Respondent::default());
        Dispute {
            id: fact.id,
            seq: fact.seq,
            recorded_at: fact.recorded_at,
            claimant: fact.author.party.clone(),
            target: self.said.target,
            period: self.period,
            claim: self.claim,
            basis: self.said.basis,
            evidence: self.said.evidence,
            ground: self.said.ground,
            reopens: self.said.reopens,
            lines: self.figures.iter().map(|(party, _)| party.clone()).collect(),
            respondents: self.respondents.into_iter().map(silent).collect(),
            windows: self.windows,
            figures: self.figures,
            status: DisputeStatus::Open,
            before: Before::default(),
        }
    }
}

/// A dispute: by an affected money party, about a stated period or a payout, with a claim that fits
/// and differs, in time, about lines that are not disputed and not resolved.
pub(super) fn admit(
    state: &State,
    author: &Author,
    at: Timestamp,
    said: &Opening,
) -> Result<Opened, Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, Role::is_money_party, "a money party")?;
    admit_evidence(&said.evidence)?;
    let subject = claim::subject(state, agreement, &said.target)?;
    let claim = claim::facts(&said.claim);
    claim::admit_fit(state, agreement, (&subject, &claim, said.reopens))?;
    let figures = figures(agreement, (&subject, said), &claim)?;
    if let ClaimFacts::Terms(_) = &claim {
        // What they come to would be adopted as figures.
        claim::admit_figures(agreement, &figures)?;
    }
    let lines: Vec<Id> = figures.iter().map(|(party, _)| party.clone()).collect();
    admit_affected(agreement, author, &claim, &lines)?;
    admit_in_time(agreement, at, (&subject, said))?;
    admit_once(agreement, &subject, &lines)?;
    admit_reopening(agreement, (&subject, said), &lines)?;
    let collector = agreement.versions().collector().cloned();
    let parties = lines.iter().cloned().chain(collector);
    let mut respondents: Vec<Id> = parties.filter(|party| *party != author.party).collect();
    respondents.sort();
    respondents.dedup();
    Ok(Opened {
        said: said.clone(),
        period: subject.line().0,
        windows: terms_of(agreement, &subject).dispute,
        claim,
        figures,
        respondents,
    })
}

/// The terms that set the deadlines of a dispute.
fn terms_of<'a>(agreement: &'a Agreement, subject: &Subject<'_>) -> &'a Terms {
    let versions = agreement.versions();
    match subject {
        Subject::Period(period, _) => versions.of(*period),
        Subject::Payout(record) => versions.on(versions.clipped(record.payout.sent_on)),
    }
}

/// What the claim says that is not so by the ledger: a figure per line. Errors:
/// [`Code::DisputeClaim`] if there is none.
fn figures(
    agreement: &Agreement,
    (subject, said): (&Subject<'_>, &Opening),
    claim: &ClaimFacts,
) -> Result<Vec<(Id, Amount)>, Violation> {
    let nothing = |message: String| {
        Err(Problem::new(Code::DisputeClaim, message)
            .hint("a dispute is about a difference: claim what should have been"))
    };
    match (subject, claim) {
        (Subject::Period(period, _), ClaimFacts::Figures(figures)) => {
            for (party, figure) in figures {
                if agreement.recorded_for(*period, party) == *figure {
                    return nothing(format!(
                        "{figure} is what is recorded for {party} and {period} already"
                    ));
                }
            }
            Ok(figures.clone())
        }
        (Subject::Payout(record), ClaimFacts::Figures(figures)) => {
            let figure = figures.first().map(|(_, figure)| *figure);
            if figure == record.counted() {
                return nothing(format!(
                    "that is what the payout in record {} counts already",
                    record.seq
                ));
            }
            Ok(figures.clone())
        }
        (Subject::Period(period, _), _) => {
            // What the dispute that this one reopens has adopted does not count beside it.
            let reopened = said.reopens.and_then(|id| agreement.disputes().get(&id));
            let reopened = reopened.filter(|one| {
                matches!(one.status, DisputeStatus::Resolved(_)) && one.period == Some(*period)
            });
            let without = reopened.map(|one| &one.lines[..]).unwrap_or_default();
            let moved = claim::moved(agreement, claim, (*period, without))?;
            match moved.is_empty() {
                true => {
                    nothing(format!("with the claim, {period} comes to the same for everybody"))
                }
                false => Ok(moved),
            }
        }
        (Subject::Payout(_), _) => Ok(Vec::new()),
    }
}

/// A figure is claimed by the party that it is for, lines and terms by a party whose amount they
/// move; the collector pays everything, so it is always affected.
fn admit_affected(
    agreement: &Agreement,
    author: &Author,
    claim: &ClaimFacts,
    lines: &[Id],
) -> Result<(), Violation> {
    if agreement.versions().collector() == Some(&author.party) {
        return Ok(());
    }
    let is_own = |party: &Id| *party == author.party;
    let (affected, message) = match claim {
        ClaimFacts::Figures(_) => {
            let others: Vec<&str> =
                lines.iter().filter(|party| !is_own(party)).map(|party| party.as_str()).collect();
            let message = format!("the claim is about the money of {}", others.join(", "));
            (others.is_empty(), message)
        }
        ClaimFacts::Report { .. } | ClaimFacts::Terms(_) => {
            let message = format!("the claim changes nothing for {}", author.party);
            (lines.iter().any(is_own), message)
        }
    };
    if affected {
        return Ok(());
    }
    Err(Problem::new(Code::DisputeNotAffected, message)
        .hint("every party disputes what it gets itself; the collector disputes what it pays"))
}

/// The last day on which a subject can be disputed without a ground.
pub fn window(agreement: &Agreement, subject: &Subject<'_>) -> Date {
    let from = match subject {
        Subject::Period(period, _) => {
            let posts = |statement: &&crate::state::StatementRecord| {
                statement.statement.entries.iter().any(|entry| entry.period == *period)
            };
            let last = agreement.statements().values().rev().find(posts);
            last.map_or(Timestamp::default(), |statement| statement.recorded_at).date()
        }
        Subject::Payout(record) => settled_on(record),
    };
    from.plus_days(i32::from(terms_of(agreement, subject).objection_days))
}

/// The recorded day of the event that settled a payout last, otherwise of its own.
fn settled_on(record: &PayoutRecord) -> Date {
    match record.status {
        PayoutStatus::InTransit => record.recorded_at.date(),
        PayoutStatus::Confirmed { at, .. }
        | PayoutStatus::Returned { at, .. }
        | PayoutStatus::Determined { at, .. } => at.date(),
    }
}

fn admit_in_time(
    agreement: &Agreement,
    at: Timestamp,
    (subject, said): (&Subject<'_>, &Opening),
) -> Result<(), Violation> {
    let until = window(agreement, subject);
    if said.ground.is_some() || at.date() <= until {
        return Ok(());
    }
    Err(Problem::new(
        Code::DisputeWindow,
        format!("this could be disputed until {until}, and it is {}", at.date()),
    )
    .hint("after that, only fraud or manifest error is heard: --ground fraud, or manifest-error"))
}

fn admit_once(agreement: &Agreement, subject: &Subject<'_>, lines: &[Id]) -> Result<(), Violation> {
    let mut open = agreement.disputes().values().filter(|dispute| dispute.is_open());
    match open.find(|dispute| dispute.shares_line(subject.line(), lines)) {
        None => Ok(()),
        Some(dispute) => Err(Problem::new(
            Code::DisputeTwice,
            format!("record {} disputes this already", dispute.seq),
        )
        .hint(format!("answer it, or settle it: `revshare dispute show {}`", dispute.seq))
        .at_record(dispute.seq)),
    }
}

/// What was resolved is final: it takes a ground, and the name of the dispute, to reopen it.
fn admit_reopening(
    agreement: &Agreement,
    (subject, said): (&Subject<'_>, &Opening),
    lines: &[Id],
) -> Result<(), Violation> {
    let resolved = agreement.disputes().values().filter(|dispute| {
        let is_resolved = matches!(dispute.status, DisputeStatus::Resolved(_));
        is_resolved && dispute.shares_line(subject.line(), lines)
    });
    let last: Option<(u64, EventId)> = resolved.map(|dispute| (dispute.seq, dispute.id)).max();
    match (last, said.reopens) {
        (None, None) => Ok(()),
        (Some((_, id)), Some(named)) if id == named && said.ground.is_some() => Ok(()),
        (Some((seq, _)), _) => Err(Problem::new(
            Code::DisputeFinal,
            format!("the dispute in record {seq} resolved this"),
        )
        .hint(format!(
            "it is final but for fraud and manifest error: --reopens {seq} --ground fraud, or manifest-error"
        ))
        .at_record(seq)),
        (None, Some(_)) => Err(Problem::new(
            Code::DisputeFinal,
            "the dispute that it names did not resolve this",
        )
        .hint("leave --reopens out: these lines were not resolved before")),
    }
}
