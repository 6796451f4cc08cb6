//! JSON Schemas of what `--json` prints, generated from the types in [`crate::render::json`].

use schemars::Schema;
use schemars::schema_for;

use crate::render::json;
use crate::render::json::lists;

/// Every schema with its name: `schemas/<name>.schema.json`.
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        ("error", schema_for!(json::ErrorDocument)),
        ("recorded", schema_for!(json::record::RecordedDocument)),
        ("record", schema_for!(json::RecordDocument)),
        ("balances", schema_for!(json::BalancesDocument)),
        ("statement", schema_for!(json::statement::StatementDocument)),
        ("statements", schema_for!(json::statement::StatementsDocument)),
        ("explain", schema_for!(json::explain::ExplainDocument)),
        ("blame", schema_for!(json::blame::BlameDocument)),
        ("balances-diff", schema_for!(json::balances_diff::BalancesDiffDocument)),
        ("replay", schema_for!(json::replay::ReplayDocument)),
        ("audit", schema_for!(json::audit::AuditDocument)),
        ("usage-list", schema_for!(json::usage::UsageListDocument)),
        ("usage-show", schema_for!(json::usage::UsageShowDocument)),
        ("usage-diff", schema_for!(json::usage::UsageDiffDocument)),
        ("amendments", schema_for!(json::proposals::AmendmentsDocument)),
        ("disputes", schema_for!(json::dispute::DisputesDocument)),
        ("dispute", schema_for!(json::dispute::DisputeDocument)),
        ("dispute-replay", schema_for!(json::dispute_replay::DisputeReplayDocument)),
        ("settlement", schema_for!(json::dispute::SettlementDocument)),
        ("rates", schema_for!(json::proposals::RatesDocument)),
        ("evidence", schema_for!(json::evidence::EvidenceDocument)),
        ("contributions", schema_for!(json::proposals::ContributionsDocument)),
        ("terms-diff", schema_for!(json::terms::TermsDiffDocument)),
        ("terms-preview", schema_for!(json::terms::TermsPreviewDocument)),
        ("portfolio", schema_for!(json::portfolio::PortfolioDocument)),
        ("payouts", schema_for!(lists::PayoutsDocument)),
        ("waiting", schema_for!(lists::WaitingDocument)),
        ("status", schema_for!(lists::StatusDocument)),
        ("terms-check", schema_for!(lists::TermsCheckDocument)),
        ("terms-show", schema_for!(lists::TermsShowDocument)),
        ("keygen", schema_for!(lists::KeygenDocument)),
        ("acknowledgement", schema_for!(lists::AcknowledgementDocument)),
        ("pull", schema_for!(lists::PullDocument)),
        ("diff", schema_for!(lists::DiffDocument)),
        ("verdict", schema_for!(json::verify::VerdictDocument)),
        ("record-root", schema_for!(json::verify::RecordRootDocument)),
        ("demo", schema_for!(lists::DemoDocument)),
    ]
}
