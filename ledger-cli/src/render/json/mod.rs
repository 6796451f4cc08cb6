//! What `--json` prints. Every type here is a promise to scripts: fields may be added, never
//! renamed or removed. Amounts and quantities are decimal strings, never numbers; an exact value
//! that no decimal holds is a reduced fraction `n/d`. Schemas of these types lie in `schemas/`.

pub mod dispute;
pub mod dispute_replay;
pub mod says;
pub mod posted;
pub mod record;
pub mod balances;
pub mod balances_diff;
pub mod statement;
pub mod usage;
pub mod proposals;
pub mod evidence;
pub mod terms;
pub mod portfolio;
pub mod lists;
pub mod explain;
pub mod blame;
pub mod replay;
pub mod audit;
pub mod verify;

use revshare_core::view;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Id;
use revshare_core::vocab::OutOfBounds;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use schemars::JsonSchema;
use serde::Serialize;

pub use balances::BalancesDocument;
pub use record::RecordDocument;
pub use statement::StatementBody;

/// An error, on standard error.
#[derive(Serialize, JsonSchema)]
pub struct ErrorDocument {
    /// The stable code.
    pub code: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where; `null` if nowhere in particular.
    pub place: Option<PlaceDocument>,
    /// What to do next.
    pub hint: Option<String>,
    /// Everything that is wrong with one input, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorDocument>,
}

/// Where a problem is. Which fields are there depends on the kind of place.
#[derive(Serialize, JsonSchema, Default)]
pub struct PlaceDocument {
    /// The file or folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Line of a text file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// The line itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Offset in a file of bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Sequence number of a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// A field of the terms, of a payload, or an option of the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl ErrorDocument {
    /// A problem as JSON.
    pub fn of(problem: &Problem) -> ErrorDocument {
        ErrorDocument {
            code: problem.code.as_str().to_owned(),
            message: problem.message.clone(),
            place: problem.place.as_ref().map(PlaceDocument::of),
            hint: problem.hint.clone(),
            errors: Vec::new(),
        }
    }
}

impl PlaceDocument {
    fn of(place: &Place) -> PlaceDocument {
        let none = PlaceDocument::default();
        match place.clone() {
            Place::File { path, line, column, text } => PlaceDocument {
                path: Some(path),
                line: Some(line),
                column: Some(column),
                text,
                ..none
            },
            Place::Record { seq } => PlaceDocument { record: Some(seq), ..none },
            Place::Field(field) => PlaceDocument { field: Some(field), ..none },
            Place::Path(path) => PlaceDocument { path: Some(path), ..none },
            Place::Bytes { path, offset } => {
                PlaceDocument { path: Some(path), offset: Some(offset), ..none }
            }
        }
    }
}

/// The point of the log that a document shows.
#[derive(Serialize, JsonSchema, Clone)]
pub struct At {
    /// Sequence number of the last record that counts.
    pub seq: u64,
    /// Its hash.
    pub head: String,
    /// Its recorded time.
    pub recorded_at: String,
}

/// An event that is named by another one.
#[derive(Serialize, JsonSchema)]
pub struct EventRef {
    /// The event's id.
    pub event: String,
    /// Its record; `null` if it is not on the log.
    pub seq: Option<u64>,
}

impl EventRef {
    /// A named event.
    pub fn of(named: &view::record::Named) -> EventRef {
        EventRef { event: named.id.to_string(), seq: named.seq }
    }
}

/// An amount of a party.
#[derive(Serialize, JsonSchema)]
pub struct PartyAmount {
    /// The party.
    pub party: String,
    /// The amount.
    pub amount: String,
}

/// An amount in a currency.
#[derive(Serialize, JsonSchema)]
pub struct CurrencyAmount {
    /// The currency.
    pub currency: String,
    /// The amount.
    pub amount: String,
}

/// A party and its role.
#[derive(Serialize, JsonSchema)]
pub struct PartyRole {
    /// The party.
    pub party: String,
    /// Its role.
    pub role: String,
}

/// Money as JSON has it: a decimal string with the minor unit's digits.
pub fn money(amount: Amount, currency: Currency) -> String {
    amount.to_text(currency.minor_digits())
}

/// A sum of amounts in a currency; one that is out of bounds says so.
pub fn sum(sum: Result<Amount, OutOfBounds>, currency: Currency) -> String {
    sum.map_or_else(|why| why.to_string(), |sum| money(sum, currency))
}

/// Amounts per party.
pub fn party_amounts(amounts: &[(Id, Amount)], currency: Currency) -> Vec<PartyAmount> {
    let one = |(id, amount): &(Id, Amount)| PartyAmount {
        party: id.to_string(),
        amount: money(*amount, currency),
    };
    amounts.iter().map(one).collect()
}
