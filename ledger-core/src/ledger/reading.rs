//! Reading through the index, and without it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::chain::FRAME_HEADER_LEN;
use crate::chain::StoredRecord;
use crate::chain::frame::FrameHeader;
use crate::chain::frame_len;
use crate::event::Fact;
use crate::index::Bound;
use crate::index::Index;
use crate::index::Lookup;
use crate::index::RecordRow;
use crate::index::Row;
use crate::index::SledIndex;
use crate::index::known;
use crate::index::known::Trust;
use crate::index::rows;
use crate::ledger::IndexUse;
use crate::ledger::Ledger;
use crate::ledger::admit_whole;
use crate::ledger::known::Beginning;
use crate::ledger::known::knowledge;
use crate::ledger::known::stamped;
use crate::prefix::Known;
use crate::replay::Signatures;
use crate::replay::ledger_id;
use crate::replay::period_length;
use crate::replay::replay;
use crate::state::State;
use crate::store::Batch;
use crate::store::DiskLog;
use crate::store::Reader;
use crate::store::Segment;
use crate::store::SegmentHeader;
use crate::store::SegmentSource;
use crate::store::Witness;
use crate::store::reader::FrameAt;
use crate::store::segment::SEGMENT_HEADER_LEN;
use crate::store::witness::RememberedHead;
use crate::terms::Party;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// A ledger of more records has no look-ups: sled needs 0.1 ms for each to take them in, and reading
/// the log again takes some µs for each.
const LOOKUPS_MAX: u64 = 10_000;

impl Ledger {
    /// Loads a ledger to read: from the index; from the index and what was recorded since; or from
    /// the log. What was read is kept in the index.
    pub(super) fn read(
        folder: &Path,
        state_folder: Option<&Path>,
        log: DiskLog,
    ) -> Result<Ledger, Problem> {
        // Taken before the log is read: if a writer appends meanwhile, the index is bound to files
        // that are no more, and catches up next time.
        let segments = log.segments()?;
        let witness = Witness::new_on(log.files().clone(), state_folder, folder);
        let remembered = witness.head()?;
        let index = witness.index_folder().map(|path| known::of_index(log.files(), &path));
        let kept = index.and_then(known::read);
        if let Some(file) = &kept {
            let is_same = stamped(&segments, (u32::MAX, 0)) == file.known.segments;
            if is_same
                && fits_memory(&file.known, remembered)
                && let Some(state) = file.state(Trust::Untouched)
            {
                return Ok(Ledger::of_index(folder, (log, witness), state, IndexUse::Answered));
            }
        }
        // A head that is remembered before what the index knows is looked for in the log.
        let kept = kept.filter(|file| {
            remembered.is_none_or(|head| {
                head.ledger != file.known.ledger
                    || head.seq >= file.known.records
                    || fits_memory(&file.known, remembered)
            })
        });
        let beginning = kept.as_ref().and_then(|file| {
            let mut beginning = Beginning::for_reading(&log, file)?;
            let place = FrameAt { segment: 0, offset: 0, start: 0, len: 0 };
            beginning.remembered_at = Some((file.known.head, place));
            Some(beginning)
        });
        let mut is_known = beginning.is_some();
        let archives = beginning.as_ref().map(|known| known.start.state.archives().clone());
        let again = DiskLog::open_on(log.files().clone(), folder);
        let mut loaded = Ledger::load(folder, witness.clone(), log, (beginning, false));
        if archives.is_some_and(|archives| admit_whole(&archives).is_err()) {
            // What the index has could not be read: nothing counts that was judged behind it, refusals
            // among it.
            is_known = false;
            loaded = Ledger::load(folder, witness, again, (None, false));
        }
        let (mut ledger, place) = loaded?;
        if ledger.notices.is_empty() {
            ledger.keep(place, &segments, is_known);
        }
        Ok(ledger)
    }

    fn of_index(
        folder: &Path,
        (log, witness): (DiskLog, Witness),
        state: State,
        index_use: IndexUse,
    ) -> Ledger {
        let (folder, notices) = (folder.to_owned(), Vec::new());
        let index = OnceLock::new();
        Ledger { folder, log, witness, state, notices, index, index_use }
    }

    /// Keeps in the index what was read.
    fn keep(&mut self, place: (u32, u64), segments: &[Segment], is_known: bool) {
        let at = self.state.recorded_at();
        let stamped = stamped(segments, (u32::MAX, 0));
        let known = knowledge(&self.state, place, stamped, (at, None));
        let Some(folder) = self.witness.index_folder() else { return };
        let shelf = known::of_index(self.log.files(), &folder);
        let is_kept = known::keep(&shelf, &known, &self.state);
        self.index_use = match (is_kept, is_known) {
            (true, true) => IndexUse::CaughtUp,
            (true, false) => IndexUse::Rebuilt,
            (false, _) => IndexUse::Without,
        };
        if !is_kept {
            shelf.forget();
        }
    }

    /// The look-ups, up to date; `None` if they cannot be had.
    fn lookups(&self) -> Option<&SledIndex> {
        if self.index_use == IndexUse::Without || self.state.next_seq() > LOOKUPS_MAX {
            return None;
        }
        let index = self.index.get_or_init(|| {
            let index = SledIndex::open(&self.witness.index_folder()?)?;
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
                    let count = bound.rows + rows.len() as u64;
                    return index.apply(rows, &Bound { records, head, place, rows: count });
                }
            }
            _ => {}
        }
        let Some((rows, place)) = self.rows((0, 0), None) else { return false };
        let bound = Bound { records, head, place, rows: rows.len() as u64 };
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
                place = (at.segment, at.offset + at.len as u64);
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

    /// The record of the event with this id: its number is known, and the segment with that number is
    /// read. `None` if there is no such event, or if it is not found so.
    fn of_event(&self, id: &str) -> Option<Fact> {
        let id = EventId(Digest::parse(id).ok()?);
        let (seq, _) = self.state.event(&id)?;
        let first_of = |segment: &Segment| {
            let mut header = [0; SEGMENT_HEADER_LEN];
            self.log.read_at(segment.number, 0, &mut header).ok()?;
            Some(SegmentHeader::read(&header)?.first_seq)
        };
        let segments = self.log.segments().ok()?;
        let begins_before = |segment: &Segment| first_of(segment).is_some_and(|first| first <= seq);
        let segment = segments.into_iter().rev().find(begins_before)?;
        let mut reader = Reader::of_segment(&self.log, segment);
        let mut batch = Batch::default();
        while reader.next_batch(&mut batch).ok()? {
            for (_, frame) in batch.frames() {
                if FrameHeader::found(frame).is_some_and(|header| header.seq == seq) {
                    let record = StoredRecord::read_found(frame).ok()?.check_hash().ok()?;
                    let fact = record.fact(period_length(&self.state)).ok()?;
                    return Some(fact).filter(|fact| fact.id == id);
                }
            }
        }
        None
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
        let first = self.frame_at(0, SEGMENT_HEADER_LEN as u64);
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

/// Whether this machine remembers no other head than the one that the index knows.
fn fits_memory(known: &Known, remembered: Option<RememberedHead>) -> bool {
    remembered.is_none_or(|head| {
        head.ledger != known.ledger
            || (head.seq.checked_add(1) == Some(known.records) && head.hash == known.head)
    })
}
