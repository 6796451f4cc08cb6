//! What the state keeps of each fact.

use std::collections::BTreeSet;

use crate::event::Author;
use crate::payout::Payout;
use crate::rating::RuleSums;
use crate::statement::Statement;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Period;
use crate::vocab::StateRoot;
use crate::vocab::Text;
use crate::vocab::Timestamp;

/// A usage report or a correction of one.
#[derive(Clone, Debug)]
pub struct Report {
    /// The event.
    pub id: EventId,
    /// Its place on the log.
    pub seq: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The period.
    pub period: Period,
    /// Whether it adds to earlier reports.
    pub supplement: bool,
    /// For a correction: the event it replaces.
    pub corrects: Option<EventId>,
    /// For a correction: why.
    pub reason: Option<Text>,
    /// The correction that replaced it, if one did.
    pub corrected_by: Option<EventId>,
    /// How many lines; 0 for a nil report.
    pub lines: u64,
    /// In how many parts it was written; 0 if the lines are in the event itself.
    pub parts: usize,
    /// Exact sums by day, attributes and currency.
    pub usage: UsageSums,
    /// Exact sums by rule.
    pub by_rule: RuleSums,
}

/// A part of a report that no event has closed yet.
#[derive(Clone, Debug)]
pub struct OpenPart {
    /// The part's event id.
    pub id: EventId,
    /// Who wrote it.
    pub author: Author,
    /// Digest of its payload.
    pub payload: Digest,
    /// How many lines.
    pub lines: u64,
    /// Exact sums of its lines.
    pub usage: UsageSums,
}

/// A statement on the log.
#[derive(Clone, Debug)]
pub struct StatementRecord {
    /// The event.
    pub id: EventId,
    /// Its place on the log.
    pub seq: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it says.
    pub statement: Statement,
    /// The parties that accepted it.
    pub accepted_by: BTreeSet<crate::vocab::Id>,
}

/// A payout on the log.
#[derive(Clone, Debug)]
pub struct PayoutRecord {
    /// The event.
    pub id: EventId,
    /// Its place on the log.
    pub seq: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it says.
    pub payout: Payout,
    /// What became of it.
    pub status: PayoutStatus,
}

/// What became of a payout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PayoutStatus {
    /// Sent; neither confirmed nor returned.
    InTransit,
    /// Received.
    Confirmed {
        /// The confirmation's place on the log.
        seq: u64,
        /// The day.
        received_on: Date,
    },
    /// Not received, or sent back.
    Returned {
        /// The return's place on the log.
        seq: u64,
        /// Why.
        reason: Text,
    },
}

/// A party's last acknowledgement.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// The acknowledgement's event.
    pub id: EventId,
    /// Its place on the log.
    pub seq: u64,
    /// The head that it acknowledges.
    pub head_seq: u64,
    /// The state root after that head.
    pub state_root: StateRoot,
}

/// A beneficiary's account, in the settlement currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// Posted by statements.
    pub booked: Amount,
    /// Received, without what was sent on account.
    pub paid: Amount,
    /// Received on account: a credit against later statements.
    pub on_account: Amount,
    /// Sent, neither confirmed nor returned.
    pub in_transit: Amount,
}

impl Account {
    /// payable = booked − paid − on account − in transit: what may be paid out now. Negative when
    /// more was paid than is booked. (Disputes, and with them held amounts, are not part of this
    /// release.)
    pub fn payable(&self) -> Amount {
        [self.paid, self.on_account, self.in_transit]
            .into_iter()
            .try_fold(self.booked, Amount::checked_sub)
            .unwrap_or_default()
    }
}
