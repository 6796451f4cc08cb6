//! What is said in a dispute after its opening.

use crate::dispute::ClaimAcceptance;
use crate::dispute::Determination;
use crate::dispute::DisputeStep;
use crate::dispute::Outcome;
use crate::dispute::Response;
use crate::dispute::Settlement;
use crate::dispute::settlement_text;
use crate::event::Author;
use crate::evolve::Violation;
use crate::evolve::bounds;
use crate::evolve::dispute::Resolving;
use crate::evolve::dispute::Ruling;
use crate::evolve::dispute::admit_evidence;
use crate::evolve::dispute::claim;
use crate::evolve::dispute::ongoing;
use crate::evolve::dispute::other_side;
use crate::evolve::entitled;
use crate::state::Adopted;
use crate::state::Agreement;
use crate::state::ClaimFacts;
use crate::state::Dispute;
use crate::state::DisputeStatus;
use crate::state::Resolution;
use crate::state::Stance;
use crate::state::State;
use crate::terms::OnSilence;
use crate::terms::Role;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// An answer: by a respondent, in time where silence accepts.
pub(super) fn respond(
    state: &State,
    author: &Author,
    at: Timestamp,
    said: &Response,
) -> Result<Ruling, Violation> {
    let (agreement, dispute) = ongoing(state, &said.dispute)?;
    admit_respondent(agreement, author, dispute)?;
    admit_evidence(&said.evidence)?;
    let accepts = dispute.windows.is_some_and(|one| one.on_silence == OnSilence::Accept);
    let due = dispute.answer_due_on(&author.party);
    if accepts && dispute.is_past(&author.party, at.date()) {
        let due = due.unwrap_or(at.date());
        return Err(Problem::new(
            Code::DisputeLate,
            format!("the answer of {} was due on {due}", author.party),
        )
        .hint("where silence accepts, only settling, accepting or the claimant can end it now")
        .at_record(dispute.seq));
    }
    Ok(Ruling::Stance(dispute.id, author.party.clone(), Stance::Responded))
}

fn admit_respondent(
    agreement: &Agreement,
    author: &Author,
    dispute: &Dispute,
) -> Result<(), Violation> {
    entitled(agreement, author, Role::is_money_party, "a respondent")?;
    match dispute.respondents.contains_key(&author.party) {
        true => Ok(()),
        false => Err(other_side(dispute, author, "a respondent")),
    }
}

fn admit_claimant(
    agreement: &Agreement,
    author: &Author,
    dispute: &Dispute,
) -> Result<(), Violation> {
    entitled(agreement, author, Role::is_money_party, "the claimant")?;
    match dispute.claimant == author.party {
        true => Ok(()),
        false => Err(other_side(dispute, author, "the claimant")),
    }
}

fn admit_party(agreement: &Agreement, author: &Author, dispute: &Dispute) -> Result<(), Violation> {
    entitled(agreement, author, Role::is_money_party, "a party of the dispute")?;
    match dispute.is_party(&author.party) {
        true => Ok(()),
        false => Err(other_side(dispute, author, "its parties")),
    }
}

/// Acceptance of the claim: by a respondent, once each; or by default.
pub(super) fn accept(
    state: &State,
    author: &Author,
    at: Timestamp,
    said: &ClaimAcceptance,
) -> Result<Ruling, Violation> {
    let (agreement, dispute) = ongoing(state, &said.dispute)?;
    if said.by_default {
        admit_claimant(agreement, author, dispute)?;
        admit_default(dispute, at.date())?;
        return resolving(state, agreement, dispute, (Resolution::ByDefault, &Outcome::AsClaimed));
    }
    admit_respondent(agreement, author, dispute)?;
    let party = &author.party;
    let stance = |id: &Id| dispute.respondents.get(id).map(|one| one.stance);
    if stance(party) == Some(Stance::Accepted) {
        return Err(Problem::new(
            Code::AlreadyAccepted,
            format!("{party} has accepted the claim in record {} already", dispute.seq),
        )
        .hint("nothing is to be done")
        .at_record(dispute.seq));
    }
    let mut others = dispute.respondents.iter().filter(|(id, _)| *id != party);
    if !others.all(|(_, one)| one.stance == Stance::Accepted) {
        return Ok(Ruling::Stance(dispute.id, party.clone(), Stance::Accepted));
    }
    let how = (Resolution::Accepted, &Outcome::AsClaimed);
    match resolving(state, agreement, dispute, how)? {
        Ruling::Resolved(mut resolving) => {
            resolving.accepted_by = Some(party.clone());
            Ok(Ruling::Resolved(resolving))
        }
        other => Ok(other),
    }
}

/// Silence has accepted: the terms say so, nobody answered, and the deadline of whoever did not
/// accept has passed. A party that signed nothing since has none, so it never defaults.
pub fn admit_default(dispute: &Dispute, day: Date) -> Result<(), Violation> {
    let early = |message: String| {
        Problem::new(Code::DisputeEarly, message)
            .hint("the deadline of a party runs from the first record that it signs after the opening")
            .at_record(dispute.seq)
    };
    if !matches!(dispute.status, DisputeStatus::Open) {
        return Err(early("the dispute is before the arbiter already".into()));
    }
    if dispute.windows.is_none_or(|one| one.on_silence != OnSilence::Accept) {
        return Err(early("by the terms, silence does not accept a claim".into()));
    }
    for (party, respondent) in &dispute.respondents {
        let why = match (respondent.stance, dispute.answer_due_on(party)) {
            (Stance::Accepted, _) => continue,
            (Stance::Responded, _) => format!("{party} has answered"),
            (Stance::Silent, None) => format!("{party} has signed nothing since the opening"),
            (Stance::Silent, Some(due)) if day > due => continue,
            (Stance::Silent, Some(due)) => format!("{party} may answer until {due}"),
        };
        return Err(early(why));
    }
    Ok(())
}

/// A settlement: by a party of the dispute, with the signatures of all others over it.
pub(super) fn settle(
    state: &State,
    author: &Author,
    said: &Settlement,
) -> Result<Ruling, Violation> {
    let (agreement, dispute) = ongoing(state, &said.dispute)?;
    admit_party(agreement, author, dispute)?;
    let text = settlement_text(agreement.ledger(), dispute.id, said.digest);
    let mut others: Vec<&Id> = dispute.parties().filter(|party| **party != author.party).collect();
    others.sort();
    let unsigned = |message: String| {
        Problem::new(Code::SettlementUnsigned, message)
            .hint("write the settlement with --out FILE, let the other side add its signature to the file, then record it")
            .at_record(dispute.seq)
    };
    for party in &others {
        let signed = said.signatures.iter().find(|one| one.party == **party);
        let Some(signed) = signed else {
            return Err(unsigned(format!("the settlement is not signed by {party}")));
        };
        let known = agreement.versions().party(party);
        if !known.is_some_and(|known| known.key.has_signed(text.as_bytes(), &signed.signature)) {
            return Err(unsigned(format!(
                "the signature of {party} is not one under this settlement"
            )));
        }
    }
    if said.signatures.len() != others.len() {
        return Err(unsigned("the settlement has signatures of others than its parties".into()));
    }
    resolving(state, agreement, dispute, (Resolution::Settled, &said.outcome))
}

/// Going to the arbiter: by a party of the dispute, when the terms let it.
pub(super) fn escalate(
    state: &State,
    author: &Author,
    at: Timestamp,
    said: &DisputeStep,
) -> Result<Ruling, Violation> {
    let (agreement, dispute) = ongoing(state, &said.dispute)?;
    admit_party(agreement, author, dispute)?;
    admit_escalation(agreement, dispute, at.date())?;
    Ok(Ruling::Escalated(dispute.id))
}

/// Whether a party of a dispute may go to the arbiter with it on a day.
pub fn admit_escalation(
    agreement: &Agreement,
    dispute: &Dispute,
    day: Date,
) -> Result<(), Violation> {
    if let DisputeStatus::Escalated { seq } = dispute.status {
        return Err(Problem::new(
            Code::DisputeClosed,
            format!("record {seq} has asked the arbiter already"),
        )
        .hint("the arbiter determines it: `revshare dispute determine`")
        .at_record(dispute.seq));
    }
    let parties = agreement.versions().parties();
    if !parties.values().any(|party| party.role == Role::Arbiter) {
        return Err(Problem::new(Code::DisputeNoArbiter, "the terms name no arbiter")
            .hint("agree on one with an amendment, or settle: `revshare dispute settle`"));
    }
    let Some(windows) = dispute.windows else { return Ok(()) };
    let opened_on = dispute.recorded_at.date();
    let from = opened_on.plus_days(i32::from(windows.escalate_after_days));
    let mut respondents = dispute.respondents.keys();
    let by_silence = windows.on_silence == OnSilence::Escalate
        && respondents.any(|party| dispute.is_past(party, day));
    if by_silence || day > from {
        return Ok(());
    }
    Err(Problem::new(
        Code::DisputeEarly,
        format!("the arbiter can be asked from {} on", from.plus_days(1)),
    )
    .hint("until then, the parties answer and settle")
    .at_record(dispute.seq))
}

/// A determination: by an arbiter, once the dispute is before it.
pub(super) fn determine(
    state: &State,
    author: &Author,
    said: &Determination,
) -> Result<Ruling, Violation> {
    let (agreement, dispute) = ongoing(state, &said.dispute)?;
    entitled(agreement, author, |role| role == Role::Arbiter, "the arbiter")?;
    admit_evidence(&said.evidence)?;
    if !matches!(dispute.status, DisputeStatus::Escalated { .. }) {
        return Err(Problem::new(
            Code::DisputeEarly,
            format!("nobody has brought the dispute in record {} before the arbiter", dispute.seq),
        )
        .hint("a party of it does: `revshare dispute escalate`")
        .at_record(dispute.seq));
    }
    resolving(state, agreement, dispute, (Resolution::Determined, &said.outcome))
}

/// The claimant takes the dispute back.
pub(super) fn withdraw(
    state: &State,
    author: &Author,
    said: &DisputeStep,
) -> Result<Ruling, Violation> {
    let (agreement, dispute) = ongoing(state, &said.dispute)?;
    admit_claimant(agreement, author, dispute)?;
    Ok(Ruling::Withdrawn(dispute.id, said.reason.clone()))
}

/// Whether an outcome could resolve a dispute now, whoever says it: what a settlement is checked
/// for before it is signed.
pub fn admit_outcome(state: &State, dispute: &EventId, outcome: &Outcome) -> Result<(), Violation> {
    let (agreement, dispute) = ongoing(state, dispute)?;
    resolving(state, agreement, dispute, (Resolution::Settled, outcome)).map(|_| ())
}

/// What resolving a dispute with an outcome adopts.
fn resolving(
    state: &State,
    agreement: &Agreement,
    dispute: &Dispute,
    (how, outcome): (Resolution, &Outcome),
) -> Result<Ruling, Violation> {
    let subject = claim::subject_of(agreement, dispute);
    let Some(subject) = subject else {
        return Err(Problem::new(Code::DisputeTarget, "what was disputed is not on the log"));
    };
    let adopted = match outcome {
        Outcome::Stands => Adopted::Nothing,
        Outcome::AsClaimed => {
            claim::adoption(agreement, (&subject, &dispute.claim), &dispute.lines)?
        }
        Outcome::Other(other) => {
            let other = claim::facts(other);
            claim::admit_fit(state, agreement, (&subject, &other, dispute.reopens))?;
            admit_lines_of(dispute, &other)?;
            claim::adoption(agreement, (&subject, &other), &dispute.lines)?
        }
    };
    let mut exposure = agreement.exposure().clone();
    exposure.add_adopted(agreement.terms().currency, &adopted).map_err(|_| bounds::exceeded())?;
    bounds::admit(agreement, &exposure, None)?;
    let (dispute, accepted_by) = (dispute.id, None);
    Ok(Ruling::Resolved(Box::new(Resolving { dispute, how, accepted_by, adopted, exposure })))
}

/// Figures of an outcome are for the beneficiaries among the parties of the dispute.
fn admit_lines_of(dispute: &Dispute, claim: &ClaimFacts) -> Result<(), Violation> {
    let ClaimFacts::Figures(figures) = claim else { return Ok(()) };
    let strange = figures.iter().find(|(party, _)| !dispute.lines.contains(party));
    match strange {
        None => Ok(()),
        Some((party, _)) => Err(Problem::new(
            Code::DisputeClaim,
            format!("what {party} gets is not in dispute in record {}", dispute.seq),
        )
        .hint("an outcome is about the lines of its dispute: `revshare dispute show`")
        .at_record(dispute.seq)),
    }
}
