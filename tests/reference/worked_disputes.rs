//! Examples of disputes, worked out by hand: what is held, what is adopted, and what is refused.

use crate::worked::{by_units, day, exact, month, step, terms};
use crate::writing::{
    Line, Log, Payload, clause_in, figures, lines_for, other, outcome, party, target, terms_from,
    with_keys,
};
use crate::*;

pub(crate) const STATEMENT: u32 = 0;
pub(crate) const REPORT: u32 = 1;
pub(crate) const PAYOUT: u32 = 2;
pub(crate) const STANDS: u32 = 0;
pub(crate) const AS_CLAIMED: u32 = 1;

/// Terms under which the owner gets 10 a unit for the first 150 units of all time, and then 5. Late
/// interest is 7.3 % a year, which is 0.02 % a day. There is an arbiter; silence of 30 days accepts,
/// and after 60 days a dispute can be escalated.
pub(crate) fn per_unit() -> Terms {
    let steps = vec![step(Some("150"), "0", "10", "0"), step(None, "0", "5", "0")];
    let mut terms = terms(by_units(Window::Lifetime, false, steps));
    terms.parties.push(party("judge", Role::Arbiter));
    terms.clauses.late_interest.insert(day("2026-01-01"), exact("0.073"));
    terms.clauses.dispute =
        Some(DisputeWindows { response_days: 30, silence_accepts: true, escalate_after_days: 60 });
    with_keys(terms)
}

#[track_caller]
pub(crate) fn refused<T>(result: Result<T, String>, why: &str) {
    match result {
        Ok(_) => panic!("it is not refused: {why}"),
        Err(what) => assert!(what.contains(why), "refused because {what}, not {why}"),
    }
}

pub(crate) fn owner(log: &Log) -> Balance {
    let report = log.report();
    report.balances.into_iter().find(|balance| balance.party == "owner").expect("an owner")
}

/// What is held of the owner's money and what is payable to it.
pub(crate) fn held_and_payable(log: &Log) -> (Exact, Exact) {
    let balance = owner(log);
    (balance.held, balance.payable)
}

pub(crate) fn pair(one: &str, other: &str) -> (Exact, Exact) {
    (exact(one), exact(other))
}

/// Period and open amount of the owner's open items, and the day from which each bears interest.
pub(crate) fn items(log: &Log) -> Vec<(Period, Exact, Option<i32>)> {
    let ledger = log.ledger();
    let items = ledger.accounts["owner"].queue.items.iter();
    items.map(|item| (item.period, item.open.clone(), item.interest_from)).collect()
}

pub(crate) fn item(number: u16, open: &str, from: &str) -> (Period, Exact, Option<i32>) {
    (month(number), exact(open), Some(day(from)))
}

/// Interest that waits to be posted.
pub(crate) fn interest(log: &Log) -> Vec<Exact> {
    log.ledger().pending_interest.into_iter().map(|line| line.amount).collect()
}

pub(crate) fn stands(log: &Log, dispute: Hash) -> DisputeStands {
    let report = log.report();
    report.disputes.into_iter().find(|one| one.dispute == dispute).expect("a dispute")
}

/// The figure of the owner in a dispute.
pub(crate) fn figure(log: &Log, dispute: Hash) -> Option<Exact> {
    let figures = stands(log, dispute).figures.into_iter();
    figures.filter(|(party, _)| party == "owner").map(|(_, figure)| figure).next()
}

/// Base and owner's share of the entries of the next statement, with their causes.
pub(crate) fn next_entries(log: &Log, own: Period) -> Vec<(Period, Exact, Exact, Vec<Hash>)> {
    let entries = log.ledger().entries(own).expect("entries").into_iter();
    let own =
        |entry: Entry| (entry.period, entry.base, entry.shares["owner"].clone(), entry.causes);
    entries.map(own).collect()
}

pub(crate) fn entry(
    number: u16,
    base: &str,
    share: &str,
    causes: &[Hash],
) -> (Period, Exact, Exact, Vec<Hash>) {
    (month(number), exact(base), exact(share), causes.to_vec())
}

/// Report and statement of a month, on the first day of the next one: some units, a gross of 1.
pub(crate) fn month_of(log: &mut Log, number: u16, units: i8) -> (Hash, Hash) {
    let period = month(number);
    let on = format!("{}-{}-20", period.year, period.number);
    log.today = log.today.max(first_of_month(i32::from(period.year), i32::from(period.number) + 1));
    let lines: &[Line<'_>] = &[(&on, b"USD", "m", 1, units)];
    let lines = if units == 0 { &[] } else { lines };
    let report = log.reports(period, lines).expect("reported");
    (report, log.states(period).expect("stated"))
}

/// A ledger with January stated: 100 units, 1,000.00, due on 31 January + 30 days = 2 March.
pub(crate) fn with_january(terms: &Terms) -> (Log, Hash, Hash) {
    let mut log = Log::open(2, terms);
    let (report, statement) = month_of(&mut log, 1, 100);
    (log, report, statement)
}

pub(crate) fn pay(log: &mut Log, amount: &str, sent: &str) -> Hash {
    log.pays("owner", amount, ("0", false), sent).expect("sent")
}

pub(crate) fn pay_in_full(log: &mut Log, amount: &str, received: &str) -> Hash {
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
