//! Examples of caps, minimums, splits and accounts, worked out by hand.

use crate::worked::{comes_to, day, exact, facts, month, terms, to_owner};
use crate::*;

/// Terms under which the owner gets the whole base.
fn all_to_owner() -> Terms {
    terms(Pay::Flat(to_owner("1")))
}

fn clause(amount: &str, window: Window) -> Clause {
    Clause { to: "owner".into(), amount: exact(amount), window }
}

/// Facts with one line in each month from January 2026 on.
fn monthly(terms: Terms, amounts: &[&str]) -> Facts {
    let mut facts = facts(terms, Vec::new());
    for (number, amount) in amounts.iter().enumerate() {
        let period = month(number as u16 + 1);
        facts.line(&format!("{}-{}-20", period.year, period.number), amount, "0");
    }
    facts
}

#[test]
fn a_cap_cuts_and_what_was_cut_takes_the_loss_first() {
    let mut terms = all_to_owner();
    terms.clauses.caps.push(clause("100", Window::Year));
    // January keeps 80. February keeps the 20 that are left and cuts 30. March loses 40: 30 of it
    // from what was cut, 10 from what was kept (90 now). April keeps 10 and cuts 40.
    comes_to(
        &monthly(terms.clone(), &["80", "50", "-40", "50"]),
        "owner",
        &["80", "20", "-10", "10"],
    );
    // A loss first: kept is −40, so 140 fit below the cap, and nothing after that.
    comes_to(&monthly(terms, &["-40", "150", "1"]), "owner", &["-40", "140", "0"]);
}

#[test]
fn caps_of_several_windows_take_the_output_of_the_narrower_one() {
    let mut terms = all_to_owner();
    terms.clauses.caps.push(clause("50", Window::Period));
    terms.clauses.caps.push(clause("120", Window::Lifetime));
    // 50 of 80; 50 of 60; 20 of 40 (120 − 100 are left); then nothing.
    let facts = monthly(terms, &["80", "60", "40", "10"]);
    comes_to(&facts, "owner", &["50", "50", "20", "0"]);
}

#[test]
fn a_cap_that_comes_later_counts_what_was_kept_before() {
    let mut amended = all_to_owner();
    amended.clauses.caps.push(clause("100", Window::Lifetime));
    let mut facts = facts(all_to_owner(), vec![("2026-02-01", amended)]);
    for (month, amount) in [("01", "150"), ("02", "10"), ("03", "-60"), ("04", "30")] {
        facts.line(&format!("2026-{month}-10"), amount, "0");
    }
    // January has no cap: 150 are kept, and lowering takes nothing back. February: no room, 10 cut.
    // March: 10 of the 60 from what was cut, −50, kept 100. April: no room.
    comes_to(&facts, "owner", &["150", "0", "-50", "0"]);
}

#[test]
fn a_minimum_is_prorated_in_years_that_the_agreement_does_not_fill() {
    let mut terms =
        Terms { starts_on: day("2026-03-15"), ends_on: Some(day("2027-06-16")), ..all_to_owner() };
    terms.clauses.minimums.push(clause("1000", Window::Year));
    let mut facts = facts(terms, Vec::new());
    facts.line("2026-03-20", "100", "0");
    // The first year is March 2026 to February 2027, 365 days, of which 14 lie before the start:
    // 1000 × 351 / 365 = 961.6438…, less the 100 earned: 861.64 in February 2027.
    // The second is March 2027 to February 2028, 366 days, of which 31 + 30 + 31 + 15 = 107 are
    // covered: 1000 × 107 / 366 = 292.3497… in June 2027, the last period. Then nothing.
    let mut amounts = vec!["100"];
    amounts.extend(["0"; 10]);
    amounts.extend(["861.64", "0", "0", "0", "292.35", "0"]);
    comes_to(&facts, "owner", &amounts);
}

#[test]
fn a_wider_minimum_counts_the_top_ups_of_a_narrower_one() {
    let mut terms = Terms { ends_on: Some(day("2026-03-01")), ..all_to_owner() };
    terms.clauses.minimums.push(clause("30", Window::Period));
    terms.clauses.minimums.push(clause("200", Window::Lifetime));
    terms.clauses.caps.push(clause("40", Window::Period));
    // January: 10 and a top-up of 20. February: 90 capped to 40, and to the lifetime's 200 are
    // missing 200 − 30 − 40 = 130, which no cap cuts: 170. March: after the end.
    comes_to(&monthly(terms, &["10", "90"]), "owner", &["30", "170", "0"]);
}

#[test]
fn a_period_minimum_of_a_stub_is_prorated() {
    let mut terms = Terms { starts_on: day("2026-02-15"), ..all_to_owner() };
    terms.clauses.minimums.push(clause("100", Window::Period));
    let mut facts = facts(terms, Vec::new());
    facts.line("2026-03-10", "-5", "0");
    // 14 of the 28 days of February: 50. March: 100 − (−5) = 105 on top of −5.
    comes_to(&facts, "owner", &["50", "100"]);
}

fn parts(weights: &[(&str, &str)]) -> Vec<(String, Exact)> {
    weights.iter().map(|(to, weight)| (to.to_string(), exact(weight))).collect()
}

fn divided(amount: &str, weights: &[(&str, &str)]) -> Vec<Exact> {
    let divided = divide(&exact(amount), 2, &parts(weights));
    divided.into_iter().map(|(_, amount)| amount).collect()
}

#[test]
fn the_largest_remainders_get_the_units_left() {
    let thirds = [("c", "1"), ("a", "1"), ("b", "1")];
    // 5 units by 3 are 1.67 each: one each, and the two left in the order of the parts.
    assert_eq!(divided("0.05", &thirds), [exact("0.02"), exact("0.02"), exact("0.01")]);
    // A negative amount is divided as its absolute value.
    assert_eq!(divided("-0.05", &thirds), [exact("-0.02"), exact("-0.02"), exact("-0.01")]);
    // 3 units at 80 to 20 are 2.4 and 0.6: 2 and 0, and the one left to the larger remainder.
    let uneven = [("a", "80"), ("b", "20")];
    assert_eq!(divided("0.03", &uneven), [exact("0.02"), exact("0.01")]);
    assert_eq!(divided("0", &uneven), [exact("0"), exact("0")]);
}

#[test]
fn a_pool_is_divided_after_caps_and_adds_to_what_others_earn() {
    let both =
        PerParty::from([("owner".to_string(), exact("0.5")), ("lab".to_string(), exact("0.1"))]);
    let mut terms = terms(Pay::Flat(both));
    terms.clauses.caps.push(clause("40", Window::Period));
    terms
        .clauses
        .splits
        .push(Split { of: "owner".into(), parts: parts(&[("lab", "1"), ("owner", "3")]) });
    let facts = monthly(terms, &["100", "-0.1"]);
    // January: the owner's 50 are capped to 40: 10 to the lab, beside its own 10, and 30.
    // February: −0.05 are 1.25 and 3.75 units: 1 and 3, and the one left to the owner; the loss
    // comes out of the 10 that were cut only within one period. The lab has −0.01 of its own.
    comes_to(&facts, "owner", &["30", "-0.04"]);
    comes_to(&facts, "lab", &["20", "-0.02"]);
}

#[test]
fn advances_are_recouped_and_given_back() {
    let mut account = Account { advanced: exact("100"), ..Account::default() };
    let mut recoup = |net: &str, payable: &str| {
        let amount = recoupment(&account, &exact(net), &exact(payable));
        account.recouped += &amount;
        amount
    };
    // 60 of 100 are booked: all of it is recouped.
    assert_eq!(recoup("60", "0"), exact("60"));
    // 40 are left, and of 70 booked, −50 + 70 = 20 would be payable: 20.
    assert_eq!(recoup("70", "-50"), exact("20"));
    // −50 + 30 is below zero: nothing.
    assert_eq!(recoup("30", "-50"), exact("0"));
    // A loss of 25 gives back 25 of the 80; one of 90 the 55 left.
    assert_eq!(recoup("-25", "10"), exact("-25"));
    assert_eq!(recoup("-90", "10"), exact("-55"));
    assert_eq!(recoup("-1", "10"), exact("0"));
    // All 100 are open again: of 500 booked 100 are recouped, and no more.
    assert_eq!(recoup("500", "0"), exact("100"));
    assert_eq!(recoup("500", "0"), exact("0"));
}

#[test]
fn tax_is_a_part_of_a_payout_or_comes_on_top() {
    let mut terms = all_to_owner();
    let tax = |rate, gross_up| (exact(rate), gross_up);
    terms.clauses.withholding.insert("owner".into(), tax("0.15", true));
    terms.clauses.withholding.insert("lab".into(), tax("0.15", false));
    // 100 / 0.85 = 117.647…, rounded 117.65: 17.65 on top.
    assert_eq!(terms.withheld("owner", &exact("100")), (exact("17.65"), true));
    // 15 % of 100.10 = 15.015, to the even cent 15.02: a part of it.
    assert_eq!(terms.withheld("lab", &exact("100.10")), (exact("15.02"), false));
    assert_eq!(terms.withheld("other", &exact("100")), (exact("0"), false));
}

/// Terms with 8 % of late interest, 10 % from April on.
fn with_interest() -> Facts {
    let mut terms = all_to_owner();
    terms.clauses.late_interest.insert(day("2026-01-01"), exact("0.08"));
    terms.clauses.late_interest.insert(day("2026-04-01"), exact("0.10"));
    facts(terms, Vec::new())
}

#[test]
fn interest_on_a_carried_balance_runs_from_when_it_became_payable() {
    let facts = with_interest();
    let mut queue = Queue::default();
    // January, 60, due 31 January + 30 days = 2 March. It is below a minimum payout of 100.
    assert_eq!(facts.due_day(month(1)), day("2026-03-02"));
    queue.add(month(1), false, day("2026-03-02"), exact("60"));
    queue.close_statement();
    // February, 70, due 28 February + 30 = 30 March, makes 130 payable.
    queue.add(month(2), false, day("2026-03-30"), exact("70"));
    queue.become_payable(day("2026-03-30"));
    queue.close_statement();
    let from: Vec<Option<i32>> = queue.items.iter().map(|item| item.interest_from).collect();
    assert_eq!(from, [Some(day("2026-03-30")), Some(day("2026-03-30"))]);
    // A payout of 100 received on 9 April: 60 of January and 40 of February, both 10 days late,
    // at the rate of 30 March: 60 × 0.08 × 10 / 365 = 0.1315… and 40 × 0.08 × 10 / 365 = 0.0876…
    queue.credit += exact("100");
    let settled = queue.use_credit(&PerPeriod::new());
    assert_eq!((queue.credit.clone(), queue.items[0].open.clone()), (exact("0"), exact("30")));
    let received = day("2026-04-09");
    let lines: Vec<InterestLine> = settled
        .into_iter()
        .filter_map(|one| facts.interest_on("owner", [9; 32], one, received))
        .collect();
    let amounts: Vec<(Exact, Exact)> =
        lines.into_iter().map(|line| (line.principal, line.amount)).collect();
    assert_eq!(amounts, [(exact("60"), exact("0.13")), (exact("40"), exact("0.09"))]);
}

#[test]
fn interest_on_a_late_true_up_runs_from_the_first_due_day() {
    let facts = with_interest();
    let mut queue = Queue::default();
    // Stated with March (due 30 April): a true-up of January by 365, due 2 March, and March itself.
    queue.add(month(3), false, day("2026-04-30"), exact("1000"));
    queue.add(month(1), false, day("2026-03-02"), exact("365"));
    queue.become_payable(day("2026-04-30"));
    queue.close_statement();
    queue.credit += exact("1365");
    let settled = queue.use_credit(&PerPeriod::new());
    // Oldest first: January. 2 March to 1 May are 60 days: 365 × 0.08 × 60 / 365 = 4.80.
    // March, from 30 April to 1 May, at the rate since April: 1000 × 0.10 × 1 / 365 = 0.2739…
    let amounts: Vec<Exact> = settled
        .into_iter()
        .filter_map(|one| facts.interest_on("owner", [9; 32], one, day("2026-05-01")))
        .map(|line| line.amount)
        .collect();
    assert_eq!(amounts, [exact("4.8"), exact("0.27")]);
}

#[test]
fn there_is_no_interest_on_interest_nor_on_time() {
    let facts = with_interest();
    let mut queue = Queue::default();
    queue.add(month(1), true, day("2026-03-02"), exact("50"));
    queue.add(month(1), false, day("2026-03-02"), exact("50"));
    queue.become_payable(day("2026-03-02"));
    queue.credit += exact("120");
    let settled = queue.use_credit(&PerPeriod::new());
    // The share first, then the interest, and 20 are credit for later.
    assert_eq!(queue.credit, exact("20"));
    let from: Vec<Option<i32>> = settled.iter().map(|one| one.interest_from).collect();
    assert_eq!(from, [Some(day("2026-03-02")), None]);
    for one in settled {
        // Received on the due day itself.
        assert_eq!(facts.interest_on("owner", [9; 32], one, day("2026-03-02")), None);
    }
}
