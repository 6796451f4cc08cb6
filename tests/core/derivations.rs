//! Every number on the way from lines to an amount, worked by hand: steps up and down, flat amounts
//! that are given back, whole tiers whose text changes, caps, guarantees, and the days of points.

use ledger_core::evolve::statement::rate_until;
use ledger_core::rating::PartyRating;
use ledger_core::rating::RuleRating;
use ledger_core::rating::derivation::Operation;
use ledger_core::terms::Window;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::exact;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::World;
use revshare_kit::booked;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::posted;
use revshare_kit::two_parties;

use crate::reference::agree;

/// Three steps by revenue over a year; the second and the third have a flat amount.
fn steps_with_flats(kind: &str) -> String {
    format!(
        "tiers = {{ by = \"revenue\", over = \"year\", kind = \"{kind}\" }}\n\
         steps = [ {{ up_to = \"1000\", share = {{ meta = \"0.10\" }} }}, \
         {{ up_to = \"2000\", share = {{ meta = \"0.20\" }}, flat = {{ meta = \"50\" }} }}, \
         {{ share = {{ meta = \"0.30\" }}, flat = {{ meta = \"70\" }} }} ]"
    )
}

/// The only rule of a month.
fn rule(world: &World, of: &str) -> RuleRating {
    let period = Period::parse(of).expect("a period");
    let ratings = rate_until(world.agreement(), period).expect("amounts within bounds");
    let last = ratings.into_iter().last().expect("the period is rated");
    let [rule] = last.rules.try_into().expect("one rule in one stretch");
    rule
}

/// What meta gets in a month.
fn meta(world: &World, of: &str) -> PartyRating {
    let period = Period::parse(of).expect("a period");
    let ratings = rate_until(world.agreement(), period).expect("amounts within bounds");
    let last = ratings.last().expect("the period is rated");
    last.share(&Id::parse("meta").expect("an id")).expect("meta is a beneficiary").clone()
}

/// Step, kind of operation and product of each operand.
fn operands(rule: &RuleRating) -> Vec<(usize, &'static str, String)> {
    let name = |what: &Operation| match what {
        Operation::Share { stretch: Some(_), .. } => "share of a stretch",
        Operation::Share { stretch: None, .. } => "share",
        Operation::PerUnit { .. } => "per unit",
        Operation::Flat { back: false, .. } => "flat",
        Operation::Flat { back: true, .. } => "flat, back",
        Operation::WindowBefore => "window before",
        Operation::WindowShare { .. } => "window",
    };
    let each = rule.operands.iter();
    each.map(|one| (one.step, name(&one.what), exact::to_text(&one.earned))).collect()
}

fn expected<const N: usize>(
    rows: [(usize, &'static str, &str); N],
) -> Vec<(usize, &'static str, String)> {
    rows.into_iter().map(|(step, what, earned)| (step, what, earned.to_owned())).collect()
}

/// A month below zero walks down the steps that the months before walked up, and gives back the
/// flat amounts of the steps that it leaves.
#[test]
fn a_position_that_falls_gives_back_shares_and_flats() {
    let given = Given::ledger(two_parties(&steps_with_flats("marginal")))
        .reported("2026-01", lines!["2026-01-05" => "900", "2026-01-06" => "600"])
        .when(party("meta").issues_statement("2026-01"))
        .then(posted("meta", "2026-01", "250"))
        .given()
        .reported("2026-02", lines!["2026-02-05" => "-700"])
        .when(party("meta").issues_statement("2026-02"))
        .then(posted("meta", "2026-02", "-170"))
        .given()
        .reported("2026-03", vec![])
        .stated("2026-03");
    let world = given.into_world();
    let january = rule(&world, "2026-01");
    let up =
        [(1, "share of a stretch", "100"), (2, "share of a stretch", "100"), (2, "flat", "50")];
    assert_eq!(operands(&january), expected(up));
    assert_eq!((exact::to_text(&january.base()), january.lines()), ("1500".to_owned(), 2));
    assert_eq!(january.steps(), [1, 2]);
    let february = rule(&world, "2026-02");
    let down = [
        (1, "share of a stretch", "-20"),
        (2, "share of a stretch", "-100"),
        (2, "flat, back", "-50"),
    ];
    assert_eq!(operands(&february), expected(down));
    assert_eq!(exact::to_text(&february.base()), "-700");
    let tier = february.tier.expect("it has steps");
    assert_eq!(
        (exact::to_text(&tier.before), exact::to_text(&tier.after)),
        ("1500".into(), "800".into())
    );
    assert_eq!(operands(&rule(&world, "2026-03")), []);
    agree(&world);
}

/// A step that a position reaches the end of, and does not pass, is the only one that is used; lines
/// without the quantity that a tier counts are rated in the step that the position stands in.
#[test]
fn lines_without_a_quantity_stand_where_the_position_stands() {
    let steps = "tiers = { by = \"units\", over = \"year\", kind = \"marginal\" }\n\
                 steps = [ { up_to = \"10\", share = { meta = \"0.1\" } }, \
                 { share = { meta = \"0.5\" } } ]";
    let units =
        |day: &str, gross: &str, units: &str| vec![Line::new(day, gross).meter("units", units)];
    let world = Given::ledger(two_parties(steps).meter("units"))
        .reported("2026-01", units("2026-01-05", "100", "10"))
        .reported("2026-02", units("2026-02-05", "100", "0"))
        .reported("2026-03", units("2026-03-05", "100", "1"))
        .reported("2026-04", units("2026-04-05", "100", "0"))
        .into_world();
    for (of, row) in [
        ("2026-01", (1, "share of a stretch", "10")),
        ("2026-02", (1, "share", "10")),
        ("2026-03", (2, "share of a stretch", "50")),
        ("2026-04", (2, "share", "50")),
    ] {
        assert_eq!(operands(&rule(&world, of)), expected([row]), "{of}");
    }
    agree(&world);
}

/// A rule without steps has none in its derivation.
#[test]
fn a_rule_without_steps_uses_none() {
    let given = Given::ledger(two_parties("share = { meta = \"0.15\" }"));
    let world = given.reported("2026-01", lines!["2026-01-05" => "100"]).into_world();
    let rule = rule(&world, "2026-01");
    assert_eq!(operands(&rule), expected([(0, "share", "15")]));
    assert_eq!(rule.steps(), Vec::<usize>::new());
    assert!(meta(&world, "2026-01").caps.is_empty(), "nothing is capped");
}

/// A whole tier applies the step that the window stands in to all of it, and takes off what was
/// earned before; from a change of its text on, it is about the lines behind the change, and charges
/// no flat amount again.
#[test]
fn a_whole_tier_begins_anew_where_its_text_changes() {
    let other = steps_with_flats("whole").replace("0.20", "0.40");
    let given = Given::ledger(two_parties(&steps_with_flats("whole")))
        .reported("2026-01", lines!["2026-01-05" => "800"])
        .reported("2026-02", lines!["2026-02-05" => "400"])
        .reported("2026-03", lines!["2026-03-05" => "100"])
        .amended(two_parties(&other), "2026-03-01");
    let world = given.into_world();
    assert_eq!(operands(&rule(&world, "2026-01")), expected([(1, "window", "80")]));
    let february = [(2, "window", "240"), (2, "flat", "50"), (1, "window before", "-80")];
    assert_eq!(operands(&rule(&world, "2026-02")), expected(february));
    let march = [(2, "window", "40"), (2, "flat", "50"), (2, "flat, back", "-50")];
    assert_eq!(operands(&rule(&world, "2026-03")), expected(march));
    agree(&world);
}

/// What is taken back comes off what was cut first, once; and the derivation lists a window only
/// where it has a cap or changes the amount.
#[test]
fn what_was_cut_is_taken_back_once() {
    let whole = |clause: &str| two_parties("share = { meta = \"1\" }").clause(clause);
    let capped = whole("[[cap]]\nto = \"meta\"\namount = \"100\"\nover = \"year\"");
    let mut given = Given::ledger(capped);
    for (of, gross) in [("01", "160"), ("02", "-50"), ("03", "-30"), ("04", "15"), ("05", "50")] {
        given =
            given.reported(&format!("2026-{of}"), vec![Line::new(&format!("2026-{of}-01"), gross)]);
    }
    // Without a cap, what it cut before still comes off first.
    given = given
        .amended(whole(""), "2026-06-01")
        .reported("2026-06", lines!["2026-06-01" => "-20"])
        .reported("2026-07", lines!["2026-07-01" => "-30"])
        .reported("2026-08", lines!["2026-08-01" => "10"]);
    let world = given.into_world();
    let caps = |of: &str| -> Vec<(Window, bool, String, String)> {
        let share = meta(&world, of);
        let caps = share.caps.iter();
        caps.map(|one| (one.over, one.cap.is_some(), one.before.to_string(), one.after.to_string()))
            .collect()
    };
    let year = |is_capped: bool, before: &str, after: &str| {
        vec![(Window::Year, is_capped, before.to_owned(), after.to_owned())]
    };
    assert_eq!(caps("2026-01"), year(true, "160", "100"));
    assert_eq!(caps("2026-02"), year(true, "-50", "0"));
    assert_eq!(caps("2026-03"), year(true, "-30", "-20"));
    assert_eq!(caps("2026-04"), year(true, "15", "15"));
    assert_eq!(caps("2026-05"), year(true, "50", "5"));
    assert_eq!(caps("2026-06"), year(false, "-20", "0"));
    assert_eq!(caps("2026-07"), year(false, "-30", "-5"));
    assert_eq!(caps("2026-08"), []);
    agree(&world);
}

/// A guarantee over each period is due in each period of the agreement, and in none after its end.
#[test]
fn a_guarantee_over_a_period_is_due_in_each() {
    let guaranteed = two_parties("share = { meta = \"1\" }")
        .clause("[[minimum]]\nto = \"meta\"\namount = \"100\"\nover = \"period\"")
        .ends_on("2026-03-01");
    let given = Given::ledger(guaranteed)
        .reported("2026-01", lines!["2026-01-05" => "30"])
        .stated("2026-01")
        .reported("2026-02", vec![])
        .stated("2026-02")
        .when(party("meta").issues_statement("2026-03"))
        .then(booked("meta", "2026-01", "100"))
        .then(booked("meta", "2026-02", "100"))
        .then(booked("meta", "2026-03", "0"));
    let world = given.given().into_world();
    let added = |of: &str| meta(&world, of).top_ups.iter().map(|one| one.added).collect::<Vec<_>>();
    assert_eq!(added("2026-01"), [Amount::from_whole(70)]);
    assert_eq!(added("2026-03"), []);
    agree(&world);
}

/// The points of an exclusivity count on its first day and on the last day before its end.
#[test]
fn the_points_of_an_exclusivity_end_before_its_last_day() {
    let terms: TermsBuilder = two_parties("share = { meta = \"0.10\" }").clause(
        "[[exclusivity]]\nid = \"only-here\"\nfrom = 2026-01-10\nto = 2026-01-20\n\
         add = { meta = \"0.05\" }",
    );
    for (day, money) in [("09", "10"), ("10", "15"), ("19", "15"), ("20", "10")] {
        let line = vec![Line::new(&format!("2026-01-{day}"), "100")];
        let given = Given::ledger(terms.clone()).reported("2026-01", line);
        let given = given.when(party("meta").issues_statement("2026-01"));
        agree(&given.then(posted("meta", "2026-01", money)).given().into_world());
    }
}

/// A contribution counts on the days of any of its claims that were accepted, once, and on no day
/// between them.
#[test]
fn a_contribution_counts_on_the_days_of_any_claim() {
    let terms = two_parties("share = { meta = \"0.10\" }")
        .clause("[[contribution]]\nid = \"tuning\"\nby = \"meta\"\nadd = { meta = \"0.05\" }");
    let meta = party("meta");
    let claimed = |given: Given, from: &str, to: Option<&str>| {
        given.and(meta.claims("tuning", from, to)).accepted_by_all()
    };
    for (day, money) in [
        ("04", "10"),
        ("05", "15"),
        ("09", "15"),
        ("10", "15"),
        ("13", "15"),
        ("14", "10"),
        ("19", "10"),
        ("20", "15"),
        ("31", "15"),
    ] {
        let mut given = Given::ledger(terms.clone());
        given = claimed(given, "2026-01-20", None);
        given = claimed(given, "2026-01-10", Some("2026-01-12"));
        given = claimed(given, "2026-01-05", Some("2026-01-10"));
        given = claimed(given, "2026-01-11", Some("2026-01-14"));
        given = claimed(given, "2026-01-22", Some("2026-01-25"));
        given = given.reported("2026-01", vec![Line::new(&format!("2026-01-{day}"), "100")]);
        let given = given.when(meta.issues_statement("2026-01"));
        agree(&given.then(posted("meta", "2026-01", money)).given().into_world());
    }
}
