//! `revshare usage list` and `usage show`

use std::collections::BTreeMap;
use std::io::Write;

use revshare_core::state::Report;
use revshare_core::terms::Terms;
use revshare_core::usage::LineSums;
use revshare_core::view;
use revshare_core::vocab::Amount;
use revshare_core::vocab::exact::Sum;

use crate::commands::Reading;
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
    let report = view::usage::report(state, &id)?;
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
    if report.lines > 0 {
        groups(session, report, terms)?;
    }
    session.next(&format!("explain {}/PARTY", report.period))?;
    Ok(Answer::Yes)
}

/// One block per combination of attributes: a row a day, and the sum.
fn groups(session: &mut Session, report: &Report, terms: &Terms) -> Result<(), Failure> {
    type Attributes = Vec<(revshare_core::vocab::Name, revshare_core::vocab::Value)>;
    let mut groups = BTreeMap::<&Attributes, Vec<_>>::new();
    for (key, sums) in report.usage.iter() {
        groups.entry(&key.attributes).or_default().push((key.day, sums));
    }
    let color = session.world.color;
    for (attributes, days) in groups {
        let title: Vec<String> =
            attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let title =
            if title.is_empty() { "without attributes".to_owned() } else { title.join(", ") };
        writeln!(session.out, "\n{}", escape(&title))?;
        let mut total = LineSums::default();
        days.iter().for_each(|(_, sums)| total.add(sums));
        let mut table = Table::new(&[
            ("day", Align::Left),
            ("lines", Align::Right),
            ("gross", Align::Right),
            ("deductions", Align::Right),
            ("meters", Align::Wrap),
        ]);
        let mut row = |day: String, sums: &LineSums| {
            let meters: Vec<String> = sums
                .meters
                .iter()
                .map(|(name, quantity)| format!("{name} {}", sum(*quantity)))
                .collect();
            let deducted = sums.deductions.iter().fold(0, |total, (_, one)| total + one.0);
            table.row([
                day,
                sums.lines.to_string(),
                exact_money(&sums.gross.exact(), terms.currency),
                match deducted {
                    0 => Amount::ZERO.to_text(terms.currency.minor_digits()),
                    _ => exact_money(&Sum(deducted).exact(), terms.currency),
                },
                meters.join(", "),
            ]);
        };
        for (day, sums) in &days {
            row(day.to_string(), sums);
        }
        if days.len() > 1 {
            row("all".to_owned(), &total);
        }
        session.out.write_all(table.text(color).as_bytes())?;
    }
    Ok(())
}
