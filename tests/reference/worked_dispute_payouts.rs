//! Examples of disputes about payouts, worked out by hand, and of what is refused.

use crate::worked::{day, exact, month};
use crate::worked_disputes::*;
use crate::writing::{Log, Payload, clause_in, figures, lines_for, other, outcome, target};
use crate::*;

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
