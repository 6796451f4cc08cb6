//! What events say, as JSON.

use revshare_core::event::Kind;
use revshare_core::view::record::LinesTotal;
use revshare_core::view::record::Said;
use revshare_core::view::record::Sent;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Digest;
use revshare_core::vocab::to_u64;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json;
use crate::render::json::CurrencyAmount;
use crate::render::json::EventRef;
use crate::render::json::PartyAmount;
use crate::render::json::PartyRole;
use crate::render::json::dispute::ClaimDocument;
use crate::render::json::dispute::OutcomeDocument;
use crate::render::json::dispute::TargetDocument;
use crate::render::json::money;
use crate::render::json::posted::PostedDocument;
use crate::render::json::posted::PostedInterestDocument;
use crate::render::json::posted::posted;
use crate::render::text::sum;

/// What an event says, by kind.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", content = "says", rename_all = "kebab-case")]
pub enum SaysDocument {
    /// The ledger was opened with these terms.
    LedgerOpened {
        /// The agreement's title.
        title: String,
        /// Digest of the terms.
        terms: String,
        /// The parties.
        parties: Vec<PartyRole>,
    },
    /// Something that waited for it was accepted.
    Accepted {
        /// What.
        accepts: EventRef,
        /// The content digest that the acceptance carries.
        content_digest: String,
    },
    /// A part of a large report.
    UsagePart {
        /// Position in the report, from 0.
        index: u32,
        /// Its lines.
        lines: u64,
        /// Gross per currency.
        gross: Vec<CurrencyAmount>,
    },
    /// Usage was reported.
    UsageReported {
        /// The period.
        period: String,
        /// Whether it adds to earlier reports.
        supplement: bool,
        /// How many lines; 0 for a nil report.
        lines: u64,
        /// In how many parts; 0 if the lines are in the event itself.
        parts: u64,
        /// Gross per currency.
        gross: Vec<CurrencyAmount>,
    },
    /// A report was replaced.
    UsageCorrected {
        /// The period.
        period: Option<String>,
        /// What is replaced.
        corrects: EventRef,
        /// Why.
        reason: String,
        /// How many lines; 0 for a nil report.
        lines: u64,
        /// In how many parts; 0 if the lines are in the event itself.
        parts: u64,
        /// Gross per currency.
        gross: Vec<CurrencyAmount>,
    },
    /// A report is missing after its due day.
    UsageMissing {
        /// The period.
        period: String,
    },
    /// A statement was issued.
    StatementIssued {
        /// The period.
        period: String,
        /// Digest of the terms.
        terms: String,
        /// Version of the calculation.
        calculation: u16,
        /// What it posts.
        entries: Vec<PostedDocument>,
        /// What it recoups of advances; negative if it is given back.
        recoupments: Vec<PartyAmount>,
        /// Late interest that it posts.
        interest: Vec<PostedInterestDocument>,
        /// Version of the state root.
        root_version: u16,
        /// The state root before the statement.
        state_root: String,
    },
    /// A statement was accepted.
    StatementAccepted {
        /// The statement.
        statement: EventRef,
        /// Its period.
        period: Option<String>,
    },
    /// Money was sent.
    PayoutSent {
        /// To whom.
        to: String,
        /// The amount.
        amount: String,
        /// The part of it above what was payable.
        on_account: String,
        /// Tax that was withheld.
        withheld: String,
        /// Whether the tax is on top of the amount.
        grossed_up: bool,
        /// What arrives in cash: the amount, less tax that is not on top.
        cash: String,
        /// The settlement currency.
        currency: String,
        /// The day it was sent.
        sent_on: String,
        /// How both sides find it at the bank.
        reference: String,
    },
    /// Money was received.
    PayoutConfirmed {
        /// The payout.
        payout: EventRef,
        /// The amount that was sent.
        amount: Option<String>,
        /// The day it was received.
        received_on: String,
    },
    /// Money came back.
    PayoutReturned {
        /// The payout.
        payout: EventRef,
        /// The amount that was sent.
        amount: Option<String>,
        /// Why.
        reason: String,
    },
    /// A head and its state root were acknowledged.
    Acknowledged {
        /// Sequence number of the head.
        seq: u64,
        /// Its hash.
        head: String,
        /// Version of the state root.
        root_version: u16,
        /// The state root after it.
        state_root: String,
    },
    /// Other terms were proposed.
    AmendmentProposed {
        /// Digest of the proposed terms.
        terms: String,
        /// The first usage day that they rate.
        effective_from: String,
        /// Why.
        reason: String,
    },
    /// A party whose acceptance is needed refused a proposal.
    ProposalRejected {
        /// The proposal.
        proposal: EventRef,
        /// Its kind; `null` if it is not on the log.
        proposed: Option<String>,
        /// Why.
        reason: String,
    },
    /// The proposer took a proposal back.
    ProposalWithdrawn {
        /// The proposal.
        proposal: EventRef,
        /// Its kind; `null` if it is not on the log.
        proposed: Option<String>,
        /// Why.
        reason: String,
    },
    /// A conversion rate was proposed.
    RateProposed {
        /// The foreign currency.
        currency: String,
        /// Units of the settlement currency for one unit of it.
        rate: String,
        /// The period whose lines it converts.
        period: String,
        /// Where it was published.
        source: String,
    },
    /// An ongoing contribution was claimed.
    ContributionClaimed {
        /// The clause of the terms.
        clause: String,
        /// The first day.
        from: String,
        /// The first day after it, if it has an end.
        to: Option<String>,
        /// A commitment to the evidence.
        evidence: Option<String>,
        /// What was contributed.
        note: String,
    },
    /// The contributor ended a contribution.
    ContributionEnded {
        /// The claim.
        claim: EventRef,
        /// The first day on which it does not count.
        on: String,
        /// Why.
        reason: String,
    },
    /// A recoupable advance was paid.
    AdvancePaid {
        /// To whom.
        to: String,
        /// The amount.
        amount: String,
        /// The settlement currency.
        currency: String,
        /// The day it was sent.
        paid_on: String,
        /// How both sides find it at the bank.
        reference: String,
    },
    /// A dispute was opened.
    DisputeOpened {
        /// What it is about.
        target: TargetDocument,
        /// What should have been.
        claim: ClaimDocument,
        /// Why.
        basis: String,
        /// Commitments to evidence.
        evidence: Vec<String>,
        /// Why it is heard although it is late or was resolved: `fraud` or `manifest-error`.
        ground: Option<String>,
        /// The resolved dispute that it reopens.
        reopens: Option<EventRef>,
    },
    /// A respondent answered.
    DisputeResponded {
        /// The dispute.
        dispute: EventRef,
        /// The answer.
        text: String,
        /// Commitments to evidence.
        evidence: Vec<String>,
    },
    /// A respondent accepted the claim, or the claimant says that silence did.
    DisputeAccepted {
        /// The dispute.
        dispute: EventRef,
        /// Whether silence accepted it.
        by_default: bool,
    },
    /// All parties of the dispute settled.
    DisputeSettled {
        /// The dispute.
        dispute: EventRef,
        /// What they agreed on.
        outcome: OutcomeDocument,
        /// A note on it.
        note: String,
        /// The parties that signed it, beside the author.
        signed_by: Vec<String>,
    },
    /// A party asked the arbiter.
    DisputeEscalated {
        /// The dispute.
        dispute: EventRef,
        /// Why.
        reason: String,
    },
    /// The arbiter decided.
    DisputeDetermined {
        /// The dispute.
        dispute: EventRef,
        /// What is right.
        outcome: OutcomeDocument,
        /// Why.
        reasons: String,
        /// Commitments to evidence.
        evidence: Vec<String>,
    },
    /// The claimant took the dispute back.
    DisputeWithdrawn {
        /// The dispute.
        dispute: EventRef,
        /// Why.
        reason: String,
    },
    /// A file was named as evidence.
    EvidenceAttached {
        /// The event that it is about.
        about: EventRef,
        /// The commitment.
        commitment: String,
        /// What it is.
        note: String,
    },
    /// A file of evidence was erased.
    EvidenceErased {
        /// The commitment.
        commitment: String,
        /// Why.
        reason: String,
    },
}

/// Gross per currency.
pub fn gross(total: &LinesTotal) -> Vec<CurrencyAmount> {
    let one = |(currency, gross): &(Currency, _)| CurrencyAmount {
        currency: currency.to_string(),
        amount: sum(*gross),
    };
    total.gross.iter().map(one).collect()
}

impl SaysDocument {
    /// What an event says.
    pub fn of(said: &Said, currency: Currency) -> SaysDocument {
        let amount = |sent: &Option<Sent>| sent.as_ref().map(|s| money(s.amount(), currency));
        match said {
            Said::LedgerOpened { title, terms, parties } => SaysDocument::LedgerOpened {
                title: title.to_string(),
                terms: terms.to_string(),
                parties: parties
                    .iter()
                    .map(|(id, role)| PartyRole {
                        party: id.to_string(),
                        role: role.as_str().to_owned(),
                    })
                    .collect(),
            },
            Said::Accepted { what, content, .. } => SaysDocument::Accepted {
                accepts: EventRef::of(what),
                content_digest: content.to_string(),
            },
            Said::UsagePart { index, total } => {
                SaysDocument::UsagePart { index: *index, lines: total.lines, gross: gross(total) }
            }
            Said::UsageReported { period, supplement, total } => SaysDocument::UsageReported {
                period: period.to_string(),
                supplement: *supplement,
                lines: total.lines,
                parts: to_u64(total.parts),
                gross: gross(total),
            },
            Said::UsageCorrected { period, corrects, reason, total } => {
                SaysDocument::UsageCorrected {
                    period: period.map(|period| period.to_string()),
                    corrects: EventRef::of(corrects),
                    reason: reason.to_string(),
                    lines: total.lines,
                    parts: to_u64(total.parts),
                    gross: gross(total),
                }
            }
            Said::UsageMissing { period } => {
                SaysDocument::UsageMissing { period: period.to_string() }
            }
            Said::StatementIssued(statement) => posted(statement, currency),
            Said::StatementAccepted { statement, period } => SaysDocument::StatementAccepted {
                statement: EventRef::of(statement),
                period: period.map(|period| period.to_string()),
            },
            Said::PayoutSent(payout) => SaysDocument::PayoutSent {
                to: payout.to.to_string(),
                amount: money(payout.amount, currency),
                on_account: money(payout.on_account, currency),
                withheld: money(payout.withheld, currency),
                grossed_up: payout.grossed_up,
                cash: json::sum(payout.cash(), currency),
                currency: currency.to_string(),
                sent_on: payout.sent_on.to_string(),
                reference: payout.reference.to_string(),
            },
            Said::PayoutConfirmed { payout, sent, received_on } => SaysDocument::PayoutConfirmed {
                payout: EventRef::of(payout),
                amount: amount(sent),
                received_on: received_on.to_string(),
            },
            Said::PayoutReturned { payout, sent, reason } => SaysDocument::PayoutReturned {
                payout: EventRef::of(payout),
                amount: amount(sent),
                reason: reason.to_string(),
            },
            Said::Acknowledged { seq, head, root_version, state_root } => {
                SaysDocument::Acknowledged {
                    seq: *seq,
                    head: head.to_string(),
                    root_version: *root_version,
                    state_root: state_root.to_string(),
                }
            }
            Said::AmendmentProposed { terms, effective_from, reason } => {
                SaysDocument::AmendmentProposed {
                    terms: terms.to_string(),
                    effective_from: effective_from.to_string(),
                    reason: reason.to_string(),
                }
            }
            Said::ProposalClosed { kind, proposal, proposed, reason } => {
                let (proposal, reason) = (EventRef::of(proposal), reason.to_string());
                let proposed = proposed.map(|kind| kind.as_str().to_owned());
                match kind {
                    Kind::ProposalWithdrawn => {
                        SaysDocument::ProposalWithdrawn { proposal, proposed, reason }
                    }
                    _ => SaysDocument::ProposalRejected { proposal, proposed, reason },
                }
            }
            Said::RateProposed(rate) => SaysDocument::RateProposed {
                currency: rate.currency.to_string(),
                rate: rate.rate.to_string(),
                period: rate.period.to_string(),
                source: rate.source.to_string(),
            },
            Said::ContributionClaimed(claim) => SaysDocument::ContributionClaimed {
                clause: claim.clause.to_string(),
                from: claim.from.to_string(),
                to: claim.to.map(|to| to.to_string()),
                evidence: claim.evidence.map(|digest| digest.to_string()),
                note: claim.note.to_string(),
            },
            Said::ContributionEnded { claim, on, reason } => SaysDocument::ContributionEnded {
                claim: EventRef::of(claim),
                on: on.to_string(),
                reason: reason.to_string(),
            },
            Said::AdvancePaid(advance) => SaysDocument::AdvancePaid {
                to: advance.to.to_string(),
                amount: money(advance.amount, currency),
                currency: currency.to_string(),
                paid_on: advance.paid_on.to_string(),
                reference: advance.reference.to_string(),
            },
            Said::DisputeOpened { target, claim, basis, evidence, ground, reopens } => {
                SaysDocument::DisputeOpened {
                    target: TargetDocument::of(target),
                    claim: ClaimDocument::of(claim, currency),
                    basis: basis.to_string(),
                    evidence: digests(evidence),
                    ground: ground.map(|ground| ground.as_str().to_owned()),
                    reopens: reopens.as_ref().map(EventRef::of),
                }
            }
            Said::DisputeResponded { dispute, text, evidence } => SaysDocument::DisputeResponded {
                dispute: EventRef::of(dispute),
                text: text.to_string(),
                evidence: digests(evidence),
            },
            Said::DisputeAccepted { dispute, by_default } => SaysDocument::DisputeAccepted {
                dispute: EventRef::of(dispute),
                by_default: *by_default,
            },
            Said::DisputeSettled { dispute, outcome, note, signed_by } => {
                SaysDocument::DisputeSettled {
                    dispute: EventRef::of(dispute),
                    outcome: OutcomeDocument::of(outcome, currency),
                    note: note.to_string(),
                    signed_by: signed_by.iter().map(|party| party.to_string()).collect(),
                }
            }
            Said::DisputeDetermined { dispute, outcome, reasons, evidence } => {
                SaysDocument::DisputeDetermined {
                    dispute: EventRef::of(dispute),
                    outcome: OutcomeDocument::of(outcome, currency),
                    reasons: reasons.to_string(),
                    evidence: digests(evidence),
                }
            }
            Said::DisputeStep { kind, dispute, reason } => {
                let (dispute, reason) = (EventRef::of(dispute), reason.to_string());
                match kind {
                    Kind::DisputeWithdrawn => SaysDocument::DisputeWithdrawn { dispute, reason },
                    _ => SaysDocument::DisputeEscalated { dispute, reason },
                }
            }
            Said::EvidenceAttached { about, commitment, note } => SaysDocument::EvidenceAttached {
                about: EventRef::of(about),
                commitment: commitment.to_string(),
                note: note.to_string(),
            },
            Said::EvidenceErased { commitment, reason } => SaysDocument::EvidenceErased {
                commitment: commitment.to_string(),
                reason: reason.to_string(),
            },
        }
    }
}

/// Commitments, as text.
pub fn digests(digests: &[Digest]) -> Vec<String> {
    digests.iter().map(|digest| digest.to_string()).collect()
}
