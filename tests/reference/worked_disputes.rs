//! Examples of disputes, worked out by hand: what is held, what is adopted, and what is refused.

use crate::worked::{by_units, day, exact, month, step, terms};
use crate::writing::{
    Line, Log, Payload, clause_in, figures, lines_for, other, outcome, party, target, terms_from,
    with_keys,
};
use crate::*;

const STATEMENT: u32 = 0;
const REPORT: u32 = 1;
const PAYOUT: u32 = 2;
const STANDS: u32 = 0;
const AS_CLAIMED: u32 = 1;

/// Terms under which the owner gets 10 a unit for the first 150 units of all time, and then 5. Late
/// interest is 7.3 % a year, which is 0.02 % a day. There is an arbiter; silence of 30 days accepts,
/// and after 60 days a dispute can be escalated.
fn per_unit() -> Terms {
    let steps = vec![step(Some("150"), "0", "10", "0"), step(None, "0", "5", "0")];
    let mut terms = terms(by_units(Window::Lifetime, false, steps));
    terms.parties.push(party("judge", Role::Arbiter));
    terms.clauses.late_interest.insert(day("2026-01-01"), exact("0.073"));
    terms.clauses.dispute =
        Some(DisputeWindows { response_days: 30, silence_accepts: true, escalate_after_days: 60 });
    with_keys(terms)
}

#[track_caller]
fn refused<T>(result: Result<T, String>, why: &str) {
    match result {
        Ok(_) => panic!("it is not refused: {why}"),
        Err(what) => assert!(what.contains(why), "refused because {what}, not {why}"),
    }
}

fn owner(log: &Log) -> Balance {
    let report = log.report();
    report.balances.into_iter().find(|balance| balance.party == "owner").expect("an owner")
}

/// What is held of the owner's money and what is payable to it.
fn held_and_payable(log: &Log) -> (Exact, Exact) {
    let balance = owner(log);
    (balance.held, balance.payable)
}

fn pair(one: &str, other: &str) -> (Exact, Exact) {
    (exact(one), exact(other))
}

/// Period and open amount of the owner's open items, and the day from which each bears interest.
fn items(log: &Log) -> Vec<(Period, Exact, Option<i32>)> {
    let ledger = log.ledger();
    let items = ledger.accounts["owner"].queue.items.iter();
    items.map(|item| (item.period, item.open.clone(), item.interest_from)).collect()
}

fn item(number: u16, open: &str, from: &str) -> (Period, Exact, Option<i32>) {
    (month(number), exact(open), Some(day(from)))
}

/// Interest that waits to be posted.
fn interest(log: &Log) -> Vec<Exact> {
    log.ledger().pending_interest.into_iter().map(|line| line.amount).collect()
}

fn stands(log: &Log, dispute: Hash) -> DisputeStands {
    let report = log.report();
    report.disputes.into_iter().find(|one| one.dispute == dispute).expect("a dispute")
}

/// The figure of the owner in a dispute.
fn figure(log: &Log, dispute: Hash) -> Option<Exact> {
    let figures = stands(log, dispute).figures.into_iter();
    figures.filter(|(party, _)| party == "owner").map(|(_, figure)| figure).next()
}

/// Base and owner's share of the entries of the next statement, with their causes.
fn next_entries(log: &Log, own: Period) -> Vec<(Period, Exact, Exact, Vec<Hash>)> {
    let entries = log.ledger().entries(own).expect("entries").into_iter();
    let own =
        |entry: Entry| (entry.period, entry.base, entry.shares["owner"].clone(), entry.causes);
    entries.map(own).collect()
}

fn entry(
    number: u16,
    base: &str,
    share: &str,
    causes: &[Hash],
) -> (Period, Exact, Exact, Vec<Hash>) {
    (month(number), exact(base), exact(share), causes.to_vec())
}

/// Report and statement of a month, on the first day of the next one: some units, a gross of 1.
fn month_of(log: &mut Log, number: u16, units: i8) -> (Hash, Hash) {
    let period = month(number);
    let on = format!("{}-{}-20", period.year, period.number);
    log.today = log.today.max(first_of_month(i32::from(period.year), i32::from(period.number) + 1));
    let lines: &[Line<'_>] = &[(&on, b"USD", "m", 1, units)];
    let lines = if units == 0 { &[] } else { lines };
    let report = log.reports(period, lines).expect("reported");
    (report, log.states(period).expect("stated"))
}

/// A ledger with January stated: 100 units, 1,000.00, due on 31 January + 30 days = 2 March.
fn with_january(terms: &Terms) -> (Log, Hash, Hash) {
    let mut log = Log::open(2, terms);
    let (report, statement) = month_of(&mut log, 1, 100);
    (log, report, statement)
}

fn pay(log: &mut Log, amount: &str, sent: &str) -> Hash {
    log.pays("owner", amount, ("0", false), sent).expect("sent")
}

fn pay_in_full(log: &mut Log, amount: &str, received: &str) -> Hash {
    let payout = pay(log, amount, received);
    log.receives("owner", payout, received).expect("received");
    payout
}

/// The example of step 15, with January for June and February for July.
#[test]
fn what_is_disputed_is_held_and_the_rest_is_paid() {
    let (mut log, _, january) = with_january(&per_unit());
    assert_eq!(held_and_payable(&log), pair("0", "1000"));
    log.today = day("2026-02-05");
    let claim = figures(&[("owner", "700")]);
    let dispute = log.disputes("host", &target(STATEMENT, january), &claim, 0, None).expect("open");
    assert_eq!(held_and_payable(&log), pair("300", "700"));
    let payout = pay(&mut log, "700", "2026-02-20");
    // In transit, the 700 would settle all but the 300.
    assert_eq!(held_and_payable(&log), pair("300", "0"));
    log.receives("owner", payout, "2026-02-25").expect("received");
    assert_eq!(held_and_payable(&log), pair("300", "0"));
    // February: units 101 to 150 at 10. Its 500 are due on 30 March.
    month_of(&mut log, 2, 50);
    assert_eq!(held_and_payable(&log), pair("300", "500"));
    pay_in_full(&mut log, "500", "2026-03-25");
    // They settle February, which is due later, and not the 300 in dispute.
    assert_eq!(items(&log), [item(1, "300", "2026-03-02")]);
    assert_eq!(interest(&log), []);

    log.today = day("2026-04-06");
    refused(log.determines("judge", dispute, &outcome(STANDS)), "not escalated");
    refused(log.ends("host", 24, dispute), "too early");
    log.today = day("2026-04-07");
    refused(log.ends("lab", 24, dispute), "only a party");
    log.ends("owner", 24, dispute).expect("escalated");
    refused(log.ends("owner", 24, dispute), "twice");
    let verdict = other(&figures(&[("owner", "900")]));
    refused(log.determines("host", dispute, &verdict), "only an arbiter");
    refused(log.determines("judge", dispute, &other(&figures(&[("lab", "1")]))), "none of the");
    let verdict = log.determines("judge", dispute, &verdict).expect("determined");
    refused(log.determines("judge", dispute, &outcome(STANDS)), "over");
    assert_eq!((stands(&log, dispute).status, figure(&log, dispute)), (2, Some(exact("900"))));
    // 1,000 are booked, 900 are right: 100 are held until that is posted, 200 are payable.
    assert_eq!(held_and_payable(&log), pair("100", "200"));
    pay_in_full(&mut log, "200", "2026-04-21");
    // From 2 March to 21 April are 50 days: 200 × 0.073 × 50 / 365 = 2.
    assert_eq!(interest(&log), [exact("2")]);
    assert_eq!(held_and_payable(&log), pair("100", "0"));

    log.reports(month(3), &[]).expect("reported");
    let expected = [entry(1, "0", "-100", &[verdict]), entry(3, "0", "0", &[])];
    assert_eq!(next_entries(&log, month(3)), expected);
    log.states(month(3)).expect("stated");
    assert_eq!((stands(&log, dispute).status, figure(&log, dispute)), (3, None));
    let balance = owner(&log);
    assert_eq!((balance.booked, balance.paid), pair("1400", "1400"));
    // The interest is open, and bears none.
    assert_eq!(held_and_payable(&log), pair("0", "2"));
    assert_eq!(items(&log), [(month(3), exact("2"), None)]);
}

#[test]
fn a_settled_figure_stays_and_moves_nothing_else() {
    let mut log = Log::open(2, &per_unit());
    let (report, january) = month_of(&mut log, 1, 100);
    // Units 101 to 150 at 10, 151 to 200 at 5: 750.
    month_of(&mut log, 2, 100);
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "900")]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    let settled = other(&figures(&[("owner", "950")]));
    refused(log.settles("host", dispute, &settled, &[]), "exactly the other parties");
    refused(log.settles("host", dispute, &settled, &["judge"]), "exactly the other parties");
    refused(log.settles("host", dispute, &settled, &["host", "owner"]), "exactly the other");
    refused(log.settles("host", dispute, &settled, &["lab", "owner"]), "exactly the other");
    refused(log.settles("lab", dispute, &settled, &["host", "owner"]), "only a party");
    let signed: (&[&str], &[u8]) = (&["owner"], &outcome(STANDS));
    refused(log.settles_as("host", dispute, &settled, signed), "not one of the party's key");
    let settlement = log.settles("host", dispute, &settled, &["owner"]).expect("settled");
    assert_eq!(held_and_payable(&log), pair("50", "1700"));

    log.today = day("2026-04-01");
    log.reports(month(3), &[]).expect("reported");
    let expected = [entry(1, "0", "-50", &[settlement]), entry(3, "0", "0", &[])];
    assert_eq!(next_entries(&log, month(3)), expected);
    log.states(month(3)).expect("stated");
    assert_eq!(held_and_payable(&log), pair("0", "1700"));

    // January becomes 120 units with a gross of 2. February has units 121 to 150 at 10 and 70 at 5
    // now: 650. January's base moves; its 950 stay.
    let lines = [("2026-01-20", b"USD", "m", 2, 120)];
    let correction = log.corrects(report, &lines).expect("corrected");
    log.today = day("2026-05-01");
    log.reports(month(4), &[]).expect("reported");
    let expected = [
        entry(1, "1", "0", &[correction]),
        entry(2, "0", "-100", &[correction]),
        entry(4, "0", "0", &[]),
    ];
    assert_eq!(next_entries(&log, month(4)), expected);
}

#[test]
fn a_figure_is_replaced_only_by_a_dispute_that_reopens_the_one_that_made_it() {
    let (mut log, report, january) = with_january(&per_unit());
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "900")]);
    refused(log.disputes("host", &about, &claim, 0, Some([9; 32])), "reopen");
    let first = log.disputes("host", &about, &claim, 0, None).expect("opened");
    let adopted = log.concedes("owner", first, false).expect("conceded");
    assert_eq!(held_and_payable(&log), pair("100", "900"));
    // With other lines the owner gets its 900 all the same, unless the dispute is reopened.
    let claim = lines_for(report, &[("2026-01-20", b"USD", "m", 1, 120)]);
    refused(log.disputes("owner", &about, &claim, 1, None), "differs in nothing");
    refused(log.disputes("owner", &about, &claim, 0, Some(first)), "without a ground");
    refused(log.disputes("owner", &about, &figures(&[("owner", "950")]), 1, None), "reopen");
    let second = log.disputes("owner", &about, &claim, 2, Some(first)).expect("opened");
    // The second one holds now, and nothing of it: 1,200 are claimed and 1,000 booked.
    assert_eq!(figure(&log, second), Some(exact("1200")));
    assert_eq!(held_and_payable(&log), pair("0", "1000"));
    log.ends("owner", 26, second).expect("withdrawn");
    assert_eq!(held_and_payable(&log), pair("100", "900"));
    let third = log.disputes("owner", &about, &claim, 2, Some(first)).expect("opened");
    // The first one is posted in the meantime: 900 are booked.
    log.today = day("2026-03-01");
    log.reports(month(2), &[]).expect("reported");
    let expected = [entry(1, "0", "-100", &[adopted]), entry(2, "0", "0", &[])];
    assert_eq!(next_entries(&log, month(2)), expected);
    log.states(month(2)).expect("stated");
    let conceded = log.concedes("host", third, false).expect("conceded");
    log.today = day("2026-04-01");
    log.reports(month(3), &[]).expect("reported");
    let expected = [entry(1, "0", "300", &[conceded]), entry(3, "0", "0", &[])];
    assert_eq!(next_entries(&log, month(3)), expected);
}

#[test]
fn adopted_lines_move_the_tiers_of_a_later_period() {
    let mut log = Log::open(2, &per_unit());
    let (report, _) = month_of(&mut log, 1, 100);
    month_of(&mut log, 2, 100);
    let claim = lines_for(report, &[("2026-01-20", b"USD", "m", 1, 120)]);
    let about = target(REPORT, report);
    refused(log.disputes("lab", &about, &claim, 0, None), "money of other parties");
    let dispute = log.disputes("owner", &about, &claim, 0, None).expect("opened");
    // 120 units at 10 are claimed: more than is booked, so nothing is held.
    assert_eq!(figure(&log, dispute), Some(exact("1200")));
    assert_eq!(held_and_payable(&log), pair("0", "1750"));
    let stands_so = stands(&log, dispute);
    assert_eq!((stands_so.claimant.as_str(), stands_so.period), ("owner", Some((2026, 1))));
    assert_eq!(stands_so.respondents, [("host".into(), 0, None)]);
    let conceded = log.concedes("host", dispute, false).expect("conceded");
    refused(log.corrects(report, &[("2026-01-20", b"USD", "m", 1, 110)]), "adopted lines");
    log.today = day("2026-04-01");
    log.reports(month(3), &[]).expect("reported");
    // February has 30 units at 10 and 70 at 5: 650.
    let expected = [
        entry(1, "0", "200", &[conceded]),
        entry(2, "0", "-100", &[conceded]),
        entry(3, "0", "0", &[]),
    ];
    assert_eq!(next_entries(&log, month(3)), expected);
    log.states(month(3)).expect("stated");
    assert_eq!(owner(&log).booked, exact("1850"));
}

#[test]
fn figures_of_lines_are_computed_again_with_every_statement() {
    let mut log = Log::open(2, &per_unit());
    let (january, _) = month_of(&mut log, 1, 100);
    let (february, _) = month_of(&mut log, 2, 100);
    let claim = lines_for(february, &[("2026-02-20", b"USD", "m", 1, 50)]);
    let about = clause_in("all", month(2));
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    // Units 101 to 150 at 10: 500 of the 750 booked.
    assert_eq!(held_and_payable(&log), pair("250", "1500"));
    let lines = [("2026-01-20", b"USD", "m", 1, 120)];
    log.corrects(january, &lines).expect("corrected");
    assert_eq!(figure(&log, dispute), Some(exact("500")));
    log.today = day("2026-04-01");
    log.reports(month(3), &[]).expect("reported");
    log.states(month(3)).expect("stated");
    // January 1,200; February 30 × 10 + 70 × 5 = 650; with the claim 30 × 10 + 20 × 5 = 400.
    assert_eq!(figure(&log, dispute), Some(exact("400")));
    assert_eq!(held_and_payable(&log), pair("250", "1600"));
    // January's 200 more and all but 250 of February are settled by a payout in full.
    log.today = day("2026-04-10");
    pay_in_full(&mut log, "1600", "2026-04-10");
    assert_eq!(items(&log), [item(2, "250", "2026-03-30")]);
    // The report was corrected, and the lines are adopted all the same, at the end of its chain.
    log.corrects(february, &[("2026-02-20", b"USD", "m", 1, 90)]).expect("corrected");
    log.concedes("owner", dispute, false).expect("conceded");
    assert_eq!(held_and_payable(&log), pair("250", "0"));
    log.today = day("2026-05-01");
    log.reports(month(4), &[]).expect("reported");
    let entries = next_entries(&log, month(4));
    assert_eq!((entries[0].0, &entries[0].2), (month(2), &exact("-250")));
    log.states(month(4)).expect("stated");
    assert_eq!(items(&log).iter().filter(|(period, ..)| *period == month(2)).count(), 0);
}

#[test]
fn terms_that_are_adopted_become_figures_of_one_period() {
    let terms = per_unit();
    let mut log = Log::open(2, &terms);
    month_of(&mut log, 1, 100);
    let (_, february) = month_of(&mut log, 2, 100);
    let mut claimed = terms.clone();
    let steps = vec![step(Some("150"), "0", "12", "0"), step(None, "0", "6", "0")];
    claimed.rules[0].pay = by_units(Window::Lifetime, false, steps);
    claimed.parties.push(party("other", Role::Beneficiary));
    let about = target(STATEMENT, february);
    let claim = terms_from(&terms, "2026-01-01");
    refused(log.disputes("owner", &about, &claim, 0, None), "changes nothing");
    let claim = terms_from(&claimed, "2026-01-01");
    let dispute = log.disputes("owner", &about, &claim, 0, None).expect("opened");
    // 50 × 12 + 50 × 6 = 900. The new party is none of the ledger.
    assert_eq!(stands(&log, dispute).figures, [("owner".to_string(), exact("900"))]);
    let conceded = log.concedes("host", dispute, false).expect("conceded");
    assert_eq!(log.ledger().facts.versions.len(), 1);
    log.today = day("2026-04-01");
    log.reports(month(3), &[]).expect("reported");
    let expected = [entry(2, "0", "150", &[conceded]), entry(3, "0", "0", &[])];
    assert_eq!(next_entries(&log, month(3)), expected);
}

#[test]
fn a_payment_above_what_is_payable_settles_what_is_held_last() {
    let mut log = Log::open(2, &per_unit());
    let (_, january) = month_of(&mut log, 1, 100);
    month_of(&mut log, 2, 50);
    let about = target(STATEMENT, january);
    log.disputes("host", &about, &figures(&[("owner", "700")]), 0, None).expect("opened");
    assert_eq!(held_and_payable(&log), pair("300", "1200"));
    let payload = Payload::default().text("owner").amount("1400").amount("200").amount("0").u8(0);
    let payload = payload.on("2026-03-10").text("ref").bytes();
    let payout = log.says("host", 9, 2, payload).expect("sent");
    assert_eq!(held_and_payable(&log), pair("100", "0"));
    log.receives("owner", payout, "2026-03-12").expect("received");
    // First 700 of January and 500 of February, then 200 of January. January is 10 days late:
    // 700 × 0.073 × 10 / 365 = 1.40 and 200 × 0.073 × 10 / 365 = 0.40. February is not.
    let pieces: Vec<(Period, Exact)> = log.ledger().payouts[&payout]
        .pieces
        .iter()
        .map(|piece| (piece.period, piece.amount.clone()))
        .collect();
    let expected = [(1, "700"), (2, "500"), (1, "200")];
    assert_eq!(pieces, expected.map(|(number, amount)| (month(number), exact(amount))));
    assert_eq!(interest(&log), [exact("1.4"), exact("0.4")]);
    assert_eq!(items(&log), [item(1, "100", "2026-03-02")]);
    assert_eq!(held_and_payable(&log), pair("100", "0"));
}

#[test]
fn silence_accepts_after_its_deadline_and_cannot_be_faked() {
    let (mut log, _, january) = with_january(&per_unit());
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "700")]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    let first_time = |log: &Log| stands(log, dispute).respondents[0].2;
    // The owner has signed nothing since: it may never have seen the dispute.
    let day_of_nothing = log.today;
    log.today = day("2026-12-01");
    refused(log.concedes("host", dispute, true), "not silent past");
    assert_eq!(first_time(&log), None);
    log.today = day_of_nothing;

    // It signs on 10 February: the deadline is 12 March.
    log.today = day("2026-02-10");
    let accepted = Payload::default().hash(january).bytes();
    log.says("owner", 8, 1, accepted).expect("accepted");
    assert_eq!(first_time(&log), Some(i64::from(day("2026-02-10")) * DAY_MICROS));
    log.today = day("2026-03-12");
    refused(log.concedes("host", dispute, true), "not silent past");
    log.today = day("2026-03-13");
    refused(log.responds("owner", dispute), "after its deadline");
    refused(log.concedes("owner", dispute, true), "only the claimant");
    refused(log.concedes("lab", dispute, false), "only a respondent");
    log.concedes("host", dispute, true).expect("accepted by default");
    assert_eq!(stands(&log, dispute).status, 2);
    assert_eq!(held_and_payable(&log), pair("300", "700"));
}

#[test]
fn who_has_responded_is_not_silent() {
    let (mut log, _, january) = with_january(&per_unit());
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "700")]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    refused(log.responds("host", dispute), "only a respondent");
    log.today = day("2026-06-01");
    log.responds("owner", dispute).expect("responded, with the first thing that it signs");
    log.responds("owner", dispute).expect("responded again");
    log.today = day("2026-12-01");
    refused(log.concedes("host", dispute, true), "not silent past");
    log.ends("host", 24, dispute).expect("escalated");
    refused(log.concedes("host", dispute, true), "escalated");
    log.concedes("owner", dispute, false).expect("conceded");
    assert_eq!(stands(&log, dispute).respondents[0].1, 2);
    assert_eq!(stands(&log, dispute).status, 2);
}

#[test]
fn silence_escalates_where_the_terms_say_so() {
    let mut terms = per_unit();
    if let Some(windows) = &mut terms.clauses.dispute {
        windows.silence_accepts = false;
    }
    let (mut log, _, january) = with_january(&terms);
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "700")]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    log.says("owner", 8, 1, Payload::default().hash(january).bytes()).expect("accepted");
    // 1 February + 30 days = 3 March.
    log.today = day("2026-03-03");
    refused(log.ends("host", 24, dispute), "too early");
    log.today = day("2026-03-04");
    refused(log.concedes("host", dispute, true), "silence does not mean accept");
    log.ends("host", 24, dispute).expect("escalated");
    // A late response is one all the same.
    log.responds("owner", dispute).expect("responded");
    log.determines("judge", dispute, &outcome(STANDS)).expect("determined");
    // Nothing was adopted: nothing is held.
    assert_eq!((stands(&log, dispute).status, figure(&log, dispute)), (2, None));
    assert_eq!(held_and_payable(&log), pair("0", "1000"));
    log.today = day("2026-04-01");
    log.reports(month(2), &[]).expect("reported");
    assert_eq!(next_entries(&log, month(2)), [entry(2, "0", "0", &[])]);
}

#[test]
fn several_respondents_accept_or_are_silent() {
    let mut terms = per_unit();
    terms.clauses.splits.push(Split {
        of: "owner".into(),
        parts: vec![("owner".into(), exact("3")), ("lab".into(), exact("1"))],
    });
    let (mut log, _, january) = with_january(&terms);
    let about = target(STATEMENT, january);
    let claim = figures(&[("lab", "200"), ("owner", "700")]);
    refused(log.disputes("owner", &about, &claim, 0, None), "money of other parties");
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    // 750 and 250 are booked.
    assert_eq!(held_and_payable(&log), pair("50", "700"));
    log.concedes("lab", dispute, false).expect("conceded");
    refused(log.concedes("lab", dispute, false), "twice");
    log.responds("lab", dispute).expect("and said why");
    assert_eq!(stands(&log, dispute).respondents[0], {
        let seen = Some(i64::from(day("2026-02-01")) * DAY_MICROS);
        ("lab".into(), 2, seen)
    });
    assert_eq!(stands(&log, dispute).status, 0);
    log.today = day("2026-02-02");
    log.says("owner", 8, 1, Payload::default().hash(january).bytes()).expect("accepted");
    log.today = day("2026-03-05");
    log.concedes("host", dispute, true).expect("by default");
    let balances = log.report().balances;
    let payable: Vec<&Exact> = balances.iter().map(|balance| &balance.payable).collect();
    assert_eq!(payable, [&exact("200"), &exact("700")]);
}

#[test]
fn a_payout_counts_with_its_adopted_figure() {
    let (mut log, ..) = with_january(&per_unit());
    log.today = day("2026-03-12");
    let payout = pay_in_full(&mut log, "1000", "2026-03-12");
    // 10 days late: 1,000 × 0.073 × 10 / 365 = 2.
    assert_eq!(interest(&log), [exact("2")]);
    let about = target(PAYOUT, payout);
    for (amount, why) in [("1000", "nothing"), ("1000.01", "its amount"), ("-1", "its amount")] {
        let claim = figures(&[("owner", amount)]);
        refused(log.disputes("owner", &about, &claim, 0, None), why);
    }
    let claim = figures(&[("lab", "400")]);
    refused(log.disputes("owner", &about, &claim, 0, None), "than its receiver");
    let claim = figures(&[("owner", "400")]);
    refused(log.disputes("lab", &about, &claim, 0, None), "money of other parties");
    let first = log.disputes("owner", &about, &claim, 0, None).expect("opened");
    // The owner says that it got less: nothing is held.
    assert_eq!(held_and_payable(&log), pair("0", "0"));
    log.concedes("host", first, false).expect("conceded");
    // 600 are open again, and bear interest from the day received on.
    assert_eq!(items(&log), [item(1, "600", "2026-03-12")]);
    assert_eq!((owner(&log).paid, owner(&log).payable), pair("400", "600"));

    // The host comes back to it: 600 more were received, it says, and nothing is payable meanwhile.
    let claim = figures(&[("owner", "1000")]);
    refused(log.disputes("host", &about, &claim, 1, None), "reopen");
    let second = log.disputes("host", &about, &claim, 1, Some(first)).expect("opened");
    assert_eq!(held_and_payable(&log), pair("600", "0"));
    log.ends("host", 26, second).expect("withdrawn");
    assert_eq!(held_and_payable(&log), pair("0", "600"));
    let third = log.disputes("host", &about, &claim, 1, Some(first)).expect("opened");
    log.concedes("owner", third, false).expect("conceded");
    // As a payout received on 12 March, from which day the 600 bore interest: none is added.
    assert_eq!((items(&log), interest(&log)), (Vec::new(), vec![exact("2")]));
    assert_eq!((owner(&log).paid, owner(&log).payable), pair("1000", "0"));
}

#[test]
fn what_is_taken_back_comes_off_the_part_on_account_first() {
    let mut terms = per_unit();
    terms.clauses.withholding.insert("owner".into(), (exact("0.1"), false));
    let (mut log, ..) = with_january(&terms);
    let payload = Payload::default().text("owner").amount("1300").amount("300").amount("130").u8(0);
    let payload = payload.on("2026-03-10").text("ref").bytes();
    let payout = log.says("host", 9, 2, payload).expect("sent");
    log.receives("owner", payout, "2026-03-12").expect("received");
    let stands_with = |log: &Log| {
        let Balance { paid, on_account, withheld, payable, .. } = owner(log);
        let credit = log.ledger().accounts["owner"].queue.credit.clone();
        [paid, on_account, withheld, payable, credit]
    };
    let amounts = |amounts: [&str; 5]| amounts.map(exact);
    assert_eq!(stands_with(&log), amounts(["1000", "300", "130", "-300", "300"]));
    let about = target(PAYOUT, payout);
    let mut before = None;
    let mut adopt = |log: &mut Log, figure: &str| {
        let claim = figures(&[("owner", figure)]);
        let ground = u8::from(before.is_some());
        let dispute = log.disputes("owner", &about, &claim, ground, before).expect("opened");
        log.concedes("host", dispute, false).expect("conceded");
        before = Some(dispute);
    };
    adopt(&mut log, "1200");
    assert_eq!(stands_with(&log), amounts(["1000", "200", "130", "-200", "200"]));
    // 300 less: 200 from the credit, and 100 of January are open again.
    adopt(&mut log, "900");
    assert_eq!(stands_with(&log), amounts(["900", "0", "130", "100", "0"]));
    assert_eq!(items(&log), [item(1, "100", "2026-03-12")]);
    // All of it: nothing was received, and no tax withheld.
    adopt(&mut log, "0");
    assert_eq!(stands_with(&log), amounts(["0", "0", "0", "1000", "0"]));
    let expected = [item(1, "100", "2026-03-12"), item(1, "900", "2026-03-12")];
    assert_eq!(items(&log), expected);
    adopt(&mut log, "1300");
    assert_eq!(stands_with(&log), amounts(["1000", "300", "130", "-300", "300"]));
}

#[test]
fn a_credit_that_is_used_up_is_missing_when_it_is_taken_back() {
    let (mut log, ..) = with_january(&per_unit());
    let payload = Payload::default().text("owner").amount("1300").amount("300").amount("0").u8(0);
    let payload = payload.on("2026-02-10").text("ref").bytes();
    let payout = log.says("host", 9, 2, payload).expect("sent");
    log.receives("owner", payout, "2026-02-12").expect("received");
    // The credit of 300 settles a part of February's 500.
    month_of(&mut log, 2, 50);
    assert_eq!(items(&log), [item(2, "200", "2026-03-30")]);
    let about = target(PAYOUT, payout);
    let claim = figures(&[("owner", "0")]);
    let dispute = log.disputes("owner", &about, &claim, 0, None).expect("opened");
    log.concedes("host", dispute, false).expect("conceded");
    // What the payout settled itself opens again: 1,000 of January, from its own due day, which is
    // later than the day received. 300 are missing.
    assert_eq!(items(&log), [item(1, "1000", "2026-03-02"), item(2, "200", "2026-03-30")]);
    assert_eq!(log.ledger().accounts["owner"].queue.credit, exact("-300"));
    assert_eq!(owner(&log).payable, exact("1500"));
}

#[test]
fn a_payout_in_transit_or_returned_can_be_found_to_have_arrived() {
    let (mut log, ..) = with_january(&per_unit());
    let payout = pay(&mut log, "1000", "2026-03-10");
    let about = target(PAYOUT, payout);
    let claim = figures(&[("owner", "1000")]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    assert_eq!(held_and_payable(&log), pair("0", "0"));
    log.concedes("owner", dispute, false).expect("conceded");
    // It counts as received on the day sent, 8 days late: 1,000 × 0.073 × 8 / 365 = 1.60.
    assert_eq!(interest(&log), [exact("1.6")]);
    let balance = owner(&log);
    assert_eq!((balance.paid, balance.in_transit), pair("1000", "0"));
    refused(log.receives("owner", payout, "2026-03-12"), "not in transit");

    let (mut log, ..) = with_january(&per_unit());
    log.today = day("2026-03-10");
    let payout = pay(&mut log, "1000", "2026-03-10");
    let returned = Payload::default().hash(payout).text("wrong account").bytes();
    log.says("owner", 11, 1, returned).expect("returned");
    let about = target(PAYOUT, payout);
    let claim = figures(&[("owner", "0")]);
    refused(log.disputes("host", &about, &claim, 0, None), "differs in nothing");
    // 90 days after the day on which it was returned, 10 March, is 8 June.
    let claim = figures(&[("owner", "250")]);
    log.today = day("2026-06-09");
    refused(log.disputes("host", &about, &claim, 0, None), "window");
    log.today = day("2026-06-08");
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    assert_eq!(held_and_payable(&log), pair("250", "750"));
    log.settles("owner", dispute, &outcome(AS_CLAIMED), &["host"]).expect("settled");
    assert_eq!(held_and_payable(&log), pair("0", "750"));
    assert_eq!(interest(&log), [exact("0.4")]);
    // It is resolved on 8 June: 90 days from then.
    log.today = day("2026-09-06");
    let reopened = log.disputes("host", &about, &figures(&[("owner", "1")]), 0, Some(dispute));
    refused(reopened, "without a ground");
}

#[test]
fn disputes_that_are_refused() {
    let terms = per_unit();
    let (mut log, report, january) = with_january(&terms);
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "700")]);
    let open = |log: &mut Log, who: &str, about: &[u8], claim: &[u8]| {
        log.disputes(who, about, claim, 0, None)
    };
    refused(open(&mut log, "judge", &about, &claim), "only a money party");
    refused(open(&mut log, "lab", &about, &claim), "money of other parties");
    refused(open(&mut log, "owner", &target(STATEMENT, report), &claim), "does not exist");
    refused(open(&mut log, "owner", &target(REPORT, january), &claim), "not in effect");
    refused(open(&mut log, "owner", &target(PAYOUT, january), &claim), "not sent");
    refused(open(&mut log, "owner", &clause_in("any", month(1)), &claim), "clause");
    refused(open(&mut log, "owner", &clause_in("all", month(2)), &claim), "not stated");
    for (amount, why) in [("1000", "differs in nothing"), ("700.001", "minor unit")] {
        refused(open(&mut log, "owner", &about, &figures(&[("owner", amount)])), why);
    }
    refused(open(&mut log, "host", &about, &figures(&[("host", "1")])), "neither owner nor");
    refused(open(&mut log, "host", &about, &figures(&[])), "no figure");
    let twice = figures(&[("owner", "1"), ("owner", "2")]);
    refused(open(&mut log, "host", &about, &twice), "not strictly sorted");
    refused(log.disputes("owner", &about, &claim, 3, None), "unknown ground");

    // Lines that are not admissible, or that replace something else.
    let lines = |report, on, currency| lines_for(report, &[(on, currency, "m", 1, 90)]);
    let wrong_day = lines(report, "2026-02-01", b"USD");
    refused(open(&mut log, "owner", &about, &wrong_day), "outside its period");
    let without_rate = lines(report, "2026-01-20", b"EUR");
    refused(open(&mut log, "owner", &about, &without_rate), "no conversion rate");
    let not_there = lines(january, "2026-01-20", b"USD");
    refused(open(&mut log, "owner", &about, &not_there), "none in effect");
    let same = lines_for(report, &[("2026-01-20", b"USD", "m", 7, 100)]);
    refused(open(&mut log, "owner", &about, &same), "differs in nothing");
    let nil = lines_for(report, &[]);
    refused(open(&mut log, "lab", &about, &nil), "money of other parties");
    let payload = Payload::default().period(month(1)).u8(1).u32(0).bytes();
    let supplement = log.says("host", 4, 1, payload).expect("supplemented");
    let other_report = lines_for(supplement, &[("2026-01-20", b"USD", "m", 1, 5)]);
    let about_report = target(REPORT, report);
    refused(open(&mut log, "owner", &about_report, &other_report), "another report");

    // 1 February + 90 days = 2 May.
    log.today = day("2026-05-03");
    refused(open(&mut log, "owner", &about, &claim), "after its window");
    log.disputes("owner", &about, &claim, 1, None).expect("fraud has no window");
    log.today = day("2026-05-02");
}

#[test]
fn a_line_is_in_one_dispute_at_a_time() {
    let (mut log, report, january) = with_january(&per_unit());
    log.today = day("2026-05-02");
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "700")]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("on the last day");
    let nil = lines_for(report, &[]);
    refused(log.disputes("host", &target(REPORT, report), &nil, 0, None), "in dispute already");
    // The lab's line of the same period is another one.
    let of_lab = figures(&[("lab", "1")]);
    let other_line = log.disputes("lab", &about, &of_lab, 0, None).expect("opened");
    refused(log.ends("owner", 26, dispute), "only the claimant");
    log.ends("host", 26, dispute).expect("withdrawn");
    refused(log.responds("owner", dispute), "over");
    refused(log.ends("host", 26, dispute), "over");
    refused(log.ends("host", 26, [1; 32]), "no such dispute");
    assert_eq!((stands(&log, dispute).status, stands(&log, other_line).status), (4, 0));
    log.disputes("host", &about, &claim, 0, None).expect("a withdrawn dispute needs no reopening");
    // A respondent is seen to have seen the dispute also after its end.
    assert_eq!(stands(&log, dispute).respondents[0].2, None);
    log.says("owner", 8, 1, Payload::default().hash(january).bytes()).expect("accepted");
    assert!(stands(&log, dispute).respondents[0].2.is_some());
}

#[test]
fn lines_that_no_terms_rate_any_more_are_not_adopted() {
    let terms = per_unit();
    let (mut log, report, january) = with_january(&terms);
    let about = target(STATEMENT, january);
    let claim = lines_for(report, &[("2026-01-20", b"USD", "z", 1, 90)]);
    let dispute = log.disputes("owner", &about, &claim, 0, None).expect("opened");
    let mut narrow = terms.clone();
    narrow.rules[0].conditions = vec![("model".into(), vec!["m".into()])];
    let proposal = log.amends("owner", &narrow, "2026-01-01").expect("proposed");
    for party in ["host", "lab"] {
        log.accepts(party, proposal).expect("accepted");
    }
    // The figure stays what it was, and the dispute can be ended in other ways only.
    log.today = day("2026-03-01");
    log.reports(month(2), &[]).expect("reported");
    log.states(month(2)).expect("stated");
    assert_eq!(figure(&log, dispute), Some(exact("900")));
    assert_eq!(held_and_payable(&log), pair("100", "900"));
    refused(log.concedes("host", dispute, false), "matches no rule");
    let settled = other(&figures(&[("owner", "950")]));
    log.settles("host", dispute, &settled, &["owner"]).expect("settled");
    assert_eq!(held_and_payable(&log), pair("50", "950"));
}

#[test]
fn evidence_is_attached_once_and_erased_by_who_named_it() {
    let (mut log, report, january) = with_january(&per_unit());
    let attach = |about: Hash, commitment: Hash| {
        Payload::default().hash(about).hash(commitment).text("note").bytes()
    };
    let erase = |commitment: Hash| Payload::default().hash(commitment).text("why").bytes();
    refused(log.says("owner", 27, 1, attach([1; 32], [5; 32])), "not on the log");
    log.says("judge", 27, 1, attach(report, [5; 32])).expect("attached");
    refused(log.says("owner", 27, 1, attach(january, [5; 32])), "on the log already");
    refused(log.says("owner", 28, 1, erase([5; 32])), "another party");
    refused(log.says("owner", 28, 1, erase([6; 32])), "not on the log");
    log.says("judge", 28, 1, erase([5; 32])).expect("erased");
    refused(log.says("judge", 28, 1, erase([5; 32])), "twice");
    refused(log.says("judge", 27, 1, attach(report, [5; 32])), "on the log already");
    // A response names the commitment 7, the owner first.
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "700")]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    log.responds("owner", dispute).expect("responded");
    refused(log.says("host", 27, 1, attach(dispute, [7; 32])), "on the log already");
    refused(log.says("host", 28, 1, erase([7; 32])), "another party");
    // At most 64, strictly sorted.
    let mut naming = |count: u8, last: u8| {
        let named = (0..count).map(|n| [n; 32]).chain([[last; 32]]);
        let payload = Payload::default().hash(dispute).text("no").list(named, Payload::hash);
        log.says("owner", 21, 1, payload.bytes())
    };
    naming(63, 63).expect("64 of them");
    refused(naming(64, 64), "more evidence than 64");
    refused(naming(2, 1), "not strictly sorted");
}

#[test]
fn payloads_of_disputes_are_read_strictly() {
    let (mut log, _, january) = with_january(&per_unit());
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "700")]);
    let dispute = log.disputes("host", &about, &claim, 0, None).expect("opened");
    let start = |which: u32| Payload::default().u32(which);
    refused(log.disputes("host", &start(4).bytes(), &claim, 0, None), "alternative of a target");
    refused(log.disputes("host", &about, &start(3).bytes(), 0, None), "alternative of a claim");
    refused(log.settles("host", dispute, &outcome(3), &["owner"]), "alternative of an outcome");
    let trailing = Payload::default().hash(dispute).u8(0).u8(0).bytes();
    refused(log.says("owner", 22, 1, trailing), "left over");
    refused(log.says("owner", 22, 1, Payload::default().hash(dispute).u8(2).bytes()), "boolean");
    refused(log.says("owner", 22, 2, Payload::default().hash(dispute).u8(0).bytes()), "version");
    refused(log.says("owner", 29, 1, Vec::new()), "unknown kind");
    refused(log.settles("host", dispute, &outcome(0), &["owner", "lab"]), "strictly sorted");
    // A figure in another form than the one that its value has: 7000 with one fraction digit.
    let mut loose = Payload::default().u32(0).bytes();
    loose.extend(1u64.to_le_bytes());
    loose.extend(5u64.to_le_bytes());
    loose.extend(b"owner");
    loose.extend(7000i128.to_le_bytes());
    loose.push(1);
    refused(log.disputes("host", &about, &loose, 0, None), "trailing zero");
    // At level 1 there are no disputes.
    let opening = Terms { clauses: Clauses::none(), ..per_unit() };
    let mut log = Log::open(1, &opening);
    refused(log.disputes("host", &about, &claim, 0, None), "does not have this kind");
}

#[test]
fn parts_of_a_report_are_seen_with_the_event_that_closes_them() {
    let (mut log, _, january) = with_january(&per_unit());
    let about = target(STATEMENT, january);
    let claim = figures(&[("owner", "1700")]);
    let dispute = log.disputes("owner", &about, &claim, 0, None).expect("opened");
    log.today = day("2026-03-01");
    let block = lines_for([0; 32], &[("2026-02-20", b"USD", "m", 1, 10)]);
    let block = &block[4 + 32 + 1..]; // the length and the block
    let part = Payload::default().u32(0).raw(block).bytes();
    let digest = derive("revshare 2026-11-23 payload v1", &[&part]);
    let part = log.says("host", 3, 1, part).expect("a part");
    let seen = |log: &Log| stands(log, dispute).respondents[0].2;
    assert_eq!(seen(&log), None);
    log.today = day("2026-03-02");
    let lines = derive("revshare 2026-11-23 report lines v1", &[&digest]);
    let payload = Payload::default().period(month(2)).u8(0).u32(2).list([part], Payload::hash);
    let payload = payload.raw(&1u64.to_le_bytes()).hash(lines);
    let payload = payload.list([*b"USD"], |p, code| p.currency(code).amount("1"));
    log.says("host", 4, 1, payload.bytes()).expect("reported");
    assert_eq!(seen(&log), Some(i64::from(day("2026-03-01")) * DAY_MICROS));
}

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

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        ((self.0 >> 33) % bound as u64) as usize
    }

    fn one_of<'t, T>(&mut self, things: &'t [T]) -> Option<&'t T> {
        if things.is_empty() { None } else { things.get(self.below(things.len())) }
    }
}

/// What must hold after every record (`docs/calculation.md`, "What must hold").
fn check_accounts(ledger: &Ledger) {
    for id in ["owner", "lab"] {
        let balance = ledger.balance(id);
        let account = ledger.accounts.get(id).cloned().unwrap_or_default();
        let Queue { items, credit } = account.queue;
        let open: Exact = items.iter().map(|item| &item.open).sum();
        let settled = &balance.booked + &balance.interest - &balance.recouped;
        let settled = settled - &balance.paid - &balance.on_account;
        assert_eq!(&open - &credit, settled, "{id}: open items less credit");
        assert!(!credit.is_positive() || items.is_empty(), "{id}: credit beside open items");
        assert!(!balance.held.is_negative(), "{id}: held {}", balance.held);
        assert!(balance.payable >= balance.balance().min(Exact::zero()), "{id}: {balance:?}");
    }
}

/// A step of a random history; most are refused, as they should be.
fn random_step(log: &mut Log, dice: &mut Dice) -> Result<Hash, String> {
    let ledger = log.ledger();
    log.today += dice.below(9) as i32;
    let next = match ledger.stated.last_key_value() {
        None => month(1),
        Some((last, _)) => ledger.facts.length().next(*last),
    };
    let stated: Vec<Hash> = ledger.stated.values().map(|one| one.statement).collect();
    let reports: Vec<(Hash, Period)> =
        ledger.facts.reports.iter().map(|(id, report)| (*id, report.period)).collect();
    let payouts: Vec<(Hash, Payout)> =
        ledger.payouts.iter().map(|(id, sent)| (*id, sent.payout.clone())).collect();
    let disputes: Vec<Hash> = ledger.disputes.keys().copied().collect();
    let no_dispute = || "no dispute".to_string();
    let parties = ["host", "owner", "lab"];
    let who = parties[dice.below(3)];
    let units = dice.below(100) as i8 + 1;
    let amount = format!("{}.{:02}", dice.below(900), dice.below(100));
    let day_of = |period: Period| format!("{}-{}-20", period.year, period.number);
    let claim = |dice: &mut Dice, to: Option<&Payout>| match (to, dice.below(3)) {
        (Some(payout), _) => figures(&[(&payout.to, &amount)]),
        (None, 0) => match dice.one_of(&reports) {
            Some((report, period)) => {
                lines_for(*report, &[(&day_of(*period), b"USD", "m", 1, units)])
            }
            None => figures(&[("owner", &amount)]),
        },
        (None, 1) => figures(&[("lab", &amount)]),
        (None, _) => figures(&[("owner", &amount)]),
    };
    match dice.below(10) {
        0 => log.reports(next, &[(&day_of(next), b"USD", "m", 1, units)]),
        1 => log.states(next),
        2 => {
            let (report, period) = dice.one_of(&reports).ok_or("no report")?;
            log.corrects(*report, &[(&day_of(*period), b"USD", "m", 2, units)])
        }
        3 | 4 => {
            let payout = dice.one_of(&payouts).filter(|_| units % 2 == 0);
            let about = match payout {
                Some((id, _)) => target(PAYOUT, *id),
                None => target(STATEMENT, *dice.one_of(&stated).ok_or("nothing stated")?),
            };
            let claim = claim(dice, payout.map(|(_, payout)| payout));
            let first = log.disputes(who, &about, &claim, 1, None);
            let reopening = |log: &mut Log| {
                disputes.iter().find_map(|id| log.disputes(who, &about, &claim, 1, Some(*id)).ok())
            };
            first.or_else(|what| reopening(log).ok_or(what))
        }
        5 => log.concedes(who, *dice.one_of(&disputes).ok_or_else(no_dispute)?, false),
        6 => {
            let dispute = *dice.one_of(&disputes).ok_or_else(no_dispute)?;
            match dice.below(4) {
                0 => log.ends(who, 26, dispute),
                1 => log.determines("judge", dispute, &other(&claim(dice, None))),
                _ => log.ends(who, 24, dispute),
            }
        }
        7 => {
            let id = *dice.one_of(&disputes).ok_or_else(no_dispute)?;
            let dispute = &ledger.disputes[&id];
            let mut others = dispute.parties();
            others.remove(who);
            let others: Vec<&str> = others.iter().map(String::as_str).collect();
            let to = match dispute.about {
                About::Payout(payout) => Some(&ledger.payouts[&payout].payout),
                About::Period(_) => None,
            };
            let outcome = match dice.below(3) {
                0 => outcome(AS_CLAIMED),
                1 => outcome(STANDS),
                _ => other(&claim(dice, to)),
            };
            log.settles(who, id, &outcome, &others)
        }
        8 => {
            // All that is payable, or more than that.
            let balance = ledger.balance(["owner", "lab"][dice.below(2)]);
            let covered = balance.payable.clone().max(Exact::zero());
            let more = Exact::from(BigInt::from(dice.below(3) * 100));
            let payload = Payload::default().text(&balance.party).decimal(&(&covered + &more));
            let payload = payload.decimal(&more).amount("0").u8(0).day(log.today).text("ref");
            let sent = log.says("host", 9, 2, payload.bytes())?;
            if more.is_zero() {
                let after = log.ledger().balance(&balance.party);
                let expected = (balance.held, Exact::zero());
                assert_eq!((after.held, after.payable), expected, "paid in full");
            }
            Ok(sent)
        }
        _ => {
            let (id, payout) = dice.one_of(&payouts).ok_or("no payout")?;
            let received = Payload::default().hash(*id).day(payout.sent + dice.below(60) as i32);
            match dice.below(4) {
                0 => {
                    let returned = Payload::default().hash(*id).text("back").bytes();
                    log.says(&payout.to, 11, 1, returned)
                }
                _ => log.says(&payout.to, 10, 1, received.bytes()),
            }
        }
    }
}

#[test]
fn random_disputes_keep_the_accounts_whole() {
    let mut terms = per_unit();
    terms.clauses.splits.push(Split {
        of: "owner".into(),
        parts: vec![("owner".into(), exact("3")), ("lab".into(), exact("1"))],
    });
    let mut statuses = [0; 5];
    let mut adopted = [0; 3];
    for seed in 0..24 {
        let (mut log, ..) = with_january(&terms);
        let mut dice = Dice(seed);
        for _ in 0..70 {
            if random_step(&mut log, &mut dice).is_err() {
                continue;
            }
            let ledger = log.ledger();
            check_accounts(&ledger);
            if !ledger.since_statement.is_empty() {
                continue;
            }
            // Nothing happened since a statement, or nothing that moves a period.
            for (period, stated) in &ledger.stated {
                let amounts = ledger.facts.amounts(*period).expect("it can be rated");
                assert_eq!(stated.shares, amounts, "booked for {period:?}");
            }
        }
        let ledger = log.ledger();
        ledger.disputes.values().for_each(|dispute| statuses[dispute.status as usize] += 1);
        adopted[0] += ledger.facts.figures.len();
        adopted[1] +=
            ledger.facts.reports.values().filter(|report| report.adopted_by.is_some()).count();
        adopted[2] += ledger.payouts.values().filter(|sent| sent.adopted.is_some()).count();
    }
    // The histories are about something.
    assert!(statuses.iter().all(|count| *count > 0), "disputes by status: {statuses:?}");
    assert!(adopted.iter().all(|count| *count > 0), "figures, lines, payouts: {adopted:?}");
}
