//! What is open to a beneficiary, oldest due date first: which amounts a payout settles, and how
//! late.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::statement::InterestLine;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::OutOfBounds;
use crate::vocab::Period;

/// What an open amount is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ItemKind {
    /// A share of a period, or a true-up of one.
    Share,
    /// Late interest; it bears none itself.
    Interest,
}

/// An amount that is booked and not yet settled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenItem {
    /// The period that it belongs to.
    pub period: Period,
    /// What it is.
    pub kind: ItemKind,
    /// The day on which it is due by its period.
    pub due_on: Date,
    /// The day after which it bears interest; none for interest, and none as long as it is carried
    /// because payable has not reached the minimum payout.
    pub interest_from: Option<Date>,
    /// How much of it is open; positive.
    pub open: Amount,
    /// The record of the statement that booked it.
    pub booked_by: u64,
}

/// A piece of an item that was settled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Settled {
    /// The item, as it was; open is how much of it the piece is.
    pub item: OpenItem,
}

/// What disputes would keep open, by period: max(0, booked − figure).
pub type Holds = BTreeMap<Period, Amount>;

/// A beneficiary's open items, and credit that no item has used yet. Items minus credit are what
/// is booked and neither recouped nor paid.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Queue {
    items: Vec<OpenItem>,
    credit: Amount,
}

impl Queue {
    /// Open items, oldest due date first.
    pub fn items(&self) -> &[OpenItem] {
        &self.items
    }

    /// What no item has used yet.
    pub fn credit(&self) -> Amount {
        self.credit
    }

    /// Adds an item behind those that are due before it.
    pub(in crate::state) fn push(&mut self, item: OpenItem) {
        let order = |item: &OpenItem| (item.due_on, item.period, item.kind);
        let at = self.items.partition_point(|known| order(known) <= order(&item));
        self.items.insert(at, item);
    }

    /// Adds credit and lets it settle items, oldest first; returns the pieces settled. What is held
    /// is settled last. Errors: [`OutOfBounds`]; then the queue is not to be used any more.
    pub(in crate::state) fn settle(
        &mut self,
        credit: Amount,
        holds: &Holds,
    ) -> Result<Vec<Settled>, OutOfBounds> {
        self.credit = self.credit.plus(credit)?;
        let mut pieces = Vec::new();
        let mut free: BTreeMap<Period, Amount> = BTreeMap::new();
        if !holds.is_empty() {
            let open = self.shares_by_period()?;
            for (period, held) in holds {
                let free_of_it = open.get(period).copied().unwrap_or_default().minus(*held)?;
                free.insert(*period, free_of_it.at_least_zero());
            }
        }
        self.settle_round(&mut pieces, Some(&mut free))?;
        self.settle_round(&mut pieces, None)?;
        self.items.retain(|item| !item.open.is_zero());
        Ok(pieces)
    }

    /// Settles items, oldest first; of the shares of a period only as much as is free, if given.
    fn settle_round(
        &mut self,
        pieces: &mut Vec<Settled>,
        mut free: Option<&mut BTreeMap<Period, Amount>>,
    ) -> Result<(), OutOfBounds> {
        for item in &mut self.items {
            if self.credit <= Amount::ZERO {
                break;
            }
            let mut piece = item.open.min(self.credit);
            let free = free.as_mut().filter(|_| item.kind == ItemKind::Share);
            if let Some(free) = free.and_then(|free| free.get_mut(&item.period)) {
                piece = piece.min(*free);
                *free = free.minus(piece)?;
            }
            if piece.is_zero() {
                continue;
            }
            item.open = item.open.minus(piece)?;
            self.credit = self.credit.minus(piece)?;
            pieces.push(Settled { item: OpenItem { open: piece, ..item.clone() } });
        }
        Ok(())
    }

    /// Takes back what a payout settled: from the credit first, then its pieces, the last first.
    /// They bear interest again from a day. What is missing makes the credit negative. Errors:
    /// [`OutOfBounds`]; then the queue is not to be used any more.
    pub(in crate::state) fn reopen(
        &mut self,
        amount: Amount,
        pieces: &mut Vec<Settled>,
        from: Date,
    ) -> Result<(), OutOfBounds> {
        let of_credit = amount.min(self.credit.at_least_zero());
        self.credit = self.credit.minus(of_credit)?;
        let mut rest = amount.minus(of_credit)?;
        while !rest.is_zero() {
            let Some(Settled { item }) = pieces.pop() else { break };
            let part = item.open.min(rest);
            rest = rest.minus(part)?;
            let interest_from = item.interest_from.map(|day| day.max(from));
            self.push(OpenItem { open: part, interest_from, ..item.clone() });
            let left = item.open.minus(part)?;
            if !left.is_zero() {
                pieces.push(Settled { item: OpenItem { open: left, ..item } });
            }
        }
        self.credit = self.credit.minus(rest)?;
        Ok(())
    }

    /// Payable has reached the minimum payout with the statement in record `seq`, of a period that
    /// is due on a day: what was carried falls due with it, what is new by its own period.
    pub(in crate::state) fn fall_due(&mut self, seq: u64, due_on: Date) {
        for item in &mut self.items {
            if item.kind == ItemKind::Share && item.interest_from.is_none() {
                let carried = item.booked_by < seq;
                let day = if carried { item.due_on.max(due_on) } else { item.due_on };
                item.interest_from = Some(day);
            }
        }
    }
}

/// Interest that payouts caused and no statement has posted yet, in the order in which they did.
pub type PendingInterest = Vec<InterestLine>;
