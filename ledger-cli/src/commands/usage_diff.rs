//! `revshare usage diff`

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Write;

use revshare_core::state::Report;
use revshare_core::usage::LineSums;
use revshare_core::view;
use revshare_core::view::record::Named;
use revshare_core::view::usage::UsageChange;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::OutOfBounds;
use revshare_core::vocab::Problem;
use revshare_core::vocab::exact::Sum;

use crate::commands::Reading;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::bad_argument;
use crate::point;
use crate::render::json::EventRef;
use crate::render::json::usage::FieldChangeDocument;
use crate::render::json::usage::UsageChangeDocument;
use crate::render::json::usage::UsageDiffDocument;
use crate::render::json::usage::UsageTotalDocument;
use crate::render::json::usage::attributes;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::count;
use crate::render::text::escape;
use crate::render::text::exact_money;
use crate::render::text::sum;

/// A number in both reports: name, first, second, second − first.
type Field = (String, Sum, Sum, Sum);

/// Compares two reports of a period.
pub fn run(
    session: &mut Session,
    (first, second): (&str, &str),
    reading: &Reading,
) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let state = standing.state();
    let named = |text: &str, what: &str| -> Result<&Report, Failure> {
        let (_, id) = point::event_as(&standing.ledger, text, what)?;
        Ok(view::usage::report(state, &id).map_err(|problem| problem.at_field(what))?)
    };
    let (first, second) = (named(first, "A")?, named(second, "B")?);
    if first.period != second.period {
        let (of, other) = (first.period, second.period);
        return Err(bad_argument(
            "B",
            format!("record {} reports {of}, record {} reports {other}", first.seq, second.seq),
            "compare two reports of one period: `revshare usage list` shows them",
        ));
    }
    let changes = view::usage::diff(state, &first.id, &second.id)?;
    let totals = totals(first, second).map_err(Problem::from)?;
    let answer = if changes.is_empty() { Answer::Yes } else { Answer::No };
    if session.globals.json {
        let field = |(name, first, second, difference): &Field| FieldChangeDocument {
            name: name.clone(),
            first: sum(*first),
            second: sum(*second),
            difference: sum(*difference),
        };
        let change = |change: &UsageChange| UsageChangeDocument {
            day: change.key.day.to_string(),
            currency: change.key.currency.to_string(),
            attributes: attributes(&change.key),
            first_lines: change.lines.0,
            second_lines: change.lines.1,
            fields: change.changes.iter().map(field).collect(),
        };
        let total = |(currency, fields): &(Currency, Vec<Field>)| UsageTotalDocument {
            currency: currency.to_string(),
            fields: fields.iter().map(field).collect(),
        };
        session.print_json(&UsageDiffDocument {
            at: standing.at(),
            period: first.period.to_string(),
            first: EventRef::of(&Named::of(state, first.id)),
            second: EventRef::of(&Named::of(state, second.id)),
            equal: changes.is_empty(),
            changes: changes.iter().map(change).collect(),
            totals: totals.iter().map(total).collect(),
        })?;
        return Ok(answer);
    }
    let side = |report: &Report| match report.lines {
        0 => format!("record {} (nil)", report.seq),
        lines => format!("record {} ({})", report.seq, count(lines, "line")),
    };
    let (one, other) = (side(first), side(second));
    let period = first.period;
    if changes.is_empty() {
        writeln!(session.out, "usage of {period}: {one} and {other} say the same")?;
        return Ok(answer);
    }
    writeln!(session.out, "usage of {period}: from {one} to {other}")?;
    let titles = [format!("record {}", first.seq), format!("record {}", second.seq)];
    print(session, &changes, &titles)?;
    for (currency, fields) in &totals {
        writeln!(session.out, "\nall lines in {currency}")?;
        if fields.is_empty() {
            writeln!(session.out, "come to the same")?;
            continue;
        }
        let mut table = titled(Table::new(&[("what", Align::Left)]), &titles);
        for field in fields {
            table.row(cells(field, *currency));
        }
        let color = session.world.color;
        session.out.write_all(table.text(color).as_bytes())?;
    }
    session.next(&format!("usage show {}", second.seq))?;
    Ok(answer)
}

/// One block per combination of attributes and currency, a row for each number that differs.
fn print(
    session: &mut Session,
    changes: &[UsageChange],
    titles: &[String; 2],
) -> Result<(), Failure> {
    let mut blocks: BTreeMap<_, Vec<&UsageChange>> = BTreeMap::new();
    for change in changes {
        let key = (&change.key.attributes, change.key.currency);
        blocks.entry(key).or_default().push(change);
    }
    let color = session.world.color;
    for ((attributes, currency), changes) in blocks {
        let names = attributes.iter().map(|(name, value)| format!("{name} = {value}"));
        let mut title: Vec<String> = names.collect();
        title.push(format!("in {currency}"));
        writeln!(session.out, "\n{}", escape(&title.join(", ")))?;
        let days = Table::new(&[("day", Align::Left), ("what", Align::Left)]);
        let mut table = titled(days, titles);
        for change in changes {
            let mut day = change.key.day.to_string();
            let lines = change.lines;
            if lines.0 != lines.1 {
                let by = i128::from(lines.1).saturating_sub(i128::from(lines.0));
                let (first, second) = (lines.0.to_string(), lines.1.to_string());
                let day = std::mem::take(&mut day);
                table.row([day, "lines".to_owned(), first, second, signed(by.to_string())]);
            }
            for field in &change.changes {
                let mut cells = cells(field, currency).to_vec();
                cells.insert(0, std::mem::take(&mut day));
                table.row(cells);
            }
        }
        session.out.write_all(table.text(color).as_bytes())?;
    }
    Ok(())
}

fn titled(table: Table, [first, second]: &[String; 2]) -> Table {
    table
        .column(first, Align::Right)
        .column(second, Align::Right)
        .column("difference", Align::Right)
}

/// A row: amounts with the digits of their currency, quantities as they are.
fn cells((name, first, second, difference): &Field, currency: Currency) -> [String; 4] {
    let is_money = name == "gross" || name.starts_with("deduction.");
    let text = |number: &Sum| match is_money {
        true => exact_money(&number.exact(), currency),
        false => sum(*number),
    };
    [name.clone(), text(first), text(second), signed(text(difference))]
}

/// With a sign also where it is positive.
fn signed(difference: String) -> String {
    match difference.starts_with('-') {
        true => difference,
        false => format!("+{difference}"),
    }
}

/// What differs, by currency.
type Totals = Vec<(Currency, Vec<Field>)>;

/// All lines of each currency that either report uses: what differs.
fn totals(first: &Report, second: &Report) -> Result<Totals, OutOfBounds> {
    let (firsts, seconds) = (first.usage.by_currency(), second.usage.by_currency());
    let currencies: BTreeSet<Currency> = firsts.keys().chain(seconds.keys()).copied().collect();
    let of = |currency: Currency| {
        let (first, _) = firsts.get(&currency).cloned().unwrap_or_default();
        let (second, _) = seconds.get(&currency).cloned().unwrap_or_default();
        let mut fields = Vec::new();
        let mut compare = |name: String, first: Sum, second: Sum| {
            if first != second {
                fields.push((name, first, second, second.minus(first)?));
            }
            Ok::<(), OutOfBounds>(())
        };
        let lines = |sums: &LineSums| Sum::of(&Amount::from_whole(sums.lines));
        compare("lines".into(), lines(&first), lines(&second))?;
        compare("gross".into(), first.gross, second.gross)?;
        let meters = first.meters.iter().chain(&second.meters).map(|(name, _)| name);
        for name in meters.collect::<BTreeSet<_>>() {
            compare(name.to_string(), first.meter(name), second.meter(name))?;
        }
        let kinds = first.deductions.iter().chain(&second.deductions).map(|(name, _)| name);
        for name in kinds.collect::<BTreeSet<_>>() {
            let label = format!("deduction.{name}");
            compare(label, first.deduction(name), second.deduction(name))?;
        }
        Ok((currency, fields))
    };
    currencies.into_iter().map(of).collect()
}
