//! Usage reports as JSON.

use revshare_core::state::Report;
use revshare_core::state::State;
use revshare_core::usage::LineKey;
use revshare_core::usage::LineSums;
use revshare_core::view::record::Named;
use revshare_core::view::record::gross_by_currency;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::CurrencyAmount;
use crate::render::json::EventRef;
use crate::render::text::sum;

/// `usage list`.
#[derive(Serialize, JsonSchema)]
pub struct UsageListDocument {
    /// The point of the log.
    pub at: At,
    /// Reports and corrections, by period.
    pub reports: Vec<ReportDocument>,
    /// Periods that were recorded as missing and have not been reported since.
    pub missing: Vec<MissingDocument>,
}

/// A period that was recorded as missing.
#[derive(Serialize, JsonSchema)]
pub struct MissingDocument {
    /// The period.
    pub period: String,
    /// The record that says so.
    pub seq: u64,
}

/// A report or correction.
#[derive(Serialize, JsonSchema)]
pub struct ReportDocument {
    /// Its record.
    pub seq: u64,
    /// Its event id.
    pub event: String,
    /// Recorded time.
    pub recorded_at: String,
    /// The period.
    pub period: String,
    /// Whether it adds to earlier reports.
    pub supplement: bool,
    /// For a correction: what it replaced.
    pub corrects: Option<EventRef>,
    /// For a correction: why.
    pub reason: Option<String>,
    /// What replaced it; `null` if it is in effect.
    pub corrected_by: Option<EventRef>,
    /// Whether its lines count.
    pub in_effect: bool,
    /// How many lines; 0 for a nil report.
    pub lines: u64,
    /// In how many parts it was written; 0 if the lines are in the event itself.
    pub parts: u64,
    /// Gross per currency.
    pub gross: Vec<CurrencyAmount>,
    /// Quantities by meter.
    pub meters: Vec<NamedAmount>,
    /// Deductions by kind, as reported.
    pub deductions: Vec<NamedAmount>,
}

/// A number with a name.
#[derive(Serialize, JsonSchema)]
pub struct NamedAmount {
    /// The meter, the kind of deduction, or the attribute.
    pub name: String,
    /// The exact sum.
    pub amount: String,
}

/// An attribute of lines.
#[derive(Serialize, JsonSchema)]
pub struct AttributeDocument {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// `usage show`.
#[derive(Serialize, JsonSchema)]
pub struct UsageShowDocument {
    /// The point of the log.
    pub at: At,
    /// The report.
    pub report: ReportDocument,
    /// Exact sums of its lines by day, currency and attributes.
    pub sums: Vec<KeySumsDocument>,
}

/// Exact sums of lines that have day, currency and attributes in common.
#[derive(Serialize, JsonSchema)]
pub struct KeySumsDocument {
    /// The usage day.
    pub day: String,
    /// The currency.
    pub currency: String,
    /// Attributes that are present.
    pub attributes: Vec<AttributeDocument>,
    /// How many lines.
    pub lines: u64,
    /// Gross.
    pub gross: String,
    /// Quantities by meter.
    pub meters: Vec<NamedAmount>,
    /// Deductions by kind, as reported.
    pub deductions: Vec<NamedAmount>,
}

type Sums = [(revshare_core::vocab::Name, revshare_core::vocab::exact::Sum)];

fn named(sums: &Sums) -> Vec<NamedAmount> {
    let one = |(name, amount): &(revshare_core::vocab::Name, _)| NamedAmount {
        name: name.to_string(),
        amount: sum(*amount),
    };
    sums.iter().map(one).collect()
}

impl ReportDocument {
    /// A report as JSON.
    pub fn of(state: &State, report: &Report) -> ReportDocument {
        let total = report.usage.total();
        let gross = gross_by_currency(&report.usage);
        ReportDocument {
            seq: report.seq,
            event: report.id.to_string(),
            recorded_at: report.recorded_at.to_string(),
            period: report.period.to_string(),
            supplement: report.supplement,
            corrects: report.corrects.map(|id| EventRef::of(&Named::of(state, id))),
            reason: report.reason.as_ref().map(|reason| reason.to_string()),
            corrected_by: report.corrected_by.map(|id| EventRef::of(&Named::of(state, id))),
            in_effect: report.corrected_by.is_none(),
            lines: report.lines,
            parts: report.parts as u64,
            gross: gross
                .into_iter()
                .map(|(currency, gross)| CurrencyAmount {
                    currency: currency.to_string(),
                    amount: sum(gross),
                })
                .collect(),
            meters: named(&total.meters),
            deductions: named(&total.deductions),
        }
    }
}

impl KeySumsDocument {
    /// Sums as JSON.
    pub fn of(key: &LineKey, sums: &LineSums) -> KeySumsDocument {
        let attributes = key.attributes.iter().map(|(name, value)| AttributeDocument {
            name: name.to_string(),
            value: value.to_string(),
        });
        KeySumsDocument {
            day: key.day.to_string(),
            currency: key.currency.to_string(),
            attributes: attributes.collect(),
            lines: sums.lines,
            gross: sum(sums.gross),
            meters: named(&sums.meters),
            deductions: named(&sums.deductions),
        }
    }
}
