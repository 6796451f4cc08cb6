//! Who is owed what.

use crate::state::Account;
use crate::state::Agreement;
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
    /// Booked, paid, on account, in transit.
    pub account: Account,
    /// What may be paid out now; negative when more was paid than is booked.
    pub payable: Amount,
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
    /// The part that neither payouts nor negative periods have settled; payouts in transit count
    /// as settled. The oldest due date is settled first.
    pub open: Amount,
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
    let terms = agreement.terms();
    let stated: Vec<Period> = agreement.statements().keys().copied().collect();
    let booked: Vec<_> = stated.iter().map(|period| (*period, agreement.booked(*period))).collect();
    let beneficiaries = terms
        .beneficiaries()
        .into_iter()
        .map(|party| {
            let account = agreement.account(party);
            let mut periods: Vec<PeriodBalance> = booked
                .iter()
                .map(|(period, booked)| {
                    let share = booked.shares.iter().find(|(id, _)| id == party);
                    let booked = share.map_or(Amount::ZERO, |(_, amount)| *amount);
                    let open = booked.at_least_zero();
                    PeriodBalance { period: *period, due_on: terms.due_on(*period), booked, open }
                })
                .collect();
            settle(&account, &mut periods);
            Balance { party: party.clone(), account, payable: account.payable(), periods }
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
    let collector = terms.collector().map(|party| CollectorBalance {
        party: party.clone(),
        base: periods.iter().fold(Amount::ZERO, |sum, period| plus(sum, period.base)),
        keep: periods.iter().fold(Amount::ZERO, |sum, period| plus(sum, period.keep)),
        periods,
    });
    Balances { currency: terms.currency, beneficiaries, collector }
}

/// Negative periods and payouts settle the oldest due date first.
fn settle(account: &Account, periods: &mut [PeriodBalance]) {
    let negative = periods.iter().filter(|period| period.booked.is_negative());
    let mut credit = negative.fold(Amount::ZERO, |sum, p| plus(sum, p.booked.negated()));
    for amount in [account.paid, account.on_account, account.in_transit] {
        credit = plus(credit, amount);
    }
    for period in periods {
        let used = period.open.min(credit);
        period.open = plus(period.open, used.negated());
        credit = plus(credit, used.negated());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_due_date_is_settled_first_and_negative_periods_settle_too() {
        let amount = |text: &str| Amount::parse(text).unwrap_or_default();
        let mut periods: Vec<PeriodBalance> = [(1, "100"), (2, "-30"), (3, "50")]
            .into_iter()
            .filter_map(|(month, booked)| {
                let period = Period::new(crate::vocab::PeriodLength::Month, 2024, month)?;
                let (due_on, booked) = (period.last_day(), amount(booked));
                Some(PeriodBalance { period, due_on, booked, open: booked.at_least_zero() })
            })
            .collect();
        let account =
            Account { paid: amount("60"), in_transit: amount("20"), ..Account::default() };
        settle(&account, &mut periods);
        let open: Vec<String> = periods.iter().map(|period| period.open.to_string()).collect();
        assert_eq!(open, ["0", "0", "40"]);
    }
}
