//! A what-if as JSON. It names no file and no folder: both parties get the same bytes.

use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::what_if::Answer;
use revshare_core::what_if::PeriodAnswer;
use revshare_core::what_if::Question;
use revshare_core::what_if::Refused;
use revshare_core::what_if::Sides;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::ErrorDocument;
use crate::render::json::EventRef;
use crate::render::json::money;

/// `replay`.
#[derive(Serialize, JsonSchema)]
pub struct ReplayDocument {
    /// The point of the log up to which it was replayed.
    pub at: At,
    /// Settlement currency of every amount.
    pub currency: String,
    /// Events that are left out, by their ids.
    pub without: Vec<EventRef>,
    /// Reports that have other lines.
    pub replaced: Vec<ReplacedDocument>,
    /// Other terms; `null` if none are assumed.
    pub terms: Option<AssumedTermsDocument>,
    /// Every period from the first to the last with a report or a statement on either side.
    pub periods: Vec<ReplayedPeriodDocument>,
    /// Per beneficiary: the sum over the periods that both sides can rate.
    pub totals: Vec<SidesDocument>,
    /// What may be paid out, per beneficiary.
    pub payable: Vec<SidesDocument>,
    /// What statements have not posted yet, true-ups included, per beneficiary.
    pub unstated: Vec<SidesDocument>,
    /// Later events that would not have been admissible, in the order of the log. They count for
    /// nothing in what would be.
    pub refused: Vec<RefusedDocument>,
    /// Why later periods cannot be rated as it is; `null` if all can.
    pub unrated: Option<ErrorDocument>,
    /// Why later periods could not be rated as it would be; `null` if all could.
    pub unrated_assumed: Option<ErrorDocument>,
}

/// A report that has other lines.
#[derive(Serialize, JsonSchema)]
pub struct ReplacedDocument {
    /// Its record.
    pub seq: u64,
    /// The report or correction.
    pub event: String,
    /// How many lines take the place of its own.
    pub lines: u64,
}

/// Terms that are assumed.
#[derive(Serialize, JsonSchema)]
pub struct AssumedTermsDocument {
    /// Their digest.
    pub terms: String,
    /// The first usage day that they rate.
    pub effective_from: String,
}

/// What a period comes to.
#[derive(Serialize, JsonSchema)]
pub struct ReplayedPeriodDocument {
    /// The period.
    pub period: String,
    /// Whether anything is not the same on both sides.
    pub differs: bool,
    /// Its base as it is; `null` if it cannot be rated.
    pub base: Option<String>,
    /// Its base as it would be; `null` if it could not be rated.
    pub base_assumed: Option<String>,
    /// Per beneficiary.
    pub shares: Vec<SidesDocument>,
}

/// An amount as it is and as it would be.
#[derive(Serialize, JsonSchema)]
pub struct SidesDocument {
    /// The beneficiary.
    pub party: String,
    /// As it is; `null` if it cannot be rated.
    pub real: Option<String>,
    /// As it would be; `null` if it could not be rated.
    pub assumed: Option<String>,
    /// assumed − real; `null` if one of them is not known.
    pub difference: Option<String>,
}

/// An event that would not have been admissible.
#[derive(Serialize, JsonSchema)]
pub struct RefusedDocument {
    /// Its record.
    pub seq: Option<u64>,
    /// The event.
    pub event: String,
    /// Its kind.
    pub kind: String,
    /// The code of the rule that it would have broken.
    pub code: String,
    /// Why.
    pub message: String,
}

impl ReplayDocument {
    /// A what-if as JSON.
    pub fn of(
        at: At,
        (question, replaced): (&Question, Vec<ReplacedDocument>),
        answer: &Answer,
        currency: Currency,
    ) -> ReplayDocument {
        let sides = |sides: &[Sides]| -> Vec<SidesDocument> {
            sides.iter().map(|one| SidesDocument::of(one, currency)).collect()
        };
        let text = |amount: Option<Amount>| amount.map(|amount| money(amount, currency));
        let period = |one: &PeriodAnswer| ReplayedPeriodDocument {
            period: one.period.to_string(),
            differs: one.differs(),
            base: text(one.base),
            base_assumed: text(one.base_assumed),
            shares: sides(&one.shares),
        };
        let seq = |id| answer.real.event(id).map(|(seq, _)| seq);
        let without = question.without.iter();
        ReplayDocument {
            at,
            currency: currency.to_string(),
            without: without.map(|id| EventRef { event: id.to_string(), seq: seq(id) }).collect(),
            replaced,
            terms: question.terms.as_ref().map(|(version, from)| AssumedTermsDocument {
                terms: version.digest.to_string(),
                effective_from: from.to_string(),
            }),
            periods: answer.periods.iter().map(period).collect(),
            totals: sides(&answer.totals),
            payable: sides(&answer.payable),
            unstated: sides(&answer.unstated),
            refused: answer.refused.iter().map(RefusedDocument::of).collect(),
            unrated: answer.unrated.as_ref().map(ErrorDocument::of),
            unrated_assumed: answer.unrated_assumed.as_ref().map(ErrorDocument::of),
        }
    }
}

impl SidesDocument {
    fn of(sides: &Sides, currency: Currency) -> SidesDocument {
        let text = |amount: Option<Amount>| amount.map(|amount| money(amount, currency));
        SidesDocument {
            party: sides.party.to_string(),
            real: text(sides.real),
            assumed: text(sides.assumed),
            difference: text(sides.difference),
        }
    }
}

impl RefusedDocument {
    fn of(refused: &Refused) -> RefusedDocument {
        RefusedDocument {
            seq: refused.event.seq,
            event: refused.event.id.to_string(),
            kind: refused.kind.as_str().to_owned(),
            code: refused.why.code.as_str().to_owned(),
            message: refused.why.message.clone(),
        }
    }
}
