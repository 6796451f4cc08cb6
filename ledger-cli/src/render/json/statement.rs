//! Statements as JSON.

use revshare_core::state::State;
use revshare_core::statement::InterestLine;
use revshare_core::statement::RateUsed;
use revshare_core::statement::Recoupment;
use revshare_core::view::record::Named;
use revshare_core::view::statement::EntryView;
use revshare_core::view::statement::StatementView;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Id;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::EventRef;
use crate::render::json::PartyAmount;
use crate::render::json::explain::RateUsedDocument;
use crate::render::json::money;
use crate::render::json::party_amounts;

/// A statement: `statement show` and `statement preview`.
#[derive(Serialize, JsonSchema)]
pub struct StatementDocument {
    /// The point of the log.
    pub at: At,
    /// The statement.
    pub statement: StatementBody,
}

/// `statement list`.
#[derive(Serialize, JsonSchema)]
pub struct StatementsDocument {
    /// The point of the log.
    pub at: At,
    /// The statements, in period order.
    pub statements: Vec<StatementBody>,
}

/// A statement.
#[derive(Serialize, JsonSchema)]
pub struct StatementBody {
    /// The period.
    pub period: String,
    /// Whether it is issued; a preview is not.
    pub issued: bool,
    /// Its record.
    pub seq: Option<u64>,
    /// Its event id.
    pub event: Option<String>,
    /// Its recorded time.
    pub recorded_at: Option<String>,
    /// The parties that accepted it.
    pub accepted_by: Vec<String>,
    /// The day on which the period's own amounts are due.
    pub due_on: String,
    /// Settlement currency of every amount.
    pub currency: String,
    /// Postings: true-ups of earlier periods in period order, then the period's own.
    pub entries: Vec<EntryDocument>,
    /// All entries together, per beneficiary.
    pub totals: Vec<PartyAmount>,
    /// What is recouped of advances; negative if it is given back.
    pub recoupments: Vec<PartyAmount>,
    /// Late interest on what payouts settled since the statement before.
    pub interest: Vec<InterestDocument>,
    /// What payable grows by, per beneficiary: totals + interest − recoupments.
    pub adds_to_payable: Vec<PartyAmount>,
    /// Digest of the terms.
    pub terms: String,
    /// Version of the calculation.
    pub calculation: u16,
    /// Version of the state root.
    pub root_version: u16,
    /// The state root before the statement.
    pub state_root: String,
}

/// What a statement posts for one period.
#[derive(Serialize, JsonSchema)]
pub struct EntryDocument {
    /// The period.
    pub period: String,
    /// Whether it is the difference of an earlier period.
    pub true_up: bool,
    /// The day on which it is due.
    pub due_on: String,
    /// Change of the base.
    pub base: String,
    /// Change of what is owed.
    pub shares: Vec<PartyAmount>,
    /// Change of what the collector keeps.
    pub keep: String,
    /// For a true-up: the events that moved the period.
    pub causes: Vec<EventRef>,
    /// The conversion rates that the period's amounts were computed with.
    pub rates: Vec<RateUsedDocument>,
}

/// Late interest on a principal that a payout settled.
#[derive(Serialize, JsonSchema)]
pub struct InterestDocument {
    /// Who gets it.
    pub to: String,
    /// The payout that settled the principal.
    pub payout: EventRef,
    /// The period that the principal belongs to.
    pub period: String,
    /// What was settled late.
    pub principal: String,
    /// The day on which it was due; interest runs from the day after.
    pub due_on: String,
    /// The day on which it was received, included.
    pub received_on: String,
    /// The days that are counted.
    pub days: i32,
    /// The yearly rate.
    pub rate: String,
    /// principal × rate × days / 365, rounded.
    pub amount: String,
}

impl StatementBody {
    /// A statement as JSON.
    pub fn of(view: &StatementView, state: &State, currency: Currency) -> StatementBody {
        let rate = |(used, source): &(RateUsed, Named)| RateUsedDocument {
            currency: used.currency.to_string(),
            rate: used.rate.to_string(),
            source: EventRef::of(source),
        };
        let entry = |entry: &EntryView| EntryDocument {
            period: entry.period.to_string(),
            true_up: entry.is_true_up,
            due_on: entry.due_on.to_string(),
            base: money(entry.base, currency),
            shares: party_amounts(&entry.shares, currency),
            keep: money(entry.keep, currency),
            causes: entry.causes.iter().map(EventRef::of).collect(),
            rates: entry.rates.iter().map(rate).collect(),
        };
        let recoupment = |one: &Recoupment| PartyAmount {
            party: one.party.to_string(),
            amount: money(one.amount, currency),
        };
        let interest = |line: &InterestLine| InterestDocument {
            to: line.to.to_string(),
            payout: EventRef::of(&Named::of(state, line.payout)),
            period: line.period.to_string(),
            principal: money(line.principal, currency),
            due_on: line.due_on.to_string(),
            received_on: line.received_on.to_string(),
            days: line.received_on.days().saturating_sub(line.due_on.days()),
            rate: line.rate.to_string(),
            amount: money(line.amount, currency),
        };
        let gains: Vec<(Id, Amount)> =
            view.gains.iter().map(|gain| (gain.party.clone(), gain.total)).collect();
        let issued = view.issued.as_ref();
        let accepted_by = issued.into_iter().flat_map(|issued| &issued.accepted_by);
        StatementBody {
            period: view.period.to_string(),
            issued: issued.is_some(),
            seq: issued.map(|issued| issued.seq),
            event: issued.map(|issued| issued.id.to_string()),
            recorded_at: issued.map(|issued| issued.recorded_at.to_string()),
            accepted_by: accepted_by.map(|id| id.to_string()).collect(),
            due_on: view.due_on.to_string(),
            currency: currency.to_string(),
            entries: view.entries.iter().map(entry).collect(),
            totals: party_amounts(&view.totals, currency),
            recoupments: view.recoupments.iter().map(recoupment).collect(),
            interest: view.interest.iter().map(interest).collect(),
            adds_to_payable: party_amounts(&gains, currency),
            terms: view.terms.to_string(),
            calculation: view.calculation,
            root_version: view.root_version,
            state_root: view.state_root.to_string(),
        }
    }
}
