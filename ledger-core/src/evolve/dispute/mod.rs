//! Disputes: who may say what in one, and what it makes of the ledger.
//!
//! [`judge`] says whether an event of a dispute may be said here and now, and what it comes to;
//! [`change`] is what it changes. The computations that a claim needs are done once, in between.

mod claim;
mod opening;
mod steps;

use crate::event::Author;
use crate::event::Event;
use crate::event::Fact;
use crate::evolve::Violation;
use crate::evolve::in_force;
use crate::evolve::unknown_event;
use crate::limits::EVIDENCE_MAX;
use crate::state::Adopted;
use crate::state::AdoptedKind;
use crate::state::Agreement;
use crate::state::Change;
use crate::state::Dispute;
use crate::state::DisputeStatus;
use crate::state::Exposure;
use crate::state::Resolution;
use crate::state::Resolved;
use crate::state::Stance;
use crate::state::State;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Problem;
use crate::vocab::Text;
use crate::vocab::Timestamp;

pub use claim::Subject;
pub use claim::facts;
pub use opening::window;
pub use steps::admit_default;
pub use steps::admit_escalation;
pub use steps::admit_outcome;

/// What an admissible event of a dispute changes.
#[derive(Clone, Debug)]
pub enum Ruling {
    /// A dispute is opened.
    Opened(Box<opening::Opened>),
    /// A respondent takes a stance.
    Stance(EventId, Id, Stance),
    /// A respondent accepts, and with that, or by default, the dispute is resolved.
    Resolved(Box<Resolving>),
    /// The arbiter is asked.
    Escalated(EventId),
    /// The dispute is taken back.
    Withdrawn(EventId, Text),
}

/// How a dispute is resolved.
#[derive(Clone, Debug)]
pub struct Resolving {
    dispute: EventId,
    how: Resolution,
    /// The respondent whose acceptance resolves it.
    accepted_by: Option<Id>,
    adopted: Adopted,
    /// What was ever reported, with what is adopted.
    exposure: Exposure,
}

/// Whether an event of a dispute may be said here and now, and what it changes.
pub fn judge(
    state: &State,
    author: &Author,
    at: Timestamp,
    event: &Event,
) -> Result<Ruling, Violation> {
    match event {
        Event::DisputeOpened(said) => {
            opening::admit(state, author, at, said).map(|opened| Ruling::Opened(Box::new(opened)))
        }
        Event::DisputeResponded(said) => steps::respond(state, author, at, said),
        Event::DisputeAccepted(said) => steps::accept(state, author, at, said),
        Event::DisputeSettled(said) => steps::settle(state, author, said),
        Event::DisputeEscalated(said) => steps::escalate(state, author, at, said),
        Event::DisputeDetermined(said) => steps::determine(state, author, said),
        Event::DisputeWithdrawn(said) => steps::withdraw(state, author, said),
        _ => Err(Problem::new(Code::DisputeTarget, "the event is no step of a dispute")
            .hint("`revshare dispute list` shows the disputes")),
    }
}

/// What a ruling changes.
pub(crate) fn change(state: &State, fact: &Fact, ruling: Ruling) -> Result<Change, Violation> {
    Ok(match ruling {
        Ruling::Opened(opened) => Change::OpenDispute(Box::new(opened.dispute(fact))),
        Ruling::Stance(dispute, party, stance) => Change::Stance(dispute, party, stance),
        Ruling::Escalated(dispute) => {
            Change::MoveDispute(dispute, DisputeStatus::Escalated { seq: fact.seq })
        }
        Ruling::Withdrawn(dispute, reason) => {
            Change::MoveDispute(dispute, DisputeStatus::Withdrawn { seq: fact.seq, reason })
        }
        Ruling::Resolved(resolving) => {
            let Resolving { dispute, how, accepted_by, adopted, exposure } = *resolving;
            let (agreement, dispute) = ongoing(state, &dispute)?;
            let resolved = Resolved {
                seq: fact.seq,
                event: fact.id,
                recorded_at: fact.recorded_at,
                how,
                adopted: AdoptedKind::of(&adopted),
                posted: false,
            };
            let by = (dispute, accepted_by);
            Change::Resolve(Box::new(agreement.resolving(by, resolved, (adopted, exposure))?))
        }
    })
}

/// A dispute that goes on.
fn ongoing<'a>(state: &'a State, id: &EventId) -> Result<(&'a Agreement, &'a Dispute), Violation> {
    let agreement = in_force(state)?;
    let Some(dispute) = agreement.disputes().get(id) else {
        return Err(unknown_event(state, id, "a dispute"));
    };
    let (ended, next) = match &dispute.status {
        DisputeStatus::Open | DisputeStatus::Escalated { .. } => return Ok((agreement, dispute)),
        DisputeStatus::Resolved(resolved) => (
            format!("resolved with record {}", resolved.seq),
            format!(
                "fraud or manifest error reopens it: `revshare dispute open … --reopens {} --ground …`",
                dispute.seq
            ),
        ),
        DisputeStatus::Withdrawn { seq, .. } => (
            format!("withdrawn with record {seq}"),
            "it can be opened again, word for word: `revshare dispute open`".to_owned(),
        ),
    };
    Err(Problem::new(
        Code::DisputeClosed,
        format!("the dispute in record {} was {ended}", dispute.seq),
    )
    .hint(next)
    .at_record(dispute.seq))
}

/// The refusal of a step that is another side's.
fn other_side(dispute: &Dispute, author: &Author, who: &str) -> Problem {
    let (claimant, seq) = (&dispute.claimant, dispute.seq);
    let names: Vec<&str> = dispute.respondents.keys().map(Id::as_str).collect();
    Problem::new(
        Code::DisputeSide,
        format!("{} may not say this in the dispute of record {seq}: {who} may", author.party),
    )
    .hint(format!("{claimant} claims, {} answer", names.join(" and ")))
    .at_record(seq)
}

/// Commitments are strictly sorted and not too many: what decoding holds, and writers keep to.
pub fn admit_evidence(evidence: &[Digest]) -> Result<(), Violation> {
    if evidence.len() <= EVIDENCE_MAX && evidence.is_sorted_by(|a, b| a < b) {
        return Ok(());
    }
    Err(Problem::new(
        Code::EvidenceTwice,
        format!("evidence is named once each, at most {EVIDENCE_MAX} in one event"),
    )
    .hint("attach more with `revshare evidence attach`"))
}
