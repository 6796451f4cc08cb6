//! Disputes as JSON.

use revshare_core::view::said::ClaimTotal;
use revshare_core::view::said::DisputedTarget;
use revshare_core::view::said::OutcomeTotal;
use revshare_core::vocab::Currency;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::CurrencyAmount;
use crate::render::json::EventRef;
use crate::render::json::PartyAmount;
use crate::render::json::party_amounts;
use crate::render::json::says::gross;

/// What a dispute is about.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TargetDocument {
    /// The statement of a period.
    Statement {
        /// The statement.
        #[serde(flatten)]
        event: EventRef,
        /// The period.
        period: Option<String>,
    },
    /// A report of a stated period.
    Report {
        /// The report or correction.
        #[serde(flatten)]
        event: EventRef,
        /// The period.
        period: Option<String>,
    },
    /// A payout.
    Payout {
        /// The payout.
        #[serde(flatten)]
        event: EventRef,
    },
    /// What a clause comes to in a stated period.
    Clause {
        /// The clause.
        clause: String,
        /// The period.
        period: String,
    },
}

/// What should have been.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ClaimDocument {
    /// A figure per party.
    Figures {
        /// The currency.
        currency: String,
        /// What each party gets, or what the payout counts.
        figures: Vec<PartyAmount>,
    },
    /// Other lines in the place of a report's.
    Report {
        /// The report that is replaced.
        replaces: EventRef,
        /// How many lines; 0 for a nil report.
        lines: u64,
        /// Their gross per currency.
        gross: Vec<CurrencyAmount>,
    },
    /// Other terms.
    Terms {
        /// Their digest.
        digest: String,
        /// The first usage day that they rate.
        from: String,
    },
}

/// What a dispute comes to.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum OutcomeDocument {
    /// The recorded figures stand.
    Stands,
    /// The claim is right.
    AsClaimed,
    /// Something else is right.
    Other {
        /// What.
        is: ClaimDocument,
    },
}

impl TargetDocument {
    /// A target as JSON.
    pub fn of(target: &DisputedTarget) -> TargetDocument {
        let text = |period: &Option<_>| {
            period.as_ref().map(|period: &revshare_core::vocab::Period| period.to_string())
        };
        match target {
            DisputedTarget::Statement(named, period) => {
                TargetDocument::Statement { event: EventRef::of(named), period: text(period) }
            }
            DisputedTarget::Report(named, period) => {
                TargetDocument::Report { event: EventRef::of(named), period: text(period) }
            }
            DisputedTarget::Payout(named) => TargetDocument::Payout { event: EventRef::of(named) },
            DisputedTarget::Clause(clause, period) => {
                TargetDocument::Clause { clause: clause.to_string(), period: period.to_string() }
            }
        }
    }
}

impl ClaimDocument {
    /// A claim as JSON.
    pub fn of(claim: &ClaimTotal, currency: Currency) -> ClaimDocument {
        match claim {
            ClaimTotal::Figures(figures) => ClaimDocument::Figures {
                currency: currency.to_string(),
                figures: party_amounts(figures, currency),
            },
            ClaimTotal::Report { replaces, total } => ClaimDocument::Report {
                replaces: EventRef::of(replaces),
                lines: total.lines,
                gross: gross(total),
            },
            ClaimTotal::Terms { digest, from } => {
                ClaimDocument::Terms { digest: digest.to_string(), from: from.to_string() }
            }
        }
    }
}

impl OutcomeDocument {
    /// An outcome as JSON.
    pub fn of(outcome: &OutcomeTotal, currency: Currency) -> OutcomeDocument {
        match outcome {
            OutcomeTotal::Stands => OutcomeDocument::Stands,
            OutcomeTotal::AsClaimed => OutcomeDocument::AsClaimed,
            OutcomeTotal::Other(claim) => {
                OutcomeDocument::Other { is: ClaimDocument::of(claim, currency) }
            }
        }
    }
}
