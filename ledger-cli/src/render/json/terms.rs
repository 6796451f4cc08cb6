//! What terms change, as JSON.

use revshare_core::terms::diff::Change;
use revshare_core::view::preview::Preview;
use revshare_core::view::preview::PreviewPeriod;
use revshare_core::view::preview::PreviewShare;
use revshare_core::vocab::Currency;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::ErrorDocument;
use crate::render::json::money;

/// One field of a clause of the terms that is not the same before and after.
#[derive(Serialize, JsonSchema)]
pub struct ClauseDocument {
    /// The clause, such as `rule moderation` or `agreement`; of a list whose order changed, the
    /// list.
    pub clause: String,
    /// The field, such as `share.meta`; `order` of a list.
    pub field: String,
    /// What it said; `null` if it was not there.
    pub before: Option<String>,
    /// What it says; `null` if it is gone.
    pub after: Option<String>,
}

impl ClauseDocument {
    /// A change as JSON.
    pub fn of(change: &Change) -> ClauseDocument {
        ClauseDocument {
            clause: change.clause.clone(),
            field: change.field.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
        }
    }
}

/// `terms diff`.
#[derive(Serialize, JsonSchema)]
pub struct TermsDiffDocument {
    /// The point of the log; `null` if two files are compared.
    pub at: Option<At>,
    /// The terms that are compared.
    pub first: TermsSideDocument,
    /// The terms that they are compared with.
    pub second: TermsSideDocument,
    /// Whether they are equal.
    pub equal: bool,
    /// What changes from the first to the second, in the order of a terms file.
    pub changes: Vec<ClauseDocument>,
}

/// One side of a comparison.
#[derive(Serialize, JsonSchema)]
pub struct TermsSideDocument {
    /// For a file: its name.
    pub file: Option<String>,
    /// For terms on the log: the record that brought them.
    pub seq: Option<u64>,
    /// Digest of the terms.
    pub terms: String,
}

/// `terms preview`.
#[derive(Serialize, JsonSchema)]
pub struct TermsPreviewDocument {
    /// The point of the log.
    pub at: At,
    /// Digest of the terms in the file.
    pub terms: String,
    /// The first usage day that they would rate.
    pub effective_from: String,
    /// Settlement currency of every amount.
    pub currency: String,
    /// Every period with a report or a statement, in order.
    pub periods: Vec<PreviewPeriodDocument>,
    /// Per beneficiary: over all periods.
    pub totals: Vec<PreviewShareDocument>,
    /// What is surprising about putting these terms into force on that day.
    pub warnings: Vec<String>,
    /// What `terms check` warns of in the file.
    pub terms_warnings: Vec<ErrorDocument>,
}

/// What terms would make of one period.
#[derive(Serialize, JsonSchema)]
pub struct PreviewPeriodDocument {
    /// The period.
    pub period: String,
    /// Whether it is stated: a difference would be a true-up.
    pub stated: bool,
    /// Per beneficiary.
    pub shares: Vec<PreviewShareDocument>,
}

/// What a beneficiary gets, now and then.
#[derive(Serialize, JsonSchema)]
pub struct PreviewShareDocument {
    /// The beneficiary.
    pub party: String,
    /// Under the terms accepted so far.
    pub now: String,
    /// Under those in the file.
    pub then: String,
    /// then − now.
    pub difference: String,
}

impl TermsPreviewDocument {
    /// A preview as JSON.
    pub fn of(
        at: At,
        (terms, terms_warnings): (String, Vec<ErrorDocument>),
        preview: &Preview,
        currency: Currency,
    ) -> Self {
        let share = |share: &PreviewShare| PreviewShareDocument {
            party: share.party.to_string(),
            now: money(share.now, currency),
            then: money(share.then, currency),
            difference: money(share.difference, currency),
        };
        let period = |one: &PreviewPeriod| PreviewPeriodDocument {
            period: one.period.to_string(),
            stated: one.is_stated,
            shares: one.shares.iter().map(share).collect(),
        };
        TermsPreviewDocument {
            at,
            terms,
            effective_from: preview.effective_from.to_string(),
            currency: currency.to_string(),
            periods: preview.periods.iter().map(period).collect(),
            totals: preview.totals.iter().map(share).collect(),
            warnings: preview.warnings.clone(),
            terms_warnings,
        }
    }
}
