//! Usage reports, by period.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::event::Kind;
use crate::rating::group::Grouping;
use crate::state::Agreement;
use crate::state::Report;
use crate::state::State;
use crate::terms::BaseFrom;
use crate::terms::Versions;
use crate::usage::Cell;
use crate::usage::LineKey;
use crate::usage::LineSums;
use crate::usage::UsageSums;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::EventId;
use crate::vocab::Exact;
use crate::vocab::Name;
use crate::vocab::OutOfBounds;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Rate;
use crate::vocab::exact;
use crate::vocab::exact::Sum;

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

/// What two reports of a period say differently about usage with one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageChange {
    /// Day, currency and attributes.
    pub key: LineKey,
    /// Lines of the first and of the second report.
    pub lines: (u64, u64),
    /// Gross, every meter and every deduction in which they differ: name (`gross`, a meter,
    /// `deduction.<kind>`), first, second, second − first.
    pub changes: Vec<(String, Sum, Sum, Sum)>,
}

/// What two reports of one period say differently, key by key in the order of keys. Errors:
/// [`Code::UnknownEvent`], [`Code::PeriodLength`] for reports of different periods.
pub fn diff(state: &State, first: &EventId, second: &EventId) -> Result<Vec<UsageChange>, Problem> {
    let (first, second) = (report(state, first)?, report(state, second)?);
    if first.period != second.period {
        return Err(Problem::new(
            Code::PeriodLength,
            format!(
                "record {} reports {}, record {} reports {}",
                first.seq, first.period, second.seq, second.period
            ),
        )
        .hint("compare two reports of one period: `revshare usage list` shows them"));
    }
    let (mut firsts, mut seconds) = (first.usage.iter().peekable(), second.usage.iter().peekable());
    let mut found = Vec::new();
    loop {
        // Both are in the order of keys.
        let order = match (firsts.peek(), seconds.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((one, _)), Some((other, _))) => one.cmp(other),
        };
        let one = if order.is_le() { firsts.next() } else { None };
        let other = if order.is_ge() { seconds.next() } else { None };
        let key = one.as_ref().or(other.as_ref()).map(|(key, _)| key.clone());
        let Some(key) = key else { break };
        let sums = |one: Option<(LineKey, LineSums)>| one.map(|(_, sums)| sums).unwrap_or_default();
        let (before, after) = (sums(one), sums(other));
        let mut changes = Vec::new();
        let mut compare = |name: String, before: Sum, after: Sum| {
            if before != after {
                changes.push((name, before, after, after.minus(before)?));
            }
            Ok::<(), OutOfBounds>(())
        };
        compare("gross".into(), before.gross, after.gross)?;
        let names = |of: fn(&LineSums) -> &Vec<(Name, Sum)>| -> BTreeSet<Name> {
            of(&before).iter().chain(of(&after)).map(|(name, _)| name.clone()).collect()
        };
        for name in names(|sums| &sums.meters) {
            compare(name.as_str().to_owned(), before.meter(&name), after.meter(&name))?;
        }
        for name in names(|sums| &sums.deductions) {
            let label = format!("deduction.{name}");
            compare(label, before.deduction(&name), after.deduction(&name))?;
        }
        if !changes.is_empty() || before.lines != after.lines {
            let lines = (before.lines, after.lines);
            found.push(UsageChange { key, lines, changes });
        }
    }
    Ok(found)
}

/// A report's gross that is too far from the price list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PriceFinding {
    /// The currency.
    pub currency: Currency,
    /// Gross as reported, over the lines whose base is priced.
    pub reported: Exact,
    /// Quantities times the price list.
    pub priced: Exact,
    /// The part of the priced gross by which they may differ; the largest of several versions.
    pub tolerance: Rate,
}

/// Whether the terms of any day of a period take the base from the price list.
pub fn is_priced(versions: &Versions, period: Period) -> bool {
    let stretches = versions.stretches(period);
    stretches.iter().any(|one| versions.get(one.version).terms.base_from == BaseFrom::Priced)
}

/// Where a report's gross and the price list disagree beyond the tolerance: |reported − priced| >
/// tolerance × |priced|, per currency, over the lines whose terms take the base from the price
/// list; not where no gross was reported at all.
pub fn price_findings(
    agreement: &Agreement,
    period: Period,
    usage: &UsageSums,
) -> Vec<PriceFinding> {
    let versions = agreement.versions();
    if !is_priced(versions, period) {
        return Vec::new();
    }
    let grouping = Grouping::new(versions, agreement.contributions(), period);
    let mut totals: BTreeMap<Currency, (Exact, Exact, Rate, bool)> = BTreeMap::new();
    for (Cell { key, sums, absolute, .. }, priced) in grouping.priced(usage) {
        let zero = || (Exact::zero(), Exact::zero(), Rate::default(), false);
        let total = totals.entry(key.currency).or_insert_with(zero);
        total.0 += sums.gross.exact();
        total.1 += priced;
        total.2 = total.2.max(versions.on(key.day).price_tolerance);
        total.3 |= !absolute.gross.is_zero();
    }
    let mut findings = Vec::new();
    for (currency, (reported, priced, tolerance, is_reported)) in totals {
        let bound = exact::of_rate(&tolerance) * priced.abs();
        if is_reported && (&reported - &priced).abs() > bound {
            findings.push(PriceFinding { currency, reported, priced, tolerance });
        }
    }
    findings
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
