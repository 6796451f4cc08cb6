//! Where reported gross and the price list disagree: a finding, never a refusal.

use revshare_core::state::Report;
use revshare_core::state::State;
use revshare_core::usage::LineBlock;
use revshare_core::usage::UsageSums;
use revshare_core::view::usage::PriceFinding;
use revshare_core::view::usage::is_priced;
use revshare_core::view::usage::price_findings;
use revshare_core::vocab::Period;

use crate::context::Desk;
use crate::context::Session;
use crate::error::Failure;
use crate::render::text::exact_money;

/// The findings of lines that are about to be reported. They are summed only where there are
/// prices.
pub fn of_blocks(desk: &Desk, of: Period, blocks: &[LineBlock]) -> Vec<PriceFinding> {
    let agreement = desk.ledger.state().agreement();
    let Some(agreement) = agreement.filter(|known| is_priced(known.versions(), of)) else {
        return Vec::new();
    };
    let mut usage = UsageSums::default();
    blocks.iter().for_each(|block| block.add_to(&mut usage));
    price_findings(agreement, of, &usage)
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
