//! Look-ups: which records have this hash, this id, are about this period, of this party or kind.

use crate::event::Event;
use crate::event::Fact;
use crate::event::Kind;
use crate::event::PayoutReceipt;
use crate::event::PayoutReturn;
use crate::index::Index;
use crate::index::Row;
use crate::state::State;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;

/// What a record can be found by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// Hash of the record or id of its event, by its first hexadecimal digits (lower case).
    Prefix(String),
    /// What it is about.
    Period(Period),
    /// Its author, or the receiver of the payout that it is about.
    Party(Id),
    /// Its kind.
    Kind(Kind),
    /// The dispute that it opens, or is a step of.
    Dispute(EventId),
}

/// A record and everything that it is found by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordRow {
    /// Sequence number.
    pub seq: u64,
    /// Segment and offset of its frame.
    pub place: (u32, u64),
    /// Hash of the record, and id of its event.
    pub names: [Digest; 2],
    /// Periods that it is about.
    pub periods: Vec<Period>,
    /// Its author, and who else it is about.
    pub parties: Vec<Id>,
    /// Its kind.
    pub kind: Kind,
    /// The dispute that it opens, or is a step of.
    pub dispute: Option<EventId>,
}

impl RecordRow {
    /// What a fact is found by; `state` is the state after it.
    pub fn of(state: &State, fact: &Fact, place: (u32, u64)) -> RecordRow {
        let agreement = state.agreement();
        let report = |id| agreement.and_then(|known| known.report(id)).map(|r| r.period);
        let statement = |id| agreement.and_then(|known| known.statement_of(id));
        let receiver = |id| -> Option<Id> {
            let payout = agreement?.payouts().get(id).map(|record| record.payout.to.clone());
            let advance = || agreement?.advances().get(id).map(|one| one.advance.to.clone());
            payout.or_else(advance)
        };
        let mut parties = vec![fact.author.party.clone()];
        let periods = match &fact.event {
            Event::UsageReported(said) => vec![said.period],
            Event::UsageCorrected(said) => report(&said.corrects).into_iter().collect(),
            Event::UsageMissing(period) => vec![*period],
            Event::StatementIssued(said) => said.entries.iter().map(|entry| entry.period).collect(),
            Event::StatementAccepted(id) => {
                statement(id).map(|record| record.statement.period).into_iter().collect()
            }
            Event::PayoutSent(said) => {
                parties.push(said.to.clone());
                Vec::new()
            }
            Event::PayoutConfirmed(PayoutReceipt { payout, .. })
            | Event::PayoutReturned(PayoutReturn { payout, .. }) => {
                parties.extend(receiver(payout));
                Vec::new()
            }
            Event::AdvancePaid(said) => {
                parties.push(said.to.clone());
                Vec::new()
            }
            Event::RateProposed(said) => vec![said.period],
            Event::LedgerOpened(_)
            | Event::Accepted(_)
            | Event::UsagePart(_)
            | Event::Acknowledged(_)
            | Event::AmendmentProposed(_)
            | Event::ProposalRejected(_)
            | Event::ProposalWithdrawn(_)
            | Event::ContributionClaimed(_)
            | Event::ContributionEnded(_)
            | Event::DisputeOpened(_)
            | Event::DisputeResponded(_)
            | Event::DisputeAccepted(_)
            | Event::DisputeSettled(_)
            | Event::DisputeEscalated(_)
            | Event::DisputeDetermined(_)
            | Event::DisputeWithdrawn(_)
            | Event::EvidenceAttached(_)
            | Event::EvidenceErased(_) => Vec::new(),
        };
        let opened = matches!(fact.event, Event::DisputeOpened(_)).then_some(fact.id);
        let dispute = opened.or_else(|| fact.event.of_dispute());
        let dispute = dispute.or_else(|| about_dispute(state, &fact.event));
        let known = dispute.as_ref().and_then(|id| agreement?.disputes().get(id));
        // A dispute is about its period, and about everybody who is in it.
        let periods = match known {
            Some(known) => known.period.into_iter().chain(periods).collect(),
            None => periods,
        };
        parties.extend(known.into_iter().flat_map(|known| known.parties().cloned()));
        parties.sort();
        parties.dedup();
        RecordRow {
            seq: fact.seq,
            place,
            names: [fact.hash.0, fact.id.0],
            periods,
            parties,
            kind: fact.event.kind(),
            dispute,
        }
    }

    /// Whether a look-up finds the record.
    pub fn is_found_by(&self, lookup: &Lookup) -> bool {
        match lookup {
            Lookup::Prefix(prefix) => {
                self.names.iter().any(|name| name.to_string().starts_with(prefix.as_str()))
            }
            Lookup::Period(period) => self.periods.contains(period),
            Lookup::Party(party) => self.parties.contains(party),
            Lookup::Kind(kind) => self.kind == *kind,
            Lookup::Dispute(id) => self.dispute == Some(*id),
        }
    }

    /// The rows of the index for the record.
    pub fn rows(&self) -> Vec<Row> {
        let mut place = self.place.0.to_be_bytes().to_vec();
        place.extend_from_slice(&self.place.1.to_be_bytes());
        let mut rows = vec![(place_key(self.seq), place)];
        let mut found_by = |mut key: Vec<u8>| {
            // Big-endian, so that keys sort by record number.
            key.extend_from_slice(&self.seq.to_be_bytes());
            rows.push((key, Vec::new()));
        };
        for name in &self.names {
            found_by([b"n/", name.to_string().as_bytes()].concat());
        }
        self.periods.iter().for_each(|period| found_by(period_key(*period)));
        self.parties.iter().for_each(|party| found_by(party_key(party)));
        found_by(kind_key(self.kind));
        if let Some(dispute) = &self.dispute {
            found_by(dispute_key(dispute));
        }
        rows
    }
}

fn place_key(seq: u64) -> Vec<u8> {
    [b"p/", &seq.to_be_bytes()[..]].concat()
}

fn period_key(period: Period) -> Vec<u8> {
    format!("t/{period}/").into_bytes()
}

fn party_key(party: &Id) -> Vec<u8> {
    format!("w/{party}/").into_bytes()
}

fn dispute_key(dispute: &EventId) -> Vec<u8> {
    format!("d/{dispute}/").into_bytes()
}

/// The dispute that a file of evidence is about, if it is about a step of one.
fn about_dispute(state: &State, event: &Event) -> Option<EventId> {
    let Event::EvidenceAttached(attachment) = event else { return None };
    let disputes = state.agreement()?.disputes();
    disputes.contains_key(&attachment.about).then_some(attachment.about)
}

fn kind_key(kind: Kind) -> Vec<u8> {
    format!("k/{}/", kind.as_str()).into_bytes()
}

/// The records that a look-up finds, in order. `None` if the rows are not what they should be.
pub fn find(index: &dyn Index, lookup: &Lookup) -> Option<Vec<u64>> {
    let key = match lookup {
        Lookup::Prefix(prefix) => [b"n/", prefix.as_bytes()].concat(),
        Lookup::Period(period) => period_key(*period),
        Lookup::Party(party) => party_key(party),
        Lookup::Kind(kind) => kind_key(*kind),
        Lookup::Dispute(id) => dispute_key(id),
    };
    let seq = |rest: &Vec<u8>| Some(u64::from_be_bytes(*rest.last_chunk()?));
    let mut found = index.range(&key).iter().map(seq).collect::<Option<Vec<u64>>>()?;
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// Where a record's frame lies.
pub fn place(index: &dyn Index, seq: u64) -> Option<(u32, u64)> {
    let bytes = index.get(&place_key(seq))?;
    let (segment, offset) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*segment), u64::from_be_bytes(offset.try_into().ok()?)))
}
