//! Reading records through the look-ups, and without them.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of records that were read: no disk holds 2^64"
)]

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::chain::FRAME_HEADER_LEN;
use crate::chain::StoredRecord;
use crate::chain::frame_len;
use crate::checkpoint::find_record;
use crate::event::Fact;
use crate::index::Bound;
use crate::index::Index;
use crate::index::Lookup;
use crate::index::RecordRow;
use crate::index::Row;
use crate::index::SledIndex;
use crate::index::rows;
use crate::ledger::Ledger;
use crate::replay::Signatures;
use crate::replay::ledger_id;
use crate::replay::period_length;
use crate::replay::replay;
use crate::state::State;
use crate::store::Batch;
use crate::store::Reader;
use crate::store::SegmentSource;
use crate::store::reader::FrameAt;
use crate::store::segment::SEGMENT_HEADER_LEN;
use crate::terms::Party;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Problem;
use crate::vocab::Timestamp;
use crate::vocab::to_u64;

/// A ledger of more records has no look-ups: sled needs 0.1 ms for each to take them in, and reading
/// the log again takes some µs for each.
const LOOKUPS_MAX: u64 = 10_000;

impl Ledger {
    /// The look-ups, up to date; `None` if they cannot be had.
    fn lookups(&self) -> Option<&SledIndex> {
        if self.state.next_seq() > LOOKUPS_MAX {
            return None;
        }
        let index = self.lookups.get_or_init(|| {
            let index = SledIndex::open(&self.cache.as_ref()?.lookup_folder().ok()?)?;
            self.catch_up(&index).then_some(index)
        });
        index.as_ref()
    }

    /// Adds to the look-ups what was recorded since they were made, or makes them anew. False if that
    /// failed.
    fn catch_up(&self, index: &SledIndex) -> bool {
        let (records, head) = (self.state.next_seq(), self.state.head());
        let bound = index.bound().filter(|bound| index.len() == bound.rows + 1);
        match &bound {
            Some(bound) if (bound.records, bound.head) == (records, head) => return true,
            Some(bound) if bound.records < records => {
                if let Some((rows, place)) = self.rows(bound.place, Some(bound)) {
                    let count = bound.rows + to_u64(rows.len());
                    return index.apply(rows, &Bound { records, head, place, rows: count });
                }
            }
            _ => {}
        }
        let Some((rows, place)) = self.rows((0, 0), None) else { return false };
        let bound = Bound { records, head, place, rows: to_u64(rows.len()) };
        index.clear() && index.apply(rows, &bound)
    }

    /// The rows of the records from a place on up to the head, and where the next one will begin;
    /// `None` if they do not follow what the look-ups know, or do not lead to the head.
    fn rows(&self, from: (u32, u64), before: Option<&Bound>) -> Option<(Vec<Row>, (u32, u64))> {
        let mut reader = match before {
            Some(bound) => Reader::from_place(&self.log, from, Some(bound.records)).ok()?,
            None => Reader::new(&self.log).ok()?,
        };
        let mut last = before.map(|bound| bound.head).unwrap_or_default();
        let mut next = before.map_or(0, |bound| bound.records);
        let length = period_length(&self.state);
        let mut batch = Batch::default();
        let (mut rows, mut place) = (Vec::new(), from);
        while next < self.state.next_seq() && reader.next_batch(&mut batch).ok()? {
            let decode = |at: usize| {
                let (at, frame) = batch.frame(at)?;
                let record = StoredRecord::read_found(frame).ok()?.check_hash().ok()?;
                Some((at, record.fact(length).ok()?))
            };
            let facts: Vec<Option<(FrameAt, Fact)>> =
                (0..batch.len()).into_par_iter().map(decode).collect();
            for fact in facts {
                let (at, fact) = fact?;
                if next == self.state.next_seq() {
                    break;
                }
                if fact.seq != next || fact.previous != last {
                    return None;
                }
                (next, last) = (fact.seq + 1, fact.hash);
                place = (at.segment, at.end());
                rows.extend(RecordRow::of(&self.state, &fact, (at.segment, at.offset)).rows());
            }
        }
        (next == self.state.next_seq() && last == self.state.head()).then_some((rows, place))
    }

    /// Shows every record that all look-ups find, in order, with a state that knows the events
    /// that it names. The index is asked first; without it the log is read. Errors: those of
    /// [`Ledger::open`].
    pub fn select(
        &self,
        lookups: &[Lookup],
        show: &mut dyn FnMut(&State, &Fact),
    ) -> Result<(), Problem> {
        let index = if lookups.is_empty() { None } else { self.lookups() };
        if let Some(facts) = index.and_then(|index| self.indexed(index, lookups)) {
            facts.iter().for_each(|fact| show(&self.state, fact));
            return Ok(());
        }
        if let [Lookup::Prefix(name)] = lookups
            && let Some(fact) = self.of_event(name)
        {
            show(&self.state, &fact);
            return Ok(());
        }
        let next_seq = self.state.next_seq();
        replay(&self.log, None, Signatures::Trusted, &mut |state, fact, at| {
            let row = RecordRow::of(state, fact, (at.segment, at.offset));
            // Parts of a report that was never finished are no records.
            if fact.seq < next_seq && lookups.iter().all(|lookup| row.is_found_by(lookup)) {
                show(state, fact);
            }
        })?;
        Ok(())
    }

    /// The record of the event with this id; `None` if there is none, or if it is not found.
    fn of_event(&self, id: &str) -> Option<Fact> {
        let id = EventId(Digest::parse(id).ok()?);
        let (seq, _) = self.state.event(&id)?;
        let (_, at) = find_record(&self.log, seq)?;
        let frame = self.frame_at(at.segment, at.offset)?;
        let record = StoredRecord::read(&frame).ok()?.check_hash().ok()?;
        let fact = record.fact(period_length(&self.state)).ok()?;
        Some(fact).filter(|fact| fact.id == id)
    }

    /// The records that all look-ups find, by the index; `None` if it cannot be relied on. Each
    /// record is read from the log and held against the look-ups.
    fn indexed(&self, index: &SledIndex, lookups: &[Lookup]) -> Option<Vec<Fact>> {
        let (first, others) = lookups.split_first()?;
        let mut seqs = rows::find(index, first)?;
        for lookup in others {
            let also = rows::find(index, lookup)?;
            seqs.retain(|seq| also.binary_search(seq).is_ok());
        }
        let length = period_length(&self.state);
        seqs.into_iter()
            .map(|seq| {
                let (segment, offset) = rows::place(index, seq)?;
                let frame = self.frame_at(segment, offset)?;
                let fact = StoredRecord::read(&frame).ok()?.check_hash().ok()?.fact(length).ok()?;
                let row = RecordRow::of(&self.state, &fact, (segment, offset));
                let fits = fact.seq == seq && lookups.iter().all(|lookup| row.is_found_by(lookup));
                fits.then_some(fact)
            })
            .collect()
    }
}

impl Ledger {
    /// When the ledger was opened: the recorded time of record 0. Errors: those of
    /// [`Ledger::open`].
    pub fn opened_at(&self) -> Result<Timestamp, Problem> {
        let first = self.frame_at(0, to_u64(SEGMENT_HEADER_LEN));
        let record = first.as_deref().and_then(|frame| StoredRecord::read(frame).ok());
        if let Some(record) = record.and_then(|record| record.check_hash().ok())
            && record.stored.hash.0 == ledger_id(&self.state).0
        {
            return Ok(record.stored.place.recorded_at);
        }
        let mut at = self.state.recorded_at();
        replay(&self.log, Some(0), Signatures::Trusted, &mut |_, fact, _| at = fact.recorded_at)?;
        Ok(at)
    }

    /// The bytes of the frame at a place, as far as they can be had.
    fn frame_at(&self, segment: u32, offset: u64) -> Option<Vec<u8>> {
        let mut header = [0; FRAME_HEADER_LEN];
        self.log.read_at(segment, offset, &mut header).ok()?;
        let mut frame = vec![0; frame_len(&header)?];
        self.log.read_at(segment, offset, &mut frame).ok()?;
        Some(frame)
    }
}

/// Whether a party has signed a record after another one: its signature covers both.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedAbove {
    /// The party.
    pub party: Id,
    /// The number and the recorded time of the first such record, if there is one.
    pub first: Option<(u64, Timestamp)>,
}

impl Ledger {
    /// Who has signed above a record, up to and including the record `last`: every party of the
    /// terms up to there, in the order in which they were first listed. Errors: those of
    /// [`Ledger::open`].
    pub fn signed_above(&self, seq: u64, last: u64) -> Result<Vec<SignedAbove>, Problem> {
        let mut firsts = BTreeMap::new();
        let see = &mut |_: &State, fact: &Fact, _| {
            if fact.seq > seq {
                let first = (fact.seq, fact.recorded_at);
                firsts.entry(fact.author.party.clone()).or_insert(first);
            }
        };
        let state = replay(&self.log, Some(last), Signatures::Trusted, see)?.state;
        let parties = state.agreement().map(|known| known.versions().listed_parties());
        let above = |party: &Party| SignedAbove {
            party: party.id.clone(),
            first: firsts.get(&party.id).copied(),
        };
        Ok(parties.unwrap_or_default().into_iter().map(above).collect())
    }

    /// The signature of a record, as it is stored; `None` if there is no such record. Errors:
    /// those of reading the log.
    pub fn signature(&self, seq: u64) -> Result<Option<[u8; 64]>, Problem> {
        let mut reader = Reader::new(&self.log)?;
        let mut batch = Batch::default();
        while reader.next_batch(&mut batch)? {
            for (_, frame) in batch.frames() {
                let record = StoredRecord::read(frame)?;
                if record.place.seq == seq {
                    return Ok(Some(*record.signature));
                }
            }
        }
        Ok(None)
    }
}
