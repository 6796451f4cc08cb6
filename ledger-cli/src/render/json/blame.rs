//! Where an amount comes from, as JSON.

use revshare_core::view::blame::Blame;
use revshare_core::view::blame::Change;
use revshare_core::view::explain::Posting;
use revshare_core::vocab::Currency;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::EventRef;
use crate::render::json::money;

/// `blame`.
#[derive(Serialize, JsonSchema)]
pub struct BlameDocument {
    /// The point of the log.
    pub at: At,
    /// The period.
    pub period: String,
    /// The party.
    pub party: String,
    /// Settlement currency of every amount.
    pub currency: String,
    /// The amount, from the facts known.
    pub amount: String,
    /// Every event that changed it, in the order of the log; the last one is to blame.
    pub changes: Vec<AmountChangeDocument>,
    /// How statements booked it, in the order of the log.
    pub postings: Vec<BookedDocument>,
    /// All postings together.
    pub booked: String,
    /// What the next statement will post for the period.
    pub pending: String,
}

/// An event that changed an amount.
#[derive(Serialize, JsonSchema)]
pub struct AmountChangeDocument {
    /// Its record.
    pub seq: Option<u64>,
    /// The event.
    pub event: String,
    /// Its kind.
    pub kind: String,
    /// Who said it.
    pub party: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// For the acceptance with which a proposal took effect: the proposal; otherwise `null`.
    pub of: Option<EventRef>,
    /// The amount before it; `null` if it could not be rated.
    pub before: Option<String>,
    /// The amount after it; `null` if it could not be rated.
    pub after: Option<String>,
}

/// What a statement booked.
#[derive(Serialize, JsonSchema)]
pub struct BookedDocument {
    /// The statement.
    pub statement: EventRef,
    /// The statement's own period.
    pub stated: String,
    /// The amount.
    pub amount: String,
    /// For a true-up: the events that can have moved the period.
    pub causes: Vec<EventRef>,
}

impl BlameDocument {
    /// A chain of changes as JSON.
    pub fn of(blame: &Blame, at: At, currency: Currency) -> BlameDocument {
        let change = |change: &Change| AmountChangeDocument {
            seq: change.event.seq,
            event: change.event.id.to_string(),
            kind: change.kind.as_str().to_owned(),
            party: change.author.to_string(),
            recorded_at: change.recorded_at.to_string(),
            of: change.of.as_ref().map(|(proposal, _)| EventRef::of(proposal)),
            before: change.before.map(|amount| money(amount, currency)),
            after: change.after.map(|amount| money(amount, currency)),
        };
        let posting = |posting: &Posting| BookedDocument {
            statement: EventRef::of(&posting.statement),
            stated: posting.stated.to_string(),
            amount: money(posting.amount, currency),
            causes: posting.causes.iter().map(EventRef::of).collect(),
        };
        BlameDocument {
            at,
            period: blame.period.to_string(),
            party: blame.party.to_string(),
            currency: currency.to_string(),
            amount: money(blame.amount, currency),
            changes: blame.changes.iter().map(change).collect(),
            postings: blame.postings.iter().map(posting).collect(),
            booked: money(blame.booked, currency),
            pending: money(blame.pending, currency),
        }
    }
}
