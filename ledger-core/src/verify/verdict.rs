//! What a verification says: findings, how far each check holds, and what was not checked.

use crate::state::State;
use crate::terms::BaseFrom;
use crate::verify::Options;
use crate::view::usage;
use crate::view::usage::PriceFinding;
use crate::vocab::Code;
use crate::vocab::Id;
use crate::vocab::LedgerId;
use crate::vocab::Problem;
use crate::vocab::RecordHash;
use crate::vocab::StateRoot;
use crate::vocab::Timestamp;

/// What `verify` found.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// The ledger: the hash of its record 0.
    pub ledger: Option<LedgerId>,
    /// Records that count.
    pub events: u64,
    /// Number and hash of the last record that counts.
    pub head: Option<(u64, RecordHash)>,
    /// The state root at the head, if the state could be computed up to there.
    pub state_root: Option<StateRoot>,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
    /// What was not checked, in words.
    pub unchecked: Vec<String>,
    /// What is worth knowing and wrong for nobody.
    pub notices: Vec<String>,
    /// Reports in effect, of the records that were verified now, whose gross is further from the
    /// price list than the terms tolerate: by their records. They make nothing invalid.
    pub price_findings: Vec<(u64, PriceFinding)>,
    /// The last head that each party acknowledged on the log.
    pub acknowledged: Vec<(Id, u64)>,
    /// Nothing could be read at all.
    pub unreadable: bool,
    /// The record from which on rules and arithmetic could not be checked.
    pub state_lost_at: Option<u64>,
    /// Parties whose keys were not compared with any given.
    pub keys_not_given: Vec<Id>,
    /// Parties whose acknowledgement could not be compared.
    pub against_unchecked: Vec<Id>,
    /// Which records were verified now, if only those that are new were asked for.
    pub since: SinceVerified,
}

/// Which records were verified.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum SinceVerified {
    /// All, as it was asked for.
    #[default]
    NotAsked,
    /// Those behind what this machine verified before.
    From(Before),
    /// All, although only new ones were asked for: why.
    Everything(String),
}

/// What was verified before, and not now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Before {
    /// How many records.
    pub records: u64,
    /// Hash of the last of them: the next one names it.
    pub head: RecordHash,
    /// When the last of them was verified.
    pub at: Timestamp,
    /// How many of them were verified at once when everything last was, and when that was.
    pub complete: (u64, Timestamp),
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The record.
    pub seq: Option<u64>,
    /// Which check found it.
    pub layer: Layer,
    /// What is wrong: code, message with expected and found, place, hint.
    pub problem: Problem,
}

/// The five checks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Layer {
    /// Hashes, links, numbers, ledger id, time order, canonical bytes.
    Chain,
    /// Signatures, keys, who may say what.
    Authors,
    /// Every event is admissible in the state before it.
    Rules,
    /// Statements are computed again and compared to the last unit.
    Arithmetic,
    /// Acknowledgements match.
    Agreement,
}

impl Layer {
    /// Every layer, in order.
    pub const ALL: [Layer; 5] =
        [Layer::Chain, Layer::Authors, Layer::Rules, Layer::Arithmetic, Layer::Agreement];

    /// The word that people and scripts see.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::Chain => "chain",
            Layer::Authors => "authors",
            Layer::Rules => "rules",
            Layer::Arithmetic => "arithmetic",
            Layer::Agreement => "agreement",
        }
    }

    /// The layer that an inadmissible event belongs to.
    pub(super) fn of(code: Code) -> Layer {
        match code {
            Code::NotAParty
            | Code::NotEntitled
            | Code::SignatureWrong
            | Code::DisputeSide
            | Code::SettlementUnsigned => Layer::Authors,
            Code::StateRootWrong | Code::HeadWrong => Layer::Agreement,
            Code::StatementContent | Code::StatementTerms => Layer::Arithmetic,
            Code::RecordLink | Code::TimeBackwards => Layer::Chain,
            _ => Layer::Rules,
        }
    }
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_valid(&self) -> bool {
        self.findings.is_empty() && !self.unreadable && self.events > 0
    }

    /// The last record before the first finding of a layer; `None` if not even record 0 holds.
    pub fn holds_to(&self, layer: Layer) -> Option<u64> {
        let found = self.findings.iter().filter(|finding| finding.layer == layer);
        let first = found.filter_map(|finding| finding.seq).min();
        let lost = self.state_lost_at.filter(|_| layer > Layer::Authors);
        match first.into_iter().chain(lost).min() {
            Some(first) => first.checked_sub(1),
            None => self.head.map(|(seq, _)| seq),
        }
    }
}

/// The findings of the price list, in the order of the log.
pub(super) fn price_findings(verdict: &Verdict, state: &State) -> Vec<(u64, PriceFinding)> {
    let Some(agreement) = state.agreement() else { return Vec::new() };
    let mut versions = agreement.versions().iter();
    if versions.all(|version| version.terms.base_from != BaseFrom::Priced) {
        return Vec::new();
    }
    let first = match &verdict.since {
        SinceVerified::From(before) => before.records,
        SinceVerified::NotAsked | SinceVerified::Everything(_) => 0,
    };
    let is_asked = |seq: u64| first <= seq && seq < verdict.events;
    let mut found = Vec::new();
    for report in agreement.reports() {
        if report.corrected_by.is_none() && is_asked(report.seq) {
            let lines = agreement.lines_of(report);
            let findings = usage::price_findings(agreement, report.period, lines);
            found.extend(findings.into_iter().map(|finding| (report.seq, finding)));
        }
    }
    found.sort_by_key(|(seq, _)| *seq);
    found
}

/// Says what was not checked.
pub(super) fn say_unchecked(verdict: &mut Verdict, options: &Options) {
    let names = |ids: &[Id]| ids.iter().map(Id::as_str).collect::<Vec<_>>().join(", ");
    let mut unchecked = Vec::new();
    if let SinceVerified::From(before) = &verdict.since {
        unchecked.push(format!(
            "records 0 to {} again (--since-verified): this machine verified them until {}; what was touched since was hashed, the rest was not read",
            before.records.saturating_sub(1),
            before.at.date()
        ));
    }
    if let Some(seq) = verdict.state_lost_at {
        unchecked.push(format!(
            "rules, arithmetic and agreement from record {seq} on: the state behind damage is unknown"
        ));
    }
    if options.keys.is_empty() {
        unchecked.push(
            "keys: taken from the ledger itself, not compared with any you gave (--keys)"
                .to_owned(),
        );
    } else if !verdict.keys_not_given.is_empty() {
        unchecked
            .push(format!("keys of {}: not among those you gave", names(&verdict.keys_not_given)));
    }
    if options.against.is_empty() {
        unchecked.push(
            "a cut-off tail: no outside acknowledgement given (--against), so records missing at the end cannot be excluded"
                .to_owned(),
        );
    }
    if !verdict.against_unchecked.is_empty() {
        unchecked.push(format!(
            "the acknowledgement of {}: the state at its head is unknown here",
            names(&verdict.against_unchecked)
        ));
    }
    if options.remembered.is_none() {
        unchecked.push(
            "a rollback: no memory of an earlier head of this copy on this machine".to_owned(),
        );
    }
    unchecked.push(
        "whether the reported usage is true: only that it was reported, by whom, and when"
            .to_owned(),
    );
    verdict.unchecked = unchecked;
}
