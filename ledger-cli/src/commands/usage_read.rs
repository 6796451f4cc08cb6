//! `revshare usage list` and `usage show`

use std::collections::BTreeMap;
use std::io::Write;

use revshare_core::state::Report;
use revshare_core::terms::Terms;
use revshare_core::usage::LineSums;
use revshare_core::view;
use revshare_core::view::record::gross_by_currency;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Name;
use revshare_core::vocab::Problem;
use revshare_core::vocab::Value;
use revshare_core::vocab::exact::Sum;
use revshare_core::vocab::to_u64;

use crate::commands::Reading;
use crate::commands::usage_findings;
use crate::commands::usage_findings::of_report;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::point;
use crate::render::json::usage::KeySumsDocument;
use crate::render::json::usage::MissingDocument;
use crate::render::json::usage::ReportDocument;
use crate::render::json::usage::UsageListDocument;
use crate::render::json::usage::UsageShowDocument;
use crate::render::table::Align;
use crate::render::table::HELD;
use crate::render::table::Table;
use crate::render::table::wrap_tree;
use crate::render::text::count;
use crate::render::text::escape;
use crate::render::text::exact_money;
use crate::render::text::sum;

/// Lists reports and corrections.
pub fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let state = standing.state();
    let agreement = standing.agreement()?;
    let reports = view::usage::reports(agreement);
    let missing = view::usage::missing(state);
    if session.globals.json {
        let missing = missing
            .iter()
            .map(|(period, seq)| MissingDocument { period: period.to_string(), seq: *seq });
        session.print_json(&UsageListDocument {
            at: standing.at(),
            reports: reports
                .iter()
                .map(|report| ReportDocument::of(state, report))
                .collect::<Result<_, _>>()
                .map_err(Problem::from)?,
            missing: missing.collect(),
        })?;
        return Ok(Answer::Yes);
    }
    session.page()?;
    if reports.is_empty() {
        writeln!(session.out, "no usage is reported{}", standing.as_of())?;
    } else {
        let settlement = agreement.terms().currency;
        let has_foreign = reports
            .iter()
            .any(|report| report.usage.iter().any(|(key, _)| key.currency != settlement));
        let mut table = Table::new(&[
            ("period", Align::Left),
            ("record", Align::Right),
            ("what", Align::Wrap),
            ("lines", Align::Right),
            ("gross", if has_foreign { Align::Wrap } else { Align::Right }),
            ("recorded", Align::Left),
            ("in effect", Align::Left),
        ]);
        for report in &reports {
            table.row([
                report.period.to_string(),
                report.seq.to_string(),
                what(state, report),
                match report.lines {
                    0 => "nil".to_owned(),
                    lines => lines.to_string(),
                },
                gross(report, agreement.terms()).join(", "),
                report.recorded_at.date().to_string(),
                match report.corrected_by.and_then(|id| state.event(&id)) {
                    Some((seq, _)) => format!("no, see {seq}"),
                    None => "yes".to_owned(),
                },
            ]);
        }
        let color = session.world.color;
        session.out.write_all(table.text(color).as_bytes())?;
    }
    for (period, seq) in &missing {
        writeln!(session.out, "{period}  not reported; recorded as missing by record {seq}")?;
    }
    if let Some(last) = reports.last() {
        session.next(&format!("usage show {}", last.seq))?;
    }
    Ok(Answer::Yes)
}

fn what(state: &revshare_core::state::State, report: &Report) -> String {
    let mut what = match report.corrects.and_then(|id| state.event(&id)) {
        Some((seq, _)) => format!("corrects {seq}"),
        None if report.supplement => "supplement".to_owned(),
        None => "report".to_owned(),
    };
    if report.parts > 0 {
        what.push_str(&format!(", {}", count(to_u64(report.parts), "part")));
    }
    if !of_report(state, report).is_empty() {
        what.push_str(", off the price list");
    }
    what
}

/// Gross in each currency, the settlement currency first; amount and currency are held together.
fn gross(report: &Report, terms: &Terms) -> Vec<String> {
    let mut totals = gross_by_currency(&report.usage);
    if totals.is_empty() {
        totals.push((terms.currency, Sum::default()));
    }
    totals.sort_by_key(|(currency, _)| (*currency != terms.currency, *currency));
    let text = |(currency, gross): &(Currency, Sum)| {
        format!("{}{HELD}{currency}", exact_money(&gross.exact(), *currency))
    };
    totals.iter().map(text).collect()
}

/// Shows the sums of a report.
pub fn show(session: &mut Session, event: &str, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let (_, id) = point::event(&standing.ledger, event)?;
    let state = standing.state();
    let report = view::usage::report(state, &id).map_err(|problem| problem.at_field("EVENT"))?;
    let terms = standing.agreement()?.terms();
    if session.globals.json {
        session.print_json(&UsageShowDocument {
            at: standing.at(),
            report: ReportDocument::of(state, report).map_err(Problem::from)?,
            sums: report.usage.iter().map(|(key, sums)| KeySumsDocument::of(&key, &sums)).collect(),
        })?;
        return Ok(Answer::Yes);
    }
    session.page()?;
    let title = format!(
        "usage of {}: record {} (id {}), {}, {} lines, {} gross",
        report.period,
        report.seq,
        report.id.0.short(),
        what(state, report),
        report.lines,
        gross(report, terms).join(", ").replace(HELD, " ")
    );
    for line in wrap_tree(&title, 80) {
        writeln!(session.out, "{line}")?;
    }
    if let Some(reason) = &report.reason {
        writeln!(session.out, "reason: {}", escape(reason.as_str()))?;
    }
    if let Some((seq, _)) = report.corrected_by.and_then(|id| state.event(&id)) {
        writeln!(session.out, "not in effect: record {seq} corrects it")?;
    }
    for finding in of_report(state, report) {
        writeln!(session.out, "finding: {}", usage_findings::text(&finding))?;
    }
    if report.lines > 0 {
        groups(session, report, terms)?;
    }
    session.next(&format!("explain {}/PARTY", report.period))?;
    Ok(Answer::Yes)
}

/// One block per combination of attributes and currency: a row a day, and the sum. Meters have columns if they
/// fit, otherwise they are summed below.
fn groups(session: &mut Session, report: &Report, terms: &Terms) -> Result<(), Failure> {
    let mut groups = BTreeMap::<(Vec<(Name, Value)>, Currency), Days>::new();
    for (key, sums) in report.usage.iter() {
        let days = groups.entry((key.attributes, key.currency)).or_default();
        days.push((key.day.to_string(), sums));
    }
    let color = session.world.color;
    for ((attributes, currency), mut days) in groups {
        let title: Vec<String> =
            attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let title = if title.is_empty() { "no attributes".to_owned() } else { title.join(", ") };
        let unit = match currency == terms.currency {
            true => String::new(),
            false => format!(", in {currency}"),
        };
        writeln!(session.out, "\n{}{unit}", escape(&title))?;
        let mut total = LineSums::default();
        days.iter().try_for_each(|(_, sums)| total.add(sums)).map_err(Problem::from)?;
        if days.len() > 1 {
            days.push(("all".to_owned(), total.clone()));
        }
        let meters: Vec<&Name> = total.meters.iter().map(|(name, _)| name).collect();
        let wide = day_table(&days, &total, &meters, currency);
        let has_meters = wide.fits();
        let table = if has_meters { wide } else { day_table(&days, &total, &[], currency) };
        session.out.write_all(table.text(color).as_bytes())?;
        if !has_meters {
            for (name, quantity) in &total.meters {
                writeln!(session.out, "{name} {}", sum(*quantity))?;
            }
        }
    }
    Ok(())
}

type Days = Vec<(String, LineSums)>;

fn day_table(days: &Days, total: &LineSums, meters: &[&Name], currency: Currency) -> Table {
    let money = |one: Sum| exact_money(&one.exact(), currency);
    let mut table =
        Table::new(&[("day", Align::Left), ("lines", Align::Right), ("gross", Align::Right)]);
    let deductions: Vec<&Name> = total.deductions.iter().map(|(kind, _)| kind).collect();
    for name in deductions.iter().chain(meters) {
        table = table.column(name.as_str(), Align::Right);
    }
    for (day, sums) in days {
        let mut cells = vec![day.clone(), sums.lines.to_string(), money(sums.gross)];
        cells.extend(deductions.iter().map(|kind| money(sums.deduction(kind))));
        cells.extend(meters.iter().map(|name| sum(sums.meter(name))));
        table.row(cells);
    }
    table
}
