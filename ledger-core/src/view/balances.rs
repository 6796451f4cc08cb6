//! Who is owed what.

use crate::state::Account;
use crate::state::Agreement;
use crate::state::Booked;
use crate::state::ItemKind;
use crate::view::dispute::line;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::OutOfBounds;
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
    /// Booked, paid, on account, in transit.
    pub account: Account,
    /// Held back by disputes.
    pub held: Amount,
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

/// The balances of an agreement. Sums that an index keeps must be the ones that this gives. Errors:
/// [`OutOfBounds`].
pub fn balances(agreement: &Agreement) -> Result<Balances, OutOfBounds> {
    let versions = agreement.versions();
    let stated: Vec<Period> = agreement.statements().keys().copied().collect();
    let booked: Vec<_> = stated.iter().map(|period| (*period, agreement.booked(*period))).collect();
    let balance = |party: &Id| {
        let account = agreement.account(party);
        let open = agreement.open_queue(party)?;
        let (held, all_held) = agreement.held(party)?;
        let of_period = |(period, booked): &(Period, Booked)| {
            Ok(PeriodBalance {
                period: *period,
                due_on: versions.of(*period).due_on(*period),
                booked: booked.share_of(party),
                open: open.open_shares(*period)?,
                held: held.get(period).copied().unwrap_or(Amount::ZERO),
            })
        };
        let interest = open.items().iter().filter(|item| item.kind == ItemKind::Interest);
        Ok(Balance {
            party: party.clone(),
            account,
            held: all_held,
            payable: account.balance().minus(all_held)?,
            claimed_above: claimed_above(agreement, party)?,
            unrecouped: account.unrecouped(),
            pending_interest: pending_interest(agreement, party)?,
            open_interest: Amount::total(interest.map(|item| item.open))?,
            periods: booked.iter().map(of_period).collect::<Result<_, _>>()?,
        })
    };
    let beneficiaries = versions.beneficiaries().into_iter().map(balance);
    let keep = |(period, booked): &(Period, Booked)| {
        let owed = Amount::total(booked.shares.iter().map(|(_, amount)| *amount))?;
        let (base, keep) = (booked.base, booked.base.minus(owed)?);
        Ok(CollectorPeriod { period: *period, base, keep })
    };
    let periods: Vec<CollectorPeriod> = booked.iter().map(keep).collect::<Result<_, _>>()?;
    let (base, keep) = (periods.iter().map(|one| one.base), periods.iter().map(|one| one.keep));
    let (base, keep) = (Amount::total(base)?, Amount::total(keep)?);
    let collector = versions.collector().cloned();
    Ok(Balances {
        currency: agreement.terms().currency,
        beneficiaries: beneficiaries.collect::<Result<_, _>>()?,
        collector: collector.map(|party| CollectorBalance { party, base, keep, periods }),
    })
}

/// Late interest that the next statement posts to a party. Errors: [`OutOfBounds`].
pub(in crate::view) fn pending_interest(
    agreement: &Agreement,
    party: &Id,
) -> Result<Amount, OutOfBounds> {
    let pending = agreement.pending_interest().iter().filter(|line| line.to == *party);
    Amount::total(pending.map(|line| line.amount))
}

/// What open disputes claim for a party above what is booked to it, or counted: it is not owed.
fn claimed_above(agreement: &Agreement, party: &Id) -> Result<Amount, OutOfBounds> {
    let open = agreement.disputes().values().filter(|dispute| dispute.is_open());
    let own = open.filter(|dispute| dispute.lines.contains(party));
    own.map(|one| Ok(line(agreement, one, party)?.above))
        .try_fold(Amount::ZERO, |sum, above| sum.plus(above?))
}
