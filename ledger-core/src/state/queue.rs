//! What is open to a beneficiary, oldest due date first: which amounts a payout settles, and how
//! late.

use crate::statement::InterestLine;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::Period;

/// What an open amount is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ItemKind {
    /// A share of a period, or a true-up of one.
    Share,
    /// Late interest; it bears none itself.
    Interest,
}

/// An amount that is booked and not yet settled.
#[derive(Clone, PartialEq, Eq, Debug)]
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

/// A piece of an item that a payout settled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// The period.
    pub period: Period,
    /// The day after which it bore interest.
    pub interest_from: Option<Date>,
    /// How much.
    pub amount: Amount,
}

/// A beneficiary's open items, and credit that no item has used yet. Items minus credit are what
/// is booked and neither recouped nor paid.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
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

    /// Adds credit and lets it settle items; returns the pieces settled, oldest first.
    pub(in crate::state) fn settle(&mut self, credit: Amount) -> Vec<Settled> {
        // Statements and payouts were admitted only with sums that stay in bounds.
        self.credit = self.credit.checked_add(credit).unwrap_or(self.credit);
        let mut pieces = Vec::new();
        for item in &mut self.items {
            let piece = item.open.min(self.credit);
            if piece <= Amount::ZERO {
                break;
            }
            item.open = item.open.checked_sub(piece).unwrap_or_default();
            self.credit = self.credit.checked_sub(piece).unwrap_or_default();
            let (period, interest_from) = (item.period, item.interest_from);
            pieces.push(Settled { period, interest_from, amount: piece });
        }
        self.items.retain(|item| !item.open.is_zero());
        pieces
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
