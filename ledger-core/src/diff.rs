//! Two copies of a ledger: the same, one ahead, or diverged; and where.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of records that were read: no disk holds 2^64"
)]

use crate::chain::StoredRecord;
use crate::event::Kind;
use crate::replay::is_at_end;
use crate::store::Batch;
use crate::store::Reader;
use crate::store::SegmentSource;
use crate::store::ending::torn_record;
use crate::vocab::Code;
use crate::vocab::Problem;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;

/// How two copies relate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Diff {
    /// Byte for byte the same records.
    Same {
        /// How many records.
        records: u64,
    },
    /// One has everything that the other has, and more.
    Ahead {
        /// Which one: the first given, or the second.
        first: bool,
        /// Records in common.
        common: u64,
        /// Records only the one ahead has.
        more: u64,
    },
    /// The copies have different records at the same number.
    Diverged {
        /// Records in common.
        common: u64,
        /// The record of the first copy there.
        first: Box<Side>,
        /// The record of the second copy there.
        second: Box<Side>,
    },
    /// The copies are of different ledgers.
    OtherLedger,
}

/// One copy's record at the first difference; all empty if it cannot be read at all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Side {
    /// Its hash, as stored.
    pub hash: RecordHash,
    /// Recorded time.
    pub recorded_at: Timestamp,
    /// Its author, as it says.
    pub party: String,
    /// The key that it says signed it.
    pub key: [u8; 32],
    /// The hash of the record before, as it says.
    pub previous: RecordHash,
    /// The number of the kind of its event.
    pub kind: u16,
    /// Whether hash and signature of the record are sound.
    pub sound: bool,
}

impl Diff {
    /// Whether the same key signed both sides of a divergence, on the same previous record: proof
    /// of double dealing, if both are sound.
    pub fn is_equivocation(&self) -> bool {
        match self {
            Diff::Diverged { first, second, .. } => {
                first.key == second.key
                    && first.previous == second.previous
                    && first.hash != second.hash
                    && first.sound
                    && second.sound
            }
            _ => false,
        }
    }
}

/// Frames of a log, one after another, but for what an unfinished append left of one.
struct Frames<'s> {
    reader: Reader<'s>,
    batch: Batch,
    next: usize,
    /// Frames that were returned.
    seen: u64,
    /// Of them, those that count if nothing follows: parts do with the event that closes them.
    counted: u64,
}

impl<'s> Frames<'s> {
    fn new(source: &'s dyn SegmentSource) -> Result<Frames<'s>, Problem> {
        let (reader, batch) = (Reader::new(source)?, Batch::default());
        Ok(Frames { reader, batch, next: 0, seen: 0, counted: 0 })
    }

    /// The next frame. Damage ends the log here, with an error.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        while self.next >= self.batch.len() {
            if !self.reader.next_batch(&mut self.batch)? {
                return match self.reader.ending() {
                    Some(crate::store::Ending::Damaged { problem, .. }) => Err((**problem).clone()),
                    _ => Ok(None),
                };
            }
            self.next = 0;
        }
        let Some((at, frame)) = self.batch.frame(self.next) else { return Ok(None) };
        self.next += 1;
        let is_last = is_at_end(at, self.reader.end());
        if is_last && torn_record(frame, at.offset) == Some(self.seen) {
            return Ok(None);
        }
        self.seen += 1;
        let part = Kind::UsagePart.number();
        if StoredRecord::read_found(frame).map_or(true, |stored| stored.kind.0 != part) {
            self.counted = self.seen;
        }
        Ok(Some(frame.to_vec()))
    }

    /// Whether more than the first so many frames count; it reads on until that shows.
    fn counts_more_than(&mut self, frames: u64) -> Result<bool, Problem> {
        while self.counted <= frames {
            if self.next()?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn side(frame: &[u8]) -> Side {
    let Ok(stored) = StoredRecord::read(frame) else { return Side::default() };
    let sound = stored.check_hash().is_ok_and(|checked| checked.check_signature().is_ok());
    Side {
        hash: stored.hash,
        recorded_at: stored.place.recorded_at,
        party: stored.party.to_owned(),
        key: *stored.key,
        previous: stored.place.previous,
        kind: stored.kind.0,
        sound,
    }
}

/// Compares two copies record by record, over their stored bytes. What an unfinished append left
/// does not count: neither a frame that was cut off, nor parts that no event closes. Errors: everything that makes a
/// log unreadable before the first difference.
pub fn diff(first: &dyn SegmentSource, second: &dyn SegmentSource) -> Result<Diff, Problem> {
    let (mut ours, mut theirs) = (Frames::new(first)?, Frames::new(second)?);
    // Frames that both have, and those of them that count whatever follows.
    let (mut common, mut counted) = (0u64, 0);
    let (first, second) = loop {
        match (ours.next()?, theirs.next()?) {
            (Some(a), Some(b)) if a == b => (common, counted) = (common + 1, ours.counted),
            sides => break sides,
        }
    };
    let (is_more, is_theirs_more) = match (&first, &second) {
        (None, None) => return Ok(Diff::Same { records: counted }),
        (a, b) => (
            a.is_some() && ours.counts_more_than(counted)?,
            b.is_some() && theirs.counts_more_than(counted)?,
        ),
    };
    match (first, second) {
        (Some(a), Some(b)) if is_more && is_theirs_more => {
            let (first, second) = (Box::new(side(&a)), Box::new(side(&b)));
            Ok(match common == 0 && first.sound && second.sound {
                true => Diff::OtherLedger,
                false => Diff::Diverged { common, first, second },
            })
        }
        _ if is_more || is_theirs_more => {
            let ahead = if is_more { &mut ours } else { &mut theirs };
            while ahead.next()?.is_some() {}
            Ok(Diff::Ahead { first: is_more, common: counted, more: ahead.counted - counted })
        }
        _ => Ok(Diff::Same { records: counted }),
    }
}

/// The refusal to fast-forward between copies of different ledgers.
pub fn other_ledger() -> Problem {
    Problem::new(Code::OtherLedger, "the folder is a copy of another ledger")
        .hint("compare the ledger ids that `revshare status` prints")
}
