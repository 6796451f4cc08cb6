//! Examples of the arithmetic, worked out by hand: the numbers stand in the comments.

use crate::worked::{by_units, comes_to, day, exact, facts, month, rule, step, terms, to_owner};
use crate::*;

/// The ladder of flat fees and unit prices: up to 5 units 100, up to 10 another 50, then 10 per
/// unit up to 15, then 5 per unit.
fn ladder(whole: bool) -> Pay {
    let steps = vec![
        step(Some("5"), "0", "0", "100"),
        step(Some("10"), "0", "0", "50"),
        step(Some("15"), "0", "10", "0"),
        step(None, "0", "5", "0"),
    ];
    by_units(Window::Lifetime, whole, steps)
}

fn shares(whole: bool, meter: Option<&str>) -> Pay {
    Pay::Tiered(Tiers {
        meter: meter.map(String::from),
        window: Window::Lifetime,
        whole,
        steps: vec![step(Some("1000"), "0.1", "0", "0"), step(None, "0.2", "0", "0")],
    })
}

/// What the owner earns in each of these periods, given as (gross, units).
fn each(pay: &Pay, limits: &Limits, periods: &[(&str, &str)]) -> Vec<Exact> {
    let mut facts = facts(Terms { limits: limits.clone(), ..terms(pay.clone()) }, Vec::new());
    for (number, (gross, units)) in periods.iter().enumerate() {
        facts.line(&format!("2026-{}-15", number + 1), gross, units);
    }
    facts.shares("owner", month(periods.len() as u16))
}

fn last_of(pay: &Pay, limits: &Limits, periods: &[(&str, &str)]) -> Exact {
    each(pay, limits, periods).pop().expect("a period")
}

const NO_LIMITS: Limits = Limits { floor: None, ceiling: None };

#[test]
fn marginal_ladder() {
    let at = |units: &str| last_of(&ladder(false), &NO_LIMITS, &[("0", units)]);
    assert_eq!(at("0"), exact("100"));
    assert_eq!(at("5"), exact("100"));
    assert_eq!(at("5.001"), exact("150"));
    assert_eq!(at("12"), exact("170"));
    assert_eq!(at("20"), exact("225"));
    assert_eq!(at("-3"), exact("100"));
}

#[test]
fn whole_ladder() {
    let at = |units: &str| last_of(&ladder(true), &NO_LIMITS, &[("0", units)]);
    assert_eq!(at("5"), exact("100"));
    assert_eq!(at("5.001"), exact("50"));
    assert_eq!(at("12"), exact("120"));
    assert_eq!(at("15"), exact("150"));
    assert_eq!(at("16"), exact("80"));
}

#[test]
fn later_periods_go_on_from_the_position() {
    let later = |units: &str| last_of(&ladder(false), &NO_LIMITS, &[("0", "4"), ("0", units)]);
    assert_eq!(later("0"), exact("0"));
    assert_eq!(later("8"), exact("70"));
    // Falling back from 12 to 4 gives back 20 for two units and the flat of the second step.
    let back = [("0", "12"), ("0", "-8")];
    assert_eq!(last_of(&ladder(false), &NO_LIMITS, &back), exact("-70"));
    // Under whole tiers, 15 units were 150 and 16 are 80.
    let one_more = [("0", "15"), ("0", "1")];
    assert_eq!(last_of(&ladder(true), &NO_LIMITS, &one_more), exact("-70"));
}

#[test]
fn shares_of_the_base_by_revenue_and_by_meter() {
    let crossing = [("800", "800"), ("400", "400")];
    assert_eq!(last_of(&shares(false, None), &NO_LIMITS, &crossing), exact("60"));
    assert_eq!(last_of(&shares(true, None), &NO_LIMITS, &crossing), exact("160"));
    // 30 of base over 400 units, half of them below the bound.
    let metered = [("0", "800"), ("30", "400")];
    assert_eq!(last_of(&shares(false, Some("units")), &NO_LIMITS, &metered), exact("4.5"));
    // No units: the rate of the step that the position stands in; 1000 is in the first.
    let at_bound = [("0", "1000"), ("30", "0")];
    assert_eq!(last_of(&shares(false, Some("units")), &NO_LIMITS, &at_bound), exact("3"));
}

#[test]
fn rates_are_clamped_for_named_parties() {
    let limits = Limits { floor: Some(exact("0.05")), ceiling: Some(exact("0.15")) };
    assert_eq!(last_of(&Pay::Flat(to_owner("0")), &limits, &[("100", "100")]), exact("5"));
    assert_eq!(last_of(&Pay::Flat(to_owner("0.4")), &limits, &[("100", "100")]), exact("15"));
    let crossing = [("800", "800"), ("400", "400")];
    assert_eq!(last_of(&shares(false, None), &limits, &crossing), exact("50"));
}

#[test]
fn rounding_is_symmetric() {
    use Rounding::{Down, HalfEven, HalfUp};
    let cases = [
        ("0.125", HalfEven, "0.12"),
        ("0.135", HalfEven, "0.14"),
        ("0.1251", HalfEven, "0.13"),
        ("0.125", HalfUp, "0.13"),
        ("0.1249", HalfUp, "0.12"),
        ("0.129", Down, "0.12"),
    ];
    for (amount, rounding, expected) in cases {
        assert_eq!(round(&exact(amount), 2, rounding), exact(expected));
        assert_eq!(round(&-exact(amount), 2, rounding), -exact(expected));
    }
    assert_eq!(round(&exact("0.5"), 0, HalfEven), exact("0"));
}

#[test]
fn days_and_periods() {
    assert_eq!(first_of_month(3000, 1) - 1, DAY_MAX);
    assert_eq!(first_of_month(2000, 3), 11_017);
    let period = Length::Quarter.holding(11_016);
    assert_eq!(period, Period { year: 2000, number: 1 });
    assert_eq!(Length::Quarter.last_day(period), first_of_month(2000, 4) - 1);
    let december = Period { year: 2026, number: 12 };
    assert_eq!(Length::Month.next(december), Period { year: 2027, number: 1 });
}

#[test]
fn patterns() {
    assert!(pattern_matches("llama-3*", "llama-3.1"));
    assert!(pattern_matches("*", ""));
    assert!(pattern_matches("a*b*c", "a-b-b-c"));
    assert!(!pattern_matches("a*ab", "ab"));
    assert!(!pattern_matches("EU", "eu"));
}

#[test]
fn a_period_is_cut_at_the_day_of_an_amendment() {
    let opening = terms(Pay::Flat(to_owner("0.1")));
    let amended = terms(Pay::Flat(to_owner("0.2")));
    let mut facts = facts(opening, vec![("2026-01-16", amended)]);
    facts.line("2026-01-15", "100", "0");
    facts.line("2026-01-16", "100", "0");
    facts.line("2026-02-01", "100", "0");
    let january = facts.stretches(month(1));
    let days = |first, last| (day(first), day(last));
    assert_eq!((january[0].first, january[0].last), days("2026-01-01", "2026-01-15"));
    assert_eq!((january[1].first, january[1].last), days("2026-01-16", "2026-01-31"));
    assert_eq!(facts.stretches(month(2)).len(), 1);
    // January: 100 × 0.10 + 100 × 0.20 = 30. February: 100 × 0.20 = 20.
    comes_to(&facts, "owner", &["30", "20"]);
}

#[test]
fn a_version_that_is_effective_earlier_overrides_one_that_came_before() {
    let rated = |share| terms(Pay::Flat(to_owner(share)));
    let versions = vec![("2026-02-01", rated("0.2")), ("2026-01-20", rated("0.3"))];
    let mut facts = facts(rated("0.1"), versions);
    facts.line("2026-01-19", "100", "0");
    facts.line("2026-02-15", "100", "0");
    // The version accepted last, from 20 January, holds in February too: 10, then 30.
    comes_to(&facts, "owner", &["10", "30"]);
}

/// Up to 10 units, then more: amount per unit and flat of both steps.
fn whole(low: (&str, &str), high: (&str, &str)) -> Terms {
    let steps = vec![step(Some("10"), "0", low.0, low.1), step(None, "0", high.0, high.1)];
    terms(by_units(Window::Year, true, steps))
}

#[test]
fn whole_tiers_go_on_under_another_text() {
    let (opening, amended) = (whole(("10", "1"), ("5", "2")), whole(("8", "3"), ("4", "4")));
    let mut facts = facts(opening, vec![("2026-03-01", amended)]);
    facts.line("2026-01-10", "0", "8");
    facts.line("2026-02-10", "0", "4");
    facts.line("2026-03-10", "0", "3");
    facts.line("2026-04-10", "0", "-6");
    // January stands at 8, first step:   8 × 10 + 1 = 81.
    // February stands at 12, second:    12 × 5 + 2 = 62, so 62 − 81 = −19.
    // March stands at 15, second. The new text began at 12, in its second step, so that flat of 4
    // is not charged: 3 × 4 + 4 − 4 = 12; the 62 stay.
    // April stands at 9, first:         (3 − 6) × 8 + 3 − 4 = −25, so −25 − 12 = −37.
    comes_to(&facts, "owner", &["81", "-19", "12", "-37"]);
}

#[test]
fn whole_tiers_close_a_text_in_the_middle_of_a_period() {
    let (opening, amended) = (whole(("10", "1"), ("5", "2")), whole(("8", "3"), ("4", "4")));
    let mut facts = facts(opening, vec![("2026-02-16", amended)]);
    facts.line("2026-01-10", "0", "8");
    facts.line("2026-02-10", "0", "4");
    facts.line("2026-02-20", "0", "3");
    // February: the first text closes at 12 with 62 − 81 = −19; the second comes to 12. Together −7.
    comes_to(&facts, "owner", &["81", "-7"]);
}

#[test]
fn a_new_year_begins_a_new_segment_and_an_absent_rule_does_not() {
    let opening = whole(("10", "1"), ("5", "2"));
    let mut without = terms(Pay::Flat(to_owner("0")));
    without.rules[0].id = "other".into();
    let versions = vec![("2026-02-01", without), ("2026-03-01", opening.clone())];
    let mut facts = facts(opening, versions);
    facts.line("2026-01-10", "0", "8");
    facts.line("2026-02-10", "0", "100");
    facts.line("2026-03-10", "0", "4");
    facts.line("2027-01-10", "0", "1");
    // February: other rates 100 units at nothing, and they do not count for `all`.
    // March goes on from 8 as one segment: 12 × 5 + 2 = 62, less 81 = −19.
    // January 2027 begins at 0 with the flat of the first step: 1 × 10 + 1 = 11.
    let mut amounts = vec!["81", "0", "-19"];
    amounts.extend(["0"; 9]);
    amounts.push("11");
    comes_to(&facts, "owner", &amounts);
}

/// Up to 10 units at 10 a unit, then 5 a unit, over a window.
fn ten_then_five(window: Window) -> Terms {
    let steps = vec![step(Some("10"), "0", "10", "0"), step(None, "0", "5", "0")];
    terms(by_units(window, true, steps))
}

#[test]
fn whole_tiers_go_by_the_window_of_each_text() {
    let (by_year, by_period) = (ten_then_five(Window::Year), ten_then_five(Window::Period));
    let mut narrower = facts(by_year.clone(), vec![("2026-02-16", by_period.clone())]);
    narrower.line("2026-01-10", "0", "8");
    narrower.line("2026-02-10", "0", "4");
    narrower.line("2026-02-20", "0", "5");
    // The old text ends at 12 of the year: 12 × 5 − 80 = −20. The new one begins at 4 of February
    // and ends at 9: 5 × 10 = 50.
    comes_to(&narrower, "owner", &["80", "30"]);
    let mut wider = facts(by_period, vec![("2026-03-01", by_year)]);
    wider.line("2026-01-10", "0", "8");
    wider.line("2026-02-10", "0", "12");
    wider.line("2026-03-10", "0", "4");
    // The new text begins at 20 of the year and ends at 24: 4 × 5 = 20.
    comes_to(&wider, "owner", &["80", "60", "20"]);
}

#[test]
fn a_change_of_text_charges_no_flat_of_steps_already_entered() {
    let opening = by_units(
        Window::Year,
        false,
        vec![step(Some("10"), "0", "0", "100"), step(None, "0", "0", "50")],
    );
    let amended = by_units(
        Window::Year,
        false,
        vec![
            step(Some("5"), "0", "0", "100"),
            step(Some("20"), "0", "0", "40"),
            step(None, "0", "0", "7"),
        ],
    );
    let mut facts = facts(terms(opening), vec![("2026-02-16", terms(amended))]);
    facts.line("2026-01-10", "0", "4");
    facts.line("2026-02-10", "0", "4");
    facts.line("2026-02-20", "0", "13");
    facts.line("2026-03-10", "0", "-18");
    // January enters the first step: 100. February moves to 8 within it; then the new text begins
    // at 8, in its second step, of which nothing is charged, and 13 more reach 21, in its third: 7.
    // March falls back to 3, in the first: 40 and 7 are given back.
    comes_to(&facts, "owner", &["100", "7", "-47"]);
}

#[test]
fn a_rule_that_is_new_in_the_window_charges_its_first_step_without_lines() {
    let flat = by_units(Window::Year, false, vec![step(None, "0", "0", "100")]);
    let mut amended = terms(flat.clone());
    amended.rules.push(rule("late", flat.clone()));
    let facts = facts(terms(flat), vec![("2026-02-16", amended)]);
    // `all` is in force from January on, `late` from 16 February on.
    comes_to(&facts, "owner", &["100", "100", "0"]);
}

#[test]
fn marginal_position_follows_the_measure_now_in_force() {
    let by_revenue = |bound| {
        terms(Pay::Tiered(Tiers {
            meter: None,
            window: Window::Year,
            whole: false,
            steps: vec![step(Some(bound), "0.1", "0", "0"), step(None, "0.2", "0", "0")],
        }))
    };
    let by_meter = by_units(
        Window::Year,
        false,
        vec![step(Some("10"), "0.1", "0", "0"), step(None, "0.3", "0", "0")],
    );
    let mut facts = facts(by_revenue("1000"), vec![("2026-02-01", terms(by_meter))]);
    facts.line("2026-01-10", "1200", "8");
    facts.line("2026-02-10", "100", "4");
    // January by revenue: 1000 × 0.1 + 200 × 0.2 = 140.
    // February by units goes on from 8: 2 of 4 units in each step: 50 × 0.1 + 50 × 0.3 = 20.
    comes_to(&facts, "owner", &["140", "20"]);
}

#[test]
fn points_count_while_their_interval_covers_the_day() {
    let mut opening = terms(Pay::Flat(to_owner("0.1")));
    opening.limits.ceiling = Some(exact("0.14"));
    opening.clauses.exclusivities.push(Exclusivity {
        id: "search".into(),
        conditions: vec![("model".into(), vec!["llama*".into()])],
        from: day("2026-01-10"),
        to: Some(day("2026-01-20")),
        add: to_owner("0.05"),
    });
    opening.clauses.contributions.push(Contribution {
        id: "tuning".into(),
        by: "host".into(),
        conditions: Vec::new(),
        add: to_owner("-0.02"),
    });
    let mut facts = facts(opening, Vec::new());
    let claim = |from, to| Claim {
        clause: "tuning".into(),
        by: "host".into(),
        from: day(from),
        to: Some(day(to)),
    };
    // Two claims of one clause that overlap count once.
    facts.claims.insert([1; 32], claim("2026-01-15", "2026-01-25"));
    facts.claims.insert([2; 32], claim("2026-01-17", "2026-01-18"));
    facts.line_of("2026-01-09", "100", "0", *b"USD", "llama-3"); // 0.10: neither
    facts.line_of("2026-01-10", "100", "0", *b"USD", "llama-3"); // 0.15, at most 0.14
    facts.line_of("2026-01-17", "100", "0", *b"USD", "llama-3"); // 0.10 + 0.05 − 0.02 = 0.13
    facts.line_of("2026-01-17", "100", "0", *b"USD", "other"); // 0.10 − 0.02 = 0.08
    facts.line_of("2026-01-20", "100", "0", *b"USD", "llama-3"); // 0.08: the interval is over
    let groups = facts.groups(month(1)).expect("groups");
    let modifiers: Vec<Vec<&str>> =
        groups.iter().map(|group| group.modifiers.iter().map(String::as_str).collect()).collect();
    // The empty list first, then as words are sorted.
    let expected: [&[&str]; 4] = [&[], &["search"], &["search", "tuning"], &["tuning"]];
    assert_eq!(modifiers, expected);
    // 10 + 14 + 13 + 8 + 8 = 53.
    comes_to(&facts, "owner", &["53"]);
}

#[test]
fn foreign_currencies_are_converted_and_priced_for_themselves() {
    let mut opening = terms(Pay::Flat(to_owner("0.1")));
    opening.deductions = vec![("refunds".into(), None)];
    opening.clauses.priced = true;
    let price = |currency: &[u8; 3], from, price| Price {
        meter: "units".into(),
        conditions: Vec::new(),
        unit: exact("1000"),
        price: exact(price),
        currency: *currency,
        from: day(from),
    };
    opening.clauses.prices = vec![
        price(b"USD", "2026-01-01", "2"),
        price(b"USD", "2026-01-16", "3"),
        price(b"EUR", "2026-01-01", "4"),
    ];
    let mut facts = facts(opening, Vec::new());
    facts.rates.insert((month(1), *b"EUR"), (exact("1.25"), [7; 32]));
    facts.line("2026-01-15", "999", "50000"); // 50 × 2 = 100
    facts.line("2026-01-16", "999", "50000"); // 50 × 3 = 150
    facts.line_of("2026-01-16", "0", "10000", *b"EUR", ""); // 10 × 4 = 40 euros are 50 dollars
    // 250 + 50 = 300 of base, and a tenth of it.
    let computed = facts.compute(month(1)).expect("rated");
    assert_eq!(computed[0].base, exact("300"));
    comes_to(&facts, "owner", &["30"]);
    let rates = facts.rates_used(month(1)).expect("rates");
    assert_eq!(rates, [(*b"EUR", exact("1.25"), [7; 32])]);
    // Each report is compared for itself; the tolerance is 0. The euros report no gross at all.
    let findings = facts.price_findings().expect("findings");
    let priced: Vec<&Exact> = findings.iter().map(|finding| &finding.priced).collect();
    assert_eq!(priced, [&exact("100"), &exact("150")]);
}

#[test]
fn carry_goes_on_where_the_setting_changes() {
    let shared = |carry| Terms { carry, ..terms(Pay::Flat(to_owner("0.1"))) };
    let mut facts = facts(shared(false), vec![("2026-03-01", shared(true))]);
    for number in 1..=4 {
        facts.line(&format!("2026-{number}-10"), "0.04", "0");
    }
    // 0.004 a month. Without carry 0.00 twice; then R(0.012) − 0 = 0.01 and R(0.016) − 0.01 = 0.01.
    comes_to(&facts, "owner", &["0", "0", "0.01", "0.01"]);
}

#[test]
fn a_correction_of_an_earlier_segment_moves_where_the_later_one_begins() {
    let (opening, amended) = (whole(("10", "0"), ("5", "0")), whole(("9", "100"), ("4", "150")));
    let with_january = |units| {
        let mut facts = facts(opening.clone(), vec![("2026-02-01", amended.clone())]);
        facts.line("2026-01-10", "0", units);
        facts.line("2026-02-10", "0", "8");
        facts
    };
    // 8 × 10 = 80; then at 16, in the second step, begun in the first: 8 × 4 + 150 − 100 = 82.
    comes_to(&with_january("8"), "owner", &["80", "82"]);
    // 12 × 5 = 60; then at 20, begun in the second step: 8 × 4 + 150 − 150 = 32.
    comes_to(&with_january("12"), "owner", &["60", "32"]);
}

#[test]
fn each_group_of_a_whole_tier_keeps_its_own_points() {
    let steps = vec![step(Some("10"), "0.1", "0", "0"), step(None, "0.2", "0", "0")];
    let mut opening = terms(by_units(Window::Year, true, steps));
    opening.clauses.exclusivities.push(Exclusivity {
        id: "search".into(),
        conditions: Vec::new(),
        from: day("2026-01-01"),
        to: Some(day("2026-01-11")),
        add: to_owner("0.03"),
    });
    let mut facts = facts(opening, Vec::new());
    facts.line("2026-01-10", "100", "4");
    facts.line("2026-01-11", "100", "4");
    facts.line("2026-02-10", "100", "4");
    // January at 8: 100 × 0.13 + 100 × 0.10 = 23. February at 12 rates the whole year anew:
    // 100 × 0.23 + 200 × 0.20 = 63, less 23 = 40.
    comes_to(&facts, "owner", &["23", "40"]);
}

#[test]
fn groups_enter_marginal_tiers_one_after_another() {
    let by_revenue = Pay::Tiered(Tiers {
        meter: None,
        window: Window::Year,
        whole: false,
        steps: vec![step(Some("1000"), "0.1", "0", "0"), step(None, "0.2", "0", "0")],
    });
    let mut opening = terms(by_revenue);
    opening.clauses.exclusivities.push(Exclusivity {
        id: "search".into(),
        conditions: vec![("model".into(), vec!["m".into()])],
        from: day("2026-01-01"),
        to: None,
        add: to_owner("0.03"),
    });
    let mut facts = facts(opening, Vec::new());
    // The day does not matter: the group without modifiers enters first.
    facts.line_of("2026-01-02", "600", "0", *b"USD", "m");
    facts.line("2026-01-20", "800", "0");
    // 800 × 0.10 = 80; then from 800: 200 × 0.13 + 400 × 0.23 = 118.
    comes_to(&facts, "owner", &["198"]);
}
