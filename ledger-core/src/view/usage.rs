//! Usage reports, by period.

use crate::event::Kind;
use crate::state::Agreement;
use crate::state::Report;
use crate::state::State;
use crate::vocab::Code;
use crate::vocab::EventId;
use crate::vocab::Period;
use crate::vocab::Problem;

/// Every report and correction, by period and then in the order of the log.
pub fn reports(agreement: &Agreement) -> Vec<&Report> {
    let mut reports: Vec<&Report> = agreement.reports().collect();
    reports.sort_by_key(|report| (report.period, report.seq));
    reports
}

/// Periods whose report was recorded as missing and has not come since, with the record.
pub fn missing(state: &State) -> Vec<(Period, u64)> {
    let Some(agreement) = state.agreement() else {
        return Vec::new();
    };
    let missing = agreement.missing().iter();
    missing
        .filter(|(period, _)| !agreement.is_reported(**period))
        .filter_map(|(period, id)| Some((*period, state.event(id)?.0)))
        .collect()
}

/// A report or correction. Errors: [`Code::UnknownEvent`].
pub fn report<'a>(state: &'a State, id: &EventId) -> Result<&'a Report, Problem> {
    if let Some(report) = state.agreement().and_then(|known| known.report(id)) {
        return Ok(report);
    }
    let message = match state.event(id) {
        Some((seq, Kind::UsagePart)) => {
            format!("record {seq} is a part of a report; the event that closes it follows")
        }
        Some((seq, kind)) => format!("record {seq} is {}, not a usage report", kind.as_str()),
        None => format!("there is no event {} on this ledger", id.0.short()),
    };
    Err(Problem::new(Code::UnknownEvent, message).hint("`revshare usage list` lists the reports"))
}
