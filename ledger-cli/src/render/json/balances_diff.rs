//! What changed between two points, as JSON.

use revshare_core::view::movements::Movement;
use revshare_core::view::movements::Movements;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Id;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::PartyAmount;
use crate::render::json::money;

/// `balances --diff`.
#[derive(Serialize, JsonSchema)]
pub struct BalancesDiffDocument {
    /// The earlier record.
    pub first: u64,
    /// The later record.
    pub last: u64,
    /// Settlement currency of every amount.
    pub currency: String,
    /// Every column of a beneficiary that is not the same after both records.
    pub changed: Vec<ChangedDocument>,
    /// The events after the first record, up to and including the last, that changed balances.
    pub events: Vec<MovementDocument>,
}

/// A column that changed.
#[derive(Serialize, JsonSchema)]
pub struct ChangedDocument {
    /// The beneficiary.
    pub party: String,
    /// The column, as `balances --json` calls it.
    pub column: String,
    /// After the earlier record.
    pub before: String,
    /// After the later record.
    pub after: String,
    /// after − before.
    pub difference: String,
}

/// An event that changed balances.
#[derive(Serialize, JsonSchema)]
pub struct MovementDocument {
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
    /// By how much it changed what is payable to each party whose balance it changed.
    pub payable: Vec<PartyAmount>,
}

impl BalancesDiffDocument {
    /// What changed as JSON.
    pub fn of(
        (first, last): (u64, u64),
        changed: Vec<ChangedDocument>,
        moved: &Movements,
    ) -> BalancesDiffDocument {
        let currency = moved.after.currency;
        let payable = |(party, by): &(Id, Amount)| PartyAmount {
            party: party.to_string(),
            amount: money(*by, currency),
        };
        let event = |one: &Movement| MovementDocument {
            seq: one.event.seq,
            event: one.event.id.to_string(),
            kind: one.kind.as_str().to_owned(),
            party: one.author.to_string(),
            recorded_at: one.recorded_at.to_string(),
            payable: one.payable.iter().map(payable).collect(),
        };
        BalancesDiffDocument {
            first,
            last,
            currency: currency.to_string(),
            changed,
            events: moved.events.iter().map(event).collect(),
        }
    }
}
