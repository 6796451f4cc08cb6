//! Published worked examples (`tests/vectors/worked_examples.toml`), through the real path: a terms
//! file, usage as CSV, reports and statements on a ledger, and what they post, to the last unit.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use ledger_core::command::Command;
use ledger_core::evolve::statement::rate_until;
use ledger_core::intake::read_csv;
use ledger_core::terms::TermsByDay;
use ledger_core::usage::LineBlock;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Date;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;
use ledger_core::vocab::exact;
use revshare_kit::TermsBuilder;
use revshare_kit::World;
use toml_edit::Document;
use toml_edit::InlineTable;
use toml_edit::Table;
use toml_edit::Value;

use crate::reference::agree;
use crate::written::holds_bytes;
use crate::written::root;

/// How many examples there are; none may get lost.
const EXAMPLES: usize = 73;

struct Example(Table);

/// Where the published answer may stand among what is expected of the ledger.
const ANSWERS: [&str; 5] = ["posted", "booked", "topped_up", "payable", "paid"];

/// An amount that is expected for a party, for a period if it belongs to one, and for postings the
/// statement it is in.
struct Expected {
    statement: Option<Period>,
    period: Option<Period>,
    party: Id,
    amount: String,
}

impl Example {
    fn text(&self, key: &str) -> &str {
        self.optional(key).unwrap_or_else(|| panic!("{:?}: no {key}", self.optional("id")))
    }

    fn optional(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    fn list(&self, key: &str) -> Vec<&Value> {
        let list = self.0.get(key).and_then(|item| item.as_array());
        list.into_iter().flatten().collect()
    }

    fn texts(&self, key: &str) -> Vec<&str> {
        self.list(key).into_iter().map(|value| value.as_str().expect("a text")).collect()
    }

    fn tables(&self, key: &str) -> Vec<&InlineTable> {
        self.list(key).into_iter().map(|value| value.as_inline_table().expect("a table")).collect()
    }

    fn expected(&self, key: &str) -> Vec<Expected> {
        let one = |table: &InlineTable| {
            let text = |key: &str| table.get(key).and_then(Value::as_str);
            let period = |text: &str| Period::parse(text).expect("a period");
            Expected {
                statement: text("in").map(period),
                period: text("for").map(period),
                party: Id::parse(text("to").expect("a party")).expect("a party id"),
                amount: text("amount").expect("an amount").to_owned(),
            }
        };
        self.tables(key).into_iter().map(one).collect()
    }

    fn terms(&self) -> TermsBuilder {
        let beneficiaries = match self.texts("beneficiaries") {
            none if none.is_empty() => vec!["meta"],
            listed => listed,
        };
        let starts_on = self.optional("starts_on").unwrap_or("2026-01-01");
        let mut terms = TermsBuilder::new(self.optional("currency").unwrap_or("USD"), starts_on)
            .period(self.optional("period").unwrap_or("month"))
            .rounding(self.optional("rounding").unwrap_or("half_even"), false)
            .party("acme-cloud", "collector");
        for party in beneficiaries {
            terms = terms.party(party, "owner");
        }
        for meter in self.texts("meters") {
            terms = terms.meter(meter);
        }
        if let Some(day) = self.optional("ends_on") {
            terms = terms.ends_on(day);
        }
        terms.clause(self.text("rules"))
    }

    /// Plays the history, and holds every amount against what is expected.
    fn run(&self) {
        let id = self.text("id");
        let mut world = World::in_force(self.terms().build());
        for event in self.tables("history") {
            let of = |key: &str| {
                let text = event.get(key).and_then(Value::as_str);
                text.map(|text| Period::parse(text).expect("a period"))
            };
            let usage = |period: Period| -> Vec<LineBlock> {
                let Some(csv) = event.get("csv").and_then(Value::as_str) else {
                    return Vec::new();
                };
                let agreement = world.agreement();
                let terms = TermsByDay::one(agreement.terms(), agreement.level());
                let usage = read_csv("usage.csv", csv.as_bytes(), &terms, period);
                assert_eq!(usage.problems, [], "{id}");
                usage.blocks
            };
            if let Some(to) = event.get("pay").and_then(Value::as_str) {
                let amount = event.get("amount").and_then(Value::as_str).expect("an amount");
                pay(&mut world, to, amount);
                continue;
            }
            let command = match (of("report"), of("supplement"), of("state")) {
                (Some(period), None, None) => {
                    Command::ReportUsage { period, supplement: false, blocks: usage(period) }
                }
                (None, Some(period), None) => {
                    Command::ReportUsage { period, supplement: true, blocks: usage(period) }
                }
                (None, None, Some(period)) => Command::IssueStatement(period),
                _ => {
                    panic!("{id}: a history has reports, supplements, statements and payouts")
                }
            };
            world.must("acme-cloud", command);
        }
        self.compare(&world);
        agree(&world);
    }

    /// Holds every amount against what is expected.
    fn compare(&self, world: &World) {
        let id = self.text("id");
        let agreement = world.agreement();
        let digits = agreement.terms().currency.minor_digits();
        let postings = self.expected("posted");
        assert!(!postings.is_empty(), "{id}: nothing is expected");
        for Expected { statement, period, party, amount } in postings {
            let statement = statement.expect("a posting is in a statement");
            let period = period.expect("a posting is for a period");
            let record = &agreement.statements()[&statement];
            let entry = record.statement.entries.iter().find(|entry| entry.period == period);
            let share = entry.and_then(|entry| entry.shares.iter().find(|(to, _)| *to == party));
            let found = share.map_or(Amount::ZERO, |(_, amount)| *amount);
            let amount = Amount::parse(&amount).expect("an amount");
            assert_eq!(found, amount, "{id}: posted to {party} for {period}");
            assert!(amount.scale() <= digits, "{id}: the currency has {digits} digits");
        }
        for Expected { period, party, amount, .. } in self.expected("booked") {
            let booked = agreement.booked(period.expect("a period"));
            let share = booked.shares.iter().find(|(to, _)| *to == party);
            let found = share.map(|(_, amount)| amount.to_string());
            assert_eq!(found, Some(amount), "{id}: booked to {party}");
        }
        let rated = |expected: &Expected| {
            let period = expected.period.expect("a period");
            let ratings = rate_until(agreement, period).expect("amounts within bounds");
            let rating = ratings.last().expect("the period is rated");
            rating.share(&expected.party).expect("the party is rated").clone()
        };
        for expected in self.expected("earned") {
            let earned = exact::to_text(&rated(&expected).earned);
            assert_eq!(earned, expected.amount, "{id}: earned by {}", expected.party);
        }
        for expected in self.expected("topped_up") {
            let top_ups = rated(&expected).top_ups;
            let added: Vec<String> = top_ups.iter().map(|one| one.added.to_string()).collect();
            assert_eq!(added, [expected.amount], "{id}: top-up of {}", expected.party);
        }
        for Expected { party, amount, .. } in self.expected("payable") {
            let payable = agreement.account(&party).payable().to_string();
            assert_eq!(payable, amount, "{id}: payable to {party}");
        }
        for Expected { party, amount, .. } in self.expected("paid") {
            let payouts = agreement.payouts().values().map(|record| &record.payout);
            let own = payouts.filter(|payout| payout.to == party);
            let cost = own.map(|payout| payout.cash().checked_add(payout.withheld));
            let cost = cost.map(|cost| cost.expect("an amount").to_string());
            assert_eq!(cost.collect::<Vec<_>>(), [amount], "{id}: paid to {party}");
        }
    }
}

/// The collector sends money after the period, and it arrives.
fn pay(world: &mut World, to: &str, amount: &str) {
    let sent_on = Date::parse("2026-02-20").expect("a day");
    let payout = world.must(
        "acme-cloud",
        Command::SendPayout {
            to: Id::parse(to).expect("a party id"),
            amount: Amount::parse(amount).expect("an amount"),
            on_account: false,
            sent_on,
            reference: Text::parse("wire 1").expect("a text"),
        },
    );
    world.must(to, Command::ConfirmPayout { payout: payout.fact.id, received_on: sent_on });
}

fn examples() -> Vec<Example> {
    let path = root().join("tests/vectors/worked_examples.toml");
    let text = fs::read_to_string(path).expect("the table of examples");
    let document = Document::parse(text).expect("the table is TOML").into_mut();
    let tables = document["example"].as_array_of_tables().expect("[[example]]");
    tables.iter().map(|table| Example(table.clone())).collect()
}

/// Every example that these terms can express comes to its published answer.
#[test]
fn worked_examples_come_to_their_published_answers() {
    let examples = examples();
    for example in examples.iter().filter(|example| example.optional("rules").is_some()) {
        example.run();
    }
}

/// Every example is either run or explained, once, with its source; and what is expected of the
/// ledger holds the published answer, or a note says how it follows.
#[test]
fn every_worked_example_is_run_or_explained() {
    let examples = examples();
    let ids: BTreeSet<&str> = examples.iter().map(|example| example.text("id")).collect();
    assert_eq!((examples.len(), ids.len()), (EXAMPLES, EXAMPLES));
    for example in &examples {
        let id = example.text("id");
        let (runs, reason) = (example.optional("rules"), example.optional("not_expressible"));
        assert!(runs.is_some() != reason.is_some(), "{id} is either run or explained");
        assert!(!example.text("source").is_empty(), "{id} has no source");
        assert!(["stated", "computed"].contains(&example.text("basis")), "{id}");
        if runs.is_some() {
            let amounts: Vec<Amount> = ANSWERS
                .iter()
                .flat_map(|key| example.expected(key))
                .map(|expected| Amount::parse(&expected.amount).expect("an amount"))
                .collect();
            let published = example.texts("expected");
            let all = published
                .iter()
                .all(|text| amounts.contains(&Amount::parse(text).expect("a published amount")));
            assert!(all || example.optional("note").is_some(), "{id}: {published:?} {amounts:?}");
        }
    }
}

/// The cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// `docs/calculation-examples.md` lists what the table holds.
#[test]
fn the_document_lists_every_worked_example() {
    let examples = examples();
    let run: Vec<&Example> = examples.iter().filter(|e| e.optional("rules").is_some()).collect();
    let mut text = format!(
        "# Worked examples\n\n\
         Written from `tests/vectors/worked_examples.toml` by a test that also runs them: a terms \
         file, usage as CSV, a\nledger, statements. {} of {} published examples can be expressed by \
         the terms of this release, and come to their\npublished answers to the last unit; the \
         others say why not. \"Stated\" answers are printed in the source,\n\"computed\" ones follow \
         from a rule that is.\n\n## Run\n\n\
         | example | kind | input | published | posted | source | basis |\n\
         |---|---|---|---|---|---|---|\n",
        run.len(),
        examples.len(),
    );
    for example in &run {
        let posted: Vec<String> =
            example.expected("posted").into_iter().map(|expected| expected.amount).collect();
        let _ = writeln!(
            text,
            "| {} | {} | `{}` | {} | {} | {} | {} |",
            example.text("id"),
            cell(example.text("kind")),
            cell(example.text("input")),
            example.texts("expected").join(", "),
            posted.join(", "),
            cell(example.text("source")),
            example.text("basis"),
        );
    }
    text.push_str("\nHow some of them are expressed:\n\n");
    for example in &run {
        if let Some(note) = example.optional("note") {
            let _ = writeln!(text, "- {}: {note}", example.text("id"));
        }
    }
    text.push_str("\n## Not expressible\n\n| example | kind | published | why not | source |\n");
    text.push_str("|---|---|---|---|---|\n");
    for example in &examples {
        if let Some(reason) = example.optional("not_expressible") {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {reason} | {} |",
                example.text("id"),
                cell(example.text("kind")),
                example.texts("expected").join(", "),
                cell(example.text("source")),
            );
        }
    }
    holds_bytes("docs/calculation-examples.md", text.as_bytes());
}
