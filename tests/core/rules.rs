//! Who may say what, and when: every refusal of the ledger's rules leaves the ledger as it was.

use ledger_core::chain::Signer;
use ledger_core::command::Command;
use ledger_core::decide::Context;
use ledger_core::ledger::Mode;
use ledger_core::ledger::Signing;
use ledger_core::vocab::Code;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Period;
use ledger_core::vocab::Timestamp;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::World;
use revshare_kit::another_machine;
use revshare_kit::booked;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::payable;
use revshare_kit::posted;
use revshare_kit::signer;
use revshare_kit::two_parties;
use revshare_kit::world::version;

use crate::reference::agree;

const SHARE: &str = "share = { meta = \"0.15\" }";

fn january() -> Vec<Line> {
    lines!["2026-01-05" => "1000.00"]
}

/// The collector, the owner, another beneficiary and an arbiter.
fn four_parties() -> TermsBuilder {
    two_parties(SHARE).party("a-lab", "beneficiary").party("expert", "arbiter")
}

#[track_caller]
fn refused(world: &mut World, party: &str, key: &Signer, command: Command) -> Code {
    let before = (world.state().head(), world.root());
    let refused = world.submit_with_key(party, key, command).expect_err("it is refused");
    assert_eq!((world.state().head(), world.root()), before);
    assert!(refused.hint.is_some(), "a refusal says what to do next: {refused}");
    refused.code
}

#[test]
fn nothing_but_acceptance_before_all_have_accepted() {
    let mut world = World::new();
    let terms = four_parties().build();
    let open = || Command::OpenLedger(Box::new(version(four_parties().build())));
    let period = Period::parse("2026-01").expect("a period");
    // An arbiter is no money party; a stranger is no party; a key has one owner.
    assert_eq!(refused(&mut world, "expert", &signer("expert"), open()), Code::NotEntitled);
    assert_eq!(refused(&mut world, "meta", &signer("stranger"), open()), Code::NotAParty);
    assert_eq!(refused(&mut world, "meta", &signer("a-lab"), open()), Code::NotAParty);
    let nil = || Command::ReportUsage { period, supplement: false, blocks: vec![] };
    let host = signer("acme-cloud");
    assert_eq!(refused(&mut world, "acme-cloud", &host, nil()), Code::NotOpened);
    assert_eq!(refused(&mut world, "acme-cloud", &host, Command::Acknowledge), Code::NotOpened);

    world.must("acme-cloud", Command::OpenLedger(Box::new(version(terms))));
    let (opening, _) = world.agreement().opening();
    let accept = || Command::Accept(opening);
    assert_eq!(refused(&mut world, "acme-cloud", &host, nil()), Code::NotAccepted);
    assert_eq!(refused(&mut world, "acme-cloud", &host, accept()), Code::AlreadyAccepted);
    assert_eq!(refused(&mut world, "expert", &signer("expert"), accept()), Code::NotEntitled);
    world.must("meta", accept());
    assert_eq!(refused(&mut world, "acme-cloud", &host, nil()), Code::NotAccepted);
    assert_eq!(refused(&mut world, "meta", &signer("meta"), accept()), Code::Repeat);
    world.must("a-lab", accept());
    world.must("acme-cloud", nil());
    let open_again = refused(&mut world, "acme-cloud", &host, open());
    assert!(matches!(open_again, Code::NotOpened | Code::Repeat), "{open_again:?}");
    let nothing = Command::Accept(EventId::from_bytes([9; 32]));
    assert_eq!(refused(&mut world, "meta", &signer("meta"), nothing), Code::UnknownEvent);
    agree(&world);
}

#[test]
fn only_the_entitled_party_says_a_thing() {
    let given = Given::ledger(four_parties())
        .reported("2026-01", january())
        .stated("2026-01")
        .and(party("acme-cloud").sends("meta", "150.00", "2026-02-20", "wire 1"))
        .after_days(90);
    let (host, meta, lab) = (party("acme-cloud"), party("meta"), party("a-lab"));
    let expert = party("expert");
    given
        .when(meta.reports("2026-02", vec![]))
        .refused(Code::NotEntitled)
        .when(meta.corrects("2026-01", "it was wrong", vec![]))
        .refused(Code::NotEntitled)
        .when(host.notes_missing("2026-02"))
        .refused(Code::NotEntitled)
        .when(lab.notes_missing("2026-02"))
        .refused(Code::NotEntitled)
        .when(expert.issues_statement("2026-02"))
        .refused(Code::NotEntitled)
        .when(host.accepts_statement("2026-01"))
        .refused(Code::NotEntitled)
        .when(meta.sends("a-lab", "1.00", "2026-02-20", "wire 2"))
        .refused(Code::NotEntitled)
        .when(host.confirms("wire 1", "2026-02-21"))
        .refused(Code::NotEntitled)
        .when(lab.confirms("wire 1", "2026-02-21"))
        .refused(Code::NotEntitled)
        .when(lab.returns("wire 1", "not mine"))
        .refused(Code::NotEntitled)
        .when(expert.acknowledges())
        .then(payable("meta", "0"));
}

#[test]
fn reports_follow_the_terms_and_each_other() {
    let host = party("acme-cloud");
    let line = |gross: &str| Line::new("2026-01-05", gross);
    let terms = two_parties(SHARE)
        .ends_on("2026-03-11")
        .meter("tokens")
        .deduction("refunds", None)
        .clause("[attributes]\nterritory = [\"EU\"]");
    let given = Given::ledger(terms)
        .when(host.supplements("2026-01", january()))
        .refused(Code::PeriodNotReported)
        .when(host.reports("2025-12", vec![]))
        .refused(Code::PeriodOutside)
        .when(host.reports("2026-04", vec![]))
        .refused(Code::PeriodOutside)
        .when(host.reports("2026-Q1", vec![]))
        .refused(Code::PeriodLength)
        .when(host.reports("2026-02", january()))
        .refused(Code::RowDay)
        .when(host.reports("2026-03", lines!["2026-03-11" => "1"]))
        .refused(Code::RowDay)
        .when(host.reports("2026-01", vec![line("1").meter("requests", "1")]))
        .refused(Code::LinesNotAdmissible)
        .when(host.reports("2026-01", vec![line("1").deduction("taxes", "1")]))
        .refused(Code::LinesNotAdmissible)
        .when(host.reports("2026-01", vec![line("1").with("tier", "gold")]))
        .refused(Code::LinesNotAdmissible)
        .when(host.reports("2026-01", vec![line("1").with("territory", "US")]))
        .refused(Code::RowAttribute)
        .reported("2026-01", january())
        .when(host.reports("2026-01", january()))
        .refused(Code::Repeat)
        .when(host.reports("2026-01", vec![]))
        .refused(Code::PeriodReported)
        .when(host.corrects("2026-01", "the export was wrong", vec![line("900.00")]))
        .then(payable("meta", "0"));
    let mut world = given.given().into_world();
    let first = world.agreement().reports().find(|report| report.corrects.is_none());
    let first = first.expect("there is a report").id;
    let reason = ledger_core::vocab::Text::parse("again").expect("a text");
    let stale = Command::CorrectUsage { corrects: first, reason, blocks: vec![] };
    let code = refused(&mut world, "acme-cloud", &signer("acme-cloud"), stale);
    assert_eq!(code, Code::CorrectionStale);
    agree(&world);
}

#[test]
fn usage_that_no_rule_matches_is_refused() {
    let terms = TermsBuilder::new("USD", "2026-01-01")
        .party("meta", "owner")
        .party("acme-cloud", "collector")
        .rule("search", &format!("when = {{ application = [\"search\"] }}\n{SHARE}"));
    let host = party("acme-cloud");
    Given::ledger(terms)
        .when(host.reports("2026-01", january()))
        .refused(Code::RowRule)
        .when(host.reports("2026-01", vec![january().remove(0).with("application", "search")]))
        .then(payable("meta", "0"));
}

#[test]
fn a_report_is_missing_after_its_due_day_only() {
    let meta = party("meta");
    // The report of January is due on the 15th of February; the clock starts on the 1st of January.
    let given = Given::ledger(two_parties(SHARE))
        .after_days(45)
        .when(meta.notes_missing("2026-01"))
        .refused(Code::NotYetMissing)
        .after_days(1)
        .and(meta.notes_missing("2026-01"))
        .reported("2026-01", january())
        .when(meta.notes_missing("2026-01"))
        .refused(Code::Repeat)
        .reported("2026-02", vec![])
        .after_days(60)
        .when(meta.notes_missing("2026-02"))
        .refused(Code::PeriodReported);
    agree(&given.into_world());
}

#[test]
fn statements_go_in_order_and_on_after_the_end() {
    let host = party("acme-cloud");
    let given = Given::ledger(two_parties(SHARE).ends_on("2026-02-20"))
        .when(host.issues_statement("2026-01"))
        .refused(Code::PeriodNotReported)
        .reported("2026-02", lines!["2026-02-19" => "100.00"])
        .when(host.issues_statement("2026-02"))
        .refused(Code::StatementOrder)
        .reported("2026-01", january())
        .stated("2026-01")
        .when(host.issues_statement("2026-01"))
        .refused(Code::StatementOrder)
        .stated("2026-02")
        .corrected("2026-01", lines!["2026-01-05" => "900.00"])
        // No report is needed after the end, and nothing is earned; corrections are posted.
        .when(host.issues_statement("2026-03"))
        .then(posted("meta", "2026-01", "-15.00"))
        .then(posted("meta", "2026-03", "0"))
        .then(booked("meta", "2026-02", "15.00"))
        .given()
        .and(party("meta").accepts_statement("2026-03"))
        .when(party("meta").accepts_statement("2026-03"))
        .refused(Code::Repeat);
    agree(&given.into_world());
}

#[test]
fn payouts_keep_to_what_is_payable() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let terms = four_parties().clause("[payment]\nminimum_payout = \"50\"").ends_on("2026-12-31");
    let given = Given::ledger(terms)
        .reported("2026-01", january())
        .stated("2026-01")
        .when(host.sends("meta", "0", "2026-02-20", "wire 1"))
        .refused(Code::AmountNotPositive)
        .when(host.sends("meta", "-1", "2026-02-20", "wire 1"))
        .refused(Code::AmountNotPositive)
        .when(host.sends("meta", "1.001", "2026-02-20", "wire 1"))
        .refused(Code::MinorUnit)
        .when(host.sends("expert", "1.00", "2026-02-20", "wire 1"))
        .refused(Code::NotAParty)
        .when(host.sends("meta", "150.01", "2026-02-20", "wire 1"))
        .refused(Code::AbovePayable)
        .and(host.sends("meta", "120.00", "2026-02-20", "wire 1"))
        .when(host.sends("meta", "30.00", "2026-02-20", "wire 2"))
        .refused(Code::BelowMinimum)
        .when(meta.confirms("wire 1", "2026-02-19"))
        .refused(Code::PayoutDate)
        .and(meta.confirms("wire 1", "2026-02-20"))
        .when(meta.confirms("wire 1", "2026-02-21"))
        .refused(Code::PayoutSettled)
        .when(meta.returns("wire 1", "too late"))
        .refused(Code::PayoutSettled)
        // With a part on account, and after the end, the minimum does not hold anything back.
        .when(host.sends_on_account("meta", "40.00", "2026-02-20", "wire 3"))
        .then(payable("meta", "-10.00"))
        .given()
        .and(meta.returns("wire 3", "the account was closed"))
        .after_days(365)
        .when(host.sends("meta", "30.00", "2026-12-31", "wire 4"))
        .then(payable("meta", "0"));
    agree(&given.given().into_world());
}

#[test]
fn time_runs_forward_and_not_ahead() {
    let mut world = World::in_force(two_parties(SHARE).build());
    world.clock().pass_days(10);
    world.must("meta", Command::Acknowledge);
    let key = signer("meta");
    let now = world.clock().now().micros();
    let minute = 60_000_000;
    let folder = world.close();
    let path = folder.path().join("ledger");
    let machine = another_machine(&path);
    let mut ledger =
        ledger_core::ledger::Ledger::open_for_writing(&path, &machine).expect("it opens");
    let mut try_at = |recorded_at: i64| {
        let context = Context {
            author: ledger_core::event::Author {
                party: ledger_core::vocab::Id::parse("meta").expect("a party id"),
                key: key.public().expect("a key that is not weak"),
            },
            recorded_at: Timestamp::from_micros(recorded_at).expect("a time"),
            now: Timestamp::from_micros(now).expect("a time"),
        };
        let signing = Signing { signer: &key, nonce: [1; 16] };
        let outcome = ledger.submit(Command::Acknowledge, &context, &signing, Mode::DryRun);
        outcome.map(|_| ()).map_err(|problem| problem.code)
    };
    assert_eq!(try_at(now - 1), Err(Code::TimeBackwards));
    assert_eq!(try_at(now), Ok(()));
    assert_eq!(try_at(now + 10 * minute), Ok(()));
    assert_eq!(try_at(now + 10 * minute + 1), Err(Code::FromTheFuture));
}
