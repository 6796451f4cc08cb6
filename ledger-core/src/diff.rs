//! Two copies of a ledger: the same, one ahead, or diverged; and where.

use crate::chain::StoredRecord;
use crate::store::Batch;
use crate::store::Reader;
use crate::store::SegmentSource;
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

/// Frames of a log, one after another.
struct Frames<'s> {
    reader: Reader<'s>,
    batch: Batch,
    next: usize,
}

impl<'s> Frames<'s> {
    fn new(source: &'s dyn SegmentSource) -> Result<Frames<'s>, Problem> {
        Ok(Frames { reader: Reader::new(source)?, batch: Batch::default(), next: 0 })
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
        let frame = self.batch.frame(self.next).map(|(_, frame)| frame.to_vec());
        self.next += 1;
        Ok(frame)
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

/// Compares two copies record by record, over their stored bytes. Errors: everything that makes a
/// log unreadable before the first difference.
pub fn diff(first: &dyn SegmentSource, second: &dyn SegmentSource) -> Result<Diff, Problem> {
    let (mut ours, mut theirs) = (Frames::new(first)?, Frames::new(second)?);
    let mut common = 0u64;
    loop {
        match (ours.next()?, theirs.next()?) {
            (None, None) => return Ok(Diff::Same { records: common }),
            (Some(a), Some(b)) if a == b => common += 1,
            (Some(a), Some(b)) => {
                let (first, second) = (Box::new(side(&a)), Box::new(side(&b)));
                return Ok(match common == 0 && first.sound && second.sound {
                    true => Diff::OtherLedger,
                    false => Diff::Diverged { common, first, second },
                });
            }
            (a, b) => {
                let is_first = a.is_some();
                let ahead = if is_first { &mut ours } else { &mut theirs };
                debug_assert!(a.is_some() != b.is_some());
                let mut more = 1;
                while ahead.next()?.is_some() {
                    more += 1;
                }
                return Ok(Diff::Ahead { first: is_first, common, more });
            }
        }
    }
}

/// The refusal to fast-forward between copies of different ledgers.
pub fn other_ledger() -> Problem {
    Problem::new(Code::OtherLedger, "the folder is a copy of another ledger")
        .hint("compare the ledger ids that `revshare status` prints")
}
