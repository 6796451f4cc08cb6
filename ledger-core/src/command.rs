//! Wishes in the imperative.

use crate::dispute::Attachment;
use crate::dispute::ClaimAcceptance;
use crate::dispute::Determination;
use crate::dispute::DisputeStep;
use crate::dispute::Erasure;
use crate::dispute::Opening;
use crate::dispute::Response;
use crate::dispute::Settlement;
use crate::event::ContributionClaim;
use crate::event::ContributionEnd;
use crate::event::ConversionRate;
use crate::event::TermsVersion;
use crate::payout::Advance;
use crate::usage::LineBlock;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Text;

/// What a party wants to be recorded.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open the ledger.
    OpenLedger(Box<TermsVersion>),
    /// Accept an event that waits for the author.
    Accept(EventId),
    /// Report usage; no blocks means a nil report.
    ReportUsage {
        /// The period.
        period: Period,
        /// Whether it adds to earlier reports.
        supplement: bool,
        /// The lines.
        blocks: Vec<LineBlock>,
    },
    /// Replace a report; no blocks means it becomes nil.
    CorrectUsage {
        /// The report or correction to replace.
        corrects: EventId,
        /// Why.
        reason: Text,
        /// The lines that hold now.
        blocks: Vec<LineBlock>,
    },
    /// Record that a report is missing.
    NoteMissing(Period),
    /// Issue the statement of a period.
    IssueStatement(Period),
    /// Accept a statement.
    AcceptStatement(EventId),
    /// Send money.
    SendPayout {
        /// The beneficiary.
        to: Id,
        /// How much.
        amount: Amount,
        /// Whether an excess over what is payable is a credit.
        on_account: bool,
        /// The day it was sent.
        sent_on: Date,
        /// How both sides find it at the bank.
        reference: Text,
    },
    /// Confirm that a payout was received.
    ConfirmPayout {
        /// The payout.
        payout: EventId,
        /// The day.
        received_on: Date,
    },
    /// Say that a payout was not received, or sent back.
    ReturnPayout {
        /// The payout.
        payout: EventId,
        /// Why.
        reason: Text,
    },
    /// Acknowledge head and state root.
    Acknowledge,
    /// Propose other terms.
    ProposeAmendment {
        /// The whole new terms.
        version: Box<TermsVersion>,
        /// The first usage day that they rate.
        effective_from: Date,
        /// Why.
        reason: Text,
    },
    /// Refuse a proposal.
    RejectProposal {
        /// The proposal.
        proposal: EventId,
        /// Why.
        reason: Text,
    },
    /// Take a proposal back.
    WithdrawProposal {
        /// The proposal.
        proposal: EventId,
        /// Why.
        reason: Text,
    },
    /// Propose a conversion rate.
    ProposeRate(ConversionRate),
    /// Claim an ongoing contribution.
    ClaimContribution(ContributionClaim),
    /// End a contribution.
    EndContribution(ContributionEnd),
    /// Pay a recoupable advance.
    PayAdvance(Advance),
    /// Open a dispute.
    OpenDispute(Box<Opening>),
    /// Answer a dispute.
    RespondToDispute(Response),
    /// Accept a claim, or say that silence accepted it.
    AcceptClaim(ClaimAcceptance),
    /// Record a settlement that all parties of the dispute have signed.
    SettleDispute(Box<Settlement>),
    /// Go to the arbiter.
    EscalateDispute(DisputeStep),
    /// Decide a dispute, as the arbiter.
    DetermineDispute(Box<Determination>),
    /// Take a dispute back.
    WithdrawDispute(DisputeStep),
    /// Name a file as evidence.
    AttachEvidence(Attachment),
    /// Say that a file of evidence was erased.
    EraseEvidence(Erasure),
}
