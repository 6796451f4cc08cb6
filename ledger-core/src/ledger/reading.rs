//! Reading through the index, and without it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::chain::FRAME_HEADER_LEN;
use crate::chain::StoredRecord;
use crate::chain::frame_len;
use crate::event::Fact;
use crate::index::Bound;
use crate::index::Index;
use crate::index::Lookup;
use crate::index::RecordRow;
use crate::index::Row;
use crate::index::SNAPSHOT_KEY;
use crate::index::Said;
use crate::index::SledIndex;
use crate::index::rows;
use crate::index::snapshot;
use crate::ledger::IndexUse;
use crate::ledger::Ledger;
use crate::replay::Signatures;
use crate::replay::ledger_id;
use crate::replay::period_length;
use crate::replay::replay;
use crate::state::State;
use crate::store::Batch;
use crate::store::DiskLog;
use crate::store::Reader;
use crate::store::SegmentSource;
use crate::store::Witness;
use crate::terms::Party;
use crate::vocab::Id;
use crate::vocab::Problem;
use crate::vocab::Timestamp;
use crate::vocab::digest::Domain;

/// What the index keeps of a log, gathered while it is read.
#[derive(Default)]
pub(super) struct Seen {
    rows: Vec<RecordRow>,
    said: Vec<Said>,
}

impl Seen {
    /// Gathers what a fact adds; `state` is the state after it.
    pub(super) fn add(&mut self, state: &State, fact: &Fact, place: (u32, u64)) {
        self.rows.push(RecordRow::of(state, fact, place));
        self.said.extend(Said::of(fact));
    }
}

impl Ledger {
    /// Loads a ledger to read: from the index, or from the log; then the index is made anew.
    pub(super) fn read(
        folder: &Path,
        state_folder: Option<&Path>,
        log: DiskLog,
    ) -> Result<Ledger, Problem> {
        let index = SledIndex::open(folder);
        if let Some(ledger) = Ledger::from_index(folder, state_folder, &index)? {
            return Ok(Ledger { index, index_use: IndexUse::Answered, ..ledger });
        }
        // Taken before the log is read: if a writer appends meanwhile, the index is bound to files
        // that are no more, and is rebuilt next time.
        let stamps = stamps(&log)?;
        let mut seen = Seen::default();
        let mut ledger = Ledger::load(folder, state_folder, log, Some(&mut seen))?;
        if let Some(index) = index.filter(|_| ledger.notices.is_empty())
            && rebuild(&index, &ledger.state, seen, stamps)
        {
            ledger.index = Some(index);
            ledger.index_use = IndexUse::Rebuilt;
        }
        Ok(ledger)
    }

    /// The ledger as the index has it: if the files are as they were when they were last read and
    /// checked, and everything fits.
    fn from_index(
        folder: &Path,
        state_folder: Option<&Path>,
        index: &Option<SledIndex>,
    ) -> Result<Option<Ledger>, Problem> {
        let Some(index) = index else { return Ok(None) };
        let log = DiskLog::open(folder);
        let Some(bound) = index.bound() else { return Ok(None) };
        if bound.stamps != stamps(&log)? {
            return Ok(None);
        }
        let snapshot = index.get(SNAPSHOT_KEY);
        let sound = snapshot.filter(|bytes| Domain::Index.digest(bytes) == bound.snapshot);
        let Some(state) = sound.and_then(|bytes| snapshot::read(&bytes)) else { return Ok(None) };
        let witness = Witness::new(state_folder, folder);
        let fits_memory = witness.head()?.is_none_or(|head| {
            head.ledger != ledger_id(&state)
                || (head.seq.checked_add(1) == Some(bound.records) && head.hash == bound.head)
        });
        if !fits_memory || (state.next_seq(), state.head()) != (bound.records, bound.head) {
            return Ok(None);
        }
        let (folder, notices) = (folder.to_owned(), Vec::new());
        let index_use = IndexUse::Without;
        Ok(Some(Ledger { folder, log, witness, state, notices, index: None, index_use }))
    }

    /// Shows every record that all look-ups find, in order, with a state that knows the events
    /// that it names. The index is asked first; without it the log is read. Errors: those of
    /// [`Ledger::open`].
    pub fn select(
        &self,
        lookups: &[Lookup],
        show: &mut dyn FnMut(&State, &Fact),
    ) -> Result<(), Problem> {
        let found = self.index.as_ref().filter(|_| !lookups.is_empty());
        if let Some(facts) = found.and_then(|index| self.indexed(index, lookups)) {
            facts.iter().for_each(|fact| show(&self.state, fact));
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

    /// The records that all look-ups find, by the index; `None` if it cannot be relied on. Each
    /// record is read from the log and held against the look-ups.
    fn indexed(&self, index: &SledIndex, lookups: &[Lookup]) -> Option<Vec<Fact>> {
        let bound = index.bound()?;
        if index.len() != bound.rows + 1 {
            return None;
        }
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
                let mut header = [0; FRAME_HEADER_LEN];
                self.log.read_at(segment, offset, &mut header).ok()?;
                let mut frame = vec![0; frame_len(&header)?];
                self.log.read_at(segment, offset, &mut frame).ok()?;
                let fact = StoredRecord::read(&frame).ok()?.check_hash().ok()?.fact(length).ok()?;
                let row = RecordRow::of(&self.state, &fact, (segment, offset));
                let fits = fact.seq == seq && lookups.iter().all(|lookup| row.is_found_by(lookup));
                fits.then_some(fact)
            })
            .collect()
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

/// What the file system says about the segment files.
fn stamps(log: &DiskLog) -> Result<Vec<String>, Problem> {
    Ok(log.segments()?.into_iter().map(|segment| segment.stamp).collect())
}

/// Makes the index anew. False if it could not be written.
fn rebuild(index: &SledIndex, state: &State, seen: Seen, stamps: Vec<String>) -> bool {
    let Some(snapshot) = snapshot::write(state, seen.said) else { return index.clear() };
    let mut rows: Vec<Row> = seen.rows.iter().flat_map(RecordRow::rows).collect();
    let digest = Domain::Index.digest(&snapshot);
    rows.push((SNAPSHOT_KEY.to_vec(), snapshot));
    let bound = Bound {
        stamps,
        records: state.next_seq(),
        head: state.head(),
        snapshot: digest,
        rows: rows.len() as u64,
    };
    index.clear() && index.apply(rows, &bound)
}
