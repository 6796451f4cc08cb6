//! Evidence, as JSON.

use revshare_core::state::EvidenceRecord;
use revshare_core::state::State;
use revshare_core::view::record::Named;
use revshare_core::vocab::Digest;
use schemars::JsonSchema;
use serde::Serialize;

use crate::evidence_store::EvidenceStatus;
use crate::render::json::At;
use crate::render::json::EventRef;

/// `evidence check`, and `evidence erase --local`.
#[derive(Serialize, JsonSchema)]
pub struct EvidenceDocument {
    /// The point of the log.
    pub at: At,
    /// True unless a file is there that cannot be shown to be the one that was committed to.
    pub ok: bool,
    /// The commitments on the log, in the order in which they were named; for `erase --local` the
    /// one that was asked for.
    pub evidence: Vec<EvidenceRow>,
    /// What lies in the folder of evidence and is named by nothing on the log.
    pub unnamed: Vec<String>,
}

/// A commitment, and what this copy has of it.
#[derive(Serialize, JsonSchema)]
pub struct EvidenceRow {
    /// The commitment.
    pub commitment: String,
    /// The event that named it first.
    pub named_by: EventRef,
    /// The kind of that event.
    pub kind: String,
    /// The party that named it first.
    pub party: String,
    /// The event that it is about.
    pub about: EventRef,
    /// What it is, if that was said.
    pub note: Option<String>,
    /// The record that says that it was erased; `null` if none does.
    pub erased_by: Option<u64>,
    /// Why it was erased; `null` if it was not.
    pub reason: Option<String>,
    /// What this copy has: `matches` (the file that was committed to, and its salt), `changed`,
    /// `salt-missing`, `content-missing` or `missing`.
    pub here: String,
    /// Whether it was erased, and something of it is still here.
    pub erase_here: bool,
}

/// What became of the files that a pulled log names.
#[derive(Serialize, JsonSchema)]
pub struct PulledEvidence {
    /// Commitments whose files were taken over, or with `--dry-run` would be.
    pub taken: Vec<String>,
    /// Bytes of these files.
    pub bytes: u64,
    /// Commitments whose files the other copy has, and that are not taken over.
    pub refused: Vec<RefusedEvidence>,
    /// Commitments that were erased, and whose files are still here.
    pub erase_here: Vec<String>,
}

/// A file that is not taken over.
#[derive(Serialize, JsonSchema)]
pub struct RefusedEvidence {
    /// The commitment.
    pub commitment: String,
    /// Why.
    pub why: String,
}

impl EvidenceRow {
    /// A commitment as JSON.
    pub fn of(
        state: &State,
        (commitment, record): (&Digest, &EvidenceRecord),
        status: EvidenceStatus,
    ) -> EvidenceRow {
        let named = |id| EventRef::of(&Named::of(state, id));
        let kind = state.event(&record.named_by.0).map_or("", |(_, kind)| kind.as_str());
        EvidenceRow {
            commitment: commitment.to_string(),
            named_by: named(record.named_by.0),
            kind: kind.to_owned(),
            party: record.party.to_string(),
            about: named(record.about),
            note: record.note.as_ref().map(|note| note.to_string()),
            erased_by: record.erased.as_ref().map(|(seq, _)| *seq),
            reason: record.erased.as_ref().map(|(_, reason)| reason.to_string()),
            here: match status {
                EvidenceStatus::Matches => "matches",
                EvidenceStatus::Changed => "changed",
                EvidenceStatus::SaltMissing => "salt-missing",
                EvidenceStatus::ContentMissing => "content-missing",
                EvidenceStatus::Missing => "missing",
            }
            .to_owned(),
            erase_here: record.erased.is_some() && status != EvidenceStatus::Missing,
        }
    }
}
