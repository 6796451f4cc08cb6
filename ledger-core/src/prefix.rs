//! How far a log is known to this machine, and whether it still begins so.
//!
//! A record's hash covers its bytes and the hash of the record before it, so that one hash stands for
//! a whole beginning: if the records up to a place link to it, their bytes are those that were judged
//! when it was remembered. Signatures stand behind the hash; they are held against a digest of their
//! own.

use std::sync::Mutex;

use rayon::prelude::*;

use crate::chain::StoredRecord;
use crate::replay::is_at_end;
use crate::store::Batch;
use crate::store::Ending;
use crate::store::Reader;
use crate::store::Segment;
use crate::store::SegmentSource;
use crate::store::reader::FrameAt;
use crate::vocab::Digest;
use crate::vocab::LedgerId;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;
use crate::vocab::digest::Domain;

/// Frames that a thread takes at once at least: hashing a small one takes half a microsecond.
const SHARE_MIN: usize = 512;

/// How far a log is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// The ledger.
    pub ledger: LedgerId,
    /// How many records are known.
    pub records: u64,
    /// Hash of the last of them.
    pub head: RecordHash,
    /// Where the record behind it begins, or will: segment and offset.
    pub place: (u32, u64),
    /// When it was remembered.
    pub at: Timestamp,
    /// Up to which record, and when, everything was last gone through at once.
    pub complete: (u64, Timestamp),
    /// The segments up to there, in order.
    pub segments: Vec<KnownSegment>,
    /// Digest of the snapshot of the state behind the last of these records.
    pub snapshot: Digest,
}

/// A segment, as it was when it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownSegment {
    /// What the file system said about it.
    pub stamp: String,
    /// Digest of its signatures, as far as its records are known; none where signatures were not
    /// checked.
    pub signatures: Option<Digest>,
}

/// Which bytes are read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Again {
    /// All.
    All,
    /// From the first segment on that was touched since, as the file system says.
    Touched,
}

/// Signatures of records, segment by segment.
#[derive(Clone, Debug, Default)]
pub struct SignatureDigests(Vec<(u32, blake3::Hasher)>);

impl SignatureDigests {
    /// Adds the signature of the next record.
    pub fn add(&mut self, segment: u32, signature: &[u8; 64]) {
        match self.0.last_mut().filter(|(last, _)| *last == segment) {
            Some((_, hasher)) => {
                hasher.update(signature);
            }
            None => {
                let mut hasher = Domain::Index.hasher();
                hasher.update(signature);
                self.0.push((segment, hasher));
            }
        }
    }

    /// The digest of a segment's; `None` if none was added.
    pub fn of(&self, segment: u32) -> Option<Digest> {
        let found = self.0.iter().find(|(number, _)| *number == segment);
        found.map(|(_, hasher)| Digest(*hasher.finalize().as_bytes()))
    }
}

/// Whether a log begins as it is known: `None` if not, or if that cannot be told. What was read
/// again for that is returned. Segments are read in parallel.
pub fn holds(
    source: &dyn SegmentSource,
    known: &Known,
    again: Again,
    wanted: Option<u64>,
) -> Option<ReadAgain> {
    let segments = source.segments().ok()?;
    let needed = segments.get(..=known.place.0 as usize)?;
    let in_order = (0u32..).zip(needed).all(|(number, segment)| segment.number == number);
    if !in_order || needed.last()?.len < known.place.1 {
        return None;
    }
    let untouched = |(segment, known): (&Segment, &KnownSegment)| {
        again == Again::Touched && segment.stamp == known.stamp && !segment.stamp.is_empty()
    };
    let first = needed.iter().zip(&known.segments).take_while(|both| untouched(*both)).count();
    let end = segments.last().map(|last| (last.number, last.len));
    let batches = Mutex::new(Vec::new());
    let stretches = needed[first..].par_iter().map(|segment| {
        let len = match segment.number == known.place.0 {
            true => known.place.1,
            false => segment.len,
        };
        let mut batch: Batch = batches.lock().ok()?.pop().unwrap_or_default();
        let reader = Reader::of_segment(source, Segment { len, ..segment.clone() });
        let stretch = Stretch::read(reader, &mut batch, (known.ledger, wanted, end));
        batches.lock().ok()?.push(batch);
        stretch
    });
    let stretches = stretches.collect::<Option<Vec<Stretch>>>()?;
    let mut read = ReadAgain::default();
    // The hash of the record before the first is known by the one that names it.
    let mut last = None;
    for stretch in stretches {
        let Stretch { segment, first_seq, records, signatures, wanted } = stretch;
        let follows = match last {
            Some((seq, _)) => u64::checked_add(seq, 1) == Some(first_seq),
            None => (first == 0) == (first_seq == 0),
        };
        // A segment in which nothing stands yet links to nothing.
        let Some(Records { previous, last_seq, head }) = records else {
            if follows { continue } else { return None }
        };
        let links = last.is_none_or(|(_, hash)| previous == hash);
        if !follows || !links {
            return None;
        }
        last = Some((last_seq, head));
        read.wanted = read.wanted.or(wanted);
        read.signatures.0.push((segment, signatures));
    }
    let same = match last {
        Some((seq, head)) => seq.checked_add(1) == Some(known.records) && head == known.head,
        None => first == needed.len(),
    };
    let signed = (0u32..).zip(&known.segments).skip(first).all(|(number, segment)| {
        segment.signatures.is_none() || segment.signatures == read.signatures.of(number)
    });
    (same && signed).then_some(read)
}

/// What was read again of a beginning that holds.
#[derive(Debug, Default)]
pub struct ReadAgain {
    /// The signatures, segment by segment.
    pub signatures: SignatureDigests,
    /// Hash and place of the record that was asked for, if it was among what was read.
    pub wanted: Option<(RecordHash, FrameAt)>,
}

/// The records of a segment, which link to each other.
struct Stretch {
    segment: u32,
    first_seq: u64,
    records: Option<Records>,
    signatures: blake3::Hasher,
    wanted: Option<(RecordHash, FrameAt)>,
}

/// How a stretch links to what stands before and behind it.
struct Records {
    /// What its first record names.
    previous: RecordHash,
    last_seq: u64,
    head: RecordHash,
}

impl Stretch {
    /// Reads and hashes a segment; `None` if it is not whole, or not of this ledger. The signature of
    /// the last record of a log, which ends at `end`, is checked: a power cut may have left it
    /// without its end.
    fn read(
        mut reader: Reader<'_>,
        batch: &mut Batch,
        (ledger, wanted, end): (LedgerId, Option<u64>, Option<(u32, u64)>),
    ) -> Option<Stretch> {
        let (segment, _) = reader.place();
        let mut signatures = Domain::Index.hasher();
        let (mut records, mut found): (Option<Records>, _) = (None, None);
        while reader.next_batch(batch).ok()? {
            let frames = (0..batch.len()).into_par_iter().with_min_len(SHARE_MIN);
            let hashed = frames.map(|number| {
                let (at, frame) = batch.frame(number)?;
                let record = StoredRecord::read_found(frame).ok()?.check_hash().ok()?;
                if is_at_end(at, end) {
                    record.check_signature().ok()?;
                }
                Some((at, record.stored))
            });
            for hashed in hashed.collect::<Vec<Option<(FrameAt, StoredRecord<'_>)>>>() {
                let (at, StoredRecord { place, hash, signature, .. }) = hashed?;
                let follows = match &records {
                    Some(Records { last_seq, head, .. }) => {
                        last_seq.checked_add(1) == Some(place.seq) && place.previous == *head
                    }
                    None => reader.first_seq() == Some(place.seq),
                };
                // Record 0 names no ledger: its hash is the ledger's id.
                let names =
                    if place.seq == 0 { hash.0 == ledger.0 } else { place.ledger == ledger };
                if !follows || !names {
                    return None;
                }
                signatures.update(signature);
                if wanted == Some(place.seq) {
                    found = Some((hash, at));
                }
                let previous = records.map_or(place.previous, |records| records.previous);
                records = Some(Records { previous, last_seq: place.seq, head: hash });
            }
        }
        let first_seq = reader.first_seq()?;
        (*reader.ending()? == Ending::Clean).then_some(Stretch {
            segment,
            first_seq,
            records,
            signatures,
            wanted: found,
        })
    }
}
