//! `revshare usage list` and `usage show`

use std::collections::BTreeMap;
use std::io::Write;

use revshare_core::state::Report;
use revshare_core::terms::Terms;
use revshare_core::usage::LineSums;
use revshare_core::view;
use revshare_core::vocab::Name;
use revshare_core::vocab::Value;
use revshare_core::vocab::exact::Sum;

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
use crate::render::table::Table;
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
            reports: reports.iter().map(|report| ReportDocument::of(state, report)).collect(),
            missing: missing.collect(),
        })?;
        return Ok(Answer::Yes);
    }
    if reports.is_empty() {
        writeln!(session.out, "no usage is reported{}", standing.as_of())?;
    } else {
        let mut table = Table::new(&[
            ("period", Align::Left),
            ("record", Align::Right),
            ("what", Align::Wrap),
            ("lines", Align::Right),
            ("gross", Align::Right),
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
                gross(report, agreement.terms()),
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
        what.push_str(&format!(", {}", count(report.parts as u64, "part")));
    }
    if !of_report(state, report).is_empty() {
        what.push_str(", off the price list");
    }
    what
}

fn gross(report: &Report, terms: &Terms) -> String {
    let total = report.usage.total().gross.exact();
    format!("{} {}", exact_money(&total, terms.currency), terms.currency)
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
            report: ReportDocument::of(state, report),
            sums: report.usage.iter().map(|(key, sums)| KeySumsDocument::of(key, sums)).collect(),
        })?;
        return Ok(Answer::Yes);
    }
    writeln!(
        session.out,
        "usage of {}: record {} (id {}), {}, {} lines, {} gross",
        report.period,
        report.seq,
        report.id.0.short(),
        what(state, report),
        report.lines,
        gross(report, terms)
    )?;
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

/// One block per combination of attributes: a row a day, and the sum. Meters have columns if they
/// fit, otherwise they are summed below.
fn groups(session: &mut Session, report: &Report, terms: &Terms) -> Result<(), Failure> {
    let mut groups = BTreeMap::<&Vec<(Name, Value)>, Days>::new();
    for (key, sums) in report.usage.iter() {
        groups.entry(&key.attributes).or_default().push((key.day.to_string(), sums.clone()));
    }
    let color = session.world.color;
    for (attributes, mut days) in groups {
        let title: Vec<String> =
            attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let title = if title.is_empty() { "no attributes".to_owned() } else { title.join(", ") };
        writeln!(session.out, "\n{}", escape(&title))?;
        let mut total = LineSums::default();
        days.iter().for_each(|(_, sums)| total.add(sums));
        if days.len() > 1 {
            days.push(("all".to_owned(), total.clone()));
        }
        let meters: Vec<&Name> = total.meters.iter().map(|(name, _)| name).collect();
        let wide = day_table(&days, &total, &meters, terms);
        let has_meters = wide.fits();
        let table = if has_meters { wide } else { day_table(&days, &total, &[], terms) };
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

fn day_table(days: &Days, total: &LineSums, meters: &[&Name], terms: &Terms) -> Table {
    let money = |one: Sum| exact_money(&one.exact(), terms.currency);
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
