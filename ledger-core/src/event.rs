//! Facts in the past tense. Kinds and versions are append-only.

use serde::Deserialize;
use serde::Serialize;

use crate::dispute::Attachment;
use crate::dispute::ClaimAcceptance;
use crate::dispute::Determination;
use crate::dispute::DisputeStep;
use crate::dispute::Erasure;
use crate::dispute::Opening;
use crate::dispute::Response;
use crate::dispute::Settlement;
use crate::payout::Advance;
use crate::payout::Payout;
use crate::statement::Statement;
pub use crate::terms::TermsVersion;
use crate::usage::LineBlock;
use crate::vocab::Amount;
use crate::vocab::ContentDigest;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Level;
use crate::vocab::Period;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::vocab::StateRoot;
use crate::vocab::Text;
use crate::vocab::Timestamp;

/// What a party says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The ledger was opened with these terms; opening counts as the opener's acceptance.
    LedgerOpened(Box<TermsVersion>),
    /// A party accepted an event that waited for it.
    Accepted(Acceptance),
    /// A part of a large report; without effect until the event that closes the report.
    UsagePart(UsagePart),
    /// The collector reported usage of a period.
    UsageReported(UsageReport),
    /// The collector replaced an earlier report.
    UsageCorrected(UsageCorrection),
    /// A report is missing after its due day.
    UsageMissing(Period),
    /// A statement was issued.
    StatementIssued(Statement),
    /// A beneficiary accepted a statement.
    StatementAccepted(EventId),
    /// The collector sent money.
    PayoutSent(Payout),
    /// The beneficiary received it.
    PayoutConfirmed(PayoutReceipt),
    /// The beneficiary did not receive it, or sent it back.
    PayoutReturned(PayoutReturn),
    /// A party replayed to this head and got this state root.
    Acknowledged(Acknowledgement),
    /// A party proposed other terms; proposing counts as its acceptance.
    AmendmentProposed(Box<Amendment>),
    /// A party whose acceptance is needed refused a proposal.
    ProposalRejected(ProposalClosing),
    /// The proposer took a proposal back.
    ProposalWithdrawn(ProposalClosing),
    /// A party proposed a conversion rate; proposing counts as its acceptance.
    RateProposed(ConversionRate),
    /// A party claimed an ongoing contribution.
    ContributionClaimed(ContributionClaim),
    /// The contributor ended a contribution.
    ContributionEnded(ContributionEnd),
    /// The collector paid a recoupable advance.
    AdvancePaid(Advance),
    /// An affected party opened a dispute.
    DisputeOpened(Box<Opening>),
    /// A respondent answered.
    DisputeResponded(Response),
    /// A respondent accepted the claim, or the claimant says that silence did.
    DisputeAccepted(ClaimAcceptance),
    /// The parties settled.
    DisputeSettled(Box<Settlement>),
    /// A party went to the arbiter.
    DisputeEscalated(DisputeStep),
    /// The arbiter decided.
    DisputeDetermined(Box<Determination>),
    /// The claimant took it back.
    DisputeWithdrawn(DisputeStep),
    /// A file was named as evidence.
    EvidenceAttached(Attachment),
    /// A file of evidence was erased.
    EvidenceErased(Erasure),
}

/// The kind of an event; its number is part of the format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u16)]
pub enum Kind {
    /// See [`Event::LedgerOpened`].
    LedgerOpened = 1,
    /// See [`Event::Accepted`].
    Accepted = 2,
    /// See [`Event::UsagePart`].
    UsagePart = 3,
    /// See [`Event::UsageReported`].
    UsageReported = 4,
    /// See [`Event::UsageCorrected`].
    UsageCorrected = 5,
    /// See [`Event::UsageMissing`].
    UsageMissing = 6,
    /// See [`Event::StatementIssued`].
    StatementIssued = 7,
    /// See [`Event::StatementAccepted`].
    StatementAccepted = 8,
    /// See [`Event::PayoutSent`].
    PayoutSent = 9,
    /// See [`Event::PayoutConfirmed`].
    PayoutConfirmed = 10,
    /// See [`Event::PayoutReturned`].
    PayoutReturned = 11,
    /// See [`Event::Acknowledged`].
    Acknowledged = 12,
    /// See [`Event::AmendmentProposed`].
    AmendmentProposed = 13,
    /// See [`Event::ProposalRejected`].
    ProposalRejected = 14,
    /// See [`Event::ProposalWithdrawn`].
    ProposalWithdrawn = 15,
    /// See [`Event::RateProposed`].
    RateProposed = 16,
    /// See [`Event::ContributionClaimed`].
    ContributionClaimed = 17,
    /// See [`Event::ContributionEnded`].
    ContributionEnded = 18,
    /// See [`Event::AdvancePaid`].
    AdvancePaid = 19,
    /// See [`Event::DisputeOpened`].
    DisputeOpened = 20,
    /// See [`Event::DisputeResponded`].
    DisputeResponded = 21,
    /// See [`Event::DisputeAccepted`].
    DisputeAccepted = 22,
    /// See [`Event::DisputeSettled`].
    DisputeSettled = 23,
    /// See [`Event::DisputeEscalated`].
    DisputeEscalated = 24,
    /// See [`Event::DisputeDetermined`].
    DisputeDetermined = 25,
    /// See [`Event::DisputeWithdrawn`].
    DisputeWithdrawn = 26,
    /// See [`Event::EvidenceAttached`].
    EvidenceAttached = 27,
    /// See [`Event::EvidenceErased`].
    EvidenceErased = 28,
}

/// Other terms, proposed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Amendment {
    /// The whole new terms.
    pub version: TermsVersion,
    /// The first usage day that they rate.
    pub effective_from: Date,
    /// Why.
    pub reason: Text,
}

/// The end of a proposal, by rejection or withdrawal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProposalClosing {
    /// The proposal.
    pub proposal: EventId,
    /// Why.
    pub reason: Text,
}

/// A conversion rate for a period, proposed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConversionRate {
    /// The foreign currency.
    pub currency: Currency,
    /// Units of the settlement currency for one unit of the foreign one; positive.
    pub rate: Amount,
    /// The period whose lines it converts.
    pub period: Period,
    /// Where it was published.
    pub source: Text,
}

/// An ongoing contribution, claimed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ContributionClaim {
    /// The clause of the terms.
    pub clause: Id,
    /// The first day.
    pub from: Date,
    /// The first day after it, if it has an end.
    pub to: Option<Date>,
    /// A commitment to the evidence, which is kept beside the ledger.
    pub evidence: Option<Digest>,
    /// What was contributed.
    pub note: Text,
}

/// The end of a contribution.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContributionEnd {
    /// The claim.
    pub claim: EventId,
    /// The first day on which it does not count.
    pub on: Date,
    /// Why.
    pub reason: Text,
}

/// Acceptance of an event: carries the digest of what is accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acceptance {
    /// The event.
    pub event: EventId,
    /// Its content digest.
    pub content: ContentDigest,
}

/// A part of a large report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsagePart {
    /// Position in the report, from 0.
    pub index: u32,
    /// The lines.
    pub block: LineBlock,
}

/// The lines of a report.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and lines are large anyway")]
pub enum Lines {
    /// No usage in the period.
    Nil,
    /// All lines, in the event itself.
    Inline(LineBlock),
    /// Lines in parts that stand directly before the event.
    Parts(PartsIndex),
}

/// What closes a report in parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartsIndex {
    /// The parts' event ids, in order.
    pub parts: Vec<EventId>,
    /// The number of lines of all parts.
    pub lines: u64,
    /// Digest over the parts' payload digests, in order (`Domain::Lines`).
    pub digest: Digest,
    /// Gross per currency over all parts, sorted by currency.
    pub gross: Vec<(Currency, Amount)>,
}

/// A usage report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageReport {
    /// The period.
    pub period: Period,
    /// Whether it adds to earlier reports of the period.
    pub supplement: bool,
    /// The lines.
    pub lines: Lines,
}

/// A correction: replaces all lines of the current end of a report's chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageCorrection {
    /// The report or correction that is replaced.
    pub corrects: EventId,
    /// Why.
    pub reason: Text,
    /// The lines that hold now.
    pub lines: Lines,
}

/// Receipt of a payout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PayoutReceipt {
    /// The payout.
    pub payout: EventId,
    /// The day it was received.
    pub received_on: Date,
}

/// A payout that came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PayoutReturn {
    /// The payout.
    pub payout: EventId,
    /// Why.
    pub reason: Text,
}

/// A party replayed to a head and got a state root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acknowledgement {
    /// Sequence number of the head.
    pub seq: u64,
    /// Hash of the head.
    pub head: RecordHash,
    /// Version of the state root.
    pub root_version: u16,
    /// The state root after that head.
    pub state_root: StateRoot,
}

/// Who said it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Author {
    /// The party.
    pub party: Id,
    /// The key that signed.
    pub key: PublicKey,
}

/// An event in its place, as `evolve` judges it. Hash and signature were checked before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// Sequence number of the record.
    pub seq: u64,
    /// Hash of the record before it (all zero for record 0).
    pub previous: RecordHash,
    /// Hash of the record itself.
    pub hash: RecordHash,
    /// Recorded time, as the author claims it.
    pub recorded_at: Timestamp,
    /// The format level that the record says the ledger was opened with.
    pub level: Level,
    /// Who said it.
    pub author: Author,
    /// The event's id.
    pub id: EventId,
    /// Digest of the event's content, without the nonce.
    pub content: ContentDigest,
    /// Digest of the payload bytes.
    pub payload: Digest,
    /// What was said.
    pub event: Event,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Kind; 28] = [
        Kind::LedgerOpened,
        Kind::Accepted,
        Kind::UsagePart,
        Kind::UsageReported,
        Kind::UsageCorrected,
        Kind::UsageMissing,
        Kind::StatementIssued,
        Kind::StatementAccepted,
        Kind::PayoutSent,
        Kind::PayoutConfirmed,
        Kind::PayoutReturned,
        Kind::Acknowledged,
        Kind::AmendmentProposed,
        Kind::ProposalRejected,
        Kind::ProposalWithdrawn,
        Kind::RateProposed,
        Kind::ContributionClaimed,
        Kind::ContributionEnded,
        Kind::AdvancePaid,
        Kind::DisputeOpened,
        Kind::DisputeResponded,
        Kind::DisputeAccepted,
        Kind::DisputeSettled,
        Kind::DisputeEscalated,
        Kind::DisputeDetermined,
        Kind::DisputeWithdrawn,
        Kind::EvidenceAttached,
        Kind::EvidenceErased,
    ];

    /// The kind with a number.
    pub fn from_number(number: u16) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its number, as records carry it.
    #[expect(clippy::as_conversions, reason = "the discriminant, of which `repr` gives the width")]
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The name that people and scripts see.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::LedgerOpened => "ledger-opened",
            Kind::Accepted => "accepted",
            Kind::UsagePart => "usage-part",
            Kind::UsageReported => "usage-reported",
            Kind::UsageCorrected => "usage-corrected",
            Kind::UsageMissing => "usage-missing",
            Kind::StatementIssued => "statement-issued",
            Kind::StatementAccepted => "statement-accepted",
            Kind::PayoutSent => "payout-sent",
            Kind::PayoutConfirmed => "payout-confirmed",
            Kind::PayoutReturned => "payout-returned",
            Kind::Acknowledged => "acknowledged",
            Kind::AmendmentProposed => "amendment-proposed",
            Kind::ProposalRejected => "proposal-rejected",
            Kind::ProposalWithdrawn => "proposal-withdrawn",
            Kind::RateProposed => "rate-proposed",
            Kind::ContributionClaimed => "contribution-claimed",
            Kind::ContributionEnded => "contribution-ended",
            Kind::AdvancePaid => "advance-paid",
            Kind::DisputeOpened => "dispute-opened",
            Kind::DisputeResponded => "dispute-responded",
            Kind::DisputeAccepted => "dispute-accepted",
            Kind::DisputeSettled => "dispute-settled",
            Kind::DisputeEscalated => "dispute-escalated",
            Kind::DisputeDetermined => "dispute-determined",
            Kind::DisputeWithdrawn => "dispute-withdrawn",
            Kind::EvidenceAttached => "evidence-attached",
            Kind::EvidenceErased => "evidence-erased",
        }
    }
}

impl Event {
    /// The version of its kind: that of the level whose content it has.
    pub fn version(&self) -> u16 {
        let level = match self {
            Event::LedgerOpened(version) => version.level,
            Event::StatementIssued(statement) => statement.level,
            Event::PayoutSent(payout) => payout.level,
            Event::Accepted(_)
            | Event::UsagePart(_)
            | Event::UsageReported(_)
            | Event::UsageCorrected(_)
            | Event::UsageMissing(_)
            | Event::StatementAccepted(_)
            | Event::PayoutConfirmed(_)
            | Event::PayoutReturned(_)
            | Event::Acknowledged(_)
            | Event::AmendmentProposed(_)
            | Event::ProposalRejected(_)
            | Event::ProposalWithdrawn(_)
            | Event::RateProposed(_)
            | Event::ContributionClaimed(_)
            | Event::ContributionEnded(_)
            | Event::AdvancePaid(_)
            | Event::DisputeOpened(_)
            | Event::DisputeResponded(_)
            | Event::DisputeAccepted(_)
            | Event::DisputeSettled(_)
            | Event::DisputeEscalated(_)
            | Event::DisputeDetermined(_)
            | Event::DisputeWithdrawn(_)
            | Event::EvidenceAttached(_)
            | Event::EvidenceErased(_) => Level::One,
        };
        level.number()
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Event::LedgerOpened(_) => Kind::LedgerOpened,
            Event::Accepted(_) => Kind::Accepted,
            Event::UsagePart(_) => Kind::UsagePart,
            Event::UsageReported(_) => Kind::UsageReported,
            Event::UsageCorrected(_) => Kind::UsageCorrected,
            Event::UsageMissing(_) => Kind::UsageMissing,
            Event::StatementIssued(_) => Kind::StatementIssued,
            Event::StatementAccepted(_) => Kind::StatementAccepted,
            Event::PayoutSent(_) => Kind::PayoutSent,
            Event::PayoutConfirmed(_) => Kind::PayoutConfirmed,
            Event::PayoutReturned(_) => Kind::PayoutReturned,
            Event::Acknowledged(_) => Kind::Acknowledged,
            Event::AmendmentProposed(_) => Kind::AmendmentProposed,
            Event::ProposalRejected(_) => Kind::ProposalRejected,
            Event::ProposalWithdrawn(_) => Kind::ProposalWithdrawn,
            Event::RateProposed(_) => Kind::RateProposed,
            Event::ContributionClaimed(_) => Kind::ContributionClaimed,
            Event::ContributionEnded(_) => Kind::ContributionEnded,
            Event::AdvancePaid(_) => Kind::AdvancePaid,
            Event::DisputeOpened(_) => Kind::DisputeOpened,
            Event::DisputeResponded(_) => Kind::DisputeResponded,
            Event::DisputeAccepted(_) => Kind::DisputeAccepted,
            Event::DisputeSettled(_) => Kind::DisputeSettled,
            Event::DisputeEscalated(_) => Kind::DisputeEscalated,
            Event::DisputeDetermined(_) => Kind::DisputeDetermined,
            Event::DisputeWithdrawn(_) => Kind::DisputeWithdrawn,
            Event::EvidenceAttached(_) => Kind::EvidenceAttached,
            Event::EvidenceErased(_) => Kind::EvidenceErased,
        }
    }

    /// The dispute that the event is a step of; the opening of one is named by its own id.
    pub fn of_dispute(&self) -> Option<EventId> {
        match self {
            Event::DisputeResponded(said) => Some(said.dispute),
            Event::DisputeAccepted(said) => Some(said.dispute),
            Event::DisputeSettled(said) => Some(said.dispute),
            Event::DisputeEscalated(said) | Event::DisputeWithdrawn(said) => Some(said.dispute),
            Event::DisputeDetermined(said) => Some(said.dispute),
            Event::LedgerOpened(_)
            | Event::Accepted(_)
            | Event::UsagePart(_)
            | Event::UsageReported(_)
            | Event::UsageCorrected(_)
            | Event::UsageMissing(_)
            | Event::StatementIssued(_)
            | Event::StatementAccepted(_)
            | Event::PayoutSent(_)
            | Event::PayoutConfirmed(_)
            | Event::PayoutReturned(_)
            | Event::Acknowledged(_)
            | Event::AmendmentProposed(_)
            | Event::ProposalRejected(_)
            | Event::ProposalWithdrawn(_)
            | Event::RateProposed(_)
            | Event::ContributionClaimed(_)
            | Event::ContributionEnded(_)
            | Event::AdvancePaid(_)
            | Event::DisputeOpened(_)
            | Event::EvidenceAttached(_)
            | Event::EvidenceErased(_) => None,
        }
    }

    /// Commitments to evidence that the event names.
    pub fn evidence(&self) -> &[Digest] {
        match self {
            Event::ContributionClaimed(claim) => claim.evidence.as_slice(),
            Event::DisputeOpened(opening) => &opening.evidence,
            Event::DisputeResponded(response) => &response.evidence,
            Event::DisputeDetermined(determination) => &determination.evidence,
            Event::EvidenceAttached(attachment) => std::slice::from_ref(&attachment.commitment),
            Event::LedgerOpened(_)
            | Event::Accepted(_)
            | Event::UsagePart(_)
            | Event::UsageReported(_)
            | Event::UsageCorrected(_)
            | Event::UsageMissing(_)
            | Event::StatementIssued(_)
            | Event::StatementAccepted(_)
            | Event::PayoutSent(_)
            | Event::PayoutConfirmed(_)
            | Event::PayoutReturned(_)
            | Event::Acknowledged(_)
            | Event::AmendmentProposed(_)
            | Event::ProposalRejected(_)
            | Event::ProposalWithdrawn(_)
            | Event::RateProposed(_)
            | Event::ContributionEnded(_)
            | Event::AdvancePaid(_)
            | Event::DisputeAccepted(_)
            | Event::DisputeSettled(_)
            | Event::DisputeEscalated(_)
            | Event::DisputeWithdrawn(_)
            | Event::EvidenceErased(_) => &[],
        }
    }
}
