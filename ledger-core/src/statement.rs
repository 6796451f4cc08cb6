//! Statements: what a period's usage comes to under the terms, and the true-ups of earlier ones.

use serde::Deserialize;
use serde::Serialize;

use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Level;
use crate::vocab::Period;
use crate::vocab::Rate;
use crate::vocab::StateRoot;

/// A statement: posts balances. Its content follows from the terms and the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Statement {
    /// The period that is stated.
    pub period: Period,
    /// Digest of the terms in force on the period's last day.
    pub terms: Digest,
    /// The calculation version that those terms name.
    pub calculation: u16,
    /// Postings: true-ups of earlier periods in period order, then the period's own.
    pub entries: Vec<Entry>,
    /// What is recouped of advances, sorted by party.
    pub recoupments: Vec<Recoupment>,
    /// Late interest on what payouts settled since the statement before, in the order in which
    /// they did.
    pub interest: Vec<InterestLine>,
    /// Version of the state root.
    pub root_version: u16,
    /// The state root after the record before the statement.
    pub state_root: StateRoot,
    /// The format level that it was written at.
    pub level: Level,
}

/// What a statement recoups of the advances to a party.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recoupment {
    /// The party.
    pub party: Id,
    /// Positive: kept back against advances. Negative: given back, because earlier amounts fell.
    pub amount: Amount,
}

/// Late interest on a principal that a payout settled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InterestLine {
    /// Who gets it.
    pub to: Id,
    /// The payout that settled the principal.
    pub payout: EventId,
    /// The period that the principal belongs to.
    pub period: Period,
    /// What was settled late.
    pub principal: Amount,
    /// The day on which it was due; interest runs from the day after.
    pub due_on: Date,
    /// The day on which it was received, included.
    pub received_on: Date,
    /// The yearly rate on the due day.
    pub rate: Rate,
    /// principal × rate × days / 365, in minor units.
    pub amount: Amount,
}

/// The conversion rate of a currency in a period.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RateUsed {
    /// The foreign currency.
    pub currency: Currency,
    /// Units of the settlement currency for one unit of it.
    pub rate: Amount,
    /// The event that proposed it.
    pub source: EventId,
}

/// Amounts posted by a statement for one period. The collector's leg is minus the sum of the
/// others, so the legs add up to zero.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The period that the amounts belong to: the statement's own, or an earlier one (a true-up).
    pub period: Period,
    /// Change of the period's base, rounded to the minor unit.
    pub base: Amount,
    /// Change of what is owed, for every beneficiary, sorted by party.
    pub shares: Vec<(Id, Amount)>,
    /// For a true-up: the events that moved the period, in the order of the log.
    pub causes: Vec<EventId>,
    /// The conversion rates that the period's amounts were computed with, sorted by currency.
    pub rates: Vec<RateUsed>,
}

impl Statement {
    /// The entry of the statement's own period.
    pub fn own(&self) -> Option<&Entry> {
        self.entries.last()
    }

    /// Late interest posted to a party; `None` if it leaves the bounds.
    pub fn interest_of(&self, party: &Id) -> Option<Amount> {
        let own = self.interest.iter().filter(|line| line.to == *party);
        own.map(|line| line.amount).try_fold(Amount::ZERO, Amount::checked_add)
    }

    /// What is recouped from a party; negative if it is given back.
    pub fn recouped_of(&self, party: &Id) -> Amount {
        let found = self.recoupments.iter().find(|one| one.party == *party);
        found.map_or(Amount::ZERO, |one| one.amount)
    }

    /// What the statement posts to a party, all entries together; `None` if it leaves the bounds.
    pub fn total(&self, party: &Id) -> Option<Amount> {
        let shares = self.entries.iter().map(|entry| entry.share_of(party));
        shares.into_iter().try_fold(Amount::ZERO, Amount::checked_add)
    }
}

impl Entry {
    /// What it posts to a party.
    pub fn share_of(&self, party: &Id) -> Amount {
        let own = self.shares.iter().find(|(id, _)| id == party);
        own.map_or(Amount::ZERO, |(_, amount)| *amount)
    }

    /// The collector's leg: minus the sum of the others. `None` if it leaves the bounds.
    pub fn collector_leg(&self) -> Option<Amount> {
        let sum = self.shares.iter().try_fold(Amount::ZERO, |sum, (_, a)| sum.checked_add(*a));
        sum.map(Amount::negated)
    }

    /// What the collector keeps: the base minus the shares; it may be negative.
    pub fn keep(&self) -> Option<Amount> {
        self.base.checked_add(self.collector_leg()?)
    }

    /// Whether the entry posts nothing.
    pub fn is_zero(&self) -> bool {
        self.base.is_zero() && self.shares.iter().all(|(_, amount)| amount.is_zero())
    }
}
