//! A royalty account that was published twice (`tests/vectors/onrr/README.md`): stated from the
//! first publication and corrected to the second, a ledger posts exactly the difference.

use std::collections::BTreeMap;
use std::fs;

use ledger_core::command::Command;
use ledger_core::intake::read_csv;
use ledger_core::terms::TermsByDay;
use ledger_core::usage::LineBlock;
use ledger_core::view::usage::diff;
use ledger_core::vocab::Amount;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;
use revshare_kit::World;
use revshare_kit::public_key;
use revshare_kit::read_terms;
use toml_edit::Document;

use crate::reference::agree;
use crate::written::root;

const OWNER: &str = "united-states";
const COLLECTOR: &str = "lessees";

/// A year as the two publications have it.
struct Year {
    year: i16,
    period: Period,
    earlier: Amount,
    later: Amount,
    difference: Amount,
    restated: usize,
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap_or_else(|problem| panic!("{problem}"))
}

fn period(text: &str) -> Period {
    Period::parse(text).unwrap_or_else(|problem| panic!("{problem}"))
}

fn file(name: &str) -> String {
    let path = root().join("tests/vectors/onrr").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The years, and the total of their differences.
fn years() -> (Vec<Year>, Amount) {
    let document = Document::parse(file("expected.toml")).expect("the table is TOML").into_mut();
    let tables = document["year"].as_array_of_tables().expect("[[year]]");
    let year = |table: &toml_edit::Table| {
        let text = |key: &str| table[key].as_str().expect("a text");
        let number = |key: &str| table[key].as_integer().expect("a number");
        Year {
            year: number("year") as i16,
            period: period(text("period")),
            earlier: amount(text("earlier")),
            later: amount(text("later")),
            difference: amount(text("difference")),
            restated: number("restated") as usize,
        }
    };
    let total = amount(document["total"]["difference"].as_str().expect("a total"));
    (tables.iter().map(year).collect(), total)
}

fn opened() -> World {
    let text = file("terms.toml.in")
        .replace("@OWNER_KEY@", &public_key(OWNER).to_string())
        .replace("@COLLECTOR_KEY@", &public_key(COLLECTOR).to_string());
    World::in_force(read_terms(&text))
}

/// The usage of a year as one of the publications has it.
fn usage(world: &World, year: &Year, publication: u16) -> Vec<LineBlock> {
    let name = format!("usage-{}-{publication}.csv", year.year);
    let agreement = world.agreement();
    let terms = TermsByDay::one(agreement.terms(), agreement.level());
    let usage = read_csv(&name, file(&name).as_bytes(), &terms, year.period);
    assert_eq!(usage.problems, [], "{name}");
    usage.blocks
}

fn report(world: &mut World, year: &Year) {
    let mut quarter = Period::parse(&format!("{}-Q1", year.year)).expect("a quarter");
    while quarter < year.period {
        let nil = Command::ReportUsage { period: quarter, supplement: false, blocks: vec![] };
        world.must(COLLECTOR, nil);
        quarter = quarter.next().expect("a next quarter");
    }
    let blocks = usage(world, year, 2024);
    let report = Command::ReportUsage { period: year.period, supplement: false, blocks };
    world.must(COLLECTOR, report);
}

fn correct(world: &mut World, year: &Year) -> (EventId, EventId) {
    let corrects = world.report_of(year.period).expect("the year is reported");
    let blocks = usage(world, year, 2025);
    let reason = Text::parse("published again in 2025").expect("a text");
    let outcome = world.must(COLLECTOR, Command::CorrectUsage { corrects, reason, blocks });
    (corrects, outcome.fact.id)
}

/// States every quarter up to one.
fn state_until(world: &mut World, last: Period) {
    while let Some(next) = world.agreement().next_to_state().filter(|next| *next <= last) {
        world.must(COLLECTOR, Command::IssueStatement(next));
    }
}

fn owed(world: &World, of: Period) -> (Amount, Amount) {
    let booked = world.agreement().booked(of);
    (booked.base, booked.shares[0].1)
}

/// The lines of a usage file by what identifies them, with their numbers.
fn lines(name: &str) -> BTreeMap<Vec<String>, Vec<String>> {
    let text = file(name);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.records().map(|record| record.expect("a line"));
    let texts = |fields: &csv::StringRecord, from: usize, to: usize| -> Vec<String> {
        fields.iter().skip(from).take(to - from).map(str::to_owned).collect()
    };
    // Day and four attributes; then meters, gross and deductions.
    records.map(|record| (texts(&record, 0, 5), texts(&record, 5, record.len()))).collect()
}

/// Statements of the first publication book what it says; the statement after the corrections holds
/// one true-up for each year, of the published difference, caused by the correction of that year
/// alone; and booked is then what the second publication says, in total and for every year.
#[test]
fn the_second_publication_is_trued_up_to_the_cent() {
    let (years, total) = years();
    let mut world = opened();
    for year in &years {
        report(&mut world, year);
        state_until(&mut world, year.period);
        assert_eq!(owed(&world, year.period), (year.earlier, year.earlier), "{}", year.period);
    }
    assert_eq!(world.agreement().statements().len(), 44);
    let corrections: BTreeMap<Period, EventId> =
        years.iter().map(|year| (year.period, correct(&mut world, year).1)).collect();
    // The agreement has ended: no report is needed.
    state_until(&mut world, period("2024-Q1"));
    let (_, record) = world.agreement().statements().last_key_value().expect("a statement");
    let (own, true_ups) = record.statement.entries.split_last().expect("entries");
    assert!(own.is_zero());
    assert_eq!(true_ups.len(), years.len());
    for (year, entry) in years.iter().zip(true_ups) {
        assert_eq!(entry.period, year.period);
        assert_eq!((entry.base, entry.shares[0].1), (year.difference, year.difference));
        assert_eq!(entry.causes, [corrections[&year.period]], "{}", year.period);
        assert_eq!(owed(&world, year.period), (year.later, year.later), "{}", year.period);
    }
    let posted = record.statement.total(&record.statement.entries[0].shares[0].0);
    assert_eq!(posted, Some(total));
    assert_eq!(total, amount("-178586034.97"));
    agree(&world);
}

/// Whenever the corrections are recorded, between the statements, before the year that they correct
/// is stated, in whatever order: what is booked adds up to the second publication.
#[test]
fn the_order_of_the_corrections_changes_nothing() {
    let (years, _) = years();
    let mut world = opened();
    let mut late = Vec::new();
    for (at, year) in years.iter().enumerate() {
        report(&mut world, year);
        match at % 3 {
            // Before it is stated at all.
            0 => {
                correct(&mut world, year);
            }
            _ => late.push(year),
        }
        state_until(&mut world, year.period);
        // After it was stated, some years late, the last one first.
        if at % 4 == 3
            && let Some(year) = late.pop()
        {
            correct(&mut world, year);
        }
    }
    for year in late.into_iter().rev() {
        correct(&mut world, year);
    }
    state_until(&mut world, period("2024-Q1"));
    for year in &years {
        assert_eq!(owed(&world, year.period), (year.later, year.later), "{}", year.period);
    }
    agree(&world);
}

/// Comparing the two reports of a year shows every line in which the publications differ, with
/// every number that does, and no other; the lines whose net differs are as many as were counted
/// when the figures were derived.
#[test]
fn a_diff_of_the_reports_shows_every_line_that_differs() {
    let (years, _) = years();
    let mut world = opened();
    for year in &years {
        report(&mut world, year);
        let (first, second) = correct(&mut world, year);
        let found = diff(world.state(), &first, &second).expect("two reports of one period");
        let before = lines(&format!("usage-{}-2024.csv", year.year));
        let after = lines(&format!("usage-{}-2025.csv", year.year));
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        let differ: BTreeMap<&Vec<String>, usize> = before
            .iter()
            .filter(|(key, numbers)| after[*key] != **numbers)
            .map(|(key, numbers)| {
                let changed = numbers.iter().zip(&after[key]).filter(|(old, new)| old != new);
                (key, changed.count())
            })
            .collect();
        let shown: BTreeMap<Vec<String>, usize> = found
            .iter()
            .map(|change| {
                let value = |name: &str| {
                    let attributes = change.key.attributes.iter();
                    let mut found = attributes.filter(|(known, _)| known.as_str() == name);
                    found.next().map(|(_, value)| value.to_string()).unwrap_or_default()
                };
                let names = ["land", "region", "revenue_type", "commodity"];
                let key = [change.key.day.to_string()].into_iter().chain(names.map(value));
                (key.collect(), change.changes.len())
            })
            .collect();
        let differ: BTreeMap<Vec<String>, usize> =
            differ.into_iter().map(|(key, count)| (key.clone(), count)).collect();
        assert_eq!(shown, differ, "{}", year.year);
        let net = |change: &&ledger_core::view::usage::UsageChange| {
            let signed =
                change.changes.iter().map(|(name, _, _, difference)| match name.as_str() {
                    "gross" => difference.0,
                    name if name.starts_with("deduction.") => -difference.0,
                    _ => 0,
                });
            signed.sum::<i128>() != 0
        };
        assert_eq!(found.iter().filter(net).count(), year.restated, "{}", year.year);
    }
}
