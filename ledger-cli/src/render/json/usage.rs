//! Usage reports as JSON.

use revshare_core::state::Report;
use revshare_core::state::State;
use revshare_core::usage::LineKey;
use revshare_core::usage::LineSums;
use revshare_core::view::record::Named;
use revshare_core::view::record::gross_by_currency;
use revshare_core::view::usage::PriceFinding;
use revshare_core::view::usage::price_findings;
use revshare_core::vocab::Name;
use revshare_core::vocab::OutOfBounds;
use revshare_core::vocab::Value;
use revshare_core::vocab::exact;
use revshare_core::vocab::to_u64;
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
    /// Where the reported gross is too far from the price list.
    pub price_findings: Vec<PriceFindingDocument>,
}

/// A reported gross that is further from the price list than the terms tolerate.
#[derive(Serialize, JsonSchema)]
pub struct PriceFindingDocument {
    /// The currency.
    pub currency: String,
    /// Gross as reported, over the lines whose base is priced.
    pub reported: String,
    /// Quantities times the price list.
    pub priced: String,
    /// The part of the priced gross by which they may differ.
    pub tolerance: String,
}

/// `usage diff`.
#[derive(Serialize, JsonSchema)]
pub struct UsageDiffDocument {
    /// The point of the log.
    pub at: At,
    /// The period that both report.
    pub period: String,
    /// The first report.
    pub first: EventRef,
    /// The second report.
    pub second: EventRef,
    /// Whether they say the same.
    pub equal: bool,
    /// What they say differently, by day, currency and attributes.
    pub changes: Vec<UsageChangeDocument>,
    /// All lines of a currency together, where that differs.
    pub totals: Vec<UsageTotalDocument>,
}

/// What two reports say differently about lines that have day, currency and attributes in common.
#[derive(Serialize, JsonSchema)]
pub struct UsageChangeDocument {
    /// The usage day.
    pub day: String,
    /// The currency.
    pub currency: String,
    /// Attributes that are present.
    pub attributes: Vec<AttributeDocument>,
    /// Lines of the first report.
    pub first_lines: u64,
    /// Lines of the second report.
    pub second_lines: u64,
    /// What differs.
    pub fields: Vec<FieldChangeDocument>,
}

/// All lines of a currency, in two reports.
#[derive(Serialize, JsonSchema)]
pub struct UsageTotalDocument {
    /// The currency.
    pub currency: String,
    /// What differs.
    pub fields: Vec<FieldChangeDocument>,
}

/// A number that differs.
#[derive(Serialize, JsonSchema)]
pub struct FieldChangeDocument {
    /// `gross`, a meter, or `deduction.` and its kind.
    pub name: String,
    /// In the first report.
    pub first: String,
    /// In the second report.
    pub second: String,
    /// second − first.
    pub difference: String,
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

type Sums = [(Name, exact::Sum)];

fn named(sums: &Sums) -> Vec<NamedAmount> {
    let one =
        |(name, amount): &(Name, _)| NamedAmount { name: name.to_string(), amount: sum(*amount) };
    sums.iter().map(one).collect()
}

/// Attributes as JSON.
pub fn attributes(key: &LineKey) -> Vec<AttributeDocument> {
    let one = |(name, value): &(Name, Value)| AttributeDocument {
        name: name.to_string(),
        value: value.to_string(),
    };
    key.attributes.iter().map(one).collect()
}

impl PriceFindingDocument {
    /// A finding as JSON.
    pub fn of(finding: &PriceFinding) -> PriceFindingDocument {
        PriceFindingDocument {
            currency: finding.currency.to_string(),
            reported: exact::to_text(&finding.reported),
            priced: exact::to_text(&finding.priced),
            tolerance: finding.tolerance.to_string(),
        }
    }
}

impl ReportDocument {
    /// A report as JSON. Errors: [`OutOfBounds`].
    pub fn of(state: &State, report: &Report) -> Result<ReportDocument, OutOfBounds> {
        let total = report.usage.total()?;
        let gross = gross_by_currency(&report.usage);
        let findings = state.agreement().map_or(Vec::new(), |agreement| {
            price_findings(agreement, report.period, agreement.lines_of(report))
        });
        Ok(ReportDocument {
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
            parts: to_u64(report.parts),
            gross: gross
                .into_iter()
                .map(|(currency, gross)| CurrencyAmount {
                    currency: currency.to_string(),
                    amount: sum(gross),
                })
                .collect(),
            meters: named(&total.meters),
            deductions: named(&total.deductions),
            price_findings: findings.iter().map(PriceFindingDocument::of).collect(),
        })
    }
}

impl KeySumsDocument {
    /// Sums as JSON.
    pub fn of(key: &LineKey, sums: &LineSums) -> KeySumsDocument {
        KeySumsDocument {
            day: key.day.to_string(),
            currency: key.currency.to_string(),
            attributes: attributes(key),
            lines: sums.lines,
            gross: sum(sums.gross),
            meters: named(&sums.meters),
            deductions: named(&sums.deductions),
        }
    }
}
