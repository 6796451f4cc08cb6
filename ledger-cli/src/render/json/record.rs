//! Records as JSON.

use revshare_core::ledger::reading::SignedAbove;
use revshare_core::view::record;
use revshare_core::vocab::Currency;
use revshare_core::vocab::to_u64;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::proposals::ProposedDocument;
use crate::render::json::says::SaysDocument;
use crate::render::json::usage::PriceFindingDocument;
use crate::render::record::short;

/// A record: `show`, and a line of `history`.
#[derive(Serialize, JsonSchema)]
pub struct RecordDocument {
    /// Sequence number.
    pub seq: u64,
    /// Hash of the record.
    pub hash: String,
    /// Hash of the record before it; zeros for record 0.
    pub previous: String,
    /// Recorded time, RFC 3339.
    pub recorded_at: String,
    /// The author.
    pub party: String,
    /// The author's public key, as in OpenSSH.
    pub key: String,
    /// Its fingerprint, as `ssh-keygen -l` prints it.
    pub key_fingerprint: String,
    /// The event's id: independent of its place.
    pub event: String,
    /// Digest of what the event says, without its nonce.
    pub content_digest: String,
    /// Digest of the payload bytes.
    pub payload_digest: String,
    /// Bytes of the payload; `null` where it is not known.
    pub payload_bytes: Option<u64>,
    /// The signature by that key, in hexadecimal digits; only where `show` prints the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Per party, the first record that it signed after this one, which covers this one; only
    /// where `show` prints the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_above: Option<Vec<SignedAboveDocument>>,
    /// What the event says, in a few words.
    pub summary: String,
    /// The kind of event, and what it says.
    #[serde(flatten)]
    pub says: SaysDocument,
}

/// Whether a party has signed above a record.
#[derive(Serialize, JsonSchema)]
pub struct SignedAboveDocument {
    /// The party.
    pub party: String,
    /// The first record that it signed after this one; `null` if there is none yet.
    pub seq: Option<u64>,
    /// When that was recorded.
    pub recorded_at: Option<String>,
}

impl RecordDocument {
    /// A record as JSON.
    pub fn of(
        record: &record::Record,
        payload_bytes: Option<usize>,
        currency: Currency,
    ) -> RecordDocument {
        RecordDocument {
            seq: record.seq,
            hash: record.hash.to_string(),
            previous: record.previous.to_string(),
            recorded_at: record.recorded_at.to_string(),
            party: record.party.to_string(),
            key: record.key.to_string(),
            key_fingerprint: record.key.fingerprint(),
            event: record.id.to_string(),
            content_digest: record.content.to_string(),
            payload_digest: record.payload.to_string(),
            payload_bytes: payload_bytes.map(to_u64),
            signature: None,
            signed_above: None,
            summary: short(&record.said, currency),
            says: SaysDocument::of(&record.said, currency),
        }
    }

    /// With its signature, and who has signed above it.
    pub fn with_signatures(self, signature: String, above: &[SignedAbove]) -> RecordDocument {
        let above = above.iter().map(|one| SignedAboveDocument {
            party: one.party.to_string(),
            seq: one.first.map(|(seq, _)| seq),
            recorded_at: one.first.map(|(_, at)| at.to_string()),
        });
        let (signature, signed_above) = (Some(signature), Some(above.collect()));
        RecordDocument { signature, signed_above, ..self }
    }
}

/// What a writing command recorded, or would record.
#[derive(Serialize, JsonSchema)]
pub struct RecordedDocument {
    /// False with `--dry-run`.
    pub recorded: bool,
    /// Every record, parts of a report included, in order.
    pub records: Vec<RecordedRef>,
    /// The record that counts.
    pub record: RecordDocument,
    /// For a proposal: what it would change, and whose acceptance it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposedDocument>,
    /// For a usage report: where the reported gross is too far from the price list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub price_findings: Vec<PriceFindingDocument>,
    /// For the acceptance of a proposal: what it makes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<DecidedDocument>,
}

/// What an acceptance makes of a proposal.
#[derive(Serialize, JsonSchema)]
pub struct DecidedDocument {
    /// The proposal's record.
    pub seq: u64,
    /// The proposal's event id.
    pub event: String,
    /// Its kind of event.
    pub kind: String,
    /// Whether everybody has accepted it with this acceptance.
    pub in_force: bool,
    /// The parties whose acceptance is missing.
    pub waits_for: Vec<String>,
}

/// A record that was written.
#[derive(Serialize, JsonSchema)]
pub struct RecordedRef {
    /// Sequence number.
    pub seq: u64,
    /// Hash.
    pub hash: String,
    /// Event id.
    pub event: String,
    /// Kind of event.
    pub kind: String,
}
