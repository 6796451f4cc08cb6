//! Who is owed what.

use crate::state::Account;
use crate::state::Agreement;
use crate::state::ItemKind;
use crate::view::dispute::lines;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Period;

/// Every balance of a ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Balances {
    /// Settlement currency.
    pub currency: Currency,
    /// Beneficiaries, sorted.
    pub beneficiaries: Vec<Balance>,
    /// The collector; checked terms have exactly one.
    pub collector: Option<CollectorBalance>,
}

/// A beneficiary's balance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Balance {
    /// The beneficiary.
    pub party: Id,
    /// Booked, paid, on account, in transit, held.
    pub account: Account,
    /// What may be paid out now; negative when more was paid than is booked.
    pub payable: Amount,
    /// What open disputes claim above what is booked or counted; it is not owed.
    pub claimed_above: Amount,
    /// Advances received and not yet recouped.
    pub unrecouped: Amount,
    /// Late interest that the next statement posts.
    pub pending_interest: Amount,
    /// Posted interest that payouts have not settled.
    pub open_interest: Amount,
    /// By period, in period order.
    pub periods: Vec<PeriodBalance>,
}

/// What is booked to a beneficiary for a period, and how much of it is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeriodBalance {
    /// The period.
    pub period: Period,
    /// The day on which it is due.
    pub due_on: Date,
    /// Booked, all statements together.
    pub booked: Amount,
    /// The part that neither payouts, recoupment nor negative entries have settled; payouts in
    /// transit count as settled. The oldest due date is settled first, what is held last.
    pub open: Amount,
    /// The part of what is open that disputes hold.
    pub held: Amount,
}

/// What the collector earned and keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectorBalance {
    /// The collector.
    pub party: Id,
    /// The base of all stated periods.
    pub base: Amount,
    /// The base minus what is booked to the others.
    pub keep: Amount,
    /// By period.
    pub periods: Vec<CollectorPeriod>,
}

/// What the collector earned and keeps of a period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectorPeriod {
    /// The period.
    pub period: Period,
    /// Its base.
    pub base: Amount,
    /// Its base minus what is booked to the others.
    pub keep: Amount,
}

fn plus(sum: Amount, amount: Amount) -> Amount {
    // Statements were admitted only with sums that stay in bounds.
    sum.checked_add(amount).unwrap_or(sum)
}

/// The balances of an agreement. Sums that an index keeps must be the ones that this gives.
pub fn balances(agreement: &Agreement) -> Balances {
    let versions = agreement.versions();
    let stated: Vec<Period> = agreement.statements().keys().copied().collect();
    let booked: Vec<_> = stated.iter().map(|period| (*period, agreement.booked(*period))).collect();
    let beneficiaries = versions
        .beneficiaries()
        .into_iter()
        .map(|party| {
            let account = agreement.account(party);
            let open = agreement.open_queue(party);
            let (held, _) = agreement.held(party);
            let periods: Vec<PeriodBalance> = booked
                .iter()
                .map(|(period, booked)| {
                    let share = booked.shares.iter().find(|(id, _)| id == party);
                    let booked = share.map_or(Amount::ZERO, |(_, amount)| *amount);
                    let open = open.open_shares(*period);
                    let held = held.get(period).copied().unwrap_or_default();
                    let due_on = versions.of(*period).due_on(*period);
                    PeriodBalance { period: *period, due_on, booked, open, held }
                })
                .collect();
            let interest = open.items().iter().filter(|item| item.kind == ItemKind::Interest);
            let open_interest = interest.fold(Amount::ZERO, |sum, item| plus(sum, item.open));
            let pending = agreement.pending_interest().iter().filter(|line| line.to == *party);
            let pending = pending.fold(Amount::ZERO, |sum, line| plus(sum, line.amount));
            Balance {
                party: party.clone(),
                account,
                payable: account.payable(),
                claimed_above: claimed_above(agreement, party),
                unrecouped: account.unrecouped(),
                pending_interest: pending,
                open_interest,
                periods,
            }
        })
        .collect();
    let periods: Vec<CollectorPeriod> = booked
        .iter()
        .map(|(period, booked)| {
            let owed = booked.shares.iter().fold(Amount::ZERO, |sum, (_, a)| plus(sum, *a));
            let keep = plus(booked.base, owed.negated());
            CollectorPeriod { period: *period, base: booked.base, keep }
        })
        .collect();
    let collector = versions.collector().map(|party| CollectorBalance {
        party: party.clone(),
        base: periods.iter().fold(Amount::ZERO, |sum, period| plus(sum, period.base)),
        keep: periods.iter().fold(Amount::ZERO, |sum, period| plus(sum, period.keep)),
        periods,
    });
    Balances { currency: agreement.terms().currency, beneficiaries, collector }
}

/// What open disputes claim for a party above what is booked to it, or counted: it is not owed.
fn claimed_above(agreement: &Agreement, party: &Id) -> Amount {
    let open = agreement.disputes().values().filter(|dispute| dispute.is_open());
    let lines = open.flat_map(|one| lines(agreement, one, one.recorded_at.date()));
    let own = lines.filter(|line| line.party == *party);
    own.fold(Amount::ZERO, |sum, line| plus(sum, line.above))
}
