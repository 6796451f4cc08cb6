//! Postings: what statements, payouts and receipts make of accounts and queues, computed from the
//! state before them and changing nothing.

use std::collections::BTreeMap;

use crate::payout::Payout;
use crate::rating::RatedPeriods;
use crate::rating::group::whole;
use crate::state::Account;
use crate::state::AccountSums;
use crate::state::AdvanceRecord;
use crate::state::Agreement;
use crate::state::Booked;
use crate::state::ClaimFacts;
use crate::state::Dispute;
use crate::state::ItemKind;
use crate::state::OpenItem;
use crate::state::PayoutRecord;
use crate::state::PayoutStatus;
use crate::state::Queue;
use crate::state::StatementRecord;
use crate::state::held;
use crate::state::queue::Holds;
use crate::state::queue::Settled;
use crate::statement::Entry;
use crate::statement::InterestLine;
use crate::statement::Statement;
use crate::terms::Terms;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::OutOfBounds;
use crate::vocab::Period;
use crate::vocab::Rate;
use crate::vocab::exact;

/// Figures of a dispute, per line.
pub(in crate::state) type Figures = Vec<(Id, Amount)>;

/// Posting of a statement: every value that it changes.
#[derive(Clone, Debug)]
pub(crate) struct StatementPosting {
    pub(in crate::state) record: StatementRecord,
    pub(in crate::state) rated: RatedPeriods,
    pub(in crate::state) booked: Vec<(Period, Booked)>,
    pub(in crate::state) accounts: Vec<(Id, Account)>,
    pub(in crate::state) queues: Vec<(Id, Queue)>,
    /// Figures of the open disputes that were computed again.
    pub(in crate::state) figures: Vec<(EventId, Figures)>,
}

/// Posting of a payout: the payout as it is now, and what it makes of its receiver's account.
#[derive(Clone, Debug)]
pub(crate) struct PayoutPosting {
    pub(in crate::state) record: PayoutRecord,
    pub(in crate::state) account: Account,
    /// The receiver's queue, where something was settled or opened again.
    pub(in crate::state) queue: Option<Queue>,
    /// Late interest that it causes.
    pub(in crate::state) interest: Vec<InterestLine>,
}

/// Posting of an advance.
#[derive(Clone, Debug)]
pub(crate) struct AdvancePosting {
    pub(in crate::state) record: AdvanceRecord,
    /// The receiver's account, once the advance has arrived.
    pub(in crate::state) account: Option<Account>,
}

impl Agreement {
    /// What a statement posts; `rated` are the ratings that it was composed from and that the
    /// agreement does not have yet. Errors: [`OutOfBounds`].
    pub(crate) fn statement_posting(
        &self,
        record: StatementRecord,
        rated: RatedPeriods,
    ) -> Result<StatementPosting, OutOfBounds> {
        let statement = &record.statement;
        let mut booked: BTreeMap<Period, Booked> = BTreeMap::new();
        for entry in &statement.entries {
            let known = || self.booked.get(&entry.period).cloned().unwrap_or_default();
            booked.entry(entry.period).or_insert_with(known).book(entry)?;
        }
        let figures = self.figures_again();
        let holds = |party: &Id| {
            let open = self.disputes.values().filter(|dispute| dispute.is_open());
            let figures = open.map(|dispute| {
                let again = figures.iter().find(|(id, _)| *id == dispute.id);
                (dispute, again.map_or(&dispute.figures[..], |(_, figures)| &figures[..]))
            });
            held::holds(figures, party, |period| match booked.get(&period) {
                Some(booked) => booked.share_of(party),
                None => self.booked_to(period, party),
            })
        };
        let (mut accounts, mut queues) = (Vec::new(), Vec::new());
        // A share may go to a party that is none of the ledger, as long as it is 0.
        for party in self.booked_parties(statement) {
            let account = self.account_after(statement, &party)?;
            accounts.push((party, account));
        }
        for party in self.versions.beneficiaries() {
            let account = self.account_after(statement, party)?;
            let queue = self.queue_after(&record, (party, &account), &holds(party)?)?;
            queues.push((party.clone(), queue));
        }
        let booked = booked.into_iter().collect();
        Ok(StatementPosting { record, rated, booked, accounts, queues, figures })
    }

    /// Every beneficiary of the ledger, and every other party that a statement names.
    fn booked_parties(&self, statement: &Statement) -> Vec<Id> {
        let shares = statement.entries.iter().flat_map(|entry| &entry.shares).map(|(id, _)| id);
        let mut parties: Vec<Id> =
            self.versions.beneficiaries().into_iter().chain(shares).cloned().collect();
        parties.sort();
        parties.dedup();
        parties
    }

    /// A party's account after a statement.
    fn account_after(&self, statement: &Statement, party: &Id) -> Result<Account, OutOfBounds> {
        let sums = *self.account(party);
        let shares = statement.entries.iter().flat_map(|entry| &entry.shares);
        let mut own = shares.filter(|(id, _)| id == party).map(|(_, amount)| *amount);
        let (mut interest, mut recouped) = (sums.interest, sums.recouped);
        if self.versions.beneficiaries().contains(&party) {
            interest = interest.plus(statement.interest_of(party).ok_or(OutOfBounds)?)?;
            recouped = recouped.plus(statement.recouped_of(party))?;
        }
        let booked = own.try_fold(sums.booked, Amount::plus)?;
        Account::new(AccountSums { booked, interest, recouped, ..sums })
    }

    /// A beneficiary's queue after a statement that leaves it this account.
    fn queue_after(
        &self,
        record: &StatementRecord,
        (party, account): (&Id, &Account),
        holds: &Holds,
    ) -> Result<Queue, OutOfBounds> {
        let statement = &record.statement;
        let terms = self.versions.of(statement.period);
        let due_on = terms.due_on(statement.period);
        let ended = self.versions.last_period().is_some_and(|last| statement.period >= last);
        let minimum = if ended { Amount::ZERO } else { terms.minimum_payout };
        let interest = statement.interest_of(party).ok_or(OutOfBounds)?;
        let mut queue = self.queues.get(party).cloned().unwrap_or_default();
        let mut credit = statement.recouped_of(party);
        let shares = statement.entries.iter().map(|entry| {
            let due_on = self.versions.of(entry.period).due_on(entry.period);
            (entry.period, ItemKind::Share, due_on, entry.share_of(party))
        });
        let interest = (statement.period, ItemKind::Interest, due_on, interest);
        for (period, kind, due_on, amount) in shares.chain([interest]) {
            if amount.is_negative() {
                credit = credit.plus(amount.negated())?;
            } else if !amount.is_zero() {
                let (interest_from, booked_by) = (None, record.seq);
                queue.push(OpenItem {
                    period,
                    kind,
                    due_on,
                    interest_from,
                    open: amount,
                    booked_by,
                });
            }
        }
        queue.settle(credit, holds)?;
        if account.balance() >= minimum {
            queue.fall_due(record.seq, due_on);
        }
        Ok(queue)
    }

    /// The figures of open disputes whose claim is rated, from the facts as they are now.
    fn figures_again(&self) -> Vec<(EventId, Figures)> {
        let open = self.disputes.values().filter(|dispute| dispute.is_open());
        let again = |dispute: &Dispute| {
            let period = dispute.period?;
            match dispute.claim {
                ClaimFacts::Report { .. } | ClaimFacts::Terms(_) => {}
                ClaimFacts::Figures(_) => return None,
            }
            let overlay = self.overlay(&dispute.claim, (period, &dispute.lines));
            // Where a later report waits for a conversion rate, the figures stay.
            let rating = self.rate_over(&overlay, period).ok()?.pop()?;
            let figure = |(party, figure): &(Id, Amount)| {
                (party.clone(), rating.share(party).map_or(*figure, |share| share.amount))
            };
            Some((dispute.id, dispute.figures.iter().map(figure).collect()))
        };
        open.filter_map(again).collect()
    }

    /// What a payout posts that was just sent. Errors: [`OutOfBounds`].
    pub(crate) fn payout_posting(
        &self,
        record: PayoutRecord,
    ) -> Result<PayoutPosting, OutOfBounds> {
        let sums = posted(*self.account(&record.payout.to), &record, Amount::plus)?;
        let account = Account::new(sums)?;
        Ok(PayoutPosting { record, account, queue: None, interest: Vec::new() })
    }

    /// What a payout posts that arrives or comes back. Errors: [`OutOfBounds`].
    pub(crate) fn receipt_posting(
        &self,
        record: &PayoutRecord,
        status: PayoutStatus,
    ) -> Result<PayoutPosting, OutOfBounds> {
        let mut record = record.clone();
        let (id, to) = (record.id, record.payout.to.clone());
        let account = self.account_with(&mut record, status)?;
        let (mut queue, mut interest) = (None, Vec::new());
        if let PayoutStatus::Confirmed { received_on, .. } = record.status {
            let mut settled = self.queues.get(&to).cloned().unwrap_or_default();
            record.settled = settled.settle(record.payout.amount, &self.holds(&to)?)?;
            interest = self.interest_lines((&id, &to), &record.settled, received_on)?;
            queue = Some(settled);
        }
        Ok(PayoutPosting { record, account, queue, interest })
    }

    /// What a payout posts that counts another amount than what was sent, with the late interest
    /// that this causes. Errors: [`OutOfBounds`].
    pub(in crate::state) fn determined_posting(
        &self,
        record: &PayoutRecord,
        (status, figure): (PayoutStatus, Amount),
        interest: Vec<InterestLine>,
    ) -> Result<PayoutPosting, OutOfBounds> {
        let mut record = record.clone();
        let to = record.payout.to.clone();
        let (counted, received_on) = (record.counted(), record.counted_on());
        let account = self.account_with(&mut record, status)?;
        let mut queue = self.queues.get(&to).cloned().unwrap_or_default();
        let more = figure.minus(counted.unwrap_or(Amount::ZERO))?;
        if more.is_negative() {
            queue.reopen(more.negated(), &mut record.settled, received_on)?;
        } else {
            record.settled.extend(queue.settle(more, &self.holds(&to)?)?);
        }
        Ok(PayoutPosting { record, account, queue: Some(queue), interest })
    }

    /// Gives a payout another status; returns its receiver's account with that.
    fn account_with(
        &self,
        record: &mut PayoutRecord,
        status: PayoutStatus,
    ) -> Result<Account, OutOfBounds> {
        let before = posted(*self.account(&record.payout.to), record, Amount::minus)?;
        record.status = status;
        Account::new(posted(before, record, Amount::plus)?)
    }

    /// What an advance posts that arrives, and can be recouped, or comes back. Errors:
    /// [`OutOfBounds`].
    pub(crate) fn advance_posting(
        &self,
        record: &AdvanceRecord,
        status: PayoutStatus,
    ) -> Result<AdvancePosting, OutOfBounds> {
        let record = AdvanceRecord { status, ..record.clone() };
        let mut account = None;
        if let PayoutStatus::Confirmed { .. } = record.status {
            let sums = *self.account(&record.advance.to);
            let advanced = sums.advanced.plus(record.advance.amount)?;
            account = Some(Account::new(AccountSums { advanced, ..sums })?);
        }
        Ok(AdvancePosting { record, account })
    }

    /// The late interest that an amount of a payout causes if it is received on a day: on each open
    /// amount that it settles after its due day. Errors: [`OutOfBounds`].
    pub fn interest_on(
        &self,
        id: &EventId,
        amount: Amount,
        received_on: Date,
    ) -> Result<Vec<InterestLine>, OutOfBounds> {
        let Some(record) = self.payouts.get(id) else { return Ok(Vec::new()) };
        let to = &record.payout.to;
        let mut queue = self.queues.get(to).cloned().unwrap_or_default();
        let pieces = queue.settle(amount, &self.holds(to)?)?;
        self.interest_lines((id, to), &pieces, received_on)
    }

    /// The late interest on pieces that a payout to a party settles.
    fn interest_lines(
        &self,
        (id, to): (&EventId, &Id),
        pieces: &[Settled],
        received_on: Date,
    ) -> Result<Vec<InterestLine>, OutOfBounds> {
        let (mut lines, mut total) = (Vec::new(), Amount::ZERO);
        for piece in pieces.iter().map(|piece| &piece.item) {
            let late = piece.interest_from.filter(|due_on| *due_on < received_on);
            let Some(due_on) = late else { continue };
            let terms = self.versions.on(self.versions.clipped(due_on));
            let rate = terms.late_rate_on(due_on);
            let amount = interest(terms, rate, piece.open, (due_on, received_on))?;
            total = total.plus(amount)?;
            if !amount.is_zero() {
                lines.push(InterestLine {
                    to: to.clone(),
                    payout: *id,
                    period: piece.period,
                    principal: piece.open,
                    due_on,
                    received_on,
                    rate,
                    amount,
                });
            }
        }
        Ok(lines)
    }

    /// The late interest on a principal that was due on a day and is received on another one;
    /// zero if that is not later. Errors: [`OutOfBounds`].
    pub fn interest_for(
        &self,
        principal: Amount,
        (due_on, received_on): (Date, Date),
    ) -> Result<Amount, OutOfBounds> {
        if received_on <= due_on || principal.is_zero() {
            return Ok(Amount::ZERO);
        }
        let terms = self.versions.on(self.versions.clipped(due_on));
        interest(terms, terms.late_rate_on(due_on), principal, (due_on, received_on))
    }

    /// Advances sent to a party that did not come back, in transit ones included. Errors:
    /// [`OutOfBounds`].
    pub fn advances_to(&self, party: &Id) -> Result<Amount, OutOfBounds> {
        let own = self.advances.values().filter(|record| record.advance.to == *party);
        let back = |record: &&AdvanceRecord| matches!(record.status, PayoutStatus::Returned { .. });
        Amount::total(own.filter(|record| !back(record)).map(|record| record.advance.amount))
    }
}

impl Booked {
    /// What is booked to a party.
    pub fn share_of(&self, party: &Id) -> Amount {
        let own = self.shares.iter().find(|(id, _)| id == party);
        own.map_or(Amount::ZERO, |(_, amount)| *amount)
    }

    /// Adds an entry of a statement.
    fn book(&mut self, entry: &Entry) -> Result<(), OutOfBounds> {
        self.base = self.base.plus(entry.base)?;
        for (party, amount) in &entry.shares {
            match self.shares.iter_mut().find(|(id, _)| id == party) {
                Some((_, sum)) => *sum = sum.plus(*amount)?,
                None => self.shares.push((party.clone(), *amount)),
            }
        }
        Ok(())
    }
}

/// principal × rate × days / 365, from the day after the due day to the day of receipt, in minor
/// units. Errors: [`OutOfBounds`].
fn interest(
    terms: &Terms,
    rate: Rate,
    principal: Amount,
    (due_on, received_on): (Date, Date),
) -> Result<Amount, OutOfBounds> {
    let days = i64::from(received_on.days()).saturating_sub(i64::from(due_on.days()));
    let year = exact::of_amount(&principal) * exact::of_rate(&rate);
    let interest = year * whole(days) / whole(365);
    terms.rounding.round(&interest, terms.currency.minor_digits()).ok_or(OutOfBounds)
}

/// An account's sums with the posting of a payout by its status, or (with [`Amount::minus`]) without
/// it. Errors: [`OutOfBounds`].
fn posted(
    sums: AccountSums,
    record: &PayoutRecord,
    change: impl Fn(Amount, Amount) -> Result<Amount, OutOfBounds>,
) -> Result<AccountSums, OutOfBounds> {
    let Payout { amount, on_account, withheld, .. } = record.payout;
    let mut sums = sums;
    match record.status {
        PayoutStatus::InTransit => {
            sums.in_transit = change(sums.in_transit, amount)?;
            sums.tax_in_transit = change(sums.tax_in_transit, withheld)?;
        }
        PayoutStatus::Confirmed { .. } => {
            sums.paid = change(sums.paid, amount.minus(on_account)?)?;
            sums.on_account = change(sums.on_account, on_account)?;
            sums.withheld = change(sums.withheld, withheld)?;
        }
        PayoutStatus::Returned { .. } => {}
        PayoutStatus::Determined { figure, .. } => {
            // What did not arrive is missing from the part on account first.
            let missing = amount.minus(figure)?;
            let on_account = on_account.minus(missing)?.at_least_zero();
            sums.paid = change(sums.paid, figure.minus(on_account)?)?;
            sums.on_account = change(sums.on_account, on_account)?;
            if !figure.is_zero() {
                sums.withheld = change(sums.withheld, withheld)?;
            }
        }
    }
    Ok(sums)
}
