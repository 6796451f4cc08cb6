//! Random histories of disputes: the accounts stay whole.

use crate::worked::{exact, month};
use crate::worked_disputes::*;
use crate::writing::{Log, Payload, figures, lines_for, other, outcome, target};
use crate::*;

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
