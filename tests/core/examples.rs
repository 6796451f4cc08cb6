//! Published worked examples (`tests/vectors/worked_examples.toml`), through the real path: a terms
//! file, usage as CSV, reports, statements and payouts on a ledger, and what they come to, to the
//! last unit.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use ledger_core::command::Command;
use ledger_core::evolve::statement::rate_until;
use ledger_core::intake::read_csv;
use ledger_core::payout::Advance;
use ledger_core::payout::Payout;
use ledger_core::state::Agreement;
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

/// An amount that is expected of a party, a period or a statement.
struct Expected<'a>(&'a InlineTable);

impl Expected<'_> {
    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("no {key}"))
    }

    /// The period of the statement that it is in.
    fn statement(&self) -> Period {
        Period::parse(self.text("in")).expect("a period")
    }

    /// The period that it is for.
    fn period(&self) -> Period {
        Period::parse(self.text("for")).expect("a period")
    }

    fn party(&self) -> Id {
        Id::parse(self.text("to")).expect("a party id")
    }

    fn amount(&self, key: &str) -> Amount {
        Amount::parse(self.text(key)).expect("an amount")
    }
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

    fn expected(&self, key: &str) -> Vec<Expected<'_>> {
        self.tables(key).into_iter().map(Expected).collect()
    }

    fn terms(&self, rules: &str) -> TermsBuilder {
        let beneficiaries = match self.texts("beneficiaries") {
            none if none.is_empty() => vec!["meta"],
            listed => listed,
        };
        let starts_on = self.optional("starts_on").unwrap_or("2026-01-01");
        let mut terms = TermsBuilder::new(self.optional("currency").unwrap_or("USD"), starts_on)
            .period(self.optional("period").unwrap_or("month"))
            .rounding(self.optional("rounding").unwrap_or("half_even"), false)
            .party("acme-cloud", "collector");
        if let Some(day) = self.optional("ends_on") {
            terms = terms.ends_on(day);
        }
        for party in beneficiaries {
            terms = terms.party(party, "owner");
        }
        for meter in self.texts("meters") {
            terms = terms.meter(meter);
        }
        terms.clause(rules)
    }

    /// Plays the history under every way in which the contract is written, and holds every amount
    /// against what is expected.
    fn run(&self) {
        for rules in ["rules", "same_rules"].into_iter().filter_map(|key| self.optional(key)) {
            let mut world = World::in_force(self.terms(rules).build());
            for (at, event) in self.tables("history").into_iter().enumerate() {
                self.play(&mut world, event, at);
            }
            self.holds_statements(world.agreement());
            self.holds_ratings(world.agreement());
            self.holds_accounts(world.agreement());
            agree(&world);
        }
    }

    /// One event of the history: a report, a supplement, a statement, or money that is sent and
    /// received on one day.
    fn play(&self, world: &mut World, event: &InlineTable, at: usize) {
        let id = self.text("id");
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        let report = |period: &str, supplement: bool| {
            let period = Period::parse(period).expect("a period");
            let agreement = world.agreement();
            let blocks = text("csv").map_or_else(Vec::new, |csv| {
                let terms = agreement.versions().by_day(period, agreement.level());
                let usage = read_csv("usage.csv", csv.as_bytes(), &terms, period);
                assert_eq!(usage.problems, [], "{id}");
                usage.blocks
            });
            Command::ReportUsage { period, supplement, blocks }
        };
        let said = ["report", "supplement", "state", "pay", "advance"];
        let said: Vec<(&str, &str)> =
            said.into_iter().filter_map(|key| Some((key, text(key)?))).collect();
        let [(what, of)] = said[..] else { panic!("{id}: event {at} says one thing") };
        let command = match what {
            "report" => report(of, false),
            "supplement" => report(of, true),
            "state" => Command::IssueStatement(Period::parse(of).expect("a period")),
            _ => return self.pay(world, &Expected(event), what, at),
        };
        world.must("acme-cloud", command);
    }

    /// Money is sent, and confirmed by whom it is for.
    fn pay(&self, world: &mut World, event: &Expected, what: &str, at: usize) {
        let (to, amount) = (event.party(), event.amount(what));
        let on = Date::parse(event.text("on")).expect("a day");
        let reference = Text::parse(&format!("wire {at}")).expect("a reference");
        let command = match what {
            "advance" => {
                Command::PayAdvance(Advance { to: to.clone(), amount, paid_on: on, reference })
            }
            _ => Command::SendPayout {
                to: to.clone(),
                amount,
                on_account: false,
                sent_on: on,
                reference,
            },
        };
        let payout = world.must("acme-cloud", command).fact.id;
        world.must(to.as_str(), Command::ConfirmPayout { payout, received_on: on });
    }

    /// What statements posted and recouped, and what all of them booked and left to the collector.
    fn holds_statements(&self, agreement: &Agreement) {
        let id = self.text("id");
        let digits = agreement.terms().currency.minor_digits();
        let postings = self.expected("posted");
        assert!(!postings.is_empty(), "{id}: nothing is expected");
        for expected in postings {
            let (period, party) = (expected.period(), expected.party());
            let record = &agreement.statements()[&expected.statement()];
            let entry = record.statement.entries.iter().find(|entry| entry.period == period);
            let share = entry.and_then(|entry| entry.shares.iter().find(|(to, _)| *to == party));
            let found = share.map_or(Amount::ZERO, |(_, amount)| *amount);
            let amount = expected.amount("amount");
            assert_eq!(found, amount, "{id}: posted to {party} for {period}");
            assert!(amount.scale() <= digits, "{id}: the currency has {digits} digits");
        }
        for expected in self.expected("recouped") {
            let (period, party) = (expected.statement(), expected.party());
            let found = agreement.statements()[&period].statement.recouped_of(&party);
            assert_eq!(found, expected.amount("amount"), "{id}: recouped of {party} in {period}");
        }
        for expected in self.expected("booked") {
            let (period, party) = (expected.period(), expected.party());
            let booked = agreement.booked(period);
            let share = booked.shares.iter().find(|(to, _)| *to == party);
            let found = share.map(|(_, amount)| amount.to_string());
            let amount = Some(expected.text("amount").to_owned());
            assert_eq!(found, amount, "{id}: booked to {party} for {period}");
        }
        for expected in self.expected("kept") {
            let booked = agreement.booked(expected.period());
            let shares = booked.shares.iter().map(|(_, amount)| *amount);
            let kept = shares.fold(booked.base, |rest, share| {
                rest.checked_sub(share).expect("amounts within bounds")
            });
            assert_eq!(kept, expected.amount("amount"), "{id}: kept by the collector");
        }
    }

    /// What was earned before rounding, and what guarantees added.
    fn holds_ratings(&self, agreement: &Agreement) {
        let id = self.text("id");
        let rating = |expected: &Expected| {
            let ratings = rate_until(agreement, expected.period()).expect("amounts within bounds");
            let rating = ratings.last().expect("the period is rated");
            rating.share(&expected.party()).expect("the party is rated").clone()
        };
        for expected in self.expected("earned") {
            let earned = exact::to_text(&rating(&expected).earned);
            assert_eq!(earned, expected.text("amount"), "{id}: earned in {}", expected.period());
        }
        for expected in self.expected("topped_up") {
            let added: Vec<Amount> =
                rating(&expected).top_ups.iter().map(|one| one.added).collect();
            assert_eq!(
                added,
                [expected.amount("amount")],
                "{id}: topped up in {}",
                expected.period()
            );
        }
    }

    /// What was paid, with the tax withheld, and what is left to pay.
    fn holds_accounts(&self, agreement: &Agreement) {
        let id = self.text("id");
        for expected in self.expected("paid") {
            let party = expected.party();
            let all = agreement.payouts().all();
            let payouts = all.values().map(|record| &record.payout);
            let of_party: Vec<&Payout> = payouts.filter(|payout| payout.to == party).collect();
            let [payout] = of_party[..] else { panic!("{id}: one payout to {party}") };
            let cost = payout
                .cash()
                .expect("in bounds")
                .checked_add(payout.withheld)
                .expect("within bounds");
            let found = [payout.cash().expect("in bounds"), payout.withheld, cost];
            let amounts = ["cash", "withheld", "cost"].map(|key| expected.amount(key));
            assert_eq!(found, amounts, "{id}: cash, tax and cost of the payout to {party}");
            assert_eq!(agreement.account(&party).withheld, payout.withheld, "{id}: tax of {party}");
        }
        for expected in self.expected("payable") {
            let party = expected.party();
            let found = agreement.payable(&party).expect("in bounds");
            assert_eq!(found, expected.amount("amount"), "{id}: payable to {party}");
        }
    }

    /// What the example comes to, for the document.
    fn comes_to(&self) -> String {
        let mut text = String::new();
        let lists = [
            ("posted", "amount", ""),
            ("topped_up", "amount", " topped up"),
            ("kept", "amount", " kept"),
            ("paid", "cost", " with tax"),
        ];
        for (key, amount, what) in lists {
            for expected in self.expected(key) {
                let separator = if text.is_empty() { "" } else { ", " };
                let _ = write!(text, "{separator}{}{what}", expected.text(amount));
            }
        }
        text
    }
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
            let lists = ["posted", "booked", "topped_up", "kept"];
            let amounts = lists.iter().flat_map(|key| example.expected(key));
            let amounts = amounts.map(|expected| expected.amount("amount"));
            let costs = example.expected("paid").into_iter().map(|paid| paid.amount("cost"));
            let amounts: Vec<Amount> = amounts.chain(costs).collect();
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
         file, usage as CSV, a\nledger, statements, payouts. {} of {} published examples can be \
         expressed by the terms of this release, and come to\ntheir published answers to the last \
         unit; the others say why not. \"Stated\" answers are printed in the source,\n\"computed\" \
         ones follow from a rule that is.\n\n## Run\n\n\
         | example | kind | input | published | comes to | source | basis |\n\
         |---|---|---|---|---|---|---|\n",
        run.len(),
        examples.len(),
    );
    for example in &run {
        let _ = writeln!(
            text,
            "| {} | {} | `{}` | {} | {} | {} | {} |",
            example.text("id"),
            cell(example.text("kind")),
            cell(example.text("input")),
            example.texts("expected").join(", "),
            example.comes_to(),
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
