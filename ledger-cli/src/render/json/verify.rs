//! Verdicts as JSON.

use revshare_core::verify::Finding;
use revshare_core::verify::Layer;
use revshare_core::verify::RecordRoot;
use revshare_core::verify::SinceVerified;
use revshare_core::verify::Verdict;
use revshare_core::view::usage::PriceFinding;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::ErrorDocument;
use crate::render::json::PlaceDocument;
use crate::render::json::usage::PriceFindingDocument;

/// `verify`.
#[derive(Serialize, JsonSchema)]
pub struct VerdictDocument {
    /// `valid` or `invalid`.
    pub verdict: String,
    /// The ledger's id; `null` if record 0 cannot be read.
    pub ledger: Option<String>,
    /// Records that count.
    pub events: u64,
    /// Number and hash of the last one.
    pub head: Option<HeadDocument>,
    /// The state root there, if it could be computed.
    pub state_root: Option<String>,
    /// Everything that is wrong.
    pub findings: Vec<FindingDocument>,
    /// Up to which record each layer of checks holds.
    pub holds: Vec<HoldsDocument>,
    /// What was not checked, in words.
    pub unchecked: Vec<String>,
    /// What is worth knowing and wrong for nobody.
    pub notices: Vec<String>,
    /// Reports in effect, of the records that were verified now, whose gross is further from the
    /// price list than the terms tolerate. They make nothing invalid.
    pub price_findings: Vec<PriceFindingOfRecord>,
    /// The last head that each party acknowledged on the log.
    pub acknowledged: Vec<HeadOfParty>,
    /// Which records were verified now; `null` without `--since-verified`: all.
    pub since_verified: Option<SinceDocument>,
}

/// A line of `verify --roots`: the state root after a record. There is one for every record, in
/// order, up to the one before the first finding; the verdict follows on a line of its own. Records
/// at the end that turn out not to count (parts of a report that no event closes) have one, too:
/// `events` in the verdict says how many count.
#[derive(Serialize, JsonSchema)]
pub struct RecordRootDocument {
    /// Sequence number of the record.
    pub seq: u64,
    /// Its record hash.
    pub hash: String,
    /// Version of the state root.
    pub state_root_version: u16,
    /// State root of the state after the record.
    pub state_root: String,
}

impl RecordRootDocument {
    /// A state root as JSON.
    pub fn of(root: &RecordRoot) -> RecordRootDocument {
        RecordRootDocument {
            seq: root.seq,
            hash: root.hash.to_string(),
            state_root_version: root.version,
            state_root: root.root.to_string(),
        }
    }
}

/// A report whose gross and the price list disagree.
#[derive(Serialize, JsonSchema)]
pub struct PriceFindingOfRecord {
    /// The record of the report or correction.
    pub seq: u64,
    /// What disagrees.
    pub finding: PriceFindingDocument,
}

/// Which records were verified now, and what was verified before.
#[derive(Serialize, JsonSchema)]
pub struct SinceDocument {
    /// The first record that was verified now; `0` if everything was. One more than the head's if
    /// nothing is new.
    pub from: u64,
    /// What was verified before, and not now; `null` if everything was verified now.
    pub before: Option<BeforeDocument>,
    /// Why everything was verified.
    pub everything_because: Option<String>,
}

/// What was verified before.
#[derive(Serialize, JsonSchema)]
pub struct BeforeDocument {
    /// The last of these records.
    pub seq: u64,
    /// Its hash: the next record names it.
    pub head: String,
    /// When it was verified.
    pub at: String,
    /// Up to which record everything was last verified at once.
    pub complete_to: u64,
    /// When that was.
    pub complete_at: String,
}

/// A head.
#[derive(Serialize, JsonSchema)]
pub struct HeadDocument {
    /// Sequence number.
    pub seq: u64,
    /// Hash.
    pub hash: String,
}

/// A head that a party acknowledged.
#[derive(Serialize, JsonSchema)]
pub struct HeadOfParty {
    /// The party.
    pub party: String,
    /// Sequence number of the head.
    pub seq: u64,
}

/// Up to which record a layer of checks holds.
#[derive(Serialize, JsonSchema)]
pub struct HoldsDocument {
    /// `chain`, `authors`, `rules`, `arithmetic` or `agreement`.
    pub layer: String,
    /// The last record before the first finding; `null` if not even record 0 holds.
    pub to: Option<u64>,
}

/// One thing that is wrong.
#[derive(Serialize, JsonSchema)]
pub struct FindingDocument {
    /// The record.
    pub seq: Option<u64>,
    /// Which check found it.
    pub layer: String,
    /// The stable code.
    pub code: String,
    /// What is wrong, with expected and found.
    pub message: String,
    /// Where.
    pub place: Option<PlaceDocument>,
    /// What to do next.
    pub hint: Option<String>,
}

impl VerdictDocument {
    /// A verdict as JSON.
    pub fn of(verdict: &Verdict) -> VerdictDocument {
        let finding = |finding: &Finding| {
            let error = ErrorDocument::of(&finding.problem);
            FindingDocument {
                seq: finding.seq,
                layer: finding.layer.as_str().to_owned(),
                code: error.code,
                message: error.message,
                place: error.place,
                hint: error.hint,
            }
        };
        let holds = |layer: Layer| HoldsDocument {
            layer: layer.as_str().to_owned(),
            to: verdict.holds_to(layer),
        };
        let head = |(seq, hash): (u64, revshare_core::vocab::RecordHash)| HeadDocument {
            seq,
            hash: hash.to_string(),
        };
        let price_finding = |(seq, finding): &(u64, PriceFinding)| PriceFindingOfRecord {
            seq: *seq,
            finding: PriceFindingDocument::of(finding),
        };
        VerdictDocument {
            verdict: if verdict.is_valid() { "valid" } else { "invalid" }.to_owned(),
            ledger: verdict.ledger.map(|ledger| ledger.to_string()),
            events: verdict.events,
            head: verdict.head.map(head),
            state_root: verdict.state_root.map(|root| root.to_string()),
            findings: verdict.findings.iter().map(finding).collect(),
            holds: Layer::ALL.into_iter().map(holds).collect(),
            unchecked: verdict.unchecked.clone(),
            notices: verdict.notices.clone(),
            price_findings: verdict.price_findings.iter().map(price_finding).collect(),
            acknowledged: verdict
                .acknowledged
                .iter()
                .map(|(party, seq)| HeadOfParty { party: party.to_string(), seq: *seq })
                .collect(),
            since_verified: SinceDocument::of(&verdict.since),
        }
    }
}

impl SinceDocument {
    fn of(since: &SinceVerified) -> Option<SinceDocument> {
        match since {
            SinceVerified::NotAsked => None,
            SinceVerified::Everything(why) => {
                Some(SinceDocument { from: 0, before: None, everything_because: Some(why.clone()) })
            }
            SinceVerified::From(before) => {
                let document = BeforeDocument {
                    seq: before.records.saturating_sub(1),
                    head: before.head.to_string(),
                    at: before.at.to_string(),
                    complete_to: before.complete.0.saturating_sub(1),
                    complete_at: before.complete.1.to_string(),
                };
                let (from, because) = (before.records, None);
                Some(SinceDocument { from, before: Some(document), everything_because: because })
            }
        }
    }
}
