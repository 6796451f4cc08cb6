//! Audits: claimed, recomputed, short, and who bears the cost.

use std::collections::BTreeMap;

use ledger_core::evolve::statement::rate_until;
use ledger_core::state::State;
use ledger_core::usage::UsageSums;
use ledger_core::view::audit::Audit;
use ledger_core::view::audit::Question;
use ledger_core::view::audit::audit;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Currency;
use ledger_core::vocab::Date;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::Problem;
use ledger_core::vocab::exact;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::World;
use revshare_kit::blocks;
use revshare_kit::lines;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::two_parties;
use revshare_kit::world::version;

use crate::runs::holds;

const TENTH: &str = "share = { meta = \"0.10\" }";

fn period(text: &str) -> Period {
    Period::parse(text).expect("a period")
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).expect("an amount")
}

/// A tenth, and an audit that looks back so many months.
fn audited(months: u16, shift: &str, of: &str) -> TermsBuilder {
    two_parties(TENTH).clause(&format!(
        "[windows]\naudit = {{ lookback_months = {months}, cost_shift = \"{shift}\", of = \"{of}\" }}"
    ))
}

fn question(first: &str, last: &str) -> Question<'static> {
    Question {
        first: period(first),
        last: period(last),
        claimed: None,
        replaced: BTreeMap::new(),
        terms: None,
    }
}

fn found(world: &World, question: &Question<'_>) -> Audit {
    audit(world.state(), question).unwrap_or_else(|problem| panic!("{problem}"))
}

fn refused(world: &World, question: &Question<'_>) -> Problem {
    audit(world.state(), question).expect_err("a refusal")
}

/// Claimed, recomputed, short; of everything.
fn all(audit: &Audit) -> [String; 3] {
    let sums = audit.all.sums;
    [sums.claimed, sums.recomputed, sums.shortfall].map(|amount| amount.to_string())
}

/// January stated (record 3) as 100, corrected (4) to 120; February (5) stated (6) as 50.
fn corrected(terms: TermsBuilder) -> World {
    Given::ledger(terms)
        .reported("2026-01", lines!["2026-01-05" => "1000.00"])
        .stated("2026-01")
        .corrected("2026-01", lines!["2026-01-05" => "1200.00"])
        .reported("2026-02", lines!["2026-02-05" => "500.00"])
        .stated("2026-02")
        .into_world()
}

#[test]
fn what_a_statement_posted_first_is_what_was_claimed() {
    let world = corrected(audited(24, "0.05", "due"));
    let audit = found(&world, &question("2026-01", "2026-02"));
    assert_eq!(all(&audit), ["150", "170", "20"]);
    let moved = |at: usize| audit.periods[at].moved_by.iter().map(|one| one.seq);
    assert_eq!(moved(0).collect::<Vec<_>>(), [Some(4)]);
    assert_eq!(moved(1).count(), 0);
    assert_eq!(audit.periods[0].base.shortfall, amount("200"));
    // 20 of 170 is 2/17, more than a twentieth.
    assert_eq!(audit.all.part.as_ref().map(exact::to_text).as_deref(), Some("2/17"));
    assert_eq!(audit.all.shifts, Some(true));
    assert_eq!(audit.parties.len(), 1);
    let only = found(&world, &question("2026-02", "2026-02"));
    assert_eq!((all(&only), only.all.shifts), (["50", "50", "0"].map(str::to_owned), Some(false)));
}

#[test]
fn what_was_booked_at_a_point_is_what_was_claimed_there() {
    let world = corrected(audited(24, "0.05", "due"));
    let at = |seq: u64| world.ledger().state_at(seq).expect("a state");
    let of = |state: &State, last: &str| {
        let question = Question { claimed: Some(state), ..question("2026-01", last) };
        audit(world.state(), &question)
    };
    let audit = of(&at(3), "2026-01").expect("an audit");
    assert_eq!(all(&audit), ["100", "120", "20"]);
    assert_eq!(audit.periods[0].moved_by.len(), 1);
    let audit = of(&at(6), "2026-02").expect("an audit");
    assert_eq!(all(&audit), ["170", "170", "0"]);
    assert_eq!(audit.periods[0].moved_by.len(), 0);
    let problem = of(&at(3), "2026-02").expect_err("February was not stated");
    assert_eq!(
        (problem.code, problem.to_string().contains("--claimed-at")),
        (Code::AuditClause, true)
    );
}

#[test]
fn what_no_statement_has_posted_yet_is_named_as_well() {
    let world = corrected(audited(24, "0.05", "due"));
    let world =
        Given::from(world).corrected("2026-01", lines!["2026-01-05" => "1300.00"]).into_world();
    let audit = found(&world, &question("2026-01", "2026-01"));
    assert_eq!(all(&audit), ["100", "130", "30"]);
    let moved = audit.periods[0].moved_by.iter().map(|one| one.seq).collect::<Vec<_>>();
    assert_eq!(moved, [Some(4), Some(7)]);
}

/// An auditor's lines in the place of January's.
fn with_lines(world: &World, gross: &[&str]) -> BTreeMap<ledger_core::vocab::EventId, UsageSums> {
    let usd = Currency::parse("USD").expect("a currency");
    let lines: Vec<Line> = gross.iter().map(|gross| Line::new("2026-01-05", gross)).collect();
    let mut sums = UsageSums::default();
    blocks(&lines, usd, usize::MAX).iter().for_each(|block| block.add_to(&mut sums));
    let reported = world.report_of(period("2026-01")).expect("a report");
    BTreeMap::from([(reported, sums)])
}

#[test]
fn the_threshold_is_exact() {
    // With 100 claimed, x short is x of 100 + x that were due.
    let cases = [
        ("due", "0.05", "1052.63", false), // 5.26 of 105.26 is 4.997 %
        ("due", "0.05", "1052.70", true),  // 5.27 of 105.27 is 5.006 %
        ("due", "0.05", "1000.00", false),
        ("due", "0", "1000.00", false), // nothing is short
        ("due", "0", "1000.10", true),
        ("reported", "0.05", "1049.90", false), // 4.99 of 100
        ("reported", "0.05", "1050.00", true),  // 5 of 100: from 5 % on
        ("reported", "1", "1999.90", false),
        ("reported", "1", "2000.00", true),
        ("due", "1", "2000.00", false), // a claim of something is never short of everything
        ("due", "0", "900.00", false),  // too much was claimed
    ];
    for (of, shift, gross, shifts) in cases {
        let world = Given::ledger(audited(24, shift, of))
            .reported("2026-01", lines!["2026-01-05" => "1000.00"])
            .stated("2026-01")
            .into_world();
        let replaced = with_lines(&world, &[gross]);
        let question = Question { replaced, ..question("2026-01", "2026-01") };
        let audit = found(&world, &question);
        assert_eq!(audit.all.shifts, Some(shifts), "{gross}: {shift} of {of}");
        assert_eq!(audit.parties[0].shifts, Some(shifts), "{gross}: {shift} of {of}");
    }
}

#[test]
fn nothing_claimed_and_nothing_due_shift_nothing_and_divide_nothing() {
    for of in ["due", "reported"] {
        let world = Given::ledger(audited(24, "0.05", of))
            .reported("2026-01", vec![])
            .stated("2026-01")
            .into_world();
        let audit = found(&world, &question("2026-01", "2026-01"));
        assert_eq!((&audit.all.part, audit.all.shifts), (&None, Some(false)), "{of}");
        let replaced = with_lines(&world, &["0.10"]);
        let audit = found(&world, &Question { replaced, ..question("2026-01", "2026-01") });
        assert_eq!(audit.all.shifts, Some(true), "{of}: a cent of nothing");
        assert_eq!(audit.all.part.is_none(), of == "reported");
    }
}

#[test]
fn other_terms_are_assumed_from_a_day_on() {
    let world = corrected(audited(24, "0.05", "due"));
    let fifth = version(two_parties("share = { meta = \"0.20\" }").build());
    let from = Date::parse("2026-02-01").expect("a day");
    let terms = Some((fifth, from));
    let audit = found(&world, &Question { terms, ..question("2026-01", "2026-02") });
    assert_eq!(all(&audit), ["150", "220", "70"]);
    // The clause is that of the terms that were accepted.
    assert!(audit.clause.is_some());
}

#[test]
fn without_a_clause_nothing_is_said_of_the_cost() {
    let world = corrected(two_parties(TENTH));
    let audit = found(&world, &question("2026-01", "2026-02"));
    assert_eq!(all(&audit), ["150", "170", "20"]);
    assert_eq!((audit.clause, audit.since, audit.all.shifts), (None, None, None));
}

#[test]
fn only_stated_periods_inside_the_lookback_are_audited() {
    let world = corrected(audited(2, "0.05", "due"));
    let code = |first: &str, last: &str| refused(&world, &question(first, last)).code;
    assert_eq!(code("2026-02", "2026-01"), Code::AuditClause);
    assert_eq!(code("2026-01", "2026-03"), Code::AuditClause);
    assert_eq!(code("2025-12", "2026-01"), Code::AuditClause);
    assert_eq!(code("2026-Q1", "2026-Q1"), Code::PeriodLength);
    let none = Given::ledger(audited(2, "0.05", "due")).into_world();
    assert_eq!(refused(&none, &question("2026-01", "2026-01")).code, Code::AuditClause);
    // Two months before 31 March is 31 January, the last day of that month; before 1 April it is
    // 1 February.
    for (day, inside) in [("2026-03-31", true), ("2026-04-01", false)] {
        let mut given = Given::from(corrected(audited(2, "0.05", "due")));
        let at = given.world().state().recorded_at().date();
        let days = Date::parse(day).expect("a day").days() - at.days();
        given = given.after_days(days.into()).reported("2026-03", vec![]);
        let world = given.into_world();
        assert_eq!(world.state().recorded_at().date().to_string(), day);
        match audit(world.state(), &question("2026-01", "2026-02")) {
            Ok(audit) => assert_eq!(
                (inside, audit.since.map(|d| d.to_string()).as_deref()),
                (true, Some("2026-01-31"))
            ),
            Err(problem) => {
                assert_eq!((inside, problem.code), (false, Code::AuditClause));
                let hint = problem.hint.unwrap_or_default();
                assert!(hint.contains("revshare audit 2026-02 2026-02"), "{hint}");
            }
        }
    }
}

#[test]
fn lines_replace_what_corrected_a_report_and_only_reports() {
    let world = corrected(audited(24, "0.05", "due"));
    let agreement = world.agreement();
    let first = agreement.reports().find(|report| report.seq == 2).expect("record 2").id;
    let lines = with_lines(&world, &["2000.00"]).into_values().next().expect("lines");
    let replaced = BTreeMap::from([(first, lines.clone())]);
    let audit = found(&world, &Question { replaced, ..question("2026-01", "2026-01") });
    assert_eq!(all(&audit), ["100", "200", "100"]);
    let code =
        |replaced| refused(&world, &Question { replaced, ..question("2026-01", "2026-01") }).code;
    let current = agreement.current(&first);
    assert_eq!(
        code(BTreeMap::from([(first, lines.clone()), (current, lines.clone())])),
        Code::WhatIf
    );
    let february = world.report_of(period("2026-02")).expect("a report");
    assert_eq!(code(BTreeMap::from([(february, lines.clone())])), Code::WhatIf);
    let statement = agreement.statements()[&period("2026-01")].id;
    assert_eq!(code(BTreeMap::from([(statement, lines)])), Code::WhatIf);
}

#[test]
fn what_one_was_paid_too_much_makes_up_for_what_another_lacks() {
    let terms = audited(24, "0.05", "due")
        .party("lab", "beneficiary")
        .clause("")
        .toml()
        .replace(TENTH, "share = { lab = \"0.10\", meta = \"0.10\" }");
    let world = Given::under(revshare_kit::terms::read_terms(&terms))
        .reported("2026-01", lines!["2026-01-05" => "1000.00"])
        .stated("2026-01")
        .into_world();
    let other = terms.replace("lab = \"0.10\", meta = \"0.10\"", "lab = \"0.05\", meta = \"0.15\"");
    let version = version(revshare_kit::terms::read_terms(&other));
    let from = Date::parse("2026-01-01").expect("a day");
    let question = Question { terms: Some((version, from)), ..question("2026-01", "2026-01") };
    let audit = found(&world, &question);
    let of = |id: &str| {
        let id = Id::parse(id).expect("an id");
        audit.parties.iter().find(|one| one.party.as_ref() == Some(&id)).expect("a party").clone()
    };
    assert_eq!((of("lab").sums.shortfall, of("lab").shifts), (amount("-50"), Some(false)));
    assert_eq!((of("meta").sums.shortfall, of("meta").shifts), (amount("50"), Some(true)));
    assert_eq!(
        (all(&audit), audit.all.shifts),
        (["200", "200", "0"].map(str::to_owned), Some(false))
    );
}

/// Over any history: what was booked at the head is short of exactly what no statement has posted,
/// what was claimed first is short of that and every true-up since, and wherever something is short,
/// an event is named that moved it.
#[test]
fn what_is_short_is_what_was_posted_since_and_what_is_pending() {
    holds(60, plan(4..20), |plan| {
        let world = play(&plan);
        let (state, agreement) = (world.state(), world.agreement());
        let stated = agreement.statements();
        let Some((first, last)) = stated.keys().next().zip(stated.keys().next_back()) else {
            return;
        };
        let (first, last) = (*first, *last);
        let asked =
            Question { first, last, claimed: Some(state), replaced: BTreeMap::new(), terms: None };
        // Terms of random ledgers may have a clause that reaches less far, and a correction may bring
        // a currency without a rate.
        let at_head = match audit(state, &asked) {
            Ok(audit) => audit,
            Err(problem) => {
                let is_known = matches!(problem.code, Code::AuditClause | Code::FxMissing);
                assert!(is_known, "{problem}");
                return;
            }
        };
        let from_first = found(&world, &Question { claimed: None, ..asked });
        let rated = rate_until(agreement, last).expect("stated periods can be rated");
        for (at, rating) in rated.iter().enumerate() {
            let (head, early) = (&at_head.periods[at], &from_first.periods[at]);
            assert_eq!((head.period, early.period), (rating.period, rating.period));
            for (share, (party, sums)) in rating.shares.iter().zip(&head.shares) {
                assert_eq!((&share.party, share.amount), (party, sums.recomputed));
                assert_eq!(sums.claimed, agreement.booked_to(rating.period, party));
                let later = stated.values().filter(|one| one.statement.period > rating.period);
                let entries = later.flat_map(|one| &one.statement.entries);
                let true_ups = entries.filter(|entry| entry.period == rating.period);
                let shares = true_ups.flat_map(|entry| &entry.shares);
                let posted = shares.filter(|(id, _)| id == party).map(|(_, amount)| *amount);
                let since =
                    posted.fold(sums.shortfall, |sum, one| sum.checked_add(one).expect("a sum"));
                let first = early.shares.iter().find(|(id, _)| id == party).expect("a share").1;
                assert_eq!(first.shortfall, since);
            }
            for period in [head, early] {
                let is_moved = period.shares.iter().any(|(_, sums)| !sums.shortfall.is_zero());
                assert!(!is_moved || !period.moved_by.is_empty(), "{}", period.period);
                assert!(period.moved_by.is_sorted_by_key(|named| named.seq));
            }
        }
    });
}
