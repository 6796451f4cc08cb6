//! Records as a reader sees them: other events by their record number, reports by their totals.

use crate::dispute::Ground;
use crate::event::ContributionClaim;
use crate::event::ConversionRate;
use crate::event::Event;
use crate::event::Fact;
use crate::event::Kind;
use crate::payout::Advance;
use crate::payout::Payout;
use crate::state::State;
use crate::statement::Statement;
use crate::terms::Role;
pub use crate::view::said::ClaimTotal;
pub use crate::view::said::DisputedTarget;
pub use crate::view::said::LinesTotal;
pub use crate::view::said::Named;
pub use crate::view::said::OutcomeTotal;
pub use crate::view::said::gross_by_currency;
use crate::vocab::Amount;
use crate::vocab::ContentDigest;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::vocab::StateRoot;
use crate::vocab::Text;
use crate::vocab::Timestamp;

/// A record on the log.
#[derive(Clone, Debug)]
pub struct Record {
    /// Sequence number.
    pub seq: u64,
    /// Hash of the record.
    pub hash: RecordHash,
    /// Hash of the record before it; all zero for record 0.
    pub previous: RecordHash,
    /// Recorded time, as the author claims it.
    pub recorded_at: Timestamp,
    /// The author.
    pub party: Id,
    /// The key that signed.
    pub key: PublicKey,
    /// The event's id.
    pub id: EventId,
    /// Digest of what the event says, without its nonce.
    pub content: ContentDigest,
    /// Digest of the payload bytes.
    pub payload: Digest,
    /// What the event says.
    pub said: Said,
    /// The dispute that it opens, or is a step of or evidence for.
    pub dispute: Option<DisputePart>,
}

/// A dispute that a record belongs to.
#[derive(Clone, Debug)]
pub struct DisputePart {
    /// The dispute.
    pub dispute: Named,
    /// The period that it is about; none if it is about a payout.
    pub period: Option<Period>,
    /// Its parties, the claimant first.
    pub parties: Vec<Id>,
}

/// What an event says.
#[derive(Clone, Debug)]
pub enum Said {
    /// The ledger was opened.
    LedgerOpened {
        /// The agreement's title.
        title: Text,
        /// Digest of the terms.
        terms: Digest,
        /// The parties.
        parties: Vec<(Id, Role)>,
    },
    /// Something that waited for it was accepted.
    Accepted {
        /// What.
        what: Named,
        /// Its kind.
        kind: Option<Kind>,
        /// The content digest that the acceptance carries.
        content: ContentDigest,
    },
    /// A part of a large report.
    UsagePart {
        /// Its position, from 0.
        index: u32,
        /// Its lines.
        total: LinesTotal,
    },
    /// Usage was reported.
    UsageReported {
        /// The period.
        period: Period,
        /// Whether it adds to earlier reports.
        supplement: bool,
        /// Its lines.
        total: LinesTotal,
    },
    /// A report was replaced.
    UsageCorrected {
        /// The period, if the replaced report is known.
        period: Option<Period>,
        /// What is replaced.
        corrects: Named,
        /// Why.
        reason: Text,
        /// Its lines.
        total: LinesTotal,
    },
    /// A report is missing.
    UsageMissing {
        /// The period.
        period: Period,
    },
    /// A statement was issued.
    StatementIssued(Statement),
    /// A statement was accepted.
    StatementAccepted {
        /// The statement.
        statement: Named,
        /// Its period.
        period: Option<Period>,
    },
    /// Money was sent.
    PayoutSent(Payout),
    /// Money was received.
    PayoutConfirmed {
        /// The payout.
        payout: Named,
        /// What was sent.
        sent: Option<Sent>,
        /// The day it was received.
        received_on: Date,
    },
    /// Money came back.
    PayoutReturned {
        /// The payout.
        payout: Named,
        /// What was sent.
        sent: Option<Sent>,
        /// Why.
        reason: Text,
    },
    /// A head and its state root were acknowledged.
    Acknowledged {
        /// Sequence number of the head.
        seq: u64,
        /// Its hash.
        head: RecordHash,
        /// Version of the state root.
        root_version: u16,
        /// The state root after it.
        state_root: StateRoot,
    },
    /// Other terms were proposed.
    AmendmentProposed {
        /// Digest of the proposed terms.
        terms: Digest,
        /// The first usage day that they rate.
        effective_from: Date,
        /// Why.
        reason: Text,
    },
    /// A proposal was rejected by a party, or withdrawn by its proposer.
    ProposalClosed {
        /// Rejected, or withdrawn.
        kind: Kind,
        /// The proposal.
        proposal: Named,
        /// What was proposed.
        proposed: Option<Kind>,
        /// Why.
        reason: Text,
    },
    /// A conversion rate was proposed.
    RateProposed(ConversionRate),
    /// An ongoing contribution was claimed.
    ContributionClaimed(ContributionClaim),
    /// A contribution ended.
    ContributionEnded {
        /// The claim.
        claim: Named,
        /// The first day on which it does not count.
        on: Date,
        /// Why.
        reason: Text,
    },
    /// A recoupable advance was paid.
    AdvancePaid(Advance),
    /// A dispute was opened.
    DisputeOpened {
        /// What it is about.
        target: DisputedTarget,
        /// What should have been.
        claim: ClaimTotal,
        /// Why.
        basis: Text,
        /// Commitments to evidence.
        evidence: Vec<Digest>,
        /// Why it is heard although it is late, or its line was resolved.
        ground: Option<Ground>,
        /// The dispute that it reopens.
        reopens: Option<Named>,
    },
    /// A respondent answered.
    DisputeResponded {
        /// The dispute.
        dispute: Named,
        /// The answer.
        text: Text,
        /// Commitments to evidence.
        evidence: Vec<Digest>,
    },
    /// A respondent accepted the claim, or silence did.
    DisputeAccepted {
        /// The dispute.
        dispute: Named,
        /// Whether the claimant says that silence accepted it.
        by_default: bool,
    },
    /// The parties settled.
    DisputeSettled {
        /// The dispute.
        dispute: Named,
        /// What they agreed on.
        outcome: OutcomeTotal,
        /// A note on it.
        note: Text,
        /// The parties that signed it, beside the author.
        signed_by: Vec<Id>,
    },
    /// The arbiter decided.
    DisputeDetermined {
        /// The dispute.
        dispute: Named,
        /// What is right.
        outcome: OutcomeTotal,
        /// Why.
        reasons: Text,
        /// Commitments to evidence.
        evidence: Vec<Digest>,
    },
    /// A party went to the arbiter, or the claimant took the dispute back.
    DisputeStep {
        /// Escalated, or withdrawn.
        kind: Kind,
        /// The dispute.
        dispute: Named,
        /// Why.
        reason: Text,
    },
    /// A file was named as evidence.
    EvidenceAttached {
        /// The event that it is about.
        about: Named,
        /// The commitment.
        commitment: Digest,
        /// What it is.
        note: Text,
    },
    /// A file of evidence was erased.
    EvidenceErased {
        /// The commitment.
        commitment: Digest,
        /// Why.
        reason: Text,
    },
}

/// Money that was sent: a payout or an advance.
#[derive(Clone, Debug)]
pub enum Sent {
    /// A payout.
    Payout(Payout),
    /// A recoupable advance.
    Advance(Advance),
}

impl Sent {
    /// The receiver.
    pub fn to(&self) -> &Id {
        match self {
            Sent::Payout(payout) => &payout.to,
            Sent::Advance(advance) => &advance.to,
        }
    }

    /// The amount.
    pub fn amount(&self) -> Amount {
        match self {
            Sent::Payout(payout) => payout.amount,
            Sent::Advance(advance) => advance.amount,
        }
    }
}

impl Record {
    /// A fact as a reader sees it; `state` is any state that knows the events that it names.
    pub fn of(state: &State, fact: &Fact) -> Record {
        Record {
            seq: fact.seq,
            hash: fact.hash,
            previous: fact.previous,
            recorded_at: fact.recorded_at,
            party: fact.author.party.clone(),
            key: fact.author.key,
            id: fact.id,
            content: fact.content,
            payload: fact.payload,
            said: said(state, &fact.event),
            dispute: dispute_part(state, fact),
        }
    }

    /// Whether the record says something about a period. A statement does so about every period
    /// that it posts to, a step of a dispute about the disputed period.
    pub fn is_about(&self, wanted: Period) -> bool {
        let disputed = self.dispute.as_ref().and_then(|part| part.period);
        disputed == Some(wanted) || self.said.is_about(wanted)
    }

    /// Whether the record is about a party: its author, the receiver of a payout, or a party of the
    /// dispute that it belongs to.
    pub fn concerns(&self, party: &Id) -> bool {
        let receiver = match &self.said {
            Said::PayoutSent(payout) => Some(&payout.to),
            Said::AdvancePaid(advance) => Some(&advance.to),
            Said::PayoutConfirmed { sent, .. } | Said::PayoutReturned { sent, .. } => {
                sent.as_ref().map(Sent::to)
            }
            _ => None,
        };
        let disputes = self.dispute.as_ref().is_some_and(|part| part.parties.contains(party));
        self.party == *party || receiver.is_some_and(|to| to == party) || disputes
    }
}

/// The dispute that a fact belongs to: what the index finds it by, too.
fn dispute_part(state: &State, fact: &Fact) -> Option<DisputePart> {
    let id = match &fact.event {
        Event::DisputeOpened(_) => fact.id,
        Event::EvidenceAttached(attachment) => attachment.about,
        other => other.of_dispute()?,
    };
    let known = state.agreement()?.disputes().get(&id)?;
    Some(DisputePart {
        dispute: Named { id, seq: Some(known.seq) },
        period: known.period,
        parties: known.parties().cloned().collect(),
    })
}

impl Said {
    /// The kind of event.
    pub fn kind(&self) -> Kind {
        match self {
            Said::LedgerOpened { .. } => Kind::LedgerOpened,
            Said::Accepted { .. } => Kind::Accepted,
            Said::UsagePart { .. } => Kind::UsagePart,
            Said::UsageReported { .. } => Kind::UsageReported,
            Said::UsageCorrected { .. } => Kind::UsageCorrected,
            Said::UsageMissing { .. } => Kind::UsageMissing,
            Said::StatementIssued(_) => Kind::StatementIssued,
            Said::StatementAccepted { .. } => Kind::StatementAccepted,
            Said::PayoutSent(_) => Kind::PayoutSent,
            Said::PayoutConfirmed { .. } => Kind::PayoutConfirmed,
            Said::PayoutReturned { .. } => Kind::PayoutReturned,
            Said::Acknowledged { .. } => Kind::Acknowledged,
            Said::AmendmentProposed { .. } => Kind::AmendmentProposed,
            Said::ProposalClosed { kind, .. } => *kind,
            Said::RateProposed(_) => Kind::RateProposed,
            Said::ContributionClaimed(_) => Kind::ContributionClaimed,
            Said::ContributionEnded { .. } => Kind::ContributionEnded,
            Said::AdvancePaid(_) => Kind::AdvancePaid,
            Said::DisputeOpened { .. } => Kind::DisputeOpened,
            Said::DisputeResponded { .. } => Kind::DisputeResponded,
            Said::DisputeAccepted { .. } => Kind::DisputeAccepted,
            Said::DisputeSettled { .. } => Kind::DisputeSettled,
            Said::DisputeDetermined { .. } => Kind::DisputeDetermined,
            Said::DisputeStep { kind, .. } => *kind,
            Said::EvidenceAttached { .. } => Kind::EvidenceAttached,
            Said::EvidenceErased { .. } => Kind::EvidenceErased,
        }
    }

    /// The dispute that the event is a step of, unless it opens one.
    pub fn of_dispute(&self) -> Option<Named> {
        match self {
            Said::DisputeResponded { dispute, .. }
            | Said::DisputeAccepted { dispute, .. }
            | Said::DisputeSettled { dispute, .. }
            | Said::DisputeDetermined { dispute, .. }
            | Said::DisputeStep { dispute, .. } => Some(*dispute),
            _ => None,
        }
    }

    /// Whether the event itself says something about a period.
    fn is_about(&self, wanted: Period) -> bool {
        match self {
            Said::UsageReported { period, .. } | Said::UsageMissing { period } => *period == wanted,
            Said::RateProposed(rate) => rate.period == wanted,
            Said::UsageCorrected { period, .. } | Said::StatementAccepted { period, .. } => {
                *period == Some(wanted)
            }
            Said::StatementIssued(statement) => {
                statement.entries.iter().any(|entry| entry.period == wanted)
            }
            _ => false,
        }
    }
}

fn said(state: &State, event: &Event) -> Said {
    let named = |id: &EventId| Named::of(state, *id);
    let agreement = state.agreement();
    match event {
        Event::LedgerOpened(version) => Said::LedgerOpened {
            title: version.terms.title.clone(),
            terms: version.digest,
            parties: version.terms.parties.iter().map(|p| (p.id.clone(), p.role)).collect(),
        },
        Event::Accepted(acceptance) => Said::Accepted {
            what: named(&acceptance.event),
            kind: state.event(&acceptance.event).map(|(_, kind)| kind),
            content: acceptance.content,
        },
        Event::UsagePart(part) => {
            Said::UsagePart { index: part.index, total: LinesTotal::of_block(&part.block) }
        }
        Event::UsageReported(report) => Said::UsageReported {
            period: report.period,
            supplement: report.supplement,
            total: LinesTotal::of(&report.lines),
        },
        Event::UsageCorrected(correction) => Said::UsageCorrected {
            period: agreement
                .and_then(|known| known.report(&correction.corrects))
                .map(|report| report.period),
            corrects: named(&correction.corrects),
            reason: correction.reason.clone(),
            total: LinesTotal::of(&correction.lines),
        },
        Event::UsageMissing(period) => Said::UsageMissing { period: *period },
        Event::StatementIssued(statement) => Said::StatementIssued(statement.clone()),
        Event::StatementAccepted(id) => Said::StatementAccepted {
            statement: named(id),
            period: agreement
                .and_then(|known| known.statement_of(id))
                .map(|record| record.statement.period),
        },
        Event::PayoutSent(payout) => Said::PayoutSent(payout.clone()),
        Event::PayoutConfirmed(receipt) => Said::PayoutConfirmed {
            payout: named(&receipt.payout),
            sent: sent(state, &receipt.payout),
            received_on: receipt.received_on,
        },
        Event::PayoutReturned(returned) => Said::PayoutReturned {
            payout: named(&returned.payout),
            sent: sent(state, &returned.payout),
            reason: returned.reason.clone(),
        },
        Event::Acknowledged(said) => Said::Acknowledged {
            seq: said.seq,
            head: said.head,
            root_version: said.root_version,
            state_root: said.state_root,
        },
        Event::AmendmentProposed(amendment) => Said::AmendmentProposed {
            terms: amendment.version.digest,
            effective_from: amendment.effective_from,
            reason: amendment.reason.clone(),
        },
        Event::ProposalRejected(closing) | Event::ProposalWithdrawn(closing) => {
            Said::ProposalClosed {
                kind: event.kind(),
                proposal: named(&closing.proposal),
                proposed: state.event(&closing.proposal).map(|(_, kind)| kind),
                reason: closing.reason.clone(),
            }
        }
        Event::RateProposed(rate) => Said::RateProposed(rate.clone()),
        Event::ContributionClaimed(claim) => Said::ContributionClaimed(claim.clone()),
        Event::ContributionEnded(end) => Said::ContributionEnded {
            claim: named(&end.claim),
            on: end.on,
            reason: end.reason.clone(),
        },
        Event::AdvancePaid(advance) => Said::AdvancePaid(advance.clone()),
        Event::DisputeOpened(opening) => Said::DisputeOpened {
            target: DisputedTarget::of(state, &opening.target),
            claim: ClaimTotal::of(state, &opening.claim),
            basis: opening.basis.clone(),
            evidence: opening.evidence.clone(),
            ground: opening.ground,
            reopens: opening.reopens.map(|id| named(&id)),
        },
        Event::DisputeResponded(response) => Said::DisputeResponded {
            dispute: named(&response.dispute),
            text: response.text.clone(),
            evidence: response.evidence.clone(),
        },
        Event::DisputeAccepted(said) => {
            Said::DisputeAccepted { dispute: named(&said.dispute), by_default: said.by_default }
        }
        Event::DisputeSettled(settlement) => Said::DisputeSettled {
            dispute: named(&settlement.dispute),
            outcome: OutcomeTotal::of(state, &settlement.outcome),
            note: settlement.note.clone(),
            signed_by: settlement.signatures.iter().map(|one| one.party.clone()).collect(),
        },
        Event::DisputeDetermined(determination) => Said::DisputeDetermined {
            dispute: named(&determination.dispute),
            outcome: OutcomeTotal::of(state, &determination.outcome),
            reasons: determination.reasons.clone(),
            evidence: determination.evidence.clone(),
        },
        Event::DisputeEscalated(step) | Event::DisputeWithdrawn(step) => Said::DisputeStep {
            kind: event.kind(),
            dispute: named(&step.dispute),
            reason: step.reason.clone(),
        },
        Event::EvidenceAttached(attachment) => Said::EvidenceAttached {
            about: named(&attachment.about),
            commitment: attachment.commitment,
            note: attachment.note.clone(),
        },
        Event::EvidenceErased(erasure) => {
            Said::EvidenceErased { commitment: erasure.commitment, reason: erasure.reason.clone() }
        }
    }
}

fn sent(state: &State, id: &EventId) -> Option<Sent> {
    let agreement = state.agreement()?;
    let payout = agreement.payouts().get(id).map(|one| Sent::Payout(one.payout.clone()));
    payout.or_else(|| Some(Sent::Advance(agreement.advances().get(id)?.advance.clone())))
}
