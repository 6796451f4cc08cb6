//! What the smaller commands print as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::ErrorDocument;
use crate::render::json::evidence::PulledEvidence;

/// `keygen`.
#[derive(Serialize, JsonSchema)]
pub struct KeygenDocument {
    /// The private key's file.
    pub private_key: String,
    /// The public key's file.
    pub public_key: String,
    /// The public key, as it goes into the terms.
    pub key: String,
    /// Its fingerprint.
    pub fingerprint: String,
}

/// `terms check`, when nothing is wrong.
#[derive(Serialize, JsonSchema)]
pub struct TermsCheckDocument {
    /// The file.
    pub file: String,
    /// True: with a problem, the command prints an error and exits with 3.
    pub ok: bool,
    /// Digest of the terms.
    pub terms: String,
    /// The agreement's title.
    pub title: String,
    /// How many parties.
    pub parties: u64,
    /// How many rules.
    pub rules: u64,
    /// What is legal and surprising.
    pub warnings: Vec<ErrorDocument>,
}

/// `terms show`.
#[derive(Serialize, JsonSchema)]
pub struct TermsShowDocument {
    /// The point of the log.
    pub at: At,
    /// The number of the version that is shown.
    pub version: u64,
    /// Digest of its terms.
    pub terms: String,
    /// The terms as a terms file.
    pub toml: String,
    /// Every version, in the order in which they were accepted.
    pub versions: Vec<TermsVersionDocument>,
}

/// A version of the terms.
#[derive(Serialize, JsonSchema)]
pub struct TermsVersionDocument {
    /// Its number, from 0 for the terms that the ledger was opened with.
    pub version: u64,
    /// The record that brought it.
    pub seq: u64,
    /// The event that brought it.
    pub event: String,
    /// The first usage day that it rates.
    pub effective_from: String,
    /// Digest of its terms.
    pub terms: String,
    /// The format level of its terms.
    pub level: u16,
}

/// `accept` without an event: what waits for an acceptance.
#[derive(Serialize, JsonSchema)]
pub struct WaitingDocument {
    /// The point of the log.
    pub at: At,
    /// What waits, and for whom.
    pub waiting: Vec<WaitingRow>,
}

/// Something that waits for an acceptance.
#[derive(Serialize, JsonSchema)]
pub struct WaitingRow {
    /// For whom.
    pub party: String,
    /// `ledger`, `statement`, `amendment`, `conversion-rate` or `contribution`.
    pub what: String,
    /// In a few words.
    pub summary: String,
    /// For a statement or a conversion rate: its period.
    pub period: Option<String>,
    /// Its record.
    pub seq: u64,
    /// Since when.
    pub since: String,
    /// For a proposal: the last day on which it can be decided.
    pub until: Option<String>,
    /// The command that accepts it.
    pub command: String,
}

/// `payout list`.
#[derive(Serialize, JsonSchema)]
pub struct PayoutsDocument {
    /// The point of the log.
    pub at: At,
    /// Settlement currency of every amount.
    pub currency: String,
    /// The payouts and advances, in the order of the log.
    pub payouts: Vec<PayoutDocument>,
}

/// A payout or an advance.
#[derive(Serialize, JsonSchema)]
pub struct PayoutDocument {
    /// Its record.
    pub seq: u64,
    /// Its event id.
    pub event: String,
    /// `payout` or `advance`.
    pub kind: String,
    /// To whom.
    pub to: String,
    /// The amount.
    pub amount: String,
    /// The part of it above what was payable.
    pub on_account: String,
    /// Tax that was withheld.
    pub withheld: String,
    /// Whether the tax is on top of the amount.
    pub grossed_up: bool,
    /// What arrives in cash: the amount, less tax that is not on top.
    pub cash: String,
    /// The day it was sent.
    pub sent_on: String,
    /// How both sides find it at the bank.
    pub reference: String,
    /// What it counts as received; `null` while it is in transit.
    pub counts: Option<String>,
    /// `in-transit`, `confirmed`, `returned`, or `determined` where a dispute adopted what it
    /// counts.
    pub status: String,
    /// The record that settled it.
    pub settled_by: Option<u64>,
    /// For a confirmed one: the day it was received.
    pub received_on: Option<String>,
    /// For a returned one: why.
    pub reason: Option<String>,
}

/// `status`.
#[derive(Serialize, JsonSchema)]
pub struct StatusDocument {
    /// The point of the log.
    pub at: At,
    /// The day for which it is said what is due.
    pub today: String,
    /// What waits for whom.
    pub matters: Vec<MatterDocument>,
    /// Who acknowledged up to which record.
    pub acknowledged: Vec<AcknowledgedDocument>,
}

/// Something that waits for somebody.
#[derive(Serialize, JsonSchema)]
pub struct MatterDocument {
    /// Who can do something about it.
    pub who: String,
    /// `accept-ledger`, `accept-proposal`, `report`, `agree-rate`, `state`, `accept-statement`,
    /// `pay`, `confirm-payout`, `answer-dispute`, `default-dispute`, `escalate-dispute`,
    /// `settle-dispute`, `determine-dispute` or `acknowledge`.
    pub kind: String,
    /// In words.
    pub what: String,
    /// Since when.
    pub since: String,
    /// The day on which it is due, if it is.
    pub due_on: Option<String>,
    /// Whether that day has passed.
    pub overdue: bool,
    /// The period.
    pub period: Option<String>,
    /// The record that it is about.
    pub seq: Option<u64>,
    /// The amount.
    pub amount: Option<String>,
    /// The command that usually comes next; empty if there is none.
    pub command: String,
}

/// Up to which record a party has acknowledged.
#[derive(Serialize, JsonSchema)]
pub struct AcknowledgedDocument {
    /// The party.
    pub party: String,
    /// The head that it last acknowledged; `null` if none.
    pub seq: Option<u64>,
}

/// `acknowledge --out`.
#[derive(Serialize, JsonSchema)]
pub struct AcknowledgementDocument {
    /// The file.
    pub file: String,
    /// Who acknowledges.
    pub party: String,
    /// The head that is acknowledged.
    pub at: At,
    /// The state root after it.
    pub state_root: String,
    /// Version of the state root.
    pub root_version: u16,
}

/// `pull`.
#[derive(Serialize, JsonSchema)]
pub struct PullDocument {
    /// False with `--dry-run`.
    pub recorded: bool,
    /// Records that both copies had.
    pub common: u64,
    /// Records that were taken over.
    pub new: u64,
    /// Records that only this copy has.
    pub ahead: u64,
    /// Number of the last record afterwards.
    pub seq: u64,
    /// Its hash.
    pub head: String,
    /// What became of the files that the log names.
    pub evidence: PulledEvidence,
}

/// `diff`.
#[derive(Serialize, JsonSchema)]
pub struct DiffDocument {
    /// `same`, `first-ahead`, `second-ahead`, `diverged` or `other-ledger`.
    pub relation: String,
    /// Records in common.
    pub common: u64,
    /// Records that only the copy ahead has.
    pub more: u64,
    /// The first record of the first copy that differs.
    pub first: Option<SideDocument>,
    /// The first record of the second copy that differs.
    pub second: Option<SideDocument>,
    /// Whether one key signed both: proof of double dealing.
    pub equivocation: bool,
    /// What the difference does to balances, where both can be computed.
    pub balances: Vec<BalanceDifference>,
}

/// One copy's record at the first difference.
#[derive(Serialize, JsonSchema)]
pub struct SideDocument {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
    /// Recorded time.
    pub recorded_at: String,
    /// Its author, as it says.
    pub party: String,
    /// The kind of its event.
    pub kind: String,
    /// Whether its hash and signature are sound.
    pub sound: bool,
}

/// A beneficiary's balance in two copies.
#[derive(Serialize, JsonSchema)]
pub struct BalanceDifference {
    /// The beneficiary.
    pub party: String,
    /// Booked in the first copy.
    pub first_booked: String,
    /// Booked in the second copy.
    pub second_booked: String,
    /// Payable in the first copy.
    pub first_payable: String,
    /// Payable in the second copy.
    pub second_payable: String,
}

/// `demo`.
#[derive(Serialize, JsonSchema)]
pub struct DemoDocument {
    /// The folder.
    pub folder: String,
    /// The commands that were run, in order.
    pub commands: Vec<String>,
    /// The state root that both copies have.
    pub state_root: String,
    /// The record that verification named in the tampered copy.
    pub bad_record: Option<u64>,
}
