//! What the state keeps of each fact.

use std::collections::BTreeSet;
use std::ops::Deref;

use serde::Deserialize;
use serde::Serialize;

use crate::event::Amendment;
use crate::event::Author;
use crate::event::ContributionClaim;
use crate::event::ConversionRate;
use crate::event::Fact;
use crate::event::Kind;
use crate::event::UsagePart;
use crate::payout::Advance;
use crate::payout::Payout;
use crate::state::queue::Settled;
use crate::statement::Statement;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::ContentDigest;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::OutOfBounds;
use crate::vocab::Period;
use crate::vocab::StateRoot;
use crate::vocab::Text;
use crate::vocab::Timestamp;
use crate::vocab::to_u64;

/// A usage report or a correction of one.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
}

impl OpenPart {
    /// Of a fact that holds lines.
    pub(crate) fn of(fact: &Fact, part: &UsagePart) -> OpenPart {
        OpenPart {
            id: fact.id,
            author: fact.author.clone(),
            payload: fact.payload,
            lines: to_u64(part.block.lines()),
        }
    }
}

/// A statement on the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    pub accepted_by: BTreeSet<Id>,
}

/// A payout on the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// What it settled, in the order in which it did.
    pub settled: Vec<Settled>,
}

/// What became of a payout.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum PayoutStatus {
    /// Sent; neither confirmed nor returned.
    InTransit,
    /// Received.
    Confirmed {
        /// The confirmation's place on the log.
        seq: u64,
        /// When that was recorded.
        at: Timestamp,
        /// The day.
        received_on: Date,
    },
    /// Not received, or sent back.
    Returned {
        /// The return's place on the log.
        seq: u64,
        /// When that was recorded.
        at: Timestamp,
        /// Why.
        reason: Text,
    },
    /// A dispute was resolved: it counts this much.
    Determined {
        /// The resolution's place on the log.
        seq: u64,
        /// When that was recorded.
        at: Timestamp,
        /// The day from which it counts.
        received_on: Date,
        /// How much was received.
        figure: Amount,
    },
}

/// A party's last acknowledgement.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

/// An advance on the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AdvanceRecord {
    /// The event.
    pub id: EventId,
    /// Its place on the log.
    pub seq: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it says.
    pub advance: Advance,
    /// What became of it. It counts once it is confirmed.
    pub status: PayoutStatus,
}

/// Something that waits, or waited, for the acceptance of parties.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// The event.
    pub id: EventId,
    /// Its place on the log.
    pub seq: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Digest of what it says, which an acceptance repeats.
    pub content: ContentDigest,
    /// Who proposed it.
    pub proposer: Id,
    /// What it proposes.
    pub what: Proposed,
    /// The parties whose acceptance is needed, sorted; the proposer is one of them.
    pub needed: BTreeSet<Id>,
    /// The parties that accepted it, the proposer included.
    pub accepted_by: BTreeSet<Id>,
    /// What became of it.
    pub status: ProposalStatus,
}

impl Proposal {
    /// The kind of event that made it.
    pub fn kind(&self) -> Kind {
        match self.what {
            Proposed::Amendment(_) => Kind::AmendmentProposed,
            Proposed::Rate(_) => Kind::RateProposed,
            Proposed::Contribution(_) => Kind::ContributionClaimed,
        }
    }
}

/// What a proposal proposes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Proposed {
    /// Other terms.
    Amendment(Box<Amendment>),
    /// A conversion rate.
    Rate(ConversionRate),
    /// An ongoing contribution.
    Contribution(ContributionClaim),
}

/// What became of a proposal. One whose time has passed stays pending here: time is judged by the
/// next event that concerns it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ProposalStatus {
    /// Somebody's acceptance is missing.
    Pending,
    /// Everybody accepted it.
    Accepted {
        /// The last acceptance's place on the log.
        seq: u64,
    },
    /// A party refused it.
    Rejected {
        /// The rejection's place on the log.
        seq: u64,
        /// Who.
        by: Id,
        /// Why.
        reason: Text,
    },
    /// The proposer took it back.
    Withdrawn {
        /// The withdrawal's place on the log.
        seq: u64,
        /// Why.
        reason: Text,
    },
    /// Other terms were accepted after it.
    Overtaken {
        /// The acceptance's place on the log.
        seq: u64,
    },
}

/// The end of a contribution, on the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContributionEnding {
    /// The event.
    pub id: EventId,
    /// Its place on the log.
    pub seq: u64,
    /// The first day on which the contribution does not count.
    pub on: Date,
    /// Why.
    pub reason: Text,
}

/// Something that took effect since the last statement, and which periods it can have moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Effect {
    /// Place on the log of what it names.
    pub seq: u64,
    /// The report, the proposal or the end of a contribution.
    pub event: EventId,
    /// What it can move.
    pub reach: Reach,
}

/// Which periods an event can have moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Reach {
    /// A period, and later ones in the windows that hold it.
    Period(Period),
    /// Every period that does not end before a day.
    From(Date),
    /// Every period.
    Everything,
}

/// Sums of a beneficiary's account, in the settlement currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AccountSums {
    /// Posted by statements.
    pub booked: Amount,
    /// Late interest posted by statements.
    pub interest: Amount,
    /// Kept back by statements against advances, less what was given back.
    pub recouped: Amount,
    /// Advances received.
    pub advanced: Amount,
    /// Received, without what was sent on account; withheld tax included.
    pub paid: Amount,
    /// Received on account: a credit against later statements.
    pub on_account: Amount,
    /// Sent, neither confirmed nor returned; advances left out.
    pub in_transit: Amount,
    /// Tax withheld from, or borne on top of, confirmed payouts.
    pub withheld: Amount,
    /// The same of payouts in transit.
    pub tax_in_transit: Amount,
}

/// Account of a beneficiary: sums with a balance that is an amount. There is no account without
/// one, so that reading it cannot fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Account {
    sums: AccountSums,
    balance: Amount,
    unrecouped: Amount,
}

impl Account {
    /// The account with these sums. Errors: [`OutOfBounds`].
    pub fn new(sums: AccountSums) -> Result<Account, OutOfBounds> {
        let AccountSums { booked, interest, recouped, advanced, .. } = sums;
        let taken = [recouped, sums.paid, sums.on_account, sums.in_transit];
        let balance = taken.into_iter().try_fold(booked.plus(interest)?, Amount::minus)?;
        Ok(Account { sums, balance, unrecouped: advanced.minus(recouped)? })
    }

    /// balance = booked + interest − recouped − paid − on account − in transit: what is open,
    /// disputed or not. Negative when more was paid than is booked.
    pub fn balance(&self) -> Amount {
        self.balance
    }

    /// Advances received and not yet recouped.
    pub fn unrecouped(&self) -> Amount {
        self.unrecouped
    }
}

impl Deref for Account {
    type Target = AccountSums;

    fn deref(&self) -> &AccountSums {
        &self.sums
    }
}
