//! Examples of disputes, worked out by hand: what may be adopted, what it counts, and until when.

use crate::worked::{by_units, day, exact, month, step};
use crate::worked_disputes::*;
use crate::writing::{Log, Payload, figures, lines_for, other, outcome, target, terms_from};
use crate::*;

#[test]
fn lines_are_adopted_where_they_and_all_before_them_can_be_rated() {
    let mut log = Log::open(2, &per_unit());
    let (report, january) = month_of(&mut log, 1, 100);
    let (of_february, february) = month_of(&mut log, 2, 50);
    let about = target(STATEMENT, february);
    let claim = lines_for(of_february, &[("2026-02-20", b"USD", "m", 1, 40)]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    let in_euros = other(&lines_for(of_february, &[("2026-02-20", b"EUR", "m", 1, 40)]));
    refused(log.settles("host", dispute, &in_euros, &["owner"]), "no conversion rate");
    // January is in euros now, and nobody knows what they are.
    let lines = [("2026-01-20", b"EUR", "m", 1, 100)];
    let correction = log.corrects(report, &lines).expect("corrected");
    refused(log.concedes("owner", dispute, false), "no conversion rate");
    // With dollars again January could be rated, but not compared.
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "900")]);
    let of_january = log.disputes("host", &about, &claim, 0, None).expect("opened");
    let in_dollars = other(&lines_for(correction, &[("2026-01-20", b"USD", "m", 1, 90)]));
    refused(log.settles("host", of_january, &in_dollars, &["owner"]), "no conversion rate");
    // A figure needs no rate.
    let settled = other(&figures(&[("owner", "950")]));
    log.settles("host", of_january, &settled, &["owner"]).expect("settled");
    assert_eq!(held_and_payable(&log), pair("150", "1350"));
    let rate = log.converts("host", b"EUR", "1.1", month(1)).expect("proposed");
    for party in ["lab", "owner"] {
        log.accepts(party, rate).expect("accepted");
    }
    // February's units 101 to 140 at 10.
    log.concedes("owner", dispute, false).expect("conceded");
    assert_eq!(figure(&log, dispute), Some(exact("400")));
    assert_eq!(held_and_payable(&log), pair("150", "1350"));
}

#[test]
fn adopted_lines_move_nobody_who_has_no_part_in_the_dispute() {
    let terms = per_unit();
    let (mut log, report, january) = with_january(&terms);
    let about = target(STATEMENT, january);
    let lines = |units: i8| lines_for(report, &[("2026-01-20", b"USD", "m", 1, units)]);
    let dispute = log.disputes("owner", &about, &lines(120), 0, None).expect("opened");
    // The lab has a quarter from now on: 250 of the 1,000, or 300 of the 1,200.
    let mut divided = terms.clone();
    divided.clauses.splits.push(Split {
        of: "owner".into(),
        parts: vec![("owner".into(), exact("3")), ("lab".into(), exact("1"))],
    });
    let proposal = log.amends("owner", &divided, "2026-01-01").expect("proposed");
    for party in ["host", "lab"] {
        log.accepts(party, proposal).expect("accepted");
    }
    refused(log.concedes("host", dispute, false), "none of the dispute");
    let settled = other(&lines(110));
    refused(log.settles("host", dispute, &settled, &["owner"]), "none of the dispute");
    // Once the lab's 250 are agreed upon, other lines do not move them.
    let of_lab = figures(&[("lab", "250")]);
    let of_lab = log.disputes("lab", &about, &of_lab, 0, None).expect("opened");
    log.concedes("host", of_lab, false).expect("conceded");
    let conceded = log.concedes("host", dispute, false).expect("conceded");
    assert_eq!(figure(&log, dispute), Some(exact("900")));
    log.today = day("2026-03-01");
    log.reports(month(2), &[]).expect("reported");
    let entries = log.ledger().entries(month(2)).expect("entries");
    let shares = [("lab".to_string(), exact("250")), ("owner".to_string(), exact("-100"))];
    assert!(shares.iter().all(|(party, share)| entries[0].shares[party] == *share));
    assert!(entries[0].causes.contains(&conceded));
}

#[test]
fn adopted_lines_are_replaced_only_by_reopening_the_dispute_that_adopted_them() {
    let (mut log, report, january) = with_january(&per_unit());
    let about = target(STATEMENT, january);
    let lines = |units: i8| lines_for(report, &[("2026-01-20", b"USD", "m", 1, units)]);
    let first = log.disputes("owner", &about, &lines(120), 0, None).expect("opened");
    log.concedes("host", first, false).expect("conceded");
    // The lab's line is another one: a dispute about it reopens nothing.
    let of_lab = figures(&[("lab", "1")]);
    let of_lab = log.disputes("lab", &about, &of_lab, 0, None).expect("opened");
    refused(log.settles("host", of_lab, &other(&lines(110)), &["lab"]), "without reopening");
    // The second one reopens the first: lines can settle it, although figures are claimed.
    let claim = figures(&[("owner", "1000")]);
    let second = log.disputes("host", &about, &claim, 2, Some(first)).expect("opened");
    log.settles("host", second, &other(&lines(110)), &["owner"]).expect("settled");
    assert_eq!(figure(&log, second), Some(exact("1100")));
    // From now on the lines are the second one's.
    refused(log.disputes("host", &about, &lines(90), 2, Some(first)), "without reopening");
    let claim = figures(&[("owner", "1050")]);
    let third = log.disputes("host", &about, &claim, 2, Some(second)).expect("opened");
    log.concedes("owner", third, false).expect("conceded");
    // The owner's line is the third one's now, and the lines are still the second one's.
    refused(log.disputes("host", &about, &lines(90), 2, Some(second)), "the last one");
    // The third one reopened the second.
    log.disputes("host", &about, &lines(90), 2, Some(third)).expect("opened");
}

#[test]
fn what_was_adopted_is_recorded_before_it_is_posted() {
    let mut terms = per_unit();
    terms.clauses.splits.push(Split {
        of: "owner".into(),
        parts: vec![("owner".into(), exact("3")), ("lab".into(), exact("1"))],
    });
    let (mut log, _, january) = with_january(&terms);
    let about = target(STATEMENT, january);
    let open = |log: &mut Log, party: &str, amount: &str, reopens: Hash| {
        log.disputes("host", &about, &figures(&[(party, amount)]), 1, Some(reopens))
    };
    // 750 and 250 are booked.
    let claim = figures(&[("lab", "240"), ("owner", "700")]);
    let first = log.disputes("host", &about, &claim, 0, None).expect("opened");
    for party in ["lab", "owner"] {
        log.concedes(party, first, false).expect("conceded");
    }
    refused(open(&mut log, "owner", "700", first), "differs in nothing");
    refused(open(&mut log, "lab", "240", first), "differs in nothing");
    let second = open(&mut log, "lab", "250", first).expect("250 are only booked");
    log.concedes("lab", second, false).expect("conceded");
    refused(open(&mut log, "lab", "250", second), "differs in nothing");
    // The second one has the highest number, and no figure of the owner.
    refused(open(&mut log, "owner", "700", first), "differs in nothing");
    let third = open(&mut log, "owner", "750", first).expect("750 are only booked");
    log.settles("host", third, &outcome(STANDS), &["owner"]).expect("settled");
    // The third one is about the owner, and has adopted no figure.
    refused(open(&mut log, "owner", "700", third), "differs in nothing");
    log.today = day("2026-03-01");
    log.reports(month(2), &[]).expect("reported");
    log.states(month(2)).expect("stated");
    // The owner's 700 and the lab's 250 are booked now.
    refused(open(&mut log, "owner", "700", third), "differs in nothing");
    refused(open(&mut log, "lab", "250", second), "differs in nothing");
    open(&mut log, "owner", "750", third).expect("opened");
    open(&mut log, "lab", "240", second).expect("opened");
}

#[test]
fn what_is_adopted_counts_as_money_on_the_ledger_and_what_is_claimed_does_not() {
    let (mut log, _, january) = with_january(&per_unit());
    let about = target(STATEMENT, january);
    // 100 units count with 10 each, the gross with 1: 1,001. At most 10^14 − 1,001 can be adopted.
    let claim = figures(&[("owner", "99999999998999.01")]);
    refused(log.disputes("owner", &about, &claim, 0, None), "too much money");
    let claim = figures(&[("owner", "99999999998999")]);
    let dispute = log.disputes("owner", &about, &claim, 0, None).expect("opened");
    log.ends("owner", 26, dispute).expect("withdrawn");
    let dispute = log.disputes("owner", &about, &claim, 0, None).expect("opened again");
    // One unit of February is 11 more.
    log.today = day("2026-03-01");
    let unit = [("2026-02-20", b"USD", "m", 1, 1)];
    let february = log.reports(month(2), &unit).expect("what is claimed does not count");
    refused(log.concedes("host", dispute, false), "too much money");
    let settled = other(&figures(&[("owner", "99999999998988.01")]));
    refused(log.settles("host", dispute, &settled, &["owner"]), "too much money");
    let settled = other(&figures(&[("owner", "99999999998987.99")]));
    log.settles("host", dispute, &settled, &["owner"]).expect("settled");
    // 0.01 is left.
    refused(log.corrects(february, &unit), "too much money");
    let claim = figures(&[("owner", "-0.02")]);
    refused(log.disputes("host", &about, &claim, 1, Some(dispute)), "too much money");
    let claim = figures(&[("owner", "-0.01")]);
    let again = log.disputes("host", &about, &claim, 1, Some(dispute)).expect("opened");
    log.concedes("owner", again, false).expect("conceded");
    // Nothing is left, although the larger figure was replaced.
    let claim = figures(&[("owner", "0.01")]);
    refused(log.disputes("owner", &about, &claim, 1, Some(again)), "too much money");
}

#[test]
fn adopted_lines_and_the_figures_of_adopted_terms_count_as_money() {
    let terms = per_unit();
    let (mut log, report, january) = with_january(&terms);
    let about = target(STATEMENT, january);
    let lines = |units: i8| lines_for(report, &[("2026-01-20", b"USD", "m", 1, units)]);
    let terms_at = |per_unit: &str| {
        let mut claimed = terms.clone();
        let steps = vec![step(Some("150"), "0", per_unit, "0"), step(None, "0", "5", "0")];
        claimed.rules[0].pay = by_units(Window::Lifetime, false, steps);
        terms_from(&claimed, "2026-01-01")
    };
    let mut last = None;
    let mut adopt = |log: &mut Log, author: &str, claim: &[u8]| {
        let ground = u8::from(last.is_some());
        let dispute = log.disputes(author, &about, claim, ground, last)?;
        let other_side = if author == "host" { "owner" } else { "host" };
        log.concedes(other_side, dispute, false).expect("conceded");
        last = Some(dispute);
        Ok(())
    };
    // 10^14 − 1,001 − 1,000: 1,000 are left.
    adopt(&mut log, "owner", &figures(&[("owner", "99999999997999")])).expect("adopted");
    // 100 units at 10, and a gross of 1.
    refused(adopt(&mut log, "host", &lines(100)), "too much money");
    // 12 a unit is 200 more for what is reported, which would do. It comes to 1,200.
    refused(adopt(&mut log, "host", &terms_at("12")), "too much money");
    // 9 a unit is no more for what is reported, and comes to 900: 100 are left.
    adopt(&mut log, "host", &terms_at("9")).expect("adopted");
    refused(adopt(&mut log, "host", &figures(&[("owner", "100.01")])), "too much money");
    // 9 units at 10, and a gross of 1: 9 are left.
    refused(adopt(&mut log, "host", &lines(10)), "too much money");
    adopt(&mut log, "host", &lines(9)).expect("adopted");
    refused(adopt(&mut log, "host", &figures(&[("owner", "9.01")])), "too much money");
    adopt(&mut log, "host", &figures(&[("owner", "9")])).expect("adopted");
}

#[test]
fn deadlines_stay_those_of_the_terms_at_the_opening() {
    let terms = per_unit();
    let (mut log, _, january) = with_january(&terms);
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "700")]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    // From now on a statement can be disputed for 6 days, silence of 5 days escalates, and after 7
    // days a dispute can be escalated.
    let mut hasty = terms.clone();
    hasty.clauses.objection_days = 6;
    hasty.clauses.dispute =
        Some(DisputeWindows { response_days: 5, silence_accepts: false, escalate_after_days: 7 });
    let proposal = log.amends("host", &hasty, "2026-01-01").expect("proposed");
    for party in ["lab", "owner"] {
        log.accepts(party, proposal).expect("accepted");
    }
    // 1 February + 6 days = 7 February, for what is opened from now on.
    let of_lab = figures(&[("lab", "1")]);
    log.today = day("2026-02-08");
    refused(log.disputes("lab", &about, &of_lab, 0, None), "after its window");
    log.today = day("2026-02-07");
    let later = log.disputes("lab", &about, &of_lab, 0, None).expect("opened");
    log.today = day("2026-02-14");
    refused(log.ends("lab", 24, later), "too early");
    log.today = day("2026-02-15");
    log.ends("lab", 24, later).expect("escalated");
    // The owner accepted the terms on 1 February. It may answer until 3 March all the same.
    log.today = day("2026-03-03");
    refused(log.ends("host", 24, dispute), "too early");
    refused(log.concedes("host", dispute, true), "not silent past");
    log.today = day("2026-03-04");
    refused(log.responds("owner", dispute), "after its deadline");
    log.concedes("host", dispute, true).expect("accepted by default");
    assert_eq!(held_and_payable(&log), pair("300", "700"));
}

#[test]
fn without_windows_nothing_follows_from_silence() {
    let mut terms = per_unit();
    terms.clauses.dispute = None;
    let (mut log, _, january) = with_january(&terms);
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "700")]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    log.says("owner", 8, 1, Payload::default().hash(january).bytes()).expect("accepted");
    log.today = day("2029-01-01");
    refused(log.concedes("host", dispute, true), "silence does not mean accept");
    log.responds("owner", dispute).expect("responded");
    // But it can be escalated at once.
    log.ends("owner", 24, dispute).expect("escalated");

    let mut without_arbiter = terms.clone();
    without_arbiter.parties.retain(|party| party.role != Role::Arbiter);
    let (mut log, _, january) = with_january(&without_arbiter);
    let about = target(STATEMENT, january);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    refused(log.ends("host", 24, dispute), "no arbiter");
}
