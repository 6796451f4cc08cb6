//! Amendments, conversion rates and contributions as JSON.

use revshare_core::state::ProposalStatus;
use revshare_core::view::proposals::ProposalView;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::ErrorDocument;
use crate::render::json::terms::ClauseDocument;

/// What a proposal would change, and whom it waits for.
#[derive(Serialize, JsonSchema)]
pub struct ProposedDocument {
    /// The parties whose acceptance is needed, without the proposer.
    pub waits_for: Vec<String>,
    /// The last day on which it can be decided.
    pub until: String,
    /// For an amendment: what it changes, clause by clause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ClauseDocument>,
    /// What is legal about it, and surprising.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// For an amendment: what `terms check` warns of in the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms_warnings: Vec<ErrorDocument>,
}

/// What became of a proposal.
#[derive(Serialize, JsonSchema)]
pub struct ProposalDocument {
    /// Its record.
    pub seq: u64,
    /// Its event id.
    pub event: String,
    /// Who proposed it.
    pub proposer: String,
    /// Recorded time.
    pub recorded_at: String,
    /// `pending`, `lapsed`, `accepted`, `rejected`, `withdrawn` or `overtaken` (by other terms).
    pub status: String,
    /// The parties that accepted it, the proposer included.
    pub accepted_by: Vec<String>,
    /// The parties whose acceptance is missing; none once it is decided or lapsed.
    pub waits_for: Vec<String>,
    /// For one that is pending or lapsed: the last day on which it can be decided.
    pub until: Option<String>,
    /// The record that decided it.
    pub decided_by: Option<u64>,
    /// For a rejected one: who rejected it.
    pub rejected_by: Option<String>,
    /// For a rejected or withdrawn one: why.
    pub closing_reason: Option<String>,
}

/// `amend list`.
#[derive(Serialize, JsonSchema)]
pub struct AmendmentsDocument {
    /// The point of the log.
    pub at: At,
    /// The amendments, in the order of the log.
    pub amendments: Vec<AmendmentDocument>,
}

/// An amendment.
#[derive(Serialize, JsonSchema)]
pub struct AmendmentDocument {
    /// What became of it.
    #[serde(flatten)]
    pub proposal: ProposalDocument,
    /// The first usage day that it rates.
    pub effective_from: String,
    /// Digest of the proposed terms.
    pub terms: String,
    /// Why.
    pub reason: String,
    /// For an accepted one: the number of its version of the terms.
    pub version: Option<u64>,
}

/// `fx list`.
#[derive(Serialize, JsonSchema)]
pub struct RatesDocument {
    /// The point of the log.
    pub at: At,
    /// The settlement currency.
    pub settlement: String,
    /// The conversion rates, in the order of the log.
    pub rates: Vec<RateDocument>,
}

/// A conversion rate.
#[derive(Serialize, JsonSchema)]
pub struct RateDocument {
    /// What became of it.
    #[serde(flatten)]
    pub proposal: ProposalDocument,
    /// The foreign currency.
    pub currency: String,
    /// Units of the settlement currency for one unit of it.
    pub rate: String,
    /// The period whose lines it converts.
    pub period: String,
    /// Where it was published.
    pub source: String,
    /// Whether it is the one that converts: accepted, and no later one is.
    pub in_effect: bool,
}

/// `contribution list`.
#[derive(Serialize, JsonSchema)]
pub struct ContributionsDocument {
    /// The point of the log.
    pub at: At,
    /// The claims, in the order of the log.
    pub contributions: Vec<ContributionDocument>,
}

/// A claim of a contribution.
#[derive(Serialize, JsonSchema)]
pub struct ContributionDocument {
    /// What became of it.
    #[serde(flatten)]
    pub proposal: ProposalDocument,
    /// The clause of the terms.
    pub clause: String,
    /// The first day.
    pub from: String,
    /// The first day after it, as claimed; `null` if it has no end.
    pub to: Option<String>,
    /// A commitment to the evidence.
    pub evidence: Option<String>,
    /// What was contributed.
    pub note: String,
    /// How it was ended, if it was.
    pub ended: Option<EndingDocument>,
}

/// The end of a contribution.
#[derive(Serialize, JsonSchema)]
pub struct EndingDocument {
    /// The record that says so.
    pub seq: u64,
    /// The first day on which it does not count.
    pub on: String,
    /// Why.
    pub reason: String,
}

impl ProposalDocument {
    /// A proposal as JSON.
    pub fn of(view: &ProposalView<'_>) -> ProposalDocument {
        let proposal = view.proposal;
        let (status, decided_by, rejected_by, reason) = match &proposal.status {
            ProposalStatus::Pending if view.lapsed => ("lapsed", None, None, None),
            ProposalStatus::Pending => ("pending", None, None, None),
            ProposalStatus::Accepted { seq } => ("accepted", Some(*seq), None, None),
            ProposalStatus::Rejected { seq, by, reason } => {
                ("rejected", Some(*seq), Some(by.to_string()), Some(reason.to_string()))
            }
            ProposalStatus::Withdrawn { seq, reason } => {
                ("withdrawn", Some(*seq), None, Some(reason.to_string()))
            }
            ProposalStatus::Overtaken { seq } => ("overtaken", Some(*seq), None, None),
        };
        ProposalDocument {
            seq: proposal.seq,
            event: proposal.id.to_string(),
            proposer: proposal.proposer.to_string(),
            recorded_at: proposal.recorded_at.to_string(),
            status: status.to_owned(),
            accepted_by: proposal.accepted_by.iter().map(ToString::to_string).collect(),
            waits_for: view.waits_for.iter().map(ToString::to_string).collect(),
            until: view.until.map(|until| until.to_string()),
            decided_by,
            rejected_by,
            closing_reason: reason,
        }
    }
}
