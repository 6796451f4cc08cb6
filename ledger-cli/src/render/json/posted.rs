//! What statements post, in events, as JSON.

use revshare_core::statement::Entry;
use revshare_core::statement::InterestLine;
use revshare_core::statement::RateUsed;
use revshare_core::statement::Recoupment;
use revshare_core::statement::Statement;
use revshare_core::vocab::Currency;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::PartyAmount;
use crate::render::json::money;
use crate::render::json::party_amounts;
use crate::render::json::says::SaysDocument;

/// What a statement posts for one period, in an event.
#[derive(Serialize, JsonSchema)]
pub struct PostedDocument {
    /// The period.
    pub period: String,
    /// Change of the base.
    pub base: String,
    /// Change of what is owed.
    pub shares: Vec<PartyAmount>,
    /// Ids of the events that moved an earlier period.
    pub causes: Vec<String>,
    /// The conversion rates that the amounts were computed with.
    pub rates: Vec<PostedRateDocument>,
}

/// A conversion rate that a statement used, in an event.
#[derive(Serialize, JsonSchema)]
pub struct PostedRateDocument {
    /// The foreign currency.
    pub currency: String,
    /// Units of the settlement currency for one unit of it.
    pub rate: String,
    /// Id of the event that proposed it.
    pub source: String,
}

/// Late interest that a statement posts, in an event.
#[derive(Serialize, JsonSchema)]
pub struct PostedInterestDocument {
    /// Who gets it.
    pub to: String,
    /// Id of the payout that settled the principal.
    pub payout: String,
    /// The period that the principal belongs to.
    pub period: String,
    /// What was settled late.
    pub principal: String,
    /// The day on which it was due.
    pub due_on: String,
    /// The day on which it was received.
    pub received_on: String,
    /// The yearly rate.
    pub rate: String,
    /// principal × rate × days / 365, rounded.
    pub amount: String,
}

/// What a statement posts.
pub fn posted(statement: &Statement, currency: Currency) -> SaysDocument {
    let rate = |used: &RateUsed| PostedRateDocument {
        currency: used.currency.to_string(),
        rate: used.rate.to_string(),
        source: used.source.to_string(),
    };
    let entry = |entry: &Entry| PostedDocument {
        period: entry.period.to_string(),
        base: money(entry.base, currency),
        shares: party_amounts(&entry.shares, currency),
        causes: entry.causes.iter().map(|id| id.to_string()).collect(),
        rates: entry.rates.iter().map(rate).collect(),
    };
    let recoupment = |one: &Recoupment| PartyAmount {
        party: one.party.to_string(),
        amount: money(one.amount, currency),
    };
    let interest = |line: &InterestLine| PostedInterestDocument {
        to: line.to.to_string(),
        payout: line.payout.to_string(),
        period: line.period.to_string(),
        principal: money(line.principal, currency),
        due_on: line.due_on.to_string(),
        received_on: line.received_on.to_string(),
        rate: line.rate.to_string(),
        amount: money(line.amount, currency),
    };
    SaysDocument::StatementIssued {
        period: statement.period.to_string(),
        terms: statement.terms.to_string(),
        calculation: statement.calculation,
        entries: statement.entries.iter().map(entry).collect(),
        recoupments: statement.recoupments.iter().map(recoupment).collect(),
        interest: statement.interest.iter().map(interest).collect(),
        root_version: statement.root_version,
        state_root: statement.state_root.to_string(),
    }
}
