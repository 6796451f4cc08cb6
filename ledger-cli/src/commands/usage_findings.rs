//! Where reported gross and the price list disagree: a finding, never a refusal.

use revshare_core::ledger::report::ReportDraft;
use revshare_core::state::Report;
use revshare_core::state::State;
use revshare_core::view::usage::PriceFinding;
use revshare_core::view::usage::is_priced;
use revshare_core::view::usage::price_findings;
use revshare_core::vocab::Period;

use crate::context::Session;
use crate::error::Failure;
use crate::render::text::exact_money;

/// The findings of lines that are about to be reported. They are summed only where there are
/// prices.
pub fn of_draft(report: &ReportDraft, of: Period) -> Vec<PriceFinding> {
    let agreement = report.state().agreement();
    match agreement.filter(|known| is_priced(known.versions(), of)) {
        Some(agreement) => price_findings(agreement, of, report.sums()),
        None => Vec::new(),
    }
}

/// The findings of a report on the log.
pub fn of_report(state: &State, report: &Report) -> Vec<PriceFinding> {
    let agreement = state.agreement();
    agreement
        .map_or(Vec::new(), |known| price_findings(known, report.period, known.lines_of(report)))
}

/// A finding in words.
pub fn text(finding: &PriceFinding) -> String {
    let PriceFinding { currency, reported, priced, tolerance } = finding;
    format!(
        "{} {currency} gross is reported, {} {currency} by the price list (tolerance {tolerance} of that)",
        exact_money(reported, *currency),
        exact_money(priced, *currency)
    )
}

/// Says findings to a person, on standard error.
pub fn say(session: &mut Session, findings: &[PriceFinding]) -> Result<(), Failure> {
    findings.iter().try_for_each(|finding| session.tell(&format!("finding: {}", text(finding))))
}
