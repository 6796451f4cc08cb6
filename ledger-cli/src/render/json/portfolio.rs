//! Many ledgers as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::ErrorDocument;
use crate::render::json::lists::MatterDocument;

/// `portfolio`.
#[derive(Serialize, JsonSchema)]
pub struct PortfolioDocument {
    /// The ledgers, in the order in which their folders were named.
    pub ledgers: Vec<LedgerDocument>,
    /// Sums over the ledgers of each currency. Currencies are never added to one another.
    pub totals: Vec<TotalDocument>,
}

/// A ledger of a portfolio.
#[derive(Serialize, JsonSchema)]
pub struct LedgerDocument {
    /// Its folder, as it was named.
    pub folder: String,
    /// `valid` or `invalid`; `null` if the folder is no ledger.
    pub verdict: Option<String>,
    /// How many findings verification has.
    pub findings: u64,
    /// Why it could not be read, or the first finding.
    pub problem: Option<ErrorDocument>,
    /// What it says; `null` if it could not be read.
    pub says: Option<LedgerSays>,
}

/// What a ledger says.
#[derive(Serialize, JsonSchema)]
pub struct LedgerSays {
    /// The point of its log.
    pub at: At,
    /// The ledger's id.
    pub ledger: String,
    /// The agreement's title.
    pub title: String,
    /// The collector.
    pub collector: String,
    /// Settlement currency of every amount.
    pub currency: String,
    /// The last period with a report.
    pub last_reported: Option<String>,
    /// The last period that is stated.
    pub last_stated: Option<String>,
    /// Whose amounts these are; `null` for all beneficiaries together.
    pub party: Option<String>,
    /// Booked by statements.
    pub earned: String,
    /// What may be paid out now.
    pub payable: String,
    /// What disputes hold beside it.
    pub held: String,
    /// What was received, on account included.
    pub paid: String,
    /// How many matters wait for somebody.
    pub waiting: u64,
    /// The most urgent of them.
    pub most_urgent: Option<MatterDocument>,
}

/// Sums over the ledgers of one currency.
#[derive(Serialize, JsonSchema)]
pub struct TotalDocument {
    /// The currency.
    pub currency: String,
    /// How many ledgers.
    pub ledgers: u64,
    /// Booked by statements.
    pub earned: String,
    /// What may be paid out now.
    pub payable: String,
    /// What disputes hold beside it.
    pub held: String,
    /// What was received, on account included.
    pub paid: String,
}
