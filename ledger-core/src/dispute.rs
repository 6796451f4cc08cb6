//! Disputes: what is disputed, what should have been, and what becomes of it.

use serde::Deserialize;
use serde::Serialize;

use crate::terms::TermsVersion;
use crate::terms::Version;
use crate::usage::LineBlock;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Text;

/// What a dispute is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Target {
    /// The statement of a period.
    Statement(EventId),
    /// A report or correction in effect, of a stated period.
    Report(EventId),
    /// A payout.
    Payout(EventId),
    /// What a clause of the terms comes to in a stated period.
    Clause {
        /// The rule, exclusivity or contribution.
        clause: Id,
        /// The period.
        period: Period,
    },
}

/// What should have been.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and lines are large anyway")]
pub enum Claim {
    /// A figure per party, sorted by party: what it gets for the period, or what the payout to it
    /// counts; in the settlement currency.
    Figures(Vec<(Id, Amount)>),
    /// Other lines in the place of a report's.
    Report {
        /// The report or correction in effect.
        replaces: EventId,
        /// The lines; none for a nil report.
        lines: Option<LineBlock>,
    },
    /// Other terms, as if accepted after all others.
    Terms(Box<ClaimedTerms>),
}

/// Terms as a claim has them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClaimedTerms {
    /// The whole terms.
    pub version: TermsVersion,
    /// The first usage day that they rate.
    pub from: Date,
}

impl ClaimedTerms {
    /// As a version of the terms that no event has brought.
    pub fn as_version(&self) -> Version {
        Version {
            event: EventId::default(),
            seq: u64::MAX,
            effective_from: self.from,
            terms: self.version.terms.clone(),
            digest: self.version.digest,
            level: self.version.level,
        }
    }
}

/// Why a claim is heard although its window has passed, or its line was resolved before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Ground {
    /// Somebody was deceived.
    Fraud,
    /// The figure is wrong on its face.
    ManifestError,
}

impl Ground {
    /// Every ground, in the order of the format; number 0 stands for none.
    pub const ALL: [Ground; 2] = [Ground::Fraud, Ground::ManifestError];

    /// The name that people and scripts see.
    pub fn as_str(self) -> &'static str {
        match self {
            Ground::Fraud => "fraud",
            Ground::ManifestError => "manifest-error",
        }
    }
}

/// A dispute, as it is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opening {
    /// What it is about.
    pub target: Target,
    /// What should have been.
    pub claim: Claim,
    /// Why.
    pub basis: Text,
    /// Commitments to evidence, sorted.
    pub evidence: Vec<Digest>,
    /// Why it is heard although it is late, or its line was resolved.
    pub ground: Option<Ground>,
    /// The resolved dispute that it reopens.
    pub reopens: Option<EventId>,
}

/// An answer to a dispute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// The dispute.
    pub dispute: EventId,
    /// What is answered.
    pub text: Text,
    /// Commitments to evidence, sorted.
    pub evidence: Vec<Digest>,
}

/// Acceptance of a claim: by a respondent, or by default.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClaimAcceptance {
    /// The dispute.
    pub dispute: EventId,
    /// Whether the claimant says that silence has accepted it.
    pub by_default: bool,
}

/// What a dispute comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and lines are large anyway")]
pub enum Outcome {
    /// The recorded figures stand.
    Stands,
    /// The claim is right.
    AsClaimed,
    /// Something else is right.
    Other(Claim),
}

/// A party's signature under a settlement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartySignature {
    /// The party.
    pub party: Id,
    /// Ed25519 over the settlement's text (`schemas/settlement.md`).
    pub signature: [u8; 64],
}

/// A settlement, signed by all parties of the dispute: its author signs the record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settlement {
    /// The dispute.
    pub dispute: EventId,
    /// What they agree on.
    pub outcome: Outcome,
    /// A note on it.
    pub note: Text,
    /// Digest of the canonical bytes of both (`Domain::Outcome`): what is signed.
    pub digest: Digest,
    /// The signatures of all other parties, sorted by party.
    pub signatures: Vec<PartySignature>,
}

/// The arbiter's decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Determination {
    /// The dispute.
    pub dispute: EventId,
    /// What is right.
    pub outcome: Outcome,
    /// Why.
    pub reasons: Text,
    /// Commitments to evidence, sorted.
    pub evidence: Vec<Digest>,
}

/// Going to the arbiter, or taking a dispute back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisputeStep {
    /// The dispute.
    pub dispute: EventId,
    /// Why.
    pub reason: Text,
}

/// A file that was named on the log, by commitment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attachment {
    /// The event that it is about.
    pub about: EventId,
    /// The commitment.
    pub commitment: Digest,
    /// What it is.
    pub note: Text,
}

/// A file that was erased: the commitment stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Erasure {
    /// The commitment.
    pub commitment: Digest,
    /// Why.
    pub reason: Text,
}

/// The text that a party signs under a settlement: `outcome` is the digest of the outcome and note.
pub fn settlement_text(
    ledger: crate::vocab::LedgerId,
    dispute: EventId,
    outcome: Digest,
) -> String {
    format!("revshare settlement v1\nledger {ledger}\ndispute {dispute}\noutcome {outcome}\n")
}
