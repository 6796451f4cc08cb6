//! A royalty account that somebody else published twice (`tests/vectors/onrr/`), through the real
//! path: what the first publication says is stated, what the second one changed is trued up.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

use ledger_core::command::Command;
use ledger_core::intake;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::statement::Entry;
use ledger_core::usage::LineBlock;
use ledger_core::view;
use ledger_core::view::usage::UsageChange;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Name;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;
use ledger_core::vocab::exact::Sum;
use revshare_kit::World;
use revshare_kit::public_key;
use revshare_kit::read_terms;
use revshare_kit::world::state_root;
use toml_edit::Document;
use toml_edit::Table;

use crate::reference::agree;
use crate::written::root;

/// Who is owed the royalties, and who owes them.
const OWNER: &str = "united-states";
const COLLECTOR: &str = "lessees";
/// The two publications, by the year in which they came out.
const EARLIER: &str = "2024";
const LATER: &str = "2025";
/// The first period after the agreement.
const AFTER: &str = "2024-Q1";

/// What the publications say of a year, or of all years.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Figures {
    lines: u64,
    earlier: Amount,
    later: Amount,
    difference: Amount,
    restated: usize,
    restated_by_a_dollar: usize,
}

#[derive(Clone, Debug)]
struct Year {
    year: i64,
    period: Period,
    figures: Figures,
}

fn file(name: &str) -> String {
    let path = root().join("tests/vectors/onrr").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn figures(table: &Table) -> Figures {
    let number = |key: &str| table[key].as_integer().expect("a number");
    let amount =
        |key: &str| Amount::parse(table[key].as_str().expect("a text")).expect("an amount");
    Figures {
        lines: number("lines") as u64,
        earlier: amount("earlier"),
        later: amount("later"),
        difference: amount("difference"),
        restated: number("restated") as usize,
        restated_by_a_dollar: number("restated_by_a_dollar") as usize,
    }
}

/// What the publications say, year by year and in total.
fn expected() -> (Vec<Year>, Figures) {
    let document = Document::parse(file("expected.toml")).expect("TOML").into_mut();
    let years = document["year"].as_array_of_tables().expect("[[year]]").iter();
    let years = years.map(|table| Year {
        year: table["year"].as_integer().expect("a year"),
        period: period(table["period"].as_str().expect("a period")),
        figures: figures(table),
    });
    let years: Vec<Year> = years.collect();
    assert_eq!(years.len(), 11, "2013 to 2023");
    (years, figures(document["total"].as_table().expect("[total]")))
}

fn period(text: &str) -> Period {
    Period::parse(text).expect("a period")
}

fn add(one: Amount, other: Amount) -> Amount {
    one.checked_add(other).expect("amounts within bounds")
}

fn terms() -> String {
    file("terms.toml.in")
        .replace("@OWNER_KEY@", &public_key(OWNER).to_string())
        .replace("@COLLECTOR_KEY@", &public_key(COLLECTOR).to_string())
}

/// What a publication says of a year, as intake reads it.
fn usage(world: &World, year: &Year, publication: &str) -> Vec<LineBlock> {
    let name = format!("usage-{}-{publication}.csv", year.year);
    let agreement = world.agreement();
    let terms = agreement.versions().by_day(year.period, agreement.level());
    let usage = intake::read_csv(&name, file(&name).as_bytes(), &terms, year.period);
    assert_eq!((usage.problems, usage.lines), (Vec::new(), year.figures.lines), "{name}");
    usage.blocks
}

/// Three quarters are reported as nil, the fourth one as the earlier publication has the year.
fn report(world: &mut World, year: &Year) {
    for quarter in 1..=3 {
        let period = period(&format!("{}-Q{quarter}", year.year));
        let nil = Command::ReportUsage { period, supplement: false, blocks: Vec::new() };
        world.must(COLLECTOR, nil);
    }
    let blocks = usage(world, year, EARLIER);
    let period = year.period;
    world.must(COLLECTOR, Command::ReportUsage { period, supplement: false, blocks });
}

/// The report of a year is replaced by what the later publication says.
fn correct(world: &mut World, year: &Year) -> EventId {
    let command = Command::CorrectUsage {
        corrects: world.report_of(year.period).expect("the year is reported"),
        reason: Text::parse("published again on 2025-03-11").expect("a reason"),
        blocks: usage(world, year, LATER),
    };
    world.must(COLLECTOR, command).fact.id
}

/// States all four quarters; the entries of the statements that are not zero.
fn state(world: &mut World, year: &Year) -> Vec<Entry> {
    let quarters = (1..=4).map(|quarter| period(&format!("{}-Q{quarter}", year.year)));
    quarters.flat_map(|quarter| issue(world, quarter)).filter(|entry| !is_zero(entry)).collect()
}

/// Issues a statement; its entries.
fn issue(world: &mut World, period: Period) -> Vec<Entry> {
    world.must(COLLECTOR, Command::IssueStatement(period));
    world.agreement().statements()[&period].statement.entries.clone()
}

fn is_zero(entry: &Entry) -> bool {
    entry.base.is_zero() && entry.shares.iter().all(|(_, amount)| amount.is_zero())
}

/// An entry as it must be: the base and the owner's share of it are both the net royalty.
fn entry(period: Period, net: Amount, causes: Vec<EventId>) -> Entry {
    let owner = Id::parse(OWNER).expect("a party id");
    Entry { period, base: net, shares: vec![(owner, net)], causes, rates: Vec::new() }
}

/// What is booked for every year, base and share alike, is what a publication says; and so is the
/// total on the owner's account.
#[track_caller]
fn books(world: &World, net: impl Fn(&Figures) -> Amount) {
    let (years, total) = expected();
    let owner = Id::parse(OWNER).expect("a party id");
    let mut sum = Amount::ZERO;
    for year in &years {
        let booked = world.agreement().booked(year.period);
        assert_eq!(booked.base, net(&year.figures), "base of {}", year.year);
        assert_eq!(booked.shares, [(owner.clone(), net(&year.figures))], "net of {}", year.year);
        sum = add(sum, booked.base);
    }
    assert_eq!(sum, net(&total), "all years");
    assert_eq!(world.agreement().account(&owner).booked, net(&total), "the owner's account");
}

/// The reference comes to the same state root after every record: a statement carries the one
/// before it, which the reference refuses if it comes to another; before any other record, and at
/// the end, it is asked about the bytes up to there.
fn agree_after_every_record(world: &World) {
    let segments = world.segments();
    assert_eq!(segments.len(), 1, "a short log");
    let statements = world.agreement().statements().values();
    let stated: BTreeSet<u64> = statements.map(|record| record.seq).collect();
    let mut asked = 0;
    let source = world.ledger().source();
    let replayed = replay(source, None, Signatures::Checked, &mut |state, fact, at| {
        if stated.contains(&(fact.seq + 1)) {
            return;
        }
        let end = at.offset as usize + at.len;
        let report = revshare_reference::replay(&[segments[0][..end].to_vec()]);
        let report = report.unwrap_or_else(|fault| panic!("record {}: {fault}", fact.seq));
        assert_eq!(report.state_root, *state_root(state).bytes(), "record {}", fact.seq);
        asked += 1;
    });
    let records = replayed.expect("an admissible log").state.next_seq();
    assert_eq!(records, asked + stated.len() as u64);
    agree(world);
}

/// The figures that the ledger is held against add up.
#[test]
fn the_expected_figures_add_up() {
    let (years, total) = expected();
    let zero = Figures {
        lines: 0,
        earlier: Amount::ZERO,
        later: Amount::ZERO,
        difference: Amount::ZERO,
        restated: 0,
        restated_by_a_dollar: 0,
    };
    let sum = years.iter().map(|year| &year.figures).fold(zero, |sum, of| {
        assert_eq!(add(of.earlier, of.difference), of.later);
        Figures {
            lines: sum.lines + of.lines,
            earlier: add(sum.earlier, of.earlier),
            later: add(sum.later, of.later),
            difference: add(sum.difference, of.difference),
            restated: sum.restated + of.restated,
            restated_by_a_dollar: sum.restated_by_a_dollar + of.restated_by_a_dollar,
        }
    });
    assert_eq!(sum, total);
}

/// The terms say what they warn of: there is no rule for everything, and so a line that is neither
/// onshore nor offshore is refused.
#[test]
fn a_line_of_no_land_is_refused() {
    let read = intake::read_terms("terms.toml", terms().as_bytes());
    let warnings: Vec<Code> = read.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!((read.problems, warnings), (Vec::new(), vec![Code::WarnNoCatchAll]));
    let world = World::in_force(read.terms.expect("sound terms"));
    let agreement = world.agreement();
    let of = period("2013-Q4");
    let terms = agreement.versions().by_day(of, agreement.level());
    let read = |csv: &str| {
        let usage = intake::read_csv("usage.csv", csv.as_bytes(), &terms, of);
        usage.problems.iter().map(|problem| problem.code).collect::<Vec<Code>>()
    };
    assert_eq!(read("day,land,gross\n2013-12-31,Onshore,1\n"), []);
    assert_eq!(read("day,land,gross\n2013-12-31,,1\n"), [Code::RowRule]);
}

/// The ledger states the earlier publication and is corrected to the later one: the statement
/// after the corrections posts the difference of the two publications for every year, each caused
/// by the correction of that year alone, and nothing else.
#[test]
fn the_later_publication_is_trued_up_to_the_cent() {
    let (years, total) = expected();
    let mut world = World::in_force(read_terms(&terms()));
    for year in &years {
        report(&mut world, year);
    }
    for year in &years {
        let stated = state(&mut world, year);
        assert_eq!(stated, [entry(year.period, year.figures.earlier, Vec::new())]);
    }
    books(&world, |figures| figures.earlier);
    let mut true_ups = Vec::new();
    for year in &years {
        let correction = correct(&mut world, year);
        true_ups.push(entry(year.period, year.figures.difference, vec![correction]));
    }
    books(&world, |figures| figures.earlier);
    let own = entry(period(AFTER), Amount::ZERO, Vec::new());
    let all: Vec<Entry> = true_ups.iter().cloned().chain([own]).collect();
    assert_eq!(issue(&mut world, period(AFTER)), all);
    let posted = true_ups.iter().fold(Amount::ZERO, |sum, entry| add(sum, entry.base));
    assert_eq!(posted, total.difference);
    books(&world, |figures| figures.later);
    agree_after_every_record(&world);
}

/// When the corrections are recorded changes nothing of what is booked in the end: before the year
/// is stated, between statements, or after all of them and the last year first.
#[test]
fn the_order_of_corrections_changes_no_amount() {
    let (years, _) = expected();
    let mut world = World::in_force(read_terms(&terms()));
    for year in &years {
        report(&mut world, year);
    }
    let mut due: Option<Entry> = None;
    for (at, year) in years.iter().enumerate() {
        let Figures { earlier, later, difference, .. } = year.figures;
        let before = at % 3 == 0;
        if before {
            correct(&mut world, year);
        }
        let own = entry(year.period, if before { later } else { earlier }, Vec::new());
        let stated: Vec<Entry> = due.take().into_iter().chain([own]).collect();
        assert_eq!(state(&mut world, year), stated, "statements of {}", year.year);
        if at % 3 == 1 {
            let correction = correct(&mut world, year);
            due = Some(entry(year.period, difference, vec![correction]));
        }
    }
    let late = years.iter().enumerate().rev().filter(|(at, _)| at % 3 == 2);
    let mut last: Vec<Entry> = due.into_iter().collect();
    for (_, year) in late {
        let correction = correct(&mut world, year);
        last.push(entry(year.period, year.figures.difference, vec![correction]));
    }
    last.push(entry(period(AFTER), Amount::ZERO, Vec::new()));
    last.sort_by_key(|entry| entry.period);
    assert_eq!(issue(&mut world, period(AFTER)), last);
    books(&world, |figures| figures.later);
    agree(&world);
}

/// What identifies a line of a publication, and its numbers by column; zeros are left out.
type Rows = BTreeMap<BTreeMap<String, String>, BTreeMap<String, Sum>>;

/// The rows of a publication, read by another reader than intake. A row is known by its day and
/// attributes; every other column is a number.
fn rows(year: &Year, publication: &str) -> Rows {
    let text = file(&format!("usage-{}-{publication}.csv", year.year));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().expect("a header").clone();
    let mut rows = Rows::new();
    for row in reader.records() {
        let row = row.expect("a row");
        let (mut key, mut numbers) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in names.iter().zip(&row).filter(|(_, value)| !value.is_empty()) {
            if ["day", "land", "region", "revenue_type", "commodity"].contains(&name) {
                key.insert(name.to_owned(), value.to_owned());
                continue;
            }
            let value = Amount::parse(value).expect("a number");
            let sum = Sum::of(&value);
            if !sum.is_zero() {
                numbers.insert(name.to_owned(), sum);
            }
        }
        assert_eq!(rows.insert(key, numbers), None, "a line stands once in a publication");
    }
    rows
}

/// What two publications say differently: per line, the columns that differ, before and after.
type Differences = BTreeMap<BTreeMap<String, String>, BTreeMap<String, (Sum, Sum)>>;

fn differences(before: &Rows, after: &Rows) -> Differences {
    assert!(before.keys().eq(after.keys()), "every line stands in both publications");
    let mut found = Differences::new();
    for ((key, before), after) in before.iter().zip(after.values()) {
        let names = before.keys().chain(after.keys());
        let value = |of: &BTreeMap<String, Sum>, name| of.get(name).copied().unwrap_or_default();
        let changes: BTreeMap<String, (Sum, Sum)> = names
            .map(|name| (name.clone(), (value(before, name), value(after, name))))
            .filter(|(_, (before, after))| before != after)
            .collect();
        if !changes.is_empty() {
            found.insert(key.clone(), changes);
        }
    }
    found
}

/// The changes that the ledger shows, in the same form. A line is there and stays there.
fn shown(changes: &[UsageChange]) -> Differences {
    let mut found = Differences::new();
    for change in changes {
        let mut key = BTreeMap::from([("day".to_owned(), change.key.day.to_string())]);
        let attributes = change.key.attributes.iter();
        key.extend(attributes.map(|(name, value)| (name.to_string(), value.as_str().to_owned())));
        assert_eq!((change.lines, change.key.currency.code()), ((1, 1), "USD"), "{key:?}");
        let mut columns = BTreeMap::new();
        for (name, before, after, difference) in &change.changes {
            assert_eq!(after.0 - before.0, difference.0, "{name} of {key:?}");
            assert_eq!(columns.insert(name.clone(), (*before, *after)), None, "{name} of {key:?}");
        }
        assert_eq!(found.insert(key.clone(), columns), None, "{key:?} is shown once");
    }
    found
}

/// By how much the net of a line moved: gross less the three deductions.
fn moved(change: &UsageChange) -> Sum {
    let of = |(name, _, _, difference): &(String, Sum, Sum, Sum)| match name.as_str() {
        "gross" => difference.0,
        name if name.starts_with("deduction.") => -difference.0,
        _ => 0,
    };
    Sum(change.changes.iter().map(of).sum())
}

/// The comparison of two reports shows each line and each column in which the publications differ,
/// and nothing else; as many lines are restated in their net as the publications say.
#[test]
fn the_comparison_shows_each_differing_line_and_nothing_else() {
    let (years, total) = expected();
    let mut world = World::in_force(read_terms(&terms()));
    let gas = Name::parse("gas_mcf").expect("a meter");
    let (mut restated, mut by_a_dollar, mut quantities_alone) = (0, 0, 0);
    for year in &years {
        report(&mut world, year);
        let first = world.report_of(year.period).expect("the year is reported");
        let second = correct(&mut world, year);
        let changes = view::usage::diff(world.state(), &first, &second).expect("two reports");
        let (before, after) = (rows(year, EARLIER), rows(year, LATER));
        assert_eq!(shown(&changes), differences(&before, &after), "{}", year.year);
        assert!(changes.is_sorted_by(|one, next| one.key < next.key), "in the order of keys");
        let moves: Vec<i128> = changes.iter().map(|change| moved(change).0.abs()).collect();
        let dollar = 10i128.pow(12);
        let counts = [1, dollar].map(|least| moves.iter().filter(|by| **by >= least).count());
        let figures = &year.figures;
        assert_eq!(counts, [figures.restated, figures.restated_by_a_dollar], "{}", year.year);
        restated += counts[0];
        by_a_dollar += counts[1];
        quantities_alone += moves.iter().filter(|by| **by == 0).count();
        // A report compared with itself differs in nothing, whatever it says.
        let same = view::usage::diff(world.state(), &second, &second).expect("one report");
        assert_eq!(same, []);
        let report = view::usage::report(world.state(), &second).expect("the correction");
        assert!(
            !report.usage.total().expect("in bounds").meter(&gas).is_zero(),
            "quantities are kept"
        );
    }
    assert_eq!((restated, by_a_dollar), (total.restated, total.restated_by_a_dollar));
    assert!(quantities_alone > 0, "some lines differ in nothing that is money");
    agree(&world);
}
