//! Records as a reader sees them: other events by their record number, reports by their totals.

use std::collections::BTreeMap;

use crate::event::ContributionClaim;
use crate::event::ConversionRate;
use crate::event::Event;
use crate::event::Fact;
use crate::event::Kind;
use crate::event::Lines;
use crate::payout::Advance;
use crate::payout::Payout;
use crate::state::State;
use crate::statement::Statement;
use crate::terms::Role;
use crate::usage::LineBlock;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::ContentDigest;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::vocab::StateRoot;
use crate::vocab::Text;
use crate::vocab::Timestamp;
use crate::vocab::exact::Sum;

/// A record on the log.
#[derive(Clone, Debug)]
pub struct Record {
    /// Sequence number.
    pub seq: u64,
    /// Hash of the record.
    pub hash: RecordHash,
    /// Hash of the record before it; all zero for record 0.
    pub previous: RecordHash,
    /// Recorded time, as the author claims it.
    pub recorded_at: Timestamp,
    /// The author.
    pub party: Id,
    /// The key that signed.
    pub key: PublicKey,
    /// The event's id.
    pub id: EventId,
    /// Digest of what the event says, without its nonce.
    pub content: ContentDigest,
    /// Digest of the payload bytes.
    pub payload: Digest,
    /// What the event says.
    pub said: Said,
}

/// An event that another one names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// Its id.
    pub id: EventId,
    /// Its record, if it is on the log.
    pub seq: Option<u64>,
}

/// The lines of a report, in total.
#[derive(Clone, Debug)]
pub struct LinesTotal {
    /// How many; 0 for a nil report.
    pub lines: u64,
    /// In how many parts they were written; 0 if they are in the event itself.
    pub parts: usize,
    /// Gross per currency.
    pub gross: Vec<(Currency, Sum)>,
}

/// What an event says.
#[derive(Clone, Debug)]
pub enum Said {
    /// The ledger was opened.
    LedgerOpened {
        /// The agreement's title.
        title: Text,
        /// Digest of the terms.
        terms: Digest,
        /// The parties.
        parties: Vec<(Id, Role)>,
    },
    /// Something that waited for it was accepted.
    Accepted {
        /// What.
        what: Named,
        /// Its kind.
        kind: Option<Kind>,
        /// The content digest that the acceptance carries.
        content: ContentDigest,
    },
    /// A part of a large report.
    UsagePart {
        /// Its position, from 0.
        index: u32,
        /// Its lines.
        total: LinesTotal,
    },
    /// Usage was reported.
    UsageReported {
        /// The period.
        period: Period,
        /// Whether it adds to earlier reports.
        supplement: bool,
        /// Its lines.
        total: LinesTotal,
    },
    /// A report was replaced.
    UsageCorrected {
        /// The period, if the replaced report is known.
        period: Option<Period>,
        /// What is replaced.
        corrects: Named,
        /// Why.
        reason: Text,
        /// Its lines.
        total: LinesTotal,
    },
    /// A report is missing.
    UsageMissing {
        /// The period.
        period: Period,
    },
    /// A statement was issued.
    StatementIssued(Statement),
    /// A statement was accepted.
    StatementAccepted {
        /// The statement.
        statement: Named,
        /// Its period.
        period: Option<Period>,
    },
    /// Money was sent.
    PayoutSent(Payout),
    /// Money was received.
    PayoutConfirmed {
        /// The payout.
        payout: Named,
        /// What was sent.
        sent: Option<Sent>,
        /// The day it was received.
        received_on: Date,
    },
    /// Money came back.
    PayoutReturned {
        /// The payout.
        payout: Named,
        /// What was sent.
        sent: Option<Sent>,
        /// Why.
        reason: Text,
    },
    /// A head and its state root were acknowledged.
    Acknowledged {
        /// Sequence number of the head.
        seq: u64,
        /// Its hash.
        head: RecordHash,
        /// Version of the state root.
        root_version: u16,
        /// The state root after it.
        state_root: StateRoot,
    },
    /// Other terms were proposed.
    AmendmentProposed {
        /// Digest of the proposed terms.
        terms: Digest,
        /// The first usage day that they rate.
        effective_from: Date,
        /// Why.
        reason: Text,
    },
    /// A proposal was rejected by a party, or withdrawn by its proposer.
    ProposalClosed {
        /// Rejected, or withdrawn.
        kind: Kind,
        /// The proposal.
        proposal: Named,
        /// What was proposed.
        proposed: Option<Kind>,
        /// Why.
        reason: Text,
    },
    /// A conversion rate was proposed.
    RateProposed(ConversionRate),
    /// An ongoing contribution was claimed.
    ContributionClaimed(ContributionClaim),
    /// A contribution ended.
    ContributionEnded {
        /// The claim.
        claim: Named,
        /// The first day on which it does not count.
        on: Date,
        /// Why.
        reason: Text,
    },
    /// A recoupable advance was paid.
    AdvancePaid(Advance),
}

/// Money that was sent: a payout or an advance.
#[derive(Clone, Debug)]
pub enum Sent {
    /// A payout.
    Payout(Payout),
    /// A recoupable advance.
    Advance(Advance),
}

impl Sent {
    /// The receiver.
    pub fn to(&self) -> &Id {
        match self {
            Sent::Payout(payout) => &payout.to,
            Sent::Advance(advance) => &advance.to,
        }
    }

    /// The amount.
    pub fn amount(&self) -> Amount {
        match self {
            Sent::Payout(payout) => payout.amount,
            Sent::Advance(advance) => advance.amount,
        }
    }
}

impl Record {
    /// A fact as a reader sees it; `state` is any state that knows the events that it names.
    pub fn of(state: &State, fact: &Fact) -> Record {
        Record {
            seq: fact.seq,
            hash: fact.hash,
            previous: fact.previous,
            recorded_at: fact.recorded_at,
            party: fact.author.party.clone(),
            key: fact.author.key,
            id: fact.id,
            content: fact.content,
            payload: fact.payload,
            said: said(state, &fact.event),
        }
    }

    /// Whether the record is about a party: its author, or the receiver of a payout.
    pub fn concerns(&self, party: &Id) -> bool {
        let receiver = match &self.said {
            Said::PayoutSent(payout) => Some(&payout.to),
            Said::AdvancePaid(advance) => Some(&advance.to),
            Said::PayoutConfirmed { sent, .. } | Said::PayoutReturned { sent, .. } => {
                sent.as_ref().map(Sent::to)
            }
            _ => None,
        };
        self.party == *party || receiver.is_some_and(|to| to == party)
    }
}

impl Said {
    /// The kind of event.
    pub fn kind(&self) -> Kind {
        match self {
            Said::LedgerOpened { .. } => Kind::LedgerOpened,
            Said::Accepted { .. } => Kind::Accepted,
            Said::UsagePart { .. } => Kind::UsagePart,
            Said::UsageReported { .. } => Kind::UsageReported,
            Said::UsageCorrected { .. } => Kind::UsageCorrected,
            Said::UsageMissing { .. } => Kind::UsageMissing,
            Said::StatementIssued(_) => Kind::StatementIssued,
            Said::StatementAccepted { .. } => Kind::StatementAccepted,
            Said::PayoutSent(_) => Kind::PayoutSent,
            Said::PayoutConfirmed { .. } => Kind::PayoutConfirmed,
            Said::PayoutReturned { .. } => Kind::PayoutReturned,
            Said::Acknowledged { .. } => Kind::Acknowledged,
            Said::AmendmentProposed { .. } => Kind::AmendmentProposed,
            Said::ProposalClosed { kind, .. } => *kind,
            Said::RateProposed(_) => Kind::RateProposed,
            Said::ContributionClaimed(_) => Kind::ContributionClaimed,
            Said::ContributionEnded { .. } => Kind::ContributionEnded,
            Said::AdvancePaid(_) => Kind::AdvancePaid,
        }
    }

    /// Whether the event says something about a period. A statement does so about every period
    /// that it posts to.
    pub fn is_about(&self, wanted: Period) -> bool {
        match self {
            Said::UsageReported { period, .. } | Said::UsageMissing { period } => *period == wanted,
            Said::RateProposed(rate) => rate.period == wanted,
            Said::UsageCorrected { period, .. } | Said::StatementAccepted { period, .. } => {
                *period == Some(wanted)
            }
            Said::StatementIssued(statement) => {
                statement.entries.iter().any(|entry| entry.period == wanted)
            }
            _ => false,
        }
    }
}

impl Named {
    /// An event, with its record if the state knows it.
    pub fn of(state: &State, id: EventId) -> Named {
        Named { id, seq: state.event(&id).map(|(seq, _)| seq) }
    }
}

fn said(state: &State, event: &Event) -> Said {
    let named = |id: &EventId| Named::of(state, *id);
    let agreement = state.agreement();
    match event {
        Event::LedgerOpened(version) => Said::LedgerOpened {
            title: version.terms.title.clone(),
            terms: version.digest,
            parties: version.terms.parties.iter().map(|p| (p.id.clone(), p.role)).collect(),
        },
        Event::Accepted(acceptance) => Said::Accepted {
            what: named(&acceptance.event),
            kind: state.event(&acceptance.event).map(|(_, kind)| kind),
            content: acceptance.content,
        },
        Event::UsagePart(part) => {
            Said::UsagePart { index: part.index, total: LinesTotal::of_block(&part.block) }
        }
        Event::UsageReported(report) => Said::UsageReported {
            period: report.period,
            supplement: report.supplement,
            total: LinesTotal::of(&report.lines),
        },
        Event::UsageCorrected(correction) => Said::UsageCorrected {
            period: agreement
                .and_then(|known| known.report(&correction.corrects))
                .map(|report| report.period),
            corrects: named(&correction.corrects),
            reason: correction.reason.clone(),
            total: LinesTotal::of(&correction.lines),
        },
        Event::UsageMissing(period) => Said::UsageMissing { period: *period },
        Event::StatementIssued(statement) => Said::StatementIssued(statement.clone()),
        Event::StatementAccepted(id) => Said::StatementAccepted {
            statement: named(id),
            period: agreement
                .and_then(|known| known.statement_of(id))
                .map(|record| record.statement.period),
        },
        Event::PayoutSent(payout) => Said::PayoutSent(payout.clone()),
        Event::PayoutConfirmed(receipt) => Said::PayoutConfirmed {
            payout: named(&receipt.payout),
            sent: sent(state, &receipt.payout),
            received_on: receipt.received_on,
        },
        Event::PayoutReturned(returned) => Said::PayoutReturned {
            payout: named(&returned.payout),
            sent: sent(state, &returned.payout),
            reason: returned.reason.clone(),
        },
        Event::Acknowledged(said) => Said::Acknowledged {
            seq: said.seq,
            head: said.head,
            root_version: said.root_version,
            state_root: said.state_root,
        },
        Event::AmendmentProposed(amendment) => Said::AmendmentProposed {
            terms: amendment.version.digest,
            effective_from: amendment.effective_from,
            reason: amendment.reason.clone(),
        },
        Event::ProposalRejected(closing) | Event::ProposalWithdrawn(closing) => {
            Said::ProposalClosed {
                kind: event.kind(),
                proposal: named(&closing.proposal),
                proposed: state.event(&closing.proposal).map(|(_, kind)| kind),
                reason: closing.reason.clone(),
            }
        }
        Event::RateProposed(rate) => Said::RateProposed(rate.clone()),
        Event::ContributionClaimed(claim) => Said::ContributionClaimed(claim.clone()),
        Event::ContributionEnded(end) => Said::ContributionEnded {
            claim: named(&end.claim),
            on: end.on,
            reason: end.reason.clone(),
        },
        Event::AdvancePaid(advance) => Said::AdvancePaid(advance.clone()),
    }
}

fn sent(state: &State, id: &EventId) -> Option<Sent> {
    let agreement = state.agreement()?;
    let payout = agreement.payouts().get(id).map(|one| Sent::Payout(one.payout.clone()));
    payout.or_else(|| Some(Sent::Advance(agreement.advances().get(id)?.advance.clone())))
}

impl LinesTotal {
    fn of(lines: &Lines) -> LinesTotal {
        match lines {
            Lines::Nil => LinesTotal { lines: 0, parts: 0, gross: Vec::new() },
            Lines::Inline(block) => LinesTotal::of_block(block),
            Lines::Parts(index) => LinesTotal {
                lines: index.lines,
                parts: index.parts.len(),
                gross: index
                    .gross
                    .iter()
                    .map(|(currency, amount)| {
                        let mut sum = Sum::default();
                        sum.add_scaled(amount.mantissa(), amount.scale());
                        (*currency, sum)
                    })
                    .collect(),
            },
        }
    }

    fn of_block(block: &LineBlock) -> LinesTotal {
        let mut sums = UsageSums::default();
        block.add_to(&mut sums);
        LinesTotal { lines: sums.lines(), parts: 0, gross: gross_by_currency(&sums) }
    }
}

/// Gross per currency, sorted by currency.
pub fn gross_by_currency(sums: &UsageSums) -> Vec<(Currency, Sum)> {
    let mut totals = BTreeMap::<Currency, Sum>::new();
    for (key, sums) in sums.iter() {
        totals.entry(key.currency).or_default().0 += sums.gross.0;
    }
    totals.into_iter().collect()
}
